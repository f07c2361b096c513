"""Exact selection by rough scores, compiled by numba; the engine decides whether it is there."""

from typing import Any

import numba
import numpy as np

from suitably.ranking.topk.select import GROUP

__all__ = ["draw", "draw_one", "draw_scored"]

_COMPILED: Any = {"nogil": True, "cache": True}
_ONE, _NONE = np.float32(1), np.float32(0)
_SIGN = np.int64(0x7FFFFFFF)
_GATHERED = np.uint64(0x0102040810204080)  # times eight bytes of 0 or 1: their bits, on top
_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
_PLACES = np.zeros(64, np.int64)
_PLACES[[((0x03F79D71B4CB0A89 << bit) & (2**64 - 1)) >> 58 for bit in range(64)]] = np.arange(64)


@numba.njit(fastmath={"nnan", "nsz"}, **_COMPILED)
def _group_maxima(row: Any, tops: Any) -> None:
    """Find the largest score of every group of places, strided, side by side."""
    groups = len(tops)
    for group in range(groups):
        top = row[group]
        for step in range(1, GROUP):
            top = max(top, row[step * groups + group])
        tops[group] = top


@numba.njit(fastmath={"reassoc", "nnan", "nsz"}, **_COMPILED)
def _count(scores: Any, several: int, limit: Any) -> Any:
    """Count the scores of at least the limit."""
    count = _NONE
    for at in range(several):
        count += _ONE if scores[at] >= limit else _NONE
    return count


@numba.njit(**_COMPILED)
def _floor(scores: Any, several: int, wanted: int, number: Any, bits: Any) -> Any:
    """Find a score that as many as wanted reach, and few more if there is one; −inf if fewer.

    Args:
        scores: float32.
        several: How many of them.
        wanted: How many at least.
        number: float32 (1,).
        bits: int32 (1,), the same memory: numbers are halved by their bits, which have an order.
    """
    if several < wanted:
        return np.float32(-np.inf)
    most = wanted + wanted // 8 + 1
    low = high = scores[0]
    for at in range(several):
        low, high = min(low, scores[at]), max(high, scores[at])
    if several <= most:
        return low
    number[0] = low
    reached = np.int64(bits[0]) if bits[0] >= 0 else np.int64(bits[0]) ^ _SIGN
    number[0] = high
    above = (np.int64(bits[0]) if bits[0] >= 0 else np.int64(bits[0]) ^ _SIGN) + 1
    while reached + 1 < above:
        middle = (reached + above) >> 1
        bits[0] = middle if middle >= 0 else middle ^ _SIGN
        count = _count(scores, several, number[0])
        if count < wanted:
            above = middle
            continue
        reached = middle
        if count <= most:
            break
    bits[0] = reached if reached >= 0 else reached ^ _SIGN
    return number[0]


@numba.njit(**_COMPILED)
def _possible(
    row: Any, columns: Any, word: Any, limit: Any, flags: Any, packed: Any, short: Any, found: Any
) -> Any:
    """Find the allowed places with a score of at least the limit, and say how many.

    A branch per place would be guessed wrong for most of those that are found: all are flagged, and
    the flags read 64 at a time.
    """
    for place in range(len(row)):
        flags[place] = row[place] >= limit
    eights, bytes_ = flags.view(np.uint64), packed.view(np.uint8)
    for at in range(len(eights)):
        bytes_[at] = (eights[at] * _GATHERED) >> np.uint64(56)
    several = np.uint64(0)
    for at in range(len(packed)):
        left = packed[at]
        while left:
            lowest = left & (~left + np.uint64(1))
            place = at * 64 + _PLACES[(lowest * _DE_BRUIJN) >> np.uint64(58)]
            code = columns[place]
            short[several] = place
            found[several] = row[place]
            several += (word[code >> 6] >> np.uint64(code & 63)) & np.uint64(1)
            left ^= lowest
    return np.int64(several)


