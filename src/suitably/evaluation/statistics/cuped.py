"""CUPED: less variance by what was known of users before either arm could matter."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from suitably.evaluation.statistics.judged import Found, judged
from suitably.evaluation.statistics.protocol import Estimate, PairedSample
from suitably.evaluation.statistics.user_means import UserMeans
from suitably.utils.record import Record

__all__ = ["Balance", "balance", "cuped"]


def cuped(sample: PairedSample, alpha: float) -> Estimate:
    """Compare by Student's t after taking out of each difference what covariates explain.

    Covariates are centred on all users, so that the estimate is still of the mean difference; with
    a model's prediction as the covariate this is CUPAC. They must be known before the cut: what
    the arms could change biases the estimate.

    Raises:
        ValueError: A sample without covariates, or one with NaN among them.

    Source:
        Deng, Xu, Kohavi and Walker, "Improving the Sensitivity of Online Controlled Experiments by
        Utilizing Pre-Experiment Data", WSDM 2013.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> before = rng.normal(size=(500, 1))
        >>> gains = 0.1 + before[:, 0] + rng.normal(size=500) / 10
        >>> sample = PairedSample(np.zeros(500), gains, np.arange(500), covariates=before)
        >>> found = cuped(sample, 0.05)
        >>> found.low > 0, found.high - found.low < 0.02
        (True, True)
    """
    if sample.covariates is None:
        raise ValueError("cuped: the sample has no covariates")
    if not np.isfinite(sample.covariates).all():
        raise ValueError("cuped: covariates must be finite; give a user without history a number")
    found = judged(sample, alpha, "CUPED", _adjusted)
    if np.isfinite(found.low):  # the estimate is the interval's middle, not the plain mean
        middle = (found.low + found.high) / 2
        return replace(found, difference=middle)
    return found


def _adjusted(means: UserMeans, alpha: float) -> Found:
    assert means.covariates is not None
    n, differences = len(means), means.differences
    centred = means.covariates - means.covariates.mean(axis=0)
    slopes, *_ = np.linalg.lstsq(centred, differences - differences.mean(), rcond=None)
    left = differences - centred @ slopes
    freedom = max(1, n - 1 - centred.shape[1])
    mean = float(left.mean())
    error = float(np.sqrt(((left - mean) ** 2).sum() / freedom / n))
    if not error:
        return Found(float("nan"), float("nan"), float("nan"))
    margin = float(stats.t.isf(alpha / 2, freedom)) * error
    t = mean / error
    return Found(mean - margin, mean + margin, float(2 * stats.t.sf(abs(t), freedom)), t)


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
        spread = float(np.sqrt((ours.var(ddof=1) + theirs.var(ddof=1)) / 2))
        apart = float(theirs.mean() - ours.mean())
        p_value = float(stats.ttest_ind(theirs, ours, equal_var=False).pvalue) if spread else 1.0
        found.append(Balance(place, apart / spread if spread else 0.0, p_value))
    return tuple(found)


def _columns(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2 or len(array) < 2 or not np.isfinite(array).all():
        raise ValueError("balance: must be finite numbers of two users or more, a column each")
    return array
