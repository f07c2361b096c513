"""Wilcoxon's signed ranks: whether users tend to gain, whatever a few gain a lot."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from suitably.evaluation.statistics.judged import Found, judged
from suitably.evaluation.statistics.protocol import Estimate, PairedSample
from suitably.evaluation.statistics.user_means import UserMeans

__all__ = ["wilcoxon"]

_HALVINGS = 200


def wilcoxon(sample: PairedSample, alpha: float) -> Estimate:
    """Compare by Wilcoxon's signed-rank test, with Hodges and Lehmann's interval.

    `difference` is the mean, as everywhere; the interval is of the pseudo-median, the median of the
    averages of any two differences. Users without a difference are left out of the test.

    Source:
        Wilcoxon, Biometrics Bulletin 1 (1945); Hodges and Lehmann, Annals of Mathematical
        Statistics 34 (1963).

    Example:
        >>> sample = PairedSample(np.zeros(9), np.arange(1.0, 10.0), np.arange(9))
        >>> found = wilcoxon(sample, 0.05)
        >>> found.p_value, round(found.low, 3), round(found.high, 3)
        (0.00390625, 2.5, 7.5)
    """
    return judged(sample, alpha, "Wilcoxon", _signed_ranks)


def _signed_ranks(means: UserMeans, alpha: float) -> Found:
    differences = means.differences[means.differences != 0]
    p_value = float(stats.wilcoxon(differences).pvalue)
    ordered = np.sort(differences)
    n = len(ordered)
    pairs = n * (n + 1) / 2
    spread = np.sqrt(n * (n + 1) * (2 * n + 1) / 24)
    left_out = max(0.0, np.floor(pairs / 2 - stats.norm.isf(alpha / 2) * spread))
    low = _average_of_pairs(ordered, int(left_out))
    high = -_average_of_pairs(-ordered[::-1], int(left_out))
    return Found(low, high, p_value)


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
