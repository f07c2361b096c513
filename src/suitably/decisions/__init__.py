"""Whom, with what, through which channel, within which budget?"""

from suitably.decisions.uplift import Groups, Overlap, Uplift, UpliftArea, auuc, qini

__all__ = ["Groups", "Overlap", "Uplift", "UpliftArea", "auuc", "qini"]
