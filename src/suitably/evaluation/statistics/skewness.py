"""Skewness: a t interval that must not tell what a corrected one does not."""

import numpy as np
from scipy import stats

from suitably.evaluation.statistics.judged import Found
from suitably.evaluation.statistics.paired_t import student
from suitably.evaluation.statistics.user_means import UserMeans

__all__ = ["cautious_student", "corrected_for_skewness"]


def cautious_student(means: UserMeans, alpha: float) -> Found:
    """Return Student's interval, widened where skewed differences alone may keep it from 0.

    A long tail that few users have shown yet makes Student's interval too narrow on its side: with
    thirty users and exponential losses it would take one equal arm in fifteen for better. So where
    it leaves out 0, and the interval corrected for skewness does not, the two are put together.

    Example:
        >>> values = 1 - np.random.default_rng(94).exponential(size=30)
        >>> means = UserMeans(values * 0, values, values, np.ones(30, int), 0, None)
        >>> plain, cautious = student(means, 0.05), cautious_student(means, 0.05)
        >>> bool(plain.low > 0), cautious.low > 0
        (True, False)
    """
    found = student(means, alpha)
    if found.low <= 0 <= found.high:
        return found
    corrected = corrected_for_skewness(means, alpha)
    if not corrected.low <= 0 <= corrected.high:
        return found
    low, high = min(float(found.low), corrected.low), max(float(found.high), corrected.high)
    return Found(low, high, max(found.p_value, corrected.p_value), found.t)


def corrected_for_skewness(means: UserMeans, alpha: float) -> Found:
    """Return the interval of a mean by Hall's cubic, with Student's quantiles.

    Source:
        Hall, "On the Removal of Skewness by Transformation", JRSS B 54 (1992).
    """
    differences, n = means.differences, len(means)
    mean, spread = means.mean, float(differences.std(ddof=1))
    apart = differences - differences.mean()
    skewness = float((apart**3).mean()) / float(differences.std()) ** 3
    if abs(skewness) < 1e-8:
        return student(means, alpha)

    def inverse(t: float) -> float:
        inside = 1 + skewness * (t / np.sqrt(n) - skewness / (6 * n))
        return float(3 / skewness * (np.cbrt(inside) - 1))

    limit = float(stats.t.isf(alpha / 2, n - 1))
    u = mean / spread
    moved = u + skewness * u**2 / 3 + skewness**2 * u**3 / 27 + skewness / (6 * n)
    t = float(np.sqrt(n) * moved)
    p_value = float(2 * stats.t.sf(abs(t), n - 1))
    return Found(mean - spread * inverse(limit), mean - spread * inverse(-limit), p_value, t)
