"""Leading singular vectors of a large sparse matrix, many at a time."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import eigh, qr

__all__ = ["leading_right", "subspace_room"]

# Besides those that are wanted, so that the last of them settle too.
_MORE = 32
_SWEEPS, _TOLERANCE = 12, 2e-3


def leading_right(
    matrix: sparse.csr_array, count: int, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return the leading singular values and right singular vectors, by subspace iteration.

    A span of random vectors is multiplied by the matrix and its transpose until the sum of the
    singular values in it grows by less than a 500th, twelve times at most. What is missing then is
    in vectors whose singular values hardly differ from those of the next ones. Lanczos' method,
    which takes one vector at a time, moves each earlier one for every new one: with hundreds of
    them over a million columns that alone takes hours.

    Args:
        matrix: CSR (rows, columns).
        count: How many, at most.
        seed: Of the vectors that it starts from.

    Returns:
        Vectors float32 (columns, count), orthonormal; values float64 (count,), falling; fewer
        where the matrix has no more that single precision can tell from 0.

    Source:
        Halko, Martinsson and Tropp, "Finding Structure with Randomness", SIAM Review 53 (2011),
        algorithm 4.4; Rayleigh and Ritz' values: Saad, "Numerical Methods for Large Eigenvalue
        Problems", 2011, section 5.2.

    Example:
        >>> some = sparse.csr_array(np.diag([3.0, 2.0, 1.0]))
        >>> vectors, values = leading_right(some, 2, seed=0)
        >>> values.round(3).tolist(), abs(vectors[:, 0]).round(3).tolist()
        ([3.0, 2.0], [1.0, 0.0, 0.0])
    """
    rows = sparse.csr_array(matrix, dtype=np.float32)
    columns = sparse.csr_array(rows.T)
    width = min(count + _MORE, *rows.shape)
    start = np.random.default_rng(seed).standard_normal((rows.shape[1], width), np.float32)
    basis, before = _orthonormal(start), 0.0
    for sweep in range(_SWEEPS):
        image = rows @ basis
        squares, turn = eigh((image.T @ image).astype(np.float64))
        values = np.sqrt(np.maximum(squares[::-1], 0))
        total = float(values[:count].sum())
        if sweep == _SWEEPS - 1 or total - before <= _TOLERANCE * total:
            break
        before = total
        basis = _orthonormal(columns @ image)
    # Squares lose half the digits, so smaller ones cannot be told from 0.
    floor = values[0] * np.sqrt(width * np.finfo(np.float32).eps)
    kept = np.flatnonzero(values[:count] > floor)
    turned = turn[:, ::-1][:, kept].astype(np.float32)
    return basis @ turned, values[kept]


def subspace_room(shape: tuple[int, int], count: int) -> int:
    """Return how many bytes `leading_right` takes: vectors of either side, and LAPACK's copies."""
    return 4 * (count + _MORE) * (shape[0] + 3 * shape[1])


def _orthonormal(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = qr(vectors, mode="economic", overwrite_a=True, check_finite=False)[
        0
    ]
    return found
