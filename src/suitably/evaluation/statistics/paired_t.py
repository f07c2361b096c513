"""Student's paired t: the same users under two pipelines."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from suitably.evaluation.statistics.judged import Found, judged
from suitably.evaluation.statistics.protocol import Estimate, PairedSample
from suitably.evaluation.statistics.user_means import UserMeans, user_means

__all__ = ["paired_difference", "paired_t", "student"]


def paired_t(sample: PairedSample, alpha: float) -> Estimate:
    """Compare by Student's t, users' averages over splits as the units; omit what is missing.

    It takes differences to be normal, which few users cannot show: `default_statistic` judges so
    few by an exact test.

    Source:
        Student (1908), Biometrika 6(1); his sleep data are in the tests.

    Example:
        >>> nan = float("nan")
        >>> values = np.array([1, 2, nan]), np.array([2, 4, 5])
        >>> paired_t(PairedSample(*values, users=np.array([0, 1, 2])), alpha=0.05).omitted
        1
    """
    return judged(user_means(sample), alpha, "paired t", student, any_number=True)


def student(means: UserMeans, alpha: float) -> Found:
    """Return Student's interval of the mean difference."""
    n, mean = len(means), means.mean
    error = float(means.differences.std(ddof=1)) / np.sqrt(n)
    margin = float(stats.t.isf(alpha / 2, n - 1)) * error
    t = mean / error
    return Found(mean - margin, mean + margin, float(2 * stats.t.sf(abs(t), n - 1)), float(t))


def paired_difference(
    control: ArrayLike,
    treatment: ArrayLike,
    clusters: ArrayLike | None = None,
    alpha: float = 0.05,
    missing: Literal["refuse", "omit"] = "refuse",
    bounds: tuple[float, float] | None = None,
) -> Estimate:
    """Compare two measurements of the same units by Student's t.

    A user who occurs in several splits is one unit, not several: the values are averaged per
    cluster first, and the clusters' averages are compared, each with the same weight. So the means
    are over users; a mean of splits' means weighs users differently.

    A difference no larger than rounding can make it, relative to the values, is 0. Few users whose
    values differ, and differences that are all the same, are judged as `judged` says.

    Args:
        control: (n,), finite.
        treatment: (n,), likewise, in the same order.
        clusters: (n,), integers that say which rows are one user's; None: every row its own.
        alpha: One less the coverage of the interval.
        missing: `"refuse"` a NaN, or `"omit"` the pairs that have one.
        bounds: The least and the greatest value that can be; None: not known.

    Raises:
        ValueError: Shapes that differ, infinite values, NaN when refused, or alpha outside (0, 1).

    Example:
        >>> rng = np.random.default_rng(0)
        >>> control = rng.random(30)
        >>> result = paired_difference(control, control + rng.random(30) - 0.4)
        >>> round(result.difference, 3), round(result.low, 3), round(result.high, 3)
        (0.076, -0.027, 0.18)
    """
    a, b = np.asarray(control, np.float64), np.asarray(treatment, np.float64)
    users = np.arange(a.size) if clusters is None else np.asarray(clusters)
    if missing == "refuse" and a.shape == b.shape:
        bad = int((np.isnan(a) | np.isnan(b)).sum())
        if bad:
            raise ValueError(f"control and treatment: {bad} of {len(a)} pairs have a missing value")
    return paired_t(PairedSample(a, b, users, bounds=bounds), alpha)
