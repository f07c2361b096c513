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

from suitably.suitability.bits import Words

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
    import numba

    @numba.njit(nogil=True, cache=True, fastmath={"nnan", "nsz"})
    def group_maxima(row: Any, tops: Any) -> None:
        groups = len(row) // _GROUP
        for group in range(groups):
            top = row[group * _GROUP]
            for place in range(group * _GROUP + 1, (group + 1) * _GROUP):
                top = max(top, row[place])
            tops[group] = top

    @numba.njit(nogil=True, cache=True)
    def kernel(
        rough: NDArray[np.float32],
        margin: NDArray[np.float32],
        columns: Rows,
        words: Words,
        users: NDArray[Any],
        products: NDArray[Any],
        listed: NDArray[np.int32],
        scores: NDArray[np.float32],
        lengths: NDArray[np.int32],
    ) -> None:
        """Draw up lists; without factors a rough score is the score."""
        depth = listed.shape[1]
        places = len(columns)
        groups = places // _GROUP
        tops = np.empty(groups, np.float32)
        best = np.empty(depth, np.float32)
        short = np.empty(places, np.int64)
        for user in range(len(rough)):
            row = rough[user]
            word = words[user]
            group_maxima(row, tops)
            found = 0
            least = np.float32(-np.inf)
            place = 0
            while place < places:
                group = place // _GROUP
                if group < groups and place % _GROUP == 0 and tops[group] <= least:
                    place += _GROUP
                    continue
                score = row[place]
                if score > least:
                    code = columns[place]
                    if (word[code >> 6] >> np.uint64(code & 63)) & np.uint64(1):
                        at = min(found, depth - 1)
                        while at > 0 and best[at - 1] < score:
                            best[at] = best[at - 1]
                            at -= 1
                        best[at] = score
                        found += 1
                        if found >= depth:
                            least = best[depth - 1]
                place += 1
            limit = least - margin[user, 0]
            several = 0
            place = 0
            while place < places:
                group = place // _GROUP
                if group < groups and place % _GROUP == 0 and tops[group] < limit:
                    place += _GROUP
                    continue
                if row[place] >= limit:
                    code = columns[place]
                    if (word[code >> 6] >> np.uint64(code & 63)) & np.uint64(1):
                        short[several] = place
                        several += 1
                place += 1
            held = 0
            for index in range(several):
                place = short[index]
                code = columns[place]
                score = row[place]
                if users.shape[1]:
                    total = 0.0
                    for factor in range(users.shape[1]):
                        term = np.float64(users[user, factor]) * np.float64(products[place, factor])
                        total += term
                    score = np.float32(total)
                if held == depth and not score > scores[user, depth - 1]:
                    continue
                at = min(held, depth - 1)
                while at > 0 and scores[user, at - 1] < score:
                    scores[user, at] = scores[user, at - 1]
                    listed[user, at] = listed[user, at - 1]
                    at -= 1
                scores[user, at] = score
                listed[user, at] = code
                held = min(held + 1, depth)
            lengths[user] = held

    loop: Callable[..., None] = kernel
    return loop
