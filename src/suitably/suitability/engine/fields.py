"""One side of the pair: an Arrow table of fields, read as the policy declares them."""

import difflib
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from suitably.data.arrow_columns import (
    MapEntries,
    distinct_lists,
    element_kind,
    is_list,
    is_map,
    plain_lists,
)
from suitably.data.clock import Clock, Instants
from suitably.data.values import finite_doubles, is_number, readable
from suitably.errors import DataError, PolicyError
from suitably.suitability.engine.scalars import Cell, Scalar, scalar_at
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
    MapColumn,
    Scale,
    StringPool,
    Type,
    Values,
)

__all__ = ["Fields"]

_EXAMPLES = 3


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
        self._columns: dict[tuple[str, Declaration], Column] = {}
        self._types: dict[tuple[str, Declaration], Type] = {}
        self._days: dict[str, Values] = {}
        self._cells: dict[tuple[str, Declaration, bool], Cell] = {}

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def has(self, name: str) -> bool:
        """Return whether there is such a column."""
        return name in self.table.column_names

    def array(self, name: str) -> pa.Array:
        """Return a column as read.

        Raises:
            PolicyError: There is none; the message has the nearest names.
            DataError: Its values have no common type.
        """
        if not self.has(name):
            near = difflib.get_close_matches(name, self.table.column_names, n=3, cutoff=0.5)
            hint = (
                f"did you mean {' or '.join(near)}?"
                if near
                else "there are " + (", ".join(self.table.column_names[:20]) or "no fields at all")
            )
            raise PolicyError(f"no field {self.side}.{name}; {hint}")
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
            DataError: A value off its scale, or of another type than declared.
        """
        key = (name, declared)
        if key not in self._columns:
            array = self.array(name)
            if array.null_count == len(array):
                array = pa.nulls(len(array))
            if isinstance(declared, Scale) and strict is not None and not strict.all():
                array = _blank(array, declared, strict)
            self._columns[key] = self.read(name, declared, array)
        return self._columns[key]

    def schema(self, name: str, declared: Declaration) -> Column:
        """Return a column's type with no rows, to check a rule before any row is read."""
        array = self.array(name)
        empty = pa.nulls(0) if array.null_count == len(array) else array.slice(0, 0)
        return self.read(name, declared, empty)

    def day(self, name: str, declared: Declaration) -> Column:
        """Read a column of dates as the days that its own time zone says; another, as it is."""
        array = self.array(name)
        if self.type_of(name, declared) != DATE or pa.types.is_null(array.type):
            return self.column(name, declared)
        if name not in self._days:
            self._days[name] = self.read_day(name, array)
        return self._days[name]

    def read_day(self, name: str, array: pa.Array) -> Values:
        """Read dates as the days that their own time zone says."""
        return _dates(self.clock.days(array, f"{self.side}.{name}"))

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
        return bool(pa.types.is_date(self.table.schema.field(name).type))

    def type_of(self, name: str, declared: Declaration) -> Type:
        """Return a column's type; conditions have the type boolean."""
        key = (name, declared)
        if key not in self._types:
            column = self.schema(name, declared)
            self._types[key] = BOOLEAN if isinstance(column, Kleene) else column.type
        return self._types[key]

    def cell(self, name: str, row: int) -> Any:
        """Return one value as a Python object, None where missing."""
        cell = self.table[name][row]
        try:
            value = cell.as_py()
        except (OverflowError, ValueError):  # a date beyond those of Python
            value = str(cell.cast(pa.string()))
        mapped = isinstance(value, list) and pa.types.is_map(self.table.schema.field(name).type)
        return dict(value) if mapped else value

    def __reduce__(self) -> tuple[Any, ...]:
        return Fields, (self.side, self.table, self.texts, self.clock)

    def read(self, name: str, declared: Declaration, array: pa.Array) -> Column:
        """Read values as those of a column, by its declaration or by their own type.

        Raises:
            PolicyError: Values that no rule can use.
            DataError: A value off its scale, or of another type than declared.
        """
        where = f"{self.side}.{name}"
        if pa.types.is_null(array.type):
            return _nothing(declared, len(array))
        known = ~array.is_null().to_numpy(zero_copy_only=False)
        if isinstance(declared, Scale):
            return self._level(where, array, known, declared)
        column = self._by_type(where, array, known)
        found = "boolean" if isinstance(column, Kleene) else column.type.name
        if declared is not None and declared != found:
            raise DataError(
                f"{where}: is declared as {declared}, but the column holds {array.type}"
            )
        return column

    def _by_type(self, where: str, array: pa.Array, known: NDArray[np.bool_]) -> Column:
        kind = array.type
        if pa.types.is_boolean(kind):
            return Kleene.of(array.fill_null(False).to_numpy(zero_copy_only=False), known)
        if is_number(kind):
            numbers = finite_doubles(array, where)
            return Values(NUMBER, np.where(known, numbers, 0), known & ~np.isnan(numbers))
        if pa.types.is_string(kind):
            codes, distinct = _encode(array)
            return Values(TEXT, self.texts.codes(distinct)[codes] if distinct else codes, known)
        if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
            if pa.types.is_timestamp(kind) and (kind.tz is None) != (self.clock.zone is None):
                has, asked = ("no", "one") if kind.tz is None else ("a", "none")
                raise DataError(f"{where}: has {has} time zone, but as_of has {asked}")
            return _dates(self.clock.moments(array, where))
        array = plain_lists(array)
        if is_map(array.type):
            return self._map(where, array, known)
        if is_list(array.type):
            return self._list(where, array, known)
        raise PolicyError(f"{where}: no rule can use a column of {kind}")

    def _level(self, where: str, array: pa.Array, known: NDArray[np.bool_], scale: Scale) -> Values:
        text = isinstance(scale.levels[0], str)
        if not (pa.types.is_string(array.type) if text else is_number(array.type)):
            raise DataError(f"{where}: scale {scale.name!r} has no values of type {array.type}")
        codes, distinct = _encode(array)
        # Equal numbers are equal keys, whole decimals and whole fractions included.
        ranks: dict[Any, int] = {level: rank for rank, level in enumerate(scale.levels)}
        off = [value for value in distinct if value not in ranks]
        if off:
            count = int(np.isin(codes[known], [distinct.index(value) for value in off]).sum())
            raise DataError(
                f"{where}: {count} values are off the scale {scale.name!r} "
                f"{list(scale.levels)}, such as {[_shown(value) for value in off[:_EXAMPLES]]}"
            )
        table = np.array([ranks[value] for value in distinct], np.int64)
        return Values(Type("level", scale), table[codes] if distinct else codes, known)

    def _list(self, where: str, array: pa.Array, known: NDArray[np.bool_]) -> Values:
        name = element_kind(array.type.value_type)
        if name is None:
            element = array.type.value_type
            raise PolicyError(f"{where}: a rule can use lists of text or numbers, not {element}")
        codes, distinct = distinct_lists(array, name, where)
        return Values(Type("list", element=name), codes, known, distinct)

    def _map(self, where: str, array: pa.Array, known: NDArray[np.bool_]) -> Values:
        entries = MapEntries.read(array, where)
        if entries is None:
            raise PolicyError(f"{where}: a rule can use maps from text to number, not {array.type}")
        codes, distinct = _encode(entries.keys)
        coded = self.texts.codes(distinct)[codes] if distinct else codes
        mapping = MapColumn(entries.offsets, coded, entries.numbers)
        return Values(Type("map"), np.arange(len(array)), known, mapping)


