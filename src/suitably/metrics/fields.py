"""Columns of users and products as metrics read them, and their values along the lists."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.arrow_columns import MapEntries, is_map, plain_lists
from suitably.data.values import doubles, is_number, one_array, readable
from suitably.utils.suggest import nearest

__all__ = ["Group", "MissingInputError", "along", "groups", "maps", "mean_along", "numbers"]


class MissingInputError(ValueError):
    """What a metric needs of what it was given, and does not find there."""


def numbers(
    table: pa.Table, side: str, name: str, option: str | None = None
) -> NDArray[np.float64]:
    """Return a column of numbers: float64 (rows,), NaN where it is null.

    Args:
        table: Fields of users or products.
        side: Which of them, for messages.
        name: The column.
        option: The metric's option that names another one.

    Raises:
        MissingInputError: There is no such column, or it does not hold finite numbers.
    """
    array = _column(table, side, name, option)
    if not (is_number(array.type) or pa.types.is_null(array.type) or not len(array)):
        raise MissingInputError(f"reads {name!r} of {side} as numbers, but it holds {array.type}")
    values = (
        doubles(array, f"{side}.{name}") if is_number(array.type) else np.full(len(array), np.nan)
    )
    if np.isinf(values).any():
        raise MissingInputError(f"reads {name!r} of {side}, which holds infinite numbers")
    return values


class Group:
    """The groups that a column puts products in.

    Attributes:
        codes: int64 (rows,), each row's group, −1 where it is null.
        names: The groups, as text.
    """

    def __init__(self, codes: NDArray[np.int64], names: list[str]) -> None:
        self.codes = codes
        self.names = names


def groups(table: pa.Table, side: str, name: str, option: str | None = "by") -> Group:
    """Return the groups that a column makes.

    Raises:
        MissingInputError: There is no such column, or its values make no groups.
    """
    array = _column(table, side, name, option)
    try:
        encoded = array.dictionary_encode()
    except pa.ArrowNotImplementedError:
        raise MissingInputError(
            f"reads {name!r} of {side}, but {array.type} makes no groups"
        ) from None
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return Group(codes, [str(value) for value in encoded.dictionary.to_pylist()])


def maps(
    table: pa.Table, side: str, name: str, keys: list[str], option: str
) -> NDArray[np.float64]:
    """Return a column of maps from group to amount: float64 (rows, keys), 0 where there is none.

    Amounts of keys that are not asked for are left out.

    Raises:
        MissingInputError: There is no such column, or it does not hold maps to finite numbers from
            0 up.
    """
    array = plain_lists(_column(table, side, name, option))
    found = np.zeros((len(array), len(keys)))
    if array.null_count == len(array):
        return found
    where = f"{side}.{name}"
    entries = MapEntries.read(array, where) if is_map(array.type) else None
    if entries is None or entries.holds_dates:
        raise MissingInputError(
            f"reads {name!r} of {side} as maps to numbers, but it holds {array.type}"
        )
    amounts = np.nan_to_num(entries.numbers(where), nan=0.0)
    if (~np.isfinite(amounts) | (amounts < 0)).any():
        raise MissingInputError(
            f"reads {name!r} of {side}, which holds negative or infinite amounts"
        )
    places = {key: place for place, key in enumerate(keys)}
    columns = np.array([places.get(str(key), -1) for key in entries.keys.to_pylist()], np.int64)
    rows = np.repeat(np.arange(len(array)), np.diff(entries.offsets))
    found[rows[columns >= 0], columns[columns >= 0]] = amounts[columns >= 0]
    return found


def along(
    values: NDArray[Any], products: NDArray[np.int64], k: int | None, past: Any
) -> NDArray[Any]:
    """Lay values of products out along the first k ranks: (users, depth), `past` where −1."""
    return np.append(values, np.array(past, values.dtype))[products[:, :k]]


def mean_along(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average each row over what is not NaN, in the order of ranks; NaN where nothing is."""
    known = ~np.isnan(values)
    counts = known.sum(axis=1)
    means = np.full(len(values), np.nan)
    if values.shape[1]:
        totals = np.cumsum(np.where(known, values, 0.0), axis=1)[:, -1]
        np.divide(totals, counts, out=means, where=counts > 0)
    return means


def _column(table: pa.Table, side: str, name: str, option: str | None) -> pa.Array:
    if name not in table.column_names:
        else_ = f", or name another one by the option {option!r}" if option else ""
        raise MissingInputError(
            f"reads {name!r} of {side}, which have no such column"
            f"{nearest(name, table.column_names) if table.column_names else ''}: give one{else_}"
        )
    return readable(one_array(table[name]), f"{side}.{name}")