@numba.njit(**_COMPILED)
def _kept(short: Any, found: Any, several: int, limit: Any) -> Any:
    """Keep of the places those with a score of at least the limit, and say how many."""
    kept = np.uint64(0)
    for at in range(several):
        place, score = short[at], found[at]
        short[kept] = place
        found[kept] = score
        kept += np.uint64(score >= limit)
    return np.int64(kept)


@numba.njit(fastmath={"reassoc", "contract", "nsz"}, **_COMPILED)
def _sums(user: Any, factors: Any, short: Any, several: int, totals: Any) -> None:
    """Sum in float64 in the order that a processor likes best."""
    for at in range(0, several - 1, 2):
        a, b = factors[short[at]], factors[short[at + 1]]
        first = second = 0.0
        for factor in range(len(user)):
            first += user[factor] * np.float64(a[factor])
            second += user[factor] * np.float64(b[factor])
        totals[at], totals[at + 1] = first, second
    if several % 2:
        a = factors[short[several - 1]]
        first = 0.0
        for factor in range(len(user)):
            first += user[factor] * np.float64(a[factor])
        totals[several - 1] = first


@numba.njit(**_COMPILED)
def _exact(
    user: Any, factors: Any, short: Any, several: int, slack: float, totals: Any, found: Any
) -> None:
    """Sum in float64, factor after factor, and round once to float32.

    Two orders of summation differ by less than 2**-29 of the slack, 2 (width + 4) ε of float32
    times the lengths of the vectors: as a rule both then round to the same float32, and if not, or
    to a zero, whose sign is open, the sum is taken in order.
    """
    off = slack * 2.0**-29
    _sums(user, factors, short, several, totals)
    for at in range(several):
        low = np.float32(totals[at] - off)
        if low != np.float32(totals[at] + off) or low == 0:
            total = 0.0
            for factor in range(len(user)):
                total += user[factor] * np.float64(factors[short[at], factor])
            low = np.float32(total)
        found[at] = low


@numba.njit(**_COMPILED)
def _insert(found: Any, several: int, short: Any, columns: Any, listed: Any, scores: Any) -> int:
    """Put the best into a list by insertion, and say how many; of equal scores the first."""
    depth = len(listed)
    held = 0
    for index in range(several):
        score = found[index]
        if held == depth and not score > scores[depth - 1]:
            continue
        at = min(held, depth - 1)
        while at > 0 and scores[at - 1] < score:
            scores[at] = scores[at - 1]
            listed[at] = listed[at - 1]
            at -= 1
        scores[at] = score
        listed[at] = columns[short[index]]
        held = min(held + 1, depth)
    return held


