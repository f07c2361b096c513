"""Values: the one place where the cells of a column get their meaning, whatever they came through.

A number is an IEEE double: what a double cannot hold is refused, never rounded in silence. Columns
that no rule could read are kept aside and refused when something reads them.
"""

from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from suitably.errors import DataError

__all__ = [
    "MAX_INTEGER",
    "Unreadable",
    "as_text",
    "beyond_doubles",
    "beyond_problem",
    "doubles",
    "finite_doubles",
    "in_words",
    "infinite_problem",
    "is_listlike",
    "is_number",
    "nearest_doubles",
    "offsets",
    "one_array",
    "other_type",
    "plain",
    "readable",
    "untyped",
    "uuid_texts",
    "whole_beyond",
]

MAX_INTEGER = 2**53
_EXAMPLES = 3
_WIDE = 128  # bits of the decimals that Arrow's kernels know


class Unreadable(pa.ExtensionType):  # type: ignore[misc]
    """A column without a common type: its values as text, and what is wrong with them."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(pa.string(), "suitably.unreadable")

    def __arrow_ext_serialize__(self) -> bytes:
        return self.problem.encode()

    @classmethod
    def __arrow_ext_deserialize__(cls, storage: pa.DataType, serialized: bytes) -> "Unreadable":
        return cls(serialized.decode())

    def __hash__(self) -> int:
        return hash((type(self), self.problem))

    def of(self, values: list[Any]) -> pa.Array:
        """Keep values aside, None as null."""
        texts = pa.array([None if value is None else _text(value) for value in values], pa.string())
        return pa.ExtensionArray.from_storage(self, texts)


try:
    pa.register_extension_type(Unreadable(""))
except pa.ArrowKeyError:  # the module is imported anew
    pa.unregister_extension_type("suitably.unreadable")
    pa.register_extension_type(Unreadable(""))


def _text(value: Any) -> str:
    try:
        return str(value).encode("utf-8", "replace").decode()
    except Exception:  # whatever an object of the caller's raises
        return f"a {type(value).__name__}"


def readable(array: pa.Array, where: str) -> pa.Array:
    """Return a column that is to be read.

    Raises:
        DataError: Its values have no common type.
    """
    if isinstance(array.type, Unreadable):
        raise DataError(f"{where}: {array.type.problem}")
    return array


def one_array(column: pa.ChunkedArray) -> pa.Array:
    """Return the chunks of a column in one; a single one as it is, which Arrow would copy.

    Slices of lists and maps are copied all the same: what they hold is then theirs alone.
    """
    if column.num_chunks == 1 and not pa.types.is_nested(column.type):
        return column.chunk(0)
    return column.combine_chunks()


def plain(array: pa.Array) -> pa.Array:
    """Decode a column to the few types that are read: plain text and fractions, no dictionaries.

    UUIDs become text, NaN null, and lists of any kind lists; so do what lists and maps hold. An
    extension that means something else than its storage is `Unreadable`.
    """
    kind, types = array.type, pa.types
    if types.is_dictionary(kind):
        return plain(array.dictionary_decode())
    if types.is_run_end_encoded(kind):
        return plain(pc.run_end_decode(array))
    if isinstance(kind, pa.BaseExtensionType) and not isinstance(kind, Unreadable):
        return _plain_extension(array)
    if types.is_large_string(kind) or kind == pa.string_view():
        return array.cast(pa.string())
    if types.is_decimal(kind) and kind.bit_width < _WIDE:
        return array.cast(pa.decimal128(kind.precision, kind.scale))
    if types.is_floating(kind):
        values = array.cast(pa.float64())
        if not pc.any(pc.is_nan(values)).as_py():
            return values
        numbers = values.to_numpy(zero_copy_only=False)
        return pa.array(numbers, mask=np.isnan(numbers))
    return _plain_nested(array)


def _plain_nested(array: pa.Array) -> pa.Array:
    kind, types = array.type, pa.types
    if types.is_list_view(kind) or types.is_large_list_view(kind):
        rows = array.to_pylist()
        return plain(pa.array(rows, pa.large_list(kind.value_type)))
    if types.is_fixed_size_list(kind):
        array = array.cast(pa.list_(kind.value_type))
    if is_listlike(array.type):
        make = pa.ListArray if types.is_list(array.type) else pa.LargeListArray
        elements = array.values
        read = plain(elements)
        return array if read is elements else make.from_arrays(offsets(array), read)
    if types.is_map(kind):
        keys, items = plain(array.keys), plain(array.items)
        if (keys.type, items.type) == (kind.key_type, kind.item_type):
            return array
        return pa.MapArray.from_arrays(offsets(array), keys, items)
    if types.is_struct(kind) and kind.num_fields:
        parts = [plain(array.field(place)) for place in range(kind.num_fields)]
        names = [field.name for field in kind]
        return pa.StructArray.from_arrays(parts, names, mask=array.is_null())
    return array


def _plain_extension(array: pa.Array) -> pa.Array:
    name = getattr(array.type, "extension_name", "")
    if name == "arrow.uuid":
        return uuid_texts(array.storage)
    if name == "arrow.bool8":
        return array.storage.cast(pa.bool_())
    if name in ("pandas.period", "pandas.interval"):
        problem = f"a column of {name.replace('.', ' ')}s, which no rule can use: give dates"
        return Unreadable(problem).of(array.storage.to_pylist())
    if name == "arrow.opaque" and array.type.type_name in ("hugeint", "uhugeint"):
        return _wide_integers(array.storage, signed=array.type.type_name == "hugeint")
    return plain(array.storage)


def _wide_integers(array: pa.Array, signed: bool) -> pa.Array:
    """Return DuckDB's integers of 128 bits, which are bytes where Arrow has no type of them."""
    values = array.to_pylist()
    return pa.array(
        [
            None if value is None else Decimal(int.from_bytes(value, "little", signed=signed))
            for value in values
        ]
    )


