"""Canonical bytes of an answer: equal where two answers are, bit patterns of floats included."""

import hashlib
import struct
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import singledispatch
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from scipy import sparse

_SHORT = 8
_LONG = 200


def digest(value: Any) -> str:
    """Return the sha256 of an answer's canonical bytes.

    Raises:
        TypeError: A type whose bytes nobody has defined.
    """
    sha = hashlib.sha256()
    for part in _parts(value):
        sha.update(len(part).to_bytes(8, "big"))
        sha.update(part)
    return sha.hexdigest()


def summary(value: Any) -> str:
    """Return what a person needs to see where two answers part."""
    columns = _columns(value)
    if columns is not None:
        rows = len(next(iter(columns.values()))) if columns else 0
        heads = [f"{name} {digest(column)[:_SHORT]}" for name, column in columns.items()]
        first = [list(_plain(column[:2])) for column in columns.values()]
        return f"{rows:,} rows; {', '.join(heads)}; first: {_cut(repr(first))}"
    if isinstance(value, np.ndarray) and value.dtype == bool:
        return f"bool {value.shape}, {value.sum():,} true"
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}, {_cut(repr(value.ravel()[:4].tolist()))}"
    if sparse.issparse(value):
        return f"sparse {value.dtype} {value.shape}, {value.nnz} stored"
    if isinstance(value, Mapping):
        return _cut(", ".join(f"{key} {digest(part)[:_SHORT]}" for key, part in value.items()))
    if isinstance(value, list | tuple) and len(repr(value)) > _LONG:
        return f"{len(value)} parts {[digest(one)[:_SHORT] for one in value[:16]]}"
    return _cut(value if isinstance(value, str) else repr(value))


def text(value: Any) -> str:
    """Return the whole answer in lines that two versions' can be compared by."""
    columns = _columns(value)
    if columns is not None:
        rows = zip(*(_plain(column) for column in columns.values()), strict=True)
        return "\n".join([repr(list(columns)), *map(repr, rows)])
    if sparse.issparse(value):
        return text(value.toarray())
    if isinstance(value, np.ndarray):
        return "\n".join(map(repr, value.tolist())) if value.ndim else repr(value)
    if isinstance(value, Mapping):
        return "\n".join(f"{key!r}: {text(one)}" for key, one in value.items())
    if isinstance(value, list | tuple):
        return "\n".join(text(one) for one in value)
    return value if isinstance(value, str) else repr(value)


def _cut(words: str) -> str:
    words = words.replace("\n", " / ")
    return words if len(words) <= _LONG else f"{words[:_LONG]}…"


def _columns(value: Any) -> dict[str, Any] | None:
    if isinstance(value, pd.DataFrame):
        return {str(name): value[name] for name in value.columns}
    if isinstance(value, pl.DataFrame):
        return {name: value[name] for name in value.columns}
    if isinstance(value, pa.Table):
        return {name: value[name] for name in value.column_names}
    return None


def _plain(column: Any) -> list[Any]:
    return column.to_pylist() if hasattr(column, "to_pylist") else column.to_list()


@singledispatch
def _parts(value: Any) -> Iterator[bytes]:
    raise TypeError(f"no canonical bytes for {type(value).__name__}")


@_parts.register(type(None))
@_parts.register(type(pd.NaT))
@_parts.register(type(pd.NA))
@_parts.register(bool)
@_parts.register(int)
@_parts.register(date)
@_parts.register(timedelta)
def _plainly(value: Any) -> Iterator[bytes]:
    yield f"{type(value).__name__} {value!r}".encode()


@_parts.register
def _(value: float) -> Iterator[bytes]:
    yield b"float" + struct.pack(">d", value)


@_parts.register
def _(value: str) -> Iterator[bytes]:
    yield b"str" + value.encode("utf-8", "surrogatepass")


@_parts.register
def _(value: bytes) -> Iterator[bytes]:
    yield b"bytes" + value


@_parts.register
def _(value: np.generic) -> Iterator[bytes]:
    yield from _parts(np.asarray(value))


@_parts.register
def _(value: np.ndarray) -> Iterator[bytes]:
    yield f"array {value.dtype.str} {value.shape}".encode()
    if value.dtype.hasobject:
        for one in value.ravel().tolist():
            yield from _parts(one)
    else:
        yield np.ascontiguousarray(value).tobytes()


@_parts.register(list)
@_parts.register(tuple)
def _in_order(value: Any) -> Iterator[bytes]:
    yield f"{'tuple' if isinstance(value, tuple) else 'list'} {len(value)}".encode()
    for one in value:
        yield from _parts(one)


@_parts.register
def _(value: Mapping) -> Iterator[bytes]:
    yield f"mapping {len(value)}".encode()
    for key, one in value.items():
        yield from _parts(key)
        yield from _parts(one)


@_parts.register(sparse.sparray)
@_parts.register(sparse.spmatrix)
def _stored(value: Any) -> Iterator[bytes]:
    rows = sparse.csr_array(value)
    yield f"sparse {value.format} {value.shape}".encode()
    for array in (rows.indptr, rows.indices, rows.data):
        yield from _parts(array)


@_parts.register
def _(value: pd.DataFrame) -> Iterator[bytes]:
    yield f"pandas {value.shape} {type(value.index).__name__}".encode()
    yield from _parts(value.index.to_list())
    for name in value.columns:
        yield from _parts(name)
        yield from _parts(value[name])


@_parts.register
def _(value: pd.Series) -> Iterator[bytes]:
    yield f"series {value.dtype!r}".encode()
    if isinstance(value.dtype, np.dtype):
        yield from _parts(value.to_numpy())
    elif isinstance(value.dtype, pd.CategoricalDtype):
        yield from _parts(value.cat.codes.to_numpy())
        yield from _parts(value.cat.categories.to_list())
    else:
        yield from _parts(pa.chunked_array(pa.array(value, from_pandas=True)))


@_parts.register
def _(value: pl.DataFrame) -> Iterator[bytes]:
    yield f"polars {value.shape}".encode()
    for column in value.iter_columns():
        yield from _parts(column.name)
        yield from _parts(column)


@_parts.register
def _(value: pl.Series) -> Iterator[bytes]:
    yield f"series {value.dtype}".encode()
    yield from _parts(pa.chunked_array([value.to_arrow()]))


@_parts.register(pa.Table)
@_parts.register(pa.RecordBatch)
def _table(value: Any) -> Iterator[bytes]:
    yield f"{type(value).__name__} {value.shape}".encode()
    for name in value.column_names:
        yield from _parts(name)
        yield from _parts(pa.chunked_array(value[name]))


@_parts.register
def _(value: pa.ChunkedArray) -> Iterator[bytes]:
    array = value.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], value.type)
    yield f"arrow {array.type} {len(array)}".encode()
    valid = array.is_valid().to_numpy(zero_copy_only=False)
    yield np.packbits(valid).tobytes()
    if pa.types.is_integer(array.type) or pa.types.is_floating(array.type):
        yield array.filter(pa.array(valid)).to_numpy(zero_copy_only=False).tobytes()
    elif pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        texts = array.filter(pa.array(valid)).to_pylist()
        yield np.array([len(text) for text in texts], np.int64).tobytes()
        yield "".join(texts).encode("utf-8", "surrogatepass")
    else:
        for one in array.to_pylist():
            yield from _parts(one)
