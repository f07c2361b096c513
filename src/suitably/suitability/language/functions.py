"""The registry of rule functions: what each takes and gives, what it means, how it is computed.

Parser, evaluator, engine, lint and documentation know of a function only what is written here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from suitably.data import calendar
from suitably.data.clock import Clock
from suitably.suitability.language.nodes import AsOf, Call, Node, walk
from suitably.suitability.language.types import (
    ANY,
    DURATION,
    NUMBER,
    PERIOD,
    TEXT,
    Column,
    Kleene,
    LevelTable,
    StringPool,
    Type,
    Values,
    as_level,
)

__all__ = ["REGISTRY", "Context", "Function", "Parameter", "called", "is_dated", "moments"]

Kind = Literal[
    "any",  # a value or a condition
    "boolean",
    "number",
    "date",
    "duration",
    "period",
    "level",
    "list",
    "map",
    "table",  # a map of the policy, by its name
    "entry",  # what such a map gives
    "element",  # what a list of the same call may hold
    "key",  # of a map: text, or a level that has a name
    "ordered",  # numbers, dates or levels of one scale: the same for every argument and the result
]
MANY = 99
_MOST_MONTHS = 12 * 20_000
_MOST_DAYS = 366 * 20_000


@dataclass(frozen=True)
class Parameter:
    """What a function takes in one place."""

    name: str
    kind: Kind


@dataclass(slots=True)
class Context:
    """What a call may see besides its arguments.

    Attributes:
        texts: The codes of texts.
        refuse: Raises a `PolicyError` at the call.
        moment: The instant of the decision in microseconds; None where nothing is dated, or the
            function is not.
        clock: The convention of the moments, whose calendar is asked.
        dated: Whether the function may read the moment.
    """

    texts: StringPool
    refuse: Callable[[str], NoReturn]
    moment: int | None
    clock: Clock
    dated: bool

    @property
    def as_of(self) -> int | None:
        """The moment, for functions that are registered as dated.

        Raises:
            TypeError: This one is not: its answers would be kept from one moment to another.
        """
        if not self.dated:
            raise TypeError("a function that reads the moment must be registered with dated=True")
        return self.moment


@dataclass(frozen=True)
class Function:
    """A function of the rule language.

    Attributes:
        name: How rules call it.
        parameters: What it takes; where `variadic`, the last may be repeated.
        result: What it gives.
        meaning: What it says, for the documentation.
        compute: Gives the column from those of the arguments, which broadcast against each other.
        dated: Whether it reads the moment of the decision.
        by_day: Whether it takes dates as times on the wall: a field's in its own time zone.
        variadic: Whether there may be more arguments than parameters.
        total: Whether it is known even where an argument is missing.
        least: The least number that it gives.
        whole: Whether it gives whole numbers only.
    """

    name: str
    parameters: tuple[Parameter, ...]
    result: Kind
    meaning: str
    compute: Callable[..., Column]
    dated: bool = False
    by_day: bool = False
    variadic: bool = False
    total: bool = False
    least: float = -np.inf
    whole: bool = False

    @property
    def arity(self) -> tuple[int, int]:
        """The least and the most arguments."""
        return len(self.parameters), MANY if self.variadic else len(self.parameters)

    def parameter(self, place: int) -> Parameter:
        """Return what is taken in a place."""
        return self.parameters[min(place, len(self.parameters) - 1)]

    def __str__(self) -> str:
        names = [parameter.name for parameter in self.parameters] + ["..."] * self.variadic
        return f"{self.name}({', '.join(names)})"


def called(node: Node) -> Function | None:
    """Return the function that a node calls, None where it is no call."""
    return REGISTRY[node.function] if isinstance(node, Call) else None


def moments(node: Node) -> int:
    """Count how often an expression asks about the moment."""
    parts = ((part, called(part)) for part in walk(node))
    return sum(
        isinstance(part, AsOf) or (function is not None and function.dated)
        for part, function in parts
    )


def is_dated(node: Node) -> bool:
    """Return whether an expression depends on the moment."""
    return moments(node) > 0


def _missing(_: Context, value: Column) -> Kleene:
    return Kleene(~value.known, value.known)


def _rank(_: Context, level: Values) -> Values:
    return Values(NUMBER, (level.data + 1).astype(np.float64), level.known)


def _days(_: Context, number: Values) -> Values:
    count, known = _whole(number, _MOST_DAYS)
    return Values(DURATION, count * calendar.DAY, known)


def _months(_: Context, number: Values) -> Values:
    return Values(PERIOD, *_whole(number, _MOST_MONTHS))


def _years(_: Context, number: Values) -> Values:
    count, known = _whole(number, _MOST_MONTHS // 12)
    return Values(PERIOD, count * 12, known)


def _whole(number: Values, most: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Read whole numbers up to a size; others are unknown."""
    whole = (np.floor(number.data) == number.data) & (np.abs(number.data) <= most)
    return np.where(whole, number.data, 0).astype(np.int64), number.known & whole


