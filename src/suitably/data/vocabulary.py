"""Vocabularies: external ids outside, integer codes inside."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from suitably.data.digests import digests
from suitably.data.objects import from_objects
from suitably.data.values import MAX_INTEGER, Unreadable, in_words, one_array, plain
from suitably.errors import DataError

__all__ = ["WIDE", "Vocabulary", "distinct_ids", "id_array", "id_kind", "same_ids"]

_FEW = 64


def id_array(values: Any, name: str) -> pa.Array:
    """Read ids exactly: text, int64, or uint64 or decimal128(38, 0) where int64 is too narrow.

    Whole decimals are whole numbers, UUIDs text. Whole floats below 2⁵³ are read as integers, since
    pandas stores integers with a gap that way.

    Raises:
        DataError: The values are neither whole numbers nor text, or not exact.
    """
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise DataError(f"{name}: expected a list of ids, got {values!r:.50}")
    try:
        array = _column(values)
    except (pa.ArrowException, TypeError, ValueError, LookupError, OverflowError):
        array = None
    if array is None or isinstance(array.type, Unreadable):
        why = "" if array is None else f": {array.type.problem}"
        raise DataError(f"{name}: ids must be all integers or all text{why}")
    kind = array.type
    if pa.types.is_string(kind) or kind == pa.int64():
        return array
    if pa.types.is_floating(kind):
        _refuse_inexact(array, name)
    elif pa.types.is_decimal(kind):
        array = _whole(array, name)
    elif not (pa.types.is_integer(kind) or pa.types.is_null(kind)):
        raise DataError(f"{name}: ids must be integers or text, not {in_words(kind)}")
    return _narrowest(array, name)


def _column(values: Any) -> pa.Array:
    if type(values) is list and len(values) == 1 and type(values[0]) in _PLAIN_IDS:
        try:
            return pa.array(values, _PLAIN_IDS[type(values[0])])
        except OverflowError:  # a whole number beyond 64 bits
            pass
    if isinstance(values, pa.ChunkedArray):
        values = one_array(values)
    if not isinstance(values, pa.Array):
        dtype = getattr(values, "dtype", None)
        objects = isinstance(values, list | tuple) or getattr(dtype, "kind", "") in ("O", "T")
        values = from_objects(list(values)) if objects else _array(values)
    return plain(values)


def _array(values: Any) -> pa.Array:
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):  # as 128 bits of polars
        return from_objects(list(values))


def _refuse_inexact(array: pa.Array, name: str) -> None:
    numbers = array.fill_null(0).to_numpy(zero_copy_only=False)
    bad = numbers[(numbers != np.trunc(numbers)) | ~(np.abs(numbers) < MAX_INTEGER)]
    if len(bad):
        raise DataError(
            f"{name}: ids must be integers or text; a column of floats is one of ids where every "
            f"value is whole and below 2**53, unlike {bad[:_EXAMPLES].tolist()}"
        )


def _whole(array: pa.Array, name: str) -> pa.Array:
    """Read decimals as whole numbers of up to 38 digits."""
    values = array.unique().drop_null().to_pylist()
    broken = [str(value) for value in values if value != value.to_integral_value()]
    if broken:
        raise DataError(f"{name}: ids must be whole numbers or text, unlike {broken[:_EXAMPLES]}")
    wide = [str(value) for value in values if abs(value) >= _BEYOND]
    if wide:
        raise DataError(
            f"{name}: whole numbers of more than 38 digits, such as {wide[:_EXAMPLES]}: give such "
            f"ids as text"
        )
    return array.cast(WIDE)


def _narrowest(array: pa.Array, name: str) -> pa.Array:
    for kind in (pa.int64(), pa.uint64(), WIDE):
        try:
            return array.cast(kind)
        except pa.ArrowInvalid:
            pass
    raise DataError(f"{name}: whole numbers of more than 38 digits: give such ids as text")


def _numbers_or_texts(array: pa.Array) -> NDArray[Any]:
    """Return ids as Python and NumPy know them: whole decimals as integers."""
    if not pa.types.is_decimal(array.type):
        values: NDArray[Any] = array.to_numpy(zero_copy_only=False)
        return values
    numbers = [None if value is None else int(value) for value in array.to_pylist()]
    return np.array(numbers, object)


def id_kind(given: pa.DataType, ids: pa.DataType) -> pa.DataType:
    """Return the type in which ids go back to the caller: integers keep their width.

    Args:
        given: The type of the caller's column.
        ids: The type that `id_array` read it in.
    """
    if pa.types.is_dictionary(given):
        return id_kind(given.value_type, ids)
    return given if pa.types.is_integer(given) else ids


def distinct_ids(ids: pa.Array) -> pa.Array:
    """Return the distinct ids of a column as read, in ascending order and without null.

    Example:
        >>> distinct_ids(pa.array([7, None, 3, 7])).to_pylist()
        [3, 7]
    """
    ids = ids.drop_null()
    if bounds := _dense(ids, len(ids)):
        low, high = bounds
        occurs = np.zeros(high - low + 1, bool)
        occurs[ids.to_numpy() - low] = True
        return pa.array(np.flatnonzero(occurs) + low)
    return ids.unique().sort()


def _dense(ids: pa.Array, rows: int) -> tuple[int, int] | None:
    """Return the least and greatest id where a table by number suits so many rows; else None."""
    if ids.type != pa.int64() or not len(ids):
        return None
    low, high = (int(end.as_py()) for end in pc.min_max(ids).values())
    return (low, high) if high - low < _DENSE * rows else None


def same_ids(one: pa.DataType, other: pa.DataType) -> bool:
    """Return whether two types of ids go together: both text, or both whole numbers."""
    return bool(pa.types.is_string(one) == pa.types.is_string(other))


WIDE = pa.decimal128(38, 0)  # whole numbers of up to 38 digits
_BEYOND = 10**38
_EXAMPLES = 3
_FEW = 8
_DENSE = 4  # entries of a table by number, for each id that is looked up
_PLAIN_IDS = {int: pa.int64(), str: pa.string()}


class Vocabulary:
    """An ordered vocabulary of distinct external ids.

    Args:
        array: int64, uint64, decimal128(38, 0) or text, distinct, no nulls.
        kind: The type that the caller's ids have; default: that of the array.

    Example:
        >>> import pyarrow as pa
        >>> users = Vocabulary(pa.array(["ann", "bob"]))
        >>> users.codes(["bob", "nobody"]).tolist()
        [1, -1]
    """

    def __init__(self, array: pa.Array, kind: pa.DataType | None = None) -> None:
        self.array = array
        self.kind: pa.DataType = array.type if kind is None else kind

    def decode(self, codes: NDArray[np.integer]) -> pa.Array:
        """Return ids by position, in the caller's type."""
        return self.array.take(pa.array(codes)).cast(self.kind)

    def one(self, code: int) -> Any:
        """Return one id by position as Python has it, as `listed` does."""
        if self._is_decimal:
            return self.listed(np.array([code]))[0]
        return self.values.item(code)

    @cached_property
    def _is_decimal(self) -> bool:
        return bool(pa.types.is_decimal(self.array.type))

    def listed(self, codes: NDArray[np.integer]) -> list[Any]:
        """Return a few ids by position as Python has them: `decode(codes).to_pylist()`, sooner."""
        if self._is_decimal:
            return list(self.decode(codes).to_pylist())
        return list(self.values[codes].tolist())

    def cast_like(self, ids: pa.Array) -> pa.Array:
        """Return any ids in the caller's type, where they fit it."""
        if ids.type == self.kind:
            return ids
        try:
            return ids.cast(self.kind)
        except pa.ArrowException:
            return ids

    def subset(self, codes: NDArray[np.integer]) -> "Vocabulary":
        """Return the vocabulary of some of the ids."""
        return Vocabulary(self.array.take(pa.array(codes)), self.kind)

    def grown(self, fresh: pa.Array) -> "Vocabulary":
        """Append ids that are new; whole numbers take a wider type where they must.

        Raises:
            DataError: More than 38 digits.
        """
        if _holds(self.array.type, fresh):
            joint = pa.concat_arrays([self.array, fresh.cast(self.array.type)])
        else:
            joint = pa.concat_arrays([self.array.cast(WIDE), fresh.cast(WIDE)])
            joint = _narrowest(joint, "ids")
        return Vocabulary(joint, self.kind if _holds(self.kind, fresh) else joint.type)

    def read(self, ids: Any, name: str) -> pa.Array:
        """Read ids that somebody asks about, known or not.

        Raises:
            DataError: They are no ids, or of another type than these: numbers for text.
        """
        asked = id_array(ids, name)
        if asked.null_count < len(asked) and not same_ids(asked.type, self.array.type):
            raise DataError(
                f"{name}: holds ids of type {asked.type}, but the model's are {self.array.type}: "
                f"use one type of id"
            )
        return asked

    @cached_property
    def values(self) -> NDArray[Any]:
        """The ids in order, int64, uint64 or object, read-only."""
        values = _numbers_or_texts(self.array)
        values.setflags(write=False)
        return values

    def hashes(self, codes: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Return a hash of each code's id that is the same on every machine: half of its digest."""
        if len(codes) > _FEW or "_hashes" in vars(self):
            return self._hashes[codes]
        return _hashed(self.values[codes])

    @cached_property
    def _hashes(self) -> NDArray[np.uint64]:
        return _hashed(self.values)

    @cached_property
    def _index(self) -> "pd.Index[Any]":
        index: pd.Index[Any] = pd.Index(self.values, dtype=self.values.dtype)
        return index

    def __len__(self) -> int:
        return len(self.array)

    def codes(self, ids: Any) -> NDArray[np.int32]:
        """Return each id's position, −1 where it is not in the vocabulary.

        Args:
            ids: Ids as read; a column of Arrow may have nulls, which are nobody's.
        """
        if isinstance(ids, pa.Array):
            alike = ids.type == self.array.type and not pa.types.is_decimal(ids.type)
            if alike and len(ids) >= max(len(self), _FEW):
                return self._many(ids)
            codes = np.full(len(ids), -1, np.int32)
            known = _numbers_or_texts(ids.drop_null())
            codes[ids.is_valid().to_numpy(zero_copy_only=False)] = self.codes(known)
            return codes
        wanted = ids if isinstance(ids, np.ndarray) else np.fromiter(ids, object)
        if wanted.dtype.kind in "UT":
            wanted = wanted.astype(object)
        own = self.values.dtype
        if len(wanted) <= _FEW or (wanted.dtype.kind == "O" and own.kind != "O"):
            return np.fromiter((self._code(one) for one in wanted.tolist()), np.int32, len(wanted))
        if own.kind == "O":
            wanted = wanted.astype(object)
        fits = np.ones(len(wanted), bool)
        if wanted.dtype != own and own.kind != "O":
            wanted, fits = _in_type(wanted, own)
        found: NDArray[np.int32] = self._index.get_indexer(pd.Index(wanted)).astype(np.int32)
        found[~fits] = -1
        return found

    def has(self, ids: pa.Array) -> bool:
        """Return whether all of some ids, as read, are known; those of another type are not."""
        alike = same_ids(ids.type, self.array.type)
        return not len(ids) or (alike and bool((self.codes(ids) >= 0).all()))

    def code_of_one(self, ids: Any) -> int:
        """Return the position of the only id asked about, −1 unless it is plain and known.

        Whatever else there is, `read` tells apart and refuses; one known id needs no column.
        """
        if type(ids) is not list or len(ids) != 1 or type(ids[0]) not in _PLAIN_IDS:
            return -1
        return self._code(ids[0])

    def _many(self, ids: pa.Array) -> NDArray[np.int32]:
        """Look up at least as many ids as there are, of the same type."""
        if bounds := _dense(self.array, len(ids)):
            low, high = bounds
            places = np.full(high - low + 2, -1, np.int32)
            places[self.values - low] = np.arange(len(self), dtype=np.int32)
            numbers = (ids.fill_null(low) if ids.null_count else ids).to_numpy()
            inside = (numbers >= low) & (numbers <= high)
            if ids.null_count:
                inside &= ids.is_valid().to_numpy(zero_copy_only=False)
            known = numbers - low
            return places[known if inside.all() else np.where(inside, known, -1)]
        found = pc.index_in(ids, value_set=self.array)
        codes: NDArray[np.int32] = found.fill_null(-1).to_numpy(zero_copy_only=False)
        return codes

    def _code(self, one: Any) -> int:
        """Look one id up; the search for many has a cost that does not depend on how many."""
        if isinstance(one, np.integer):
            one = int(one)
        if type(one) not in (int, str):
            return -1
        try:
            code: Any = self._index.get_loc(one)
        except (KeyError, OverflowError):
            return -1
        return int(code)


def _holds(kind: pa.DataType, ids: pa.Array) -> bool:
    try:
        ids.cast(kind)
    except pa.ArrowInvalid:
        return False
    return True


def _in_type(wanted: NDArray[Any], own: np.dtype[Any]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return whole numbers in a type, and which of them it holds; others are 0."""
    if wanted.dtype.kind not in "iu":
        return np.zeros(len(wanted), own), np.zeros(len(wanted), bool)
    fits = wanted >= 0 if own.kind == "u" else wanted <= np.iinfo(np.int64).max
    return np.where(fits, wanted, 0).astype(own), fits


def _hashed(ids: NDArray[Any]) -> NDArray[np.uint64]:
    return digests(ids.tolist()).view("<u8")[::2].astype(np.uint64)
