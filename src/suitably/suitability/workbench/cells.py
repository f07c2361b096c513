"""Cells of a case table: text that is read as the type that the policy gives its field."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from suitably.data.objects import from_objects
from suitably.suitability.language.types import Scale

__all__ = ["column_of", "kind_of"]

_BOOLEANS = {"true": True, "false": False}


def kind_of(declared: Any, cells: Sequence[str]) -> str:
    """Return how the cells of a field are read: by its declaration, else by what all of them are.

    Args:
        declared: What the policy says of the field; None: nothing.
        cells: The cells that are not empty.
    """
    if isinstance(declared, Scale):
        return "level" if isinstance(declared.levels[0], str) else "number"
    if declared is not None:
        return declared if isinstance(declared, str) else str(declared.type)
    for kind, reader in _READERS.items():
        marked = any(_MARKS.get(kind, "") in cell for cell in cells)
        if marked and all(_reads(reader, cell) for cell in cells):
            return kind
    return "text"


def column_of(kind: str, cells: Sequence[str]) -> tuple[pa.Array | None, int]:
    """Read cells as a column; an empty one is missing.

    Returns:
        The column, or None and the position of a cell that cannot be read as the type.
    """
    read = _READERS.get(kind, str)
    values: list[Any] = []
    for place, cell in enumerate(cells):
        if cell and not _reads(read, cell):
            return None, place
        values.append(read(cell) if cell else None)
    return from_objects(values), -1


def _reads(read: Any, cell: str) -> bool:
    try:
        read(cell)
    except ValueError:
        return False
    return True


def _number(cell: str) -> float:
    if cell.strip().lower() in ("nan", "inf", "-inf", "infinity") or "_" in cell:
        raise ValueError(cell)
    return float(cell)


def _boolean(cell: str) -> bool:
    if cell.lower() not in _BOOLEANS:
        raise ValueError(cell)
    return _BOOLEANS[cell.lower()]


def _moment(cell: str) -> date:
    return date.fromisoformat(cell) if len(cell) == 10 else datetime.fromisoformat(cell)


def _list(cell: str) -> list[Any]:
    parts = [part.strip() for part in cell.strip("[]").split(";") if part.strip()]
    for read in (_number, _moment):
        if all(_reads(read, part) for part in parts):
            return [read(part) for part in parts]
    return parts


def _map(cell: str) -> dict[str, Any]:
    pairs = dict(part.split("=", 1) for part in cell.strip("{}").split(";") if part.strip())
    read = _moment if all(_reads(_moment, value.strip()) for value in pairs.values()) else _number
    return {key.strip(): read(value.strip()) for key, value in pairs.items()}


_READERS: dict[str, Callable[[str], Any]] = {
    "number": _number,
    "boolean": _boolean,
    "date": _moment,
    "map": _map,
    "list": _list,
}
_MARKS = {"map": "=", "list": ";"}
