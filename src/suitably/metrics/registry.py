"""Metrics by name: each is one function, registered once, and `"ndcg@10"` is read into a record."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.metrics.accuracy import (
    average_precision,
    dcg,
    hit_rate,
    mrr,
    ndcg,
    precision,
    recall,
)
from suitably.metrics.convention import TREC, Convention
from suitably.metrics.coverage import catalogue_coverage, coverage
from suitably.metrics.protocol import SEEN, Hits, ListMetric, MetricInput, MetricLike, UserMetric
from suitably.metrics.suitability import violation_rate
from suitably.utils.suggest import nearest

__all__ = ["REGISTRY", "Metric", "MetricSpec", "parse_metric", "parse_metrics", "register"]

_NAME = re.compile("[a-z][a-z0-9_]*")
_POSITIVE = re.compile("[1-9][0-9]*")
# Deeper than any list, and still a number that NumPy can hold.
_DEEPEST = 2**53


@dataclass(frozen=True)
class MetricSpec:
    """What is registered of a metric.

    Attributes:
        function: Computes it, from what its parameters name.
        needs: Its parameters: attributes of `MetricInput`.
        at_k: Whether it takes a depth as well, and is written with one.
        higher_is_better: Which way is better.
        is_per_user: Whether it gives float64 (users,), or a single figure for all lists together,
            which has no interval.

    Example:
        >>> REGISTRY["violation_rate"].needs, REGISTRY["violation_rate"].higher_is_better
        (('passes', 'lengths'), False)
    """

    function: Callable[..., Any]
    needs: tuple[str, ...]
    at_k: bool
    higher_is_better: bool
    is_per_user: bool


REGISTRY: dict[str, MetricSpec] = {}
"""Metrics by the name that callers write, before the `@` where there is one."""


def register(
    name: str,
    function: Callable[..., Any],
    *,
    higher_is_better: bool = True,
    is_per_user: bool = True,
) -> None:
    """Make a metric known by name, to `evaluate`, `ABTest`, guardrails and `tune` alike.

    The function's parameters say what it needs: attributes of `MetricInput`, and `k` if it is
    written with a depth.

    Args:
        name: Lower-case letters, digits and underscores.
        function: Returns float64 (users,), NaN where it is not defined.
        higher_is_better: Which way is better.
        is_per_user: False where it gives one figure for all lists together.

    Raises:
        ValueError: A name that is taken or none, or a parameter that nothing can be given for.

    Example:
        >>> def list_length(lengths):
        ...     return lengths.astype(float)
        >>> register("list_length", list_length)
        >>> Metric("list_length").needs
        ('lengths',)
        >>> del REGISTRY["list_length"]
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"metric {name!r}: the name must be lower-case letters, digits and _")
    if name in REGISTRY:
        raise ValueError(f"metric {name!r}: is registered already")
    parameters = list(signature(function).parameters)
    for parameter in parameters:
        if parameter != "k" and parameter not in SEEN:
            raise ValueError(
                f"metric {name!r}: asks for {parameter!r}, which no metric sees"
                f"{nearest(parameter, ('k', *SEEN))}"
            )
    REGISTRY[name] = MetricSpec(
        function=function,
        needs=tuple(p for p in parameters if p != "k"),
        at_k="k" in parameters,
        higher_is_better=higher_is_better,
        is_per_user=is_per_user,
    )


register("dcg", dcg)
register("hit_rate", hit_rate)
register("map", average_precision)
register("mrr", mrr)
register("ndcg", ndcg)
register("precision", precision)
register("recall", recall)
register("coverage", coverage)
register("catalogue_coverage", catalogue_coverage, is_per_user=False)
register("violation_rate", violation_rate, higher_is_better=False)


