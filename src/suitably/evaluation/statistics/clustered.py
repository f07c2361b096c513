"""Clustered by user and window: rows of a user go together, and rows of windows that overlap."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from suitably.evaluation.statistics.judged import Found, judged
from suitably.evaluation.statistics.protocol import Estimate, PairedSample
from suitably.evaluation.statistics.rounding import without_noise
from suitably.evaluation.statistics.user_means import UserMeans, user_means

__all__ = [
    "clustered",
    "clustered_differences",
    "effective_windows",
    "several_windows",
]

_SURE = 0.9
"""How surely windows add no more than the degrees of freedom reckon with."""


def clustered(sample: PairedSample, alpha: float) -> Estimate:
    """Compare by an interval that is robust over users and over windows in time.

    The estimate is the mean over users of their averages, as everywhere. Its variance is that
    between users, plus what windows add: the products of rows of different users in the same
    window, or in windows that overlap, by the share of time that they have in common (Bartlett's
    weights). A market that moves all users of a window together shows there, and nowhere else.
    What windows add is corrected for being measured about a mean of few windows, and is at least 0.
    Degrees of freedom are Satterthwaite's, of users and of windows: 69 windows of half a year that
    start a fortnight apart are worth about six.

    Two or three windows often look as if they added nothing, and are as often wrong. So degrees of
    freedom are not those of what windows seem to add, but the fewest of all that it may be: they
    are reckoned at its upper limit at 90 %.

    Source:
        Cameron, Gelbach and Miller, "Robust Inference With Multiway Clustering", JBES 29 (2011);
        Newey and West, Econometrica 55 (1987), for the kernel; Satterthwaite, Biometrics Bulletin 2
        (1946); Berger and Boos, "P Values Maximized Over a Confidence Set for the Nuisance
        Parameter", JASA 89 (1994), for the limit.

    Example:
        >>> gains, users = np.tile([0.0, 1.0, 0.5, 1.5], 10), np.repeat(np.arange(20), 2)
        >>> spans = np.array([[0.0, 90.0], [45.0, 135.0]])
        >>> sample = PairedSample(np.zeros(40), gains, users, np.tile([0, 1], 20), spans)
        >>> found = clustered(sample, alpha=0.05)
        >>> found.difference, found.low < 0 < found.high
        (0.75, True)
    """
    find = clustered_differences(sample)
    return judged(user_means(sample), alpha, "clustered by user and window", find)


def several_windows(sample: PairedSample) -> bool:
    """Return whether a sample is of two windows or more, and says when they were."""
    if sample.windows is None or sample.spans is None:
        return False
    return len(np.unique(sample.windows)) > 1


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
        weights = np.bincount(places, 1 / rows[users] / n).astype(np.float64)
        shares = _shared_time(spans[used])
        between = float(means.differences.var(ddof=1)) / n
        factor, windows_freedom = _few_windows(weights, shares)
        together, own = _products(influence, users, places, shares)
        added = max(0.0, factor * (together - own))
        variance = between + added
        if not variance > 0:
            return Found(float("nan"), float("nan"), float("nan"))
        least = float(stats.chi2.ppf(1 - _SURE, windows_freedom)) / windows_freedom
        most = max(0.0, factor * (together / least - own))
        fewest = (between + most) ** 2 / (between**2 / (n - 1) + most**2 / windows_freedom)
        freedom = min(n - 1.0, fewest)
        error = float(np.sqrt(variance))
        margin = float(stats.t.isf(alpha / 2, freedom)) * error
        t = mean / error
        p_value = float(2 * stats.t.sf(abs(t), freedom))
        return Found(mean - margin, mean + margin, p_value, float(t), freedom)

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


def _few_windows(weights: NDArray[np.float64], shares: NDArray[np.float64]) -> tuple[float, float]:
    """Return by how much windows about their own mean show too little, and their freedom.

    For shocks whose covariance is a multiple of `shares`: what they add to a mean with these
    weights, over what is seen of it on average, and Satterthwaite's degrees of freedom of that.
    """
    about_mean = np.diag(weights) @ (np.eye(len(weights)) - weights)
    seen = about_mean.T @ shares @ about_mean @ shares
    expected = float(np.trace(seen))
    if expected < 1e-12:  # windows that all share their time show nothing apart
        return 0.0, 1.0
    return float(weights @ shares @ weights) / expected, expected**2 / float(np.trace(seen @ seen))


def _products(
    influence: NDArray[np.float64],
    users: NDArray[np.int64],
    windows: NDArray[np.int64],
    shares: NDArray[np.float64],
) -> tuple[float, float]:
    """Return sums of products of rows by the time their windows share: of all, of one user's."""
    by_window = np.bincount(windows, influence, minlength=len(shares))
    order = np.lexsort((windows, users))
    own = 0.0
    size = len(shares)
    grid_users, starts = np.unique(users[order], return_index=True)
    step = max(1, 2**22 // size)
    for first in range(0, len(grid_users), step):
        last = min(first + step, len(grid_users))
        stop = starts[last] if last < len(starts) else len(order)
        rows = order[starts[first] : stop]
        grid = np.zeros((last - first, size))
        np.add.at(grid, (users[rows] - grid_users[first], windows[rows]), influence[rows])
        own += float(((grid @ shares) * grid).sum())
    return float(by_window @ shares @ by_window), own
