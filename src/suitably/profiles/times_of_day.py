"""Whether the events of a log have times of day, or bare dates alone."""

import numpy as np

from suitably.data import Clock, View
from suitably.data.clock import Instants
from suitably.utils.runs import run_starts

__all__ = ["has_times_of_day"]


def has_times_of_day(view: View) -> bool:
    """Return whether an event of the log, of whatever kind, is no midnight of the data's calendar.

    Where no calendar is known, midnights are nobody's. A log without events or timestamps has none.
    """
    times = view.events.times
    if times is None or not len(times):
        return False
    if view.clock.asks:
        return True
    distinct = times[run_starts(times)]
    # One of the first tells, where there are times of day; all have to where there are none.
    return any(_some_timed(part, view.clock) for part in np.split(distinct, [1_000]))


def _some_timed(times: Instants, clock: Clock) -> bool:
    dates = clock.walls(times).astype("datetime64[D]")
    return bool((clock.from_walls(dates.astype("datetime64[us]")) != times).any())
