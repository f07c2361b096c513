"""Two measurements of the same users go in, an estimate of their difference comes out."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from suitably.utils.record import Record

__all__ = ["Estimate", "PairedSample", "Statistic"]


@dataclass(frozen=True)
class PairedSample:
    """A metric of both arms, a row per user and window, and what an interval may rest on.

    A ratio, such as revenue per order, has numerators in `control` and `treatment` and the
    denominators beside them.

    Attributes:
        control: float64 (n,), NaN where the metric has no value.
        treatment: float64 (n,), likewise.
        users: int64 (n,), whose row it is: rows of one user are not independent.
        windows: int64 (n,), the row of `spans` it was measured in; None: all in one.
        spans: float64 (windows, 2), start and end of each, in days: rows of windows that overlap
            are not independent either. None: not known.
        denominators: float64 (2, n), of control and of treatment; None: not a ratio.
        bounds: The least and the greatest value that the metric can have; None: not known.

    Example:
        >>> sample = PairedSample(np.array([0.0, 1.0]), np.array([1.0, 1.0]), np.array([7, 9]))
        >>> len(sample), sample.windows is None
        (2, True)
    """

    control: NDArray[np.float64]
    treatment: NDArray[np.float64]
    users: NDArray[np.int64]
    windows: NDArray[np.int64] | None = None
    spans: NDArray[np.float64] | None = None
    denominators: NDArray[np.float64] | None = None
    bounds: tuple[float, float] | None = None

    def __len__(self) -> int:
        return len(self.control)


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
        method: How interval and p-value were found.
        reason: Why there is no interval; empty where there is one.
        evaluable: Whether there are enough users, and enough whose values differ, to tell anything.
        freedom: Degrees of freedom of t, where they are not those of the users: of few windows.

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
    method: str = ""
    reason: str = ""
    evaluable: bool = True
    freedom: float = math.nan

    def __repr__(self) -> str:
        interval = f" [{self.low:+.4g}, {self.high:+.4g}]" if math.isfinite(self.low) else ""
        means = f"{self.control:.4g} to {self.treatment:.4g}"
        return f"Estimate({self.difference:+.4g}{interval}, {means}, n={self.n:,})"


class Statistic(Protocol):
    """What `ABTest` computes the differences of metrics by.

    Example:
        >>> def difference_of_means(sample, alpha):
        ...     a, b = float(sample.control.mean()), float(sample.treatment.mean())
        ...     return Estimate(len(set(sample.users)), 0, a, b, b - a)
        >>> statistic: Statistic = difference_of_means
        >>> values = np.array([0.0, 1.0]), np.array([1.0, 1.0])
        >>> statistic(PairedSample(*values, users=np.array([7, 9])), alpha=0.05)
        Estimate(+0.5, 0.5 to 1, n=2)
    """

    def __call__(self, sample: PairedSample, alpha: float) -> Estimate:
        """Estimate the difference of two measurements of the same rows.

        Args:
            sample: The two measurements.
            alpha: One less the coverage of the interval.
        """
