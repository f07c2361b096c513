"""Whom, with what, through which channel, within which budget?"""

from suitably.decisions.campaign import Campaign
from suitably.decisions.offers import offers
from suitably.decisions.plan import Plan

__all__ = ["Campaign", "Plan", "offers"]
