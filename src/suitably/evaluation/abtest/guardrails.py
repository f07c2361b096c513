"""Guardrails: what a better primary metric must not be bought with."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from suitably.evaluation.statistics import Estimate, holm
from suitably.evaluation.statistics.rounding import without_noise
from suitably.utils.record import Record

__all__ = ["SAFETY", "Guardrail", "Outcome", "check_segments", "parse_guardrails"]

_LIMIT = re.compile(r"(?P<metric>[^<>=]+?)\s*(?P<relation><=|>=)\s*(?P<limit>[^<>=\s]+)")
_GAP = re.compile(r"gap\(\s*(?P<metric>[^,()]+?)\s*,\s*(?P<field>[^,()]+?)\s*\)")


@dataclass(frozen=True, repr=False)
class Guardrail(Record):
    """A condition on the treatment beside the primary metric.

    With a limit, the treatment's mean must keep to it. Without one, the treatment must not be
    significantly worse than control: its interval must not lie wholly on the wrong side of zero.
    What cannot be computed does not hold.

    With a field, it is about fairness: the means of the largest groups of users by that field, each
    of at least `ABTest.min_segment` users, must not be further apart than the limit.

    Attributes:
        metric: Name of the metric.
        relation: `">="` or `"<="`, None without a limit.
        limit: The limit, None without one.
        hard: A breach means "do not ship"; otherwise it only keeps from "ship".
        field: A field of users whose groups must fare alike; None: it is about all users together.

    Raises:
        ValueError: A relation without a limit or the other way round, a limit that is no finite
            number, or a field without an upper limit.

    Example:
        >>> Guardrail.parse("coverage>=0.9"), Guardrail.parse("gap(coverage, gender)<=0.05").field
        (Guardrail('coverage>=0.9'), 'gender')
    """

    metric: str
    relation: Literal["<=", ">="] | None = None
    limit: float | None = None
    hard: bool = False
    field: str | None = None

    def __post_init__(self) -> None:
        """Refuse half a limit."""
        if (self.relation is None) != (self.limit is None):
            raise ValueError(f"guardrail on {self.metric!r}: give a relation and a limit, or none")
        if self.relation not in (None, "<=", ">="):
            raise ValueError(f"guardrail on {self.metric!r}: {self.relation!r} is not <= or >=")
        if self.limit is not None and not math.isfinite(self.limit):
            raise ValueError(f"guardrail on {self.metric!r}: the limit must be finite")
        if self.field is not None and self.relation != "<=":
            raise ValueError(
                f"guardrail on {self.metric!r}: a gap needs an upper limit, such as <=0.1"
            )

    @classmethod
    def parse(cls, text: str) -> "Guardrail":
        """Read a guardrail as callers write it: a metric, a metric with a limit, or a gap.

        Raises:
            ValueError: Neither.
        """
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f'guardrail {text!r}: must be text such as "coverage>=0.9"')
        if not set("<>=") & set(text):
            return cls(*_metric(text.strip()))
        found = _LIMIT.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"guardrail {text!r}: must be a metric, <= or >=, and a number")
        try:
            limit = float(found["limit"])
        except ValueError:
            raise ValueError(f"guardrail {text!r}: {found['limit']!r} is not a number") from None
        metric, *_, field = _metric(found["metric"])
        return cls(metric, "<=" if found["relation"] == "<=" else ">=", limit, field=field)

    @property
    def text(self) -> str:
        """The condition as callers write it."""
        name = self.metric if self.field is None else f"gap({self.metric}, {self.field})"
        return name if self.limit is None else f"{name}{self.relation}{self.limit:g}"

    def check(self, result: Estimate, higher_is_better: bool) -> "Outcome":
        """Return whether the condition holds."""
        if self.limit is None:
            value = result.high if higher_is_better else result.low
            if math.isnan(value) and result.reason and result.evaluable:
                value = result.difference  # that of every user, to whom an interval would add none
            holds = value >= 0 if higher_is_better else value <= 0
            interval = f"difference {result.difference:.4f}"
            if not math.isnan(result.low):
                interval += f", {result.low:.4f} to {result.high:.4f}"
            text = f"{self.text} not significantly worse ({interval})"
        else:
            value = result.treatment
            beyond = float(without_noise(self.limit, value, terms=max(1, result.n)))
            holds = beyond >= 0 if self.relation == ">=" else beyond <= 0
            text = f"{self.text} (treatment {result.treatment:.4f})"
        if math.isnan(value):
            return Outcome(self, "unknown", f"{self.text} cannot be computed")
        return Outcome(self, "holds" if holds else "breached", text)

    def check_gap(self, groups: Mapping[str, Estimate]) -> "Outcome":
        """Return whether the treatment's means of groups are close enough to each other."""
        means = {name: one.treatment for name, one in groups.items() if one.n}
        if len(means) < 2 or any(math.isnan(mean) for mean in means.values()):
            return Outcome(
                self, "unknown", f"{self.text} cannot be computed: fewer than two groups"
            )
        low, high = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
        gap = means[high] - means[low]
        assert self.limit is not None
        holds = float(without_noise(self.limit, gap)) <= 0
        said = f"{self.text} ({gap:.4f}: {low} {means[low]:.4f}, {high} {means[high]:.4f})"
        return Outcome(self, "holds" if holds else "breached", said)

    def __repr__(self) -> str:
        return f"Guardrail({self.text!r}{', hard=True' if self.hard else ''})"


