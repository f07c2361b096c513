"""One raw row as the users' side of a pair: somebody whom no table holds yet."""

import math
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from suitably.data.arrow_columns import Elements
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
from suitably.suitability.language.functions.money import AMOUNT
from suitably.suitability.language.types import (
    ANY,
    BOOLEAN,
    DATE,
    Column,
    Declaration,
    Domain,
    Kleene,
    MapColumn,
    StringPool,
    Type,
    Values,
)

__all__ = ["SingleUser"]


_KNOWN, _UNKNOWN = np.array([True]), np.array([False])
_KNOWN.setflags(write=False)
_UNKNOWN.setflags(write=False)


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
        return self._values.get(name.rstrip("?$"))

    def column(self, name: str, declared: Declaration) -> Column:
        """Return a field as a column of one row, read as that of a frame is.

        Raises:
            DataError: A value of another type than the field's, or off its scale.
        """
        kind, value = self._fields.type_of(name, declared), self.cell(name, 0)
        if value is None:
            return _missing(kind)
        sure = not isinstance(declared, Domain) or declared.admits(value)
        column = self._unchecked(value, kind) if sure else None
        if column is None:
            column = self._checked(name, declared, kind, value)
        if name == AMOUNT:
            refuse_negative(column, f"user.{name[:-1]}")
        return column

    def day(self, name: str, declared: Declaration) -> Column:
        """Return a date as the day that its own time zone says; another field, as it is."""
        value = self._values.get(name)
        schema = self._fields.type_of(name, declared)
        if schema != DATE or not isinstance(value, date) or value != value:
            return self.column(name, declared)
        if isinstance(value, datetime) or isinstance(declared, Domain):
            self.column(name, declared)  # refuses what no frame could hold beside the others
        if isinstance(value, datetime):
            value = value.replace(tzinfo=None)
        micros = np.array([value], "datetime64[us]").astype(np.int64)
        return Values(schema, micros, np.array([True]))

    def _unchecked(self, value: Any, kind: Type) -> Column | None:
        """Return what nobody could refuse, as the reader of frames would; None for all else."""
        match kind.name:
            case "number" if _is_double(value):
                return Values(kind, np.array([value], np.float64), _KNOWN)
            case "text" if _is_text(value):
                return Values(kind, np.array([self.texts.code(value)], np.int64), _KNOWN)
            case "level" if kind.scale is not None and type(value) is type(kind.scale.levels[0]):
                if value in kind.scale.levels:
                    place = kind.scale.levels.index(value)
                    return Values(kind, np.array([place], np.int64), _KNOWN)
            case "boolean" if type(value) is bool:
                return Kleene(np.array([value]), np.array([not value]))
            case "list" if kind.element == "text" and type(value) in (list, tuple, set, frozenset):
                if value and all(map(_is_text, value)):
                    return Values(kind, np.zeros(1, np.int64), _KNOWN, (Elements(value),))
            case "map" if (
                kind.element is None and type(value) is dict and all(map(_is_text, value))
            ):
                if all(map(_is_double, value.values())):
                    numbers = np.array(list(value.values()), np.float64)
                    offsets, known = np.array([0, len(value)]), np.ones(len(value), bool)
                    keys = self.texts.codes(list(value))
                    entries = MapColumn(offsets, keys, numbers, known)
                    return Values(kind, np.zeros(1, np.int64), _KNOWN, entries)
        return None

    def _checked(self, name: str, declared: Declaration, kind: Type, value: Any) -> Column:
        where = f"user.{name}"
        array = untyped(readable(plain(from_objects([value])), where))
        if array.null_count:
            return _missing(kind)
        if pa.types.is_floating(array.type):
            finite_doubles(array, where)  # whatever reads it, as in a frame
        if kind == ANY:
            raise _untold(where)
        try:
            column = self._fields.read(name, declared, array)
        except PolicyError as error:
            raise DataError(str(error)) from None
        found = BOOLEAN if isinstance(column, Kleene) else column.type
        if found != kind and kind == Type("map", element="any"):
            raise _untold(where)
        together = found.name == kind.name and kind.name in ("list", "map") and _alike(found, kind)
        if found != kind and not together:
            raise other_type(where, array.type, self._fields.array(name).type)
        return column


def _untold(where: str) -> DataError:
    return DataError(f"{where}: the field had no values to tell its type by: declare it")


def _missing(kind: Type) -> Column:
    if kind == BOOLEAN:
        return Kleene(_UNKNOWN, _UNKNOWN)
    return Values(kind, np.zeros(1, np.int64), _UNKNOWN)


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
