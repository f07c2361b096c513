"""Plackett–Luce draws, compiled by numba: the sums of `plackett_luce`, in the same order."""

from typing import Any

import numba
import numpy as np

__all__ = ["draw"]

_VANISHED = 1e-200


@numba.njit(nogil=True, cache=True)
def draw(weights: Any, lengths: Any, uniform: Any, places: Any, chances: Any) -> Any:
    """Draw for all users; say for whom the weights left over have vanished.

    Args:
        weights: float64 (users, pool), 0 past the end; written to.
        lengths: int32 (users,), of the pools.
        uniform: float64 (users, ranks).
        places: int64 (users, ranks), written to.
        chances: float64 (users, ranks), written to.
    """
    vanished = np.zeros(len(weights), np.bool_)
    for user in range(len(weights)):
        left, size = weights[user], lengths[user]
        for rank in range(min(uniform.shape[1], size)):
            total = 0.0
            for place in range(size):
                total += left[place]
            if total < _VANISHED:
                vanished[user] = True
                break
            wanted = uniform[user, rank] * total
            reached, chosen = 0.0, 0
            for place in range(size):
                reached += left[place]
                if reached > wanted:
                    chosen = place
                    break
            places[user, rank] = chosen
            chances[user, rank] = left[chosen] / total
            left[chosen] = 0.0
    return vanished
