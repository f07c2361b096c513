"""Plackett–Luce draws, compiled by numba: the sums of `plackett_luce`, in the same order.

A sum in order waits for every addition before the next: those of several users run side by side.
"""

from typing import Any

import numba
import numpy as np

__all__ = ["draw", "standardise"]

_VANISHED = 1e-200
_ABREAST = 16
_COMPILED: Any = {"nogil": True, "cache": True, "error_model": "numpy"}


@numba.njit(**_COMPILED)
def _add_up(values: Any, sums: Any) -> None:
    """Add up values of users side by side, in order: (places · users,)."""
    sums[:_ABREAST] = values[:_ABREAST]
    for at in range(_ABREAST, len(values), _ABREAST):
        before, now = sums[at - _ABREAST : at], sums[at : at + _ABREAST]
        added = values[at : at + _ABREAST]
        for lane in range(_ABREAST):
            now[lane] = before[lane] + added[lane]


@numba.njit(**_COMPILED)
def standardise(scores: Any, lengths: Any, coldness: float, found: Any) -> None:
    """Standardise the scores of all users over their pools, 0 for the highest.

    Args:
        scores: float32 (users, pool), best first; 0 past the end.
        lengths: int32 (users,), of the pools.
        coldness: The temperature.
        found: float64 (users, pool), zeros, written to.
    """
    users, depth = scores.shape
    values, sums = np.zeros(depth * _ABREAST), np.empty(depth * _ABREAST)
    end = (depth - 1) * _ABREAST
    for start in range(0, users, _ABREAST):
        several = min(_ABREAST, users - start)
        for lane in range(several):
            for place in range(depth):
                values[place * _ABREAST + lane] = scores[start + lane, place]
        _add_up(values, sums)
        for lane in range(several):
            size = lengths[start + lane]
            mean = sums[end + lane] / max(size, 1)
            for place in range(depth):
                from_mean = values[place * _ABREAST + lane] - mean if place < size else 0.0
                values[place * _ABREAST + lane] = from_mean * from_mean
        _add_up(values, sums)
        for lane in range(several):
            row, size = scores[start + lane], lengths[start + lane]
            deviation = np.sqrt(sums[end + lane] / max(size, 1))
            unlike = size > 0 and row[0] != row[size - 1] and deviation > 0
            scale = (deviation if unlike else 1.0) * coldness
            highest = np.float64(row[0])
            for place in range(size):
                found[start + lane, place] = (np.float64(row[place]) - highest) / scale


@numba.njit(**_COMPILED)
def _first_above(sums: Any, lane: int, size: int, wanted: float) -> int:
    """Find the first place of a user whose running sum is above a number, by bisection."""
    first, left = 0, size
    while left > 1:
        half = left >> 1
        first += half if sums[(first + half - 1) * _ABREAST + lane] <= wanted else 0
        left -= half
    return first


@numba.njit(**_COMPILED)
def draw(weights: Any, lengths: Any, uniform: Any, places: Any, chances: Any) -> Any:
    """Draw for all users; say for whom the weights left over have vanished.

    Args:
        weights: float64 (users, pool); what is past the end does not count.
        lengths: int32 (users,), of the pools.
        uniform: float64 (users, ranks).
        places: int64 (users, ranks), written to.
        chances: float64 (users, ranks), written to.
    """
    users, depth = weights.shape
    vanished = np.zeros(users, np.bool_)
    left, sums = np.zeros(depth * _ABREAST), np.empty(depth * _ABREAST)
    for start in range(0, users, _ABREAST):
        several = min(_ABREAST, users - start)
        for lane in range(several):
            size = lengths[start + lane]
            for place in range(depth):
                left[place * _ABREAST + lane] = (
                    weights[start + lane, place] if place < size else 0.0
                )
        for rank in range(uniform.shape[1]):
            _add_up(left, sums)
            for lane in range(several):
                user, size = start + lane, lengths[start + lane]
                if rank >= size:
                    continue
                total = sums[(depth - 1) * _ABREAST + lane]
                if total < _VANISHED:
                    vanished[user] = True
                    continue
                chosen = _first_above(sums, lane, size, uniform[user, rank] * total)
                places[user, rank] = chosen
                chances[user, rank] = left[chosen * _ABREAST + lane] / total
                left[chosen * _ABREAST + lane] = 0.0
    return vanished
