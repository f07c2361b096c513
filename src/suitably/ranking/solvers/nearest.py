"""Nearest products by the inner products of columns, without a matrix of all pairs."""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.ranking.solvers.gram import blocks
from suitably.ranking.solvers.growing import Rows, joined
from suitably.utils.parallel import cores, parallel

__all__ = ["compiled", "counted", "nearest", "nearest_of_gram", "trimmed"]

_CELLS = 1_000_000
# How many pairs of products users may have: where a triangle of all pairs is small, and elsewhere;
# there, also so many for each entry.
_PAIRS, _SPARSE_PAIRS, _EACH = 2**34, 2**30, 64
_TRIANGLE = 2**31


def nearest(
    matrix: sparse.csr_array,
    count: int,
    shrinkage: float = 0.0,
    scale: NDArray[np.float64] | None = None,
    itself: bool = False,
    dtype: Any = np.float64,
) -> sparse.csr_array:
    """Return the nearest columns of each column: rows of `matrix.T @ matrix`, the largest of each.

    An inner product is shrunk by n / (n + shrinkage), where n users have both; one below 0 in a
    column counts by its size beside the column's largest, so that next to nothing is next to no
    user. It is judged by its
    size, whatever its sign. Equally near ones are taken in their order. Every sum is added up
    in the order of the matrix's rows.

    Args:
        matrix: CSR (users, products), float64, sorted, not 0 where stored.
        count: How many are kept of each.
        shrinkage: At how many common users an inner product counts half.
        scale: float64 (products,), a near product's inner product is judged times this.
        itself: Whether a product is among its own.
        dtype: What inner products are kept in; they are summed and judged in double precision.

    Returns:
        CSR (products, products), sorted.

    Example:
        >>> some = sparse.csr_array(np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]]))
        >>> nearest(some, 1).toarray().tolist()
        [[0.0, 2.0, 0.0], [2.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
    """
    side = matrix.shape[1]
    judged = np.ones(side) if scale is None else scale
    count = min(count, side)
    one, faint = compiled(), bool(shrinkage) and bool((matrix.data < 0).any())
    if one is None or faint:
        together = sparse.csr_array((counted(matrix), matrix.indices, matrix.indptr), matrix.shape)
        pairs = zip(blocks(matrix), blocks(together), strict=True)
        each = ((first, alike, common) for (first, alike), (_, common) in pairs)
        parts = _with_numpy(each, count, shrinkage, judged, itself)
    else:
        parts = _with_numba(one, matrix, count, shrinkage, judged, itself, dtype)
    return joined(parts, side, dtype)


