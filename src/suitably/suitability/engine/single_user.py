"""One raw row as the users' side of a pair: somebody whom no table holds yet."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

from suitably.errors import DataError
from suitably.suitability.engine.fields import Fields
from suitably.suitability.language.types import (
    ANY,
    DATE,
    Column,
    Declaration,
    Kleene,
    MapColumn,
    Scale,
    StringPool,
    Type,
    Values,
)

__all__ = ["SingleUser"]


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
        return self._values.get(name)

    def column(self, name: str, declared: Declaration) -> Column:
        """Return a field as a column of one row.

        Raises:
            DataError: A value of another type than the field's, or off its scale.
        """
        value = self._values.get(name)
        schema = self._fields.type_of(name, declared)
        if value is None or value is pd.NaT or value != value:
            if schema.name == "boolean":
                return Kleene(np.array([False]), np.array([False]))
            return Values(schema, np.zeros(1, np.int64), np.array([False]))
        where = f"user.{name}"
        try:
            return self._read(where, value, schema)
        except (TypeError, ValueError):
            raise DataError(f"{where}: {value!r:.50} is not of type {schema}") from None

    def day(self, name: str, declared: Declaration) -> Column:
        """Return a date as the day that its own time zone says; another field, as it is."""
        value = self._values.get(name)
        schema = self._fields.type_of(name, declared)
        if schema != DATE or not isinstance(value, date) or value != value:
            return self.column(name, declared)
        if isinstance(value, datetime):
            self.column(name, declared)  # refuses what no frame could hold beside the others
            value = value.replace(tzinfo=None)
        micros = np.array([value], "datetime64[us]").astype(np.int64)
        return Values(schema, micros, np.array([True]))

    def _read(self, where: str, value: Any, kind: Type) -> Column:
        known = np.array([True])
        match kind.name:
            case "boolean":
                if not isinstance(value, bool | np.bool_):
                    raise TypeError
                return Kleene(np.array([bool(value)]), np.array([not value]))
            case "level":
                return Values(kind, np.array([_rank(where, value, kind.scale)]), known)
            case "number":
                if isinstance(value, str | bool) or not np.isfinite(value):
                    raise TypeError
                return Values(kind, np.array([value], np.float64), known)
            case "text":
                if not isinstance(value, str):
                    raise TypeError
                return Values(kind, np.array([self.texts.code(value)], np.int64), known)
            case "date":
                if not isinstance(value, date | np.datetime64):
                    raise TypeError
                instant = self._fields.clock.instant(value, where)
                return Values(kind, np.array([instant.astype(np.int64)]), known)
            case "list":
                return Values(kind, np.zeros(1, np.int64), known, (frozenset(value),))
            case "map":
                items = dict(value)
                keys = self.texts.codes(list(items))
                numbers = np.array(list(items.values()), np.float64)
                mapping = MapColumn(np.array([0, len(items)]), keys, numbers)
                return Values(kind, np.zeros(1, np.int64), known, mapping)
        if kind == ANY:
            raise DataError(f"{where}: the field had no values to tell its type by: declare it")
        raise TypeError


def _rank(where: str, value: Any, scale: Scale | None) -> int:
    levels = scale.levels if scale is not None else ()
    if value not in levels:
        raise DataError(f"{where}: {value!r:.50} is off the scale {list(levels)}")
    return levels.index(value)
