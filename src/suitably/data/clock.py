"""Time: one axis of microseconds, and the caller's convention of time zones."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from suitably.errors import DataError

__all__ = ["MICROSECOND", "Clock", "Instant", "Instants", "present_moment"]

Instant = np.datetime64
Instants = NDArray[np.datetime64]
MICROSECOND = np.timedelta64(1, "us")


@dataclass(frozen=True)
class Clock:
    """A convention: naive moments, or moments in a time zone.

    Inside, a moment is a `datetime64[us]`: as written where the data is naive, in UTC where it is
    aware. Finer fractions are cut off, which can only hide an event, never reveal one.

    Attributes:
        zone: Name of the time zone, None for naive data.

    Example:
        >>> Clock("Asia/Shanghai").instant("2024-03-01")
        np.datetime64('2024-02-29T16:00:00.000000')
    """

    zone: str | None = None

    def __post_init__(self) -> None:
        """Refuse a time zone that does not exist."""
        if self.zone is not None:
            _zone(self.zone)

    @property
    def _tz(self) -> Any:
        return None if self.zone is None else _zone(self.zone)

    def instant(self, moment: Any, name: str = "as_of") -> Instant:
        """Read a moment; a bare date is midnight in this convention.

        Args:
            moment: A date, datetime, timestamp or ISO 8601 text.
            name: What the moment is, for the message.

        Raises:
            DataError: Not a moment, or its time-zone awareness differs from the data's.
        """
        stamp, bare = _stamp(moment, name)
        if bare:
            stamp = stamp.tz_localize(self._tz)
        if (stamp.tzinfo is None) != (self.zone is None):
            data, asked = ("naive", "aware") if self.zone is None else ("aware", "naive")
            raise DataError(f"{name}={moment!s}: is time-zone {asked}, but the data is {data}")
        if stamp.tzinfo is not None:
            stamp = stamp.tz_convert("UTC").tz_localize(None)
        return _instant(stamp)

    def wall(self, instant: Instant) -> Instant:
        """Return the local wall-clock time of an instant, for calendar arithmetic."""
        if self.zone is None:
            return instant
        return _instant(self.stamp(instant).tz_localize(None))

    def micros(self, instant: Instant | None) -> int | None:
        """Return the wall-clock time of an instant in microseconds, None for none."""
        return None if instant is None else int(self.wall(instant).astype(np.int64))

    def walls(self, array: pa.Array) -> Instants:
        """Return local wall-clock times of an Arrow column of dates or timestamps, else NaT."""
        if self.zone is None or pa.types.is_date(array.type) or array.type.tz is None:
            return _micros(array)
        stamps = pd.DatetimeIndex(_micros(array)).tz_localize("UTC").tz_convert(self._tz)
        local: Instants = stamps.tz_localize(None).to_numpy().astype("datetime64[us]")
        return local

    def stamp(self, instant: Instant) -> pd.Timestamp:
        """Return an instant as a timestamp in this convention, as `instant` reads it."""
        stamp = pd.Timestamp(instant)
        return stamp if self.zone is None else stamp.tz_localize("UTC").tz_convert(self._tz)

    @staticmethod
    def instants(array: pa.Array) -> Instants:
        """Read an Arrow column of dates or timestamps, NaT where null."""
        return _micros(array)


def _zone(name: str) -> Any:
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        pass
    try:  # an offset such as +02:00
        return datetime.fromisoformat(f"2000-01-01T00:00:00{name}").tzinfo
    except ValueError:
        raise DataError(f"time zone {name!r}: does not exist") from None


def _stamp(moment: Any, name: str) -> tuple[pd.Timestamp, bool]:
    bare = (isinstance(moment, date) and not isinstance(moment, datetime)) or (
        isinstance(moment, np.datetime64) and np.datetime_data(moment)[0] in "YMWD"
    )
    if isinstance(moment, str):
        text = moment.strip()
        bare = len(text) == 10
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise DataError(f"{name}={text!r}: is not an ISO 8601 date or time") from None
    if not isinstance(moment, date | np.datetime64):
        raise DataError(f"{name}={moment!r}: is not a date or time")
    try:
        stamp = pd.Timestamp(moment)
    except (ValueError, OverflowError) as error:
        raise DataError(f"{name}={moment!s}: {error}") from None
    if pd.isna(stamp):
        raise DataError(f"{name}: is missing")
    return stamp, bare


def _instant(stamp: pd.Timestamp) -> Instant:
    instant: Instant = stamp.to_datetime64().astype("datetime64[us]")  # rounds towards the past
    return instant


def _micros(array: pa.Array) -> Instants:
    """Read as microseconds, rounding towards the past."""
    if pa.types.is_date(array.type):
        array = array.cast(pa.timestamp("us"))
    per_unit = {"s": 1_000_000, "ms": 1_000, "us": 1, "ns": 1}[array.type.unit]
    ticks = array.view(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    ticks = ticks // 1_000 if array.type.unit == "ns" else ticks * per_unit
    out = ticks.astype("datetime64[us]")
    if array.null_count:
        out[array.is_null().to_numpy(zero_copy_only=False)] = np.datetime64("NaT", "us")
    instants: Instants = out
    return instants


def present_moment(now: Any = None) -> Instant:
    """Return the moment after which rows lie in the future; default: the present."""
    stamp = pd.Timestamp.now("UTC") if now is None else pd.Timestamp(now)
    if stamp.tzinfo is not None:
        stamp = stamp.tz_convert("UTC").tz_localize(None)
    # Naive data may be written in any zone, up to 14 hours ahead of UTC.
    slack = pd.Timedelta(hours=14) if now is None else pd.Timedelta(0)
    return Clock().instant(stamp + slack, "now")
