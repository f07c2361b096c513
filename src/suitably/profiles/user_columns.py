"""Columns of the users frame, and numbers of any, as builders read them."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data import View
from suitably.data.values import finite_doubles, is_number, readable
from suitably.errors import DataError

__all__ = ["numbers_in", "user_column", "user_numbers"]


def user_column(view: View, name: str, reader: str) -> pa.Array:
    """Return a column as it stands in a view, a value per user.

    Args:
        view: The view.
        name: Of the column.
        reader: The class that reads it, for the message.

    Raises:
        DataError: There is none, or its values have no common type.
    """
    fields = view.user_fields
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
        raise DataError(f"{where}: must hold numbers, not {array.type}")
    return finite_doubles(array, where)
