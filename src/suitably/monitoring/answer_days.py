"""Answer days: the day that answers are as of, which many calls have in common."""

from suitably.model.state import Snapshot
from suitably.monitoring.days import day_said
from suitably.pipeline.generate import ListGenerator

__all__ = ["AnswerDays"]


class AnswerDays:
    """Days as numbers; that of the last answers is remembered. Many threads may ask at a time."""

    def __init__(self) -> None:
        self._last: tuple[Snapshot | None, int] = (None, 0)

    def of(self, generator: ListGenerator) -> int:
        """Return the number of the day that answers are as of; today's without one.

        Args:
            generator: What drew them up.
        """
        snapshot = generator.snapshot
        if snapshot.as_of is None:
            return day_said(None)
        known, day = self._last
        if known is not snapshot:
            day = day_said(generator.state.clock.stamp(snapshot.as_of))
            self._last = snapshot, day
        return day
