"""Functions of values: ranks, sizes, the least and the greatest, and whether there is one."""

import numpy as np
from numpy.typing import NDArray

from suitably.suitability.language.functions.model import Context, Function, takes
from suitably.suitability.language.types import (
    ANY,
    BARE_DATE,
    DATE,
    NUMBER,
    Column,
    Kleene,
    Type,
    Values,
    as_level,
)
from suitably.suitability.messages.remarks import Remark
from suitably.suitability.messages.told import say

__all__ = ["NUMBERS"]


def _missing(_: Context, value: Column) -> Kleene:
    return Kleene(~value.known, value.known)


def _known(_: Context, value: Column) -> Kleene:
    return Kleene(value.known, np.zeros_like(value.known))


def _rank(_: Context, level: Values) -> Values:
    return Values(NUMBER, (level.data + 1).astype(np.float64), level.known)


def _abs(_: Context, number: Values) -> Values:
    return Values(NUMBER, np.abs(number.data), number.known)


def _min(context: Context, *arguments: Values) -> Values:
    return _extreme("min", np.minimum, context, arguments)


def _max(context: Context, *arguments: Values) -> Values:
    return _extreme("max", np.maximum, context, arguments)


def _extreme(name: str, pick: np.ufunc, context: Context, arguments: tuple[Values, ...]) -> Values:
    result = arguments[0]
    if len(arguments) == 1:
        return _of_list(name, context, result)
    for argument in arguments[1:]:
        result = as_level(result, argument, context.refuse)
        other = as_level(argument, result, context.refuse)
        known = result.known & other.known
        if ANY in (result.type, other.type):
            result = Values(ANY, np.zeros(known.shape), np.zeros_like(known))
            continue
        if result.type != other.type or result.type.name not in ("number", "date", "level"):
            told = {"function": name, "one": result.type.told, "other": other.type.told}
            context.refuse(say(Remark.NO_EXTREME_OF_TWO, **told))
        result = Values(result.type, pick(result.data, other.data), known)
    return result


def _of_list(name: str, context: Context, value: Values) -> Values:
    """Return an extreme of the elements: unknown where one is missing, or there are none."""
    if value.type == ANY or value.type.name == "level":
        return value  # a check without data cannot tell a list of levels from a level
    if value.type.name != "list" or value.type.element == "text":
        context.refuse(say(Remark.NO_EXTREME, function=name, found=value.type.told))
    if value.type.element == "any":  # nothing in any list: whatever is wanted
        return Values(ANY, np.zeros(value.known.shape), np.zeros_like(value.known))
    lists: tuple[frozenset[float], ...] = value.extra or (frozenset(),)
    known = np.array([bool(one) and None not in one for one in lists])
    pick = min if name == "min" else max
    ends = [pick(one) if there else 0 for one, there in zip(lists, known, strict=True)]
    kind = NUMBER
    if value.type.scale is not None:
        kind = Type("level", value.type.scale)
    elif value.type.element == "date":
        kind = BARE_DATE if value.type.bare else DATE
    data: NDArray[np.generic] = np.array(ends, np.float64 if kind == NUMBER else np.int64)
    return Values(kind, data[value.data], value.known & known[value.data])


NUMBERS = (
    Function(
        "rank",
        takes(level="level"),
        "number",
        "position on the scale, the lowest is 1",
        _rank,
        least=1,
        whole=True,
    ),
    Function(
        "missing",
        takes(x="any"),
        "boolean",
        "whether a value is missing; itself never unknown",
        _missing,
        total=True,
    ),
    Function(
        "known",
        takes(x="any"),
        "boolean",
        "true where there is a value, unknown where it is missing",
        _known,
    ),
    Function(
        "min",
        takes(a="ordered", b="ordered"),
        "ordered",
        "the least of numbers, dates or levels of one scale; of one list, its least element",
        _min,
        variadic=True,
        optional=1,
    ),
    Function(
        "max",
        takes(a="ordered", b="ordered"),
        "ordered",
        "the greatest of numbers, dates or levels of one scale; of one list, its greatest element",
        _max,
        variadic=True,
        optional=1,
    ),
    Function("abs", takes(number="number"), "number", "without its sign", _abs, least=0),
)
