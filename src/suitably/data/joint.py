"""Columns joined with what comes later: each value stays exactly what it is, or is refused."""

import numpy as np
import pyarrow as pa

from suitably.data.moments import read_ticks
from suitably.data.time_zones import names_zone, walls_of
from suitably.data.values import (
    Unreadable,
    doubles,
    is_listlike,
    is_number,
    nearest_doubles,
    offsets,
    other_type,
    plain,
)
from suitably.errors import DataError

__all__ = ["joint"]

_DIGITS = 38  # of the widest decimal128


def joint(held: pa.Array, new: pa.Array, where: str) -> pa.Array:
    """Append values to those of a column, whose type must hold each exactly.

    A column of nulls takes any type, and decimals as many digits as they need. One whose values
    have no common type is kept aside, as at the fit, whatever it was before.

    Raises:
        DataError: Another kind of value, or one that the type does not hold.
    """
    if isinstance(held.type, Unreadable):
        return pa.concat_arrays([held, held.type.of(new.to_pylist())])
    if isinstance(new.type, Unreadable):
        return pa.concat_arrays([new.type.of(held.to_pylist()), new])
    kind = _joint_type(held.type, new.type)
    parts = []
    for part in (held, new):
        try:
            found = _exact(part, kind, where)
        except (pa.ArrowException, TypeError, ValueError):
            found = None
        if found is None:
            raise other_type(where, new.type, held.type)
        parts.append(found)
    return pa.concat_arrays(parts)


def _joint_type(held: pa.DataType, new: pa.DataType) -> pa.DataType:
    """Return the type held, but for what it leaves open."""
    types = pa.types
    if types.is_null(held):
        return new
    if types.is_decimal(held) and types.is_decimal(new):
        return pa.decimal128(_DIGITS, max(held.scale, new.scale))
    if types.is_decimal(held) and types.is_integer(new):
        return pa.decimal128(_DIGITS, held.scale)
    if types.is_list(held) and is_listlike(new):
        return pa.list_(_joint_type(held.value_type, new.value_type))
    if types.is_map(held) and types.is_map(new):
        return pa.map_(held.key_type, _joint_type(held.item_type, new.item_type))
    return held


def _exact(array: pa.Array, kind: pa.DataType, where: str) -> pa.Array | None:
    """Cast where every value stays what it is; None where one would not."""
    types = pa.types
    if array.type == kind:
        return array
    if array.null_count == len(array):
        return pa.nulls(len(array), kind)
    if is_number(array.type) and is_number(kind):
        return _exact_numbers(array, kind, where)
    if types.is_string(array.type) and types.is_large_string(kind):
        return array.cast(kind)  # texts in lists come in the type of their frame
    if types.is_date(array.type) and types.is_date(kind):
        return array.cast(kind)
    if types.is_date(array.type) and types.is_timestamp(kind) and kind.tz is None:
        return array.cast(kind)  # a bare date is its midnight
    if types.is_timestamp(array.type) and types.is_timestamp(kind):
        return _exact_times(array, kind, where)
    if is_listlike(array.type) and is_listlike(kind):
        return _exact_lists(array, kind, where)
    if types.is_map(array.type) and types.is_map(kind):
        items = _exact(plain(array.items), kind.item_type, where)
        keys = _exact(plain(array.keys), kind.key_type, where)
        whole = items is not None and keys is not None
        return pa.MapArray.from_arrays(offsets(array), keys, items).cast(kind) if whole else None
    if types.is_struct(array.type) and types.is_struct(kind):
        return _exact_structs(array, kind, where)
    return None


def _exact_times(array: pa.Array, kind: pa.DataType, where: str) -> pa.Array | None:
    """Cast moments; a day is that of its own zone, which another column's would lose."""
    if (array.type.tz is None) != (kind.tz is None):
        return None
    instants = array.cast(kind)
    if kind.tz is not None and names_zone(array.type.tz) and array.type.tz != kind.tz:
        micros = read_ticks(instants.drop_null())[0]
        if (walls_of(micros, array.type.tz) != walls_of(micros, kind.tz)).any():
            raise DataError(
                f"{where}: holds times in {array.type.tz}, but its column those in {kind.tz}, "
                f"whose days are others: convert them to {kind.tz}"
            )
    return instants


def _exact_numbers(array: pa.Array, kind: pa.DataType, where: str) -> pa.Array | None:
    if pa.types.is_floating(kind):
        numbers = doubles(array, where)
        found = pa.array(numbers, mask=np.isnan(numbers)).cast(kind)
        return found if np.array_equal(nearest_doubles(found), numbers, equal_nan=True) else None
    if not pa.types.is_decimal(kind):
        return array.cast(kind)
    wide = array.cast(pa.decimal128(_DIGITS, kind.scale)).cast(kind)
    alike = np.array_equal(nearest_doubles(wide), nearest_doubles(array), equal_nan=True)
    return wide if alike else None


def _exact_lists(array: pa.Array, kind: pa.DataType, where: str) -> pa.Array | None:
    if not pa.types.is_list(array.type):
        array = array.cast(pa.list_(array.type.value_type))
    elements = _exact(plain(array.values), kind.value_type, where)
    whole = elements is not None
    return pa.ListArray.from_arrays(offsets(array), elements).cast(kind) if whole else None


def _exact_structs(array: pa.Array, kind: pa.DataType, where: str) -> pa.Array | None:
    names = [field.name for field in kind]
    if {field.name for field in array.type} - set(names):
        return None
    given = {field.name: array.field(field.name) for field in array.type}
    parts = [
        _exact(given.get(field.name, pa.nulls(len(array))), field.type, where) for field in kind
    ]
    if any(part is None for part in parts):
        return None
    return pa.StructArray.from_arrays(parts, names, mask=array.is_null()).cast(kind)
