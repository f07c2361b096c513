"""What no plan can exceed: the gains of users at given prices, and what the limits are worth."""

import numpy as np
from numpy.typing import NDArray

from suitably.decisions.allocation.shortlists import ShortLists
from suitably.utils.parallel import parallel

__all__ = ["gains"]

_BLOCK = 2**14


def gains(
    lists: ShortLists,
    prices: NDArray[np.float64],
    per_user: int,
    rise: float | None = None,
) -> float:
    """Return the most that users gain at prices, summed over them.

    Args:
        lists: What users choose among.
        prices: float64 (offers,).
        per_user: The most offers that one user gets.
        rise: By how much offers left out of the lists may have become cheaper since the lists were
            drawn, at most: they count with what they may earn now. None: they do not count.
    """

    def work(start: int) -> float:
        part = slice(start, start + _BLOCK)
        offers, nets = lists.offers[:, :, part], lists.nets[:, :, part]
        best = np.where(offers >= 0, nets - prices[offers], -np.inf).max(axis=1, initial=-np.inf)
        if rise is not None:
            other = np.broadcast_to(lists.outside[part] + rise, (per_user, best.shape[1]))
            best = np.concatenate([best, other])
        if len(best) > per_user:
            best = np.partition(best, len(best) - per_user, axis=0)[len(best) - per_user :]
        best = np.maximum(np.sort(best, axis=0), 0.0)
        return float(best.sum(axis=0).sum())

    return float(sum(parallel(work, range(0, len(lists.outside), _BLOCK))))
