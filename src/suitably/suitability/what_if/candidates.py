"""Values that a fact might take: on both sides of every value at which a rule turns.

Between two neighbouring thresholds no leaf can tell values apart, so that a value at each threshold
and one on either side of it stand for all. Facts that meet in one leaf are thresholds of each
other, as often as there are of them.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa

from suitably.errors import PolicyError
from suitably.suitability.engine.fields import Fields
from suitably.suitability.engine.scope import EvalScope
from suitably.suitability.language.evaluator import condition, evaluate
from suitably.suitability.language.functions.money import AMOUNT
from suitably.suitability.language.nodes import Call, Field, Node, column_name, walk
from suitably.suitability.language.types import (
    ANY,
    BOOLEAN,
    Column,
    Domain,
    Kleene,
    Scale,
    Type,
    Values,
    type_name,
)
from suitably.suitability.what_if.minimal import Names
from suitably.suitability.what_if.plan import Fact, Plan
from suitably.suitability.what_if.representable import (
    around,
    elements_of,
    holds,
    type_in_arrow,
)
from suitably.suitability.what_if.supposed import Derived, Options, Supposed
from suitably.suitability.what_if.thresholds import Threshold

__all__ = ["options_for"]

_MOST = 512  # values of one fact
_MOST_BLOCKS = 9  # whose 512 unions are all tried
_ROUNDS = 3


class _Found:
    """One fact, and the values found for it so far."""

    def __init__(self, fact: Fact, fields: Fields, row: int) -> None:
        self.asked = fact
        self.kind = fact.kind
        self.now = fields.cell(fact.name, row) if fields.has(fact.name) else None
        self.values: list[Any] = []
        self.blocks: dict[frozenset[Any], None] = {}
        self._seen: set[Any] = set()

    def settle(self, found: Type) -> None:
        """Take a type from what it is compared with, where its column tells none."""
        if self.kind is None:
            self.kind = type_in_arrow(found)

    def add(self, values: Iterable[Any]) -> None:
        """Take in more values."""
        for value in values:
            key = repr(value)
            if value is not None and key not in self._seen and len(self.values) < _MOST:
                self._seen.add(key)
                if not holds(value, self.kind):
                    continue
                self.values.append(value)

    def unite(self) -> None:
        """Make the sets that have, or lack, each block of elements."""
        blocks = list(self.blocks)
        rest = frozenset(self.now or ()) - {None}
        rest = rest.difference(*blocks)
        sizes = range(len(blocks) + 1)
        if len(blocks) > _MOST_BLOCKS:
            sizes = [0, 1, 2, len(blocks) - 1, len(blocks)]  # type: ignore[assignment]
        for size in sizes:
            for chosen in combinations(blocks, size):
                self.add([sorted(rest.union(*chosen), key=repr)])

    def array(self) -> pa.Array:
        """Return the present value, then the others."""
        assert self.kind is not None
        values = [self.now, *self.values]
        if pa.types.is_map(self.kind):
            values = [None if value is None else list(value.items()) for value in values]
        return pa.array(values, self.kind)


def options_for(
    plan: Plan,
    fields: Fields,
    row: int,
    derived: Derived,
    scope_of: Callable[[EvalScope], EvalScope],
    as_of: int | None,
) -> Options:
    """Return the values that facts may take; facts that can take none are left out.

    Args:
        plan: The facts, and the conditions that they decide.
        fields: The users' fields.
        row: The user.
        derived: What follows from facts.
        scope_of: Narrows a policy's scope to the user and a product, or some that differ in
            nothing that facts are compared with.
        as_of: The moment in microseconds.
    """
    facts = {name: _Found(fact, fields, row) for name, fact in plan.facts.items()}
    for fact in facts.values():
        _type_of(fact, scope_of)
    facts = {name: fact for name, fact in facts.items() if fact.kind is not None}
    sought = {}
    for name, fact in facts.items():
        if name in plan.settled:
            fact.values = plan.settled[name]
        else:
            sought[name] = fact
            fact.add(_usual(fact, fields, as_of))
    joint = plan.joint
    for _ in range(max(1, min(len(joint), _ROUNDS)) if sought else 0):
        # What meets no other fact asks for no values of others.
        options = _options(facts if joint else {}, derived, fields)
        for fact in sought.values():
            _compare(fact, options, scope_of, fields)
    for fact in sought.values():
        _admit(fact, fields)
    options = _options(facts, derived, fields)
    for name, fact in sought.items():
        if name not in joint:
            places = _distinct(fact, options, scope_of)
            options = options.take(name, [0, *places])
            if name in plan.alone and not pa.types.is_nested(fact.kind):
                plan.settled[name] = [fact.values[place - 1] for place in places]
    return options.only([name for name, array in options.arrays.items() if len(array) > 1])


def _options(facts: Mapping[str, _Found], derived: Derived, fields: Fields) -> Options:
    arrays = {name: fact.array() for name, fact in facts.items()}
    return Options(arrays, derived, fields.texts, fields.clock)


def _type_of(fact: _Found, scope_of: Callable[[EvalScope], EvalScope]) -> None:
    """Tell the type of a fact of which nobody has a value."""
    for declared in fact.asked.declared:
        stated = type_name(declared)
        if isinstance(declared, Scale):
            fact.settle(Type("text" if isinstance(declared.levels[0], str) else "number"))
        elif stated in ("number", "text", "date", "boolean"):
            fact.settle(Type(stated))
    for leaf in fact.asked.leaves if fact.kind is None else ():
        if isinstance(leaf.node, Field) and column_name(leaf.node.name) == fact.asked.name:
            fact.settle(BOOLEAN)
    for leaf, one in fact.asked.turns if fact.kind is None else ():
        found = _evaluated(one.at, scope_of(leaf.scope))
        if found is None:
            continue
        kind = BOOLEAN if isinstance(found, Kleene) else found.type
        if one.kind in ("element", "set"):
            element = kind.name if one.kind == "element" else kind.element
            kind = Type("list", element=element)
        elif one.kind == "entry":
            kind = Type("map", element=kind.name)
        elif one.kind == "list":
            kind = Type(kind.element or "any")
        fact.settle(kind)


def _usual(fact: _Found, fields: Fields, as_of: int | None) -> list[Any]:
    """Return values that a fact may have, whatever it is compared with."""
    assert fact.kind is not None
    kind, types = fact.kind, pa.types
    if fact.asked.scale is not None and not types.is_list(kind):
        return list(fact.asked.scale.levels)
    found: list[Any] = [end for one in fact.asked.domains for end in (one.least, one.most)]
    found += [value for one in fact.asked.domains for value in one.values]
    if types.is_boolean(kind):
        return [False, True]
    if types.is_list(kind):
        return [[]]
    if types.is_map(kind):
        return [dict(fact.now or {})]
    if types.is_string(kind):
        return found or [f"another {fact.asked.name}"]
    if types.is_date(kind) or types.is_timestamp(kind):
        near = [] if as_of is None else around(float("nan"), as_of, kind, fields.clock, 1)
        return near if types.is_timestamp(kind) else found + near
    return found + around(0.0, 0, kind, fields.clock, 1)


def _compare(
    fact: _Found,
    options: Options,
    scope_of: Callable[[EvalScope], EvalScope],
    fields: Fields,
) -> None:
    """Take in the values at which leaves turn, and those beside them."""
    assert fact.kind is not None
    supposed: dict[Names, Supposed] = {}
    for leaf, one in fact.asked.turns:
        others = leaf.names & options.arrays.keys() - {fact.asked.name}
        if others not in supposed:
            supposed[others] = Supposed(options, others, scope_of)
        scope = supposed[others].scope(leaf.scope)
        found = _evaluated(one.at, scope)
        if found is None:
            continue
        if one.kind == "entry":
            key = _evaluated(one.key, scope) if one.key is not None else None
            if key is not None and pa.types.is_map(fact.kind):
                near = _near(one, found, fact.kind.item_type, fields)
                keys = elements_of(key, fields, pa.string())
                known = [dict(fact.now or {}), *fact.values]
                fact.add([{**old, k: v} for old in known[:16] for k in keys for v in near])
        elif pa.types.is_list(fact.kind):
            _block(fact, one, found, fields)
        else:
            fact.add(_near(one, found, fact.kind, fields))
    if pa.types.is_list(fact.kind):
        fact.unite()


def _near(one: Threshold, found: Column, kind: pa.DataType, fields: Fields) -> list[Any]:
    """Return the values of a threshold and those beside them, as a column of a type holds them."""
    if isinstance(found, Kleene) or one.kind == "list" or found.type.name in ("text", "level"):
        return elements_of(found, fields, kind)
    months = any(isinstance(p, Call) and p.function in ("months", "years") for p in walk(one.at))
    numbers = np.unique(found.data[np.broadcast_to(found.known, found.data.shape)]).tolist()
    near = [around(float(n), int(n), kind, fields.clock, 3 if months else 1) for n in numbers]
    return [value for values in near for value in values]


def _block(fact: _Found, one: Threshold, found: Column, fields: Fields) -> None:
    """Take in elements that a leaf asks for, or asks not to be there."""
    assert fact.kind is not None
    elements = elements_of(found, fields, fact.kind.value_type)
    if one.kind == "element":
        fact.blocks.update({frozenset([element]): None for element in elements})
    elif one.kind == "set":
        surplus = frozenset(fact.now or ()) - {None} - {*elements}
        fact.blocks.update({block: None for block in (frozenset(elements), surplus) if block})


def _evaluated(node: Node | None, scope: Any) -> Column | None:
    """Evaluate what a fact is compared with; what has no such value, or type, is None."""
    if node is None:
        return None
    try:
        found = evaluate(node, scope)
    except PolicyError:
        return None
    return None if isinstance(found, Values) and found.type == ANY else found


def _admit(fact: _Found, fields: Fields) -> None:
    """Leave out what a policy says that the fact cannot be."""
    if fact.asked.name == column_name(AMOUNT):
        fact.values = [value for value in fact.values if value >= 0]
    for declared in fact.asked.declared:
        if isinstance(declared, Scale | Domain) and fact.values:
            table = pa.table({fact.asked.name: fact.array()[1:]})
            read = Fields("user", table, fields.texts, fields.clock)
            nowhere = np.zeros(len(fact.values), bool)
            known = read.column(fact.asked.name, declared, nowhere).known.tolist()
            fact.values = [v for v, fits in zip(fact.values, known, strict=True) if fits]


def _distinct(
    fact: _Found, options: Options, scope_of: Callable[[EvalScope], EvalScope]
) -> list[int]:
    """Return the first of the values, the present one aside, that all leaves judge alike."""
    supposed = Supposed(options, [fact.asked.name], scope_of)
    told = []
    count = len(fact.values) + 1
    for leaf in fact.asked.leaves:
        truth = condition(leaf.node, supposed.scope(leaf.scope))
        for part in (truth.true, truth.false):
            told.append(np.broadcast_to(part, (count, *part.shape[1:])).reshape(count, -1))
    first: dict[bytes, int] = {}
    for place, judged in enumerate(np.concatenate(told, axis=1)[1:], 1):
        first.setdefault(judged.tobytes(), place)
    return [*first.values()]
