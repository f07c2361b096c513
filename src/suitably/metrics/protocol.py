"""What a metric may see, and what one of the caller's own must offer."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.metrics.convention import TREC, Convention

__all__ = [
    "SEEN",
    "Hits",
    "ListMetric",
    "MetricInput",
    "MetricLike",
    "UserMetric",
    "is_per_user",
    "measure",
    "needs_of",
]


@dataclass(frozen=True)
class Hits:
    """Relevance along the lists of many users.

    Attributes:
        relevance: bool (users, depth); column 0 is the top of the list, false past its end.
        lengths: int64 (users,), products in each list, at most depth.
        relevant: int64 (users,), products there were to find, hit or not.

    Example:
        >>> hits = Hits(np.array([[True, False]]), lengths=np.array([2]), relevant=np.array([3]))
        >>> len(hits), hits.top(1).tolist()
        (1, [[True]])
    """

    relevance: NDArray[np.bool_]
    lengths: NDArray[np.int64]
    relevant: NDArray[np.int64]

    def top(self, k: int) -> NDArray[np.bool_]:
        """Return the first `k` columns, fewer where lists are shorter."""
        return self.relevance[:, :k]

    def __len__(self) -> int:
        return len(self.lengths)


@dataclass(frozen=True)
class MetricInput:
    """The lists of many users, and all that is known about them.

    What nobody gave is None; a metric names what it needs, and is refused where that is missing.

    Attributes:
        lengths: int64 (users,), products in each list, at most depth.
        products: int64 (users, depth), each rank's product as a row of `product_fields`; −1 past
            the end of a list, and for what was not on offer.
        convention: How metrics are defined.
        hits: Which ranks were relevant.
        passes: bool (users, depth), whether the judging policy passes the product at that rank.
        size: How many products were on offer.
        user_fields: A row per user.
        product_fields: A row per product.
        returns: float64 (users, depth), what the product at that rank was worth, in money.

    Example:
        >>> seen = MetricInput(np.array([2, 0]), np.array([[4, 1], [-1, -1]]))
        >>> len(seen), seen.missing(("lengths", "hits"))
        (2, ['hits'])
    """

    lengths: NDArray[np.int64]
    products: NDArray[np.int64]
    convention: Convention = TREC
    hits: Hits | None = None
    passes: NDArray[np.bool_] | None = None
    size: int | None = None
    user_fields: pa.Table | None = None
    product_fields: pa.Table | None = None
    returns: NDArray[np.float64] | None = None

    def missing(self, needs: Sequence[str]) -> list[str]:
        """Return which of the needs nobody gave."""
        return [name for name in needs if getattr(self, name) is None]

    def __len__(self) -> int:
        return len(self.lengths)


SEEN = tuple(field.name for field in fields(MetricInput))
"""All that a metric may need."""


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
        """How deep into the list it looks; None: as deep as the others."""

    @property
    def higher_is_better(self) -> bool:
        """Which way is better."""

    def per_user(self, hits: Hits, convention: Convention) -> NDArray[np.float64]:
        """Return float64 (users,), NaN where it is not defined."""


@runtime_checkable
class ListMetric(Protocol):
    """A metric of the caller's own that sees more than hits: products, fields, verdicts, returns.

    One that needs `hits` is measured on the users with a relevant product; any other on all users
    who were asked for.

    Example:
        >>> class MeanFee:
        ...     label, k, higher_is_better = "mean_fee@2", 2, False
        ...     needs = ("products", "product_fields")
        ...     def measure(self, seen):
        ...         fees = np.append(seen.product_fields["fee"].to_numpy(), np.nan)
        ...         return np.nanmean(fees[seen.products[:, : self.k]], axis=1)
        >>> fees = pa.table({"fee": [0.5, 1.5, 2.0]})
        >>> MeanFee().measure(MetricInput(np.array([2]), np.array([[0, 2]]), product_fields=fees))
        array([1.25])
    """

    @property
    def label(self) -> str:
        """The name of its column."""

    @property
    def k(self) -> int | None:
        """How deep into the list it looks; None: as deep as the others."""

    @property
    def higher_is_better(self) -> bool:
        """Which way is better."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The attributes of `MetricInput` that it reads."""

    def measure(self, seen: MetricInput) -> NDArray[np.float64]:
        """Return float64 (users,), NaN where it is not defined."""


MetricLike = UserMetric | ListMetric


def needs_of(metric: MetricLike) -> tuple[str, ...]:
    """Return the attributes of `MetricInput` that a metric reads."""
    return tuple(metric.needs) if isinstance(metric, ListMetric) else ("hits", "convention")


def is_per_user(metric: MetricLike) -> bool:
    """Return whether a metric has a value for every user, not one figure for all lists together."""
    return bool(getattr(metric, "is_per_user", True))


def measure(metric: MetricLike, seen: MetricInput) -> NDArray[np.float64]:
    """Compute a metric: float64 (users,), or a single figure for one of all lists together.

    Raises:
        ValueError: Something that it needs is missing, or it gives another shape, or infinity.
    """
    missing = seen.missing(needs_of(metric))
    if missing:
        raise ValueError(f"metric {metric.label!r}: needs {' and '.join(missing)}")
    if isinstance(metric, ListMetric):
        values = np.asarray(metric.measure(seen), dtype=np.float64)
    elif seen.hits is not None:
        values = np.asarray(metric.per_user(seen.hits, seen.convention), dtype=np.float64)
    if values.shape != ((len(seen),) if is_per_user(metric) else ()):
        raise ValueError(f"metric {metric.label!r}: gave {values.shape} for {len(seen)} users")
    if np.isinf(values).any():
        raise ValueError(f"metric {metric.label!r}: gave infinite values")
    return values
