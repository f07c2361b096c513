"""Arrow streams from elsewhere: no types that others define, nothing compressed, nothing askew."""

import struct
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.persistence.tables import refuse_extensions

__all__ = ["check_stream"]

_EXTENSION = b"ARROW:extension"
_BATCH, _COMPRESSION = 2, 3  # numbers of fields in Arrow's Message and RecordBatch


def check_stream(octets: NDArray[np.uint8], rows: int) -> None:
    """Refuse a stream that is not what `FromFunction` writes.

    Raises:
        ValueError: It has other rows, a dictionary, compressed values, which could be a bomb, or a
            type that somebody defined.
        pa.ArrowException: It is none.

    Source:
        Apache Arrow columnar format 1.5, "Encapsulated message format" and `Message.fbs`.
    """
    if octets.dtype != np.uint8 or octets.ndim != 1:
        raise ValueError("an Arrow stream is not bytes")
    data = pa.py_buffer(octets.tobytes())
    first, *others = pa.ipc.MessageReader.open_stream(pa.BufferReader(data))
    if first.type != "schema" or _EXTENSION in first.metadata.to_pybytes():
        raise ValueError("an Arrow stream has a column of a type that is no plain one")
    for message in others:
        if message.type != "record batch" or _is_compressed(message.metadata.to_pybytes()):
            raise ValueError("an Arrow stream holds something else than plain columns")
    with pa.ipc.open_stream(data) as reader:
        table = reader.read_all()
    for field in table.schema:
        refuse_extensions(field.type)
    table.validate(full=True)
    if table.num_columns and table.num_rows != rows:
        raise ValueError(f"an Arrow stream has {table.num_rows} rows, not {rows}")


def _is_compressed(metadata: bytes) -> bool:
    """Return whether a record batch, by its FlatBuffers table, names a compression."""
    (root,) = struct.unpack_from("<I", metadata, 0)
    header = _field(metadata, root, _BATCH)
    if header is None:
        return True
    (offset,) = struct.unpack_from("<I", metadata, header)
    return _field(metadata, header + offset, _COMPRESSION) is not None


def _field(metadata: bytes, table: int, number: int) -> Any:
    """Return where a field of a FlatBuffers table is; None where it is left out."""
    (back,) = struct.unpack_from("<i", metadata, table)
    vtable = table - back
    (size,) = struct.unpack_from("<H", metadata, vtable)
    if 4 + 2 * number >= size:
        return None
    (place,) = struct.unpack_from("<H", metadata, vtable + 4 + 2 * number)
    return table + place if place else None
