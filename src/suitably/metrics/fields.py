"""Columns of users and products as metrics read them, and their values along the lists."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.field_columns import amounts_by_group, group_codes, numbers_of
from suitably.data.values import one_array, readable
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
    values = numbers_of(array, f"{side}.{name}") if len(array) else np.zeros(0)
    if values is None:
        raise MissingInputError(f"reads {name!r} of {side} as numbers, but it holds {array.type}")
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
    found = group_codes(array)
    if found is None:
        raise MissingInputError(f"reads {name!r} of {side}, but {array.type} makes no groups")
    return Group(found[0], [str(value) for value in found[1]])


def maps(
    table: pa.Table, side: str, name: str, keys: list[str], option: str
) -> NDArray[np.float64]:
    """Return a column of maps from group to amount: float64 (rows, keys), 0 where there is none.

    Amounts of keys that are not asked for are left out.

    Raises:
        MissingInputError: There is no such column, or it does not hold maps to finite numbers from
            0 up.
    """
    array = _column(table, side, name, option)
    found = amounts_by_group(array, keys, f"{side}.{name}")
    if found is None:
        raise MissingInputError(
            f"reads {name!r} of {side} as maps to numbers, but it holds {array.type}"
        )
    if found.bad:
        raise MissingInputError(f"reads {name!r} of {side}, which holds negative amounts")
    return found.by_group


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
