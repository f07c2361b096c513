"""One column of any frame, as entries: which row, which key or number, at what weight."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from suitably.data.clock import Clock, Instant
from suitably.data.values import doubles, is_number, plain, readable
from suitably.errors import DataError

__all__ = ["KEYED", "KINDS", "NOTHING", "Column", "Now"]

NOTHING = "nothing"
KEYED = ("text", "boolean", "list", "map")
KINDS = (*KEYED, "number", "date", NOTHING)
_DAY = 86_400_000_000


class Now(NamedTuple):
    """The moment that dates are reckoned to, and the calendar of their days."""

    instant: Instant
    clock: Clock


@dataclass(frozen=True)
class Column:
    """A column read as keys (text, booleans, elements of lists, keys of maps) or as numbers.

    Attributes:
        kind: One of `KINDS`; nothing where every value is missing, whatever the column's type.
        known: bool (rows,), where a value is not missing.
        rows: int64 (entries,), whose entry it is.
        weights: float64 (entries,), 1 in all per row: an equal share for each of a list's distinct
            elements, the share of the sum of magnitudes for a map's.
        keys: Text (entries,); none for numbers.
        numbers: float64 (entries,): numbers, or days before `now`; none for keys.
    """

    kind: str
    known: NDArray[np.bool_]
    rows: NDArray[np.int64]
    weights: NDArray[np.float64]
    keys: pa.Array
    numbers: NDArray[np.float64]

    @staticmethod
    def read(name: str, array: pa.Array, now: Now | None) -> "Column":
        """Read a column.

        Args:
            name: What it is, for messages.
            array: Of any type that a feature can have.
            now: The moment that dates are reckoned to.

        Raises:
            DataError: A type that cannot be a feature, infinite numbers, or dates without a moment
                to reckon them to.
        """
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        readable(array, name)
        known = array.is_valid().to_numpy(zero_copy_only=False)
        kind = _kind(array.type)
        if kind is None:
            raise DataError(f"{name}: a column of {array.type} cannot be a feature")
        if not known.any():
            return _of_keys(NOTHING, known, np.zeros(0, np.int64), pa.array([], pa.string()))
        if kind == "number":
            return _of_numbers(name, kind, known, _floats(name, array))
        if kind == "date":
            return _of_numbers(name, kind, known, _ages(name, array, now))
        if kind == "list":
            return _of_lists(known, array)
        if kind == "map":
            return _of_maps(name, known, array)
        keys = array.filter(pa.array(known)).cast(pa.string())
        return _of_keys(kind, known, np.flatnonzero(known), keys)


def _kind(kind: pa.DataType) -> str | None:
    """Name the kind of a type, None for one that cannot be a feature."""
    types = pa.types
    if types.is_null(kind):
        return NOTHING
    if _texts(kind):
        return "text"
    if types.is_boolean(kind):
        return "boolean"
    if is_number(kind):
        return "number"
    if types.is_timestamp(kind) or types.is_date(kind):
        return "date"
    if types.is_map(kind):
        keyed = _texts(kind.key_type) or types.is_integer(kind.key_type)
        return "map" if keyed and is_number(kind.item_type) else None
    if types.is_struct(kind):
        return "map" if all(is_number(f.type) or types.is_null(f.type) for f in kind) else None
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        element = kind.value_type
        if types.is_dictionary(element):
            element = element.value_type
        plain = _texts(element) or types.is_boolean(element) or types.is_null(element)
        return "list" if plain or types.is_integer(element) else None
    return None


def _texts(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind == pa.string_view()
    )


def _of_keys(
    kind: str, known: NDArray[np.bool_], rows: NDArray[np.int64], keys: pa.Array
) -> Column:
    return Column(kind, known, rows, np.ones(len(rows)), keys, np.zeros(0))


def _of_numbers(
    name: str, kind: str, known: NDArray[np.bool_], numbers: NDArray[np.float64]
) -> Column:
    known = known & ~np.isnan(numbers)
    _finite(name, numbers[known])
    if not known.any():
        return _of_keys(NOTHING, known, np.zeros(0, np.int64), pa.array([], pa.string()))
    rows = np.flatnonzero(known)
    return Column(kind, known, rows, np.ones(len(rows)), pa.array([], pa.string()), numbers[known])


def _of_lists(known: NDArray[np.bool_], array: pa.Array) -> Column:
    compact = array.filter(pa.array(known))  # null rows may still own elements
    rows = np.flatnonzero(known)[pc.list_parent_indices(compact).to_numpy(zero_copy_only=False)]
    elements = pc.list_flatten(compact)
    if pa.types.is_dictionary(elements.type):
        elements = elements.dictionary_decode()
    present = elements.is_valid()
    rows = rows[present.to_numpy(zero_copy_only=False)]
    encoded = elements.filter(present).cast(pa.string()).dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    count = max(1, len(encoded.dictionary))
    rows, codes = np.divmod(np.unique(rows * count + codes), count)  # each once per row
    shares = 1 / np.bincount(rows, minlength=len(known))[rows]
    keys = encoded.dictionary.take(pa.array(codes))
    return Column("list", known, rows, shares, keys, np.zeros(0))


def _of_maps(name: str, known: NDArray[np.bool_], array: pa.Array) -> Column:
    places = np.flatnonzero(known)
    compact = array.filter(pa.array(known))
    if pa.types.is_struct(array.type):
        parts = [(f.name, pc.struct_field(compact, [i])) for i, f in enumerate(array.type)]
        rows = np.tile(places, len(parts))
        keys = pa.array(
            np.repeat(np.array([n for n, _ in parts], object), len(compact)), pa.string()
        )
        values = np.concatenate([_floats(name, part) for _, part in parts] or [np.zeros(0)])
    else:
        pair = pa.struct([("key", array.type.key_type), ("value", array.type.item_type)])
        entries = compact.cast(pa.list_(pair))  # the kernels for lists abort on maps
        rows = places[pc.list_parent_indices(entries).to_numpy(zero_copy_only=False)]
        flat = pc.list_flatten(entries)
        keys, values = flat.field(0).cast(pa.string()), _floats(name, flat.field(1))
    kept = ~np.isnan(values) & (values != 0)
    rows, values, keys = rows[kept], values[kept], keys.filter(pa.array(kept))
    _finite(name, values)
    scale = np.zeros(len(known))
    np.maximum.at(scale, rows, np.abs(values))
    shares = values / scale[rows]  # first to the largest, so that no sum overflows
    shares /= np.bincount(rows, np.abs(shares), minlength=len(known))[rows]
    return Column("map", known, rows, shares, keys, np.zeros(0))


def _ages(name: str, array: pa.Array, now: Now | None) -> NDArray[np.float64]:
    """Return whole days before `now`, negative for what is yet to come, NaN where missing.

    Raises:
        DataError: Nothing is dated, the time zone is missing, or a moment is finer than it counts.
    """
    if now is None:
        raise DataError(f"{name}: the data has no timestamps, so a date has no age")
    if pa.types.is_date(array.type):
        if now.clock.asks:
            raise DataError(f"{name}: the age of a date is one of days, and {now.clock.asks}")
        then, until = Clock().moments(array, name), now.clock.wall(now.instant)
    else:
        if (array.type.tz is None) != (now.clock.zone is None):
            has, data = ("no", "one") if array.type.tz is None else ("a", "none")
            raise DataError(f"{name}: has {has} time zone, but the data has {data}")
        then, until = now.clock.moments(array, name), now.instant
    missing = np.isnat(then)
    micros = (until - then).astype(np.int64)
    return np.where(missing, np.nan, micros // _DAY)


def _floats(name: str, array: pa.Array) -> NDArray[np.float64]:
    if pa.types.is_null(array.type):
        return np.full(len(array), np.nan)
    return doubles(plain(array), name)


def _finite(name: str, numbers: NDArray[Any]) -> None:
    bad = int((~np.isfinite(numbers)).sum())
    if bad:
        raise DataError(f"{name}: {bad} of {len(numbers)} numbers are infinite")
