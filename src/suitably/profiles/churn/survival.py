"""Kaplan-Meier: the share that is still there, when some are not yet lost at the end."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from suitably.errors import DataError

__all__ = ["SurvivalCurve", "kaplan_meier"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SurvivalCurve:
    """A step curve: from each time on until the next, so large a share is still there.

    Attributes:
        times: float64 (steps,), 0 and the distinct times of a loss, ascending.
        at_risk: int64 (steps,), how many were still there and watched just before.
        lost: int64 (steps,), how many were lost at that time.
        retained: float64 (steps,), share still there.
        error: float64 (steps,), its standard error by Greenwood's formula; NaN once it is 0.
        low: float64 (steps,), lower end of the interval; NaN once nobody is left.
        high: float64 (steps,), upper end.

    Example:
        >>> curve = kaplan_meier([1, 2, 2, 3], lost=[True, True, False, False])
        >>> curve.times.tolist(), curve.retained.tolist()
        ([0.0, 1.0, 2.0], [1.0, 0.75, 0.5])
    """

    times: Floats
    at_risk: NDArray[np.int64]
    lost: NDArray[np.int64]
    retained: Floats
    error: Floats
    low: Floats
    high: Floats


def kaplan_meier(durations: ArrayLike, lost: ArrayLike, confidence: float = 0.95) -> SurvivalCurve:
    """Estimate the share that is still there after so long.

    At each time the share is multiplied by 1 − lost / at risk; who is watched until that time and
    not lost is at risk there. Intervals are Greenwood's, worked out for log(−log(share)), so that
    they stay within 0 and 1; before the first loss both ends are 1.

    Args:
        durations: (n,), how long each was watched, 0 or more.
        lost: (n,), whether lost at the end of it; else still there, as far as one could see.
        confidence: Of the intervals, between 0 and 1.

    Raises:
        DataError: Not such numbers, or none at all.
        ValueError: `confidence` is not between 0 and 1.

    Source:
        E. L. Kaplan and P. Meier, Nonparametric estimation from incomplete observations, JASA 53
        (1958); M. Greenwood, The natural duration of cancer (1926); J. D. Kalbfleisch and R. L.
        Prentice, The Statistical Analysis of Failure Time Data (1980), section 1.3.

    Example:
        >>> curve = kaplan_meier([1, 2, 2, 3], [True, True, False, False])
        >>> curve.times, curve.at_risk, curve.retained
        (array([0., 1., 2.]), array([4, 4, 3]), array([1.  , 0.75, 0.5 ]))
    """
    if not 0 < confidence < 1:
        raise ValueError(f"kaplan_meier(confidence={confidence!r}): must be between 0 and 1")
    time, gone = np.asarray(durations, np.float64), np.asarray(lost, bool)
    if time.ndim != 1 or time.shape != gone.shape or not len(time):
        raise DataError("kaplan_meier: durations and lost must be lists of one length, not empty")
    if not np.isfinite(time).all() or (time < 0).any():
        raise DataError("kaplan_meier: durations must be finite and not negative")
    ordered = np.sort(time)
    losses, counts = np.unique(time[gone], return_counts=True)
    if not len(losses) or losses[0] > 0:
        losses, counts = np.append(0.0, losses), np.append(0, counts)
    at_risk = len(time) - np.searchsorted(ordered, losses)
    retained = np.cumprod((at_risk - counts) / at_risk).astype(np.float64)
    left = at_risk - counts
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.cumsum(np.where(counts > 0, counts / (at_risk * left), 0.0))
        error = retained * np.sqrt(variance)
        logs = np.log(retained)
        width = ndtri(0.5 + confidence / 2) * np.sqrt(variance) / np.abs(logs)
        low, high = retained ** np.exp(width), retained ** np.exp(-width)
    whole = counts.cumsum() == 0
    low[whole] = high[whole] = 1.0
    low[left == 0] = high[left == 0] = error[left == 0] = np.nan
    return SurvivalCurve(losses, at_risk, counts.astype(np.int64), retained, error, low, high)
