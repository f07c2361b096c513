"""Arrow arrays read as the values of a column: by its declaration, or by their own type."""

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
from suitably.data.values import (
    finite_doubles,
    in_words,
    is_number,
    plain,
)
from suitably.errors import DataError, PolicyError
from suitably.suitability.engine.domains import outside, outside_in_words
from suitably.suitability.language.nodes import Side, column_name
from suitably.suitability.language.types import (
    ANY,
    BARE_DATE,
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

__all__ = ["ArrayReader"]

_EXAMPLES = 3


class ArrayReader:
    """Reads arrays of one side as typed columns.

    Args:
        side: `"user"` or `"product"`, for messages.
        texts: The codes that both sides share.
        clock: The convention of the decision's moment.
    """

    def __init__(self, side: Side, texts: StringPool, clock: Clock) -> None:
        self.side = side
        self.texts = texts
        self.clock = clock

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
        column = self.by_type(where, array, known)
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

    def blank(
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

    def by_type(self, where: str, array: pa.Array, known: NDArray[np.bool_]) -> Column:
        """Read values by their own type, known where they are not null."""
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
        return Values(Type("list", element="date", bare=read.type.bare), codes, known, distinct)

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
            items = self.dates(where, entries.items)
            kind = Type("map", element="date", bare=items.type.bare)
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
        bare = bool(pa.types.is_date(kind))
        return _dates(self.clock.moments(array, where), BARE_DATE if bare else DATE)

    def read_day(self, name: str, array: pa.Array) -> Values:
        """Read dates as the days that their own time zone says."""
        return _dates(self.clock.days(array, f"{self.side}.{name}"))


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


def _dates(moments: Instants, kind: Type = DATE) -> Values:
    known = ~np.isnat(moments)
    return Values(kind, np.where(known, moments.view(np.int64), 0), known)


def _is_on(value: Any, scale: Scale) -> bool:
    """Return whether a level, or each of a list, is missing or on a scale."""
    items = value if isinstance(value, list) else [value]
    return all(item is None or item in scale.levels for item in items)


def _encode(array: pa.Array) -> tuple[NDArray[np.int64], list[Any]]:
    encoded = array.dictionary_encode()
    codes = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, encoded.dictionary.to_pylist()
