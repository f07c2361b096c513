"""Ratio metrics: one sum over users divided by another, linearised for the delta method."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ratio", "linearised"]


@dataclass(frozen=True)
class Ratio:
    """The two parts of a ratio, user by user; the metric is the one's sum over the other's.

    Attributes:
        numerator: float64 (users,), NaN where it is not defined.
        denominator: float64 (users,), likewise.

    Example:
        >>> cost, customers = np.array([5.0, 5.0, 5.0]), np.array([1.0, 0.0, 1.0])
        >>> Ratio(cost, customers).value, Ratio(cost, customers).per_user
        (7.5, array([ 5., nan,  5.]))
    """

    numerator: NDArray[np.float64]
    denominator: NDArray[np.float64]

    @property
    def value(self) -> float:
        """The ratio of the sums over users who have both parts, NaN where there is nothing."""
        known = ~np.isnan(self.numerator + self.denominator)
        total = float(self.denominator[known].sum())
        return float(self.numerator[known].sum()) / total if total else float("nan")

    @property
    def per_user(self) -> NDArray[np.float64]:
        """Each user's own ratio: float64 (users,), NaN where the denominator is 0."""
        own = np.full(len(self.numerator), np.nan)
        np.divide(self.numerator, self.denominator, out=own, where=self.denominator != 0)
        return own


def linearised(
    numerator: NDArray[np.float64], denominator: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return a value per unit whose mean is the ratio of sums and whose spread is its error.

    The value is R + (n − R d) / mean(d), with R = Σn / Σd: the first-order expansion of the ratio
    about the means. The variance of the mean of these values is the delta method's variance of the
    ratio, and differences of the values of two arms are paired as any other metric's are.

    Args:
        numerator: float64 (units,), without NaN; a unit is what is independent of the others.
        denominator: float64 (units,), without NaN.

    Returns:
        float64 (units,), NaN where the denominators sum to 0.

    Source:
        Deng, Knoblich and Lu, KDD 2018, on the delta method; Budylin et al., WSDM 2018, on
        linearisation.

    Example:
        >>> values = linearised(np.array([1.0, 0.0, 2.0]), np.array([1.0, 2.0, 3.0]))
        >>> values, round(float(values.mean()), 12)
        (array([0.75, 0.  , 0.75]), 0.5)
    """
    total = denominator.sum()
    if not total:
        return np.full(len(numerator), np.nan)
    ratio = numerator.sum() / total
    values: NDArray[np.float64] = ratio + (numerator - ratio * denominator) * (
        len(denominator) / total
    )
    return values
