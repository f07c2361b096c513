"""Metrics by name: each is one function, registered once, and `"ndcg@10"` is read into a record."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from inspect import Parameter, signature
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.metrics.convention import TREC, Convention
from suitably.metrics.metric_input import SEEN, Hits, MetricInput
from suitably.metrics.protocol import ListMetric, MetricLike, UserMetric
from suitably.metrics.ratio import Ratio
from suitably.utils.suggest import nearest

__all__ = ["REGISTRY", "Metric", "MetricSpec", "parse_metric", "parse_metrics", "register"]

_NAME = re.compile("[a-z][a-z0-9_]*")
_WRITTEN = re.compile(
    r"(?P<name>[^@\[\]]*)(\[(?P<options>[^\[\]]*)\])?(?P<at>@(?P<k>.*))?", re.DOTALL
)
_POSITIVE = re.compile("[1-9][0-9]*")
# Deeper than any list, and still a number that NumPy can hold.
_DEEPEST = 2**53

Range = tuple[float, float]


@dataclass(frozen=True)
class MetricSpec:
    """What is registered of a metric.

    Attributes:
        function: Computes it, from what its parameters name.
        needs: Its parameters: attributes of `MetricInput`.
        depth: Whether it takes a depth: `"required"`, `"optional"` or `"none"`.
        options: Its keyword-only parameters, with their defaults.
        higher_is_better: Which way is better.
        is_per_user: Whether it gives float64 (users,), or a single figure for all lists together,
            which has no interval.
        is_ratio: Whether it gives a `Ratio`.
        unit: What its figures count.
        bounds: The least and the most that a user's value can be, or a function of the depth that
            returns them; None: not known, or none.

    Example:
        >>> REGISTRY["violation_rate"].needs, REGISTRY["violation_rate"].higher_is_better
        (('passes', 'lengths'), False)
    """

    function: Callable[..., Any]
    needs: tuple[str, ...]
    depth: str
    options: Mapping[str, Any]
    higher_is_better: bool
    is_per_user: bool
    is_ratio: bool
    unit: str
    bounds: Range | Callable[[int], Range] | None

    @property
    def at_k(self) -> bool:
        """Whether it is written with a depth, always or where one is wanted."""
        return self.depth != "none"


REGISTRY: dict[str, MetricSpec] = {}
"""Metrics by the name that callers write, before the `@` where there is one."""


def register(
    name: str,
    function: Callable[..., Any],
    *,
    higher_is_better: bool = True,
    is_per_user: bool = True,
    is_ratio: bool = False,
    unit: str = "",
    bounds: Range | Callable[[int], Range] | None = None,
) -> None:
    """Make a metric known by name, to `evaluate`, `ABTest`, guardrails and `tune` alike.

    The function's parameters say what it needs: attributes of `MetricInput`, and `k` if it is
    written with a depth; a `k` with a default may be left out. Keyword-only parameters, of which
    each has a default, are options: `"name[option:value]@10"`.

    Args:
        name: Lower-case letters, digits and underscores.
        function: Returns float64 (users,), NaN where it is not defined.
        higher_is_better: Which way is better.
        is_per_user: False where it gives one figure for all lists together.
        is_ratio: True where it returns a `Ratio`, of which the sums over users are divided.
        unit: What its figures count.
        bounds: The least and the most that a user's value can be, or a function of the depth that
            returns them; None: not known, or none.

    Raises:
        ValueError: A name that is taken or none, a parameter that nothing can be given for, or an
            option without a default that is text, a number or a boolean.

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
    parameters = signature(function).parameters
    options = {p.name: p.default for p in parameters.values() if p.kind is Parameter.KEYWORD_ONLY}
    for option, default in options.items():
        if not isinstance(default, str | int | float):
            raise ValueError(
                f"metric {name!r}: option {option!r} must have a default that is text, a number or "
                f"a boolean"
            )
    needs = tuple(p for p in parameters if p != "k" and p not in options)
    for need in needs:
        if need not in SEEN:
            raise ValueError(
                f"metric {name!r}: asks for {need!r}, which no metric sees"
                f"{nearest(need, ('k', *SEEN))}"
            )
    depth = "none"
    if "k" in parameters:
        depth = "required" if parameters["k"].default is Parameter.empty else "optional"
    REGISTRY[name] = MetricSpec(
        function=function,
        needs=needs,
        depth=depth,
        options=options,
        higher_is_better=higher_is_better,
        is_per_user=is_per_user,
        is_ratio=is_ratio,
        unit=unit,
        bounds=bounds,
    )


