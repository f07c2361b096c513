"""Two groups of users, as an online experiment has them: means, ratios, and whether sizes fit."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from suitably.evaluation.statistics.rounding import noise

__all__ = ["Moments", "TwoSampleEstimate", "mean_difference", "ratio_difference", "srm"]


class Moments(NamedTuple):
    """What is enough to know of a group of users.

    Attributes:
        n: Users.
        total: Σ numerators.
        squares: Σ numerators².
        below: Σ denominators; None: the metric is a mean per user.
        below_squares: Σ denominators².
        products: Σ numerators · denominators.
    """

    n: int
    total: float
    squares: float
    below: float | None = None
    below_squares: float = 0.0
    products: float = 0.0


class TwoSampleEstimate(NamedTuple):
    """A difference of two groups.

    Attributes:
        control: Control's mean or ratio.
        treatment: The treatment's.
        difference: Treatment less control.
        low: Low end of the interval.
        high: High end.
        p_value: Two-sided.
    """

    control: float
    treatment: float
    difference: float
    low: float
    high: float
    p_value: float


def mean_difference(control: Moments, treatment: Moments, alpha: float = 0.05) -> TwoSampleEstimate:
    """Compare means per user by Welch's t.

    Source:
        Welch, Biometrika 34 (1947).

    Example:
        >>> found = mean_difference(Moments(2023, 1073, 2073), Moments(1977, 1133, 2121))
        >>> round(found.difference, 10), round(found.p_value, 8)
        (0.0426901458, 0.11773178)
    """
    return _welch(_mean(control), _mean(treatment), control.n, treatment.n, alpha)


def ratio_difference(
    control: Moments, treatment: Moments, alpha: float = 0.05
) -> TwoSampleEstimate:
    """Compare ratios of sums, such as orders per session, by the delta method.

    Raises:
        ValueError: A group without denominators.

    Source:
        Deng, Knoblich and Lu, "Applying the Delta Method in Metric Analytics", KDD 2018.

    Example:
        >>> groups = (Moments(2023, 1073, 2073, 4038, 10098, 2648),
        ...           Moments(1977, 1133, 2121, 3920, 9698, 2730))
        >>> found = ratio_difference(*groups)
        >>> round(found.difference, 10), round(found.p_value, 8)
        (0.0233050055, 0.0762376)
    """
    return _welch(_ratio(control), _ratio(treatment), control.n, treatment.n, alpha)


def srm(
    counts: Sequence[int], shares: Sequence[float] | None = None, correction: bool = False
) -> tuple[float, float]:
    """Return χ² and the p-value of the sizes of groups: a sample-ratio mismatch if p is tiny.

    Below 0.001 or so the assignment is broken, and no other figure of the experiment counts.

    Args:
        counts: Users per group.
        shares: As planned; None: equal.
        correction: Whether to take a half off every deviation (Yates), for few users in two groups.

    Source:
        Fabijan et al., "Diagnosing Sample Ratio Mismatch in Online Controlled Experiments", KDD
        2019.

    Example:
        >>> statistic, p_value = srm([821_588, 815_482])
        >>> round(statistic, 7), round(p_value, 11)
        (22.7743688, 1.82179e-06)
    """
    seen = np.asarray(counts, np.float64)
    planned = np.ones(len(seen)) if shares is None else np.asarray(shares, np.float64)
    if seen.ndim != 1 or len(seen) < 2 or (seen < 0).any() or not seen.sum():
        raise ValueError("counts: must be the sizes of two groups or more")
    if planned.shape != seen.shape or not (planned > 0).all():
        raise ValueError("shares: must be one above 0 per group")
    expected = planned / planned.sum() * seen.sum()
    apart = np.maximum(np.abs(seen - expected) - 0.5 * correction, 0.0)
    statistic = float((apart**2 / expected).sum())
    return statistic, float(stats.chi2.sf(statistic, len(seen) - 1))


def _mean(group: Moments) -> tuple[float, float]:
    mean = group.total / group.n
    spread = _spread(group.squares - group.n * mean**2, group.squares, group.n)
    return mean, spread / (group.n - 1) / group.n


def _spread(squares: float, largest: float, n: int) -> float:
    """Return a sum of squares about a mean; 0 where rounding of its largest term may make it."""
    if n < 2:
        raise ValueError(f"a group of {n} users: must be two or more")
    return squares if squares > float(noise(largest, terms=np.sqrt(n))) else 0.0


def _ratio(group: Moments) -> tuple[float, float]:
    if not group.below:
        raise ValueError("ratio_difference: a group has no denominators")
    n, ratio = group.n, group.total / group.below
    above = group.squares - group.total**2 / n
    below = group.below_squares - group.below**2 / n
    both = group.products - group.total * group.below / n
    largest = max(group.squares, abs(2 * ratio * group.products), ratio**2 * group.below_squares)
    spread = above - 2 * ratio * both + ratio**2 * below
    variance = _spread(spread, largest, n) / (n - 1)
    return ratio, variance / (group.below / n) ** 2 / n


def _welch(
    control: tuple[float, float], treatment: tuple[float, float], n: int, m: int, alpha: float
) -> TwoSampleEstimate:
    (a, spread_a), (b, spread_b) = control, treatment
    error = float(np.sqrt(spread_a + spread_b))
    if not error > 0:
        raise ValueError("both groups are without spread, so there is no interval")
    freedom = (spread_a + spread_b) ** 2 / (spread_a**2 / (n - 1) + spread_b**2 / (m - 1))
    margin = float(stats.t.isf(alpha / 2, freedom)) * error
    p_value = float(2 * stats.t.sf(abs(b - a) / error, freedom))
    return TwoSampleEstimate(a, b, b - a, b - a - margin, b - a + margin, p_value)
