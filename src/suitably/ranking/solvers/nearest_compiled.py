"""The inner loop of nearest neighbours, compiled; imported only where numba is installed."""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["kernel"]

Floats = NDArray[Any]
Whole = NDArray[Any]

_compile = numba.njit(nogil=True, cache=True, error_model="numpy")


@_compile
def before(scores: Floats, columns: Whole, a: int, b: int) -> bool:
    """Return whether one place of a heap is worse than another: later in the catalogue if equal."""
    if scores[a] != scores[b]:
        return bool(scores[a] < scores[b])
    return bool(columns[a] > columns[b])


@_compile
def swap(scores: Floats, values: Floats, columns: Whole, a: int, b: int) -> None:
    """Exchange two places of a heap."""
    scores[a], scores[b] = scores[b], scores[a]
    values[a], values[b] = values[b], values[a]
    columns[a], columns[b] = columns[b], columns[a]


@_compile
def sink(scores: Floats, values: Floats, columns: Whole, place: int, size: int) -> None:
    """Let an entry of a heap, whose worst is on top, fall to where it belongs."""
    while True:
        least, child = place, 2 * place + 1
        if child < size and before(scores, columns, child, least):
            least = child
        if child + 1 < size and before(scores, columns, child + 1, least):
            least = child + 1
        if least == place:
            return
        swap(scores, values, columns, place, least)
        place = least


@_compile
def kernel(
    users_of: tuple[Whole, Whole, Floats],
    products_of: tuple[Whole, Whole, Floats],
    first: int,
    end: int,
    count: int,
    shrinkage: float,
    scale: Floats,
    itself: bool,
    lengths: Whole,
    columns: Whole,
    values: Floats,
) -> None:
    """Add up the rows of some products, one after another, and keep the best of each."""
    starts, users, weights = users_of
    user_starts, products, user_weights = products_of
    side = len(scale)
    total, common = np.zeros(side), np.zeros(side, np.int32)
    touched = np.empty(side, np.int32)
    scores = np.empty(count)
    for row in range(first, end):
        found = 0
        for place in range(starts[row], starts[row + 1]):
            user, weight = users[place], weights[place]
            for other in range(user_starts[user], user_starts[user + 1]):
                product = products[other]
                if common[product] == 0:
                    touched[found] = product
                    found += 1
                common[product] += 1
                total[product] += weight * user_weights[other]
        into, kept = row - first, 0
        near, alike = columns[into], values[into]
        for place in range(found):
            product = touched[place]
            value, together = total[product], float(common[product])
            total[product], common[product] = 0.0, 0
            if product == row and not itself:
                continue
            value *= together / (together + shrinkage)
            score = abs(value) * scale[product]
            if kept < count:
                scores[kept], near[kept], alike[kept] = score, product, value
                kept += 1
                if kept == count:
                    for top in range(count // 2 - 1, -1, -1):
                        sink(scores, alike, near, top, count)
            elif score > scores[0] or (score == scores[0] and product < near[0]):
                scores[0], near[0], alike[0] = score, product, value
                sink(scores, alike, near, 0, count)
        lengths[into] = kept
        order = np.argsort(near[:kept])
        near[:kept] = near[:kept][order]
        alike[:kept] = alike[:kept][order]
