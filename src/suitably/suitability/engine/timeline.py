"""The clauses of policies at any moment: they change only at the dates of policies and rules."""

from bisect import bisect_right
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from suitably.data.clock import Clock, Instant, micros
from suitably.suitability.engine.binding import BoundPolicy
from suitably.suitability.engine.clauses import Clause, Condition, clauses_of, conditions_of
from suitably.suitability.language.document import PolicyDocument, Rule, in_force

__all__ = ["InForce", "Timeline"]


class InForce(NamedTuple):
    """What is in force at a moment.

    Attributes:
        clauses: In the order of a pair's verdicts.
        conditions: All of which an eligible pair meets.
    """

    clauses: tuple[Clause, ...]
    conditions: Sequence[Condition]


class Timeline:
    """Bound policies through time: each span between two dates is worked out once.

    Args:
        bound: The policies.
        clock: The convention of their dates.
    """

    def __init__(self, bound: Sequence[BoundPolicy], clock: Clock) -> None:
        self._bound, self._clock = bound, clock
        parts: list[tuple[PolicyDocument, Rule | None]] = []
        for policy in bound:
            parts.append((policy.policy, None))
            parts += [(policy.policy, rule.rule) for rule in policy.rules]
        self._dated = [(policy, rule) for policy, rule in parts if any(_dates(rule or policy))]
        self._borders: list[int] | None = None
        self._spans: dict[int | None, InForce] = {}

    def at(self, as_of: Instant | None) -> InForce:
        """Return what is in force at a moment; None: there is none.

        Raises:
            PolicyError: A bare date, whose midnight depends on a time zone, and none is stated.
            DataError: The dates and the moment differ in time-zone awareness.
        """
        span = self._span(as_of)
        found = self._spans.get(span)
        if found is None:
            clauses = clauses_of(self._bound, partial(in_force, as_of=as_of, clock=self._clock))
            found = self._spans[span] = InForce(clauses, conditions_of(clauses))
        return found

    def _span(self, as_of: Instant | None) -> int | None:
        moment = micros(as_of)
        if moment is None or not self._dated:
            return None if moment is None else 0
        if self._borders is None:
            for policy, rule in self._dated:
                in_force(policy, rule, as_of, self._clock)  # says what is wrong with its dates
            dates = (date for policy, rule in self._dated for date in _dates(rule or policy))
            known = (self._clock.instant(date) for date in dates if date is not None)
            self._borders = sorted(int(instant.astype("int64")) for instant in known)
        return bisect_right(self._borders, moment)


def _dates(part: PolicyDocument | Rule) -> tuple[Any, Any]:
    return part.effective, part.expires
