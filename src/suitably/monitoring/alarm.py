"""Alarms: which series has changed, since when, from what to what, and what to look at."""

from dataclasses import dataclass
from datetime import date

from suitably.utils.record import Record

__all__ = ["Alarm"]

_LOOK = {
    "exclusion": "the rule, its policy's version, and the users' and products' fields it reads: "
    "pipeline.eligibility().counts(), why_not of a user it keeps out",
    "abstention": "recs.abstentions(): which reason shortens lists",
    "empty": "recs.abstentions(): which reason leaves users without any product",
    "unknown-user": "whether the model is older than the customer base: update or fit it",
    "stood-in": "whether interactions still arrive: the ranker knows nothing of these users",
    "opted-out": "the register of consent",
    "unfiltered-violation": "the ranker: it wants more, or less, of what rules bar",
    "score": "the ranker and what it was fitted on: its scores have moved",
    "field": "where the field comes from: the feed, the builder, or the customers themselves",
    "stale": "the questionnaires that have run out, and whether reminders are sent",
    "missing": "the feed of the field",
    "event": "what was offered to those who rejected or complained",
}


@dataclass(frozen=True)
class Alarm(Record):
    """A change that chance does not explain.

    Attributes:
        series: What has changed.
        direction: `"above"` or `"below"` what was.
        since: The most likely first day.
        raised: The day on which it was certain enough.
        before: The mean in the baseline.
        now: The mean since the change.
        low: The least mean that would be no change.
        high: The greatest.
        users: How many users the mean since rests on.
        over: Whether the latest day is back within these.
        changes: What else was new then: versions of policies, another catalogue.
    """

    series: str
    direction: str
    since: date
    raised: date
    before: float
    now: float
    low: float
    high: float
    users: int
    over: bool
    changes: tuple[str, ...]

    @property
    def look_at(self) -> str:
        """Where the cause may be."""
        return _LOOK.get(self.series.partition(":")[0], "what has changed on that day")

    @property
    def text(self) -> str:
        """The alarm in a sentence or two.

        Example:
            >>> print(Alarm("exclusion:risk-level", "above", date(2026, 3, 4), date(2026, 3, 5),
            ...     0.25, 0.41, 0.22, 0.28, 20_000, False, ()).text.partition(". Look")[0])
            exclusion:risk-level: 25.0 % before, 41.0 % since 2026-03-04 (20,000 users; 22.0 % to
            28.0 % is no change)
        """
        ended = "; the latest day is back within that" if self.over else ""
        told = (
            f"{self.series}: {_percent(self.before)} before, {_percent(self.now)} since "
            f"{self.since} ({self.users:,} users; {_percent(self.low)} to {_percent(self.high)} "
            f"is no change{ended})"
        )
        if self.changes:
            return f"{told}. New then: {'; '.join(self.changes)}. Look at this first, then at "\
                f"{self.look_at}."  # fmt: skip
        return f"{told}. Look at {self.look_at}."


def _percent(share: float) -> str:
    return f"{100 * share:.{1 if abs(share) >= 0.01 or not share else 3}f} %"
