"""Exact selection by rough scores, with NumPy.

Every place that may belong to the top is found by a rough score and a margin for its error, and
those alone are scored exactly; `select_compiled` does the same in one loop.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.utils.bitset import BitRows

__all__ = ["GROUP", "exact", "ordered", "short_list"]

Rows = NDArray[np.int64]
GROUP = 32
_CELLS = 2**17
_LOWEST = np.finfo(np.float32).min
_OCTETS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little")
_CEILINGS = np.where(_OCTETS, np.float32(np.inf), np.float32(-np.inf))  # of eight places each


def short_list(
    rough: NDArray[np.float32],
    margin: NDArray[np.float32],
    words: BitRows,
    columns: Rows,
    depth: int,
) -> tuple[Rows, Rows]:
    """Find every place that may belong to the top: row and place, row by row.

    As many groups of places as belong to the top each hold a score of at least the least of the
    groups' highest: nothing that is lower by more than the margin can belong to it.

    Args:
        rough: (users, places), within half a margin of the exact scores; finite where allowed,
            unless all places belong to the top.
        margin: (users, 1).
        words: (users, products / 64), who may be offered what.
        columns: (places,), the products, ascending.
        depth: How many belong to the top.
    """
    octets = np.ascontiguousarray(words).view(np.uint8)
    ceiling = _CEILINGS.take(octets, axis=0).reshape(len(words), -1)
    places, end = len(columns), columns[-1] + 1
    ceiling = ceiling[:, :places] if places == end else ceiling.take(columns, axis=1)
    if depth >= places:
        return _found(ceiling > 0)
    scores = np.minimum(rough, ceiling, out=ceiling)
    groups = places // GROUP
    tops = scores
    if groups >= depth:
        # Strided groups: the maxima are taken of whole runs of places, which is what is fast.
        tops = np.maximum.reduce(
            scores[:, : groups * GROUP].reshape(len(scores), GROUP, groups), axis=1
        )
    # From the small end: many equal −inf in front of the pivot slow the selection down a lot.
    small = -tops
    small.partition(depth - 1, axis=1)
    return _found(scores >= np.maximum(-small[:, depth - 1, None] - margin, _LOWEST))


def _found(possible: NDArray[np.bool_]) -> tuple[Rows, Rows]:
    """Return rows and places that are true, row by row."""
    flat = possible.reshape(-1).nonzero()[0]
    if len(possible) == 1:
        return np.zeros(len(flat), np.int64), flat
    return np.divmod(flat, possible.shape[1])


def exact(users: NDArray[Any], products: NDArray[Any], rows: Rows, codes: Rows) -> NDArray[Any]:
    """Sum in float64, factor after factor, and round once to float32."""
    if not users.shape[1]:
        return np.zeros(len(rows), np.float32)
    out = np.empty(len(rows), np.float32)
    step = max(1, _CELLS // users.shape[1])
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        left = users if len(users) == 1 else users.take(rows[part], axis=0)
        terms = left.astype(np.float64) * products.take(codes[part], axis=0)
        # A running sum adds in order; a plain one adds in pairs.
        out[part] = np.add.accumulate(terms, axis=1)[:, -1]
    return out


def ordered(
    rows: Rows, codes: Rows, scores: NDArray[np.float32], into: tuple[NDArray[Any], ...]
) -> None:
    """Put the best of every short list into lists: their products, scores and lengths.

    Args:
        rows: (places,), ascending.
        codes: (places,), the products, ascending in a row: of equal scores the first is better.
        scores: (places,).
        into: Written to.
    """
    listed, listed_scores, lengths = into
    depth = listed.shape[1]
    if len(listed) == 1:  # one user costs more in calls than in work
        chosen = (-scores).argsort(kind="stable")[:depth]
        listed[0, : len(chosen)] = codes[chosen]
        listed_scores[0, : len(chosen)] = scores[chosen]
        lengths[0] = len(chosen)
        return
    order = np.lexsort((-scores, rows))
    starts = np.searchsorted(rows, np.arange(len(listed) + 1))
    rank = np.arange(len(rows)) - starts[rows]
    top = rank < depth
    chosen, row, place = order[top], rows[top], rank[top]
    listed[row, place] = codes[chosen]
    listed_scores[row, place] = scores[chosen]
    lengths[:] = np.minimum(np.diff(starts), depth)
