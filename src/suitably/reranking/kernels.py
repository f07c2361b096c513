"""Category MMR's inner loop: with numba where it is installed (extra `fast`), else NumPy."""

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

__all__ = ["category_mmr"]

Codes = NDArray[np.int64]
Numbers = NDArray[np.float64]
_WORTH_COMPILING = 256


def category_mmr(kinds: Codes, groups: int, scaled: Numbers, weight: float, depth: int) -> Codes:
    """Order lists by marginal relevance, where products of one group are alike.

    Of a group, the most relevant product is taken first, at no discount, and all others come after
    it, at the full one. So what a product gains does not depend on what was taken before.

    Args:
        kinds: int64 (users, places), codes of groups; `groups` for none.
        groups: How many groups there are.
        scaled: float64 (users, places), relevance times its weight; −inf past the end.
        weight: What being like another costs.
        depth: How many places are wanted, no more than there are.

    Returns:
        int64 (users, depth), places of the best; of equals, the first.
    """
    compiled = _compiled() if len(kinds) >= _WORTH_COMPILING else None
    if compiled is not None:
        return compiled(kinds, groups, scaled, weight, depth)
    gain = scaled - weight * _discounted(kinds, groups, scaled)
    places = np.zeros((len(kinds), depth), np.int64)
    users = np.arange(len(kinds))
    for place in range(depth):
        best = gain.argmax(axis=1)
        places[:, place] = best
        gain[users, best] = -np.inf
    return places


def _discounted(kinds: Codes, groups: int, scaled: Numbers) -> NDArray[np.bool_]:
    """Return which products are not the most relevant of their group: bool (users, places)."""
    if not (scaled[:, 1:] > scaled[:, :-1]).any():
        return _repeated(kinds, groups)
    # An earlier reranker changed the order: what is of one group is still compared by relevance.
    order = np.argsort(-scaled, axis=1, kind="stable")
    behind = np.zeros(kinds.shape, bool)
    again = _repeated(np.take_along_axis(kinds, order, axis=1), groups)
    np.put_along_axis(behind, order, again, axis=1)
    return behind


def _repeated(kinds: NDArray[np.int64], groups: int) -> NDArray[np.bool_]:
    """Return which products have one of their group before them in the list.

    Args:
        kinds: int64 (users, depth), codes of groups; `groups` for none.
        groups: How many groups there are.

    Returns:
        bool (users, depth); never for a product without a group.
    """
    users, depth = kinds.shape
    slots = np.ascontiguousarray((kinds + np.arange(users)[:, None] * (groups + 1)).T)
    seen = np.zeros(users * (groups + 1), bool)
    again = np.empty((depth, users), bool)
    for place in range(depth):
        again[place] = seen[slots[place]]
        seen[slots[place]] = True
    repeats: NDArray[np.bool_] = again.T & (kinds != groups)
    return repeats


@cache
def _compiled() -> Callable[[Codes, int, Numbers, float, int], Codes] | None:
    if find_spec("numba") is None:
        return None
    import numba

    @numba.njit(nogil=True, cache=True)
    def kernel(kinds: Codes, groups: int, scaled: Numbers, weight: float, depth: int) -> Codes:
        users, width = kinds.shape
        places = np.zeros((users, depth), np.int64)
        best = np.empty(groups + 1, np.int64)  # the most relevant place of each group
        gains = np.empty(depth)
        for user in range(users):
            for place in range(width):
                best[kinds[user, place]] = -1
            for place in range(width):
                at = best[kinds[user, place]]
                if at < 0 or scaled[user, place] > scaled[user, at]:
                    best[kinds[user, place]] = place
            found = 0
            for place in range(width):
                kind = kinds[user, place]
                if scaled[user, place] == -np.inf:
                    continue
                behind = kind != groups and best[kind] != place
                gain = scaled[user, place] - weight * behind
                if found == depth and gain <= gains[depth - 1]:
                    continue
                into = min(found, depth - 1)
                while into > 0 and gains[into - 1] < gain:
                    gains[into], places[user, into] = gains[into - 1], places[user, into - 1]
                    into -= 1
                gains[into], places[user, into] = gain, place
                found = min(found + 1, depth)
        return places

    compiled: Callable[[Codes, int, Numbers, float, int], Codes] = kernel
    return compiled
