"""Rules that widen: what is passed only because a field is missing.

All of the language but `missing`, and a `lookup` where the key is absent, knows no more as a field
goes missing. So only these are asked about, and only where they stand so that they could let more
pass; each rule is then judged with and without the field in every world that makes a difference.
"""

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.suitability.language.document import PolicyDocument, Rule
from suitably.suitability.language.nodes import (
    And,
    Arithmetic,
    Call,
    Compare,
    Constant,
    Field,
    Node,
    Not,
    Or,
    fields_of,
    walk,
)
from suitably.suitability.language.types import Kleene
from suitably.suitability.lint.possible_worlds import possible_worlds

__all__ = ["narrows_less", "widening_fields", "widening_lookups"]

_NOTHING = Constant(0.0)
_UNKNOWN = Compare("==", Arithmetic("/", _NOTHING, _NOTHING), _NOTHING)
_ALWAYS = Constant(True)


def widening_fields(policy: PolicyDocument, rule: Rule) -> Iterator[tuple[Field, bool]]:
    """Return the fields without which a rule lets pass what it keeps out for one of their values.

    Yields:
        The field; and whether the rule then steps aside, as its `applies` is false.

    Example:
        >>> from suitably.suitability.policy import Policy
        >>> policy = Policy.from_toml('''
        ... [policy]
        ... id = "p"
        ... [[rules]]
        ... id = "r"
        ... require = "missing(user.x) or user.x > 2"
        ... ''')
        >>> [(str(field), aside) for field, aside in widening_fields(policy, policy.rules[0])]
        [('user.x', False)]
    """
    applies, require = rule.applies_node or _ALWAYS, rule.require_node
    asked = [*_asked(applies, False), *_asked(applies, True), *_asked(require, True)]
    for field in fields_of(*asked):
        without = _without(applies, field), _without(require, field)
        found = possible_worlds([*without, applies, require], policy.fields)
        if found is None:  # too many worlds, or types that only data would settle
            yield field, field in fields_of(*_asked(applies, False))
            continue
        more = _lets(*found[:2]) & ~_lets(*found[2:])
        if more.any():
            yield field, bool(found[0].false[more].any())


def widening_lookups(policy: PolicyDocument, rule: Rule) -> Iterator[Call]:
    """Return the lookups whose default passes where a number or date of the map would not.

    What is not in a map of amounts is 0 of it: that default is taken for granted.
    """
    applies, require = rule.applies_node or _ALWAYS, rule.require_node
    calls = [part for node in (applies, require) for part in walk(node) if isinstance(part, Call)]
    for call in dict.fromkeys(calls):
        if call.function != "lookup" or call.arguments[2:] in ((), (_NOTHING,)):
            continue
        absent, present = (
            [_exchanged(node, call, other) for node in (applies, require)]
            for other in (call.arguments[2], replace(call, arguments=call.arguments[:2]))
        )
        found = possible_worlds([*absent, *present], policy.fields)
        if found is None or (_lets(*found[:2]) & ~_lets(*found[2:])).any():
            yield call


def narrows_less(policy: PolicyDocument) -> Iterator[Field]:
    """Return the fields without which a policy does not govern what it governs otherwise."""
    governs = policy.governs_node
    for field in fields_of(*([] if governs is None else _asked(governs, False))):
        assert governs is not None
        found = possible_worlds([_without(governs, field), governs], policy.fields)
        if found is None or (found[0].false & ~found[1].false).any():
            yield field


def _lets(applies: Kleene, require: Kleene) -> NDArray[np.bool_]:
    """Return where a rule does not keep out, be it that it passes or that it steps aside."""
    lets: NDArray[np.bool_] = applies.false | (applies.true & require.true)
    return lets


def _asked(node: Node, upright: bool) -> list[Node]:
    """Return what a condition asks to be missing, in the sense that makes it true or false."""
    match node:
        case Call(function="missing"):
            inside = node.arguments[0]
            return [*([inside] if upright else []), *_asked(inside, True), *_asked(inside, False)]
        case Not():
            return _asked(node.operand, not upright)
        case And() | Or():
            return [name for part in node.operands for name in _asked(part, upright)]
    return [name for part in node.children for way in (True, False) for name in _asked(part, way)]


def _without(node: Node, field: Field) -> Node:
    """Return a condition as it is where a field is missing: without the field."""
    if field not in fields_of(node):
        return node
    missing = any(isinstance(n, Call) and n.function == "missing" for n in walk(node))
    if missing or isinstance(node, And | Or | Not):
        return _rebuilt(node, lambda one: _without(one, field))
    return _UNKNOWN


def _exchanged(node: Node, old: Node, new: Node) -> Node:
    return new if node == old else _rebuilt(node, lambda one: _exchanged(one, old, new))


def _rebuilt(node: Node, change: Callable[[Node], Node]) -> Node:
    """Return a node with its children changed."""
    changed: dict[str, Any] = {}
    for one in fields(node):
        value = getattr(node, one.name)
        if isinstance(value, Node):
            changed[one.name] = change(value)
        elif isinstance(value, tuple) and value and isinstance(value[0], Node):
            changed[one.name] = tuple(map(change, value))
    return replace(node, **changed)
