"""What a rule says of users and products: three-valued, by broadcasting, checked for type.

The same code checks a policy against a schema (on no rows), fills the tables of the fast path,
and judges a single pair. Arithmetic is IEEE double; a missing operand, a division by zero or a
result that is not finite is unknown.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from suitably.data import calendar
from suitably.data.clock import Clock, months_later
from suitably.suitability.language.functions import REGISTRY, Context, Parameter
from suitably.suitability.language.nodes import (
    And,
    Arithmetic,
    AsOf,
    Call,
    Compare,
    Constant,
    Field,
    Membership,
    Negative,
    Node,
    Not,
    Or,
    Table,
)
from suitably.suitability.language.types import (
    ANY,
    DATE,
    DURATION,
    NUMBER,
    PERIOD,
    TEXT,
    Column,
    Kleene,
    StringPool,
    Type,
    Values,
    as_level,
)
from suitably.suitability.messages.remarks import Remark
from suitably.suitability.messages.told import say, type_told

__all__ = ["COMPARE", "LONGEST", "Scope", "condition", "evaluate"]

Bools = NDArray[np.bool_]
COMPARE: dict[str, Callable[..., Bools]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
_ARITHMETIC = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}
_HINTS = {
    "period": Remark.ADD_TO_A_DATE,
    "duration": Remark.COMPARE_DURATIONS,
    "date": Remark.COMPARE_DATES,
}
# Longer sums are unknown: no two of these leave int64, nor does one added to any date.
LONGEST = {DURATION: 2**62, PERIOD: 12 * 40_000}


class Scope(Protocol):
    """What a rule can see: the fields of some users and products, and the moment."""

    @property
    def texts(self) -> StringPool:
        """The codes that both sides share."""
        ...

    @property
    def as_of(self) -> int | None:
        """The decision's instant in microseconds; None where nothing is dated."""
        ...

    @property
    def clock(self) -> Clock:
        """The convention of the moments, whose calendar is asked."""
        ...

    def read(self, node: Field) -> Column:
        """Return a field, laid along its side."""
        ...

    def day(self, node: Field) -> Column:
        """Return a field, dates as the days that their own time zone says."""
        ...

    def remember(self, node: Node, make: Callable[[], Column]) -> Column:
        """Return what was made for an equal node before, or make it."""
        ...

    def refuse(self, node: Node, problem: str) -> NoReturn:
        """Raise a `PolicyError` at a node."""
        ...


def condition(node: Node, scope: Scope) -> Kleene:
    """Evaluate a node that must be a condition.

    Raises:
        PolicyError: It is a number, text or other value.
    """
    value = evaluate(node, scope)
    if isinstance(value, Kleene):
        return value
    if value.type == ANY:
        return Kleene(np.zeros_like(value.known), np.zeros_like(value.known))
    scope.refuse(node, say(Remark.NO_CONDITION, found=value.type.told))


def evaluate(node: Node, scope: Scope) -> Column:
    """Evaluate a node over every pair that the scope's users and products make.

    Returns:
        Values or conditions that broadcast as (users, products).

    Raises:
        PolicyError: Types that do not go together, with line and column.
    """
    return _MEANINGS[type(node)](node, scope)


def _as_of(node: AsOf, scope: Scope) -> Values:
    moment = scope.as_of
    data = np.array([[0 if moment is None else moment]], np.int64)
    return Values(DATE, data, np.array([[moment is not None]]))


def _all(node: And, scope: Scope) -> Kleene:
    result = condition(node.operands[0], scope)
    for operand in node.operands[1:]:
        result = result & condition(operand, scope)
    return result


def _any(node: Or, scope: Scope) -> Kleene:
    result = condition(node.operands[0], scope)
    for operand in node.operands[1:]:
        result = result | condition(operand, scope)
    return result


def _comparison(node: Compare, scope: Scope) -> Kleene:
    left, right = evaluate(node.left, scope), evaluate(node.right, scope)
    return _compare(node, node.operator, left, right, scope)


def _negative(node: Negative, scope: Scope) -> Values:
    value = _value(node.operand, scope)
    if value.type not in (NUMBER, DURATION, PERIOD, ANY):
        scope.refuse(node, say(Remark.NO_MINUS, found=value.type.told))
    return Values(value.type, -value.data, value.known)


