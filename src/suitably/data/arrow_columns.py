"""List and map columns of Arrow, read once for all: elements by row, and maps as offsets."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from suitably.data.values import finite_doubles, is_number, plain

__all__ = [
    "Elements",
    "MapEntries",
    "distinct_lists",
    "element_kind",
    "is_list",
    "is_map",
    "plain_lists",
    "plain_value",
]

Element = Literal["text", "number", "date", "any"]


def plain_value(value: Any, kind: pa.DataType) -> Any:
    """Return a value of a column as Python has it, a map as a dictionary.

    Example:
        >>> plain_value([("a", 1)], pa.map_(pa.string(), pa.int64()))
        {'a': 1}
    """
    return dict(value) if pa.types.is_map(kind) and value is not None else value


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
    """Return what the elements of a list are; None where rules cannot use them."""
    if _is_text(kind):
        return "text"
    if is_number(kind):
        return "number"
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return "date"
    return "any" if pa.types.is_null(kind) else None


class Elements(frozenset[Any]):
    """A list as a set, which remembers how many elements it had.

    Attributes:
        size: Repeats included.
    """

    size: int

    def __new__(cls, values: Collection[Any]) -> Self:
        """Take the elements of a list."""
        made = super().__new__(cls, values)
        made.size = len(values)
        return made

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) and getattr(other, "size", len(self)) == self.size

    __hash__ = frozenset.__hash__


def distinct_lists(
    array: pa.Array, element: Element, where: str
) -> tuple[NDArray[np.int64], tuple["Elements", ...]]:
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
    distinct: dict[Elements, int] = {}
    codes = np.zeros(len(array), np.int64)
    ends = np.cumsum(lengths).tolist()
    for row, start, end in zip(np.flatnonzero(known), [0, *ends], ends, strict=False):
        codes[row] = distinct.setdefault(Elements(elements[start:end]), len(distinct))
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
    """Maps from text to numbers or dates, a row of which may be null.

    A column of structs has every key in every row: there, as in a map, null is a missing value.

    Attributes:
        offsets: int64 (rows + 1,): row i has the entries `offsets[i]:offsets[i + 1]`.
        keys: Text (entries,).
        items: What the keys have (entries,): numbers, dates, or nulls alone.
    """

    offsets: NDArray[np.int64]
    keys: pa.Array
    items: pa.Array

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
        items = plain(items)
        if not (_is_text(keys.type) and _may_be_held(items.type)):
            return None
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        return MapEntries(offsets, keys.cast(pa.string()), items)

    @property
    def holds_dates(self) -> bool:
        """Whether they are maps to dates."""
        return _is_date(self.items.type)

    def numbers(self, where: str) -> NDArray[np.float64]:
        """Return the items as numbers, NaN where missing.

        Raises:
            DataError: A number that columns of numbers may not hold either.
        """
        rows = np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))
        return finite_doubles(self.items, where, rows)


def _of_structs(array: pa.Array, where: str) -> MapEntries | None:
    names = [field.name for field in array.type]
    columns = [plain(array.field(name)) for name in names]
    kinds = {column.type for column in columns if not pa.types.is_null(column.type)}
    numbers = all(map(is_number, kinds))
    if not (numbers or (len(kinds) == 1 and all(map(_is_date, kinds)))):
        return None
    kind = pa.float64() if numbers else next(iter(kinds))
    if numbers:
        columns = [pa.array(finite_doubles(column, where), from_pandas=True) for column in columns]
    known = ~array.is_null().to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(np.where(known, len(names), 0))])
    # Column after column becomes row after row; what null rows still own is nobody's.
    cells = np.arange(len(names) * len(array)).reshape(len(names), len(array)).T[known].ravel()
    whole = pa.concat_arrays([column.cast(kind) for column in columns] or [pa.array([], kind)])
    keys = pa.array(np.tile(np.array(names, object), int(known.sum())), pa.string())
    return MapEntries(offsets, keys, whole.take(pa.array(cells, pa.int64())))


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind == pa.string_view()
    )


def _is_date(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def _may_be_held(kind: pa.DataType) -> bool:
    return is_number(kind) or _is_date(kind) or bool(pa.types.is_null(kind))
