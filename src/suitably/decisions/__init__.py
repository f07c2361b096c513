"""Whom, with what, through which channel, within which budget?"""

from suitably.decisions.campaign import Campaign
from suitably.decisions.offers import offers
from suitably.decisions.plan import Plan
from suitably.decisions.result import CampaignResult, LedgerRow

__all__ = ["Campaign", "CampaignResult", "LedgerRow", "Plan", "offers"]
