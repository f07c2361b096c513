"""Moments as they are written, on one axis of microseconds: values, text and Arrow columns."""

import re
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.calendar import DAY, EARLIEST, LATEST
from suitably.errors import DataError

__all__ = ["ISO_8601", "Instant", "Instants", "as_instant", "as_instants", "present_moment"]
__all__ += ["read_moment", "read_ticks"]

Instant = np.datetime64
Instants = NDArray[np.datetime64]
ISO_8601 = r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?"
_TICKS = {"s": 1_000_000, "ms": 1_000, "us": 1}


def read_moment(moment: Any, name: str) -> tuple[pd.Timestamp, bool]:
    """Read a date, datetime, timestamp or ISO 8601 text, and say whether it is a bare date.

    Raises:
        DataError: It is none of these, missing, finer than a microsecond or beyond the calendar.
    """
    bare = (isinstance(moment, date) and not isinstance(moment, datetime)) or (
        isinstance(moment, np.datetime64) and np.datetime_data(moment)[0] in "YMWD"
    )
    read = moment
    if isinstance(moment, str):
        bare = len(moment) == 10
        if not re.fullmatch(ISO_8601, moment, re.ASCII):
            raise DataError(
                f"{name}={moment[:60]!r}: is not a date or time as ISO 8601 writes it, such as "
                f"2024-06-01 or 2024-06-01T09:30:00+02:00"
            )
        if len(fraction := re.sub(r".*\.(\d+).*|.*", r"\1", moment)) > 6 and int(fraction[6:]):
            raise DataError(f"{name}={moment!r}: is finer than a microsecond")
        try:
            read = datetime.fromisoformat(moment)
        except ValueError as error:
            raise DataError(f"{name}={moment!r}: is not a date or time: {error}") from None
    if not isinstance(read, date | np.datetime64):
        raise DataError(
            f"{name}={moment!r:.60}: is not a date or time: give a date, a datetime, a timestamp "
            f"or ISO 8601 text"
        )
    try:
        stamp = pd.Timestamp(read)
    except (ValueError, OverflowError) as error:
        raise DataError(f"{name}={moment!s}: {error}") from None
    if pd.isna(stamp):
        raise DataError(f"{name}: is missing")
    if stamp.nanosecond or (isinstance(read, np.datetime64) and stamp.to_datetime64() != read):
        raise DataError(f"{name}={moment!s}: is finer than a microsecond")
    if not EARLIEST <= int(as_instant(stamp).astype(np.int64)) <= LATEST:
        raise DataError(f"{name}={moment!s}: lies outside the years 1 to 9999")
    return stamp, bare


def as_instant(stamp: pd.Timestamp) -> Instant:
    """Return a timestamp without its time zone: in UTC where it has one."""
    instant: Instant = stamp.to_datetime64().astype("datetime64[us]")
    return instant


def read_ticks(
    array: pa.Array,
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Read dates or timestamps as microseconds.

    Returns:
        The microseconds, read-only where they are the column's own; which of them are within the
        years 1 to 9999, false where null; and which moments are finer than a microsecond.
    """
    kind = array.type
    known = ~array.is_null().to_numpy(zero_copy_only=False)
    finer = np.zeros(len(array), bool)
    width = pa.int32() if pa.types.is_date32(kind) else pa.int64()
    whole = array.view(width)
    if array.null_count:
        whole = whole.fill_null(0)  # which copies also what has none
    ticks = whole.to_numpy(zero_copy_only=False).astype(np.int64, copy=False)
    if getattr(kind, "unit", "ms") == "ns" and not pa.types.is_date(kind):
        micros = ticks // 1_000
        finer = known & (micros * 1_000 != ticks)
        return micros, known, finer
    per_tick = DAY if pa.types.is_date32(kind) else _TICKS[getattr(kind, "unit", "ms")]
    inside = known & (ticks >= EARLIEST // per_tick) & (ticks <= LATEST // per_tick)
    if not inside.all():
        ticks = np.where(inside, ticks, 0)
    return ticks if per_tick == 1 else ticks * per_tick, inside, finer


def as_instants(micros: NDArray[np.int64], inside: NDArray[np.bool_]) -> Instants:
    """Return microseconds as moments, NaT where they are outside."""
    out: Instants = micros.view("datetime64[us]")
    return out if inside.all() else np.where(inside, out, np.datetime64("NaT", "us"))


def present_moment(now: Any = None) -> Instant:
    """Return the moment after which rows lie in the future; default: the present."""
    if now is not None:
        return as_instant(read_moment(now, "now")[0])
    # Naive data may be written in any zone, up to 14 hours ahead of UTC.
    return np.datetime64(datetime.now(UTC).replace(tzinfo=None)) + np.timedelta64(14, "h")
