"""Ridge regressions of each product on those nearest to it, in closed form."""

from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.ranking.solvers.gram import blocks
from suitably.ranking.solvers.growing import Rows, joined
from suitably.ranking.solvers.nearest import nearest, nearest_of_gram
from suitably.utils.parallel import cores, one_blas_thread, parallel

__all__ = ["local_ridge", "local_ridge_of_gram", "local_room"]

_PAIRS = 2**22
_CELLS = 2**20
_PARTS = 64


def local_ridge(
    core: sparse.csr_array, added: NDArray[np.floating], count: int, dtype: Any
) -> sparse.csr_array:
    """Return the weights that best predict each product from those nearest to it.

    Nearest are those that would predict it best alone: the squared error that one takes away is
    G[i, j]² / (G[i, i] + added[i]). The weights of product j solve (G + added) w = G[:, j] over
    them, so that with all others near it is a column of EASE.

    Args:
        core: CSR (users, products), float64, sorted, not 0 where stored; G is its Gram matrix. It
            is the solver's from here on: its columns are put in another order.
        added: float64 (products,), above 0, what is added to the diagonal.
        count: How many are near, at most.
        dtype: The precision to solve in.

    Returns:
        CSR (products, products), sorted, from the predicting product to the predicted one.

    Example:
        >>> some = sparse.csr_array(np.array([[1.0, 1.0], [1.0, 1.0]]))
        >>> local_ridge(some, np.ones(2), 1, np.float64).toarray().round(3).tolist()
        [[0.0, 0.667], [0.667, 0.0]]
    """
    # The popular first: an inner product is then held by the one that fewer have.
    reach = np.bincount(core.indices, minlength=core.shape[1])
    order = np.argsort(-reach, kind="stable").astype(np.int32)
    places = np.empty_like(order)
    places[order] = np.arange(len(order), dtype=order.dtype)
    added = added[order]
    core.indices = places[core.indices]  # no second copy of the values beside the first
    core.has_sorted_indices = False
    core.sort_indices()
    diagonal = np.bincount(core.indices, core.data**2, minlength=core.shape[1]) + added
    near = nearest(core, count, scale=1 / np.sqrt(diagonal), dtype=dtype)
    return _predicting(_lower_gram(core, dtype), diagonal, near, order)


def local_ridge_of_gram(
    gram: NDArray[np.float64],
    reach: NDArray[np.int64],
    added: NDArray[np.floating],
    count: int,
    dtype: Any,
) -> sparse.csr_array:
    """Return the same from the inner products of all pairs.

    Args:
        gram: (products, products).
        reach: int64 (products,), how many users have each.
        added: As for `local_ridge`.
        count: Likewise.
        dtype: Likewise.
    """
    order = np.argsort(-reach, kind="stable").astype(np.int32)
    gram, added = gram[np.ix_(order, order)], added[order]
    diagonal = gram.diagonal() + added
    near = nearest_of_gram(gram, gram, count, scale=1 / np.sqrt(diagonal), dtype=dtype)
    lower = sparse.csr_array(sparse.tril(sparse.csr_array(gram), -1, "csr")).astype(dtype)
    lower.sort_indices()
    return _predicting(lower, diagonal, near, order)


def _predicting(
    gram: sparse.csr_array,
    diagonal: NDArray[np.float64],
    near: sparse.csr_array,
    order: NDArray[np.int32],
) -> sparse.csr_array:
    """Turn inner products with the nearest into weights, of products in their own order again."""
    with one_blas_thread():
        _solve(gram, diagonal.astype(near.dtype), near)
    del gram
    targets = np.repeat(order, np.diff(near.indptr))
    pairs = sparse.coo_array((near.data, (order[near.indices], targets)), shape=near.shape)
    found = sparse.csr_array(pairs)
    found.sort_indices()
    return found


def local_room(core: sparse.csr_array, count: int, dtype: Any) -> int:
    """Return how many bytes `local_ridge` takes at most, about.

    Inner products of products that any user has both of, neighbours and their copies, and the
    interactions by user and by product.
    """
    side, cell = core.shape[1], 4 + np.dtype(dtype).itemsize
    pairs = int((np.diff(core.indptr).astype(np.int64) ** 2).sum())
    inner = min(side * side, pairs) // 2
    near = min(pairs, side * min(count, side))
    return int(cell * (inner + 3 * near) + 60 * core.nnz)


