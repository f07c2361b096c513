"""Guardrails: what a better primary metric must not be bought with."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from suitably.evaluation.statistics import Estimate
from suitably.evaluation.statistics.rounding import without_noise
from suitably.utils.record import Record

__all__ = ["SAFETY", "Guardrail", "Outcome", "parse_guardrails"]

_LIMIT = re.compile(r"(?P<metric>[^<>=]+?)\s*(?P<relation><=|>=)\s*(?P<limit>[^<>=\s]+)")


@dataclass(frozen=True, repr=False)
class Guardrail(Record):
    """A condition on the treatment beside the primary metric.

    With a limit, the treatment's mean must keep to it. Without one, the treatment must not be
    significantly worse than control: its interval must not lie wholly on the wrong side of zero.
    What cannot be computed does not hold.

    Attributes:
        metric: Name of the metric.
        relation: `">="` or `"<="`, None without a limit.
        limit: The limit, None without one.
        hard: A breach means "do not ship"; otherwise it only keeps from "ship".

    Raises:
        ValueError: A relation without a limit or the other way round, or a limit that is no finite
            number.

    Example:
        >>> Guardrail.parse("coverage>=0.9")
        Guardrail('coverage>=0.9')
    """

    metric: str
    relation: Literal["<=", ">="] | None = None
    limit: float | None = None
    hard: bool = False

    def __post_init__(self) -> None:
        """Refuse half a limit."""
        if (self.relation is None) != (self.limit is None):
            raise ValueError(f"guardrail on {self.metric!r}: give a relation and a limit, or none")
        if self.relation not in (None, "<=", ">="):
            raise ValueError(f"guardrail on {self.metric!r}: {self.relation!r} is not <= or >=")
        if self.limit is not None and not math.isfinite(self.limit):
            raise ValueError(f"guardrail on {self.metric!r}: the limit must be finite")

    @classmethod
    def parse(cls, text: str) -> "Guardrail":
        """Read a guardrail as callers write it: a metric, or a metric with a limit.

        Raises:
            ValueError: Neither.
        """
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f'guardrail {text!r}: must be text such as "coverage>=0.9"')
        if not set("<>=") & set(text):
            return cls(text.strip())
        found = _LIMIT.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"guardrail {text!r}: must be a metric, <= or >=, and a number")
        try:
            limit = float(found["limit"])
        except ValueError:
            raise ValueError(f"guardrail {text!r}: {found['limit']!r} is not a number") from None
        return cls(found["metric"], "<=" if found["relation"] == "<=" else ">=", limit)

    @property
    def text(self) -> str:
        """The condition as callers write it."""
        return self.metric if self.limit is None else f"{self.metric}{self.relation}{self.limit:g}"

    def check(self, result: Estimate, higher_is_better: bool) -> "Outcome":
        """Return whether the condition holds."""
        if self.limit is None:
            value = result.high if higher_is_better else result.low
            holds = value >= 0 if higher_is_better else value <= 0
            interval = f"difference {result.difference:.4f}, {result.low:.4f} to {result.high:.4f}"
            text = f"{self.text} not significantly worse ({interval})"
        else:
            value = result.treatment
            beyond = float(without_noise(self.limit, value, terms=max(1, result.n)))
            holds = beyond >= 0 if self.relation == ">=" else beyond <= 0
            text = f"{self.text} (treatment {result.treatment:.4f})"
        if math.isnan(value):
            return Outcome(self, "unknown", f"{self.text} cannot be computed")
        return Outcome(self, "holds" if holds else "breached", text)

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


def parse_guardrails(guardrails: Iterable[str | Guardrail]) -> tuple[Guardrail, ...]:
    """Read guardrails, with the one on violations always first.

    Raises:
        ValueError: Not a list, no guardrail, or a limit on violations other than 0.
    """
    if isinstance(guardrails, str) or not isinstance(guardrails, Iterable):
        raise ValueError(f"guardrails={guardrails!r}: must be a list")
    asked = [g if isinstance(g, Guardrail) else Guardrail.parse(g) for g in guardrails]
    for guardrail in asked:
        loosened = guardrail.limit not in (None, 0.0) or guardrail.relation == ">="
        if guardrail.metric == SAFETY.metric and loosened:
            raise ValueError(f"guardrail {guardrail.text!r}: the limit on violations is 0")
    return (SAFETY, *dict.fromkeys(g for g in asked if g.metric != SAFETY.metric))
