"""What would make a product suitable: the smallest sets of facts that, changed, let it pass."""

from suitably.suitability.what_if.find import find_what_ifs
from suitably.suitability.what_if.record import WhatIf

__all__ = ["WhatIf", "find_what_ifs"]
