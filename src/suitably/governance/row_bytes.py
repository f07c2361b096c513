"""Row bytes: each decision of a block as bytes of one width, and its leaf in the block's tree."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.arrow_columns import plain_value
from suitably.data.values import is_number
from suitably.governance.audit_record import canonical_json
from suitably.utils.json import jsonable

__all__ = [
    "DIGEST",
    "digest_of",
    "fact_bytes",
    "field_kind",
    "field_parts",
    "leaves",
    "shown_fact",
]
__all__ += ["side_by_side", "value_digests"]

DIGEST = 16
"""Bytes of a digest in a row: half of a SHA-256."""

_EPOCH = datetime(1970, 1, 1)
_MISSING = b"\x00"
_THERE = b"\x01"


def digest_of(octets: bytes | memoryview) -> bytes:
    """Return the digest that stands for a value of any length."""
    return sha256(octets).digest()[:DIGEST]


def field_kind(kind: pa.DataType) -> str:
    """Return how a field is written: as a boolean, a number, a moment, or a digest of JSON."""
    if pa.types.is_boolean(kind):
        return "boolean"
    if is_number(kind) and not pa.types.is_decimal(kind):
        return "number"
    return "moment" if pa.types.is_date(kind) or pa.types.is_timestamp(kind) else "value"


def field_parts(table: pa.Table) -> list[NDArray[Any]]:
    """Return the fields of every row as what `side_by_side` joins.

    A field is a byte that says whether it is there, and its value, zeros where it is missing: one
    byte of a boolean, 8 of a number (an IEEE double) or of a moment (microseconds since 1970), all
    of them little-endian, 16 of the digest of anything else.
    """
    columns = (table[name].combine_chunks() for name in table.column_names)
    return [part for column in columns for part in _field_parts(column)]


def _field_parts(array: pa.Array) -> tuple[NDArray[Any], NDArray[Any]]:
    kind, values = field_kind(array.type), array
    there = array.is_valid().to_numpy(zero_copy_only=False)
    if kind == "value":
        return there, value_digests(array) * there[:, None].astype(np.uint8)
    if kind == "boolean":
        return there, values.fill_null(False).to_numpy(zero_copy_only=False)
    if kind == "number":
        numbers = values.cast(pa.float64()).fill_null(0.0).to_numpy(zero_copy_only=False)
        there = there & ~np.isnan(numbers)
        return there, (np.where(there, numbers, 0.0) + 0.0).astype("<f8")  # -0.0 is 0.0
    zone = getattr(array.type, "tz", None)
    moments = values.cast(pa.timestamp("us", zone)).cast(pa.int64()).fill_null(0)
    return there, moments.to_numpy(zero_copy_only=False).astype("<i8")


def value_digests(array: pa.Array) -> NDArray[np.uint8]:
    """Return the digest of every value's JSON: uint8 (rows, 16); each distinct text once."""
    if pa.types.is_null(array.type):
        return np.zeros((len(array), DIGEST), np.uint8)
    if pa.types.is_string(array.type) or pa.types.is_integer(array.type):
        encoded = array.dictionary_encode()
        values, places = encoded.dictionary.to_pylist(), encoded.indices.fill_null(0)
        found = _digests(values)
        return found[places.to_numpy(zero_copy_only=False)] if len(found) else _none(len(array))
    return _digests([plain_value(value, array.type) for value in array.to_pylist()])


def _digests(values: Sequence[Any]) -> NDArray[np.uint8]:
    whole = b"".join(digest_of(canonical_json(jsonable(value))) for value in values)
    return np.frombuffer(whole, np.uint8).reshape(-1, DIGEST)


def _none(rows: int) -> NDArray[np.uint8]:
    return np.zeros((rows, DIGEST), np.uint8)


def shown_fact(value: Any, kind: pa.DataType) -> Any:
    """Return a field's value as JSON has it, from which `fact_bytes` makes the same bytes."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    written = field_kind(kind)
    if written == "moment":
        moment = (
            value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
        )
        if moment.tzinfo is not None:
            moment = (moment - moment.utcoffset()).replace(tzinfo=None)  # type: ignore[operator]
        return moment.isoformat()
    if written == "number":
        return float(value) if isinstance(value, float) and value % 1 else int(value)
    return bool(value) if written == "boolean" else jsonable(plain_value(value, kind))


def fact_bytes(written: str, value: Any) -> bytes:
    """Return the bytes of a field from what is shown of it.

    Raises:
        ValueError: It is no such value.
    """
    if value is None:
        width = {"boolean": 1, "number": 8, "moment": 8}.get(written, DIGEST)
        return _MISSING + bytes(width)
    if written == "boolean" and isinstance(value, bool):
        return _THERE + bytes([value])
    if written == "number" and isinstance(value, int | float) and not isinstance(value, bool):
        return _THERE + np.array([float(value) + 0.0], "<f8").tobytes()
    if written == "moment" and isinstance(value, str):
        micros = (datetime.fromisoformat(value) - _EPOCH) // timedelta(microseconds=1)
        return _THERE + micros.to_bytes(8, "little", signed=True)
    if written == "value":
        return _THERE + digest_of(canonical_json(value))
    raise ValueError(f"{value!r:.40} is no {written}")


def side_by_side(rows: int, parts: Sequence[NDArray[Any]]) -> NDArray[np.uint8]:
    """Join arrays (rows, …) of any type as bytes: uint8 (rows, bytes)."""
    columns = [_column(part) for part in parts if part.size]
    packed = [(f"f{place}", column.dtype) for place, column in enumerate(columns)]
    whole = np.empty(rows, np.dtype(packed))  # a copy of one type at a time is a quick one
    for (name, _), column in zip(packed, columns, strict=True):
        whole[name] = column
    return whole.view(np.uint8).reshape(rows, whole.dtype.itemsize)


def _column(part: NDArray[Any]) -> NDArray[Any]:
    """Return a row's values as one."""
    if part.ndim == 1:
        return part
    width = part.dtype.itemsize * int(np.prod(part.shape[1:]))
    return np.ascontiguousarray(part).reshape(len(part), -1).view(f"V{width}")[:, 0]


def leaves(prefix: bytes, rows: int, parts: Sequence[NDArray[Any]]) -> list[bytes]:
    """Return the leaf of every row: SHA-256(0x00 ‖ prefix ‖ row)."""
    begun = b"\x00" + prefix
    head = np.full(rows, np.void(begun), f"V{len(begun)}")
    whole = side_by_side(rows, [head, *parts])
    entries = whole.view(f"V{whole.shape[1]}")[:, 0].tolist() if rows else []
    return [hashed.digest() for hashed in map(sha256, entries)]
