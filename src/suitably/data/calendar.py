"""Calendar arithmetic on whole columns of wall-clock moments."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["DAY", "EARLIEST", "LATEST", "add_months", "completed_years"]

Instants = NDArray[np.datetime64]
Micros = NDArray[np.int64]
DAY = 86_400_000_000
_MANY = 10_000
EARLIEST = int(np.datetime64("0001-01-01", "us").astype(np.int64))
LATEST = int(np.datetime64("9999-12-31T23:59:59.999999", "us").astype(np.int64))


def add_months(stamps: Instants, months: Micros | int) -> Instants:
    """Add calendar months, clamped to the end of the month; arrays broadcast, NaT stays NaT.

    Example:
        >>> add_months(np.array(["2024-01-31T09:30"], "datetime64[us]"), 1)
        array(['2024-02-29T09:30:00.000000'], dtype='datetime64[us]')
    """
    days = _days(stamps)
    count = np.asarray(months, np.int64)
    moved: Instants
    if count.size == 1:
        moved = _per_day(days, lambda day: _month_later(day, count.ravel()[0]))
    else:
        moved = _month_later(days, count)
    moved = moved + (stamps - days)
    return moved


def _month_later(days: Instants, months: Micros | np.int64) -> Instants:
    first = days.astype("datetime64[M]")
    target = first + np.asarray(months).astype("timedelta64[M]")
    day_of_month = days - first.astype("datetime64[D]")
    start = target.astype("datetime64[D]")
    last = (target + 1).astype("datetime64[D]") - start - 1
    moved: Instants = start + np.minimum(day_of_month, last)
    return moved


def completed_years(births: Micros, as_of: int) -> NDArray[np.float64]:
    """Return ages in completed years: a birthday counts from its own day on."""
    year, key = _year_and_key(as_of // DAY)
    birth_days = _days(np.asarray(births).astype("datetime64[us]"))
    return _per_day(birth_days, lambda days: (year - _year(days)) - 1.0 * (key < _day_key(days)))


@lru_cache(maxsize=64)
def _year_and_key(day: int) -> tuple[int, int]:
    found = np.array([day]).astype("datetime64[D]")
    return int(_year(found)[0]), int(_day_key(found)[0])


def _year(days: Instants) -> NDArray[np.int64]:
    years: NDArray[np.int64] = days.astype("datetime64[Y]").astype(np.int64)
    return years


def _day_key(days: Instants) -> NDArray[np.int64]:
    """Order days within a year by month and day, so that 29 February precedes 1 March."""
    months = days.astype("datetime64[M]")
    month = months.astype(np.int64) % 12
    key: NDArray[np.int64] = month * 32 + (days - months.astype("datetime64[D]")).astype(np.int64)
    return key


def _days(stamps: Instants) -> Instants:
    """Cut moments to their day; a plain division is faster than the calendar's."""
    if np.isnat(stamps).any():
        return stamps.astype("datetime64[D]")
    return (stamps.astype(np.int64) // DAY).astype("datetime64[D]")


def _per_day(days: Instants, function: Callable[[Instants], NDArray[Any]]) -> NDArray[Any]:
    """Apply a function of the day, once per day of their range where there are more rows."""
    if days.size < _MANY or np.isnat(days).any():
        return function(days)
    first, last = days.min(), days.max()
    span = int((last - first).astype(np.int64)) + 1
    if span > days.size:
        return function(days)
    table: NDArray[Any] = function(first + np.arange(span))
    looked_up: NDArray[Any] = table[(days - first).astype(np.int64)]
    return looked_up
