"""The inner loops of local ridge regressions, compiled; imported only where numba is installed."""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from suitably.ranking.solvers.compiled import REORDERED, factorise, substitute

__all__ = ["add_up", "solve"]

Floats = NDArray[Any]
Whole = NDArray[Any]

_compile = numba.njit(nogil=True, cache=True, error_model="numpy")
_reordered = numba.njit(nogil=True, cache=True, error_model="numpy", fastmath=REORDERED)


@_compile
def add_up(
    users_of: tuple[Whole, Whole, Floats],
    products_of: tuple[Whole, Whole, Floats],
    first: int,
    end: int,
    lengths: Whole,
    columns: Whole,
    values: Floats,
) -> int:
    """Add up some rows of the Gram matrix, left of its diagonal; return how many entries."""
    starts, users, weights = users_of
    user_starts, products, user_weights = products_of
    total, seen = np.zeros(end), np.zeros(end, np.bool_)
    filled = 0
    for row in range(first, end):
        begin = filled
        for place in range(starts[row], starts[row + 1]):
            user, weight = users[place], weights[place]
            for other in range(user_starts[user], user_starts[user + 1]):
                product = products[other]
                if product >= row:
                    break
                if not seen[product]:
                    seen[product] = True
                    columns[filled] = product
                    filled += 1
                total[product] += weight * user_weights[other]
        columns[begin:filled] = np.sort(columns[begin:filled])
        for place in range(begin, filled):
            product = columns[place]
            values[place] = total[product]
            total[product], seen[product] = 0.0, False
        lengths[row - first] = filled - begin
    return filled


@_compile
def gather(matrix: Floats, gram: tuple[Whole, Whole, Floats], near: Whole) -> None:
    """Take the inner products of some products, ascending, to above a matrix's diagonal."""
    starts, columns, values = gram
    for j in range(1, len(near)):
        place, last = starts[near[j]], starts[near[j] + 1]
        sparse = last - place < 8 * j
        for i in range(j):
            wanted = near[i]
            if sparse:
                while place < last and columns[place] < wanted:
                    place += 1
            else:
                high = last
                while place < high:
                    middle = (place + high) // 2
                    if columns[middle] < wanted:
                        place = middle + 1
                    else:
                        high = middle
            there = place < last and columns[place] == wanted
            matrix[i, j] = values[place] if there else 0


@_reordered
def solve(
    gram: tuple[Whole, Whole, Floats],
    diagonal: Floats,
    starts: Whole,
    neighbours: Whole,
    values: Floats,
    first: int,
    end: int,
) -> None:
    """Turn inner products with some products into the weights that predict these best."""
    most = 0
    for row in range(first, end):
        most = max(most, starts[row + 1] - starts[row])
    matrix = np.empty((most, most), values.dtype)
    for row in range(first, end):
        part = slice(starts[row], starts[row + 1])
        near, x = neighbours[part], values[part]
        gather(matrix, gram, near)
        for i in range(len(near)):
            matrix[i, i] = diagonal[near[i]]
        factorise(matrix, len(near))
        substitute(matrix, x, len(near))
