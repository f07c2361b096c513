"""Functions of lists and maps: what they hold, and how much of it."""

from collections.abc import Callable

import numpy as np

from suitably.suitability.language.functions.model import Context, Function, takes
from suitably.suitability.language.types import (
    ANY,
    BARE_DATE,
    DATE,
    NUMBER,
    TEXT,
    Kleene,
    MapColumn,
    StringPool,
    Type,
    Values,
    as_level,
)
from suitably.suitability.messages.remarks import Remark
from suitably.suitability.messages.told import say

__all__ = ["COLLECTIONS", "by_name", "held_in"]


def _contains(context: Context, container: Values, item: Values) -> Kleene:
    lists = _lists(container)
    if container.type.scale is not None:
        level = Values(Type("level", container.type.scale), container.data, container.known)
        item = as_level(item, level, context.refuse)
    _same_elements(context, container.type, item.type)
    known = container.known & item.known
    keys, place = np.unique(np.where(item.known, item.data, 0), return_inverse=True)
    texts = item.type == TEXT and bool(item.known.any())
    items = [context.texts.text(int(key)) for key in keys] if texts else keys.tolist()
    holds = np.array([[key in members for key in items] for members in lists], bool)
    null = np.array([None in members for members in lists], bool)
    rows, columns = container.data, place.reshape(item.data.shape)
    true = holds.reshape(len(lists), len(items))[rows, columns]
    return Kleene(known & true, known & ~true & ~null[rows])


def _same_elements(context: Context, container: Type, item: Type) -> None:
    element = container.element or "any"
    if "any" in (element, item.name):
        return
    if item.name != element or (element == "level" and item.scale != container.scale):
        context.refuse(say(Remark.CANNOT_HOLD, container=container.told, item=item.told))


def _subset(context: Context, small: Values, large: Values) -> Kleene:
    return _compared(context, small, large, _is_subset)


def _disjoint(context: Context, one: Values, other: Values) -> Kleene:
    return _compared(context, one, other, _is_disjoint)


def _compared(
    context: Context,
    one: Values,
    other: Values,
    compare: Callable[[frozenset[object], frozenset[object]], int],
) -> Kleene:
    types = {(value.type.element or "any", value.type.scale) for value in (one, other)}
    if len({kind for kind in types if kind[0] != "any"}) > 1:
        told = {"one": one.type.told, "other": other.type.told, "hint": ""}
        context.refuse(say(Remark.CANNOT_COMPARE, **told))
    verdicts = np.array([[compare(a, b) for b in _lists(other)] for a in _lists(one)], np.int8)
    found = verdicts[one.data, other.data]
    known = one.known & other.known
    return Kleene(known & (found == 1), known & (found == 0))


def _lists(value: Values) -> tuple[frozenset[object], ...]:
    return value.extra or (frozenset(),)


def _is_subset(small: frozenset[object], large: frozenset[object]) -> int:
    """Return 1 for yes, 0 for no, −1 for unknown: a null may or may not be any element."""
    surplus = small - large - {None}
    if surplus and None not in large:
        return 0
    return 1 if not surplus and None not in small else -1


def _is_disjoint(one: frozenset[object], other: frozenset[object]) -> int:
    """Return likewise whether nothing is in both."""
    if (one & other) - {None}:
        return 0
    unsure = (None in one and other) or (None in other and one)
    return -1 if unsure else 1


def _count(_: Context, value: Values) -> Values:
    counts = np.array([getattr(one, "size", len(one)) for one in _lists(value)], np.float64)
    return Values(NUMBER, counts[value.data], value.known)


def _lookup(
    context: Context, mapping: Values, key: Values, default: Values | None = None
) -> Values:
    key = by_name(key, context.texts)
    kind = held_in(mapping.type)
    if default is not None and kind != ANY and default.type not in (kind, ANY):
        context.refuse(say(Remark.WRONG_DEFAULT, wanted=kind.told, found=default.type.told))
    if default is not None and kind == ANY:
        kind = default.type
    known = mapping.known & key.known
    if ANY in (mapping.type, key.type) or not known.any():
        shape = known.shape if default is None else (known & default.known).shape
        return Values(kind, np.zeros(shape, _dtype(kind)), np.zeros(shape, bool))
    keys, place = np.unique(np.where(key.known, key.data, -1), return_inverse=True)
    rows, columns = mapping.data, place.reshape(key.data.shape)
    values, there = mapping.extra.table(keys)
    data, found = values[rows, columns], there[rows, columns]
    if default is None:
        return Values(kind, data, known & (found == MapColumn.KNOWN))
    absent = found == MapColumn.ABSENT
    data = np.where(absent, default.data, data).astype(_dtype(kind))
    return Values(kind, data, known & ((found == MapColumn.KNOWN) | (absent & default.known)))


def held_in(mapping: Type) -> Type:
    """Return the type of what a map holds; of one in which nothing is, whatever is wanted."""
    if mapping == ANY or mapping.element == "any":
        return ANY
    if mapping.element != "date":
        return NUMBER
    return BARE_DATE if mapping.bare else DATE


def _dtype(kind: Type) -> type[np.generic]:
    return np.int64 if kind == DATE else np.float64


def by_name(value: Values, texts: StringPool) -> Values:
    """Take a level by its name."""
    scale = value.type.scale
    if scale is None:
        return value
    names = texts.codes([str(level) for level in scale.levels])
    return Values(TEXT, names[np.where(value.known, value.data, 0)], value.known)


COLLECTIONS = (
    Function(
        "contains",
        takes(list="list", x="element"),
        "boolean",
        "whether a list has the value, which `x in list` says too",
        _contains,
    ),
    Function(
        "subset",
        takes(a="list", b="list"),
        "boolean",
        "whether all of list `a` is in list `b`",
        _subset,
    ),
    Function(
        "disjoint",
        takes(a="list", b="list"),
        "boolean",
        "whether nothing is in both lists",
        _disjoint,
    ),
    Function(
        "count",
        takes(list="list"),
        "number",
        "how many elements a list has, missing ones and repeats included",
        _count,
        least=0,
        whole=True,
    ),
    Function(
        "lookup",
        takes(map="map", key="key", default="value"),
        "value",
        "the number or date of a map at a key; where the key is absent the default, which stands "
        "for no missing number, map or key",
        _lookup,
        optional=1,
    ),
)
