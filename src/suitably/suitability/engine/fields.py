"""One side of the pair: an Arrow table of fields, read as the policy declares them."""

import difflib
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from suitably.data.clock import Clock
from suitably.data.entities import Entities
from suitably.data.values import (
    as_text,
    is_listlike,
    is_number,
    plain,
    readable,
    untyped,
)
from suitably.errors import DataError, PolicyError
from suitably.suitability.engine.array_reader import ArrayReader
from suitably.suitability.engine.scalars import Cell, Scalar, scalar_at
from suitably.suitability.language.functions.money import AMOUNT, LEAST_AMOUNT, money_field
from suitably.suitability.language.functions.peers import among_peers, peers_of
from suitably.suitability.language.nodes import Side
from suitably.suitability.language.types import (
    ANY,
    BOOLEAN,
    DATE,
    NUMBER,
    TEXT,
    Column,
    Declaration,
    Kleene,
    StringPool,
    Type,
    Values,
)
from suitably.suitability.messages.remarks import Remark
from suitably.suitability.messages.told import listed, say

__all__ = ["Fields", "refuse_negative", "with_ids"]

_EXAMPLES = 3


def refuse_negative(amounts: Column, where: str) -> None:
    """Refuse amounts below 0.

    Raises:
        DataError: There are some, or they are no numbers.
    """
    if not isinstance(amounts, Values) or amounts.type not in (NUMBER, ANY):
        raise DataError(f"{where}: must hold numbers, what would be invested")
    bad = np.flatnonzero(amounts.known & (amounts.data < 0))
    if len(bad):
        shown = ", ".join(f"row {row}: {amounts.data[row]:g}" for row in bad[:_EXAMPLES])
        raise DataError(
            f"{where}: {len(bad)} of {len(amounts.data)} amounts are negative ({shown})"
        )