@dataclass(frozen=True, repr=False)
class Metric:
    """A registered metric, with its depth.

    Attributes:
        name: Such as `"ndcg"`.
        k: How many products from the top count; None for the whole list.
        options: What it is computed by instead of its defaults, such as `{"by": "issuer"}`.

    Raises:
        ValueError: No such metric, no depth where one is needed, a depth that is no positive
            integer, or an option that it does not have.

    Example:
        >>> Metric("ndcg", 10).label, Metric("concentration", 5, {"by": "category"}).label
        ('ndcg@10', 'concentration[by:category]@5')
    """

    name: str
    k: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __repr__(self) -> str:
        return f"Metric({self.label!r})"

    def __post_init__(self) -> None:
        """Refuse what cannot be computed."""
        if self.name not in REGISTRY:
            raise ValueError(f"metric {self.name!r}: no such metric{nearest(self.name, REGISTRY)}")
        if self._spec.depth == "none":
            if self.k is not None:
                raise ValueError(f"metric {self.name!r}: is of the whole list, write it without @")
        elif self.k is None:
            if self._spec.depth == "required":
                raise ValueError(f"metric {self.name!r}: needs a depth, such as {self.name}@10")
        elif isinstance(self.k, bool) or not isinstance(self.k, int) or self.k < 1:
            raise ValueError(f"metric {self.name!r}: k={self.k!r} must be a positive integer")
        for option, value in self.options.items():
            if option not in self._spec.options:
                known = nearest(option, self._spec.options) if self._spec.options else ""
                raise ValueError(f"metric {self.name!r}: has no option {option!r}{known}")
            default = self._spec.options[option]
            kinds = (int, float) if type(default) is float else (type(default),)
            if type(value) not in kinds:
                raise ValueError(
                    f"metric {self.name!r}: {option}={value!r} must be of type "
                    f"{type(default).__name__}"
                )

    @property
    def _spec(self) -> MetricSpec:
        return REGISTRY[self.name]

    @property
    def label(self) -> str:
        """The name as callers write it."""
        written = {
            option: str(value).lower() if isinstance(value, bool) else value
            for option, value in self.options.items()
        }
        options = ",".join(f"{option}:{value}" for option, value in written.items())
        depth = "" if self.k is None else f"@{self.k}"
        return f"{self.name}{f'[{options}]' if options else ''}{depth}"

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

    @property
    def is_ratio(self) -> bool:
        """Whether it is a sum over users divided by another."""
        return self._spec.is_ratio

    @property
    def unit(self) -> str:
        """What its figures count."""
        return self._spec.unit

    @property
    def range(self) -> Range | None:
        """The least and the most that a user's value can be; None: not known, or no bound."""
        bounds = self._spec.bounds
        return bounds(self.k or _DEEPEST) if callable(bounds) else bounds

    def measure(self, seen: MetricInput) -> NDArray[np.float64]:
        """Compute it: float64 (users,), or a single figure for one of all lists together."""
        if self.is_ratio:
            return self.ratio(seen).per_user
        values: NDArray[np.float64] = np.asarray(self._call(seen), dtype=np.float64)
        return self._without_list(values, seen) if self.is_per_user else values

    def ratio(self, seen: MetricInput) -> Ratio:
        """Compute both parts of a ratio, user by user.

        Raises:
            ValueError: This metric is none.
        """
        if not self.is_ratio:
            raise ValueError(f"metric {self.label!r}: is no ratio")
        parts: Ratio = self._call(seen)
        return Ratio(self._without_list(parts.numerator, seen), parts.denominator)

    def _call(self, seen: MetricInput) -> Any:
        given = {name: getattr(seen, name) for name in self.needs}
        if self.k is not None:
            given["k"] = min(self.k, _DEEPEST)
        return self._spec.function(**given, **self.options)

    def _without_list(self, values: NDArray[np.float64], seen: MetricInput) -> NDArray[np.float64]:
        if seen.convention.without_list == "zero" or not {"hits", "suitable_hits"} & {*self.needs}:
            return values
        return np.where(seen.lengths > 0, values, np.nan)

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
        >>> parse_metric("recall@20").label, parse_metric("concentration[by:category]@5").options
        ('recall@20', {'by': 'category'})
    """
    if not isinstance(text, str):
        raise ValueError(
            f'metric {text!r}: must be text such as "ndcg@10", or an object with label, k, '
            f"higher_is_better and either per_user, or needs and measure"
        )
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise ValueError(
            f"metric {text!r}: must be a name such as ndcg@10, or name[option:value]@10"
        )
    name, depth = found["name"], found["k"]
    spec = REGISTRY.get(name)
    if spec is None:
        return Metric(name)
    options = _options(name, spec, found["options"])
    if depth is None:
        return _as_written(Metric(name, None, options), text)
    Metric(name, 1, options)
    if not _POSITIVE.fullmatch(depth):
        raise ValueError(f"metric {text!r}: k={depth!r} must be a positive integer")
    return _as_written(Metric(name, int(depth), options), text)


def _as_written(metric: Metric, text: str) -> Metric:
    if metric.label != text:
        raise ValueError(f"metric {text!r}: write it {metric.label!r}")
    return metric


def _options(name: str, spec: MetricSpec, written: str | None) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for part in (written or "").split(",") if written is not None else ():
        option, colon, value = part.partition(":")
        if not colon or option in options:
            raise ValueError(f"metric {name!r}: {part!r} must be option:value, each once")
        default = spec.options.get(option, "")
        try:
            options[option] = _read(value, default)
        except ValueError:
            kind = type(default).__name__
            raise ValueError(f"metric {name!r}: {part!r} must hold a {kind}") from None
    return options


def _read(value: str, default: Any) -> Any:
    if isinstance(default, bool):
        if value not in ("true", "false"):
            raise ValueError(value)
        return value == "true"
    return type(default)(value)


def parse_metrics(metrics: Iterable[Any]) -> tuple[MetricLike, ...]:
    """Read a list of metrics, by name or as objects that are a `UserMetric` or a `ListMetric`.

    Raises:
        ValueError: Not a list, an empty one, the same metric twice, or a name that is none.

    Example:
        >>> parse_metrics(["ndcg@10", "coverage"])
        (Metric('ndcg@10'), Metric('coverage'))
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
