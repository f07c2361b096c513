"""A user with some facts changed, judged anew as any user is: the proof of an answer."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from suitably.suitability.engine.atoms import AtomReader, one_reader
from suitably.suitability.engine.fields import Fields
from suitably.suitability.engine.scalars import Cell, Scalar
from suitably.suitability.engine.scope import UserBatch
from suitably.suitability.language.nodes import column_name
from suitably.suitability.language.types import Column, Declaration
from suitably.suitability.what_if.supposed import Derived

__all__ = ["ChangedUser", "changed_reader"]


class ChangedUser:
    """One of the users, some of whose fields hold other values.

    Args:
        fields: The users' fields.
        row: Which user.
        changed: One row: the other values, by field.
    """

    def __init__(self, fields: Fields, row: int, changed: pa.Table) -> None:
        self._fields, self._row = fields, row
        self._rows = np.array([row])
        self._changed = Fields("user", changed, fields.texts, fields.clock)
        self.texts = fields.texts

    def __len__(self) -> int:
        return 1

    def _is_changed(self, name: str) -> bool:
        return self._changed.has(column_name(name))

    def column(self, name: str, declared: Declaration) -> Column:
        """Return a field as a column of one row."""
        if self._is_changed(name):
            return self._changed.column(name, declared)
        return self._fields.column(name, declared).take(self._rows)

    def day(self, name: str, declared: Declaration) -> Column:
        """Return a date as the day that its own time zone says; another field, as it is."""
        if self._is_changed(name):
            return self._changed.day(name, declared)
        return self._fields.day(name, declared).take(self._rows)

    def scalar(self, cell: Cell, row: int) -> Scalar:
        """Return one value as a Python scalar."""
        if self._is_changed(cell.name):
            return self._changed.scalar(cell, 0)
        return self._fields.scalar(cell, self._row)

    def cell(self, name: str, row: int) -> Any:
        """Return one value as a Python object, None where missing."""
        if self._is_changed(name):
            return self._changed.cell(name, 0)
        return self._fields.cell(name, self._row)


def changed_reader(
    batch: UserBatch, fields: Fields, values: Mapping[str, pa.Array], derived: Derived
) -> AtomReader:
    """Return what reads atoms for a user with other values, and with what follows from these.

    Args:
        batch: The one user, and the moment.
        fields: The users' fields.
        values: Arrays of one value, by field.
        derived: Fields that follow from others.
    """
    assert batch.rows is not None
    changed = dict(values)
    follows = [n for n, sources in derived.sources.items() if {*sources} & {*values}]
    if follows:
        sources = {s for n in follows for s in derived.sources[n]} & {*values}
        made = derived.derive(pa.table({n: values[n] for n in sorted(sources)}))
        changed |= {n: made[n].combine_chunks() for n in follows if n not in values}
    user = ChangedUser(fields, int(batch.rows[0]), pa.table(changed))
    return one_reader(UserBatch(user, batch.as_of))[1]