def _value(node: Node, scope: Scope) -> Values:
    value = evaluate(node, scope)
    if isinstance(value, Kleene):
        named = isinstance(node, Field)  # which may stand behind a name such as `amount`
        scope.refuse(node, say(Remark.IS_NO_VALUE if named else Remark.NO_VALUE, field=node))
    return value


def _constant(node: Constant, scope: Scope) -> Column:
    if isinstance(node.value, bool):
        return Kleene(np.array([[node.value]]), np.array([[not node.value]]))
    if isinstance(node.value, str):
        code = np.array([[scope.texts.code(node.value)]], np.int64)
        return Values(TEXT, code, np.array([[True]]), literal=node.value)
    return _number(node.value)


def _table(node: Table, _: Scope) -> Values:
    return Values(Type("table"), np.zeros((1, 1), np.int64), np.array([[True]]), node.table)


@lru_cache(maxsize=4096)
def _number(value: float) -> Values:
    return Values(NUMBER, np.array([[value]], np.float64), np.array([[True]]))


def _compare(node: Node, operator: str, left: Column, right: Column, scope: Scope) -> Kleene:
    if isinstance(left, Kleene) or isinstance(right, Kleene):
        return _compare_conditions(node, operator, left, right, scope)
    if left.literal is not None or right.literal is not None:
        refuse = partial(scope.refuse, node)
        left, right = as_level(left, right, refuse), as_level(right, left, refuse)
    known = left.known & right.known
    if ANY in (left.type, right.type):
        return Kleene.of(np.zeros_like(known), np.zeros_like(known))
    if left.type != right.type:
        one, other = left.type, right.type
        told = {"one": one.told, "other": other.told, "hint": _hint(one, other)}
        scope.refuse(node, say(Remark.CANNOT_COMPARE, **told))
    if left.type.name in ("list", "map", "period"):
        hint = _hint(left.type)
        scope.refuse(node, say(Remark.CANNOT_COMPARE_TYPE, found=left.type.told, hint=hint))
    if left.type == TEXT and operator not in ("==", "!="):
        scope.refuse(node, say(Remark.TEXT_HAS_NO_ORDER))
    return Kleene.of(COMPARE[operator](left.data, right.data), known)


def _hint(*types: Type) -> str:
    """Say what to do about the first of some types that is compared otherwise."""
    return next((say(_HINTS[one.name]) for one in types if one.name in _HINTS), "")


def _compare_conditions(
    node: Node, operator: str, left: Column, right: Column, scope: Scope
) -> Kleene:
    if operator not in ("==", "!="):
        scope.refuse(node, say(Remark.CONDITIONS_HAVE_NO_ORDER))
    known = left.known & right.known
    if isinstance(left, Kleene) and isinstance(right, Kleene):
        return Kleene.of(COMPARE[operator](left.true, right.true), known)
    value = right if isinstance(left, Kleene) else left
    if isinstance(value, Values) and value.type != ANY:
        scope.refuse(node, say(Remark.CANNOT_COMPARE_CONDITION, found=value.type.told))
    return Kleene.of(np.zeros_like(known), np.zeros_like(known))


def _membership(node: Membership, scope: Scope) -> Kleene:
    item = evaluate(node.item, scope)
    result = Kleene(np.zeros_like(item.known), item.known)
    for choice in node.choices:
        result = result | _compare(node, "==", item, evaluate(choice, scope), scope)
    return result


