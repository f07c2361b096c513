"""The boundary: any frame in as Arrow, Arrow out as the caller's kind of frame."""

from datetime import date, datetime, time
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa

from suitably.data.clock import UNNAMED
from suitably.errors import DataError
from suitably.typing import FrameKind

__all__ = ["fieldless", "read_frame", "take_rows", "write_frame"]


def read_frame(frame: Any, name: str) -> tuple[pa.Table, FrameKind]:
    """Read a frame without changing it.

    Args:
        frame: A pandas, polars (eager or lazy), PyArrow or DuckDB frame.
        name: What the frame is, for messages.

    Returns:
        The table, text and dictionaries in plain types and NaN as null; and the kind of frame that
        goes back to this caller: `"pandas"`, `"polars"` or `"pyarrow"`.

    Raises:
        DataError: Not a frame, or a column whose values have no common type.
    """
    try:
        wrapped = nw.from_native(frame)
        columns = list(wrapped.columns)
    except nw.exceptions.NarwhalsError as error:
        raise DataError(f"{name}: cannot be read: {error}") from None
    except TypeError:
        found = type(frame).__name__
        raise DataError(
            f"{name}: expected a pandas, polars, PyArrow or DuckDB frame, got {found}"
        ) from None
    kind = wrapped.implementation.value
    if isinstance(wrapped, nw.LazyFrame):
        wrapped = wrapped.collect(backend=None if kind == "polars" else "pyarrow")
    if not all(isinstance(column, str) for column in columns):
        raise DataError(f"{name}: column names must be text, got {columns}")
    if len(set(columns)) < len(columns):
        raise DataError(f"{name}: a column name occurs twice in {columns}")
    arrays = [_read_column(wrapped[column], f"{name}.{column}", kind) for column in columns]
    out: FrameKind = "pyarrow"
    if kind in ("pandas", "polars"):
        out = kind
    return pa.table(dict(zip(columns, arrays, strict=True))), out


def write_frame(table: pa.Table, kind: str) -> Any:
    """Turn a table into the kind of frame that `read_frame` met."""
    if kind == "pandas":
        return table.to_pandas()
    return nw.from_arrow(table, backend="polars").to_native() if kind == "polars" else table


def fieldless(rows: int) -> pa.Table:
    """Return a table of rows without columns."""
    return pa.table({"_": pa.nulls(rows)}).select([])


def take_rows(table: pa.Table, rows: pa.Array) -> pa.Table:
    """Return some rows of a table, null for null; Arrow forgets the rows of one without columns."""
    return table.take(rows) if table.num_columns else fieldless(len(rows))


def _read_column(series: Any, name: str, kind: str) -> pa.Array:
    if series.dtype == nw.Object and kind != "pandas":
        raise DataError(f"{name}: holds Python objects, which have no common type")
    if series.dtype == nw.Object:
        array = _read_objects(series.to_native(), name)
    else:
        try:
            array = series.to_arrow()
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise DataError(f"{name}: cannot be read as one type: {error}") from None
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if kind == "duckdb" and pa.types.is_timestamp(array.type) and array.type.tz is not None:
        array = array.cast(pa.timestamp(array.type.unit, UNNAMED))  # its zone is the session's
    return _plain(array)


def _read_objects(series: Any, name: str) -> pa.Array:
    """Read a pandas column of Python objects, sets as lists and dictionaries as maps."""
    values = series.to_numpy()
    present = series.notna().to_numpy()
    kinds = {type(value) for value in values[present]}
    nullable: list[Any] = [v if p else None for v, p in zip(values, present, strict=True)]
    if kinds and kinds <= {set, frozenset}:
        nullable = [None if v is None else list(v) for v in nullable]
    zones: set[str] = set()
    if any(issubclass(kind, date) for kind in kinds):
        nullable = _moments(nullable, name)
        zones = {str(getattr(value, "tzinfo", None)) for value in nullable if value is not None}
    mapping = bool(kinds) and kinds <= {dict}
    if mapping:
        nullable = [None if v is None else list(v.items()) for v in nullable]
    try:
        array = pa.array(nullable, type=pa.map_(pa.string(), pa.float64()) if mapping else None)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        found = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise DataError(f"{name}: values of no common type ({found})") from None
    # Arrow has one zone per column, and would show all in the first value's.
    return array.cast(pa.timestamp("us", UNNAMED)) if len(zones) > 1 else array


def _moments(values: list[Any], name: str) -> list[Any]:
    """Return dates and times one type: a bare date beside times is its midnight."""
    timed = [value for value in values if isinstance(value, datetime)]
    zones = {value.tzinfo is not None for value in timed}
    bare = any(isinstance(v, date) and not isinstance(v, datetime) for v in values)
    if len(zones) > 1 or (bare and zones == {True}):
        raise DataError(f"{name}: some moments have a time zone, some have none")
    if not timed:
        return values
    finer = sum(getattr(value, "nanosecond", 0) != 0 for value in timed)
    if finer:
        raise DataError(f"{name}: {finer} moments are finer than a microsecond, which would be cut")
    return [
        datetime.combine(value, time())
        if isinstance(value, date) and not isinstance(value, datetime)
        else value
        for value in values
    ]


def _plain(array: pa.Array) -> pa.Array:
    """Decode dictionaries, use one type of text and of fractions, and write NaN as null."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        array = array.dictionary_decode()
        kind = array.type
    if pa.types.is_large_string(kind) or kind == pa.string_view():
        return array.cast(pa.string())
    if pa.types.is_floating(kind):
        values = array.cast(pa.float64())
        numbers = values.to_numpy(zero_copy_only=False)
        return pa.array(numbers, mask=np.isnan(numbers)) if np.isnan(numbers).any() else values
    return array
