"""What a rule says of users and products: three-valued, by broadcasting, checked for type.

The same code checks a policy against a schema (on no rows), fills the tables of the fast path,
and judges a single pair. Arithmetic is IEEE double; a missing operand, a division by zero or a
result that is not finite is unknown.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from suitably.data import calendar
from suitably.suitability.expressions import (
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
)
from suitably.suitability.fields import Column
from suitably.suitability.values import (
    ANY,
    DATE,
    DURATION,
    NUMBER,
    PERIOD,
    TEXT,
    Texts,
    Truth,
    Type,
    Values,
)

__all__ = ["COMPARE", "Scope", "condition", "evaluate"]

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
_MONTHS = {"months": 1, "years": 12}
_MOST_MONTHS = 12 * 20_000
_MOST_DAYS = 366 * 20_000


class Scope(Protocol):
    """What a rule can see: the fields of some users and products, and the moment."""

    @property
    def texts(self) -> Texts:
        """The codes that both sides share."""
        ...

    @property
    def as_of(self) -> int | None:
        """The decision's wall-clock moment in microseconds; None where nothing is dated."""
        ...

    def read(self, node: Field) -> Column:
        """Return a field, laid along its side."""
        ...

    def remember(self, node: Node, make: Callable[[], Column]) -> Column:
        """Return what was made for an equal node before, or make it."""
        ...

    def refuse(self, node: Node, problem: str) -> NoReturn:
        """Raise a `PolicyError` at a node."""
        ...


def condition(node: Node, scope: Scope) -> Truth:
    """Evaluate a node that must be a condition.

    Raises:
        PolicyError: It is a number, text or other value.
    """
    value = evaluate(node, scope)
    if isinstance(value, Truth):
        return value
    if value.type == ANY:
        return Truth(np.zeros_like(value.known), np.zeros_like(value.known))
    scope.refuse(node, f"{value.type} is not a condition")


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


def _all(node: And, scope: Scope) -> Truth:
    result = condition(node.operands[0], scope)
    for operand in node.operands[1:]:
        result = result & condition(operand, scope)
    return result


def _any(node: Or, scope: Scope) -> Truth:
    result = condition(node.operands[0], scope)
    for operand in node.operands[1:]:
        result = result | condition(operand, scope)
    return result


def _comparison(node: Compare, scope: Scope) -> Truth:
    left, right = evaluate(node.left, scope), evaluate(node.right, scope)
    return _compare(node, node.operator, left, right, scope)


def _negative(node: Negative, scope: Scope) -> Values:
    value = _value(node.operand, scope)
    if value.type not in (NUMBER, DURATION, PERIOD, ANY):
        scope.refuse(node, f"{value.type} has no minus")
    return Values(value.type, -value.data, value.known)


def _value(node: Node, scope: Scope) -> Values:
    value = evaluate(node, scope)
    if isinstance(value, Truth):
        scope.refuse(node, "a condition where a value is wanted")
    return value


def _of(node: Node, scope: Scope, wanted: Type) -> Values:
    """Evaluate an argument that must have a type."""
    value = _value(node, scope)
    if value.type not in (wanted, ANY):
        scope.refuse(node, f"{value.type} where a {wanted} is wanted")
    return value


def _constant(node: Constant, scope: Scope) -> Column:
    if isinstance(node.value, bool):
        return Truth(np.array([[node.value]]), np.array([[not node.value]]))
    if isinstance(node.value, str):
        code = np.array([[scope.texts.code(node.value)]], np.int64)
        return Values(TEXT, code, np.array([[True]]), literal=node.value)
    return _number(node.value)


@lru_cache(maxsize=4096)
def _number(value: float) -> Values:
    return Values(NUMBER, np.array([[value]], np.float64), np.array([[True]]))


def _compare(node: Node, operator: str, left: Column, right: Column, scope: Scope) -> Truth:
    if isinstance(left, Truth) or isinstance(right, Truth):
        return _compare_conditions(node, operator, left, right, scope)
    left, right = _as_level(node, left, right, scope), _as_level(node, right, left, scope)
    known = left.known & right.known
    if ANY in (left.type, right.type):
        return Truth.of(np.zeros_like(known), np.zeros_like(known))
    if left.type != right.type:
        scope.refuse(node, f"cannot compare {left.type} with {right.type}")
    if left.type.name in ("list", "map", "period"):
        scope.refuse(node, f"cannot compare {left.type}")
    if left.type == TEXT and operator not in ("==", "!="):
        scope.refuse(node, "text has no order: declare a scale, or compare with == or !=")
    return Truth.of(COMPARE[operator](left.data, right.data), known)