def _arithmetic(node: Arithmetic, scope: Scope) -> Values:
    left, right = _value(node.left, scope), _value(node.right, scope)
    known = left.known & right.known
    operator = node.operator
    match (left.type.name, operator, right.type.name):
        case ("number", _, "number"):
            with np.errstate(all="ignore"):
                data = _ARITHMETIC[operator](left.data, right.data)
            return Values(NUMBER, data, known & np.isfinite(data))
        case ("date", "+" | "-", "duration") | ("duration", "+", "date"):
            sign = -1 if operator == "-" else 1
            return _date(left.data + sign * right.data, known)
        case ("date", "+" | "-", "period") | ("period", "+", "date"):
            date, period = (left, right) if left.type == DATE else (right, left)
            months = -period.data if operator == "-" else period.data
            if scope.clock.asks:
                scope.refuse(node, f"months are of a calendar, but {scope.clock.asks}")
            instants = date.data.astype("datetime64[us]")
            moved = months_later(instants, months, scope.clock, date.type.bare)
            return _date(
                np.where(np.isnat(moved), calendar.LATEST + 1, moved.astype(np.int64)), known
            )
        case ("date", "-", "date"):
            return Values(DURATION, left.data - right.data, known)
        case ("duration", "+" | "-", "duration") | ("period", "+" | "-", "period"):
            data = _ARITHMETIC[operator](left.data, right.data)
            return Values(left.type, data, known & (np.abs(data) < LONGEST[left.type]))
    if ANY in (left.type, right.type):
        return Values(ANY, np.zeros(known.shape), np.zeros_like(known))
    spans = {left.type.name, right.type.name} == {"date", "number"} and operator in "+-"
    told = {"one": left.type.told, "operator": operator, "other": right.type.told}
    hint = say(Remark.SAY_WHAT_IT_COUNTS) if spans else ""
    scope.refuse(node, say(Remark.CANNOT_COMPUTE, **told, hint=hint))


def _date(data: NDArray[np.int64], known: Bools) -> Values:
    inside = (data >= calendar.EARLIEST) & (data <= calendar.LATEST)
    known = known & inside
    return Values(DATE, np.where(known, data, 0), known)


def _call(node: Call, scope: Scope) -> Column:
    function = REGISTRY[node.function]
    arguments = [
        _argument(node, argument, function.parameter(place), scope)
        for place, argument in enumerate(node.arguments)
    ]
    moment = scope.as_of if function.dated else None
    if function.by_day and scope.clock.asks:
        scope.refuse(node, f"{function.name} asks the calendar, but {scope.clock.asks}")
    refuse = partial(scope.refuse, node)
    context = Context(scope.texts, refuse, moment, scope.clock, function.dated)
    return function.compute(context, *arguments)


def _argument(call: Call, node: Node, parameter: Parameter, scope: Scope) -> Column:
    """Evaluate an argument, which must be of the kind that the function takes."""
    kind = parameter.kind
    if kind == "any":
        # Whether a date is missing does not depend on when its day begins.
        return scope.day(node) if isinstance(node, Field) else evaluate(node, scope)
    if kind == "boolean":
        return condition(node, scope)
    value = _by_day(node, scope) if REGISTRY[call.function].by_day else _value(node, scope)
    found = value.type
    if kind in ("element", "ordered", "value") or found == ANY or found.name == kind:
        return value
    if kind == "level":
        scope.refuse(call, say(Remark.NOT_A_LEVEL, function=call.function, found=found.told))
    if kind == "key":
        levels = found.scale.levels if found.scale is not None else ()
        if found == TEXT or (levels and all(isinstance(level, str) for level in levels)):
            return value
        scope.refuse(node, say(Remark.NOT_A_KEY, found=found.told))
    told = {"field": node, "found": found.told, "wanted": type_told(kind)}
    named = isinstance(node, Field)  # which may stand behind a name such as `amount`
    scope.refuse(node, say(Remark.FIELD_NOT_WANTED if named else Remark.NOT_WANTED, **told))


def _by_day(node: Node, scope: Scope) -> Values:
    """Evaluate a date to the time on the wall: of its own zone for a field, else of the data's."""
    if isinstance(node, Field):
        column = scope.day(node)
        return column if isinstance(column, Values) else _value(node, scope)
    value = _value(node, scope)
    if value.type != DATE:
        return value
    walls = scope.clock.walls(value.data.astype("datetime64[us]"))
    return Values(DATE, walls.astype(np.int64), value.known)


_MEANINGS: dict[type[Node], Callable[[Any, Scope], Column]] = {
    Constant: _constant,
    Table: _table,
    Field: lambda node, scope: scope.read(node),
    AsOf: _as_of,
    And: _all,
    Or: _any,
    Not: lambda node, scope: ~condition(node.operand, scope),
    Compare: _comparison,
    Membership: _membership,
    Arithmetic: _arithmetic,
    Negative: _negative,
    Call: lambda node, scope: scope.remember(node, lambda: _call(node, scope)),
}