@dataclass(frozen=True)
class Outcome(Record):
    """What became of a guardrail.

    Attributes:
        guardrail: The condition.
        verdict: Whether the treatment keeps it; unknown where it cannot be computed.
        text: The condition with its figures.
    """

    guardrail: Guardrail
    verdict: Literal["holds", "breached", "unknown"]
    text: str


SAFETY = Guardrail("violation_rate", "<=", 0.0, hard=True)
"""Nothing may be recommended that the judging policy does not pass; it cannot be switched off."""


def check_segments(primary: str, segments: Mapping[str, Estimate], alpha: float) -> Outcome:
    """Return whether no segment loses significantly by the primary metric, all of them together.

    P-values are adjusted by Holm over the segments, so that one loser among many by chance is none.
    """
    guardrail = Guardrail(f"{primary} in every segment")
    names = list(segments)
    adjusted = holm([segments[name].p_value for name in names])
    worse = [
        name
        for name, p_value in zip(names, adjusted, strict=True)
        if p_value <= alpha and segments[name].difference < 0
    ]
    if not worse:
        return Outcome(guardrail, "holds", f"{primary}: no segment is significantly worse")
    first = segments[worse[0]]
    said = ", ".join(worse)
    text = f"{primary} is significantly worse in {said} (difference {first.difference:.4f})"
    return Outcome(guardrail, "breached", text)


def parse_guardrails(guardrails: Iterable[str | Guardrail]) -> tuple[Guardrail, ...]:
    """Read guardrails, with the one on violations always first.

    Raises:
        ValueError: Not a list, no guardrail, or a limit on violations other than 0.
    """
    if isinstance(guardrails, str) or not isinstance(guardrails, Iterable):
        raise ValueError(f"guardrails={guardrails!r}: must be a list")
    asked = [g if isinstance(g, Guardrail) else Guardrail.parse(g) for g in guardrails]
    others = []
    for guardrail in asked:
        if guardrail.metric == SAFETY.metric and guardrail.field is None:
            if guardrail.limit not in (None, 0.0) or guardrail.relation == ">=":
                raise ValueError(f"guardrail {guardrail.text!r}: the limit on violations is 0")
        else:
            others.append(guardrail)
    return (SAFETY, *dict.fromkeys(others))


def _metric(text: str) -> tuple[str, None, None, bool, str | None]:
    found = _GAP.fullmatch(text.strip())
    if found is None:
        return text.strip(), None, None, False, None
    return found["metric"], None, None, False, found["field"]
