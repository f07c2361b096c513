"""Which offers to make to whom: an assignment under budget, capacities and quotas, on arrays."""

from suitably.decisions.allocation.allocate import allocate
from suitably.decisions.allocation.problem import (
    Allocation,
    Constraints,
    InfeasibleError,
    OfferSource,
    OfferTable,
)

__all__ = [
    "Allocation",
    "Constraints",
    "InfeasibleError",
    "OfferSource",
    "OfferTable",
    "allocate",
]
