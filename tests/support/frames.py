"""Tables handed in as any library's frame, and read back as rows of plain Python."""

from typing import Any

import duckdb
import polars as pl
import pyarrow as pa

__all__ = ["KINDS", "convert", "rows_of"]

KINDS = ("pandas", "polars", "lazy", "pyarrow", "duckdb")


def convert(table: pa.Table, kind: str) -> Any:
    """Hand a table in as another library's frame."""
    if kind == "pandas":
        return table.to_pandas()
    if kind in ("polars", "lazy"):
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        return frame.lazy() if kind == "lazy" else frame
    return duckdb.from_arrow(table) if kind == "duckdb" else table


def rows_of(frame: Any) -> list[dict[str, Any]]:
    """Read any frame that comes out, as rows."""
    if isinstance(frame, pa.Table):
        return frame.to_pylist()
    if isinstance(frame, pl.DataFrame):
        return frame.to_dicts()
    return pa.Table.from_pandas(frame, preserve_index=False).to_pylist()
