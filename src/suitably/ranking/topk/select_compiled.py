"""Exact selection by rough scores, compiled by numba; the engine decides whether it is there."""

from typing import Any

import numba
import numpy as np

from suitably.ranking.topk.select import GROUP

__all__ = ["draw"]

_SHALLOW = 32  # a heap of so many is faster than a quickselect
_COMPILED: Any = {"nogil": True, "cache": True}


@numba.njit(fastmath={"nnan", "nsz"}, **_COMPILED)
def _group_maxima(row: Any, tops: Any) -> None:
    """Find the largest score of every whole group of places: what a processor does fast."""
    for group in range(len(tops)):
        top = row[group * GROUP]
        for place in range(group * GROUP + 1, (group + 1) * GROUP):
            top = max(top, row[place])
        tops[group] = top


@numba.njit(**_COMPILED)
def _push(heap: Any, found: int, score: Any) -> None:
    """Put a score into a heap whose root is the least; a full one loses its root."""
    depth = len(heap)
    if found < depth:
        at = found
        while at > 0 and heap[(at - 1) // 2] > score:
            heap[at] = heap[(at - 1) // 2]
            at = (at - 1) // 2
        heap[at] = score
        return
    at = 0
    while True:
        child = 2 * at + 1
        if child >= depth:
            break
        if child + 1 < depth and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= score:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = score


@numba.njit(**_COMPILED)
def _selected(scores: Any, wanted: int) -> Any:
    """Find the score at a place from 0 of the descending order, by quickselect (Hoare, 1961)."""
    first, last = 0, len(scores) - 1
    while first < last:
        one, middle, other = scores[first], scores[(first + last) >> 1], scores[last]
        pivot = max(min(one, middle), min(max(one, middle), other))
        low, high = first, last
        while low <= high:
            while scores[low] > pivot:
                low += 1
            while scores[high] < pivot:
                high -= 1
            if low <= high:
                scores[low], scores[high] = scores[high], scores[low]
                low += 1
                high -= 1
        if wanted <= high:
            last = high
        elif wanted >= low:
            first = low
        else:
            break
    return scores[wanted]


@numba.njit(**_COMPILED)
def _nth(scores: Any, several: int, heap: Any) -> Any:
    """Find the score that has as many as the heap holds, itself included; −inf if fewer there."""
    if several < len(heap):
        return np.float32(-np.inf)
    if len(heap) > _SHALLOW:
        return _selected(scores[:several].copy(), len(heap) - 1)
    for at in range(several):
        if at < len(heap) or scores[at] > heap[0]:
            _push(heap, at, scores[at])
    return heap[0]


@numba.njit(**_COMPILED)
def _among_all(row: Any, columns: Any, word: Any, heap: Any) -> Any:
    """Find the rough score that the last of the list has, the slow way."""
    found = 0
    for place in range(len(columns)):
        code = columns[place]
        if (word[code >> 6] >> np.uint64(code & 63)) & np.uint64(1) and (
            found < len(heap) or row[place] > heap[0]
        ):
            _push(heap, found, row[place])
            found += 1
    return heap[0] if found >= len(heap) else np.float32(-np.inf)


@numba.njit(**_COMPILED)
def _possible(
    row: Any, tops: Any, columns: Any, word: Any, limit: Any, short: Any, found: Any
) -> int:
    """Find the places with a score of at least the limit, and say how many."""
    several = 0
    place = 0
    while place < len(columns):
        if place % GROUP == 0 and place // GROUP < len(tops) and tops[place // GROUP] < limit:
            place += GROUP
            continue
        if row[place] >= limit:
            code = columns[place]
            if (word[code >> 6] >> np.uint64(code & 63)) & np.uint64(1):
                short[several] = place
                found[several] = row[place]
                several += 1
        place += 1
    return several


@numba.njit(**_COMPILED)
def _kept(short: Any, found: Any, several: int, limit: Any) -> int:
    """Keep of the places those with a score of at least the limit, and say how many."""
    kept = 0
    for at in range(several):
        if found[at] >= limit:
            short[kept] = short[at]
            kept += 1
    return kept


@numba.njit(**_COMPILED)
def _exact(user: Any, factors: Any, short: Any, several: int, totals: Any) -> None:
    """Sum in float64, factor after factor; four sums side by side do not wait for each other."""
    at = 0
    while at + 4 <= several:
        a, b = factors[short[at]], factors[short[at + 1]]
        c, d = factors[short[at + 2]], factors[short[at + 3]]
        first = second = third = fourth = 0.0
        for factor in range(len(user)):
            weight = np.float64(user[factor])
            first += weight * np.float64(a[factor])
            second += weight * np.float64(b[factor])
            third += weight * np.float64(c[factor])
            fourth += weight * np.float64(d[factor])
        totals[at], totals[at + 1], totals[at + 2], totals[at + 3] = first, second, third, fourth
        at += 4
    while at < several:
        total = 0.0
        for factor in range(len(user)):
            total += np.float64(user[factor]) * np.float64(factors[short[at], factor])
        totals[at] = total
        at += 1


@numba.njit(**_COMPILED)
def draw(
    rough: Any,
    margin: Any,
    columns: Any,
    words: Any,
    users: Any,
    factors: Any,
    reach: int,
    listed: Any,
    scores: Any,
    lengths: Any,
) -> None:
    """Draw up the lists of a tile; without factors a rough score is the score.

    Args:
        rough: float32 (users, places).
        margin: float32 (users, 1), finite.
        columns: int64 (places,), the products.
        words: (users, products / 64), who may be offered what.
        users: (users, factors), with no factors where rough scores are the scores.
        factors: (places, factors).
        reach: How many groups of places hold the list, most likely.
        listed: int32 (users, depth), written to.
        scores: float32 (users, depth), written to.
        lengths: int32 (users,), written to.
    """
    depth = listed.shape[1]
    tops = np.empty(len(columns) // GROUP, np.float32)
    highest = np.empty(max(1, reach), np.float32)
    heap = np.empty(depth, np.float32)
    short = np.empty(len(columns), np.int64)
    found = np.empty(len(columns), np.float32)
    totals = np.empty(len(columns), np.float64)
    for user in range(len(rough)):
        row, word, slack = rough[user], words[user], margin[user, 0]
        _group_maxima(row, tops)
        # Most likely the list is among the few groups with the highest scores; if not, look anew.
        guess = _nth(tops, len(tops), highest)
        several = _possible(row, tops, columns, word, guess - slack, short, found)
        last = _nth(found, several, heap)
        if last < guess:
            last = _among_all(row, columns, word, heap)
            several = _possible(row, tops, columns, word, last - slack, short, found)
        several = _kept(short, found, several, last - slack)
        if users.shape[1]:
            _exact(users[user], factors, short, several, totals)
        held = 0
        for index in range(several):
            score = np.float32(totals[index]) if users.shape[1] else row[short[index]]
            if held == depth and not score > scores[user, depth - 1]:
                continue
            at = min(held, depth - 1)
            while at > 0 and scores[user, at - 1] < score:
                scores[user, at] = scores[user, at - 1]
                listed[user, at] = listed[user, at - 1]
                at -= 1
            scores[user, at] = score
            listed[user, at] = columns[short[index]]
            held = min(held + 1, depth)
        lengths[user] = held
