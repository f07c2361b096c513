"""One side of the pair: an Arrow table of fields, read as the policy declares them."""

import difflib
from collections.abc import Callable
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
from suitably.data.entities import Entities
from suitably.data.values import (
    as_text,
    finite_doubles,
    in_words,
    is_listlike,
    is_number,
    plain,
    readable,
    untyped,
)
from suitably.errors import DataError, PolicyError
from suitably.suitability.engine.domains import outside, outside_in_words
from suitably.suitability.engine.scalars import Cell, Scalar, scalar_at
from suitably.suitability.language.functions.money import AMOUNT, money_field
from suitably.suitability.language.functions.peers import among_peers, peers_of
from suitably.suitability.language.nodes import Side, column_name
from suitably.suitability.language.types import (
    ANY,
    BOOLEAN,
    DATE,
    NUMBER,
    TEXT,
    Column,
    Declaration,
    Domain,
    Kleene,
    MapColumn,
    Scale,
    StringPool,
    Type,
    Values,
    type_name,
)

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
        self._columns: dict[tuple[str, Declaration], Column] = {}
        self._types: dict[tuple[str, Declaration], Type] = {}
        self._days: dict[str, Values] = {}
        self._peers: dict[str, pa.Array] = {}
        self._cells: dict[tuple[str, Declaration, bool], Cell] = {}

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def has(self, name: str) -> bool:
        """Return whether there is such a column."""
        return name in self.table.column_names

    def _among_peers(self, function: str, value: str, by: str) -> pa.Array:
        numbers = self.column(value, None)
        if not isinstance(numbers, Values) or numbers.type not in (NUMBER, ANY):
            kind = BOOLEAN if isinstance(numbers, Kleene) else numbers.type
            raise PolicyError(f"{function} takes numbers, but {self.side}.{value} holds {kind}")
        groups = plain(self.array(by))
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
            DataError: A value off its scale or range, or of another type than declared.
        """
        key = (name, declared)
        if key not in self._columns and name.endswith("$") and declared is not None:
            read = self.column(name[:-1], declared, strict)
            self._columns[key] = self._as_key(name, read, self.array)
        if key not in self._columns:
            array = untyped(self.array(name))
            if strict is not None and not strict.all():
                array = self._blank(name, array, declared, strict)
            column = self.read(name, declared, array)
            if name == AMOUNT:
                refuse_negative(column, f"{self.side}.{name[:-1]}")
            self._columns[key] = column
        return self._columns[key]

    def schema(self, name: str, declared: Declaration) -> Column:
        """Return a column's type with no rows, to check a rule before any row is read."""
        if name.endswith("$") and declared is not None:
            read = self.schema(name[:-1], declared)
            return self._as_key(name, read, lambda one: self.array(one).slice(0, 0))
        return self.read(name, declared, untyped(self.array(name)).slice(0, 0))

    def _as_key(self, name: str, read: Column, array: Callable[[str], pa.Array]) -> Column:
        """Return a field as that by which sums go: text, or a level whose name is a text."""
        scale = read.type.scale if isinstance(read, Values) else None
        named = scale is not None and isinstance(scale.levels[0], str)
        if named or (isinstance(read, Values) and read.type == TEXT):
            return read
        texts = self._by_type(name, array(name).cast(pa.string()), read.known)
        return Values(TEXT, texts.data, read.known) if isinstance(texts, Values) else texts

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
        cell = (self.table[name] if self.has(name) else self.array(name))[row]
        try:
            value = cell.as_py()
        except (OverflowError, ValueError):  # a date beyond those of Python
            value = str(cell.cast(pa.string()))
        mapped = isinstance(value, list) and pa.types.is_map(cell.type)
        return dict(value) if mapped else value

    def __reduce__(self) -> tuple[Any, ...]:
        return Fields, (self.side, self.table, self.texts, self.clock)

    def read(self, name: str, declared: Declaration, array: pa.Array) -> Column:
        """Read values as those of a column, by its declaration or by their own type.

        Raises:
            PolicyError: Values that no rule can use.
            DataError: A value off its scale or range, or of another type than declared.
        """
        where = f"{self.side}.{column_name(name)}"
        if pa.types.is_null(array.type):
            return _nothing(declared, len(array))
        known = ~array.is_null().to_numpy(zero_copy_only=False)
        if isinstance(declared, Scale):
            array = plain_lists(array)
            read = self._levels if is_list(array.type) else self._level
            return read(where, array, known, declared)
        column = self._by_type(where, array, known)
        found = "boolean" if isinstance(column, Kleene) else column.type.name
        stated = type_name(declared)
        if stated is not None and stated != found:
            raise DataError(
                f"{where}: is declared as {stated}, but the column holds {in_words(array.type)}"
            )
        if isinstance(declared, Domain):
            rows, off = self._outside(where, column, declared, array)
            if off:
                raise DataError(f"{where}: {outside_in_words(declared, rows, off)}")
        return column

    def _outside(
        self, where: str, column: Column, domain: Domain, array: pa.Array
    ) -> tuple[NDArray[np.bool_], list[Any]]:
        return outside(column, domain, self.texts, lambda: self.clock.days(array, where))

    def _blank(
        self, name: str, array: pa.Array, declared: Declaration, strict: NDArray[np.bool_]
    ) -> pa.Array:
        """Take values that the declaration does not allow as missing, but for the strict rows."""
        if isinstance(declared, Scale):
            off = np.array([not _is_on(value, declared) for value in array.to_pylist()])
        elif isinstance(declared, Domain):
            column = self.read(name, declared.type, array)
            off, _ = self._outside(f"{self.side}.{name}", column, declared, array)
        else:
            return array
        return pc.if_else(pa.array(off.astype(bool) & ~strict), pa.scalar(None, array.type), array)

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
            return self.dates(where, array)
        array = plain_lists(array)
        if is_map(array.type):
            return self._map(where, array, known)
        if is_list(array.type):
            return self._list(where, array, known)
        raise PolicyError(f"{where}: no rule can use a column of {in_words(kind)}")

    def _level(self, where: str, array: pa.Array, known: NDArray[np.bool_], scale: Scale) -> Values:
        text = isinstance(scale.levels[0], str)
        if not (pa.types.is_string(array.type) if text else is_number(array.type)):
            raise DataError(f"{where}: scale {scale.name!r} has no {in_words(array.type)}")
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
        element = array.type.value_type
        name = element_kind(element)
        if name is None:
            raise PolicyError(
                f"{where}: a rule can use lists of text, numbers or dates, not of "
                f"{in_words(element)}"
            )
        if name == "date":
            return self._moments(where, array, known)
        codes, distinct = distinct_lists(array, name, where)
        return Values(Type("list", element=name), codes, known, distinct)

    def _levels(
        self, where: str, array: pa.Array, known: NDArray[np.bool_], scale: Scale
    ) -> Values:
        """Read lists whose elements are levels, as sets of their places on the scale."""
        rows = _lists_in(array, known)
        elements = plain(rows.values)
        there = ~elements.is_null().to_numpy(zero_copy_only=False)
        if there.any():
            data = self._level(where, elements, there, scale).data
            elements = pa.array(data.astype(np.float64), mask=~there)
        else:
            elements = pa.nulls(len(elements), pa.float64())
        codes = np.zeros(len(array), np.int64)
        lists = pa.ListArray.from_arrays(rows.offsets, elements)
        codes[known], distinct = distinct_lists(lists, "number", where)
        return Values(Type("list", scale, "level"), codes, known, distinct)

    def _moments(self, where: str, array: pa.Array, known: NDArray[np.bool_]) -> Values:
        """Read lists whose elements are dates, as sets of moments."""
        rows = _lists_in(array, known)
        read = self.dates(where, plain(rows.values))
        codes = np.zeros(len(array), np.int64)
        lists = pa.ListArray.from_arrays(rows.offsets, pa.array(read.data, mask=~read.known))
        codes[known], distinct = distinct_lists(lists, "date", where)
        return Values(Type("list", element="date"), codes, known, distinct)

    def _map(self, where: str, array: pa.Array, known: NDArray[np.bool_]) -> Values:
        entries = MapEntries.read(array, where)
        if entries is None:
            held = in_words(array.type)
            raise PolicyError(
                f"{where}: a rule can use maps from text to number or date, not {held}"
            )
        codes, distinct = _encode(entries.keys)
        coded = self.texts.codes(distinct)[codes] if distinct else codes
        kind, items = Type("map"), None
        if entries.holds_dates:
            kind, items = Type("map", element="date"), self.dates(where, entries.items)
        else:
            numbers = entries.numbers(where)
            items = Values(NUMBER, numbers, ~np.isnan(numbers))
            if pa.types.is_null(entries.items.type):  # numbers or dates, whatever is wanted
                kind = Type("map", element="any")
        mapping = MapColumn(entries.offsets, coded, items.data, items.known)
        return Values(kind, np.arange(len(array)), known, mapping)

    def dates(self, where: str, array: pa.Array) -> Values:
        """Read moments in the convention of the decision's.

        Raises:
            DataError: They have a time zone and it has none, or the other way round.
        """
        kind = array.type
        if pa.types.is_timestamp(kind) and (kind.tz is None) != (self.clock.zone is None):
            has, asked = ("no", "one") if kind.tz is None else ("a", "none")
            raise DataError(f"{where}: has {has} time zone, but as_of has {asked}")
        return _dates(self.clock.moments(array, where))


