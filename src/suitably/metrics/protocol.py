"""What a metric must offer, one of the caller's own too, and what is made of it."""

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from suitably.metrics.convention import Convention
from suitably.metrics.fields import MissingInputError
from suitably.metrics.metric_input import Hits, MetricInput
from suitably.metrics.ratio import Ratio

__all__ = [
    "ListMetric",
    "MetricLike",
    "UserMetric",
    "is_per_user",
    "is_ratio",
    "measure",
    "measure_ratio",
    "missing_inputs",
    "needs_of",
    "range_of",
]


@runtime_checkable
class UserMetric(Protocol):
    """A metric of the caller's own that sees hits: which ranks were relevant.

    Example:
        >>> class Upper:
        ...     label, k, higher_is_better = "upper", 10, True
        ...     def per_user(self, hits, convention):
        ...         return hits.top(5).mean(axis=1)
        >>> isinstance(Upper(), UserMetric)
        True
    """

    @property
    def label(self) -> str:
        """The name of its column."""

    @property
    def k(self) -> int | None:
        """How deep into the list it looks; None: all of it."""

    @property
    def higher_is_better(self) -> bool:
        """Which way is better."""

    def per_user(self, hits: Hits, convention: Convention) -> NDArray[np.float64]:
        """Return float64 (users,), NaN where it is not defined."""


@runtime_checkable
class ListMetric(Protocol):
    """A metric of the caller's own that sees more than hits: products, fields, verdicts, returns.

    One that needs `hits` is measured on the users with a relevant product; any other on all users
    who were asked for. It may say more: `range`, the least and the most that a user's value can be,
    which lets a test decide where all users gain alike; `is_ratio`, with a method
    `ratio(seen)` that returns a `Ratio`; `is_per_user`, false for one figure of all lists.

    Example:
        >>> class MeanFee:
        ...     label, k, higher_is_better = "mean_fee@2", 2, False
        ...     needs = ("products", "product_fields")
        ...     def measure(self, seen):
        ...         fees = np.append(seen.product_fields["fee"].to_numpy(), np.nan)
        ...         return np.nanmean(fees[seen.products[:, : self.k]], axis=1)
        >>> import pyarrow as pa
        >>> fees = pa.table({"fee": [0.5, 1.5, 2.0]})
        >>> MeanFee().measure(MetricInput(np.array([2]), np.array([[0, 2]]), product_fields=fees))
        array([1.25])
    """

    @property
    def label(self) -> str:
        """The name of its column."""

    @property
    def k(self) -> int | None:
        """How deep into the list it looks; None: all of it."""

    @property
    def higher_is_better(self) -> bool:
        """Which way is better."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The attributes of `MetricInput` that it reads."""

    def measure(self, seen: MetricInput) -> NDArray[np.float64]:
        """Return float64 (users,), NaN where it is not defined."""


MetricLike = UserMetric | ListMetric

_HISTORY = "give evaluate history=, or ABTest data with timestamps"
_LEVELS = (
    "give a policy that declares the scales of user.risk_level and product.risk_level, and both "
    "fields"
)
_HOW = {
    "passes": "give evaluate a policy=, users=, products= and as_of=, or use ABTest",
    "suitable_hits": "give evaluate a policy=, users=, products= and as_of=, or use ABTest",
    "rejected": "give evaluate rejected=, or the Dataset rejected_events=",
    "spent": "give relevant_frame a column value, or the interactions one of values",
    "size": "give evaluate products=, with a row per product on offer",
    "user_fields": "give evaluate users=, a row per user",
    "product_fields": "give evaluate products=, a row per product",
    "user_levels": _LEVELS,
    "product_levels": _LEVELS,
    **dict.fromkeys(("history", "newcomers", "owners", "audience"), _HISTORY),
    "returns": "give evaluate returns=, ABTest prices=, or splits that have returns",
}


def needs_of(metric: MetricLike) -> tuple[str, ...]:
    """Return the attributes of `MetricInput` that a metric reads."""
    return tuple(metric.needs) if isinstance(metric, ListMetric) else ("hits", "convention")


def is_per_user(metric: MetricLike) -> bool:
    """Return whether a metric has a value for every user, not one figure for all lists together."""
    return bool(getattr(metric, "is_per_user", True))


def range_of(metric: MetricLike) -> tuple[float, float] | None:
    """Return the least and the most that a user's value can be; None: not known, or no bound.

    Example:
        >>> from suitably.metrics import Metric
        >>> range_of(Metric("recall", 10)), range_of(Metric("novelty", 10))
        ((0.0, 1.0), None)
    """
    found: tuple[float, float] | None = getattr(metric, "range", None)
    return found


def is_ratio(metric: MetricLike) -> bool:
    """Return whether a metric is a sum over users divided by another, not a mean over users."""
    return bool(getattr(metric, "is_ratio", False))


def measure(metric: MetricLike, seen: MetricInput) -> NDArray[np.float64]:
    """Compute a metric: float64 (users,), or a single figure for one of all lists together.

    Of a ratio it is each user's own, NaN where a user's denominator is 0.

    Raises:
        ValueError: Something that it needs is missing, or it gives another shape, or infinity.
    """
    if is_ratio(metric):
        return measure_ratio(metric, seen).per_user
    missing_inputs(metric, seen)
    if isinstance(metric, ListMetric):
        values = _asked(metric, seen)
    elif seen.hits is not None:
        values = metric.per_user(seen.hits, seen.convention)
    return _checked(metric, values, (len(seen),) if is_per_user(metric) else (), seen)


def measure_ratio(metric: MetricLike, seen: MetricInput) -> Ratio:
    """Compute both parts of a metric that is a ratio, user by user.

    Raises:
        ValueError: As `measure`.
    """
    missing_inputs(metric, seen)
    ratio = _asked(metric, seen, "ratio")
    shape = (len(seen),)
    return Ratio(
        _checked(metric, ratio.numerator, shape, seen),
        _checked(metric, ratio.denominator, shape, seen),
    )


def missing_inputs(metric: MetricLike, seen: MetricInput) -> None:
    """Refuse a metric that needs what nobody gave.

    Raises:
        ValueError: There is such a need; the message says what to give.
    """
    missing = seen.missing(needs_of(metric))
    if missing:
        ways = list(dict.fromkeys(_HOW[name] for name in missing if name in _HOW))
        how = f": {'; '.join(ways)}" if ways else ""
        raise ValueError(f"metric {metric.label!r}: needs {' and '.join(missing)}{how}")


def _asked(metric: MetricLike, seen: MetricInput, method: str = "measure") -> Any:
    try:
        return getattr(metric, method)(seen)
    except MissingInputError as error:
        raise ValueError(f"metric {metric.label!r}: {error}") from None


def _checked(
    metric: MetricLike, values: Any, shape: tuple[int, ...], seen: MetricInput
) -> NDArray[np.float64]:
    array: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    if array.shape != shape:
        raise ValueError(f"metric {metric.label!r}: gave {array.shape} for {len(seen)} users")
    if np.isinf(array).any():
        raise ValueError(f"metric {metric.label!r}: gave infinite values")
    return array
