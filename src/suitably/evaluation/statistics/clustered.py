"""Clustered by user and window: rows of a user go together, and rows of windows that overlap."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from suitably.evaluation.statistics.judged import Found, judged
from suitably.evaluation.statistics.protocol import Estimate, PairedSample
from suitably.evaluation.statistics.rounding import without_noise
from suitably.evaluation.statistics.user_means import UserMeans

__all__ = ["clustered", "clustered_differences", "effective_windows", "windows_overlap"]


def clustered(sample: PairedSample, alpha: float) -> Estimate:
    """Compare by an interval that is robust over users and over windows in time.

    The estimate is the mean over users of their averages, as everywhere. Its variance is that
    between users, plus that between windows, less that of a user within a window (Cameron, Gelbach
    and Miller); windows go together by the share of time that they have in common, as Bartlett's
    kernel weighs neighbours in a series. It is never less than that between users alone. Student's
    quantile has as many degrees of freedom as there are windows apart from each other, less one:
    69 windows of half a year that start a fortnight apart are worth about six.

    Source:
        Cameron, Gelbach and Miller, "Robust Inference With Multiway Clustering", JBES 29 (2011);
        Newey and West, Econometrica 55 (1987), for the kernel; Driscoll and Kraay, REStat 80
        (1998), for both at once.

    Example:
        >>> gains, users = np.tile([0.0, 1.0, 0.5, 1.5], 10), np.repeat(np.arange(20), 2)
        >>> spans = np.array([[0.0, 90.0], [45.0, 135.0]])
        >>> sample = PairedSample(np.zeros(40), gains, users, np.tile([0, 1], 20), spans)
        >>> found = clustered(sample, alpha=0.05)
        >>> found.difference, found.low < 0 < found.high
        (0.75, True)
    """
    find = clustered_differences(sample)
    return judged(sample, alpha, "clustered by user and window", find)


def windows_overlap(sample: PairedSample) -> bool:
    """Return whether any two windows of a sample have time in common."""
    if sample.windows is None or sample.spans is None:
        return False
    used = np.unique(sample.windows)
    shares = _shared_time(sample.spans[used])
    return bool((shares - np.diag(np.diag(shares)) > 0).any())


def effective_windows(spans: NDArray[np.float64]) -> float:
    """Return how many windows apart from each other these are worth.

    Example:
        >>> effective_windows(np.array([[0.0, 90.0], [90.0, 180.0]]))
        2.0
        >>> round(effective_windows(np.array([[0.0, 90.0], [45.0, 135.0]])), 3)
        1.333
    """
    return float(len(spans) ** 2 / _shared_time(spans).sum())


def clustered_differences(sample: PairedSample) -> Callable[[UserMeans, float], Found]:
    """Return a statistic of the sample's users that looks at its windows too.

    Raises:
        ValueError: A sample that does not say which window a row is of, and when windows were.
    """
    if sample.windows is None or sample.spans is None:
        raise ValueError("clustered: needs the windows of the rows and their spans")
    windows, spans = np.asarray(sample.windows), np.asarray(sample.spans, np.float64)

    def find(means: UserMeans, alpha: float) -> Found:
        known = ~(np.isnan(sample.control) | np.isnan(sample.treatment))
        differences = without_noise(sample.control[known], sample.treatment[known])
        _, users, rows = np.unique(
            np.asarray(sample.users)[known], return_inverse=True, return_counts=True
        )
        used, places = np.unique(windows[known], return_inverse=True)
        mean, n = means.mean, len(means)
        influence = (differences - mean) / rows[users] / n
        variance = _variance(influence, users, places, _shared_time(spans[used]))
        alone = float(means.differences.var(ddof=1)) / n
        error = np.sqrt(max(variance, alone))
        freedom = max(1.0, effective_windows(spans[used]) - 1)
        if variance <= alone:
            freedom = n - 1
        margin = float(stats.t.isf(alpha / 2, freedom)) * error
        t = mean / error
        p_value = float(2 * stats.t.sf(abs(t), freedom))
        return Found(mean - margin, mean + margin, p_value, float(t))

    return find


def _shared_time(spans: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return which share of the shorter of two windows lies in both: (windows, windows)."""
    start, end = spans[:, 0], spans[:, 1]
    common = np.minimum(end[:, None], end) - np.maximum(start[:, None], start)
    length = np.minimum((end - start)[:, None], end - start)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.where(length > 0, common / length, 0.0)
    np.fill_diagonal(shares, 1.0)
    found: NDArray[np.float64] = np.clip(shares, 0.0, 1.0)
    return found


def _variance(
    influence: NDArray[np.float64],
    users: NDArray[np.int64],
    windows: NDArray[np.int64],
    shares: NDArray[np.float64],
) -> float:
    """Return the variance of a sum of rows that go together by user, by window, or by both."""
    by_user = np.bincount(users, influence)
    by_window = np.bincount(windows, influence, minlength=len(shares))
    # Of a user within windows: every pair of that user's rows, weighed by the time in common.
    order = np.lexsort((windows, users))
    both = 0.0
    size = len(shares)
    grid_users, starts = np.unique(users[order], return_index=True)
    step = max(1, 2**22 // size)
    for first in range(0, len(grid_users), step):
        last = min(first + step, len(grid_users))
        stop = starts[last] if last < len(starts) else len(order)
        rows = order[starts[first] : stop]
        grid = np.zeros((last - first, size))
        np.add.at(grid, (users[rows] - grid_users[first], windows[rows]), influence[rows])
        both += float(((grid @ shares) * grid).sum())
    return float(by_user @ by_user + by_window @ shares @ by_window - both)
