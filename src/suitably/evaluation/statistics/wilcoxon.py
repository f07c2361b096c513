"""Wilcoxon's signed ranks: whether users tend to gain, whatever a few gain a lot."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from suitably.evaluation.statistics.judged import Found, judged, test_based
from suitably.evaluation.statistics.protocol import Estimate, PairedSample
from suitably.evaluation.statistics.user_means import UserMeans, user_means

__all__ = ["wilcoxon"]

_HALVINGS = 200
_EXACT = 50


def wilcoxon(sample: PairedSample, alpha: float) -> Estimate:
    """Compare by Wilcoxon's signed-rank test, with Hodges and Lehmann's interval.

    `difference` is the mean, as everywhere; the interval is of the pseudo-median, the median of the
    averages of any two differences; where these are all alike, an interval of the mean based on the
    test. Users without a difference are left out of the test.

    Source:
        Wilcoxon, Biometrics Bulletin 1 (1945); Hodges and Lehmann, Annals of Mathematical
        Statistics 34 (1963).

    Example:
        >>> sample = PairedSample(np.zeros(9), np.arange(1.0, 10.0), np.arange(9))
        >>> found = wilcoxon(sample, 0.05)
        >>> found.p_value, round(found.low, 3), round(found.high, 3)
        (0.00390625, 2.5, 7.5)
    """
    return judged(user_means(sample), alpha, "Wilcoxon", _signed_ranks)


def _signed_ranks(means: UserMeans, alpha: float) -> Found:
    differences = means.differences[means.differences != 0]
    p_value = float(stats.wilcoxon(differences).pvalue)
    ordered = np.sort(differences)
    n = len(ordered)
    left_out = _left_out(n, alpha)
    low = _average_of_pairs(ordered, left_out)
    high = -_average_of_pairs(-ordered[::-1], left_out)
    if not low < high:  # ties
        return Found(*test_based(means, p_value, alpha), p_value)
    return Found(low, high, p_value)


def _left_out(n: int, alpha: float) -> int:
    """Return how many averages of pairs lie beyond each end: exactly up to 50 differences."""
    pairs = n * (n + 1) // 2
    if n > _EXACT:
        spread = np.sqrt(n * (n + 1) * (2 * n + 1) / 24)
        return max(0, int(np.floor(pairs / 2 - stats.norm.isf(alpha / 2) * spread)))
    chances = np.ones(1)  # of every sum of ranks, were signs as likely as not
    for rank in range(1, n + 1):
        none = np.zeros(rank)
        chances = (np.concatenate([chances, none]) + np.concatenate([none, chances])) / 2
    return max(0, int(np.searchsorted(np.cumsum(chances), alpha / 2, side="right")) - 1)


def _average_of_pairs(ordered: NDArray[np.float64], below: int) -> float:
    """Find the average of two values, each with itself too, that so many others lie below."""
    first, last = float(ordered[0]), float(ordered[-1])
    for _ in range(_HALVINGS):
        middle = (first + last) / 2
        if not first < middle < last:
            break
        if _pairs_up_to(ordered, middle) > below:
            last = middle
        else:
            first = middle
    return last


def _pairs_up_to(ordered: NDArray[np.float64], limit: float) -> int:
    """Count the pairs i ≤ j whose average is at most a limit."""
    places = np.searchsorted(ordered, 2 * limit - ordered, side="right")
    at = np.arange(len(ordered))
    return int(np.maximum(places - at, 0).sum())
