"""Vocabularies: external ids outside, integer codes inside."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from suitably.errors import DataError

__all__ = ["Vocabulary", "id_array", "id_kind"]


def id_array(values: Any, name: str) -> pa.Array:
    """Read ids as int64 or text.

    Whole floats are read as integers, since pandas stores integers with a gap that way.

    Raises:
        DataError: The values are neither integers nor text.
    """
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise DataError(f"{name}: expected a list of ids, got {values!r:.50}")
    try:
        array = values if isinstance(values, pa.Array) else pa.array(values, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, LookupError, OverflowError):
        raise DataError(f"{name}: ids must be all integers or all text") from None
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    kind = array.type
    if pa.types.is_dictionary(kind):
        return id_array(array.dictionary_decode(), name)
    if pa.types.is_string(kind) or kind == pa.int64():
        return array
    if pa.types.is_large_string(kind) or kind == pa.string_view():
        return array.cast(pa.string())
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind):
        try:
            return array.cast(pa.int64())
        except pa.ArrowInvalid:
            pass
    raise DataError(f"{name}: ids must be integers or text, not {kind}")


def id_kind(kind: pa.DataType) -> pa.DataType:
    """Return the type in which ids of a type go back to the caller: integers keep their width."""
    if pa.types.is_dictionary(kind):
        return id_kind(kind.value_type)
    if pa.types.is_integer(kind):
        return kind
    return pa.string() if "string" in str(kind) else pa.int64()


_FEW = 8


class Vocabulary:
    """An ordered vocabulary of distinct external ids.

    Args:
        array: int64 or text, distinct, no nulls.
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

    @cached_property
    def values(self) -> NDArray[Any]:
        """The ids in order, int64 or object, read-only."""
        values: NDArray[Any] = self.array.to_numpy(zero_copy_only=False)
        values.setflags(write=False)
        return values

    @cached_property
    def _index(self) -> "pd.Index[Any]":
        index: pd.Index[Any] = pd.Index(self.values, dtype=self.values.dtype)
        return index

    def __len__(self) -> int:
        return len(self.array)

    def codes(self, ids: Any) -> NDArray[np.int32]:
        """Return each id's position, −1 where it is not in the vocabulary."""
        wanted = np.asarray(ids)
        if wanted.dtype.kind == "U":
            wanted = wanted.astype(object)
        if wanted.dtype.kind in "OT" or self.values.dtype.kind == "O":
            wanted = np.asarray(ids, dtype=object)
        if len(wanted) <= _FEW and wanted.dtype == self.values.dtype:
            return np.fromiter((self._code(one) for one in wanted.tolist()), np.int32, len(wanted))
        found: NDArray[np.int32] = self._index.get_indexer(pd.Index(wanted)).astype(np.int32)
        return found

    def _code(self, one: Any) -> int:
        """Look one id up; the search for many has a cost that does not depend on how many."""
        if type(one) not in (int, str):
            return -1
        try:
            code: Any = self._index.get_loc(one)
        except KeyError:
            return -1
        return int(code)
