"""Allocation: the best plan under budget, capacities and quotas, or nearly."""

import math

import numpy as np
from numpy.typing import NDArray

from suitably.decisions.allocation import highs
from suitably.decisions.allocation.conflicts import conflict
from suitably.decisions.allocation.hashing import mixed
from suitably.decisions.allocation.held import HeldSource
from suitably.decisions.allocation.prices import priced
from suitably.decisions.allocation.problem import Allocation, Constraints, OfferSource, OfferTable
from suitably.decisions.allocation.relaxation import Relaxation
from suitably.decisions.allocation.repair import repair
from suitably.decisions.allocation.rounding import rounded
from suitably.decisions.allocation.shortlists import Lister
from suitably.decisions.allocation.state import PlanState
from suitably.errors import DataError

__all__ = ["allocate"]

_HELD = 2**24  # nets held in memory: those of all users, or of a sample
_SAMPLE = 20_000
_LINEAR = 20_000  # offers that could be made, up to which HiGHS solves the relaxation
_TINY = 2_000  # up to which it solves the problem itself


def allocate(
    source: OfferSource,
    offers: OfferTable,
    constraints: Constraints,
    keys: NDArray[np.uint64],
    linear: int = _LINEAR,
) -> Allocation:
    """Return the plan of greatest net value, or one near to it; `bound` tells how near at least.

    An offer is made where it earns something, or where a minimum asks for it. The plan does not
    depend on the blocks of the source, their order or the number of threads.

    Args:
        source: The nets.
        offers: The offers.
        constraints: What the plan keeps to.
        keys: uint64 (users,), hashes of ids: they tell apart users who are alike.
        linear: How many offers could be made, at most, for SciPy's HiGHS to solve the linear
            relaxation; above it, prices of the limits are found by the Lagrangian dual.

    Raises:
        InfeasibleError: No plan meets all minimums.
    """
    keys = mixed(keys)
    few = source.users * len(offers) <= _HELD
    places = None if few else _sample(keys, len(offers))
    held = HeldSource.of(source, len(offers), places)
    if few:
        source = held
    possible = int((held.nets > -np.inf).sum()) if few else linear + 1
    found = None
    if possible <= linear:
        everything = Lister(offers, constraints, len(offers), len(offers), 0.0)
        lists = everything.draw(held, keys, np.zeros(len(offers)))
        found = highs.relaxed(lists, offers, constraints)
    else:
        some = keys if places is None else keys[places]
        found = priced(source, held, keys, some, offers, constraints)
    plan = None
    if found is not None:
        plan = _plan(found, offers, constraints, keys)
        if possible <= linear and (plan is None or possible <= _TINY):
            plan = _exact(found, plan, offers, constraints, keys)
    if plan is None:
        error = conflict(source, offers, constraints)
        raise error or DataError(
            "limits: the minimums could not all be met, though none of them are in open conflict; "
            "ask for less"
        )
    return plan


def _sample(keys: NDArray[np.uint64], offers: int) -> NDArray[np.int64]:
    """Return the places of the users with the smallest keys, ascending."""
    several = max(1, min(_SAMPLE, _HELD // offers))
    return np.sort(np.argsort(keys, kind="stable")[:several])


def _plan(
    found: Relaxation, offers: OfferTable, constraints: Constraints, keys: NDArray[np.uint64]
) -> Allocation | None:
    """Round and repair; None where the repair fails."""
    made = rounded(found.shares, keys, constraints.per_user)
    return _mended(found, made, offers, constraints, keys, found.bound)


def _exact(
    found: Relaxation,
    plan: Allocation | None,
    offers: OfferTable,
    constraints: Constraints,
    keys: NDArray[np.uint64],
) -> Allocation | None:
    """Solve the problem itself, where that is quick; else keep what there is."""
    best = highs.integer(found.lists, offers, constraints)
    if best is None:
        return plan
    made, bound = best
    other = _mended(found, made, offers, constraints, keys, min(bound, found.bound))
    return plan if other is None or (plan is not None and plan.value > other.value) else other


def _mended(
    found: Relaxation,
    made: NDArray[np.bool_],
    offers: OfferTable,
    constraints: Constraints,
    keys: NDArray[np.uint64],
    bound: float,
) -> Allocation | None:
    prices = found.prices(offers, constraints)
    state = PlanState(found.lists, offers, constraints, made, prices, keys)
    if not repair(state):
        return None
    places, users = state.picks()
    taken, nets = state.offers[places, users].astype(np.int64), state.nets[places, users]
    order = np.lexsort((taken, users))
    users, taken, nets = users[order], taken[order], nets[order]
    counts = np.bincount(taken, minlength=len(offers))
    value = float(nets.sum())
    return Allocation(
        users=users,
        offers=taken,
        nets=nets,
        budget_price=found.budget_price,
        limit_prices=found.limit_prices,
        budget_used=math.fsum((counts * offers.costs).tolist()),
        used=constraints.members @ counts,
        bound=max(bound, value),
        value=value,
    )