@numba.njit(**_COMPILED)
def _bucket_sort(found: Any, several: int, starts: Any, order: Any) -> None:
    """Order by score, of equal ones the first first: into even buckets, then by insertion.

    Args:
        found: float32, the scores.
        several: How many of them.
        starts: int64 (buckets,), written to.
        order: int64, which of the scores; written to.
    """
    low = high = np.float64(found[0])
    for index in range(several):
        low, high = min(low, np.float64(found[index])), max(high, np.float64(found[index]))
    last = len(starts) - 1
    scale = last / (high - low) if high > low else 0.0
    starts[:] = 0
    for index in range(several):
        starts[min(last, np.int64((high - found[index]) * scale))] += 1
    start = 0
    for bucket in range(len(starts)):
        start, starts[bucket] = start + starts[bucket], start
    for index in range(several):
        into = min(last, np.int64((high - found[index]) * scale))
        order[starts[into]] = index
        starts[into] += 1
    for index in range(1, several):
        one, at = order[index], index
        while at > 0 and found[order[at - 1]] < found[one]:
            order[at] = order[at - 1]
            at -= 1
        order[at] = one


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
    flags = np.zeros(-(-len(columns) // 64) * 64, np.uint8)
    packed = np.empty(len(flags) // 64, np.uint64)
    short = np.empty(len(columns) + 1, np.int64)  # one is written over
    found = np.empty(len(columns) + 1, np.float32)
    totals = np.empty(len(columns), np.float64)
    wide = np.empty(users.shape[1], np.float64)
    starts, order = np.empty(depth, np.int64), np.empty(2 * depth, np.int64)
    number = np.empty(1, np.float32)
    bits = number.view(np.int32)
    for user in range(len(rough)):
        row, word, slack = rough[user], words[user], margin[user, 0]
        _group_maxima(row, tops)
        # Most likely the list is among the few groups with the highest scores; if not, look anew.
        guess = _floor(tops, len(tops), max(1, reach), number, bits)
        several = _possible(row, columns, word, guess - slack, flags, packed, short, found)
        if guess > -np.inf and _count(found, several, guess) < depth:
            guess = np.float32(-np.inf)
            several = _possible(row, columns, word, guess, flags, packed, short, found)
        last = max(guess, _floor(found, several, depth, number, bits))
        several = _kept(short, found, several, last - slack)
        if len(wide):
            wide[:] = users[user]
            _exact(wide, factors, short, several, slack, totals, found)
        if several > len(order):
            lengths[user] = _insert(found, several, short, columns, listed[user], scores[user])
            continue
        if several:
            _bucket_sort(found, several, starts, order)
        lengths[user] = min(several, depth)
        for rank in range(lengths[user]):
            listed[user, rank] = columns[short[order[rank]]]
            scores[user, rank] = found[order[rank]]


@numba.njit(**_COMPILED)
def draw_one(octets: Any, users: Any, factors: Any, listed: Any, scores: Any) -> bool:
    """Draw up the list of one user over few products, each of them scored exactly.

    Args:
        octets: uint8 (products / 8), which products are allowed: as many as are listed, at least.
        users: (1, factors).
        factors: (products, factors).
        listed: int64 (depth,), written to.
        scores: float32 (depth,), written to.

    Returns:
        Whether all scores are finite; if not, there is no list.
    """
    width = users.shape[1]
    wide = users[0].astype(np.float64)
    short = np.empty(8 * len(octets) + 3, np.int64)
    several = _members(octets, short)
    # Sums of four products side by side: one waits for the sum before.
    short[several : several + 3] = short[0]
    found = np.empty(several + 3, np.float32)
    for at in range(0, several, 4):
        a, b = factors[short[at]], factors[short[at + 1]]
        c, d = factors[short[at + 2]], factors[short[at + 3]]
        first = second = third = fourth = 0.0
        for factor in range(width):
            own = wide[factor]
            first += own * np.float64(a[factor])
            second += own * np.float64(b[factor])
            third += own * np.float64(c[factor])
            fourth += own * np.float64(d[factor])
        found[at], found[at + 1] = first, second
        found[at + 2], found[at + 3] = third, fourth
    found_all: bool = _listed(found, several, short, listed, scores)
    return found_all


@numba.njit(**_COMPILED)
def draw_scored(octets: Any, block: Any, listed: Any, scores: Any) -> bool:
    """Draw up the list of one user with given scores, float32 (1, products); see `draw_one`."""
    short = np.empty(8 * len(octets), np.int64)
    several = _members(octets, short)
    found = np.empty(several, np.float32)
    for at in range(several):
        found[at] = block[0, short[at]]
    found_all: bool = _listed(found, several, short, listed, scores)
    return found_all


@numba.njit(**_COMPILED)
def _members(octets: Any, short: Any) -> int:
    """Find the products whose bit is set, ascending, and say how many."""
    several = 0
    for at in range(len(octets)):
        left = octets[at]
        for bit in range(8):
            if left >> bit & 1:
                short[several] = at * 8 + bit
                several += 1
    return several


@numba.njit(**_COMPILED)
def _listed(found: Any, several: int, short: Any, listed: Any, scores: Any) -> bool:
    """Put the best into a list, unless a score is not finite."""
    for at in range(several):
        if not np.isfinite(found[at]):
            return False
    _insert(found, several, np.arange(several), short, listed, scores)
    return True