def uuid_texts(array: pa.Array) -> pa.Array:
    """Return the bytes of UUIDs as the texts that everybody writes."""
    return pa.array([_uuid(value) for value in array.to_pylist()], pa.string())


def untyped(array: pa.Array) -> pa.Array:
    """Return a column of nulls, or of lists or maps of nothing but nulls, without a type of them.

    So that what has no value has any type, whatever the frame says.
    """
    if array.null_count == len(array):
        return pa.nulls(len(array))
    if is_listlike(array.type) and _is_nothing(array.flatten()):
        starts = offsets(array).cast(pa.int32())
        return pa.ListArray.from_arrays(starts, pa.nulls(len(array.values)))
    if pa.types.is_map(array.type) and _is_nothing(array.items):
        return pa.MapArray.from_arrays(offsets(array), array.keys, pa.nulls(len(array.items)))
    if pa.types.is_struct(array.type):
        fields = array.flatten()
        if fields and all(map(_is_nothing, fields)):
            names = [field.name for field in array.type]
            nothing = [pa.nulls(len(array)) for _ in names]
            return pa.StructArray.from_arrays(nothing, names, mask=array.is_null())
    return array


def _is_nothing(values: pa.Array) -> bool:
    """Return whether all are missing: null, or NaN."""
    missing = pc.is_null(values, nan_is_null=pa.types.is_floating(values.type))
    return bool(pc.all(missing, min_count=0).as_py())


def _uuid(value: bytes | None) -> str | None:
    if value is None:
        return None
    digits = value.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def as_text(array: pa.Array, where: str) -> pa.Array:
    """Return texts, whole numbers and booleans as text, by which sums can go.

    Raises:
        DataError: Other values.
    """
    array = plain(array)
    kind = array.type
    try:
        if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            array = array.cast(pa.int64())
        elif not (
            pa.types.is_string(kind)
            or pa.types.is_integer(kind)
            or pa.types.is_boolean(kind)
            or pa.types.is_null(kind)
        ):
            raise DataError(
                f"{where}: holds {kind}, by which nothing can be summed up: name a column of "
                f"texts, whole numbers or booleans"
            )
        return array.cast(pa.string())
    except pa.ArrowInvalid:
        raise DataError(f"{where}: holds fractions, by which nothing can be summed up") from None


def is_number(kind: pa.DataType) -> bool:
    """Return whether a column of this type holds numbers; booleans are none."""
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )


def doubles(array: pa.Array, where: str) -> NDArray[np.float64]:
    """Read numbers as the nearest doubles, NaN where null.

    Raises:
        DataError: A whole number beyond ±2⁵³.
    """
    beyond = beyond_doubles(array)
    if beyond.any():
        raise DataError(f"{where}: {beyond_problem(array.filter(pa.array(beyond)).to_pylist())}")
    return nearest_doubles(array)


def beyond_problem(values: list[Any]) -> str:
    """Say what is wrong with whole numbers beyond ±2⁵³."""
    shown = ", ".join(str(value) for value in values[:_EXAMPLES])
    return (
        f"{len(values)} values are integers beyond 2**53, which cannot be compared exactly, such "
        f"as {shown}"
    )


def finite_doubles(
    array: pa.Array, where: str, rows: NDArray[np.int64] | None = None
) -> NDArray[np.float64]:
    """Read numbers as doubles, NaN where null, and refuse infinite ones too.

    Args:
        array: Numbers.
        where: What they are, for the message.
        rows: Whose they are; None: each is a row's.
    """
    numbers = doubles(array, where)
    endless = np.isinf(numbers)
    if endless.any():
        raise DataError(f"{where}: {infinite_problem(numbers, endless, rows)}")
    return numbers


