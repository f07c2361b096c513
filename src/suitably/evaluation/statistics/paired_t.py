"""Student's paired t: the same users under two pipelines."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from suitably.evaluation.statistics.protocol import Estimate, PairedSample
from suitably.evaluation.statistics.rounding import noise, without_noise

__all__ = ["paired_difference", "paired_t"]


def paired_t(sample: PairedSample, alpha: float) -> Estimate:
    """Compare by Student's t, users' averages over splits as the units; omit what is missing.

    Example:
        >>> nan = float("nan")
        >>> values = np.array([1, 2, nan]), np.array([2, 4, 5])
        >>> paired_t(PairedSample(*values, users=np.array([0, 1, 2])), alpha=0.05).omitted
        1
    """
    return paired_difference(sample.control, sample.treatment, sample.users, alpha, missing="omit")


def paired_difference(
    control: ArrayLike,
    treatment: ArrayLike,
    clusters: ArrayLike | None = None,
    alpha: float = 0.05,
    missing: Literal["refuse", "omit"] = "refuse",
) -> Estimate:
    """Compare two measurements of the same units by Student's t.

    A user who occurs in several splits is one unit, not several: the values are averaged per
    cluster first, and the clusters' averages are compared, each with the same weight. So the means
    are over users; a mean of splits' means weighs users differently.

    A difference no larger than rounding can make it, relative to the values, is 0. Where the
    differences are all the same there is no spread for Student's t to work with, and no spread is
    no certainty: n of them that are not 0 have the p-value of the exact test of signs, 2 / 2ⁿ, and
    an interval, that point, only where p is at most alpha.

    Args:
        control: (n,), finite.
        treatment: (n,), likewise, in the same order.
        clusters: (n,), integers that say which rows are one user's; None: every row its own.
        alpha: One less the coverage of the interval.
        missing: `"refuse"` a NaN, or `"omit"` the pairs that have one.

    Raises:
        ValueError: Shapes that differ, infinite values, NaN when refused, or alpha outside (0, 1).

    Source:
        Student (1908), Biometrika 6(1); his sleep data are in the tests.

    Example:
        >>> result = paired_difference([1, 2, 3, 4], [2, 4, 5, 4])
        >>> result.difference, round(result.low, 3), round(result.high, 3)
        (1.25, -0.273, 2.773)
    """
    a, b = np.asarray(control, dtype=np.float64), np.asarray(treatment, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"control and treatment: must be pairs, got {a.shape} and {b.shape}")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha={alpha!r}: must lie between 0 and 1")
    groups = np.arange(len(a)) if clusters is None else np.asarray(clusters)
    if groups.shape != a.shape:
        raise ValueError(f"clusters: must be one per pair, got {groups.shape} for {a.shape}")
    if np.isinf(a).any() or np.isinf(b).any():
        raise ValueError("control and treatment: must be finite")
    known = ~(np.isnan(a) | np.isnan(b))
    omitted = int((~known).sum())
    if omitted and missing == "refuse":
        raise ValueError(f"control and treatment: {omitted} of {len(a)} pairs have a missing value")
    a, b, sizes = _averages(a[known], b[known], groups[known])
    return _student(a, b, sizes, alpha, omitted)


def _averages(
    a: NDArray[np.float64], b: NDArray[np.float64], groups: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    _, codes, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(sizes) == len(a):
        return a, b, sizes
    n = len(sizes)
    ours, theirs = (np.bincount(codes, values, minlength=n) / sizes for values in (a, b))
    return ours, theirs, sizes


def _student(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    sizes: NDArray[np.int64],
    alpha: float,
    omitted: int,
) -> Estimate:
    n = len(a)
    nan = float("nan")
    if not n:
        return Estimate(0, omitted, nan, nan, nan)
    differences = without_noise(a, b, sizes)
    mean = float(differences.mean())
    low = high = t = p_value = nan
    if n > 1 and _all_the_same(differences, noise(a, b, terms=sizes)):
        mean = float(differences[0]) if differences.all() else 0.0
        t = float(np.copysign(np.inf, mean)) if mean else 0.0
        p_value = min(1.0, 2.0 ** (1 - n)) if mean else 1.0
        low = high = mean if p_value <= alpha or not mean else nan
    elif n > 1:
        error = float(differences.std(ddof=1)) / np.sqrt(n)
        margin = float(stats.t.ppf(1 - alpha / 2, n - 1)) * error
        low, high = mean - margin, mean + margin
        t = mean / error
        p_value = float(2 * stats.t.sf(abs(t), n - 1))
    control = float(a.mean())
    return Estimate(
        n=n,
        omitted=omitted,
        control=control,
        treatment=float(b.mean()) if differences.any() else control,
        difference=mean,
        low=float(low),
        high=float(high),
        p_value=p_value,
        t=float(t),
    )


def _all_the_same(differences: NDArray[np.float64], reach: NDArray[np.float64]) -> bool:
    """Return whether rounding alone can make the differences differ."""
    surest = int(reach.argmin())
    return bool((np.abs(differences - differences[surest]) <= reach + reach[surest]).all())
