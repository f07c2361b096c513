"""Said days: on which day answers were given, which many calls say alike."""

from typing import Any

from suitably.model.state import Snapshot
from suitably.monitoring.days import day_said
from suitably.recommendations import Recommendations

__all__ = ["SaidDays"]


class SaidDays:
    """Days as numbers; what was said last is remembered. Many threads may ask at a time."""

    def __init__(self) -> None:
        self._said: tuple[Any, int] = (None, 0)
        self._dated: tuple[Snapshot | None, int] = (None, 0)

    def of(self, at: Any) -> int:
        """Return the number of a day that somebody says.

        Raises:
            DataError: It is none.
        """
        said, day = self._said
        if said is not at:
            day = day_said(at)
            self._said = at, day
        return day

    def of_answers(self, recs: Recommendations) -> int:
        """Return the number of the day that answers are as of; today's without one."""
        snapshot = recs.generator.snapshot
        if snapshot.as_of is None:
            return day_said(None)
        dated, day = self._dated
        if dated is not snapshot:
            day = day_said(recs.as_of)
            self._dated = snapshot, day
        return day
