"""The boundary: any frame in as Arrow, Arrow out as the caller's kind of frame."""

from collections.abc import Iterable
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from suitably.data.clock import UNNAMED
from suitably.data.objects import from_objects
from suitably.data.values import Unreadable, one_array, plain, uuid_texts
from suitably.errors import DataError
from suitably.typing import FrameKind

__all__ = ["blanked", "fieldless", "read_frame", "take_rows", "write_frame"]


def read_frame(frame: Any, name: str, *, copy: bool = True) -> tuple[pa.Table, FrameKind]:
    """Read a frame without changing it.

    Args:
        frame: A pandas, polars (eager or lazy), PyArrow or DuckDB frame.
        name: What the frame is, for messages.
        copy: Whether columns of pandas are copied, so that the caller may change the frame in
            place later; a function that keeps nothing of them need not.

    Returns:
        The table, text and dictionaries in plain types and NaN as null, a column whose values have
        no common type as `Unreadable`; and the kind of frame that goes back to this caller:
        `"pandas"`, `"polars"` or `"pyarrow"`.

    Raises:
        DataError: Not a frame.
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
    # Arrow has no unsigned type of 128 bits: DuckDB hands the upper half over as negative.
    unsigned = {name for name, one in wrapped.collect_schema().items() if one == nw.UInt128}
    if isinstance(wrapped, nw.LazyFrame):
        wrapped = wrapped.collect(backend=None if kind == "polars" else "pyarrow")
    if not all(isinstance(column, str) for column in columns):
        raise DataError(f"{name}: column names must be text, got {columns}")
    if len(set(columns)) < len(columns):
        raise DataError(f"{name}: a column name occurs twice in {columns}")
    uuids = _uuid_columns(frame)
    arrays = [_read_column(wrapped[column], kind, column in uuids, copy) for column in columns]
    for place, column in enumerate(columns):
        if column in unsigned and pa.types.is_decimal(arrays[place].type):
            arrays[place] = _unsigned(arrays[place])
    out: FrameKind = "pyarrow"
    if kind in ("pandas", "polars"):
        out = kind
    return pa.table(dict(zip(columns, arrays, strict=True))), out


def write_frame(table: pa.Table, kind: str) -> Any:
    """Turn a table into the kind of frame that `read_frame` met; what is unreadable is text."""
    for place, field in enumerate(table.schema):
        if isinstance(field.type, Unreadable):
            table = table.set_column(place, field.name, table[place].cast(pa.string()))
    if kind == "pandas":
        return table.to_pandas()
    return nw.from_arrow(table, backend="polars").to_native() if kind == "polars" else table


def fieldless(rows: int) -> pa.Table:
    """Return a table of rows without columns."""
    return pa.table({"_": pa.nulls(rows)}).select([])


def take_rows(table: pa.Table, rows: pa.Array) -> pa.Table:
    """Return some rows of a table, null for null; Arrow forgets the rows of one without columns."""
    return table.take(rows) if table.num_columns else fieldless(len(rows))


def blanked(table: pa.Table, names: Iterable[str], rows: NDArray[np.bool_]) -> pa.Table:
    """Return a table whose columns of some names, where it has them, are null in some rows.

    Example:
        >>> table = pa.table({"user_id": ["ann", "bob"], "income": [1.0, 2.0]})
        >>> blanked(table, ["income", "religion"], np.array([True, False]))["income"].to_pylist()
        [None, 2.0]
    """
    for name in names:
        if name in table.column_names:
            column = table[name]
            # Rows are taken and not chosen among, which Arrow cannot do for every type.
            kept = pa.array(np.arange(len(table)), mask=rows)
            table = table.set_column(table.column_names.index(name), name, column.take(kept))
    return table


def _uuid_columns(frame: Any) -> set[str]:
    """Return the columns of an Arrow table that only the fields' metadata call UUIDs."""
    if not isinstance(frame, pa.Table):
        return set()
    said = {b"ARROW:extension:name": b"arrow.uuid"}.items()
    return {field.name for field in frame.schema if said <= (field.metadata or {}).items()}


def _unsigned(array: pa.Array) -> pa.Array:
    if not pc.less(array, 0).fill_null(False).to_numpy(zero_copy_only=False).any():
        return array
    return from_objects([None if one is None else int(one) % 2**128 for one in array.to_pylist()])


def _read_column(series: Any, kind: str, uuid: bool, copy: bool) -> pa.Array:
    """Read a column; one whose values have no common type is kept aside."""
    if series.dtype == nw.Object:
        array = from_objects(series.to_list())
    else:
        try:
            native = series.to_native()
            array = native if isinstance(native, pa.ChunkedArray) else series.to_arrow()
        except (pa.ArrowException, TypeError, ValueError):  # such as 128-bit integers of polars
            array = from_objects(series.to_list())
    if isinstance(array, pa.ChunkedArray):
        array = one_array(array)
    elif kind == "pandas" and copy:
        array = pa.concat_arrays([array])  # a copy: the caller may change the frame in place
    if kind == "duckdb" and pa.types.is_timestamp(array.type) and array.type.tz is not None:
        array = array.cast(pa.timestamp(array.type.unit, UNNAMED))  # its zone is the session's
    return uuid_texts(array) if uuid and array.type == pa.binary(16) else plain(array)
