"""Equations for vectors of products, added up over groups of users whose vectors are known."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.ranking.solvers.least_squares import gram
from suitably.utils.parallel import one_blas_thread, parallel

__all__ = ["equations", "numbers", "solved"]

Floats = NDArray[np.float64]
_ROWS = 8_192
_PRODUCTS = 256
_FLOOR = 1e-12


def numbers(products: int, factors: int) -> int:
    """Return how many numbers `equations` gives, about."""
    return products * factors * (factors + 1)


def equations(
    users: NDArray[Any], lines: sparse.csr_array, weights: Floats, targets: Floats
) -> dict[str, Floats]:
    """Return the equations that the vectors of products solve: sums over users.

    For a product i with observed entries u its vector solves (unobserved · XᵀX + Σᵤ cᵤᵢ xᵤxᵤᵀ +
    λᵢ I) y = Σᵤ tᵤᵢ xᵤ.

    Args:
        users: X (users, factors).
        lines: CSR (users, products); only the places of its entries count.
        weights: c, one for every entry, in their order.
        targets: t, likewise.

    Returns:
        `gram`, XᵀX; `squares` (products, factors, factors) and `targets` (products, factors), the
        sums over the entries of each product.

    Example:
        >>> made = equations(np.array([[1.0], [2.0]]), sparse.csr_array(np.ones((2, 1))),
        ...                  np.array([1.0, 3.0]), np.array([1.0, 1.0]))
        >>> {name: array.ravel().tolist() for name, array in made.items()}
        {'gram': [5.0], 'squares': [13.0], 'targets': [3.0]}
    """
    vectors = users.astype(np.float64)
    side, factors = lines.shape[1], vectors.shape[1]
    order = np.argsort(lines.indices, kind="stable")
    rows = np.repeat(np.arange(len(vectors)), np.diff(lines.indptr))[order]
    bounds = np.append(0, np.cumsum(np.bincount(lines.indices, minlength=side)))
    weights, targets = weights[order], targets[order]
    squares, found = np.zeros((side, factors, factors)), np.zeros((side, factors))

    def add_up(first: int) -> None:
        for product in range(first, min(first + _PRODUCTS, side)):
            end = int(bounds[product + 1])
            for start in range(int(bounds[product]), end, _ROWS):
                some = slice(start, min(start + _ROWS, end))
                held = vectors[rows[some]]
                squares[product] += (held * weights[some, None]).T @ held
                found[product] += targets[some] @ held

    with one_blas_thread():
        list(parallel(add_up, range(0, side, _PRODUCTS)))
        return {"gram": gram(vectors), "squares": squares, "targets": found}


def solved(sums: Mapping[str, Floats], unobserved: float, ridge: Floats) -> Floats:
    """Return the vectors that solve the equations of products: float64 (products, factors).

    Args:
        sums: Those of everybody.
        unobserved: The weight of every pair, observed or not.
        ridge: λ (products,), 0 or more.

    Example:
        >>> sums = {"gram": np.ones((1, 1)), "squares": np.ones((1, 1, 1)),
        ...         "targets": np.full((1, 1), 6.0)}
        >>> solved(sums, 1.0, np.ones(1)).round(6).tolist()
        [[2.0]]
    """
    base, (side, factors) = unobserved * sums["gram"], sums["targets"].shape
    out, axis = np.zeros((side, factors)), np.arange(factors)
    with one_blas_thread():
        for start in range(0, side, _PRODUCTS):
            some = slice(start, start + _PRODUCTS)
            matrix = sums["squares"][some] + base
            # There may be no penalty, and then nothing else that keeps equations solvable.
            least = np.maximum(_FLOOR * matrix[:, axis, axis].max(axis=1), np.finfo(float).tiny)
            matrix[:, axis, axis] += np.maximum(ridge[some], least)[:, None]
            out[some] = np.linalg.solve(matrix, sums["targets"][some][:, :, None])[:, :, 0]
    return out
