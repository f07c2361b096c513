"""Allocation: the best plan under budget, capacities and quotas, or nearly."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.decisions.allocation import highs
from suitably.decisions.allocation.problem import (
    Allocation,
    Constraints,
    InfeasibleError,
    OfferSource,
    OfferTable,
)
from suitably.decisions.allocation.repair import repair
from suitably.decisions.allocation.rounding import rounded
from suitably.decisions.allocation.shortlists import Lister, ShortLists
from suitably.decisions.allocation.state import PlanState

__all__ = ["allocate"]

_TINY = 2_000


def allocate(
    source: OfferSource, offers: OfferTable, constraints: Constraints, keys: NDArray[np.uint64]
) -> Allocation:
    """Return the plan of greatest net value, or one near to it; `bound` tells how near at least.

    Args:
        source: The nets.
        offers: The offers.
        constraints: What the plan keeps to.
        keys: uint64 (users,), hashes of ids: they tell apart users who are alike.

    Raises:
        InfeasibleError: No plan meets all minimums.
    """
    everything = len(offers)
    lister = Lister(offers, constraints, everything, everything, 0.0)
    lists = lister.draw(source, keys, np.zeros(len(offers)))
    entries = int((lists.nets > -np.inf).sum())
    if not entries and constraints.fewest.max(initial=0) <= 0:
        nothing = highs.Relaxation(
            np.zeros_like(lists.nets), 0.0, 0.0, np.zeros(len(constraints.most))
        )
        return _allocation(lists, nothing, offers, constraints, np.zeros(lists.nets.shape, bool))
    found = highs.relaxed(lists, offers, constraints) if entries else None
    if found is None:
        raise InfeasibleError(tuple(np.flatnonzero(constraints.fewest > 0).tolist()))
    made = rounded(found.shares, keys, constraints.per_user)
    prices = _prices(found, offers, constraints)
    state = PlanState(lists, offers, constraints, made, prices, keys)
    mended = repair(state)
    bound = found.value
    if entries <= _TINY or not mended:
        best = highs.integer(lists, offers, constraints)
        if best is not None:
            bound = min(bound, best[1])
            other = PlanState(lists, offers, constraints, best[0], prices, keys)
            good = repair(other)
            if good and (not mended or _value(other) > _value(state)):
                state, mended = other, good
    if not mended:
        raise InfeasibleError(tuple(np.flatnonzero(constraints.fewest > 0).tolist()))
    return _allocation(lists, found, offers, constraints, state.chosen, bound)


def _value(state: PlanState) -> float:
    return float(state.nets[state.chosen].sum())


def _prices(found: Any, offers: OfferTable, constraints: Constraints) -> NDArray[np.float64]:
    prices: NDArray[np.float64] = (
        found.budget_price * offers.costs + found.limit_prices @ constraints.members
    )
    return prices


def _allocation(
    lists: ShortLists,
    found: highs.Relaxation,
    offers: OfferTable,
    constraints: Constraints,
    chosen: NDArray[np.bool_],
    bound: float = 0.0,
) -> Allocation:
    chosen = chosen.reshape(lists.nets.shape)
    *places, users = np.nonzero(chosen)
    made = lists.offers[*places, users].astype(np.int64)
    order = np.lexsort((made, users))
    users, made = users[order], made[order]
    nets = lists.nets[chosen][order]
    counts = np.bincount(made, minlength=len(offers))
    value = float(nets.sum())
    return Allocation(
        users,
        made,
        nets,
        found.budget_price,
        found.limit_prices,
        float((counts * offers.costs).sum()),
        constraints.members @ counts,
        max(bound, value),
        value,
    )
