"""Ridge regressions of each product on all others at once, by one inversion."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import lapack

from suitably.errors import DataError
from suitably.ranking.solvers.gram import mirror, upper_gram
from suitably.utils.parallel import one_blas_thread

__all__ = ["largest_sum", "precision", "ridge", "ridge_of_gram", "row_sums"]

# Condition numbers that leave single precision enough of its seven digits, and its own range.
_SINGLE = 1e5
_LARGE = 1e30


def largest_sum(core: sparse.csr_array) -> float:
    """Return the largest row sum of the Gram matrix of sizes, which bounds its eigenvalues."""
    return float(row_sums(core).max())


def row_sums(core: sparse.csr_array) -> NDArray[np.float64]:
    """Return the row sums of the Gram matrix of sizes: float64 (products,)."""
    sizes = abs(core)
    found: NDArray[np.float64] = sizes.T @ np.asarray(sizes.sum(axis=1)).ravel()
    return found


def precision(norm: float, added: NDArray[np.floating]) -> Any:
    """Return the precision in which to solve with a Gram matrix whose diagonal is raised.

    Its eigenvalues lie between the least that is added and the norm with the most that is added,
    so the condition is bounded before anything is factorised.

    Args:
        norm: What bounds the eigenvalues of the Gram matrix.
        added: float64 (products,), above 0.

    Returns:
        float32 where it surely has the digits, else float64.
    """
    least, most = float(added.min()), norm + float(added.max())
    return np.float32 if most < _SINGLE * least and most < _LARGE else np.float64


def ridge(
    name: str, core: sparse.csr_array, added: NDArray[np.floating], norm: float, dtype: Any
) -> NDArray[np.floating]:
    """Return the weights that best predict each product from the others, zeros on the diagonal.

    With P the inverse of the Gram matrix and what is added to its diagonal: −P[i, j] / P[j, j].

    Args:
        name: The ranker's.
        core: CSR (users, products), float64.
        added: float64 (products,), above 0.
        norm: What bounds the eigenvalues of the Gram matrix.
        dtype: The precision to invert in.

    Raises:
        DataError: What is added is too little to invert with.
    """
    return ridge_of_gram(name, upper_gram(core, dtype), added, norm)


def ridge_of_gram(
    name: str, matrix: NDArray[np.floating], added: NDArray[np.floating], norm: float
) -> NDArray[np.floating]:
    """Return the same from the Gram matrix, of which what is below the diagonal does not count.

    Args:
        name: The ranker's.
        matrix: (products, products), in the precision to invert in; it is overwritten.
        added: As for `ridge`.
        norm: Likewise.

    Raises:
        DataError: Likewise.
    """
    dtype = matrix.dtype
    matrix[np.diag_indices(len(matrix))] += added.astype(dtype)
    # Threads would change the last bits, so the same data would give other lists elsewhere.
    with one_blas_thread():
        done = _invert(matrix, norm + float(added.max()))
    # A diagonal that has lost its sign to rounding is no inverse.
    if not done or not bool((matrix.diagonal() > 0).all()):
        raise DataError(f"{name}: the penalty is too small to invert with; raise regularization")
    matrix /= -matrix.diagonal()
    np.fill_diagonal(matrix, 0)
    return matrix


def _invert(matrix: NDArray[np.floating], norm: float) -> bool:
    """Invert a symmetric positive definite matrix in place, from what is above its diagonal.

    Returns:
        Whether it could be done: false where the matrix is singular in its precision.
    """
    names = ("potrf", "pocon", "potri")
    factorise, condition, invert = lapack.get_lapack_funcs(names, dtype=matrix.dtype)
    # LAPACK reads by columns: the transposed view is the same matrix, without a copy.
    factor, failed = factorise(matrix.T, lower=True, clean=False, overwrite_a=True)
    if not failed:
        reciprocal, failed = condition(factor, norm, uplo="L")
        failed = failed or reciprocal < np.finfo(matrix.dtype).eps
    if not failed:
        _, failed = invert(factor, lower=True, overwrite_c=True)
    if not failed:
        mirror(matrix)
    return not failed