def _lower_gram(core: sparse.csr_array, dtype: Any) -> sparse.csr_array:
    """Return the inner products of each column with those before it: CSR, sorted."""
    one, side = _compiled(), core.shape[1]
    if one is None:
        some = [sparse.tril(block, first - 1, "csr") for first, block in blocks(core)]
        lower = sparse.csr_array(sparse.vstack(some, format="csr")).astype(dtype)
        lower.sort_indices()
        return lower
    across = sparse.csr_array(core.T)
    users_of = (across.indptr, across.indices, across.data)
    products_of = (core.indptr, core.indices, core.data)
    place = np.arange(core.nnz) - np.repeat(core.indptr[:-1], np.diff(core.indptr))
    pairs = np.bincount(core.indices, place, minlength=side)
    cells = np.minimum(pairs, np.arange(side)).astype(np.int64)

    def part(bounds: tuple[int, int]) -> Rows:
        first, end = bounds
        lengths = np.zeros(end - first, np.int64)
        columns = np.empty(cells[first:end].sum(), np.int32)
        values = np.empty(len(columns), dtype)
        filled = one.add_up(users_of, products_of, first, end, lengths, columns, values)
        return lengths, columns[:filled].copy(), values[:filled].copy()

    return joined(parallel(part, _shares(pairs, _PAIRS), cores()), side, dtype)


def _solve(gram: sparse.csr_array, diagonal: NDArray[Any], near: sparse.csr_array) -> None:
    """Turn inner products with the nearest into weights, in place.

    Args:
        gram: CSR (products, products), left of the diagonal.
        diagonal: (products,), with what is added.
        near: CSR (products, products), row by row the products that are near one.
    """
    one, lengths = _compiled(), np.diff(near.indptr)
    if one is None:
        _with_numpy(gram, diagonal, near)
        return
    parts = (gram.indptr, gram.indices, gram.data)

    def solve(bounds: tuple[int, int]) -> None:
        one.solve(parts, diagonal, near.indptr, near.indices, near.data, *bounds)

    work = (lengths.astype(np.float64) + 8) ** 2
    list(parallel(solve, _shares(work, float(work.sum()) / _PARTS)))


def _with_numpy(gram: sparse.csr_array, diagonal: NDArray[Any], near: sparse.csr_array) -> None:
    """Solve for products of as many neighbours together, one LAPACK call for each in C."""
    side, lengths = gram.shape[0], np.diff(near.indptr)
    held = np.repeat(np.arange(side), np.diff(gram.indptr)) * side + gram.indices
    for width in np.unique(lengths[lengths > 0]).tolist():
        alike = np.flatnonzero(lengths == width)
        for begin in range(0, len(alike), max(1, _CELLS // width**2)):
            places = near.indptr[alike[begin : begin + max(1, _CELLS // width**2)], None]
            places = places + np.arange(width)
            of = near.indices[places].astype(np.int64)
            low, high = np.triu_indices(width, 1)
            wanted = of[:, high] * side + of[:, low]
            at = np.minimum(np.searchsorted(held, wanted), len(held) - 1)
            inner = np.where(held[at] == wanted, gram.data[at], 0) if len(held) else 0
            matrix = np.zeros((len(of), width, width), diagonal.dtype)
            matrix[:, low, high] = matrix[:, high, low] = inner
            matrix[:, np.arange(width), np.arange(width)] = diagonal[of]
            near.data[places] = np.linalg.solve(matrix, near.data[places][:, :, None])[:, :, 0]


def _shares(work: NDArray[Any], each: float) -> list[tuple[int, int]]:
    """Divide rows into runs of about so much work each."""
    share = np.floor(np.cumsum(work) / max(each, 1.0))
    firsts = np.flatnonzero(np.diff(share, prepend=-1.0)).tolist()
    return list(zip(firsts, [*firsts[1:], len(work)], strict=True))


@cache
def _compiled() -> Any:
    if find_spec("numba") is None:
        return None
    from suitably.ranking.solvers import local_ridge_compiled

    return local_ridge_compiled
