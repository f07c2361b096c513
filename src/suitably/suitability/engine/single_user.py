"""One raw row as the users' side of a pair: somebody whom no table holds yet."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from suitably.data.objects import from_objects
from suitably.data.values import other_type, plain, readable
from suitably.errors import DataError, PolicyError
from suitably.suitability.engine.fields import Fields
from suitably.suitability.language.types import (
    ANY,
    BOOLEAN,
    Column,
    Declaration,
    Kleene,
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
        """Return a field as a column of one row, read as that of a frame is.

        Raises:
            DataError: A value of another type than the field's, or off its scale.
        """
        where = f"user.{name}"
        kind = self._fields.type_of(name, declared)
        array = readable(plain(from_objects([self._values.get(name)])), where)
        if array.null_count:
            unknown = np.array([False])
            if kind == BOOLEAN:
                return Kleene(unknown, unknown)
            return Values(kind, np.zeros(1, np.int64), unknown)
        if kind == ANY:
            raise DataError(f"{where}: the field had no values to tell its type by: declare it")
        try:
            column = self._fields.read(name, declared, array)
        except PolicyError as error:
            raise DataError(str(error)) from None
        found = BOOLEAN if isinstance(column, Kleene) else column.type
        if found != kind and not (found.name == kind.name == "list" and _alike(found, kind)):
            raise other_type(where, array.type, self._fields.array(name).type)
        return column


def _alike(one: Type, other: Type) -> bool:
    """Return whether lists go together; those without elements go with all."""
    return "any" in (one.element, other.element)
