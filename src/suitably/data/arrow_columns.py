"""List and map columns of Arrow, read once for all: elements by row, and maps as offsets."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from suitably.data.values import finite_doubles, is_number, plain

__all__ = ["MapEntries", "distinct_lists", "element_kind", "is_list", "is_map", "plain_lists"]

Element = Literal["text", "number", "any"]


def is_list(kind: pa.DataType) -> bool:
    """Return whether a column of this type holds lists, once `plain_lists` has seen it."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def is_map(kind: pa.DataType) -> bool:
    """Return whether a column of this type holds maps: also as structs or lists of pairs."""
    if pa.types.is_map(kind) or pa.types.is_struct(kind):
        return True
    pairs = is_list(kind) and pa.types.is_struct(kind.value_type)
    return bool(pairs and kind.value_type.num_fields == 2)


def plain_lists(array: pa.Array) -> pa.Array:
    """Return lists of fixed size, or of dictionaries, as plain ones; other columns as they are."""
    if pa.types.is_fixed_size_list(array.type):
        array = array.cast(pa.list_(array.type.value_type))
    if is_list(array.type) and pa.types.is_dictionary(array.type.value_type):
        array = array.cast(pa.list_(array.type.value_type.value_type))
    return array


def element_kind(kind: pa.DataType) -> Element | None:
    """Return what the elements of a list are; None where they are neither text nor numbers."""
    if _is_text(kind):
        return "text"
    if is_number(kind):
        return "number"
    return "any" if pa.types.is_null(kind) else None


def distinct_lists(
    array: pa.Array, element: Element, where: str
) -> tuple[NDArray[np.int64], tuple[frozenset[Any], ...]]:
    """Number the distinct lists, as sets: NaN is null, as elsewhere.

    Returns:
        int64 (rows,), 0 for a null row; and the sets by number.

    Raises:
        DataError: A number that columns of numbers may not hold either.
    """
    known = ~array.is_null().to_numpy(zero_copy_only=False)
    compact = array.filter(pa.array(known))  # null rows may still own elements
    lengths = pc.list_value_length(compact).to_numpy(zero_copy_only=False)
    owners = np.repeat(np.flatnonzero(known), lengths)
    elements = _elements(plain(compact.flatten()), element, where, owners)
    distinct: dict[frozenset[Any], int] = {}
    codes = np.zeros(len(array), np.int64)
    ends = np.cumsum(lengths).tolist()
    for row, start, end in zip(np.flatnonzero(known), [0, *ends], ends, strict=False):
        codes[row] = distinct.setdefault(frozenset(elements[start:end]), len(distinct))
    return codes, tuple(distinct)


def _elements(
    array: pa.Array, element: Element, where: str, owners: NDArray[np.int64]
) -> list[Any]:
    if element != "number":
        values: list[Any] = array.to_pylist()
        return values
    numbers = finite_doubles(array, where, owners)
    return [None if value != value else value for value in numbers.tolist()]


@dataclass(frozen=True)
class MapEntries:
    """Maps from text to number, a row of which may be null; missing numbers are left out.

    Attributes:
        offsets: int64 (rows + 1,): row i has the entries `offsets[i]:offsets[i + 1]`.
        keys: Text (entries,).
        numbers: float64 (entries,).
    """

    offsets: NDArray[np.int64]
    keys: pa.Array
    numbers: NDArray[np.float64]

    @staticmethod
    def read(array: pa.Array, where: str) -> "MapEntries | None":
        """Flatten maps, structs or lists of (key, value); None where they are of other types.

        Raises:
            DataError: A number that columns of numbers may not hold either.
        """
        if pa.types.is_struct(array.type):
            return _of_structs(array, where)
        known = ~array.is_null().to_numpy(zero_copy_only=False)
        compact = array.filter(pa.array(known))  # null rows may still own entries
        lengths = np.zeros(len(array), np.int64)
        lengths[known] = np.diff(compact.offsets.to_numpy(zero_copy_only=False))
        if pa.types.is_map(array.type):
            start = compact.offsets[0].as_py()
            keys, items = (a.slice(start, lengths.sum()) for a in (compact.keys, compact.items))
        else:
            keys, items = (compact.flatten().field(i) for i in (0, 1))
        if pa.types.is_null(keys.type):
            keys = keys.cast(pa.string())
        if not (_is_text(keys.type) and _may_be_numbers(items.type)):
            return None
        rows = np.repeat(np.arange(len(array)), lengths)
        numbers = finite_doubles(plain(items), where, rows)
        kept = ~np.isnan(numbers)
        rows = rows[kept]
        offsets = np.searchsorted(rows, np.arange(len(array) + 1))
        return MapEntries(offsets, keys.filter(pa.array(kept)).cast(pa.string()), numbers[kept])


def _of_structs(array: pa.Array, where: str) -> MapEntries | None:
    names = [field.name for field in array.type]
    columns = [array.field(name) for name in names]
    if not all(_may_be_numbers(column.type) for column in columns):
        return None
    known = ~array.is_null().to_numpy(zero_copy_only=False)
    # What null rows still own is nobody's.
    columns = [pc.if_else(pa.array(known), c, pa.scalar(None, c.type)) for c in columns]
    numbers = [finite_doubles(plain(column), where) for column in columns]
    dense = np.array(numbers).reshape(len(names), len(array)).T
    present = ~np.isnan(dense)
    keys = pa.array([name for row in present for name, p in zip(names, row, strict=True) if p])
    offsets = np.concatenate([[0], np.cumsum(present.sum(axis=1))])
    return MapEntries(offsets, keys.cast(pa.string()), dense[present])


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind == pa.string_view()
    )


def _may_be_numbers(kind: pa.DataType) -> bool:
    return is_number(kind) or bool(pa.types.is_null(kind))
