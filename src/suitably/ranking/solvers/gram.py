"""Inner products of the columns of a sparse matrix, a block of rows at a time."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.utils.parallel import parallel

__all__ = ["blocks", "mirror", "upper_gram", "whole_gram"]

_CELLS = 4_000_000
_EXACT = 2**24
_SQUARE = 512


def blocks(matrix: sparse.csr_array) -> Iterator[tuple[int, sparse.csr_array]]:
    """Return `matrix.T @ matrix` block by block: the first row of each, and its rows as CSR.

    Every sum is added up in the order of the matrix's rows, whatever the block.
    """
    across = sparse.csr_array(matrix.T)
    for first, end in _bounds(matrix):
        yield first, sparse.csr_array(across[first:end] @ matrix)


def upper_gram(matrix: sparse.csr_array, dtype: Any) -> NDArray[Any]:
    """Return `matrix.T @ matrix`, dense, on and above the diagonal; what is below is arbitrary.

    Summed in the matrix's precision, kept in `dtype`. Half the work of the whole: see `mirror`.
    """
    out = np.empty((matrix.shape[1], matrix.shape[1]), dtype)
    if matrix.shape[0] < _EXACT and bool((matrix.data == 1).all()):
        # Counts are exact in single precision too, and move half the bytes.
        matrix = matrix.astype(np.float32)
    across, columns = sparse.csr_array(matrix.T), sparse.csc_array(matrix)

    def fill(bounds: tuple[int, int]) -> None:
        first, end = bounds
        rest = sparse.csr_array(columns[:, first:])
        out[first:end, first:] = (across[first:end] @ rest).toarray()

    list(parallel(fill, _bounds(matrix)))
    return out


def whole_gram(matrix: sparse.csr_array) -> NDArray[np.float64]:
    """Return `matrix.T @ matrix`, dense, in double precision."""
    out = upper_gram(matrix, np.float64)
    mirror(out)
    return out


def mirror(matrix: NDArray[Any]) -> None:
    """Copy what is above the diagonal below it, in place."""
    for start in range(0, len(matrix), _SQUARE):
        end = start + _SQUARE
        matrix[start:end, :start] = matrix[:start, start:end].T
        square = matrix[start:end, start:end]
        square[:] = np.triu(square) + np.triu(square, 1).T


def _bounds(matrix: sparse.csr_array) -> list[tuple[int, int]]:
    side = matrix.shape[1]
    step = max(1, _CELLS // max(1, side))
    return [(first, min(first + step, side)) for first in range(0, side, step)]