def _compare_conditions(
    node: Node, operator: str, left: Column, right: Column, scope: Scope
) -> Truth:
    if operator not in ("==", "!="):
        scope.refuse(node, "conditions have no order")
    known = left.known & right.known
    if isinstance(left, Truth) and isinstance(right, Truth):
        return Truth.of(COMPARE[operator](left.true, right.true), known)
    value = right if isinstance(left, Truth) else left
    if isinstance(value, Values) and value.type != ANY:
        scope.refuse(node, f"cannot compare a condition with {value.type}")
    return Truth.of(np.zeros_like(known), np.zeros_like(known))


def _as_level(node: Node, value: Values, other: Values, scope: Scope) -> Values:
    """Read a text written in the rule as a level, where it meets one."""
    scale = other.type.scale
    if value.literal is None or scale is None:
        return value
    if value.literal not in scale.levels:
        scope.refuse(node, f"{value.literal!r} is not on scale {scale.name!r} {list(scale.levels)}")
    code = np.array([[scale.levels.index(value.literal)]], np.int64)
    return Values(other.type, code, value.known)


def _membership(node: Membership, scope: Scope) -> Truth:
    item = evaluate(node.item, scope)
    result = Truth(np.zeros_like(item.known), item.known)
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
            stamps = date.data.astype("datetime64[us]")
            return _date(calendar.add_months(stamps, months).astype(np.int64), known)
        case ("date", "-", "date"):
            return Values(DURATION, left.data - right.data, known)
        case ("duration", "+" | "-", "duration") | ("period", "+" | "-", "period"):
            return Values(left.type, _ARITHMETIC[operator](left.data, right.data), known)
    if ANY in (left.type, right.type):
        return Values(ANY, np.zeros(known.shape), np.zeros_like(known))
    scope.refuse(node, f"cannot compute {left.type} {operator} {right.type}")


def _date(data: NDArray[np.int64], known: Bools) -> Values:
    inside = (data >= calendar.EARLIEST) & (data <= calendar.LATEST)
    return Values(DATE, data, known & inside)


def _call(node: Call, scope: Scope) -> Column:
    name, arguments = node.function, node.arguments
    match name:
        case "missing":
            value = evaluate(arguments[0], scope)
            return Truth(~value.known, value.known)
        case "rank":
            value = _value(arguments[0], scope)
            if value.type != ANY and value.type.scale is None:
                scope.refuse(node, f"rank takes a level, not {value.type}: declare the field")
            return Values(NUMBER, (value.data + 1).astype(np.float64), value.known)
        case "days" | "months" | "years":
            return _span(name, _of(arguments[0], scope, NUMBER))
        case "age":
            return _age(node, scope)
        case "abs":
            value = _of(arguments[0], scope, NUMBER)
            return Values(NUMBER, np.abs(value.data), value.known)
        case "min" | "max":
            return _extreme(node, scope)
        case "contains":
            return _contains(node, scope)
        case "subset":
            return _subset(node, scope)
        case "lookup":
            return _lookup(node, scope)
    scope.refuse(node, f"unknown function {name}")


def _span(name: str, number: Values) -> Values:
    """Turn a whole number into days, months or years; other numbers are unknown."""
    most = _MOST_DAYS if name == "days" else _MOST_MONTHS // _MONTHS[name]
    whole = (np.floor(number.data) == number.data) & (np.abs(number.data) <= most)
    count = np.where(whole, number.data, 0).astype(np.int64)
    if name == "days":
        return Values(DURATION, count * calendar.DAY, number.known & whole)
    return Values(PERIOD, count * _MONTHS[name], number.known & whole)


def _age(node: Call, scope: Scope) -> Values:
    birth = _of(node.arguments[0], scope, DATE)
    if scope.as_of is None:
        return Values(NUMBER, np.zeros(birth.data.shape), np.zeros_like(birth.known))
    ages = calendar.completed_years(birth.data, scope.as_of)
    return Values(NUMBER, ages, birth.known & (birth.data <= scope.as_of))


