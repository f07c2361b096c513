"""Time: one axis of microseconds, and the calendar in which the data's days begin and end."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.calendar import DAY, EARLIEST, LATEST, add_months
from suitably.data.moments import (
    Instant,
    Instants,
    as_instant,
    as_instants,
    present_moment,
    read_moment,
    read_ticks,
)
from suitably.data.time_zones import find_zone, instants_of, names_zone, walls_of
from suitably.errors import DataError

__all__ = ["MICROSECOND", "UNNAMED", "Clock", "Instant", "Instants", "micros"]
__all__ += ["elapsed_days", "months_later", "present_moment"]

MICROSECOND = np.timedelta64(1, "us")
UNNAMED = "+00:00"  # the time zone of Arrow columns of which only the instants are known


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
        stamp, bare = read_moment(moment, name)
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
        stamp, bare = read_moment(moment, name)
        if bare:
            if self.asks:
                raise DataError(
                    f"{name}={moment!s}: is a bare date, and {self.asks}, or give a time with its "
                    f"offset"
                )
            walls = np.array([as_instant(stamp)])
            return self.from_walls(walls)[0]  # type: ignore[no-any-return]
        if (stamp.tzinfo is None) != (self.zone is None):
            data, asked = ("naive", "aware") if self.zone is None else ("aware", "naive")
            wanted = "a time without a zone" if self.zone is None else "a time with its zone"
            raise DataError(
                f"{name}={moment!s}: is time-zone {asked}, but the data is {data}: give {wanted}, "
                f"or a bare date"
            )
        return as_instant(stamp)

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
        return as_instants(*read_ticks(array)[:2])


def _read(array: pa.Array, name: str) -> Instants:
    micros, inside, finer = read_ticks(array)
    if finer.any():
        raise DataError(
            f"{name}: {int(finer.sum())} of {len(array)} moments are finer than a microsecond, "
            f"which would be cut: round them first"
        )
    return as_instants(micros, inside)


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


def months_later(
    instants: Instants, months: NDArray[np.int64] | int, clock: Clock, bare: bool = False
) -> Instants:
    """Add months in a calendar, NaT beyond the years 1 to 9999; arrays broadcast, NaT stays NaT.

    Where that time is repeated it is the first of the two. No months at all are the same instant,
    also in an hour that is repeated.

    Args:
        instants: From when.
        months: How many months, for all or for each.
        clock: Whose calendar is asked.
        bare: Whether they are the first instants of days: of one without a midnight it is 0:00 all
            the same that is moved.
    """
    walls = clock.walls(instants)
    if bare and clock.zone is not None:
        days = walls.astype("datetime64[D]").astype(walls.dtype)
        walls = np.where(clock.from_walls(days) == instants, days, walls)
    moved = add_months(walls, months)
    inside = (moved.astype(np.int64) >= EARLIEST) & (moved.astype(np.int64) <= LATEST)
    later: Instants = clock.from_walls(np.where(inside, moved, np.datetime64("NaT", "us")))
    return later if clock.zone is None else np.where(np.equal(months, 0), instants, later)


def micros(moment: Instant | None) -> int | None:
    """Return an instant as microseconds since 1970, None for none."""
    return None if moment is None else int(moment.astype(np.int64))
