"""One raw row as the users' side of a pair: somebody whom no table holds yet."""

import math
from collections.abc import Mapping
from datetime import MAXYEAR, UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from suitably.data.arrow_columns import Elements
from suitably.data.calendar import DAY, EARLIEST, LATEST
from suitably.data.clock import Clock
from suitably.data.objects import from_objects
from suitably.data.values import (
    MAX_INTEGER,
    finite_doubles,
    other_type,
    plain,
    readable,
    untyped,
)
from suitably.errors import DataError, PolicyError
from suitably.suitability.engine.fields import Fields, refuse_negative
from suitably.suitability.engine.scalars import Cell, Scalar, column_of, scalar_at, type_of
from suitably.suitability.language.functions.money import AMOUNT
from suitably.suitability.language.nodes import column_name
from suitably.suitability.language.types import (
    ANY,
    DATE,
    Column,
    Declaration,
    Domain,
    MapColumn,
    StringPool,
    Type,
)

__all__ = ["SingleUser"]

_EPOCH, _AWARE_EPOCH = datetime(1970, 1, 1), datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class SingleUser:
    """The fields of one user, as Python values.

    Args:
        values: A value per field; a field that is left out, None and NaN are missing.
        fields: The users' fields that the policies were bound to: they say the types.
    """

    def __init__(self, values: Mapping[str, Any], fields: Fields) -> None:
        self._values = values
        self._fields = fields
        self.texts: StringPool = fields.texts

    def __len__(self) -> int:
        return 1

    def cell(self, name: str, row: int) -> Any:
        """Return one value as a Python object, None where missing."""
        return self._values.get(column_name(name))

    def column(self, name: str, declared: Declaration) -> Column:
        """Return a field as a column of one row.

        Raises:
            DataError: A value of another type than the field's, or off its scale.
        """
        return self._column(self._fields.cell_of(name, declared, False))

    def day(self, name: str, declared: Declaration) -> Column:
        """Return a date as the day that its own time zone says; another field, as it is."""
        return self._column(self._fields.cell_of(name, declared, True))

    def _column(self, cell: Cell) -> Column:
        return column_of(cell.kind, self.scalar(cell, 0))

    def scalar(self, cell: Cell, row: int) -> Scalar:
        """Return a field as a Python scalar, read as that of a frame is.

        Raises:
            DataError: A value of another type than the field's, or off its scale.
        """
        value = self.cell(cell.name, 0)
        if value is None:
            return None
        sure = not isinstance(cell.declared, Domain) or cell.declared.admits(value)
        found = self._unchecked(value, cell) if sure else None
        if found is None:
            found = self._checked(value, cell)
        if cell.name == AMOUNT:
            refuse_negative(column_of(cell.kind, found), f"user.{cell.name[:-1]}")
        return found

    def _unchecked(self, value: Any, cell: Cell) -> Scalar:
        """Return what nobody could refuse, as the reader of frames would; None for all else."""
        kind = cell.kind
        match kind.name:
            case "number" if _is_double(value):
                return float(value)
            case "text" if _is_text(value):
                return self.texts.code(value)
            case "level" if kind.scale is not None and type(value) is type(kind.scale.levels[0]):
                if value in kind.scale.levels:
                    return kind.scale.levels.index(value)
            case "boolean" if type(value) is bool:
                return value
            case "date" if type(value) in (datetime, pd.Timestamp):
                return _moment(value, cell.by_day, self._fields.clock.zone)
            case "date" if type(value) is date:
                return _midnight(value, cell.by_day, self._fields.clock)
            case "list" if kind.element == "text" and type(value) in (list, tuple, set, frozenset):
                if value and all(map(_is_text, value)):
                    return Elements(value)
            case "map" if (
                kind.element is None and type(value) is dict and all(map(_is_text, value))
            ):
                if all(map(_is_double, value.values())):
                    numbers = np.array(list(value.values()), np.float64)
                    offsets, known = np.array([0, len(value)]), np.ones(len(value), bool)
                    return MapColumn(offsets, self.texts.codes(list(value)), numbers, known)
        return None

    def _checked(self, value: Any, cell: Cell) -> Scalar:
        where, kind = f"user.{cell.name}", cell.kind
        array = untyped(readable(plain(from_objects([value])), where))
        if array.null_count:
            return None
        if pa.types.is_floating(array.type):
            finite_doubles(array, where)  # whatever reads it, as in a frame
        if kind == ANY:
            raise _untold(where)
        try:
            column = self._fields.reader.read(cell.name, cell.declared, array)
        except PolicyError as error:
            raise DataError(str(error)) from None
        found = type_of(column)
        if found != kind and kind == Type("map", element="any"):
            raise _untold(where)
        together = found.name == kind.name and kind.name in ("list", "map") and _alike(found, kind)
        if found != kind and not together:
            raise other_type(where, array.type, self._fields.array(cell.name).type)
        if cell.by_day and found == DATE:
            column = self._fields.reader.read_day(cell.name, array)
        return scalar_at(column, 0)


def _untold(where: str) -> DataError:
    return DataError(f"{where}: the field had no values to tell its type by: declare it")


def _moment(value: datetime, by_day: bool, zone: str | None) -> int | None:
    """Return a time as microseconds; None where it might be refused."""
    if (value.tzinfo is None) != (zone is None) or not _is_known(value.tzinfo):
        return None
    if isinstance(value, pd.Timestamp):
        if value.nanosecond or not 1 <= value.year <= MAXYEAR:
            return None
        value = value.to_pydatetime()
    wall = (value.replace(tzinfo=None) - _EPOCH) // _MICROSECOND
    micros = wall if value.tzinfo is None else (value - _AWARE_EPOCH) // _MICROSECOND
    if not EARLIEST <= micros <= LATEST:
        return None
    return wall if by_day else micros


def _midnight(day: date, by_day: bool, clock: Clock) -> int:
    """Return the first instant of a day, or the day itself, as microseconds."""
    wall = (day.toordinal() - _EPOCH.toordinal()) * DAY
    if by_day or clock.zone is None:
        return wall
    return int(clock.from_walls(np.array([wall], "datetime64[us]")).view(np.int64)[0])


@lru_cache(maxsize=256)
def _is_known(zone: tzinfo | None) -> bool:
    """Return whether a column can have a time zone."""
    try:
        return zone is None or bool(pa.lib.tzinfo_to_string(zone))
    except (ValueError, TypeError):
        return False


def _is_double(value: Any) -> bool:
    if type(value) is int:
        return -MAX_INTEGER <= value <= MAX_INTEGER
    return type(value) is float and math.isfinite(value)


def _is_text(value: Any) -> bool:
    if type(value) is not str:
        return False
    try:
        return value.isascii() or bool(value.encode())
    except UnicodeEncodeError:  # half a surrogate pair
        return False


def _alike(one: Type, other: Type) -> bool:
    """Return whether lists or maps go together; those without elements go with all."""
    return "any" in (one.element, other.element)
