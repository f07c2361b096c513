"""Baselines: the interval that a mean was in before, from the sums of some days."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from suitably.monitoring.evidence import BETS, log_factor

__all__ = ["baseline_intervals", "mean_intervals"]

_MANY = 100
_HALVINGS = 40


def mean_intervals(
    sums: NDArray[np.float64], error: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return intervals for means of values in [0, 1], valid for any number of them.

    A mean is in the interval where the evidence against it, on either side, stays below 2 / error.

    Args:
        sums: float64 (3, series), how many values there are, their sum, and that of their squares.
        error: float64 (series,), how likely it may be that an interval is wrong.

    Returns:
        The lower and the upper ends, float64 (series,).

    Source:
        Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", Journal
        of the Royal Statistical Society B 86 (2024), sections 3 and 4.

    Example:
        >>> low, high = mean_intervals(np.array([[1000.0], [500.0], [500.0]]), np.array([0.05]))
        >>> low.round(4).tolist(), high.round(4).tolist()
        ([0.4423], [0.5577])
    """
    n, total, _ = sums
    mean = np.divide(total, n, out=np.full(n.shape, 0.5), where=n > 0)
    bound = np.log(2 / error)
    ends = []
    for side, far in ((0, np.zeros_like(mean)), (1, np.ones_like(mean))):
        kept, out = mean.copy(), far
        for _ in range(_HALVINGS):  # evidence grows with the distance from the mean
            middle = (kept + out) / 2
            won = np.logaddexp.reduce(log_factor(sums, middle, middle)[:, side], axis=0)
            inside = won - math.log(len(BETS)) < bound
            kept, out = np.where(inside, middle, kept), np.where(inside, out, middle)
        ends.append(kept)
    return ends[0], ends[1]


def baseline_intervals(
    days: Sequence[NDArray[np.float64]], error: NDArray[np.float64], tolerance: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what is no change: the means' intervals, the days' own means, and a tolerance.

    Days differ for real, such as week-ends from other days: what a day of the baseline was, a later
    one may be.

    Args:
        days: Of each series the sums of each day, float64 (days, 3).
        error: As for `mean_intervals`.
        tolerance: By how much a mean may go beyond; it is no matter if it does.
    """
    totals = np.array([one.sum(axis=0) for one in days]).reshape(-1, 3).T
    low, high = mean_intervals(totals, error)
    for index, table in enumerate(days):
        whole = table[table[:, 0] >= _MANY]
        if len(whole):
            means = whole[:, 1] / whole[:, 0]
            low[index] = min(low[index], float(means.min()))
            high[index] = max(high[index], float(means.max()))
    return np.maximum(low - tolerance, 0.0), np.minimum(high + tolerance, 1.0)
