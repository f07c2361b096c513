"""Typed three-valued columns: what a rule computes with."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar, NoReturn

import numpy as np
from numpy.typing import NDArray

from suitably.data.values import MAX_INTEGER
from suitably.suitability.messages.remarks import Remark
from suitably.suitability.messages.told import Told, say, type_told
from suitably.utils.fork import ForkLock

__all__ = [
    "ANY",
    "BARE_DATE",
    "BOOLEAN",
    "DATE",
    "DURATION",
    "MAX_INTEGER",
    "NUMBER",
    "PERIOD",
    "TEXT",
    "Column",
    "Declaration",
    "Domain",
    "Kleene",
    "LevelTable",
    "MapColumn",
    "Scale",
    "StringPool",
    "Type",
    "Values",
    "as_level",
    "type_name",
]


@dataclass(frozen=True)
class Scale:
    """An ordered, named list of levels, lowest first."""

    name: str
    levels: tuple[str | int, ...]


@dataclass(frozen=True)
class Domain:
    """What a field may hold, and in which unit: more than its type alone says.

    Attributes:
        type: The name of its type.
        least: The least that its numbers or dates may be, those of a list or map included.
        most: The most.
        values: The only values that it, or a list of it, may hold; none: any.
        unit: What its numbers count.
        currency: Which money they are of.
    """

    type: str
    least: float | date | None = None
    most: float | date | None = None
    values: tuple[str | float, ...] = ()
    unit: str | None = None
    currency: str | None = None

    def admits(self, value: Any) -> bool:
        """Return whether a value, or each of several, is certainly inside."""
        if self.values:
            inside = value if isinstance(value, list | tuple | set | frozenset) else [value]
            return all(item in self.values for item in inside)
        if isinstance(self.least, date) or isinstance(self.most, date):
            return False
        numbers = value.values() if isinstance(value, dict) else [value]
        if self.least is None and self.most is None:
            return True
        return all(
            isinstance(number, int | float)
            and (self.least is None or self.least <= number)
            and (self.most is None or number <= self.most)
            for number in numbers
        )

    def __str__(self) -> str:
        unit = " ".join(filter(None, (self.unit, self.currency)))
        ends = f"from {_ends(self.least)}" if self.least is not None else ""
        ends += f" to {_ends(self.most)}" if self.most is not None else ""
        held = f"one of {list(self.values)}" if self.values else ends.strip()
        return " ".join(filter(None, (self.type, held, f"({unit})" if unit else "")))


def _ends(end: float | date) -> str:
    return f"{end:.15g}" if isinstance(end, int | float) else end.isoformat()


@dataclass(frozen=True)
class LevelTable:
    """A map of a policy: from every level of a scale, or from texts, to levels, texts or numbers.

    Attributes:
        source: The scale that it is total over; None: texts.
        target: The scale of what it gives; None: numbers or texts, as the entries are.
        entries: What it says, in the order of the source's levels.
    """

    source: Scale | None
    target: Scale | None
    entries: tuple[tuple[str | int, str | float], ...]

    def __str__(self) -> str:
        return ", ".join(f"{key} -> {_shown(value)}" for key, value in self.entries)


def _shown(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.15g}"


@dataclass(frozen=True)
class Type:
    """The type of a value; a level also names its scale, a list or map what it holds.

    A list of levels names both; a map without an element holds numbers. Dates without a time, alone
    or held, are `bare`; they go together with others, so types are equal all the same.
    """

    name: str
    scale: Scale | None = None
    element: str | None = None
    bare: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return self.told

    @property
    def told(self) -> Told:
        """What it is, in words."""
        scale = None if self.scale is None else repr(self.scale.name)
        if self.name == "list" and scale is not None:
            return say(Remark.A_LIST_OF_LEVELS, scale=scale)
        if scale is not None:
            return say(Remark.A_LEVEL, scale=scale)
        if self.name == "list":
            return say(Remark.A_LIST, element=type_told(self.element or "any"))
        return (
            say(Remark.A_MAP, element=type_told("date"))
            if self.element == "date"
            else type_told(self.name)
        )


NUMBER = Type("number")
TEXT = Type("text")
DATE = Type("date")
BARE_DATE = Type("date", bare=True)
BOOLEAN = Type("boolean")
DURATION = Type("duration")  # a number of microseconds, from days(n) or date - date
PERIOD = Type("period")  # a number of calendar months, from months(n) or years(n)
ANY = Type("any")  # a column of nulls


class StringPool:
    """Codes for texts: equal texts, equal codes. Grows as it meets new ones."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._texts: list[str] = list(texts)
        self._codes = {text: code for code, text in enumerate(self._texts)}
        self._lock = ForkLock()

    def __reduce__(self) -> tuple[Any, ...]:
        return StringPool, (tuple(self._texts),)

    def code(self, text: str) -> int:
        """Return a text's code."""
        found = self._codes.get(text)
        if found is not None:
            return found
        with self._lock:
            if text not in self._codes:
                self._texts.append(text)
                self._codes[text] = len(self._texts) - 1
            return self._codes[text]

    def text(self, code: int) -> str:
        """Return the text of a code."""
        return self._texts[code]

    def codes(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Return the codes of several texts."""
        return np.array([self.code(text) for text in texts], np.int64)


@dataclass(frozen=True)
class MapColumn:
    """Rows of maps from text, as one ragged array: row i holds `offsets[i]:offsets[i + 1]`.

    Attributes:
        offsets: int64 (rows + 1,).
        keys: int64 (entries,), codes of texts.
        values: float64 (entries,) numbers, or int64 microseconds of dates.
        known: bool (entries,), where a key has a value.
    """

    ABSENT: ClassVar[int] = 0
    MISSING: ClassVar[int] = 1
    KNOWN: ClassVar[int] = 2

    offsets: NDArray[np.int64]
    keys: NDArray[np.int64]
    values: NDArray[Any]
    known: NDArray[np.bool_]

    def table(self, wanted: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.int8]]:
        """Look up sorted, distinct keys in every row.

        Returns:
            The values (rows, wanted), 0 where there is none; and int8 likewise: whether the key is
            absent, there without a value, or there with one.
        """
        rows = np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))
        place = np.minimum(np.searchsorted(wanted, self.keys), max(len(wanted) - 1, 0))
        found = wanted[place] == self.keys if len(wanted) else np.zeros(len(rows), bool)
        shape = len(self.offsets) - 1, len(wanted)
        values, there = np.zeros(shape, self.values.dtype), np.zeros(shape, np.int8)
        cells = rows[found], place[found]
        values[cells] = self.values[found]
        there[cells] = np.where(self.known[found], self.KNOWN, self.MISSING)
        return values, there

    def take(self, rows: NDArray[np.int64]) -> "MapColumn":
        """Return some of the rows."""
        lengths = np.diff(self.offsets)[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        entries = np.repeat(self.offsets[rows] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return MapColumn(offsets, self.keys[entries], self.values[entries], self.known[entries])


@dataclass(frozen=True)
class Values:
    """Values that broadcast as (users, 1), (1, products) or (1, 1).

    Attributes:
        type: What they are.
        data: float64 for numbers; int64 codes for texts and levels (0-based), positions in
            `extra` for lists and maps, microseconds for dates and durations, months for periods.
        known: bool, where there is a value.
        extra: The distinct lists (a tuple of frozensets, None for a null element) or a `MapColumn`.
        literal: The text, where it is written in the rule: it may also name a level.
    """

    type: Type
    data: NDArray[Any]
    known: NDArray[np.bool_]
    extra: Any = None
    literal: str | None = None

    def take(self, rows: NDArray[np.int64]) -> "Values":
        """Return the values of some rows of a one-dimensional column."""
        if isinstance(self.extra, MapColumn):
            where = np.arange(len(rows))
            return Values(self.type, where, self.known[rows], self.extra.take(rows))
        return Values(self.type, self.data[rows], self.known[rows], self.extra)

    def along(self, axis: int) -> "Values":
        """Lay a one-dimensional column along the users (0) or the products (1)."""
        shape = (-1, 1) if axis == 0 else (1, -1)
        return Values(self.type, self.data.reshape(shape), self.known.reshape(shape), self.extra)


@dataclass(frozen=True)
class Kleene:
    """Three-valued conditions: true, false, or neither (unknown)."""

    true: NDArray[np.bool_]
    false: NDArray[np.bool_]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Where the condition is decided."""
        return self.true | self.false

    def __and__(self, other: "Kleene") -> "Kleene":
        return Kleene(self.true & other.true, self.false | other.false)

    def __or__(self, other: "Kleene") -> "Kleene":
        return Kleene(self.true | other.true, self.false & other.false)

    def __invert__(self) -> "Kleene":
        return Kleene(self.false, self.true)

    def take(self, rows: NDArray[np.int64]) -> "Kleene":
        """Return the conditions of some rows of a one-dimensional column."""
        return Kleene(self.true[rows], self.false[rows])

    def along(self, axis: int) -> "Kleene":
        """Lay a one-dimensional column along the users (0) or the products (1)."""
        shape = (-1, 1) if axis == 0 else (1, -1)
        return Kleene(self.true.reshape(shape), self.false.reshape(shape))

    @staticmethod
    def of(condition: NDArray[np.bool_], known: NDArray[np.bool_]) -> "Kleene":
        """Decide by a condition where its inputs are known."""
        return Kleene(condition & known, ~condition & known)


Column = Values | Kleene
Declaration = Scale | Domain | str | None


def type_name(declared: Declaration) -> str | None:
    """Return the name of the type that a declaration states, `level` for a scale."""
    if isinstance(declared, Scale):
        return "level"
    return declared.type if isinstance(declared, Domain) else declared


def as_level(value: Values, other: Values, refuse: Callable[[str], NoReturn]) -> Values:
    """Read a text written in the rule as a level, where it meets one."""
    scale = other.type.scale
    if value.literal is None or scale is None:
        return value
    if value.literal not in scale.levels:
        levels = list(scale.levels)
        named = repr(scale.name)
        refuse(say(Remark.NOT_ON_SCALE, value=repr(value.literal), scale=named, levels=levels))
    code = np.array([[scale.levels.index(value.literal)]], np.int64)
    return Values(other.type, code, value.known)
