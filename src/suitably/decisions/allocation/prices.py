"""Large problems: prices on a sample, then on all users' short lists, until these suffice."""

import numpy as np
from numpy.typing import NDArray

from suitably.decisions.allocation.dual import Dual
from suitably.decisions.allocation.dual_bound import gains
from suitably.decisions.allocation.first_units import first_units
from suitably.decisions.allocation.held import HeldSource
from suitably.decisions.allocation.problem import Constraints, OfferSource, OfferTable
from suitably.decisions.allocation.relaxation import Relaxation
from suitably.decisions.allocation.shortlists import Lister
from suitably.decisions.allocation.smoothing import shares

__all__ = ["priced"]

_SMOOTHING = (0.3, 0.1, 0.03, 0.01)  # of choices, in units of what an offer earns
_WHOLE = 2**20  # nets of which none is left out
_ITERATIONS = 100
_STEPS = (0.3, 0.2, 0.1, 0.1)  # of prices between short lists of a sample, in the same units
_FEWER = 40  # iterations between short lists
_PASSES = 3
_ENOUGH = 5e-4  # of the bound, for offers left out of the lists
_NOISE = 1e-4
_WIDTH = 3


def priced(
    source: OfferSource,
    sample: HeldSource,
    keys: NDArray[np.uint64],
    sample_keys: NDArray[np.uint64],
    offers: OfferTable,
    constraints: Constraints,
) -> Relaxation:
    """Return shares at prices at which users, left to choose, nearly keep to the limits.

    Prices are found on all offers of some users, bettered on short lists of a sample, then on those
    of all users, which are drawn anew until it does not matter what they leave out.

    Args:
        source: The nets of all users.
        sample: Those of some of them, or of all.
        keys: uint64 (users,).
        sample_keys: Those of the sample.
        offers: The offers.
        constraints: The constraints.
    """
    unit, most = sample.unit, 2 * sample.largest + sample.unit
    dual = Dual(offers, constraints, source.users, unit)
    everything = Lister(offers, constraints, len(offers), len(offers), _NOISE * unit)
    prices = np.zeros(len(dual.right))
    first = np.argsort(sample_keys, kind="stable")[: max(1, _WHOLE // max(1, len(offers)))]
    some = HeldSource(sample.nets[np.sort(first)])
    all_of_some = everything.draw(some, sample_keys[np.sort(first)], prices @ dual.matrix)
    lists = all_of_some
    for smoothing in _SMOOTHING:
        prices = dual.solve(lists, prices, smoothing * unit, np.inf, most, _ITERATIONS)
    if some.users == source.users:
        now = prices @ dual.matrix
        bound = gains(lists, now, constraints.per_user) + float(prices @ dual.right)
        taken = shares(lists, now, _SMOOTHING[-1] * unit, constraints.per_user)
        return Relaxation(
            lists, taken, bound, *first_units(lists, offers, constraints, *dual.by_limit(prices))
        )
    lister = Lister(offers, constraints, constraints.per_user + 5, _WIDTH, _NOISE * unit)
    finest = _SMOOTHING[-1] * unit
    for step in _STEPS if sample.users > some.users else ():
        lists = lister.draw(sample, sample_keys, prices @ dual.matrix)
        prices = dual.solve(lists, prices, finest, step * unit, most, _FEWER)
    bound = np.inf
    for _ in range(_PASSES):
        at, limits = prices @ dual.matrix, float(prices @ dual.right)
        lists = lister.draw(source, keys, at)
        bound = min(bound, gains(lists, at, constraints.per_user, 0.0) + limits)
        prices = dual.solve(lists, prices, finest, _STEPS[-1] * unit, most, _FEWER)
        now, limits = prices @ dual.matrix, float(prices @ dual.right)
        rise = max(float((at - now).max(initial=0.0)), 0.0)
        bound = min(bound, gains(lists, now, constraints.per_user, rise) + limits)
        inside = gains(lists, now, constraints.per_user) + limits
        if bound - inside <= _ENOUGH * abs(bound):
            break
    taken = shares(lists, now, finest, constraints.per_user)
    return Relaxation(
        lists, taken, bound, *first_units(all_of_some, offers, constraints, *dual.by_limit(prices))
    )
