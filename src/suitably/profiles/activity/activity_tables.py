"""Tables of activity: events as sums by user, moment and what a column or kind says of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data import Clock
from suitably.data.clock import Instant, Instants
from suitably.data.events import Events
from suitably.data.values import as_text
from suitably.profiles.activity.stages import stage_codes
from suitably.profiles.activity.tallies import occurrences
from suitably.profiles.grouped_sums import GroupedSums, coded

__all__ = ["dayparts", "mentions", "moments", "newer", "said", "steps", "visits"]

_DAYPARTS = np.array(["afternoon", "evening", "morning", "night"])
_BY_QUARTER = np.array([3, 2, 0, 1], np.int32)  # positions in the former, from midnight on


def visits(events: Events, count: int, page: str | None) -> GroupedSums:
    """Return events by user, moment and page, −1 without one; none without a moment."""
    events, times = _dated(events)
    pages, words = coded(pa.nulls(len(events))) if page is None else said(events, page)
    keys = {"users": events.users, "times": times, "word": pages}
    return GroupedSums.of(count, keys, _ones(events), {"word": words})


def dayparts(events: Events, count: int, clock: Clock) -> GroupedSums:
    """Return events by user, part of the day by the data's clock, and moment."""
    events, times = _dated(events)
    hours = clock.walls(times).astype("datetime64[h]").astype(np.int64)
    return occurrences(count, events.users, _BY_QUARTER[hours % 24 // 6], times, _DAYPARTS)


def mentions(events: Events, count: int, column: str) -> GroupedSums:
    """Return events by user, what a column says, and moment; those of which it says something."""
    codes, words = said(events, column)
    return occurrences(count, events.users, codes, events.times, words)


def moments(events: Events, count: int, kinds: Sequence[str]) -> GroupedSums:
    """Return the events of some kinds by user and moment."""
    events, times = _dated(events.take(events.among(kinds)))
    return GroupedSums.of(count, {"users": events.users, "times": times}, _ones(events))


def steps(events: Events, count: int, stages: Mapping[str, Sequence[str]]) -> GroupedSums:
    """Return the events of a funnel by user, stage and moment."""
    events, times = _dated(events.take(stage_codes(events, stages) >= 0))
    codes = stage_codes(events, stages)
    keys: dict[str, NDArray[Any]] = {"users": events.users, "stage": codes, "times": times}
    return GroupedSums.of(count, keys, _ones(events))


def newer(events: Events, since: Instant) -> Events:
    """Return the events at or after a moment."""
    return events if events.times is None else events.take(events.times >= since)


def said(events: Events, column: str) -> tuple[NDArray[np.int32], NDArray[np.str_]]:
    """Return what a column of the log says of each event, as `coded` does.

    Raises:
        DataError: There is no such column, or it holds neither text nor whole numbers.
    """
    return coded(as_text(events.column(column), f"interactions.{column}"))


def _dated(events: Events) -> tuple[Events, Instants]:
    """Return the events that have a moment, and their moments: all or none."""
    if events.times is None:
        return events.take(np.zeros(len(events), bool)), np.zeros(0, "datetime64[us]")
    return events, events.times


def _ones(events: Events) -> dict[str, NDArray[np.int64]]:
    return {"events": np.ones(len(events), np.int64)}
