"""What a relaxed problem gives: shares of offers, prices, and a bound on any plan."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suitably.decisions.allocation.problem import Constraints, OfferTable
from suitably.decisions.allocation.shortlists import ShortLists

__all__ = ["Relaxation"]


@dataclass(frozen=True, eq=False)
class Relaxation:
    """An optimum, or nearly, in which offers may be made in part.

    Attributes:
        lists: What there is to choose among.
        shares: float64, like the nets of the lists.
        bound: No plan earns more.
        budget_price: What one more unit of money would earn.
        limit_prices: float64 (limits,), positive for maximums, negative for minimums.
    """

    lists: ShortLists
    shares: NDArray[np.float64]
    bound: float
    budget_price: float
    limit_prices: NDArray[np.float64]

    def prices(self, offers: OfferTable, constraints: Constraints) -> NDArray[np.float64]:
        """Return what an offer uses, at the prices of the limits: float64 (offers,)."""
        prices: NDArray[np.float64] = (
            self.budget_price * offers.costs + self.limit_prices @ constraints.members
        )
        return prices
