"""Ghost offers: what held-out users would have been offered, by the plan's own prices."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from suitably.decisions.plan import Plan

__all__ = ["ghost_offers"]

_Offers = tuple[NDArray[np.int64], NDArray[np.int64]]


def ghost_offers(plan: "Plan") -> _Offers:
    """Return rows of held-out users and the offers that they would have been made.

    Source:
        Johnson, Lewis, Nubbemeyer (2017), Ghost Ads: Improving the Economics of Measuring Online
        Ad Effectiveness, Journal of Marketing Research 54(6): whoever would have been approached is
        compared with whoever was.
    """
    universe, found = plan.universe, plan.planned.allocation
    prices = found.budget_price * universe.costs
    if len(found.limit_prices):
        prices = prices + found.limit_prices @ plan.limits.members
    shut = plan.limits.members[plan.limits.at_most == 0].any(axis=0)
    budget = plan.constraints.budget
    if budget is not None:
        shut = shut | (universe.costs > budget)
    first = len(universe.rows)
    held = first + np.arange(len(universe.held))

    def work(places: NDArray[np.int64], nets: NDArray[Any]) -> _Offers:
        worth = np.where(shut, -np.inf, nets - prices)
        users, offers = [], []
        for _ in range(plan.constraints.per_user):
            best = np.argmax(worth, axis=1)
            open_to = np.flatnonzero(worth[np.arange(len(best)), best] > 0)
            if not len(open_to):
                break
            users.append(places[open_to])
            offers.append(best[open_to])
            product = best[open_to] // universe.several
            for channel in range(universe.several):
                worth[open_to, product * universe.several + channel] = -np.inf
        none = np.zeros(0, np.int64)
        return np.concatenate([none, *users]), np.concatenate([none, *offers])

    parts = [made for _, made in plan.nets.map(work, held)] if len(held) else []
    none = np.zeros(0, np.int64)
    users = np.concatenate([none, *(one for one, _ in parts)]) - first
    offers = np.concatenate([none, *(one for _, one in parts)])
    order = np.lexsort((offers, users))
    return universe.held[users[order]], offers[order]