@dataclass(frozen=True)
class Metric:
    """A registered metric, with its depth.

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
        if self.name not in REGISTRY:
            raise ValueError(f"metric {self.name!r}: no such metric{nearest(self.name, REGISTRY)}")
        if not self._spec.at_k:
            if self.k is not None:
                raise ValueError(f"metric {self.name!r}: is of the whole list, write it without @")
        elif self.k is None:
            raise ValueError(f"metric {self.name!r}: needs a depth, such as {self.name}@10")
        elif isinstance(self.k, bool) or not isinstance(self.k, int) or self.k < 1:
            raise ValueError(f"metric {self.name!r}: k={self.k!r} must be a positive integer")

    @property
    def _spec(self) -> MetricSpec:
        return REGISTRY[self.name]

    @property
    def label(self) -> str:
        """The name as callers write it."""
        return self.name if self.k is None else f"{self.name}@{self.k}"

    @property
    def higher_is_better(self) -> bool:
        """Which way is better."""
        return self._spec.higher_is_better

    @property
    def needs(self) -> tuple[str, ...]:
        """The attributes of `MetricInput` that it reads."""
        return self._spec.needs

    @property
    def is_per_user(self) -> bool:
        """Whether it has a value for every user, not one figure for all lists together."""
        return self._spec.is_per_user

    def measure(self, seen: MetricInput) -> NDArray[np.float64]:
        """Compute it: float64 (users,), or a single figure for one of all lists together."""
        given = {name: getattr(seen, name) for name in self.needs}
        if self.k is not None:
            given["k"] = min(self.k, _DEEPEST)
        values: NDArray[np.float64] = np.asarray(self._spec.function(**given), dtype=np.float64)
        missing = seen.convention.without_list == "missing" and self.is_per_user
        if missing and "hits" in given:
            values = np.where(seen.lengths > 0, values, np.nan)
        return values

    def per_user(self, hits: Hits, convention: Convention = TREC) -> NDArray[np.float64]:
        """Compute an accuracy metric: float64 (users,).

        Raises:
            ValueError: This metric needs more than hits.
        """
        if not set(self.needs) <= {"hits", "convention"}:
            raise ValueError(f"metric {self.name!r}: is not made of hits alone")
        products = np.full(hits.relevance.shape, -1, dtype=np.int64)
        return self.measure(MetricInput(hits.lengths, products, convention, hits))


def parse_metric(text: str) -> Metric:
    """Read a metric as callers write it.

    Raises:
        ValueError: As `Metric`, with the nearest names.

    Example:
        >>> parse_metric("recall@20")
        Metric(name='recall', k=20)
    """
    if not isinstance(text, str):
        raise ValueError(
            f'metric {text!r}: must be text such as "ndcg@10", or an object with label, k, '
            f"higher_is_better and either per_user, or needs and measure"
        )
    name, at, depth = text.partition("@")
    if not at:
        return Metric(name)
    Metric(name, 1 if name not in REGISTRY or REGISTRY[name].at_k else None)
    if not _POSITIVE.fullmatch(depth):
        raise ValueError(f"metric {text!r}: k={depth!r} must be a positive integer")
    return Metric(name, int(depth))


def parse_metrics(metrics: Iterable[Any]) -> tuple[MetricLike, ...]:
    """Read a list of metrics, by name or as objects that are a `UserMetric` or a `ListMetric`.

    Raises:
        ValueError: Not a list, an empty one, the same metric twice, or a name that is none.

    Example:
        >>> parse_metrics(["ndcg@10", "coverage"])
        (Metric(name='ndcg', k=10), Metric(name='coverage', k=None))
    """
    if isinstance(metrics, str) or not isinstance(metrics, Iterable):
        raise ValueError(f'metrics={metrics!r}: must be a list such as ["ndcg@10", "recall@20"]')
    objects = UserMetric | ListMetric
    parsed = tuple(m if isinstance(m, objects) else parse_metric(m) for m in metrics)
    for metric in parsed:
        unknown = [need for need in getattr(metric, "needs", ()) if need not in SEEN]
        if unknown:
            raise ValueError(
                f"metric {metric.label!r}: needs {unknown[0]!r}, which no metric sees"
                f"{nearest(str(unknown[0]), SEEN)}"
            )
    labels = [metric.label for metric in parsed]
    if not labels:
        raise ValueError("metrics: the list is empty")
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise ValueError(f"metrics: {', '.join(twice)} asked for twice")
    return parsed
