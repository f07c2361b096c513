"""Values as a column holds them: what it can hold, and what comes next to a value."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import ceil, floor, inf, isfinite, isnan, nextafter
from typing import Any

import numpy as np
import pyarrow as pa

from suitably.data.calendar import DAY, EARLIEST, LATEST
from suitably.data.clock import Clock
from suitably.suitability.engine.fields import Fields
from suitably.suitability.language.types import MAX_INTEGER, Column, Kleene, Type

__all__ = ["around", "arrow_type", "elements_of", "holds", "type_in_arrow"]

_EPOCH = datetime(1970, 1, 1)
_TICKS = {"s": 1_000_000, "ms": 1_000, "us": 1, "ns": 1}


def arrow_type(kind: pa.DataType) -> pa.DataType | None:
    """Return the type that a column's values are given in; None where it tells none."""
    types = pa.types
    if types.is_dictionary(kind):
        return arrow_type(kind.value_type)
    if types.is_large_string(kind) or kind == pa.string_view():
        return pa.string()
    if types.is_floating(kind):
        return pa.float64()
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        element = kind.value_type
        if types.is_struct(element) and element.num_fields == 2:  # maps as lists of pairs
            return pa.map_(pa.string(), element.field(1).type)
        held = arrow_type(element)
        return None if held is None else pa.list_(held)
    if types.is_map(kind):
        held = arrow_type(kind.item_type)
        return None if held is None else pa.map_(pa.string(), held)
    if types.is_struct(kind):
        held = {arrow_type(field.type) for field in kind} - {None}
        one = next(iter(held), None)
        numbers = held and all(
            pa.types.is_primitive(k) and not pa.types.is_temporal(k) for k in held
        )
        return None if one is None else pa.map_(pa.string(), pa.float64() if numbers else one)
    return None if types.is_null(kind) else kind


def holds(value: Any, kind: pa.DataType | None) -> bool:
    """Return whether a column of a type can hold a value."""
    if kind is None or not (pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
        return True
    try:
        pa.scalar(value, kind)
    except (pa.ArrowInvalid, OverflowError):
        return False
    return not pa.types.is_integer(kind) or abs(value) <= MAX_INTEGER


def type_in_arrow(kind: Type, zone: str | None = None) -> pa.DataType | None:
    """Return the type in which a value of the language may be given, None where none is."""
    plain = {
        "number": pa.float64(),
        "text": pa.string(),
        "date": pa.timestamp("us", zone),
        "boolean": pa.bool_(),
    }
    if kind.name in ("list", "map"):
        held = plain.get(kind.element or "")
        make = pa.list_ if kind.name == "list" else (lambda item: pa.map_(pa.string(), item))
        return None if held is None else make(held)
    if kind.name == "level" and kind.scale is not None:
        return pa.string() if isinstance(kind.scale.levels[0], str) else pa.int64()
    return plain.get(kind.name)


def around(number: float, micros: int, kind: pa.DataType, clock: Clock, days: int) -> list[Any]:
    """Return a value, where a column can hold it, and what comes next to it on both sides.

    Args:
        number: The value, where the column holds numbers.
        micros: The moment, where it holds dates.
        kind: The type of the column.
        clock: The convention of moments.
        days: How many days on either side are given of moments: months clamp.

    Example:
        >>> around(2.5, 0, pa.int64(), Clock(None), 1), around(2.0, 0, pa.int64(), Clock(None), 1)
        ([2, 3], [1, 2, 3])
    """
    if pa.types.is_temporal(kind):
        return _moments(micros, kind, clock, days)
    if isnan(number) or not isfinite(number):
        return []
    if pa.types.is_integer(kind):
        return sorted({ceil(number) - 1, floor(number), ceil(number), floor(number) + 1})
    if pa.types.is_decimal(kind):
        step, exact = Decimal(1).scaleb(-kind.scale), Decimal(number)
        low = (exact / step).to_integral_value(ROUND_FLOOR)
        high = (exact / step).to_integral_value(ROUND_CEILING)
        return [tick * step for tick in sorted({high - 1, low, high, low + 1})]
    if pa.types.is_floating(kind):
        found = (nextafter(number, -inf), number, nextafter(number, inf))
        return [value for value in found if isfinite(value)]
    return []


def _moments(micros: int, kind: pa.DataType, clock: Clock, days: int) -> list[Any]:
    if pa.types.is_date(kind):
        wall = int(clock.walls(np.array([micros], "datetime64[us]")).astype(np.int64)[0])
        ticks = [wall // DAY * DAY + shift * DAY for shift in range(-days, days + 1)]
        return [datetime_of(t).date() for t in ticks if EARLIEST <= t <= LATEST]
    step = _TICKS[kind.unit]
    low, high = micros // step, -(-micros // step)
    ticks = sorted({high - 1, low, high, low + 1})
    found = [tick * step for tick in ticks]
    found += [micros // step * step + s * DAY for s in range(-days, days + 1) if s and days > 1]
    moments = [datetime_of(t) for t in found if EARLIEST <= t <= LATEST]
    return moments if kind.tz is None else [moment.replace(tzinfo=UTC) for moment in moments]


def datetime_of(micros: int) -> datetime:
    """Return microseconds since 1970 as a naive time."""
    return _EPOCH + timedelta(microseconds=micros)


def elements_of(column: Column, fields: Fields, kind: pa.DataType) -> list[Any]:
    """Return the distinct known values of a column, or of its lists, as a column holds them."""
    if isinstance(column, Kleene):
        return [False, True]
    known = np.broadcast_to(column.known, column.data.shape)
    places: list[Any] = np.unique(column.data[known]).tolist()
    name, scale = column.type.name, column.type.scale
    if name == "list":
        held = {item for place in places for item in (column.extra or [()])[place]} - {None}
        places, name = sorted(held, key=repr), column.type.element or "any"
        if name == "text":
            return places
    if name == "text":
        return [fields.texts.text(place) for place in places]
    if name == "level" and scale is not None:
        return [scale.levels[int(place)] for place in places]
    if name == "date":
        near = {t: _moments(int(t), kind, fields.clock, 0) for t in places}
        return [value for values in near.values() for value in values]
    if pa.types.is_integer(kind):
        return [int(place) for place in places if float(place).is_integer()]
    return places
