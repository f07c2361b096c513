"""Whom, with what, through which channel, within which budget?"""

from suitably.decisions.campaign import Campaign
from suitably.decisions.offers import offers
from suitably.decisions.plan import Plan
from suitably.decisions.propensity import Calibration, Propensity, ReliabilityBin
from suitably.decisions.result import CampaignResult, LedgerRow
from suitably.decisions.uplift import Groups, Overlap, Uplift, UpliftArea, auuc, qini

__all__ = [
    "Calibration",
    "Campaign",
    "CampaignResult",
    "Groups",
    "LedgerRow",
    "Overlap",
    "Plan",
    "Propensity",
    "ReliabilityBin",
    "Uplift",
    "UpliftArea",
    "auuc",
    "offers",
    "qini",
]
