"""The inner loop of lists: with numba where it is installed (extra `fast`), else with NumPy.

Both find every place that may belong to the top, by a rough score and a margin for its error, and
score those alone exactly.
"""

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["compiled", "exact", "ordered", "short_list"]

Rows = NDArray[np.int64]
_GROUP = 32
_CELLS = 2**17


def short_list(
    rough: NDArray[np.float32], margin: NDArray[np.float32], allowed: NDArray[np.bool_], depth: int
) -> tuple[Rows, Rows]:
    """Find every place that may belong to the top: row and column, row by row.

    Args:
        rough: (users, places), within half a margin of the exact scores; overwritten.
        margin: (users, 1).
        allowed: bool (users, places).
        depth: How many belong to the top, fewer than there are places.
    """
    np.putmask(rough, ~allowed, -np.inf)
    # The depth-th of the groups' maxima is no higher than the depth-th score, and close to it.
    groups = rough.shape[1] // _GROUP
    tops = rough
    if groups >= 2 * depth:
        whole = groups * _GROUP
        # Strided groups: the maxima are taken of whole runs of places, which is what is fast.
        tops = rough[:, :whole].reshape(len(rough), _GROUP, groups).max(axis=1)
    # From the small end: many equal −inf in front of the pivot slow the selection down a lot.
    least = -np.partition(-tops, depth - 1, axis=1)[:, depth - 1, None]
    possible = rough >= least - margin
    possible &= allowed
    flat = np.flatnonzero(possible)
    return np.divmod(flat, rough.shape[1])


def exact(users: NDArray[Any], products: NDArray[Any], rows: Rows, codes: Rows) -> NDArray[Any]:
    """Sum in float64, factor after factor, and round once to float32."""
    out = np.empty(len(rows), np.float32)
    step = max(1, _CELLS // max(1, users.shape[1]))
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        terms = users[rows[part]].astype(np.float64) * products[codes[part]]
        # A running sum adds in order; a plain one adds in pairs.
        with np.errstate(over="ignore", invalid="ignore"):
            out[part] = np.cumsum(terms, axis=1)[:, -1] if terms.shape[1] else 0
    return out


def ordered(
    rows: Rows, codes: Rows, scores: NDArray[np.float32], into: tuple[NDArray[Any], ...]
) -> None:
    """Put the best of every short list into lists: their products, scores and lengths."""
    listed, listed_scores, lengths = into
    depth = listed.shape[1]
    order = np.lexsort((codes, -scores, rows))
    starts = np.searchsorted(rows, np.arange(len(listed) + 1))
    rank = np.arange(len(rows)) - starts[rows]
    top = rank < depth
    chosen, row, place = order[top], rows[top], rank[top]
    listed[row, place] = codes[chosen]
    listed_scores[row, place] = scores[chosen]
    lengths[:] = np.minimum(np.diff(starts), depth)


@cache
def compiled() -> Callable[..., None] | None:
    """Give the compiled loop, None without numba."""
    if find_spec("numba") is None:
        return None
    from suitably.ranking.selection_compiled import draw

    loop: Callable[..., None] = draw
    return loop
