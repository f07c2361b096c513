"""Alarms: which series has changed, since when, from what to what, and what to look at."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from suitably.suitability.messages import LANGUAGES
from suitably.suitability.messages.alarms import explain_alarm, look_at
from suitably.utils.record import Record

__all__ = ["Alarm"]


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
        return look_at(self.series, "en")

    @property
    def text(self) -> str:
        """The alarm in a sentence or two.

        Example:
            >>> print(Alarm("exclusion:risk-level", "above", date(2026, 3, 4), date(2026, 3, 5),
            ...     0.25, 0.41, 0.22, 0.28, 20_000, False, ()).text.partition(". Look")[0])
            exclusion:risk-level: 25.0 % before, 41.0 % since 2026-03-04 (20,000 users; 22.0 % to
            28.0 % is no change)
        """
        return self.texts["en"]

    @property
    def texts(self) -> Mapping[str, str]:
        """The same in every language, by its code, such as `"zh"`."""
        return {
            language: explain_alarm(
                self.series,
                self.before,
                self.now,
                self.since,
                self.users,
                (self.low, self.high),
                self.over,
                self.changes,
                language,
            )
            for language in LANGUAGES
        }