def _age(context: Context, birth: Values) -> Values:
    as_of = context.as_of
    if as_of is None:
        return Values(NUMBER, np.zeros(birth.data.shape), np.zeros_like(birth.known))
    today = int(context.clock.wall(np.datetime64(as_of, "us")).astype(np.int64))
    ages = calendar.completed_years(birth.data, today)
    return Values(NUMBER, ages, birth.known & (birth.data <= today))


def _abs(_: Context, number: Values) -> Values:
    return Values(NUMBER, np.abs(number.data), number.known)


def _min(context: Context, *arguments: Values) -> Values:
    return _extreme("min", np.minimum, context, arguments)


def _max(context: Context, *arguments: Values) -> Values:
    return _extreme("max", np.maximum, context, arguments)


def _extreme(name: str, pick: np.ufunc, context: Context, arguments: tuple[Values, ...]) -> Values:
    result = arguments[0]
    for argument in arguments[1:]:
        result = as_level(result, argument, context.refuse)
        other = as_level(argument, result, context.refuse)
        known = result.known & other.known
        if ANY in (result.type, other.type):
            result = Values(ANY, np.zeros(known.shape), np.zeros_like(known))
            continue
        if result.type != other.type or result.type.name not in ("number", "date", "level"):
            context.refuse(f"no {name} of {result.type} and {other.type}")
        result = Values(result.type, pick(result.data, other.data), known)
    return result


def _contains(context: Context, container: Values, item: Values) -> Kleene:
    lists = _lists(container)
    element = container.type.element or "any"
    if "any" not in (element, item.type.name) and item.type.name != element:
        context.refuse(f"a list of {element} cannot hold {item.type}")
    known = container.known & item.known
    keys, place = np.unique(np.where(item.known, item.data, 0), return_inverse=True)
    texts = item.type == TEXT and bool(item.known.any())
    items = [context.texts.text(int(key)) for key in keys] if texts else keys.tolist()
    holds = np.array([[key in members for key in items] for members in lists], bool)
    null = np.array([None in members for members in lists], bool)
    rows, columns = container.data, place.reshape(item.data.shape)
    true = holds.reshape(len(lists), len(items))[rows, columns]
    return Kleene(known & true, known & ~true & ~null[rows])


def _subset(context: Context, small: Values, large: Values) -> Kleene:
    elements = {small.type.element or "any", large.type.element or "any"} - {"any"}
    if len(elements) > 1:
        context.refuse(f"cannot compare {small.type} with {large.type}")
    verdicts = np.array([[_is_subset(a, b) for b in _lists(large)] for a in _lists(small)], np.int8)
    found = verdicts[small.data, large.data]
    known = small.known & large.known
    return Kleene(known & (found == 1), known & (found == 0))


def _lists(value: Values) -> tuple[frozenset[object], ...]:
    return value.extra or (frozenset(),)


def _is_subset(small: frozenset[object], large: frozenset[object]) -> int:
    """Return 1 for yes, 0 for no, −1 for unknown: a null may or may not be any element."""
    surplus = small - large - {None}
    if surplus and None not in large:
        return 0
    return 1 if not surplus and None not in small else -1


def _lookup(context: Context, mapping: Values, key: Values) -> Values:
    key = _named(key, context.texts)
    known = mapping.known & key.known
    if ANY in (mapping.type, key.type) or not known.any():
        return Values(NUMBER, np.zeros(known.shape), np.zeros_like(known))
    keys, place = np.unique(np.where(key.known, key.data, -1), return_inverse=True)
    numbers = mapping.extra.table(keys)[mapping.data, place.reshape(key.data.shape)]
    return Values(NUMBER, numbers, known & np.isfinite(numbers))


