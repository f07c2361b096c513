"""Exact selection by rough scores, with NumPy.

Every place that may belong to the top is found by a rough score and a margin for its error, and
those alone are scored exactly; `select_compiled` does the same in one loop.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.utils import bitset
from suitably.utils.bitset import BitRows

__all__ = ["GROUP", "exact", "ordered", "short_list"]

Rows = NDArray[np.int64]
GROUP = 32
_CELLS = 2**17


def short_list(
    rough: NDArray[np.float32],
    margin: NDArray[np.float32],
    words: BitRows,
    columns: Rows,
    depth: int,
    reach: int,
) -> tuple[Rows, Rows]:
    """Find every place that may belong to the top: row and place, row by row.

    Most likely it is among the few groups of places with the highest scores; users for whom these
    hold too few that are allowed are looked at anew.

    Args:
        rough: (users, places), within half a margin of the exact scores.
        margin: (users, 1).
        words: (users, products / 64), who may be offered what.
        columns: (places,), the products.
        depth: How many belong to the top.
        reach: How many groups that is, most likely; 0: no telling.
    """
    none = np.zeros(0, np.int64)
    if reach:
        rows, places, few = _guessed(rough, margin, words, columns, depth, reach)
    else:
        rows, places, few = none, none, np.ones(len(rough), bool)
    anew = np.flatnonzero(few)
    if not len(anew):
        return rows, places
    more, found = _masked(rough[anew], margin[anew], words[anew], columns, depth)
    kept = ~few[rows]
    rows = np.concatenate([rows[kept], anew[more]])
    order = np.argsort(rows, kind="stable")
    return rows[order], np.concatenate([places[kept], found])[order]


def _guessed(
    rough: NDArray[np.float32],
    margin: NDArray[np.float32],
    words: BitRows,
    columns: Rows,
    depth: int,
    reach: int,
) -> tuple[Rows, Rows, NDArray[np.bool_]]:
    """Take what the highest groups hold; say also for whom that is too little."""
    groups = rough.shape[1] // GROUP
    # Strided groups: the maxima are taken of whole runs of places, which is what is fast.
    tops = rough[:, : groups * GROUP].reshape(len(rough), GROUP, groups).max(axis=1)
    guess = -np.partition(-tops, reach - 1, axis=1)[:, reach - 1, None]
    rows, places = np.divmod(np.flatnonzero(rough >= guess - margin), rough.shape[1])
    kept = bitset.has(words, rows, columns[places])
    rows, places = rows[kept], places[kept]
    high = rough[rows, places] >= guess[rows, 0]
    return rows, places, np.bincount(rows[high], minlength=len(rough)) < depth


def _masked(
    rough: NDArray[np.float32],
    margin: NDArray[np.float32],
    words: BitRows,
    columns: Rows,
    depth: int,
) -> tuple[Rows, Rows]:
    """Look at every place that is allowed."""
    possible = bitset.unpack(words, int(columns[-1]) + 1).take(columns, axis=1)
    if depth < len(columns):
        scores = np.where(possible, rough, -np.inf)
        # From the small end: many equal −inf in front of the pivot slow the selection down a lot.
        least = -np.partition(-scores, depth - 1, axis=1)[:, depth - 1, None]
        possible &= rough >= least - margin
    rows, places = np.nonzero(possible)
    return rows, places


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
