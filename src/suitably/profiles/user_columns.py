"""Columns of the users frame, and numbers of any, as builders read them."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data import Clock, View
from suitably.data.clock import Instants
from suitably.data.values import finite_doubles, in_words, is_number, readable
from suitably.errors import DataError

__all__ = ["column_of_users", "moments_in", "numbers_in", "user_column", "user_numbers"]


def user_column(view: View, name: str, reader: str) -> pa.Array:
    """Return a column as it stands in a view, a value per user.

    Args:
        view: The view.
        name: Of the column.
        reader: The class that reads it, for the message.

    Raises:
        DataError: There is none, or its values have no common type.
    """
    return column_of_users(view.user_fields, name, reader)


def column_of_users(fields: pa.Table, name: str, reader: str) -> pa.Array:
    """Return a column of rows of users, such as all their versions, likewise."""
    if name not in fields.column_names:
        raise DataError(f"users: no column {name!r} for {reader}; it has {fields.column_names}")
    return readable(fields[name].combine_chunks(), f"users.{name}")


def user_numbers(view: View, name: str, reader: str) -> NDArray[np.float64]:
    """Return a column of numbers: float64 (users,), NaN where it is null.

    Raises:
        DataError: There is none, or it holds something else than finite numbers.
    """
    return numbers_in(user_column(view, name, reader), f"users.{name}")


def numbers_in(array: pa.Array, where: str) -> NDArray[np.float64]:
    """Return the numbers of a column, NaN where it is null; one of nulls alone has any type.

    Raises:
        DataError: It holds something else than finite numbers.
    """
    if pa.types.is_null(array.type):
        return np.full(len(array), np.nan)
    if not is_number(array.type):
        raise DataError(f"{where}: must hold numbers, not {in_words(array.type)}")
    return finite_doubles(array, where)


def moments_in(array: pa.Array, where: str, clock: Clock) -> Instants:
    """Return the moments of a column, a date as its first instant; NaT where it is null.

    Raises:
        DataError: It holds neither dates nor timestamps, dates of which no calendar is known, or
            timestamps that have a time zone where the data has none, or the other way round.
    """
    kind = array.type
    if pa.types.is_null(kind):
        array = array.cast(pa.timestamp("us", clock.zone))
    elif pa.types.is_date(kind):
        if clock.asks:
            raise DataError(f"{where}: holds dates, and {clock.asks}")
    elif not pa.types.is_timestamp(kind):
        raise DataError(f"{where}: must hold dates or timestamps, not {in_words(kind)}")
    elif kind.tz is not None and clock.zone is None:
        raise DataError(f"{where}: has a time zone ({kind.tz}), but the data is naive")
    elif kind.tz is None and clock.zone is not None:
        raise DataError(f"{where}: has no time zone, but the data has one ({clock.zone})")
    return clock.moments(array, where)
