"""Ratios, such as revenue per order: the delta method on both arms' numerators and denominators."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from suitably.evaluation.statistics.protocol import Estimate, PairedSample
from suitably.evaluation.statistics.user_means import check_alpha

__all__ = ["delta_ratio"]


def delta_ratio(sample: PairedSample, alpha: float) -> Estimate:
    """Compare ratios of sums: Σ numerators over Σ denominators, users as the units.

    A ratio of sums is not a mean of ratios; its variance is that of the linearised numerators,
    (a − R · d) / mean(d), of the same users in both arms.

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
    nan = float("nan")
    found = [_ratio(above, below) for above, below in zip(sums[:2], sums[2:], strict=True)]
    (control, ours), (treatment, theirs) = found
    estimate = Estimate(n, omitted, control, treatment, treatment - control, method="delta ratio")
    difference = theirs - ours
    error = float(difference.std(ddof=1)) / np.sqrt(n) if n > 1 else nan
    if not error > 0:
        reason = "no user's values differ" if n > 1 else "too few users"
        return Estimate(
            n, omitted, control, treatment, estimate.difference, reason=reason, evaluable=n > 1
        )
    margin = float(stats.t.isf(alpha / 2, n - 1)) * error
    t = estimate.difference / error
    return Estimate(
        n=n,
        omitted=omitted,
        control=control,
        treatment=treatment,
        difference=estimate.difference,
        low=float(estimate.difference - margin),
        high=float(estimate.difference + margin),
        p_value=float(2 * stats.t.sf(abs(t), n - 1)),
        t=float(t),
        method="delta ratio",
    )


def _ratio(
    above: NDArray[np.float64], below: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Return a ratio of sums and the linearised numbers of users."""
    total = float(below.sum())
    if not total:
        return float("nan"), np.full(len(above), np.nan)
    ratio = float(above.sum()) / total
    return ratio, (above - ratio * below) * (len(above) / total)
