"""JSON-ready values: what `json.dumps` takes as it is, without NaN and without a custom encoder."""

import base64
import math
from collections.abc import Iterable, Mapping, Set
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa

__all__ = ["jsonable"]

_PLAIN = frozenset({bool, int, str, type(None)})


def jsonable(value: Any) -> Any:
    """Return a value as JSON has it, and what it holds likewise.

    Args:
        value: A scalar of Python, NumPy, pandas or Arrow, an array, a table, a collection or a
            record with `to_dict`.

    Returns:
        None, bool, int, float or str, or lists of them and dictionaries by text. Missing values
        and floats that are not finite are None, which is all that JSON can say; moments are
        ISO 8601; spans of time are seconds; a `Decimal` is its exact text; bytes are base64; sets
        are sorted; a table is a list of rows.

    Raises:
        TypeError: There is no such form for it.

    Example:
        >>> jsonable({"score": np.float32(0.5), "since": date(2024, 1, 2), "fee": Decimal("0.10")})
        {'score': 0.5, 'since': '2024-01-02', 'fee': '0.10'}
    """
    if type(value) in _PLAIN:
        return value
    if type(value) is float:
        return value if math.isfinite(value) else None
    if isinstance(value, Enum):
        return jsonable(value.value)
    if isinstance(value, np.ndarray) and not value.ndim:
        value = value[()]
    if isinstance(value, np.generic):
        return _numpy(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if hasattr(value, "to_dict") and not isinstance(value, type) and not hasattr(value, "dtypes"):
        return jsonable(value.to_dict())
    if isinstance(value, Mapping):
        return {_key(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, pa.Table | pa.RecordBatch):
        return [jsonable(row) for row in value.to_pylist()]
    if isinstance(value, pa.Scalar):
        return jsonable(value.as_py())
    return _scalar(value) if not _iterates(value) else _items(value)


def _numpy(value: np.generic) -> Any:
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else str(value)
    if isinstance(value, np.timedelta64):
        return None if np.isnat(value) else float(value / np.timedelta64(1, "s"))
    return jsonable(value.item())


def _scalar(value: Any) -> Any:
    if type(value).__name__ in ("NaTType", "NAType"):  # pandas' own, which equal nothing
        return None
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return str(value) if value.is_finite() else None
    if isinstance(value, UUID | PurePath):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode("ascii")
    raise TypeError(f"a {type(value).__name__} cannot be written as JSON")


def _iterates(value: Any) -> bool:
    """Return whether a value is a list of values; a frame would yield its columns' names."""
    binary = isinstance(value, bytes | bytearray | memoryview)
    return isinstance(value, Iterable) and not binary and not hasattr(value, "columns")


def _items(value: Iterable[Any]) -> list[Any]:
    if isinstance(value, Set):
        return sorted(map(jsonable, value), key=_by_type)
    return [jsonable(item) for item in value]


def _by_type(item: Any) -> tuple[str, Any]:
    return type(item).__name__, str(item) if isinstance(item, list) else item


def _key(key: Any) -> str:
    plain = jsonable(key)
    return plain if isinstance(plain, str) else "null" if plain is None else str(plain)
