"""Plackett–Luce: lists drawn rank by rank without replacement, with the probability of each draw.

What is drawn for a user depends on that user's scores and uniform numbers alone: sums run in the
order of the pool, so that the compiled loop (extra `fast`) and NumPy draw the same to the last bit.
"""

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.ranking.topk.lists import Lists
from suitably.utils.splitmix import INCREMENT, mixed

__all__ = ["draw_lists", "log_weights", "uniforms"]

_COLDEST = 1e-200  # a temperature at which the order is certain, and logarithms are finite
_VANISHED = 1e-200  # below it, what is left of the weights no longer tells products apart


def draw_lists(
    pool: Lists, log_weights: NDArray[np.float64], uniform: NDArray[np.float64]
) -> Lists:
    """Draw lists among pools of products.

    Args:
        pool: What may be drawn, per user.
        log_weights: (users, pool's depth), the logarithm of each product's weight, 0 at the most.
        uniform: (users, ranks), from 0 up to and excluding 1.

    Returns:
        Lists of so many ranks in the order of the draws, with propensities.

    Source:
        Plackett, "The Analysis of Permutations", Applied Statistics 24 (1975).

    Example:
        >>> best = Lists(np.array([[4, 7]], np.int32), np.array([[2, 1]], np.float32),
        ...              np.array([2], np.int32))
        >>> drawn = draw_lists(best, np.log([[0.75, 0.25]]), np.array([[0.8, 0.5]]))
        >>> drawn.products.tolist(), drawn.propensities.tolist()
        ([[7, 4]], [[0.25, 1.0]])
    """
    users, depth = uniform.shape[0], min(uniform.shape[1], pool.depth)
    places = np.zeros((users, depth), np.int64)
    chances = np.zeros((users, depth))
    weights = np.exp(log_weights)
    lengths = np.minimum(pool.lengths, depth).astype(np.int32)
    if depth:
        draw, _ = _compiled() or (_draw, None)
        vanished = draw(weights, pool.lengths, uniform[:, :depth].copy(), places, chances)
        for row in np.flatnonzero(vanished):
            size = int(pool.lengths[row])
            _draw_one(log_weights[row, :size], uniform[row], places[row], chances[row])
    past = np.arange(depth) >= lengths[:, None]
    return Lists(
        np.where(past, np.int32(-1), np.take_along_axis(pool.products, places, axis=1)),
        np.where(past, np.float32(0), np.take_along_axis(pool.scores, places, axis=1)),
        lengths,
        np.where(past, 0.0, chances),
    )


def log_weights(pool: Lists, temperature: float) -> NDArray[np.float64]:
    """Return scores standardised per user over the pool, over the temperature, 0 for the highest.

    Equal scores, all of a user's, are equally likely.

    Example:
        >>> pool = Lists(np.array([[4, 7]], np.int32), np.array([[3, 1]], np.float32),
        ...              np.array([2], np.int32))
        >>> log_weights(pool, temperature=0.5).tolist()
        [[0.0, -4.0]]
    """
    coldness = max(temperature, _COLDEST)
    _, standardise = _compiled() or (None, _standardise)
    found = np.zeros(pool.scores.shape)
    if pool.depth:
        standardise(pool.scores, pool.lengths, coldness, found)
    return found


def uniforms(keys: NDArray[np.uint64], first: int, ranks: int) -> NDArray[np.float64]:
    """Return numbers from 0 up to and excluding 1: (keys, ranks), a stream of its own per key.

    Args:
        keys: Of users, as a hash gives them: streams of keys that are near overlap.
        first: The rank of the first number, from 0.
        ranks: How many numbers.

    Source:
        Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014:
        SplitMix64, of which the upper 53 bits are taken.

    Example:
        The first output of the generator for the seed 1234567 is 6457827717110365317:

        >>> found = uniforms(np.array([1234567], np.uint64), first=0, ranks=2)
        >>> float(found[0, 0]) == (6457827717110365317 >> 11) / 2**53
        True
    """
    steps = np.arange(first + 1, first + ranks + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        drawn = mixed(keys[:, None] + steps * INCREMENT)
    found: NDArray[np.float64] = (drawn >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return found


def _standardise(
    scores: NDArray[np.float32],
    lengths: NDArray[np.int32],
    coldness: float,
    found: NDArray[np.float64],
) -> None:
    """Standardise the scores of all users over their pools, 0 for the highest."""
    values, size = scores.astype(np.float64), np.maximum(lengths, 1)[:, None]
    filled = np.arange(scores.shape[1]) < lengths[:, None]
    # A running sum adds in order, whatever the shape of the block; a plain one adds in pairs.
    mean = np.cumsum(values, axis=1)[:, -1:] / size
    from_mean = np.where(filled, values - mean, 0.0)
    deviation = np.sqrt(np.cumsum(from_mean**2, axis=1)[:, -1:] / size)
    unlike = scores[:, :1] != np.take_along_axis(scores, size - 1, axis=1)
    scale = np.where(unlike & (deviation > 0), deviation, 1.0) * coldness
    found[:] = np.where(filled, (values - values[:, :1]) / scale, 0.0)


def _draw(
    weights: NDArray[np.float64],
    lengths: NDArray[np.int32],
    uniform: NDArray[np.float64],
    places: NDArray[np.int64],
    chances: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Draw for all users at once; say for whom the weights left over have vanished."""
    left = np.where(np.arange(weights.shape[1]) < lengths[:, None], weights, 0.0)
    users = np.arange(len(left))
    vanished = np.zeros(len(left), bool)
    for rank in range(uniform.shape[1]):
        sums = np.cumsum(left, axis=1)
        total = sums[:, -1]
        chosen = (sums > (uniform[:, rank] * total)[:, None]).argmax(axis=1)
        there = rank < lengths
        vanished |= there & (total < _VANISHED)
        weight = left[users, chosen]
        places[:, rank] = np.where(there, chosen, 0)
        chances[:, rank] = np.where(there, weight / np.where(total > 0, total, 1.0), 0.0)
        left[users, chosen] = 0.0
    return vanished


def _draw_one(
    log_weights: NDArray[np.float64],
    uniform: NDArray[np.float64],
    places: NDArray[np.int64],
    chances: NDArray[np.float64],
) -> None:
    """Draw for one user, anew on the scale of the highest weight that is left at every rank."""
    left = log_weights.copy()
    for rank in range(min(len(places), len(left))):
        weights = np.exp(left - left.max())
        sums = np.cumsum(weights)
        chosen = int((sums > uniform[rank] * sums[-1]).argmax())
        places[rank], chances[rank] = chosen, weights[chosen] / sums[-1]
        left[chosen] = -np.inf


@cache
def _compiled() -> tuple[Callable[..., Any], Callable[..., None]] | None:
    """Return the compiled twins of `_draw` and `_standardise` (extra `fast`), None without."""
    if find_spec("numba") is None:
        return None
    from suitably.ranking.topk.plackett_luce_compiled import draw, standardise

    return draw, standardise
