"""Large problems: prices on a sample, then on all users' short lists, until these suffice."""

import numpy as np
from numpy.typing import NDArray

from suitably.decisions.allocation.dual import Dual
from suitably.decisions.allocation.dual_bound import gains
from suitably.decisions.allocation.held import HeldSource
from suitably.decisions.allocation.problem import Constraints, OfferSource, OfferTable
from suitably.decisions.allocation.relaxation import Relaxation
from suitably.decisions.allocation.shortlists import Lister
from suitably.decisions.allocation.smoothing import shares

__all__ = ["priced"]

_STAGES = (0.3, 0.1, 0.03, 0.01)  # smoothing, in units of what an offer earns
_ITERATIONS = 100
_PASSES = 3
_ENOUGH = 2e-4  # of the bound, for offers left out of the lists
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

    Args:
        source: The nets of all users.
        sample: Those of some of them, or of all.
        keys: uint64 (users,).
        sample_keys: Those of the sample.
        offers: The offers.
        constraints: The constraints.
    """
    unit, most = sample.unit, 2 * sample.largest + sample.unit
    lister = Lister(offers, constraints, constraints.per_user + 5, _WIDTH, _NOISE * unit)
    dual = Dual(offers, constraints, source.users, unit)
    prices = np.zeros(len(dual.right))
    for stage in _STAGES:
        lists = lister.draw(sample, sample_keys, prices @ dual.matrix)
        prices = dual.solve(lists, prices, stage * unit, most, _ITERATIONS)
    bound = np.inf
    for _ in range(_PASSES):
        at = prices @ dual.matrix
        lists = lister.draw(source, keys, at)
        prices = dual.solve(lists, prices, _STAGES[-1] * unit, most, _ITERATIONS)
        now = prices @ dual.matrix
        rise = max(float((at - now).max(initial=0.0)), 0.0)
        limits = float(prices @ dual.right)
        inside = gains(lists, now, constraints.per_user)
        outside = gains(lists, now, constraints.per_user, rise)
        bound = min(bound, outside + limits)
        if outside - inside <= _ENOUGH * abs(bound):
            break
    taken = shares(lists, now, _STAGES[-1] * unit, constraints.per_user)
    return Relaxation(lists, taken, bound, *dual.by_limit(prices))