def infinite_problem(
    numbers: NDArray[np.float64],
    endless: NDArray[np.bool_],
    rows: NDArray[np.int64] | None = None,
) -> str:
    """Say which values are infinite, with the rows of the first."""
    found = np.flatnonzero(endless)[:_EXAMPLES]
    places = found if rows is None else rows[found]
    shown = ", ".join(f"row {row}: {numbers[at]}" for row, at in zip(places, found, strict=True))
    return f"{int(endless.sum())} values are infinite ({shown})"


def beyond_doubles(array: pa.Array) -> NDArray[np.bool_]:
    """Return which integers and whole decimals are beyond ±2⁵³, so that a double may miss them."""
    kind = array.type
    if pa.types.is_integer(kind) and kind.bit_width == 64:
        whole = array.fill_null(0).to_numpy(zero_copy_only=False)
        large: NDArray[np.bool_] = whole > MAX_INTEGER
        return large if pa.types.is_unsigned_integer(kind) else large | (whole < -MAX_INTEGER)
    if pa.types.is_decimal(kind) and len(array):
        codes, distinct = _distinct(array)
        large = np.abs(_parsed(distinct)) >= MAX_INTEGER
        for place in np.flatnonzero(large):
            large[place] = whole_beyond(distinct[place].as_py())
        return np.append(large, False)[codes]
    return np.zeros(len(array), bool)


def whole_beyond(value: Decimal) -> bool:
    """Return whether a decimal is a whole number beyond ±2⁵³, whatever the context's precision."""
    large = value.is_finite() and value.copy_abs() > MAX_INTEGER
    return large and value == value.to_integral_value()


def nearest_doubles(array: pa.Array) -> NDArray[np.float64]:
    """Read numbers as the nearest doubles, NaN where null, whether or not these are exact."""
    kind = array.type
    if pa.types.is_decimal(kind):
        codes, distinct = _distinct(array)
        return np.append(_parsed(distinct), np.nan)[codes]
    numbers: NDArray[np.float64] = array.cast(pa.float64(), safe=False).to_numpy(
        zero_copy_only=False
    )
    return numbers


def _distinct(array: pa.Array) -> tuple[NDArray[np.int64], pa.Array]:
    """Return the distinct values, and for each row the place of its own; the last one for null."""
    encoded = array.dictionary_encode()
    codes = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
    return codes.astype(np.int64), encoded.dictionary


def _parsed(decimals: pa.Array) -> NDArray[np.float64]:
    """Turn decimals to the nearest doubles; Arrow's own cast is off by a bit in every third."""
    numbers: NDArray[np.float64] = (
        decimals.cast(pa.string()).cast(pa.float64()).to_numpy(zero_copy_only=False)
    )
    return numbers


def other_type(where: str, found: pa.DataType, held: pa.DataType) -> DataError:
    """Return the error for values that the type of their column cannot hold."""
    if is_number(found) and is_number(held):
        return DataError(
            f"{where}: holds {found}, but its column is {held}, which does not hold every value "
            f"exactly"
        )
    return DataError(f"{where}: holds {in_words(found)}, but its column holds {in_words(held)}")


def in_words(kind: pa.DataType) -> str:
    """Return what a column holds, in words that are the same for every kind of frame."""
    types = pa.types
    if is_number(kind):
        return "numbers"
    if types.is_timestamp(kind):
        return "times" if kind.tz is None else "times with a time zone"
    pairs = is_listlike(kind) and types.is_struct(kind.value_type)
    if types.is_map(kind) or (pairs and kind.value_type.num_fields == 2):
        keys, items = kind.value_type if pairs else (kind.key_field, kind.item_field)
        return f"maps from {in_words(keys.type)} to {in_words(items.type)}"
    if is_listlike(kind):
        return f"lists of {in_words(kind.value_type)}"
    if types.is_struct(kind):
        held = {in_words(field.type) for field in kind} - {"nothing"} or {"nothing"}
        return f"maps from text to {' and '.join(sorted(held))}"
    if types.is_date(kind):
        return "dates"
    if types.is_duration(kind) or types.is_interval(kind):
        return "durations"
    if types.is_time(kind):
        return "times of day"
    if types.is_fixed_size_binary(kind) or kind in (pa.binary(), pa.large_binary()):
        return "bytes"
    words = {pa.string(): "text", pa.bool_(): "booleans", pa.null(): "nothing"}
    return words.get(kind, str(kind))


def is_listlike(kind: pa.DataType) -> bool:
    """Return whether a column of this type holds lists: of one length or of several."""
    types = pa.types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def offsets(array: pa.Array) -> pa.Array:
    """Return where rows begin, null for a row that is null."""
    known = np.append(~array.is_null().to_numpy(zero_copy_only=False), True)
    return pc.if_else(pa.array(known), array.offsets, pa.scalar(None, array.offsets.type))
