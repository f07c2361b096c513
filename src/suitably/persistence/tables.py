"""Parquet from elsewhere: no more room than is justified, and no types that others define."""

import base64
import re
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from suitably.persistence.parquet_pages import Page, pages

__all__ = ["plain_columns", "read_table", "refuse_extensions"]

_MAGIC = b"PAR1"
_FOOTER = 1 << 24
_TEXT = re.compile(rb"[A-Za-z0-9+/]{12,}")
_EXTENSION = b"ARROW:extension"
# What a table may take: a bomb takes many thousand times its size, honest columns rarely hundreds.
_ROOM, _TIMES = 1 << 32, 256
_OF_TEXT = 1 << 28
_WIDTHS = {"BOOLEAN": 1, "INT32": 4, "FLOAT": 4, "INT64": 8, "DOUBLE": 8, "INT96": 12}


def plain_columns(schema: pa.Schema, tables: Iterable[pa.Table]) -> list[str]:
    """Name the columns that are better written one value after the other, not as a dictionary.

    A text that is long and repeated would be read as a bomb: little that becomes much.

    Args:
        schema: Of the tables.
        tables: One after the other.
    """
    longest = {field.name: 0 for field in schema if pa.types.is_string(field.type)}
    rows = 0
    for table in tables if longest else ():
        rows += table.num_rows
        for name in longest:
            longest[name] = max(longest[name], _longest(table[name]))
    return [name for name, length in longest.items() if length * rows > _OF_TEXT]


def read_table(octets: NDArray[np.uint8], rows: int | None = None) -> pa.Table:
    """Read a Parquet file.

    Args:
        octets: Its bytes.
        rows: How many it must have; None: any.

    Raises:
        ValueError: It is none, has other rows, takes far more room than its size justifies, or has
            columns of a type that somebody defined.
    """
    data = octets.tobytes()
    length = int.from_bytes(data[-8:-4], "little")
    if data[-4:] != _MAGIC or not 0 < length <= min(len(data) - 12, _FOOTER):
        raise ValueError("is no table")
    _refuse_extensions_in(data[-8 - length : -8])
    file = pq.ParquetFile(pa.BufferReader(pa.py_buffer(data)))
    _check_size(file.metadata, data, rows)
    table = file.read(use_threads=False)
    for field in table.schema:
        refuse_extensions(field.type)
    table.validate(full=True)
    return table


def refuse_extensions(kind: pa.DataType) -> None:
    """Refuse a type, or one that it is made of, that somebody defined.

    Raises:
        ValueError: There is one.
    """
    if isinstance(kind, pa.BaseExtensionType):
        raise ValueError(f"has a column of type {kind}, which is no plain one")
    for place in range(kind.num_fields):
        refuse_extensions(kind.field(place).type)


def _refuse_extensions_in(footer: bytes) -> None:
    """Refuse names of extension types before Arrow asks whoever registered them.

    They are in Arrow's own schema, which the footer holds in base64.
    """
    for run in _TEXT.finditer(footer):
        for start in range(4):
            part = run[0][start:]
            if _EXTENSION in base64.b64decode(part[: len(part) // 4 * 4]):
                raise ValueError("has a column of a type that is no plain one")


def _check_size(metadata: Any, data: bytes, rows: int | None) -> None:
    if not str(metadata.created_by).startswith("parquet-cpp-arrow version "):
        raise ValueError("was not written by Arrow")
    if rows is not None and metadata.num_rows != rows:
        raise ValueError(f"has {metadata.num_rows} rows, not {rows}")
    room = _ROOM + _TIMES * len(data)
    compressed = 0
    for group in range(metadata.num_row_groups):
        part = metadata.row_group(group)
        for place in range(part.num_columns):
            column = part.column(place)
            if column.physical_type == "FIXED_LEN_BYTE_ARRAY":
                width = metadata.schema.column(place).length
            else:
                width = _WIDTHS.get(column.physical_type, 0)
            compressed += column.total_compressed_size
            room -= _decoded(column, data, width)
            if room < 0 or compressed > len(data):
                raise ValueError("would take far more room than its size justifies")


def _decoded(column: Any, data: bytes, width: int) -> int:
    """Return at most how many bytes a column chunk becomes; texts have no width."""
    found = list(_found(column, data))
    unpacked = sum(page.unpacked for page in found)
    values = sum(page.values for page in found if not page.is_dictionary)
    if values * 4 > _ROOM:
        return values * 4
    if not width:
        width = max((page.unpacked for page in found if page.is_dictionary), default=0)
        if width * values > _ROOM:
            width = _longest_entry(column, data, next(page for page in found if page.is_dictionary))
    return unpacked + values * (width + 4)


def _found(column: Any, data: bytes) -> Iterator[Page]:
    start = column.data_page_offset
    if column.has_dictionary_page and 0 < column.dictionary_page_offset < start:
        start = column.dictionary_page_offset
    return pages(data, start, start + column.total_compressed_size)


def _longest_entry(column: Any, data: bytes, page: Page) -> int:
    """Return the length of the longest text in a dictionary page: lengths before texts."""
    packed = data[page.start : page.end]
    if column.compression != "UNCOMPRESSED":
        codec = pa.Codec(column.compression.lower())
        packed = codec.decompress(packed, page.unpacked, asbytes=True)
    place = longest = 0
    while place < len(packed):
        length = int.from_bytes(packed[place : place + 4], "little")
        longest = max(longest, length)
        place += 4 + length
    return longest


def _longest(column: pa.ChunkedArray) -> int:
    return int(pc.max(pc.binary_length(column)).as_py() or 0)
