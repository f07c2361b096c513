"""Whom would an approach make buy, whom not, and whom would it drive away?"""

from suitably.decisions.uplift.groups import Groups
from suitably.decisions.uplift.overlap import Overlap
from suitably.decisions.uplift.qini import UpliftArea, auuc, qini
from suitably.decisions.uplift.uplift import Uplift

__all__ = ["Groups", "Overlap", "Uplift", "UpliftArea", "auuc", "qini"]
