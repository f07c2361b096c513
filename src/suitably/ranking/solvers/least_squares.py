"""Regularised least squares for many users at once: one half of a sweep, and every fold-in."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.errors import DataError
from suitably.ranking.solvers import kernels
from suitably.utils.parallel import cores, parallel
from suitably.utils.runs import reduce_runs

__all__ = ["Fixed", "gram", "multiply_adds"]

Floats = NDArray[Any]
_BLOCK = 8_192
_TASKS_PER_THREAD = 8
_SMALL = 2_000_000
_FLOOR = 1e-12


@dataclass(frozen=True)
class Fixed:
    """The side of a factorisation that is held fixed while vectors of the other are solved for.

    For a row u with observed entries i the vector solves (unobserved · YᵀY + Σᵢ cᵤᵢ yᵢyᵢᵀ +
    λᵤ I) x = Σᵢ tᵤᵢ yᵢ. Turned to the principal axes of Y, everything but the sum is diagonal
    whatever λᵤ is. A row of n entries then costs of the order of n²·factors multiply-adds instead
    of factors³, by the Woodbury identity, and most users hold few products.

    Attributes:
        vectors: Y (columns, factors), in the basis that is used.
        base: unobserved · YᵀY in that basis: float (factors, factors).
        energy: Its diagonal, where the basis is that of the principal axes; None elsewhere.
        axes: (factors, factors), the principal axes in rows; None where the basis was not turned.
    """

    vectors: Floats
    base: Floats
    energy: Floats | None
    axes: Floats | None

    @staticmethod
    def of(vectors: Floats, unobserved: float, lengths: NDArray[Any] | None = None) -> "Fixed":
        """Hold vectors fixed.

        Args:
            vectors: Y (columns, factors), float32 or float64, which is also the precision.
            unobserved: The weight of every pair, observed or not, 0 or more.
            lengths: How many entries the rows to come have; the basis is turned only if that
                saves work. None: it is turned, so that an answer does not depend on other rows.

        Raises:
            DataError: A vector that is not finite.
        """
        _finite("vectors", vectors)
        vectors = np.ascontiguousarray(vectors)
        base = (unobserved * gram(vectors)).astype(np.float64)
        _finite("the Gram matrix of vectors", base)
        if lengths is not None and not _worth_turning(vectors.shape, lengths):
            return Fixed(vectors, base.astype(vectors.dtype), None, None)
        energy, columns = np.linalg.eigh(base)
        energy = np.maximum(energy, 0).astype(vectors.dtype)
        columns = columns.astype(vectors.dtype)
        turned = np.concatenate(
            list(parallel(lambda part: part @ columns, list(_blocks(vectors)))) or [vectors]
        )
        axes = np.ascontiguousarray(columns.T)
        return Fixed(turned, np.diag(energy), energy, axes)

    def solve(
        self,
        lines: sparse.csr_array,
        weights: Floats,
        targets: Floats,
        ridge: Floats,
        turn_back: bool = True,
    ) -> Floats:
        """Solve for a vector for every row.

        A row's answer depends on that row alone: not on the others, their order, or threads.

        Args:
            lines: CSR (rows, columns); only the places of its entries count.
            weights: c, one for every entry, in their order; may be negative as long as the
                equations stay positive definite.
            targets: t, one for every entry.
            ridge: λ, one for every row, 0 or more.
            turn_back: Whether to answer in the basis that the vectors were given in, not in the
                one that they are held in.

        Returns:
            (rows, factors), in the precision of the vectors; zeros for a row without entries.

        Raises:
            DataError: A weight, target or penalty that is not finite, a negative penalty, or
                equations that have no answer.
        """
        kind = self.vectors.dtype
        for name, array in (("weights", weights), ("targets", targets), ("penalties", ridge)):
            _finite(name, array)
        if len(ridge) and ridge.min() < 0:
            raise DataError(f"least squares: a penalty is negative ({ridge.min():.3g})")
        rows = kernels.Rows(
            np.asarray(lines.indptr, np.int64),
            np.asarray(lines.indices, np.int32),
            np.asarray(weights, kind),
            np.asarray(targets, kind),
            np.maximum(ridge, self._least_ridge(lines, weights)).astype(kind),
        )
        small = self._few(rows)
        axes = self.axes if turn_back else None
        out = np.zeros((len(ridge), self.vectors.shape[1]), kind)
        work = multiply_adds(np.diff(rows.starts), small, self.vectors.shape[1])
        which = kernels.chosen()
        one = partial(which, rows, small, self.vectors, self.base, self.energy, axes, out)
        try:
            list(parallel(one, _shares(work)))
        except np.linalg.LinAlgError:
            out[:] = np.nan
        _finite("the answer: equations that have none", out)
        return out

    def shares(
        self, line: sparse.csr_array, weights: Floats, targets: Floats, ridge: float, other: Floats
    ) -> Floats:
        """Split the product of a row's vector and another one by the row's entries.

        The vector is W · Σᵢ tᵢ yᵢ with W the inverse of what `solve` solves by, which is symmetric:
        entry i adds tᵢ · yᵢᵀ (W · other).

        Args:
            line: CSR (1, columns), one row.
            weights: c, as for `solve`.
            targets: t.
            ridge: λ.
            other: (factors,), in the basis that the vectors were given in.

        Returns:
            float64 (entries,).
        """
        mine = self.vectors[line.indices].astype(np.float64)
        matrix = (mine * weights[:, None]).T @ mine + self.base
        least = self._least_ridge(line, weights).item()
        matrix[np.diag_indices(len(matrix))] += max(ridge, least)
        turned = other if self.axes is None else self.axes @ other
        found: Floats = targets * (mine @ np.linalg.solve(matrix, turned))
        return found

    def _few(self, rows: kernels.Rows) -> NDArray[np.bool_]:
        """Return which rows have fewer entries than there are factors, all of positive weight."""
        lengths = np.diff(rows.starts)
        if self.energy is None:
            return np.zeros(len(lengths), bool)
        weak = (rows.weights <= 0) | (rows.weights < 1e-6 * np.abs(rows.targets))
        awkward = np.append(0, np.cumsum(weak))
        fine = awkward[rows.starts[1:]] == awkward[rows.starts[:-1]]
        few: NDArray[np.bool_] = (lengths < self.vectors.shape[1]) & fine
        return few

    @cached_property
    def _squares(self) -> NDArray[np.float64]:
        """The squared lengths of the vectors: (columns,)."""
        squares: NDArray[np.float64] = np.einsum(
            "cf,cf->c", self.vectors, self.vectors, dtype=np.float64
        )
        return squares

    def _least_ridge(self, lines: sparse.csr_array, weights: Floats) -> Floats:
        """Keep equations solvable: next to nothing beside the other terms of each: (rows,).

        There may be no penalty, or entries of enormous weight, beside which it is lost.
        """
        largest = float(np.diag(self.base).max(initial=0)) or float(
            np.square(self.vectors).max(initial=0)
        )
        own = np.zeros(lines.shape[0])
        some = np.flatnonzero(np.diff(lines.indptr))
        parts = np.abs(weights) * self._squares[lines.indices]
        own[some] = reduce_runs(np.add, parts, lines.indptr[some])
        least = max(_FLOOR * largest, float(np.finfo(self.vectors.dtype).tiny))
        return np.asarray(np.maximum(least, _FLOOR * own))


def gram(vectors: Floats) -> Floats:
    """Return vectorsᵀ · vectors, the same for any number of threads."""
    factors = vectors.shape[1]
    total = np.zeros((factors, factors), vectors.dtype)
    for part in parallel(lambda part: part.T @ part, list(_blocks(vectors))):
        total += part
    return total


def _blocks(vectors: Floats) -> Iterable[Floats]:
    # Of one size whatever the number of threads, so that sums round alike.
    for start in range(0, len(vectors), _BLOCK):
        yield vectors[start : start + _BLOCK]


def multiply_adds(
    lengths: NDArray[Any], few: NDArray[np.bool_], factors: int
) -> NDArray[np.float64]:
    """Count the multiply-adds of every row: float64 (rows,).

    Args:
        lengths: How many entries each has.
        few: bool (rows,), which are solved in as many unknowns as they have entries.
        factors: How many there are.
    """
    n, d = lengths.astype(np.float64), float(factors)
    long = n * d * d / 2 + d**3 / 6 + d * d
    short = n * n * d / 2 + n**3 / 6 + 2 * n * d + d
    return np.where(few, short, long)


def _worth_turning(shape: tuple[int, ...], lengths: NDArray[Any]) -> bool:
    columns, factors = shape
    many = np.zeros(len(lengths), bool)
    saved = multiply_adds(lengths, many, factors) - multiply_adds(
        lengths, lengths < factors, factors
    )
    return bool(saved.sum() > columns * factors**2)


def _shares(work: NDArray[np.float64]) -> list[NDArray[np.int64]]:
    """Deal rows out in runs of about equal work."""
    total = float(work.sum())
    several = 1 if total < _SMALL else _TASKS_PER_THREAD * cores()
    place = np.minimum((np.cumsum(work) - work) * several // max(total, 1.0), several - 1)
    bounds = np.searchsorted(place, np.arange(several + 1))
    return [np.arange(a, b) for a, b in pairwise(bounds.tolist()) if a < b]


def _finite(name: str, array: Floats) -> None:
    bad = array.size - int(np.isfinite(array).sum())
    if bad:
        raise DataError(f"least squares: {bad} of {array.size} numbers in {name} are not finite")
