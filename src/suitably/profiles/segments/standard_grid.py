"""Standardised numbers, rounded to a grid, so that their last digits decide nothing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suitably.errors import DataError

__all__ = ["STEPS", "StandardGrid"]

STEPS = 1000  # of a standard deviation
_ALIKE = 1e-12  # of the largest number
_FARTHEST = 1000  # standard deviations; of a million numbers none can be farther from their mean


@dataclass(frozen=True)
class StandardGrid:
    """Means and standard deviations of fields, by which numbers become whole ones.

    Attributes:
        means: float64 (fields,), of what is known.
        deviations: float64 (fields,), of the population; 0 where all that is known is alike.
    """

    means: NDArray[np.float64]
    deviations: NDArray[np.float64]

    @classmethod
    def of(cls, values: NDArray[np.float64], names: Sequence[str]) -> "StandardGrid":
        """Measure numbers: `values` (users, fields), NaN where missing.

        Sums are exact before they are rounded once, so that the order of users has no say.

        Raises:
            DataError: Numbers too large for their squares.
        """
        measured = [_measure(column, name) for column, name in zip(values.T, names, strict=True)]
        means, deviations = (np.array([one[i] for one in measured]) for i in (0, 1))
        return cls(means, deviations)

    def on(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return thousandths of a standard deviation from the mean, whole: (users, fields).

        A missing number is at the mean, which draws a user in no direction; so is every number of
        a field whose numbers are all alike.
        """
        varied = self.deviations > 0
        away = np.where(np.isnan(values) | ~varied, 0.0, values - self.means)
        scaled = away / np.where(varied, self.deviations, 1.0)
        return np.rint(np.clip(scaled, -_FARTHEST, _FARTHEST) * STEPS) + 0.0  # no zero below 0


def _measure(column: NDArray[np.float64], name: str) -> tuple[float, float]:
    """Return mean and standard deviation of what is known, from exact sums rounded once."""
    known = column[~np.isnan(column)]
    if not len(known) or known.min() == known.max():
        return (float(known[0]) if len(known) else 0.0), 0.0
    with np.errstate(over="ignore"):
        try:
            mean = math.fsum(known.tolist()) / len(known)
            deviation = math.sqrt(math.fsum(((known - mean) ** 2).tolist()) / len(known))
        except OverflowError:
            deviation = math.inf
    if not deviation < math.inf:
        raise DataError(f"profiles.{name}: {np.abs(known).max():g} is too large to be compared")
    # What differs by less differs by how it was computed.
    return mean, deviation if deviation > _ALIKE * np.abs(known).max() else 0.0
