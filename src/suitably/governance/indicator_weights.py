"""Indicator weights: what people judge (AHP), and what the figures tell apart (entropy)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suitably.errors import DataError

__all__ = ["AHPWeights", "EntropyWeights", "ahp_weights", "entropy_weights"]

# Mean consistency index of random matrices of 1 to 15 rows (Saaty 1980, chapter 3).
_RANDOM = (0, 0, 0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49, 1.51, 1.48, 1.56, 1.57, 1.59)
_MOST = 0.1
_RECIPROCAL = 1e-6


class IndicatorWeights(Sequence[float]):
    """Weights of indicators, of sum 1: a sequence of numbers, and an array for NumPy."""

    weights: NDArray[np.float64]

    @overload
    def __getitem__(self, place: int) -> float: ...
    @overload
    def __getitem__(self, place: slice) -> list[float]: ...
    def __getitem__(self, place: int | slice) -> float | list[float]:
        """Return one weight, or a list of some."""
        weights: list[float] = self.weights.tolist()
        return weights[place]

    def __len__(self) -> int:
        return len(self.weights)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return the weights as an array."""
        return np.array(self.weights, dtype, copy=copy)


@dataclass(frozen=True, eq=False)
class AHPWeights(IndicatorWeights):
    """Weights from comparisons of pairs, and how far these agree.

    Attributes:
        weights: float64 (indicators,), of sum 1.
        largest_eigenvalue: Of the matrix; the number of indicators where all comparisons agree.
        consistency_index: (largest eigenvalue − n) / (n − 1).
        consistency_ratio: That over the mean of random matrices; below .1.
    """

    weights: NDArray[np.float64]
    largest_eigenvalue: float
    consistency_index: float
    consistency_ratio: float


@dataclass(frozen=True, eq=False)
class EntropyWeights(IndicatorWeights):
    """Weights by how far an indicator tells objects apart.

    Attributes:
        weights: float64 (indicators,), of sum 1.
        entropies: float64 (indicators,), 1 where all objects are alike in it.
    """

    weights: NDArray[np.float64]
    entropies: NDArray[np.float64]


def ahp_weights(matrix: ArrayLike) -> AHPWeights:
    """Return weights of indicators from judgements of which of two matters more, and how much.

    Args:
        matrix: (indicators, indicators), at row i and column j how many times as important
            indicator i is as j: positive, and at the mirrored place its reciprocal. At most 15.

    Raises:
        DataError: Not such a matrix, or a consistency ratio of .1 or more: then the judgements
            contradict each other, and no weights stand for them.

    Source:
        Saaty, "The Analytic Hierarchy Process", McGraw-Hill 1980: the principal eigenvector.

    Example:
        >>> found = ahp_weights([[1, 3, 5], [1 / 3, 1, 3], [1 / 5, 1 / 3, 1]])
        >>> found.weights.round(4).tolist(), round(found.consistency_ratio, 4)
        ([0.637, 0.2583, 0.1047], 0.0332)
    """
    given = _numbers(matrix, "matrix")
    size = len(given)
    if given.shape != (size, size) or not 1 <= size <= len(_RANDOM):
        raise DataError(
            f"matrix: must be square, of 1 to {len(_RANDOM)} indicators, not {given.shape}"
        )
    if not (given > 0).all() or not np.allclose(given * given.T, 1, rtol=0, atol=_RECIPROCAL):
        raise DataError(
            "matrix: must be positive, with the reciprocal of every comparison at the mirrored "
            "place and 1 on the diagonal"
        )
    values, vectors = np.linalg.eig(given)
    place = int(values.real.argmax())
    largest = float(values[place].real)
    principal = np.abs(vectors[:, place].real)
    index = max(0.0, (largest - size) / (size - 1)) if size > 1 else 0.0
    ratio = index / _RANDOM[size - 1] if _RANDOM[size - 1] else 0.0
    if ratio >= _MOST:
        raise DataError(
            f"matrix: its consistency ratio is {ratio:.3f}, and must be below {_MOST}: the "
            f"comparisons contradict each other; judge the pairs again"
        )
    return AHPWeights(principal / principal.sum(), largest, index, ratio)


def entropy_weights(matrix: ArrayLike) -> EntropyWeights:
    """Return weights of indicators by how unevenly objects share them.

    The weight of an indicator is in proportion to 1 − its entropy, so it rewards dispersion and not
    importance: an indicator in which all are equally unsafe weighs nothing. It is never to be used
    alone for indicators of safety, which `TrustIndex` refuses.

    Args:
        matrix: (objects, indicators), 0 or more, each indicator above 0 for some object.

    Raises:
        DataError: Not such a matrix, fewer than two objects, or indicators in which all objects
            are alike, all of them.

    Source:
        Shannon, "A Mathematical Theory of Communication", Bell System Technical Journal 27 (1948);
        entropies to the base of the number of objects.

    Example:
        >>> found = entropy_weights([[0.8, 0.2], [0.6, 0.9], [0.7, 0.4]])
        >>> found.weights.round(4).tolist(), found.entropies.round(6).tolist()
        ([0.0384, 0.9616], [0.993787, 0.844354])
    """
    given = _numbers(matrix, "matrix")
    if given.ndim != 2 or len(given) < 2 or not given.shape[1]:
        raise DataError(f"matrix: must have two objects or more and an indicator: {given.shape}")
    totals = given.sum(axis=0)
    if (given < 0).any() or not (totals > 0).all():
        raise DataError("matrix: must be 0 or more, and each indicator above 0 for some object")
    shares = given / totals
    logs = np.log(np.where(shares > 0, shares, 1.0))
    entropies = -(shares * logs).sum(axis=0) / np.log(len(given))
    spread = np.clip(1 - entropies, 0.0, None)
    if spread.sum() <= len(given) * np.finfo(float).eps:
        raise DataError("matrix: all objects are alike in every indicator, so nothing weighs more")
    return EntropyWeights(spread / spread.sum(), entropies)


def _numbers(matrix: Any, name: str) -> NDArray[np.float64]:
    try:
        given = np.asarray(matrix, np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{name}: must be rows of numbers, all of one length") from None
    if given.ndim != 2 or not given.size or not np.isfinite(given).all():
        raise DataError(f"{name}: must be rows of finite numbers, with at least one")
    return given
