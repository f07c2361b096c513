"""Fields of activity, each from the table of sums by user and moment that it is seen in."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from suitably.data import Clock
from suitably.data.clock import Instants
from suitably.profiles.activity.sessions import session_starts, walk
from suitably.profiles.activity.stages import reached
from suitably.profiles.activity.tallies import commonest, commonest_word, occurrences
from suitably.profiles.grouped_sums import GroupedSums
from suitably.profiles.trades import local_days

__all__ = [
    "active_days",
    "count_field",
    "furthest_stages",
    "moment_field",
    "path_fields",
    "session_counts",
]


def session_counts(visits: GroupedSums, gap: np.timedelta64, timeless: bool) -> pa.Array:
    """Return how many sessions each user had; null in data without timestamps."""
    begun = session_starts(visits.users, visits.keys["times"], gap)
    return count_field(np.bincount(visits.users[begun], minlength=len(visits)), timeless)


def active_days(visits: GroupedSums, clock: Clock, timeless: bool) -> pa.Array:
    """Return on how many days of the data's calendar each user came."""
    days = local_days(visits.keys["times"], clock, "active_days_30d")
    keys: dict[str, NDArray[Any]] = {"users": visits.users, "day": days.astype(np.int64)}
    distinct = GroupedSums.of(len(visits), keys, visits.sums)
    return count_field(np.bincount(distinct.users, minlength=len(visits)), timeless)


def count_field(found: NDArray[np.int64], timeless: bool) -> pa.Array:
    """Return a number per user, or null for all in data without timestamps."""
    return pa.array(found.astype(np.int64), mask=np.full(len(found), timeless))


def moment_field(latest: GroupedSums, clock: Clock) -> pa.Array:
    """Return the moment that is kept of each user, null without one."""
    moments = np.full(len(latest), np.datetime64("NaT", "us"), "datetime64[us]")
    moments[latest.users] = latest.keys["times"]
    return _timestamps(moments, clock)


def path_fields(visits: GroupedSums, gap: np.timedelta64) -> dict[str, pa.Array]:
    """Return the commonest first and last page of each user's sessions, and the commonest step."""
    count, words = len(visits), visits.words["word"]
    paths = walk(visits.users, visits.keys["times"], visits.keys["word"], gap)
    ends = {"entry_page": (paths.entry, paths.entered), "exit_page": (paths.exit, paths.left)}
    fields = {
        name: commonest_word(occurrences(count, paths.users, *end, words).latest("times"))
        for name, end in ends.items()
    }
    ones = np.ones(len(paths.movers), np.int64)
    keys: dict[str, NDArray[Any]] = {"users": paths.movers, "origin": paths.origin}
    keys |= {"target": paths.target, "times": paths.moved}
    steps = GroupedSums.of(count, keys, {"events": ones}).latest("times")
    rows = commonest(steps)
    none = rows < 0
    texts = [
        pa.array(words.tolist(), pa.string()).take(
            pa.array(np.append(steps.keys[end], 0)[rows], mask=none)
        )
        for end in ("origin", "target")
    ]
    return fields | {"page_transition": pc.binary_join_element_wise(*texts, " > ")}


def furthest_stages(
    steps: GroupedSums, names: tuple[str, ...], clock: Clock
) -> tuple[pa.Array, pa.Array]:
    """Return the furthest stage that each user reached, and when; null before the first."""
    stage, times = steps.keys["stage"], steps.keys["times"]
    moments: Instants = reached(steps.users, stage, times, len(steps), len(names))
    last = (~np.isnat(moments)).sum(axis=0) - 1
    stages = pa.array(names, pa.string()).take(pa.array(last, mask=last < 0))
    return stages, _timestamps(moments[last, np.arange(len(steps))], clock)


def _timestamps(moments: Instants, clock: Clock) -> pa.Array:
    return pa.array(moments, pa.timestamp("us", clock.zone))
