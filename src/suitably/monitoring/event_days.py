"""Event days: how many users did something on each day, from a frame of events."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from suitably.data.columns import Columns
from suitably.data.frames import read_frame
from suitably.errors import DataError
from suitably.monitoring.days import day_number

__all__ = ["users_by_day"]


def users_by_day(
    events: Any, kinds: Sequence[str], columns: Columns | None, at: int | None
) -> dict[tuple[int, str], int]:
    """Return how many distinct users did each kind of thing, by day and kind.

    Args:
        events: The frame.
        kinds: Which kinds count.
        columns: How its columns are called; None: by their usual names.
        at: The day of all; None: by their timestamps.

    Raises:
        DataError: A column is missing, or no time.
    """
    called = columns or Columns()
    user, event = called.user, called.event or "event"
    table, _ = read_frame(events, "events")
    needed = [user, event, *[called.timestamp] * (at is None)]
    for name in needed:
        if name not in table.column_names:
            raise DataError(f"events: there is no column {name!r}, nor a day at=")
    frame = table.select(needed).to_pandas()
    frame = frame[frame[event].isin(list(kinds)) & frame[user].notna()]
    if at is None:
        try:
            times = pd.to_datetime(frame[called.timestamp])
        except (TypeError, ValueError) as error:
            raise DataError(f"events: {called.timestamp} holds what is no time: {error}") from None
        if times.isna().any():
            raise DataError(f"events: {int(times.isna().sum())} have no {called.timestamp}")
        days = [day_number(one) for one in times.dt.date] if len(times) else []
    else:
        days = [at] * len(frame)
    counted = frame.assign(day=days).groupby(["day", event], sort=True)[user].nunique()
    return {(int(day), str(kind)): int(users) for (day, kind), users in counted.items()}