def _extreme(node: Call, scope: Scope) -> Values:
    result = _value(node.arguments[0], scope)
    for argument in node.arguments[1:]:
        other = _value(argument, scope)
        result, other = _as_level(node, result, other, scope), _as_level(node, other, result, scope)
        known = result.known & other.known
        if ANY in (result.type, other.type):
            result = Values(ANY, np.zeros(known.shape), np.zeros_like(known))
            continue
        if result.type != other.type or result.type.name not in ("number", "date", "level"):
            scope.refuse(node, f"no {node.function} of {result.type} and {other.type}")
        pick = np.minimum if node.function == "min" else np.maximum
        result = Values(result.type, pick(result.data, other.data), known)
    return result


def _lists(node: Node, value: Values, scope: Scope) -> tuple[frozenset[object], ...]:
    if value.type != ANY and value.type.name != "list":
        scope.refuse(node, f"{value.type} where a list is wanted")
    return value.extra or (frozenset(),)


def _contains(node: Call, scope: Scope) -> Truth:
    container, item = (_value(argument, scope) for argument in node.arguments)
    lists = _lists(node.arguments[0], container, scope)
    element = container.type.element or "any"
    if "any" not in (element, item.type.name) and item.type.name != element:
        scope.refuse(node, f"a list of {element} cannot hold {item.type}")
    known = container.known & item.known
    keys, place = np.unique(np.where(item.known, item.data, 0), return_inverse=True)
    texts = item.type == TEXT and bool(item.known.any())
    items = [scope.texts.text(int(key)) for key in keys] if texts else keys.tolist()
    holds = np.array([[key in members for key in items] for members in lists], bool)
    null = np.array([None in members for members in lists], bool)
    rows, columns = container.data, place.reshape(item.data.shape)
    true = holds.reshape(len(lists), len(items))[rows, columns]
    return Truth(known & true, known & ~true & ~null[rows])


def _subset(node: Call, scope: Scope) -> Truth:
    small, large = (_value(argument, scope) for argument in node.arguments)
    smalls, larges = (
        _lists(argument, value, scope)
        for argument, value in zip(node.arguments, (small, large), strict=True)
    )
    elements = {small.type.element or "any", large.type.element or "any"} - {"any"}
    if len(elements) > 1:
        scope.refuse(node, f"cannot compare {small.type} with {large.type}")
    verdicts = np.array([[_is_subset(a, b) for b in larges] for a in smalls], np.int8)
    found = verdicts[small.data, large.data]
    known = small.known & large.known
    return Truth(known & (found == 1), known & (found == 0))


def _is_subset(small: frozenset[object], large: frozenset[object]) -> int:
    """Return 1 for yes, 0 for no, −1 for unknown: a null may or may not be any element."""
    surplus = small - large - {None}
    if surplus and None not in large:
        return 0
    return 1 if not surplus and None not in small else -1


def _lookup(node: Call, scope: Scope) -> Values:
    mapping, key = (_value(argument, scope) for argument in node.arguments)
    key = _named(key, scope)
    if mapping.type != ANY and mapping.type.name != "map":
        scope.refuse(node.arguments[0], f"{mapping.type} where a map is wanted")
    if key.type not in (TEXT, ANY):
        scope.refuse(node.arguments[1], f"{key.type} where a text key is wanted")
    known = mapping.known & key.known
    if ANY in (mapping.type, key.type) or not known.size:
        return Values(NUMBER, np.zeros(known.shape), np.zeros_like(known))
    keys, place = np.unique(np.where(key.known, key.data, -1), return_inverse=True)
    numbers = mapping.extra.table(keys)[mapping.data, place.reshape(key.data.shape)]
    return Values(NUMBER, numbers, known & np.isfinite(numbers))


def _named(value: Values, scope: Scope) -> Values:
    """Take a level by its name, where levels have names."""
    scale = value.type.scale
    if scale is None or not all(isinstance(level, str) for level in scale.levels):
        return value
    names = scope.texts.codes([str(level) for level in scale.levels])
    return Values(TEXT, names[np.where(value.known, value.data, 0)], value.known)


_MEANINGS: dict[type[Node], Callable[[Any, Scope], Column]] = {
    Constant: _constant,
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
