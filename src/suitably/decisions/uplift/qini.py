"""Qini coefficient and area under the uplift curve, with intervals."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from suitably.decisions.numbers import check_values, numbers_in
from suitably.decisions.uplift.gain_curve import GainCurve, gain_curve
from suitably.errors import DataError
from suitably.utils.record import Record

__all__ = ["UpliftArea", "auuc", "qini"]

Floats = NDArray[np.float64]
_POINTS = 100


@dataclass(frozen=True, repr=False)
class UpliftArea(Record):
    """An area of a gain curve.

    Attributes:
        name: `"qini"` or `"auuc"`.
        value: The area, in outcomes per customer.
        low: Lower end of the two-sided interval.
        high: Upper end.
        standard_error: Of the value.
        n: Customers.
        treated: Those approached.
        control: Those not.
    """

    name: str
    value: float
    low: float
    high: float
    standard_error: float
    n: int
    treated: int
    control: int
    _curve: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """Return the curve at 101 shares at most, or where effects differ.

        Returns:
            `share` approached, from 0 to 1; `gain`, what that brings, in outcomes per customer of
            all; `low` and `high`, of an interval at each share by itself; `random`, what the same
            share taken at random would bring.
        """
        return self._curve.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return the figures by name, JSON-ready, without the curve."""
        return {name: value for name, value in vars(self).items() if name != "_curve"}

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        return f"{self.name}({self.value:+.4g} [{self.low:+.4g}, {self.high:+.4g}], n={self.n:,})"


def qini(
    effect: Any, treatment: Any, outcome: Any, probability: Any = None, alpha: float = 0.05
) -> UpliftArea:
    """Return the area between the gain curve of an effect and that of a random order.

    Above 0: approaching customers in the order of the effect gains more than approaching as many
    at random. A constant effect has exactly 0. The gain at a share is the share times the
    difference of mean outcomes with and without approach among its customers, each weighed by the
    inverse probability of what happened to it; no further normalisation, so that areas of the same
    customers compare. The interval is that of the linearised area (infinitesimal jackknife), the
    order taken as given: the effect must come from other customers than these.

    Args:
        effect: (n,), any numbers that order the customers; NaN is refused.
        treatment: (n,), booleans or 0 and 1: who was approached.
        outcome: (n,), numbers or booleans.
        probability: Of being approached: (n,) or a number; None: the share of those approached,
            as where everybody had the same.
        alpha: One less the coverage of the intervals.

    Raises:
        DataError: Lengths that differ, a missing or impossible value (its row is named), or one
            group only.
        ValueError: `alpha` or a single `probability` is not between 0 and 1.

    Source:
        Radcliffe (2007), as `gain_curve` says.

    Example:
        >>> qini([4, 3, 2, 1], [1, 0, 1, 0], [1, 0, 0, 1]).value
        0.28125
    """
    return _area("qini", True, (effect, treatment, outcome, probability), alpha)


def auuc(
    effect: Any, treatment: Any, outcome: Any, probability: Any = None, alpha: float = 0.05
) -> UpliftArea:
    """Return the area under the gain curve of an effect (area under the uplift curve).

    It is the gain per customer, averaged over all shares that might be approached; half the
    average effect is what a random order has. Arguments, errors and interval as of `qini`, which
    is this less the area of the random order.

    Example:
        >>> auuc([4, 3, 2, 1], [1, 0, 1, 0], [1, 0, 0, 1]).value
        0.28125
    """
    return _area("auuc", False, (effect, treatment, outcome, probability), alpha)


def _area(name: str, above_random: bool, given: tuple[Any, ...], alpha: float) -> UpliftArea:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha={alpha!r}: must be between 0 and 1")
    effect, treatment, outcome = (
        numbers_in(values, one)
        for values, one in zip(given, ("effect", "treatment", "outcome"), strict=False)
    )
    n = len(effect)
    for one, values in (("treatment", treatment), ("outcome", outcome)):
        if len(values) != n:
            raise DataError(f"{one}: has {len(values)} rows, effect has {n}")
    check_values(treatment, np.isin(treatment, (0.0, 1.0)), "treatment", "must be 0 or 1")
    approached = treatment == 1
    treated = int(approached.sum())
    if treated in (0, n):
        found = "was not approached" if treated == 0 else "was approached"
        raise DataError(f"treatment: not evaluable: everybody {found}, so nothing compares")
    curve = gain_curve(effect, approached, outcome, _probability(given[3], approached))
    z = float(stats.norm.ppf(1 - alpha / 2))
    value, error = curve.area(above_random)
    return UpliftArea(
        *(name, value, value - z * error, value + z * error, error, n, treated, n - treated),
        _frame(curve, z),
    )


def _frame(curve: GainCurve, z: float) -> pd.DataFrame:
    wanted = np.linspace(0, len(curve.share) - 1, min(_POINTS, len(curve.share)))
    rows = wanted.round().astype(np.int64)
    share, gain, error = (
        np.concatenate([[0.0], part[rows]]) for part in (curve.share, curve.gain, curve.error)
    )
    return pd.DataFrame(
        {
            "share": share,
            "gain": gain,
            "low": gain - z * error,
            "high": gain + z * error,
            "random": share * gain[-1],
        }
    )


def _probability(given: Any, approached: NDArray[np.bool_]) -> Floats:
    n = len(approached)
    if given is None:
        return np.full(n, approached.mean())
    if isinstance(given, int | float | np.number):
        if not 0 < given < 1:
            raise ValueError(f"probability={given!r}: must be between 0 and 1")
        return np.full(n, float(given))
    found = numbers_in(given, "probability")
    if len(found) != n:
        raise DataError(f"probability: has {len(found)} rows, effect has {n}")
    inside = (found > 0) & (found < 1)
    check_values(found, inside, "probability", "must be between 0 and 1")
    return found
