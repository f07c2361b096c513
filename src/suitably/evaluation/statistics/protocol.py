"""Two measurements of the same users go in, an estimate of their difference comes out."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from suitably.utils.record import Record

__all__ = ["Estimate", "Statistic"]


@dataclass(frozen=True, repr=False)
class Estimate(Record):
    """Treatment less control, over units that are independent of each other.

    What cannot be computed is NaN: everything without a unit, interval and p-value with one.

    Attributes:
        n: Units: users, each once; for a figure of all lists together, splits.
        omitted: Pairs left out because a value was missing.
        control: Mean under control.
        treatment: Mean under treatment.
        difference: Mean of the differences.
        low: Lower end of the two-sided interval.
        high: Upper end.
        p_value: Two-sided.
        t: Student's statistic, of a statistic that has it.

    Example:
        >>> Estimate(n=40, omitted=0, control=0.25, treatment=0.375, difference=0.125)
        Estimate(+0.125, 0.25 to 0.375, n=40)
        >>> Estimate(4, 0, 1.0, 2.0, 1.0, low=0.5, high=1.5, p_value=0.01).to_dict()["high"]
        1.5
    """

    n: int
    omitted: int
    control: float
    treatment: float
    difference: float
    low: float = math.nan
    high: float = math.nan
    p_value: float = math.nan
    t: float = math.nan

    def __repr__(self) -> str:
        interval = f" [{self.low:+.4g}, {self.high:+.4g}]" if math.isfinite(self.low) else ""
        means = f"{self.control:.4g} to {self.treatment:.4g}"
        return f"Estimate({self.difference:+.4g}{interval}, {means}, n={self.n:,})"


class Statistic(Protocol):
    """What `ABTest` computes the differences of metrics by.

    Example:
        >>> def sign_of_the_means(control, treatment, clusters, alpha):
        ...     a, b = float(control.mean()), float(treatment.mean())
        ...     return Estimate(len(set(clusters)), 0, a, b, b - a)
        >>> statistic: Statistic = sign_of_the_means
        >>> statistic(np.array([0.0, 1.0]), np.array([1.0, 1.0]), np.array([7, 9]), 0.05)
        Estimate(+0.5, 0.5 to 1, n=2)
    """

    def __call__(
        self,
        control: NDArray[np.float64],
        treatment: NDArray[np.float64],
        clusters: NDArray[np.int64],
        alpha: float,
    ) -> Estimate:
        """Estimate the difference of two measurements of the same rows.

        Args:
            control: (n,), NaN where a metric has no value.
            treatment: (n,), likewise.
            clusters: (n,), whose row it is: rows of one user are not independent.
            alpha: One less the coverage of the interval.
        """
