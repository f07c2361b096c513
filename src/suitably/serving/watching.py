"""Watching: a monitor that takes in what a service answers, and goes on with the next version."""

from datetime import date

from suitably.errors import SuitablyError
from suitably.monitoring.monitor import Monitor
from suitably.pipeline.pipeline import Pipeline
from suitably.recommendations import Recommendations
from suitably.serving.settings import WatchSettings
from suitably.utils.fork import ForkLock

__all__ = ["Watching"]


class Watching:
    """Keeps a monitor over all versions of a service.

    Args:
        settings: Whether and how.
    """

    def __init__(self, settings: WatchSettings) -> None:
        self._settings = settings
        self._lock = ForkLock()
        self._day = date.min
        self.monitor: Monitor | None = None

    def turn_to(self, pipeline: Pipeline) -> None:
        """Go on with another version, by what was seen of those before."""
        said = self._settings
        if not said.on:
            return
        with self._lock:
            if self.monitor is not None:
                self.monitor = Monitor.from_state(self.monitor.state(), pipeline)
            elif said.state is not None and said.state.exists():
                self.monitor = Monitor.load(said.state, pipeline)
            else:
                self.monitor = Monitor(
                    pipeline,
                    baseline_days=said.baseline_days,
                    alpha=said.alpha,
                    tolerance=said.tolerance,
                )

    def observe(self, recs: Recommendations) -> None:
        """Take in answers of today; where the clock has been set back, of the latest day seen."""
        if self.monitor is None:
            return
        with self._lock:
            self._day = max(self._day, date.today())
            self.monitor.observe(recs, at=self._day)

    def save(self) -> None:
        """Write what was seen, where the settings say.

        Raises:
            OSError: It cannot be written.
        """
        if self.monitor is not None and self._settings.state is not None:
            self.monitor.save(self._settings.state)

    def text(self) -> str:
        """Return its figures for Prometheus."""
        try:
            return "" if self.monitor is None else self.monitor.to_prometheus()
        except SuitablyError:
            return ""
