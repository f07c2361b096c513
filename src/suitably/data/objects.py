"""Python objects as a column: the same types and the same strictness as any other frame's."""

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from itertools import accumulate
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa

from suitably.data.clock import UNNAMED
from suitably.data.values import Unreadable, beyond_problem, whole_beyond

__all__ = ["from_objects"]

_LISTS = (list, tuple, set, frozenset, np.ndarray)
_BOOLEANS = (bool, np.bool_)
_INTEGERS = (int, np.integer)
_NUMBERS = (int, float, Decimal, np.integer, np.floating)


class _NoCommonTypeError(Exception):
    pass


def from_objects(values: Sequence[Any]) -> pa.Array:
    """Read Python objects as one column: sets as lists, dictionaries as maps, UUIDs as text.

    Lists of pairs of a text and a value are maps too: so Arrow shows maps in pandas.

    Args:
        values: None, NaN, NaT and NA are null.

    Returns:
        An array of the type that all of them have, or `Unreadable` where they have none.
    """
    present = [None if _is_missing(value) else value for value in values]
    kinds = {type(value) for value in present if value is not None}
    try:
        return _read(present, kinds)
    except _NoCommonTypeError as error:
        return Unreadable(str(error)).of(present)
    except (pa.ArrowException, TypeError, ValueError, ArithmeticError):
        found = ", ".join(sorted(kind.__name__ for kind in kinds))
        return Unreadable(f"values of no common type ({found})").of(present)


def _is_missing(value: Any) -> bool:
    if value is None or value is pd.NaT or value is pd.NA:
        return True
    scalar = isinstance(value, float | np.floating | np.datetime64 | np.timedelta64)
    if isinstance(value, Decimal):
        return value.is_nan()  # the signalling one too
    return scalar and bool(pd.isna(value))


def _read(values: list[Any], kinds: set[type]) -> pa.Array:
    if kinds <= {str} or kinds <= {float}:
        return pa.array(values)
    if all(issubclass(kind, _LISTS) for kind in kinds):
        rows = [None if value is None else list(value) for value in values]
        if _pairs(rows):
            return _maps([None if row is None else dict(row) for row in rows])
        return _lists(rows)
    if all(issubclass(kind, dict) for kind in kinds):
        return _maps(values)
    if any(issubclass(kind, date | np.datetime64) for kind in kinds):
        if not all(issubclass(kind, date | np.datetime64) for kind in kinds):
            raise TypeError("no common type")  # Arrow would take 3 for a date
        moments = _moments(values)
        zones = {str(getattr(value, "tzinfo", None)) for value in moments if value is not None}
        # Arrow has one zone per column, and would show all in the first value's.
        found = pa.array(moments)
        return found.cast(pa.timestamp("us", UNNAMED)) if len(zones) > 1 else found
    if all(issubclass(kind, UUID) for kind in kinds):
        return pa.array([None if value is None else str(value) for value in values], pa.string())
    numbers = all(issubclass(kind, _NUMBERS) for kind in kinds)
    booleans = sum(issubclass(kind, _BOOLEANS) for kind in kinds)
    if numbers and not booleans:
        return _numbers(values, kinds)
    texts = sum(issubclass(kind, str) for kind in kinds)
    if 0 < booleans < len(kinds) or 0 < texts < len(kinds):
        raise TypeError("no common type")
    return pa.array(values)


def _numbers(values: list[Any], kinds: set[type]) -> pa.Array:
    whole = all(issubclass(kind, _INTEGERS) for kind in kinds)
    endless = any(isinstance(value, Decimal) and value.is_infinite() for value in values)
    exact = not endless and all(issubclass(kind, (*_INTEGERS, Decimal)) for kind in kinds)
    if whole:
        values = [None if value is None else int(value) for value in values]
        return _integers(values)
    if exact:
        return pa.array([None if value is None else _decimal(value) for value in values])
    beyond = [
        value
        for value in values
        if isinstance(value, (*_INTEGERS, Decimal)) and whole_beyond(_decimal(value))
    ]
    if beyond:
        raise _NoCommonTypeError(beyond_problem(beyond))
    return pa.array([None if value is None else float(value) for value in values], pa.float64())


def _decimal(value: Any) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(int(value))


def _integers(values: list[int | None]) -> pa.Array:
    for kind in (pa.int64(), pa.uint64()):
        try:
            return pa.array(values, kind)
        except (OverflowError, pa.ArrowInvalid):
            pass
    return pa.array([None if value is None else Decimal(value) for value in values])


def _lists(values: list[list[Any] | None]) -> pa.Array:
    elements = from_objects([element for value in values if value for element in value])
    if isinstance(elements.type, Unreadable):
        raise _NoCommonTypeError(elements.type.problem)
    return pa.ListArray.from_arrays(_offsets(values), elements)


def _pairs(rows: list[list[Any] | None]) -> bool:
    """Whether lists hold nothing but pairs of a text and a value, no text twice in one list."""
    cells = [cell for row in rows if row for cell in row]
    if not all(type(cell) is tuple and len(cell) == 2 and type(cell[0]) is str for cell in cells):
        return False
    return bool(cells) and all(len({key for key, _ in row}) == len(row) for row in rows if row)


def _maps(values: list[dict[Any, Any] | None]) -> pa.Array:
    keys = from_objects([key for value in values if value for key in value])
    items = from_objects([item for value in values if value for item in value.values()])
    for part in (keys, items):
        if isinstance(part.type, Unreadable):
            raise _NoCommonTypeError(part.type.problem)
    if pa.types.is_null(keys.type):
        keys = keys.cast(pa.string())
    return pa.MapArray.from_arrays(_offsets(values), keys, items)


def _offsets(values: Sequence[Any]) -> pa.Array:
    """Return where rows begin, null for a row that is null."""
    starts: list[int | None] = [0, *accumulate(0 if v is None else len(v) for v in values)]
    for place, value in enumerate(values):
        if value is None:
            starts[place] = None
    return pa.array(starts, pa.int32())


def _moments(values: list[Any]) -> list[Any]:
    """Return dates and times one type: a bare date beside times is its midnight."""
    moments = [_moment(value) if isinstance(value, np.datetime64) else value for value in values]
    timed = [value for value in moments if isinstance(value, datetime)]
    zones = {value.tzinfo is not None for value in timed}
    bare = any(isinstance(v, date) and not isinstance(v, datetime) for v in moments)
    if len(zones) > 1 or (bare and zones == {True}):
        raise _NoCommonTypeError("some moments have a time zone, some have none")
    finer = sum(getattr(value, "nanosecond", 0) != 0 for value in timed)
    if finer:
        raise _NoCommonTypeError(
            f"{finer} moments are finer than a microsecond, which would be cut"
        )
    if not timed:
        return moments
    return [
        datetime.combine(value, time())
        if isinstance(value, date) and not isinstance(value, datetime)
        else value
        for value in moments
    ]


def _aware(array: pa.Array) -> bool:
    return bool(pa.types.is_timestamp(array.type)) and array.type.tz is not None


def _moment(value: np.datetime64) -> Any:
    dated = np.datetime_data(value)[0] in "YMWD"
    return value.astype("datetime64[D]").item() if dated else pd.Timestamp(value)