_EXPECTED = {"number": NUMBER, "text": TEXT, "date": DATE, "list": Type("list", element="any")}


def _lists_in(array: pa.Array, known: NDArray[np.bool_]) -> pa.Array:
    """Return the lists that are there, whose values are theirs alone, from the first one on."""
    rows = array.filter(pa.array(known))
    offsets = np.concatenate([[0], np.cumsum(pc.list_value_length(rows).to_numpy())])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), rows.flatten())


def _nothing(declared: Declaration, rows: int) -> Column:
    """A column of nulls has any type, or the one declared."""
    unknown = np.zeros(rows, bool)
    if type_name(declared) == "boolean":
        return Kleene(unknown, unknown)
    kind = _EXPECTED.get(type_name(declared) or "", ANY)
    if isinstance(declared, Scale):
        kind = Type("level", declared)
    return Values(kind, np.zeros(rows, np.int64), unknown)


def _shown(value: Any) -> Any:
    """Return a number as it reads, whatever type the column has."""
    if isinstance(value, float | Decimal):
        return int(value) if float(value).is_integer() else float(value)
    return value


def _dates(moments: Instants) -> Values:
    known = ~np.isnat(moments)
    return Values(DATE, np.where(known, moments.view(np.int64), 0), known)


def _is_on(value: Any, scale: Scale) -> bool:
    """Return whether a level, or each of a list, is missing or on a scale."""
    items = value if isinstance(value, list) else [value]
    return all(item is None or item in scale.levels for item in items)


def _encode(array: pa.Array) -> tuple[NDArray[np.int64], list[Any]]:
    encoded = array.dictionary_encode()
    codes = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, encoded.dictionary.to_pylist()


def with_ids(entities: Entities) -> pa.Table:
    """Return fields with the column of ids, which rules may name too."""
    fields, name = entities.fields, entities.id_column
    if not fields.num_columns:
        # Arrow forgets the rows of a table without columns when it is copied.
        return pa.table({name: entities.ids.array})
    return fields if name in fields.column_names else fields.append_column(name, entities.ids.array)
