"""CUPED: less variance by what was known of users before either arm could matter."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from suitably.evaluation.statistics.rounding import without_noise
from suitably.evaluation.statistics.two_samples import Moments, TwoSampleEstimate, mean_difference
from suitably.utils.record import Record

__all__ = ["Balance", "balance", "cuped"]


def cuped(
    control: ArrayLike,
    treatment: ArrayLike,
    control_covariates: ArrayLike,
    treatment_covariates: ArrayLike,
    alpha: float = 0.05,
) -> TwoSampleEstimate:
    """Compare two groups of users by Welch's t, what covariates explain taken out of both.

    It serves an online experiment, where each user has one arm and the groups differ by chance in
    what they were like beforehand: `balance` says by how much. An offline test has the same users
    under both arms, whose pairing already takes all of that out. With a model's prediction as the
    covariate this is CUPAC. Covariates must be known before the experiment: what the arms could
    change biases the estimate.

    Args:
        control: (users,), the metric.
        treatment: (other users,).
        control_covariates: (users,) or (users, covariates).
        treatment_covariates: (other users, …), the same covariates.
        alpha: One less the coverage.

    Raises:
        ValueError: Numbers that are not finite, or shapes that do not fit.

    Source:
        Deng, Xu, Kohavi and Walker, "Improving the Sensitivity of Online Controlled Experiments by
        Utilizing Pre-Experiment Data", WSDM 2013.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> before = rng.normal(size=(2, 500))
        >>> after = before + rng.normal(size=(2, 500)) / 10 + np.array([[0.0], [0.1]])
        >>> found = cuped(*after, *before)
        >>> found.low > 0, found.high - found.low < 0.03
        (True, True)
    """
    values = [np.asarray(one, np.float64) for one in (control, treatment)]
    before = [_columns(one) for one in (control_covariates, treatment_covariates)]
    for one, covariates in zip(values, before, strict=True):
        if one.ndim != 1 or len(one) != len(covariates) or not np.isfinite(one).all():
            raise ValueError("cuped: must be a finite number per user, with its covariates")
    if before[0].shape[1] != before[1].shape[1]:
        raise ValueError("cuped: both groups need the same covariates")
    middle = np.concatenate(before).mean(axis=0)
    # The slope is that within the groups: a difference between them is what is looked for.
    within = np.concatenate([one - one.mean(axis=0) for one in before])
    after = np.concatenate([one - one.mean() for one in values])
    slopes, *_ = np.linalg.lstsq(within, after, rcond=None)
    groups = []
    for one, covariates in zip(values, before, strict=True):
        left = one - (covariates - middle) @ slopes
        groups.append(Moments(len(left), float(left.sum()), float(left @ left)))
    return mean_difference(groups[0], groups[1], alpha)


@dataclass(frozen=True)
class Balance(Record):
    """How alike two groups are in one covariate, before anything was tried.

    Attributes:
        covariate: Its place.
        standardised: The difference of means in standard deviations of both; above .1 is a lot.
        p_value: Of Welch's test; many covariates want `holm`.
    """

    covariate: int
    standardised: float
    p_value: float


def balance(control: ArrayLike, treatment: ArrayLike) -> tuple[Balance, ...]:
    """Compare what was known of two groups of users beforehand, covariate by covariate.

    In an offline test both arms have the same users; online, where each user has one arm, groups
    that differed beforehand say that the assignment is broken.

    Args:
        control: float (users, covariates).
        treatment: float (other users, covariates).

    Source:
        Austin, "Balance diagnostics for comparing the distribution of baseline covariates",
        Statistics in Medicine 28 (2009).

    Example:
        >>> one, other = [[1.0], [2.0], [3.0], [4.0]], [[1.0], [2.0], [3.0], [4.0]]
        >>> balance(one, other)[0].standardised
        0.0
    """
    a, b = _columns(control), _columns(treatment)
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"balance: {a.shape[1]} covariates of control, {b.shape[1]} of treatment")
    found = []
    for place, (ours, theirs) in enumerate(zip(a.T, b.T, strict=True)):
        found.append(Balance(place, *_apart(ours, theirs)))
    return tuple(found)


def _apart(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> tuple[float, float]:
    """Return a standardised difference and its p-value; two constants are alike or not at all."""
    apart = float(without_noise(ours.mean(), theirs.mean(), terms=len(ours) + len(theirs)))
    if all(not without_noise(one, np.full_like(one, one[0])).any() for one in (ours, theirs)):
        return (float(np.copysign(np.inf, apart)), 0.0) if apart else (0.0, 1.0)
    spread = float(np.sqrt((ours.var(ddof=1) + theirs.var(ddof=1)) / 2))
    return apart / spread, float(stats.ttest_ind(theirs, ours, equal_var=False).pvalue)


def _columns(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2 or len(array) < 2 or not np.isfinite(array).all():
        raise ValueError("covariates: must be finite numbers of two users or more, a column each")
    return array
