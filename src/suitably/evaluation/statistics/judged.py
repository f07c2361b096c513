"""Judged: what every paired statistic does alike – units, small samples, and the estimate."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from suitably.evaluation.statistics.protocol import Estimate
from suitably.evaluation.statistics.sign_test import FEW_DIFFERING, exact_p_value
from suitably.evaluation.statistics.user_means import UserMeans, check_alpha

__all__ = ["Found", "judged", "test_based"]


@dataclass(frozen=True)
class Found:
    """What a statistic says of users' differences.

    Attributes:
        low: Low end of the interval.
        high: High end.
        p_value: Two-sided.
        t: Student's statistic, of a statistic that has it.
        freedom: Its degrees of freedom, where they are not those of the users.
    """

    low: float
    high: float
    p_value: float
    t: float = float("nan")
    freedom: float = float("nan")


def judged(
    means: UserMeans,
    alpha: float,
    method: str,
    find: Callable[[UserMeans, float], Found],
    exact_for_few: bool = False,
    any_number: bool = False,
) -> Estimate:
    """Estimate the mean difference of users, by a statistic where there is enough to go by.

    Where all differences are the same there is no spread, and no spread is no certainty: the
    interval then comes from the bounds of the metric, by Clopper and Pearson's limit of the share
    of users who are alike; without bounds there is none. So few users, or users whose values
    differ, that not even a gain of all would tell are not evaluable, unless the statistic is one
    for any number of users.

    Args:
        means: Both measurements, a pair of values per user.
        alpha: One less the coverage.
        method: The statistic's name.
        find: The statistic.
        exact_for_few: Whether fewer than `FEW_DIFFERING` users whose values differ are judged by
            the exact test of signs flipped, with an interval based on it.
        any_number: Whether the statistic is exact for two users already, if its assumptions hold.

    Source:
        Clopper and Pearson, Biometrika 26 (1934); Miettinen, American Journal of Epidemiology 103
        (1976), on intervals based on a test.
    """
    check_alpha(alpha)
    n, differing = len(means), means.differing
    if not n:
        return _estimate(means, reason="no user has both values", evaluable=False)
    if means.all_the_same:
        return _alike(means, alpha)
    if not any_number and 2.0 ** (1 - differing) > alpha:
        p_value = exact_p_value(means.differences)
        users = "1 user" if differing == 1 else f"{differing} users"
        reason = f"the values of {users} differ, too few for any test to tell"
        return _estimate(means, p_value=p_value, reason=reason, evaluable=False)
    if not exact_for_few or differing >= FEW_DIFFERING:
        return _estimate(means, find(means, alpha), method)
    p_value = exact_p_value(means.differences)
    found = Found(*test_based(means, p_value, alpha), p_value)
    return _estimate(means, found, "exact sign flips")


def test_based(means: UserMeans, p_value: float, alpha: float) -> tuple[float, float]:
    """Return an interval about the mean that leaves out 0 exactly where p is below alpha."""
    n, mean = len(means), means.mean
    wanted = float(stats.t.isf(alpha / 2, n - 1))
    reached = float(stats.t.isf(p_value / 2, n - 1))
    if mean and reached > 0:
        reach = abs(mean) * wanted / reached
    else:
        reach = wanted * float(means.differences.std(ddof=1)) / float(np.sqrt(n))
    return mean - reach, mean + reach


def _alike(means: UserMeans, alpha: float) -> Estimate:
    n, mean = len(means), means.mean
    surest = min(1.0, 2.0 ** (1 - n))
    t = float(np.copysign(np.inf, mean)) if mean else 0.0
    p_value = surest if mean else 1.0
    if surest > alpha:
        users = "1 user" if n == 1 else f"{n} users"
        reason = f"the values of {users} differ alike, too few for any test to tell"
        return _estimate(means, p_value=p_value, t=t, reason=reason, evaluable=False)
    if means.bounds is None or not np.isfinite(means.bounds).all():
        reason = "every user's difference is the same, and nothing bounds what others might have"
        return _estimate(means, p_value=p_value, t=t, reason=reason)
    share = (alpha / 2) ** (1 / n)  # Clopper–Pearson's lower limit of n of n
    widest = means.bounds[1] - means.bounds[0]
    low = max(-widest, share * mean - (1 - share) * widest)
    high = min(widest, share * mean + (1 - share) * widest)
    return _estimate(means, Found(low, high, p_value, t), "Clopper-Pearson, times the range")


def _estimate(
    means: UserMeans,
    found: Found | None = None,
    method: str = "",
    *,
    p_value: float = float("nan"),
    t: float = float("nan"),
    reason: str = "",
    evaluable: bool = True,
) -> Estimate:
    nan = float("nan")
    found = found or Found(nan, nan, p_value, t)
    control = float(means.control.mean()) if len(means) else nan
    same = not means.differences.any()
    treatment = float(means.treatment.mean()) if len(means) and not same else control
    return Estimate(
        n=len(means),
        omitted=means.omitted,
        control=control,
        treatment=treatment,
        difference=means.mean,
        low=float(found.low),
        high=float(found.high),
        p_value=float(found.p_value),
        t=float(found.t),
        method=method,
        reason=reason,
        evaluable=evaluable,
        freedom=float(found.freedom),
    )
