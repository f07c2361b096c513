"""Time: one axis of microseconds, and the calendar in which the data's days begin and end."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.calendar import DAY, EARLIEST, LATEST, add_months
from suitably.data.time_zones import find_zone, instants_of, names_zone, walls_of
from suitably.errors import DataError

__all__ = ["ISO_8601", "MICROSECOND", "UNNAMED", "Clock", "Instant", "Instants"]
__all__ += ["elapsed_days", "months_later", "present_moment", "read_ticks"]

Instant = np.datetime64
Instants = NDArray[np.datetime64]
MICROSECOND = np.timedelta64(1, "us")
ISO_8601 = r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?"
UNNAMED = "+00:00"  # the time zone of Arrow columns of which only the instants are known
_TICKS = {"s": 1_000_000, "ms": 1_000, "us": 1}
_NOWHERE = np.datetime64("NaT", "us")


@dataclass(frozen=True)
class Clock:
    """A convention: naive moments, or instants and a time zone whose calendar is asked.

    Inside, a moment is a `datetime64[us]`: as written where the data is naive, in UTC where it is
    aware. Order, differences and windows are those of instants; ages, months and the midnight of a
    bare date are those of the zone.

    Attributes:
        zone: Name of the time zone, None for naive data.
        stated: Whether the zone is the data's own. Where timestamps have only offsets, or the zone
            of a database's session, they are shown in `zone`, but its calendar is nobody's.

    Example:
        >>> Clock("Asia/Shanghai").instant("2024-03-01")
        np.datetime64('2024-02-29T16:00:00.000000')
    """

    zone: str | None = None
    stated: bool = True

    def __post_init__(self) -> None:
        """Refuse a time zone that does not exist."""
        if self.zone is not None:
            find_zone(self.zone)

    @classmethod
    def of_columns(cls, zones: Mapping[str, str | None], time_zone: str | None = None) -> "Clock":
        """Return the convention of columns of moments.

        Args:
            zones: The time zone of each column, None for a naive one.
            time_zone: The one whose calendar is asked; None: the one that the columns name.

        Raises:
            DataError: Some are aware and some are naive, or the time zone is none.
        """
        aware = {column: zone for column, zone in zones.items() if zone is not None}
        naive = sorted(set(zones) - set(aware))
        if aware and naive:
            raise DataError(f"timestamps: {sorted(aware)} have a time zone, {naive} have none")
        if time_zone is not None:
            _check_name(time_zone)
            if naive:
                raise DataError(
                    f"time_zone={time_zone!r}: {naive} have no time zone, so they are their own "
                    f"calendar: leave time_zone out, or give instants"
                )
            return cls(time_zone)
        if not aware:
            return cls()
        named = {zone for zone in aware.values() if names_zone(zone)}
        if len(named) == 1:
            return cls(named.pop())
        shown = set(aware.values()) - {UNNAMED}
        return cls(shown.pop() if len(shown) == 1 else "UTC", stated=False)

    @classmethod
    def of_moment(cls, moment: Any, name: str = "as_of") -> "Clock | None":
        """Return the convention of a moment alone; None for a bare date, which has none.

        Raises:
            DataError: Not a moment.
        """
        stamp, bare = _stamp(moment, name)
        return None if bare else cls(None if stamp.tzinfo is None else _zone_of(stamp))

    @property
    def asks(self) -> str | None:
        """What to say where a calendar is asked but none is known; None where one is."""
        if self.zone is None or self.stated:
            return None
        return (
            "the timestamps name no single time zone whose calendar that would be: state one, as "
            'in Dataset(time_zone="Europe/Berlin")'
        )

    def instant(self, moment: Any, name: str = "as_of") -> Instant:
        """Read a moment; a bare date is the first instant of that day in this convention.

        Args:
            moment: A date, datetime, timestamp or ISO 8601 text.
            name: What the moment is, for the message.

        Raises:
            DataError: Not a moment, its time-zone awareness differs from the data's, or a bare date
                where the data names no time zone.
        """
        stamp, bare = _stamp(moment, name)
        if bare:
            if self.asks:
                raise DataError(
                    f"{name}={moment!s}: is a bare date, and {self.asks}, or give a time with its "
                    f"offset"
                )
            walls = np.array([_instant(stamp)])
            return self.from_walls(walls)[0]  # type: ignore[no-any-return]
        if (stamp.tzinfo is None) != (self.zone is None):
            data, asked = ("naive", "aware") if self.zone is None else ("aware", "naive")
            wanted = "a time without a zone" if self.zone is None else "a time with its zone"
            raise DataError(
                f"{name}={moment!s}: is time-zone {asked}, but the data is {data}: give {wanted}, "
                f"or a bare date"
            )
        return _instant(stamp)

    def wall(self, instant: Instant) -> Instant:
        """Return what the clocks of the zone show at an instant."""
        return self.walls(np.array([instant], "datetime64[us]"))[0]  # type: ignore[no-any-return]

    def walls(self, instants: Instants) -> Instants:
        """Return what the clocks of the zone show at instants; NaT stays NaT."""
        return _mapped(instants, walls_of, self.zone)

    def from_walls(self, walls: Instants) -> Instants:
        """Return the first instants at which the clocks of the zone show these times.

        A time that is skipped is the first instant after the gap; NaT stays NaT.
        """
        return _mapped(walls, instants_of, self.zone)

    def moments(self, array: pa.Array, name: str) -> Instants:
        """Read an Arrow column of dates or timestamps; a bare date is the first of its instants.

        Returns:
            Instants, NaT where null or outside the years 1 to 9999.

        Raises:
            DataError: A moment finer than a microsecond.
        """
        instants = _read(array, name)
        return self.from_walls(instants) if pa.types.is_date(array.type) else instants

    def days(self, array: pa.Array, name: str) -> Instants:
        """Read an Arrow column as the days that its own time zone says: times on the wall.

        A column of instants without a named zone has the days of this convention.
        """
        instants = _read(array, name)
        zone = getattr(array.type, "tz", None)
        return _mapped(instants, walls_of, self.zone if zone == UNNAMED else zone)

    def stamp(self, instant: Instant) -> pd.Timestamp:
        """Return an instant as a timestamp in this convention, as `instant` reads it."""
        stamp = pd.Timestamp(instant)
        return stamp if self.zone is None else stamp.tz_localize("UTC").tz_convert(self._tz)

    @property
    def _tz(self) -> Any:
        return None if self.zone is None else find_zone(self.zone)

    @staticmethod
    def instants(array: pa.Array) -> Instants:
        """Return a column that was read as microseconds before, NaT where null."""
        return _dated(*read_ticks(array)[:2])


def read_ticks(
    array: pa.Array,
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Read dates or timestamps as microseconds.

    Returns:
        The microseconds; which of them are within the years 1 to 9999, false where null; and which
        moments are finer than a microsecond.
    """
    kind = array.type
    known = ~array.is_null().to_numpy(zero_copy_only=False)
    finer = np.zeros(len(array), bool)
    width = pa.int32() if pa.types.is_date32(kind) else pa.int64()
    ticks = array.view(width).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    if getattr(kind, "unit", "ms") == "ns" and not pa.types.is_date(kind):
        micros = ticks // 1_000
        finer = known & (micros * 1_000 != ticks)
        return micros, known, finer
    per_tick = DAY if pa.types.is_date32(kind) else _TICKS[getattr(kind, "unit", "ms")]
    inside = known & (ticks >= EARLIEST // per_tick) & (ticks <= LATEST // per_tick)
    return np.where(inside, ticks, 0) * per_tick, inside, finer


def _read(array: pa.Array, name: str) -> Instants:
    micros, inside, finer = read_ticks(array)
    if finer.any():
        raise DataError(
            f"{name}: {int(finer.sum())} of {len(array)} moments are finer than a microsecond, "
            f"which would be cut: round them first"
        )
    return _dated(micros, inside)


def _dated(micros: NDArray[np.int64], inside: NDArray[np.bool_]) -> Instants:
    out: Instants = micros.astype("datetime64[us]")
    out[~inside] = _NOWHERE
    return out


def _mapped(moments: Instants, function: Any, zone: str | None) -> Instants:
    if zone is None or zone == "UTC":
        return moments
    known = ~np.isnat(moments)
    out = moments.copy()
    out[known] = function(moments[known].astype(np.int64), zone).astype("datetime64[us]")
    return out


def _check_name(time_zone: Any) -> None:
    if not isinstance(time_zone, str) or not names_zone(time_zone):
        raise DataError(
            f"time_zone={time_zone!r}: must be the name of a time zone, such as "
            f'"Europe/Berlin" or "Etc/GMT-8", which is eight hours ahead of UTC'
        )


def _zone_of(stamp: pd.Timestamp) -> str:
    try:
        return str(pa.lib.tzinfo_to_string(stamp.tzinfo))
    except (ValueError, TypeError):
        return stamp.isoformat()[-6:]  # a zone of another make: its offset at the moment


def _stamp(moment: Any, name: str) -> tuple[pd.Timestamp, bool]:
    bare = (isinstance(moment, date) and not isinstance(moment, datetime)) or (
        isinstance(moment, np.datetime64) and np.datetime_data(moment)[0] in "YMWD"
    )
    read = moment
    if isinstance(moment, str):
        bare = len(moment) == 10
        if not re.fullmatch(ISO_8601, moment):
            raise DataError(
                f"{name}={moment[:60]!r}: is not a date or time as ISO 8601 writes it, such as "
                f"2024-06-01 or 2024-06-01T09:30:00+02:00"
            )
        if len(fraction := re.sub(r".*\.(\d+).*|.*", r"\1", moment)) > 6 and int(fraction[6:]):
            raise DataError(f"{name}={moment!r}: is finer than a microsecond")
        try:
            read = datetime.fromisoformat(moment)
        except ValueError as error:
            raise DataError(f"{name}={moment!r}: {error}") from None
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
    if not EARLIEST <= int(_instant(stamp).astype(np.int64)) <= LATEST:
        raise DataError(f"{name}={moment!s}: lies outside the years 1 to 9999")
    return stamp, bare


def _instant(stamp: pd.Timestamp) -> Instant:
    instant: Instant = stamp.to_datetime64().astype("datetime64[us]")  # in UTC where it is aware
    return instant


def elapsed_days(since: Instants, as_of: Instant) -> NDArray[np.float64]:
    """Return days of 24 hours up to a moment, in whole milliseconds, NaN where NaT.

    What lies just after a midnight is thus whole days after another, as dates are.

    Example:
        >>> just_after = np.datetime64("2024-06-29") + MICROSECOND
        >>> elapsed_days(np.array(["2024-01-01"], "datetime64[us]"), just_after)
        array([180.])
    """
    micros = np.asarray(as_of - since)
    days: NDArray[np.float64] = (micros.astype(np.int64) // 1_000) / (DAY // 1_000)
    days[np.isnat(micros)] = np.nan
    return days


def months_later(instants: Instants, months: NDArray[np.int64] | int, clock: Clock) -> Instants:
    """Add months in a calendar, NaT beyond the years 1 to 9999; arrays broadcast, NaT stays NaT.

    No months at all are the same instant, also in an hour that is repeated.
    """
    moved = add_months(clock.walls(instants), months)
    inside = (moved.astype(np.int64) >= EARLIEST) & (moved.astype(np.int64) <= LATEST)
    later: Instants = clock.from_walls(np.where(inside, moved, _NOWHERE))
    return later if clock.zone is None else np.where(np.equal(months, 0), instants, later)


def present_moment(now: Any = None) -> Instant:
    """Return the moment after which rows lie in the future; default: the present."""
    if now is not None:
        return _instant(_stamp(now, "now")[0])
    # Naive data may be written in any zone, up to 14 hours ahead of UTC.
    return np.datetime64(datetime.now(UTC).replace(tzinfo=None)) + np.timedelta64(14, "h")