class Fields:
    """The fields of all users, or of all products, converted once when a rule first reads them.

    Args:
        side: `"user"` or `"product"`.
        table: A row per user or product.
        texts: The codes that both sides share.
        clock: The convention of the decision's moment.
    """

    def __init__(self, side: Side, table: pa.Table, texts: StringPool, clock: Clock) -> None:
        self.side = side
        self.table = table
        self.texts = texts
        self.clock = clock
        self.reader = ArrayReader(side, texts, clock)
        self._names = frozenset(table.column_names)
        self._columns: dict[tuple[str, Declaration], Column] = {}
        self._types: dict[tuple[str, Declaration], Type] = {}
        self._days: dict[str, Values] = {}
        self._peers: dict[str, pa.Array] = {}
        self._read: dict[str, pa.Array | pa.ChunkedArray] = {}
        self._cells: dict[tuple[str, Declaration, bool], Cell] = {}

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def has(self, name: str) -> bool:
        """Return whether there is such a column."""
        return name in self._names

    def _among_peers(self, function: str, value: str, by: str) -> pa.Array:
        numbers = self.column(value, None)
        if not isinstance(numbers, Values) or numbers.type not in (NUMBER, ANY):
            kind = BOOLEAN if isinstance(numbers, Kleene) else numbers.type
            raise PolicyError(f"{function} takes numbers, but {self.side}.{value} holds {kind}")
        groups = plain(self.array(by))
        held = self.type_of(by, None)
        if held.name in ("list", "map"):
            raise PolicyError(
                f"{function} takes peers by what each has one of, a text, level, number or date, "
                f"but {self.side}.{by} holds {held}"
            )
        if not (pa.types.is_string(groups.type) or is_number(groups.type)):
            groups = groups.cast(pa.string())
        if pa.types.is_floating(groups.type):
            groups = pc.add(groups, 0.0)  # -0.0 is 0.0
        return among_peers(function, numbers.data.astype(np.float64), numbers.known, groups)

    def array(self, name: str) -> pa.Array:
        """Return a column as read.

        Raises:
            PolicyError: There is none; the message has the nearest names.
            DataError: Its values have no common type.
        """
        if name.endswith("?"):
            there = self.has(name[:-1])
            return self.array(name[:-1]) if there else pa.nulls(len(self), pa.float64())
        if name.endswith("$"):
            return as_text(self.array(name[:-1]), f"{self.side}.{name[:-1]}")
        peers = None if self.has(name) else peers_of(name)
        if peers is not None:
            if name not in self._peers:
                self._peers[name] = self._among_peers(*peers)
            return self._peers[name]
        if not self.has(name):
            if money_field(name) is not None:
                raise PolicyError(
                    f"no field {self.side}.{name}: what is held or was bought is known to a "
                    f"pipeline that was fitted under this policy; elsewhere give a column {name!r}"
                )
            near = difflib.get_close_matches(name, self.table.column_names, n=3, cutoff=0.5)
            names = self.table.column_names[:20]
            hint = (
                say(Remark.DID_YOU_MEAN, near=listed(near, "or_"))
                if near
                else say(Remark.THERE_ARE, names=listed(names, "between_items"))
                if names
                else say(Remark.NO_FIELDS_AT_ALL)
            )
            raise PolicyError(say(Remark.NO_FIELD, field=f"{self.side}.{name}", hint=hint))
        return readable(self.table[name].combine_chunks(), f"{self.side}.{name}")

    def column(
        self, name: str, declared: Declaration, strict: NDArray[np.bool_] | None = None
    ) -> Column:
        """Read a column by its declaration, or by its own type where there is none.

        Args:
            name: The column.
            declared: Its scale or type.
            strict: At a column's first reading, for which rows a value off its scale is refused;
                elsewhere it is missing. None: for all.

        Raises:
            PolicyError: No such column, or one that no rule can use.
            DataError: A value off its scale or range, or of another type than declared.
        """
        key = (name, declared)
        if key not in self._columns and name.endswith("$") and declared is not None:
            read = self.column(name[:-1], declared, strict)
            self._columns[key] = self._as_key(name, read, self.array)
        if key not in self._columns:
            array = untyped(self.array(name))
            if strict is not None and not strict.all():
                array = self.reader.blank(name, array, declared, strict)
            column = self.reader.read(name, declared, array)
            if name in (AMOUNT, LEAST_AMOUNT):
                refuse_negative(column, f"{self.side}.{name[:-1]}")
            self._columns[key] = column
        return self._columns[key]

    def schema(self, name: str, declared: Declaration) -> Column:
        """Return a column's type with no rows, to check a rule before any row is read."""
        if name.endswith("$") and declared is not None:
            read = self.schema(name[:-1], declared)
            return self._as_key(name, read, lambda one: self.array(one).slice(0, 0))
        return self.reader.read(name, declared, untyped(self.array(name)).slice(0, 0))

    def _as_key(self, name: str, read: Column, array: Callable[[str], pa.Array]) -> Column:
        """Return a field as that by which sums go: text, or a level whose name is a text."""
        scale = read.type.scale if isinstance(read, Values) else None
        named = scale is not None and isinstance(scale.levels[0], str)
        if named or (isinstance(read, Values) and read.type == TEXT):
            return read
        texts = self.reader.by_type(name, array(name).cast(pa.string()), read.known)
        return Values(TEXT, texts.data, read.known) if isinstance(texts, Values) else texts

    def day(self, name: str, declared: Declaration) -> Column:
        """Read a column of dates as the days that its own time zone says; another, as it is."""
        if self.type_of(name, declared) != DATE:
            return self.column(name, declared)
        if name not in self._days:
            array = self.array(name)
            if pa.types.is_null(array.type):
                return self.column(name, declared)
            self._days[name] = self.reader.read_day(name, array)
        return self._days[name]

    def cell_of(self, name: str, declared: Declaration, by_day: bool) -> Cell:
        """Return the one object that stands for a field as it is read."""
        key = (name, declared, by_day)
        found = self._cells.get(key)
        if found is None:
            made = Cell(name, declared, by_day, self.type_of(name, declared))
            found = self._cells.setdefault(key, made)
        return found

    @property
    def cells(self) -> list[Cell]:
        """The fields that scalar forms read."""
        return list(self._cells.values())

    def scalar(self, cell: Cell, row: int) -> Scalar:
        """Return one value as a Python scalar."""
        read = self.day if cell.by_day else self.column
        return scalar_at(read(cell.name, cell.declared), row)

    def is_bare(self, name: str) -> bool:
        """Return whether a column holds dates without a time, whose midnight a zone must say."""
        if not self.has(name):
            return False
        kind = self.table.schema.field(name).type
        if is_listlike(kind):
            kind = kind.value_type
        elif pa.types.is_map(kind):
            kind = kind.item_type
        return bool(pa.types.is_date(kind))

    def type_of(self, name: str, declared: Declaration) -> Type:
        """Return a column's type; conditions have the type boolean."""
        key = (name, declared)
        if key not in self._types:
            column = self.schema(name, declared)
            self._types[key] = BOOLEAN if isinstance(column, Kleene) else column.type
        return self._types[key]

    def cell(self, name: str, row: int) -> Any:
        """Return one value as a Python object, None where missing."""
        if name not in self._read:
            self._read[name] = self.table[name] if self.has(name) else self.array(name)
        cell = self._read[name][row]
        try:
            value = cell.as_py()
        except (OverflowError, ValueError):  # a date beyond those of Python
            value = str(cell.cast(pa.string()))
        mapped = isinstance(value, list) and pa.types.is_map(cell.type)
        return dict(value) if mapped else value

    def __reduce__(self) -> tuple[Any, ...]:
        return Fields, (self.side, self.table, self.texts, self.clock)


def with_ids(entities: Entities) -> pa.Table:
    """Return fields with the column of ids, which rules may name too."""
    fields, name = entities.fields, entities.id_column
    if not fields.num_columns:
        # Arrow forgets the rows of a table without columns when it is copied.
        return pa.table({name: entities.ids.array})
    return fields if name in fields.column_names else fields.append_column(name, entities.ids.array)