def _named(value: Values, texts: StringPool) -> Values:
    """Take a level by its name."""
    scale = value.type.scale
    if scale is None:
        return value
    names = texts.codes([str(level) for level in scale.levels])
    return Values(TEXT, names[np.where(value.known, value.data, 0)], value.known)


def _map(context: Context, table: Values, key: Values) -> Values:
    says: LevelTable = table.extra
    if says.source is not None:
        key = as_level(key, Values(Type("level", says.source), key.data, key.known), context.refuse)
    wanted = TEXT if says.source is None else Type("level", says.source)
    gives = NUMBER if not isinstance(says.entries[0][1], str) else TEXT
    gives = Type("level", says.target) if says.target is not None else gives
    if key.type not in (wanted, ANY):
        context.refuse(f"this map is from {wanted}, not from {key.type}")
    if key.type == ANY:
        return Values(gives, np.zeros(key.data.shape, _stored(gives)), np.zeros_like(key.known))
    codes = context.texts.codes([str(entry) for entry, _ in says.entries])
    order = np.argsort(codes) if says.source is None else np.arange(len(codes))
    values = np.array([_stored_value(value, says, context) for _, value in says.entries])
    place = np.where(key.known, key.data, 0)
    known = key.known
    if says.source is None:
        place = np.minimum(np.searchsorted(codes[order], place), len(codes) - 1)
        known = known & (codes[order][place] == key.data)
    return Values(gives, values[order][place].astype(_stored(gives)), known)


def _stored(kind: Type) -> type[np.float64] | type[np.int64]:
    return np.float64 if kind == NUMBER else np.int64


def _stored_value(value: str | float, table: LevelTable, context: Context) -> float:
    if table.target is not None:
        return table.target.levels.index(value)
    return context.texts.code(value) if isinstance(value, str) else float(value)


def _takes(**kinds: Kind) -> tuple[Parameter, ...]:
    return tuple(Parameter(name, kind) for name, kind in kinds.items())


_WHOLE = "another `n`, or one beyond 20,000 years, is unknown"
REGISTRY: dict[str, Function] = {
    function.name: function
    for function in (
        Function(
            "rank",
            _takes(level="level"),
            "number",
            "position on the scale, the lowest is 1",
            _rank,
            least=1,
            whole=True,
        ),
        Function(
            "days",
            _takes(n="number"),
            "duration",
            "whole days of 24 hours; another `n`, or one beyond 20,000 years (7,320,000 days), "
            "is unknown",
            _days,
        ),
        Function(
            "months",
            _takes(n="number"),
            "period",
            f"whole months of the calendar, which clamp to the end of the month; {_WHOLE}",
            _months,
        ),
        Function(
            "years",
            _takes(n="number"),
            "period",
            f"whole years of the calendar, which clamp to the end of the month; {_WHOLE}",
            _years,
        ),
        Function(
            "missing",
            _takes(x="any"),
            "boolean",
            "whether a value is missing; itself never unknown",
            _missing,
            total=True,
        ),
        Function(
            "contains",
            _takes(list="list", x="element"),
            "boolean",
            "whether a list has the value, which `x in list` says too",
            _contains,
        ),
        Function(
            "subset",
            _takes(a="list", b="list"),
            "boolean",
            "whether all of list `a` is in list `b`",
            _subset,
        ),
        Function(
            "lookup",
            _takes(map="map", key="key"),
            "number",
            "the value of a map at a key; missing if the key is",
            _lookup,
        ),
        Function(
            "map",
            _takes(name="table", x="element"),
            "entry",
            "what the policy's map of that name says of a level or text; missing if nothing",
            _map,
        ),
        Function(
            "age",
            _takes(date="date"),
            "number",
            "completed years, by the calendar; missing for a date to come",
            _age,
            dated=True,
            by_day=True,
            least=0,
            whole=True,
        ),
        Function(
            "min",
            _takes(a="ordered", b="ordered"),
            "ordered",
            "the least of numbers, dates or levels of one scale",
            _min,
            variadic=True,
        ),
        Function(
            "max",
            _takes(a="ordered", b="ordered"),
            "ordered",
            "the greatest of numbers, dates or levels of one scale",
            _max,
            variadic=True,
        ),
        Function("abs", _takes(number="number"), "number", "without its sign", _abs, least=0),
    )
}
