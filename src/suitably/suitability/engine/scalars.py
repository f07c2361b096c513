"""The values of one user as Python scalars, and as columns of one row."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from suitably.suitability.language.types import (
    BOOLEAN,
    Column,
    Declaration,
    Kleene,
    MapColumn,
    Type,
    Values,
)

__all__ = ["Cell", "Scalar", "column_of", "scalar_at", "type_of"]

# A float for a number, an int for a text, level, date, duration or period (as in `Values.data`),
# a frozenset for a list, a `MapColumn` of one row for a map, a bool for a condition; None: unknown.
Scalar = Any

_KNOWN, _UNKNOWN = np.array([True]), np.array([False])
_NUMBERS = {"number": np.float64}
for _array in (_KNOWN, _UNKNOWN):
    _array.setflags(write=False)


@dataclass(frozen=True, eq=False, slots=True)
class Cell:
    """A field as a rule reads it: the same object wherever it is read so.

    Attributes:
        name: The field.
        declared: As the policy declares it.
        by_day: Whether a date is read as the day that its own time zone says.
        kind: Its type.
    """

    name: str
    declared: Declaration
    by_day: bool
    kind: Type


def type_of(column: Column) -> Type:
    """Return the type of a column; conditions have the type boolean."""
    return BOOLEAN if isinstance(column, Kleene) else column.type


def scalar_at(column: Column, row: int) -> Scalar:
    """Return one value of a column along one side."""
    if isinstance(column, Kleene):
        return True if column.true.item(row) else False if column.false.item(row) else None
    if not column.known.item(row):
        return None
    value, extra = column.data.item(row), column.extra
    if isinstance(extra, MapColumn):
        return extra.take(np.array([value]))
    return value if extra is None else extra[value]


def column_of(kind: Type, value: Scalar) -> Column:
    """Return a one-dimensional column of one value."""
    if kind == BOOLEAN:
        return Kleene(_KNOWN if value is True else _UNKNOWN, _KNOWN if value is False else _UNKNOWN)
    if value is None:
        return Values(kind, np.zeros(1, np.int64), _UNKNOWN)
    if isinstance(value, MapColumn):
        return Values(kind, np.zeros(1, np.int64), _KNOWN, value)
    if isinstance(value, frozenset):
        return Values(kind, np.zeros(1, np.int64), _KNOWN, (value,))
    return Values(kind, np.array([value], _NUMBERS.get(kind.name, np.int64)), _KNOWN)
