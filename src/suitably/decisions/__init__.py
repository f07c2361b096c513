"""Whom, with what, through which channel, within which budget?"""

from suitably.decisions.propensity import Calibration, Propensity, ReliabilityBin
from suitably.decisions.uplift import Groups, Overlap, Uplift, UpliftArea, auuc, qini

__all__ = [
    "Calibration",
    "Groups",
    "Overlap",
    "Propensity",
    "ReliabilityBin",
    "Uplift",
    "UpliftArea",
    "auuc",
    "qini",
]
