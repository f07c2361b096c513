"""Wall-clock time in a zone and back, for whole columns of microseconds."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from suitably.errors import DataError

__all__ = ["find_zone", "instants_of", "names_zone", "walls_of"]

Micros = NDArray[np.int64]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400
_SECOND = 1_000_000
_YEARS = (1, 9999)
_SPAN = 400
# A zone's offset is asked no nearer to the ends of the calendar, where its dates would leave it.
_FIRST, _LAST = -62_135_424_000, 253_402_128_000


class _Offsets(NamedTuple):
    """A zone's offsets from UTC as steps.

    Attributes:
        starts: From which instant each holds, ascending.
        offsets: What is to be added to an instant for the time on the wall.
        reached: The latest time that the wall has shown when a step ends.
    """

    starts: Micros
    offsets: Micros
    reached: Micros


def find_zone(name: str) -> Any:
    """Return a time zone by its name or its offset, such as `+02:00`.

    Raises:
        DataError: There is none.
    """
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        pass
    try:
        zone = datetime.fromisoformat(f"2000-01-01T00:00:00{name}").tzinfo
    except ValueError:
        zone = None
    if zone is None:
        raise DataError(f"time zone {name!r}: does not exist")
    return zone


def names_zone(name: str) -> bool:
    """Return whether a time zone is named; an offset says only which instants are meant."""
    return not name.startswith(("+", "-"))


def walls_of(instants: Micros, zone: str) -> Micros:
    """Return what the clocks of a zone show at instants."""
    if zone == "UTC" or not instants.size:
        return instants
    table = _table(zone, instants)
    walls: Micros = instants + table.offsets[_step(table.starts[1:], instants)]
    return walls


def instants_of(walls: Micros, zone: str) -> Micros:
    """Return the first instant at which the clocks of a zone show a time, or a later one.

    A time that is repeated is the first of the two; one that is skipped is the end of the gap.
    """
    if zone == "UTC" or not walls.size:
        return walls
    table = _table(zone, walls)
    step = _step(table.reached[:-1], walls)
    instants: Micros = np.maximum(table.starts[step], walls - table.offsets[step])
    return instants


def _step(bounds: Micros, values: Micros) -> NDArray[np.intp]:
    return np.searchsorted(bounds, values, side="right")


def _table(zone: str, micros: Micros) -> _Offsets:
    """Return the steps of the years in which values lie, and of the years beside these."""
    ends = micros.ravel() if micros.size == 1 else np.array([micros.min(), micros.max()])
    first, *_, last = _years(ends).tolist() * 2
    if last - first <= _SPAN:
        return _steps(zone, tuple(range(first - 1, last + 2)))
    found = {int(year) + near for year in np.unique(_years(micros)) for near in (-1, 0, 1)}
    return _steps(zone, tuple(sorted(found)))


def _years(micros: Micros) -> NDArray[np.int64]:
    years: NDArray[np.int64] = micros.astype("datetime64[us]").astype("datetime64[Y]").view("i8")
    return years + 1970


@lru_cache(maxsize=256)
def _steps(zone: str, years: tuple[int, ...]) -> _Offsets:
    inside = [year for year in years if _YEARS[0] <= year <= _YEARS[1]] or [_YEARS[0]]
    steps = [step for year in inside for step in _steps_of_year(zone, year)]
    starts = np.array([start for start, _ in steps], np.int64) * _SECOND
    offsets = np.array([offset for _, offset in steps], np.int64) * _SECOND
    starts[0] = np.iinfo(np.int64).min // 2
    ends = np.append(starts[1:], np.iinfo(np.int64).max // 2)
    return _Offsets(starts, offsets, np.maximum.accumulate(ends + offsets))


@lru_cache(maxsize=8192)
def _steps_of_year(zone: str, year: int) -> tuple[tuple[int, int], ...]:
    """Find a year's changes by asking for every day, then by halving: seconds, (start, offset)."""
    offset = _asked(find_zone(zone))
    start, end = (
        int(np.datetime64(one - 1970, "Y").astype("datetime64[s]").astype(np.int64))
        for one in (year, year + 1)
    )
    found = [(start, offset(start))]
    for before, after in pairwise(range(start, end + 1, _DAY)):
        then = offset(after)
        if then == found[-1][1]:
            continue
        low, high = before, after
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle) == found[-1][1] else (low, middle)
        found.append((high, then))
    return tuple(found)


def _asked(zone: Any) -> Any:
    def offset(seconds: int) -> int:
        inside = min(max(seconds, _FIRST), _LAST)
        moment = (_EPOCH + timedelta(seconds=inside)).astimezone(zone)
        return int(moment.utcoffset().total_seconds())  # type: ignore[union-attr]

    return offset
