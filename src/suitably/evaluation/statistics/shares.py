"""Shares of users: intervals that stay between 0 and 1, and the difference of two."""

import math
from typing import NamedTuple

from scipy import stats

__all__ = ["ShareDifference", "clopper_pearson", "newcombe", "wilson"]


def wilson(successes: int, n: int, alpha: float = 0.05) -> tuple[float, float]:
    """Return the score interval of a share.

    Source:
        Wilson, JASA 22 (1927).

    Example:
        >>> tuple(round(end, 8) for end in wilson(38, 10_000))
        (0.0027699, 0.00521118)
    """
    _check(successes, n, alpha)
    z = float(stats.norm.isf(alpha / 2))
    share = successes / n
    middle = share + z * z / (2 * n)
    reach = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    below = 1 + z * z / n
    return max(0.0, (middle - reach) / below), min(1.0, (middle + reach) / below)


def clopper_pearson(successes: int, n: int, alpha: float = 0.05) -> tuple[float, float]:
    """Return the exact interval of a share, which covers at least as often as it says.

    Source:
        Clopper and Pearson, Biometrika 26 (1934).

    Example:
        >>> tuple(round(end, 4) for end in clopper_pearson(0, 10))
        (0.0, 0.3085)
    """
    _check(successes, n, alpha)
    low = 0.0 if not successes else float(stats.beta.ppf(alpha / 2, successes, n - successes + 1))
    high = 1.0 if successes == n else float(stats.beta.isf(alpha / 2, successes + 1, n - successes))
    return low, high


class ShareDifference(NamedTuple):
    """The difference of two shares.

    Attributes:
        difference: Treatment less control.
        low: Low end of Newcombe's interval.
        high: High end.
        z: The pooled test's statistic.
        p_value: Two-sided, of the pooled test.
    """

    difference: float
    low: float
    high: float
    z: float
    p_value: float


def newcombe(
    control: tuple[int, int], treatment: tuple[int, int], alpha: float = 0.05
) -> ShareDifference:
    """Compare the shares of two groups of users, each as successes and users.

    Source:
        Newcombe, Statistics in Medicine 17 (1998), method 10.

    Example:
        >>> found = newcombe((200, 4000), (250, 4000))
        >>> round(found.low, 7), round(found.high, 7), round(found.p_value, 7)
        (0.0023979, 0.0226479, 0.0152558)
    """
    (a, n), (b, m) = control, treatment
    low_a, high_a = wilson(a, n, alpha)
    low_b, high_b = wilson(b, m, alpha)
    ours, theirs = a / n, b / m
    apart = theirs - ours
    low = apart - math.hypot(theirs - low_b, high_a - ours)
    high = apart + math.hypot(high_b - theirs, ours - low_a)
    both = (a + b) / (n + m)
    error = math.sqrt(both * (1 - both) * (1 / n + 1 / m))
    z = apart / error if error else 0.0
    return ShareDifference(apart, low, high, z, float(2 * stats.norm.sf(abs(z))))


def _check(successes: int, n: int, alpha: float) -> None:
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"{successes!r} of {n!r}: must be a count of a positive number")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha={alpha!r}: must lie between 0 and 1")