_EXPECTED = {"number": NUMBER, "text": TEXT, "date": DATE, "list": Type("list", element="any")}


def _nothing(declared: Declaration, rows: int) -> Column:
    """A column of nulls has any type, or the one declared."""
    unknown = np.zeros(rows, bool)
    if declared == "boolean":
        return Kleene(unknown, unknown)
    kind = Type("level", declared) if isinstance(declared, Scale) else ANY
    if isinstance(declared, str):
        kind = _EXPECTED.get(declared, ANY)
    return Values(kind, np.zeros(rows, np.int64), unknown)


def _shown(value: Any) -> Any:
    """Return a number as it reads, whatever type the column has."""
    if isinstance(value, float | Decimal):
        return int(value) if float(value).is_integer() else float(value)
    return value


def _dates(moments: Instants) -> Values:
    known = ~np.isnat(moments)
    return Values(DATE, np.where(known, moments.view(np.int64), 0), known)


def _encode(array: pa.Array) -> tuple[NDArray[np.int64], list[Any]]:
    encoded = array.dictionary_encode()
    codes = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, encoded.dictionary.to_pylist()


def _blank(array: pa.Array, scale: Scale, strict: NDArray[np.bool_]) -> pa.Array:
    """Take values off a scale as missing, but for the strict rows."""
    off = [value is not None and value not in scale.levels for value in array.to_pylist()]
    return pc.if_else(pa.array(np.array(off) & ~strict), pa.scalar(None, array.type), array)
