"""Days: as numbers since 1970, and as callers say them."""

from datetime import date, timedelta
from typing import Any

import pandas as pd

from suitably.errors import DataError

__all__ = ["day_number", "day_of", "day_said"]

_EPOCH = date(1970, 1, 1)
_FIRST = _EPOCH.toordinal()


def day_number(day: date) -> int:
    """Return a day as days since 1970."""
    return (day - _EPOCH).days


def day_of(number: int) -> date:
    """Return the day that is so many days after 1 January 1970."""
    return _EPOCH + timedelta(days=int(number))


def day_said(moment: Any) -> int:
    """Return the number of a moment's day, and today's of None.

    Raises:
        DataError: It is no date, time or ISO 8601 text.

    Example:
        >>> day_said("1970-01-02T23:00")
        1
    """
    if moment is None:
        return day_number(date.today())
    if isinstance(moment, date) and moment is not pd.NaT:  # times too; no need to read it
        return moment.toordinal() - _FIRST
    try:
        stamp = pd.Timestamp(moment)
        if pd.isna(stamp):
            raise ValueError
    except (TypeError, ValueError):
        raise DataError(f"at={moment!r:.60}: must be a date, a time or ISO 8601 text") from None
    return day_number(stamp.date())
