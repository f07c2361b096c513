"""Prices of limits of 0: what a first unit would earn."""

import numpy as np
from numpy.typing import NDArray

from suitably.decisions.allocation.problem import Constraints, OfferTable
from suitably.decisions.allocation.shortlists import ShortLists

__all__ = ["first_units"]


def first_units(
    lists: ShortLists,
    offers: OfferTable,
    constraints: Constraints,
    budget_price: float,
    limit_prices: NDArray[np.float64],
) -> tuple[float, NDArray[np.float64]]:
    """Return prices, those of limits of 0 no higher than what a first unit of them would earn.

    Any price that is high enough keeps everybody from what there is none of, and the dual is as
    low at all of them.

    Args:
        lists: All offers of all users, or of a sample.
        offers: The offers.
        constraints: What the prices are of.
        budget_price: Of a unit of money.
        limit_prices: float64 (limits,).
    """
    there = lists.offers >= 0

    def gained(money: float, limits: NDArray[np.float64]) -> NDArray[np.float64]:
        prices = money * offers.costs + limits @ constraints.members
        return np.where(there, lists.nets - prices[lists.offers], -np.inf)

    best, most = gained(budget_price, limit_prices).max(axis=1), constraints.per_user
    last = np.sort(best, axis=0)[len(best) - most] if 0 < most <= len(best) else 0.0
    slot = np.maximum(last, 0.0)  # what the unit has to exceed

    def first(used: NDArray[np.float64], without: NDArray[np.float64]) -> float:
        amount = np.where(there, used[lists.offers], 0.0)
        some = amount > 0
        return max(float(((without - slot)[some] / amount[some]).max(initial=0.0)), 0.0)

    lowered = limit_prices.copy()
    for place in np.flatnonzero((constraints.most == 0) & (limit_prices > 0)):
        others = limit_prices.copy()
        others[place] = 0.0
        unit = first(constraints.members[place].astype(float), gained(budget_price, others))
        lowered[place] = min(limit_prices[place], unit)
    if constraints.budget == 0 and budget_price > 0:
        budget_price = min(budget_price, first(offers.costs, gained(0.0, limit_prices)))
    return budget_price, lowered