def nearest_of_gram(
    alike: NDArray[np.float64],
    common: NDArray[np.float64],
    count: int,
    shrinkage: float = 0.0,
    scale: NDArray[np.float64] | None = None,
    dtype: Any = np.float64,
) -> sparse.csr_array:
    """Return the nearest columns of each column, as `nearest`, from inner products of all pairs.

    Args:
        alike: (products, products), the inner products.
        common: (products, products), how many users have both, as `counted` counts them.
        count: As for `nearest`.
        shrinkage: Likewise.
        scale: Likewise.
        dtype: Likewise.

    Example:
        >>> some = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
        >>> nearest_of_gram(some.T @ some, some.T @ some, 1).toarray().tolist()
        [[0.0, 2.0, 0.0], [2.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
    """
    side = len(alike)
    judged = np.ones(side) if scale is None else scale

    def each() -> Iterator[tuple[int, sparse.csr_array, sparse.csr_array]]:
        step = max(1, _CELLS // max(1, side))
        for first in range(0, side, step):
            some = slice(first, first + step)
            yield first, sparse.csr_array(alike[some]), sparse.csr_array(common[some])

    return joined(_with_numpy(each(), min(count, side), shrinkage, judged, False), side, dtype)


def trimmed(core: sparse.csr_array) -> tuple[sparse.csr_array, int | None]:
    """Keep the pairs of products that users have within bounds of time and memory.

    A user of d products has d² pairs. Where there are more of them than 17 billion (over more
    than 46,000 products: than the larger of a billion and 64 for each entry), those who have the
    most products count by as many as keep within that: by their heaviest, and among equally heavy
    ones those that the fewest have, of which nobody else says as much.

    Args:
        core: CSR (users, products), sorted.

    Returns:
        The matrix, the same one where nothing is left out, and how many products a user counts
        by at most; None: by all.
    """
    owned = np.diff(core.indptr).astype(np.int64)
    small = core.shape[1] ** 2 <= _TRIANGLE
    most = _PAIRS if small else max(_SPARSE_PAIRS, _EACH * core.nnz)
    if int((owned**2).sum()) <= most:
        return core, None
    low, high = 1, int(owned.max())
    while low < high:
        middle = (low + high + 1) // 2
        within = int((np.minimum(owned, middle) ** 2).sum()) <= most
        low, high = (middle, high) if within else (low, middle - 1)
    users = np.repeat(np.arange(len(owned)), owned)
    reach = np.bincount(core.indices, minlength=core.shape[1])
    order = np.lexsort((core.indices, reach[core.indices], -np.abs(core.data), users))
    rank = np.arange(core.nnz) - np.repeat(core.indptr[:-1], owned)
    kept = np.zeros(core.nnz, bool)
    kept[order[rank < low]] = True
    starts = np.append(0, np.cumsum(kept))[core.indptr]
    parts = (core.data[kept], core.indices[kept], starts)
    return sparse.csr_array(parts, shape=core.shape), low


def _with_numpy(
    each: Iterable[tuple[int, sparse.csr_array, sparse.csr_array]],
    count: int,
    shrinkage: float,
    scale: NDArray[np.float64],
    itself: bool,
) -> Iterator[Rows]:
    for first, alike, common in each:
        if shrinkage:
            common.data /= common.data + shrinkage
        else:
            common.data[:] = 1.0
        pairs = sparse.coo_array(alike.multiply(common))
        other = (pairs.row + first != pairs.col) | itself
        rows, columns, values = pairs.row[other], pairs.col[other], pairs.data[other]
        order = np.lexsort((columns, -np.abs(values) * scale[columns], rows))
        starts = np.searchsorted(rows[order], np.arange(pairs.shape[0]))
        rank = np.arange(len(order)) - starts[rows[order]]
        kept = order[rank < count]
        kept = kept[np.lexsort((columns[kept], rows[kept]))]
        lengths = np.bincount(rows[kept], minlength=pairs.shape[0])
        yield lengths, columns[kept], values[kept]


def counted(
    matrix: sparse.csr_array, largest: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Return as how many users each entry counts: float64 (entries,), 1 for all above 0.

    Args:
        matrix: CSR (users, products).
        largest: float64 (products,), the largest entry of each, 0 if none is above; None: of these.
    """
    counts = np.ones(matrix.nnz)
    below = np.flatnonzero(matrix.data < 0)
    if len(below):
        if largest is None:
            largest = np.zeros(matrix.shape[1])
            np.maximum.at(largest, matrix.indices, matrix.data)
        sizes, most = -matrix.data[below], largest[matrix.indices[below]]
        counts[below] = np.divide(sizes, most, out=np.ones(len(below)), where=sizes < most)
    return counts


def _with_numba(
    loop: Callable[..., None],
    matrix: sparse.csr_array,
    count: int,
    shrinkage: float,
    scale: NDArray[np.float64],
    itself: bool,
    dtype: Any,
) -> Iterator[Rows]:
    across = sparse.csr_array(matrix.T)
    users_of = (across.indptr, across.indices, across.data)
    products_of = (matrix.indptr, matrix.indices, matrix.data)
    side = matrix.shape[1]
    step = max(1, min(_CELLS // count, -(-side // 64)))

    def part(first: int) -> Rows:
        end = min(first + step, side)
        lengths = np.zeros(end - first, np.int64)
        columns = np.zeros((end - first, count), np.int32)
        values = np.zeros((end - first, count), dtype)
        loop(users_of, products_of, first, end, count, shrinkage, scale, itself,
             lengths, columns, values)  # fmt: skip
        kept = np.arange(count) < lengths[:, None]
        return lengths, columns[kept], values[kept]

    yield from parallel(part, range(0, side, step), cores())


@cache
def compiled() -> Callable[..., None] | None:
    """Return the compiled loop (extra `fast`), None without numba."""
    if find_spec("numba") is None:
        return None
    from suitably.ranking.solvers.nearest_compiled import kernel

    loop: Callable[..., None] = kernel
    return loop
