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
    "fields_bytes",
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


def fields_bytes(table: pa.Table) -> NDArray[np.uint8]:
    """Return the fields of every row side by side: uint8 (rows, bytes).

    A field is a byte that says whether it is there, and its value, zeros where it is missing: one
    byte of a boolean, 8 of a number (an IEEE double) or of a moment (microseconds since 1970), all
    of them little-endian, 16 of the digest of anything else.
    """
    parts = [_field_bytes(table[name].combine_chunks()) for name in table.column_names]
    return side_by_side(table.num_rows, parts)


def _field_bytes(array: pa.Array) -> NDArray[np.uint8]:
    there = array.is_valid().to_numpy(zero_copy_only=False)
    kind = field_kind(array.type)
    if kind == "value":
        values = value_digests(array)
    elif kind == "boolean":
        values = array.fill_null(False).to_numpy(zero_copy_only=False).astype(np.uint8)[:, None]
    elif kind == "number":
        numbers = array.cast(pa.float64()).fill_null(0.0).to_numpy(zero_copy_only=False)
        there = there & ~np.isnan(numbers)
        numbers = np.where(there, numbers, 0.0) + 0.0  # -0.0 is 0.0
        values = _octets(numbers.astype("<f8"))
    else:
        zone = getattr(array.type, "tz", None)
        moments = array.cast(pa.timestamp("us", zone)).cast(pa.int64()).fill_null(0)
        values = _octets(moments.to_numpy(zero_copy_only=False).astype("<i8"))
    values = values * there[:, None].astype(np.uint8)
    return np.concatenate([there[:, None].astype(np.uint8), values], axis=1)


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
    octets = [part if part.dtype == np.uint8 else _octets(part) for part in parts]
    if not octets:
        return np.zeros((rows, 0), np.uint8)
    return np.concatenate([part.reshape(rows, -1) for part in octets], axis=1)


def _octets(array: NDArray[Any]) -> NDArray[np.uint8]:
    found = np.ascontiguousarray(array).view(np.uint8)
    return found.reshape(len(array), -1)


def leaves(prefix: bytes, rows: NDArray[np.uint8]) -> list[bytes]:
    """Return the leaf of every row: SHA-256(0x00 ‖ prefix ‖ row)."""
    begun = np.frombuffer(b"\x00" + prefix, np.uint8)
    whole = np.concatenate([np.broadcast_to(begun, (len(rows), len(begun))), rows], axis=1)
    octets, width = whole.tobytes(), whole.shape[1]
    starts = range(0, len(octets), width)
    return [sha256(octets[start : start + width]).digest() for start in starts]
