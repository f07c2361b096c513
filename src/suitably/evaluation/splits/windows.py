"""The window after a cut: what was acquired in it that could be recommended as of the cut."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.clock import MICROSECOND, Instant
from suitably.data.dataset import Dataset
from suitably.data.frames import write_frame
from suitably.data.splits import Split
from suitably.data.view import View
from suitably.errors import DataError

__all__ = ["LAST", "Kept", "check_days", "cut_of", "window", "window_after"]

LAST = np.datetime64("9999-12-30", "us")
"""A day before the end, for zones ahead of UTC."""

Kept = Callable[[View, NDArray[np.int64], NDArray[np.int64]], NDArray[np.bool_]]
"""Which pairs are judged: what is known at the cut, and the pairs' users and products."""


def check_days(owner: object, name: str, least: int = 1) -> None:
    """Refuse a length that is no whole number of days, or is too short."""
    days = getattr(owner, name)
    if isinstance(days, bool) or not isinstance(days, int | np.integer) or days < least:
        what = "a positive integer" if least else "an integer of 0 or more"
        raise ValueError(f"{name}={days!r}: must be {what}")


def cut_of(data: Dataset, at: Any, name: str) -> Instant:
    """Return the instant of a cut, as `TimeSplit.at` may be given."""
    if data.events.times is None:
        raise DataError("the interactions have no timestamps, so they cannot be split by time")
    return data.clock.instant(at, name)


def window_after(
    data: Dataset, at: Any, gap_days: int, horizon_days: int, kept: Kept | None = None
) -> Split:
    """Return the split at a cut whose window begins so many days after it, and lasts so many."""
    cut = cut_of(data, at, "at")
    left = (LAST - cut) // np.timedelta64(1, "D")
    if gap_days + horizon_days > left:
        raise DataError(f"horizon_days={horizon_days}: ends after the year 9999; at most {left}")
    start = cut + np.timedelta64(int(gap_days), "D")
    return window(data, cut, start, start + np.timedelta64(int(horizon_days), "D"), kept)


def window(
    data: Dataset, cut: Instant, start: Instant, end: Instant, kept: Kept | None = None
) -> Split:
    """Return what was acquired in `[start, end)` and could be recommended as of the cut."""
    clock = data.clock
    at: pd.Timestamp = clock.stamp(cut)
    view = data.view(at)
    after = data.kinds.acquisitions(data.events.between(start, end))
    users, products = data.user_versions.ids, data.product_versions.ids
    found = after.matrix(len(users), len(products)).tocoo().coords
    rows, columns = (codes.astype(np.int64) for codes in found)
    # Without frames the view numbers only what it shows: positions are not the data's, and
    # what is not there yet (-1) can be neither barred nor off the catalogue.
    people = view.users.codes(users.values)[rows]
    shelf = view.products.codes(products.values)[columns]
    relevant = np.append(view.listed, True)[shelf]
    known = np.flatnonzero((people >= 0) & (shelf >= 0))
    relevant[known] &= ~_barred(view, people[known], shelf[known])
    if kept is not None:
        relevant &= kept(view, rows, columns)
    table = pa.table(
        {"user_id": users.decode(rows[relevant]), "product_id": products.decode(columns[relevant])}
    )
    note = _note(data, start, end)
    frame = write_frame(table, data.kind)
    stamps = clock.stamp(end), None if start == cut else clock.stamp(start)
    return Split(at, stamps[0], None, frame, start=stamps[1], note=note)


def _note(data: Dataset, start: Instant, end: Instant) -> str:
    """Return what is wrong with a window that the log does not cover."""
    assert data.events.times is not None
    if not len(data.events.times):
        return "There is no event at all."
    last = data.events.times.max()
    shown = data.clock.stamp(last)
    if start > last:
        return f"The window begins after the last event ({shown}): nothing is known of it."
    if end <= last + MICROSECOND:
        return ""
    return (
        f"The window ends at {data.clock.stamp(end)}, after the last event ({shown}): what was "
        f"acquired in the rest of it is not known."
    )


def _barred(view: View, users: NDArray[Any], products: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which pairs were owned at the cut, and cannot be acquired again."""
    owned = view.owned.tocoo()
    width = len(view.products)
    rows, columns = (codes.astype(np.int64) for codes in owned.coords)
    barred: NDArray[np.bool_] = np.isin(
        users.astype(np.int64) * width + products, rows * width + columns
    )
    barred &= ~view.products.repeatable[products]
    return barred
