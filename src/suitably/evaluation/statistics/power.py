"""Power: how many users an experiment needs, what it can detect, and how many more are wanted."""

import math
from collections.abc import Callable
from typing import Literal

from scipy import optimize, stats

from suitably.evaluation.statistics.protocol import Estimate

__all__ = [
    "minimum_detectable_effect",
    "more_users",
    "non_inferior",
    "power",
    "sample_size",
    "sample_size_of_shares",
    "superior",
]

Design = Literal["paired", "two-sample"]
_MOST = 1e12


def power(n: float, effect: float, alpha: float = 0.05, design: Design = "paired") -> float:
    """Return how likely a true effect is found by a two-sided t test.

    Args:
        n: Users, per arm with `"two-sample"`.
        effect: In standard deviations: of the differences with `"paired"`, of users otherwise.
        alpha: Of the test.
        design: Whether both arms have the same users.

    Source:
        Cohen, Statistical Power Analysis for the Behavioral Sciences (1988), chapter 2.

    Example:
        >>> round(power(394, 0.2, design="two-sample"), 3)
        0.801
    """
    _check(alpha, design)
    freedom = n - 1 if design == "paired" else 2 * n - 2
    shift = abs(effect) * math.sqrt(n if design == "paired" else n / 2)
    if freedom <= 0:
        return 0.0
    limit = float(stats.t.isf(alpha / 2, freedom))
    if shift > 30 + limit:  # the noncentral t has nothing left to say out there
        return 1.0
    found = stats.nct.sf(limit, freedom, shift) + stats.nct.cdf(-limit, freedom, shift)
    return float(found)


def sample_size(
    effect: float,
    power_wanted: float = 0.8,
    alpha: float = 0.05,
    design: Design = "paired",
) -> float:
    """Return how many users are needed, per arm with `"two-sample"`; round up.

    Example:
        >>> round(sample_size(0.2, design="two-sample"), 4), round(sample_size(0.2), 4)
        (393.4057, 198.1508)
    """
    _check(alpha, design)
    if not effect or not math.isfinite(effect):
        raise ValueError(f"effect={effect!r}: must be a finite number that is not 0")
    if not alpha < power_wanted < 1:
        raise ValueError(f"power_wanted={power_wanted!r}: must lie between alpha and 1")
    return _root(lambda n: power(n, effect, alpha, design) - power_wanted, 2.0, _MOST)


def minimum_detectable_effect(
    n: float, power_wanted: float = 0.8, alpha: float = 0.05, design: Design = "paired"
) -> float:
    """Return the smallest effect, in standard deviations, that so many users would show.

    Example:
        >>> round(minimum_detectable_effect(198.1508), 4)
        0.2
    """
    _check(alpha, design)
    if n < 2:
        raise ValueError(f"n={n!r}: must be 2 or more")
    return _root(lambda effect: power(n, effect, alpha, design) - power_wanted, 1e-9, 100.0)


def sample_size_of_shares(
    control: float,
    treatment: float,
    power_wanted: float = 0.8,
    alpha: float = 0.05,
    method: Literal["pooled", "arcsine"] = "pooled",
) -> float:
    """Return how many users per arm tell two shares apart; round up.

    Source:
        Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions (2003), chapter 4;
        Cohen (1988), chapter 6, for the arcsine.

    Example:
        >>> round(sample_size_of_shares(0.10, 0.12), 3)
        3840.847
    """
    if not (0 < control < 1 and 0 < treatment < 1) or control == treatment:
        raise ValueError("control and treatment: must be two different shares between 0 and 1")
    wanted, reached = (
        float(stats.norm.isf(alpha / 2)),
        float(stats.norm.ppf(power_wanted)),
    )
    if method == "arcsine":
        apart = abs(2 * (math.asin(math.sqrt(treatment)) - math.asin(math.sqrt(control))))

        def missing(n: float) -> float:
            shift = apart * math.sqrt(n / 2)
            found = stats.norm.sf(wanted - shift) + stats.norm.cdf(-wanted - shift)
            return float(found) - power_wanted

        return _root(missing, 1e-3, _MOST)
    both = (control + treatment) / 2
    spread = control * (1 - control) + treatment * (1 - treatment)
    total = wanted * math.sqrt(2 * both * (1 - both)) + reached * math.sqrt(spread)
    return (total / (treatment - control)) ** 2


def more_users(estimate: Estimate, alpha: float = 0.05, power_wanted: float = 0.8) -> int | None:
    """Return how many users more would show a difference as large as the one estimated.

    Args:
        estimate: With an interval at `alpha`.
        alpha: Of its interval.
        power_wanted: How likely it is to be shown.

    Returns:
        0 where there are enough; None where there is no interval or no difference to show.

    Example:
        >>> more_users(Estimate(100, 0, 0.5, 0.51, 0.01, low=-0.01, high=0.03))
        698
    """
    if not math.isfinite(estimate.low) or not estimate.difference or estimate.n < 2:
        return None
    limit = float(stats.t.isf(alpha / 2, estimate.n - 1))
    spread = (estimate.high - estimate.low) / 2 / limit * math.sqrt(estimate.n)
    if not spread > 0:
        return None
    wanted = float(stats.norm.isf(alpha / 2) + stats.norm.ppf(power_wanted))
    needed = (wanted * spread / estimate.difference) ** 2
    return max(0, math.ceil(needed) - estimate.n) if needed < _MOST else None


def superior(estimate: Estimate, margin: float = 0.0) -> bool:
    """Return whether the treatment is better by more than a margin: the interval lies above it.

    Example:
        >>> superior(Estimate(9, 0, 0.1, 0.3, 0.2, low=0.1, high=0.3), margin=0.05)
        True
    """
    return bool(estimate.low > margin)


def non_inferior(estimate: Estimate, margin: float) -> bool:
    """Return whether the treatment is worse by less than a margin: the interval lies above −margin.

    Args:
        estimate: Its interval at 90 % is a one-sided test at 5 %.
        margin: The greatest loss that does not matter, chosen beforehand; above 0.

    Raises:
        ValueError: A margin that is not above 0.

    Example:
        >>> non_inferior(Estimate(9, 0, 0.3, 0.3, 0.0, low=-0.02, high=0.02), margin=0.05)
        True
    """
    if not margin > 0:
        raise ValueError(f"margin={margin!r}: must be above 0")
    return bool(estimate.low > -margin)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    if function(low) >= 0:
        return low
    while function(min(high, low * 2)) < 0:
        low *= 2
        if low >= high:
            raise ValueError("no sample of any size would do")
    return float(optimize.brentq(function, low, low * 2, xtol=1e-10))


def _check(alpha: float, design: str) -> None:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha={alpha!r}: must lie between 0 and 1")
    if design not in ("paired", "two-sample"):
        raise ValueError(f'design={design!r:.40}: must be "paired" or "two-sample"')
