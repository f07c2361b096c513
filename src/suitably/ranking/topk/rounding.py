"""How far rounded scores may be off: lengths of vectors from above, and margins made of them."""

from math import inf, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LARGE", "lengths", "longest", "margins"]

LARGE = float(np.finfo(np.float32).max) / 4
_EPSILON = float(np.finfo(np.float32).eps)
_TINY = float(np.finfo(np.float32).tiny)
_ROOT = float(np.sqrt(_TINY))


def margins(users: NDArray[Any], longest: float) -> tuple[NDArray[np.float32], bool]:
    """Return how far two rough scores of a user may be off together, and whether all are told.

    Rounding of the product, of factors cast to float32, of the final score, underflow.

    Args:
        users: (users, factors).
        longest: No product's vector is longer.
    """
    width, squares = users.shape[1], np.vecdot(users, users)
    if len(users) == 1:  # one user costs more in calls than in work: a number does
        bound = _length(squares.item(), width) * longest
        margin = 2 * (width + 4) * (_EPSILON * bound + _TINY) if bound < LARGE else inf
        return np.array([[margin]], np.float32), margin < inf
    bounds = _length(squares.astype(np.float64), width) * longest
    found = 2 * (width + 4) * (_EPSILON * bounds + _TINY)
    found[~(bounds < LARGE)] = inf
    return found.astype(np.float32)[:, None], bool((found < inf).all())


def longest(vectors: NDArray[Any]) -> float:
    """Bound the length of the longest vector from above; NaN or infinite if there is no bound."""
    return float(lengths(vectors).max(initial=0))


def lengths(vectors: NDArray[Any]) -> NDArray[np.float64]:
    """Bound the length of every vector from above, by a thousandth; NaN or infinite without one.

    The thousandth outweighs all rounding: a score, summed in float64 and rounded to float32, is
    never larger than the product of two such lengths.
    """
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        squares = np.vecdot(vectors, vectors).astype(np.float64)
        found: NDArray[np.float64] = _length(squares, vectors.shape[1])
        return found


def _length(squares: Any, width: int) -> Any:
    """Bound the lengths of vectors from above; squares that underflow leave a little behind."""
    root = sqrt(squares) if isinstance(squares, float) else np.sqrt(squares)
    return 1.001 * root + width * _ROOT
