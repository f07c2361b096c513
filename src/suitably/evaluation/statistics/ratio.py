"""Ratios, such as revenue per order: the delta method on both arms' numerators and denominators."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from suitably.evaluation.statistics.clustered import clustered_differences, several_windows
from suitably.evaluation.statistics.judged import Found, judged
from suitably.evaluation.statistics.paired_t import student
from suitably.evaluation.statistics.protocol import Estimate, PairedSample
from suitably.evaluation.statistics.rounding import noise
from suitably.evaluation.statistics.user_means import UserMeans, check_alpha
from suitably.metrics.ratio import linearised

__all__ = ["delta_ratio"]

Floats = NDArray[np.float64]


def delta_ratio(sample: PairedSample, alpha: float) -> Estimate:
    """Compare ratios of sums: Σ numerators over Σ denominators, users as the units.

    A ratio of sums is not a mean of ratios; its variance is that of the linearised numerators,
    (a − R · d) / mean(d), of the same users in both arms. Several windows are clusters too, as in
    `clustered`. Few users whose values differ, and
    differences that are all the same, are judged as those of any other metric.

    Args:
        sample: With numerators as `control` and `treatment`, and `denominators`.
        alpha: One less the coverage.

    Raises:
        ValueError: A sample without denominators.

    Source:
        Deng, Knoblich and Lu, "Applying the Delta Method in Metric Analytics", KDD 2018.

    Example:
        >>> sample = PairedSample(np.array([1.0, 2, 3]), np.array([2.0, 2, 4]), np.arange(3),
        ...                       denominators=np.array([[2.0, 2, 2], [2, 2, 4]]))
        >>> found = delta_ratio(sample, alpha=0.05)
        >>> found.control, found.treatment
        (1.0, 1.0)
    """
    check_alpha(alpha)
    if sample.denominators is None:
        raise ValueError("delta_ratio: the sample has no denominators")
    parts = np.vstack([sample.control, sample.treatment, sample.denominators]).astype(np.float64)
    if np.isinf(parts).any():
        raise ValueError("control, treatment and denominators: must be finite")
    known = ~np.isnan(parts).any(axis=0)
    _, users = np.unique(np.asarray(sample.users)[known], return_inverse=True)
    n, omitted = int(users.max(initial=-1)) + 1, int((~known).sum())
    sums = [np.bincount(users, one, minlength=n).astype(np.float64) for one in parts[:, known]]
    control, treatment = (
        float(above.sum() / below.sum()) if below.sum() else float("nan")
        for above, below in zip(sums[:2], sums[2:], strict=True)
    )
    ours, theirs = linearised(sums[0], sums[2]), linearised(sums[1], sums[3])
    if not n or np.isnan(ours).any() or np.isnan(theirs).any():
        reason = "an arm's denominators sum to 0" if n else "no user has both values"
        apart = treatment - control
        return Estimate(n, omitted, control, treatment, apart, reason=reason, evaluable=False)
    # What rounds are the terms of the linearised values, which cancel, and sums over all users.
    sizes = _sizes(sums[0], sums[2], control), _sizes(sums[1], sums[3], treatment)
    each = np.where(np.abs(theirs - ours) <= noise(*sizes, terms=n), 0.0, theirs - ours)
    means = UserMeans(*sizes, each, np.full(n, n), omitted, None)
    find: Callable[[UserMeans, float], Found] = student
    method = "delta ratio"
    if several_windows(sample):
        rows = _rows(parts[:, known], (control, treatment), users)
        windows = np.asarray(sample.windows)[known]
        find = clustered_differences(PairedSample(*rows, users, windows, sample.spans))
        method = "delta ratio, clustered by user and window"
    found = judged(means, alpha, method, find, exact_for_few=True)
    return replace(found, control=control, treatment=treatment)


def _rows(
    parts: Floats, ratios: tuple[float, float], users: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Return linearised values of rows, whose means per user are what the user adds to a ratio."""
    counts = np.bincount(users)
    found = [
        ratio + (above - ratio * below) * counts[users] * (len(counts) / below.sum())
        for above, below, ratio in zip(parts[:2], parts[2:], ratios, strict=True)
    ]
    return found[0], found[1]


def _sizes(above: Floats, below: Floats, ratio: float) -> Floats:
    """Return how large the terms of each linearised value are."""
    found: Floats = abs(ratio) + (np.abs(above) + abs(ratio) * below) * (len(below) / below.sum())
    return found
