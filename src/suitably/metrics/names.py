"""Metrics by name: `"ndcg@10"` is read once, into a record that can be asked."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from suitably.metrics.accuracy import ACCURACY
from suitably.metrics.convention import TREC, Convention
from suitably.metrics.hits import Hits
from suitably.utils.suggest import nearest

__all__ = ["Metric", "UserMetric", "parse_metric", "parse_metrics"]

_WHOLE = ("catalogue_coverage", "coverage", "violation_rate")
_POSITIVE = re.compile("[1-9][0-9]*")


@runtime_checkable
class UserMetric(Protocol):
    """What a metric of the caller's own must offer to be computed beside the built-in ones."""

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


@dataclass(frozen=True)
class Metric:
    """A built-in metric.

    Attributes:
        name: Such as `"ndcg"`.
        k: How many products from the top count; None for metrics of the whole list.

    Raises:
        ValueError: No such metric, no depth where one is needed, or a depth that is no positive
            integer.

    Example:
        >>> Metric("ndcg", 10).label
        'ndcg@10'
    """

    name: str
    k: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be computed."""
        known = (*ACCURACY, *_WHOLE)
        if self.name not in known:
            raise ValueError(f"metric {self.name!r}: no such metric{nearest(self.name, known)}")
        if self.name in _WHOLE:
            if self.k is not None:
                raise ValueError(f"metric {self.name!r}: is of the whole list, write it without @")
        elif self.k is None:
            raise ValueError(f"metric {self.name!r}: needs a depth, such as {self.name}@10")
        elif isinstance(self.k, bool) or not isinstance(self.k, int) or self.k < 1:
            raise ValueError(f"metric {self.name!r}: k={self.k!r} must be a positive integer")

    @property
    def label(self) -> str:
        """The name as callers write it."""
        return self.name if self.k is None else f"{self.name}@{self.k}"

    @property
    def higher_is_better(self) -> bool:
        """Which way is better: more, but for violations."""
        return self.name != "violation_rate"

    def per_user(self, hits: Hits, convention: Convention = TREC) -> NDArray[np.float64]:
        """Compute an accuracy metric: float64 (users,).

        Raises:
            ValueError: This metric needs more than hits.
        """
        if self.k is None:
            raise ValueError(f"metric {self.name!r}: is not made of hits alone")
        values = ACCURACY[self.name](hits, self.k, convention)
        if convention.without_list == "missing":
            values = np.where(hits.lengths > 0, values, np.nan)
        return values


def parse_metric(text: str) -> Metric:
    """Read a metric as callers write it.

    Raises:
        ValueError: As `Metric`, with the nearest names.

    Example:
        >>> parse_metric("recall@20")
        Metric(name='recall', k=20)
    """
    if not isinstance(text, str):
        raise ValueError(f'metric {text!r}: must be text such as "ndcg@10"')
    name, at, depth = text.partition("@")
    if not at:
        return Metric(name)
    Metric(name, 1 if name not in _WHOLE else None)
    if not _POSITIVE.fullmatch(depth):
        raise ValueError(f"metric {text!r}: k={depth!r} must be a positive integer")
    return Metric(name, int(depth))


def parse_metrics(metrics: Iterable[Any]) -> tuple[UserMetric, ...]:
    """Read a list of metrics, by name or as objects that are `UserMetric`.

    Raises:
        ValueError: Not a list, an empty one, the same metric twice, or a name that is none.
    """
    if isinstance(metrics, str) or not isinstance(metrics, Iterable):
        raise ValueError(f'metrics={metrics!r}: must be a list such as ["ndcg@10", "recall@20"]')
    parsed = tuple(m if isinstance(m, UserMetric) else parse_metric(m) for m in metrics)
    labels = [metric.label for metric in parsed]
    if not labels:
        raise ValueError("metrics: the list is empty")
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise ValueError(f"metrics: {', '.join(twice)} asked for twice")
    return parsed
