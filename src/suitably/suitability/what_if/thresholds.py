"""What a fact is compared with: by the leaves of a rule, and where it stands in them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from suitably.suitability.language.nodes import (
    And,
    Arithmetic,
    Call,
    Compare,
    Field,
    Membership,
    Negative,
    Node,
    Not,
    Or,
    column_name,
    fields_of,
)

__all__ = ["Threshold", "leaves", "thresholds"]


@dataclass(frozen=True)
class Threshold:
    """Where the truth of a leaf may turn.

    Attributes:
        kind: `value`: at a value of the fact; `element`: with an element of the fact, a set;
            `entry`: at a value of an entry of the fact, a map; `list`: at an element of a list;
            `set`: with all of a list in the fact, a set.
        at: What is compared with.
        key: The entry's key.
    """

    kind: Literal["value", "element", "entry", "list", "set"]
    at: Node
    key: Node | None = None


def leaves(node: Node) -> Iterator[Node]:
    """Return the conditions that logic joins."""
    if isinstance(node, And | Or | Not):
        for child in node.children:
            yield from leaves(child)
    else:
        yield node


def thresholds(leaf: Node, name: str) -> Iterator[Threshold]:
    """Return where the truth of a leaf may turn with a fact.

    A fact that does not stand alone is solved for, where arithmetic has one solution.
    """
    match leaf:
        case Compare():
            yield from _solved(leaf.left, leaf.right, name)
            yield from _solved(leaf.right, leaf.left, name)
        case Membership():
            for choice in leaf.choices:
                yield from _solved(leaf.item, choice, name)
                yield from _solved(choice, leaf.item, name)
        case Call(function="contains", arguments=(among, item)):
            if _is(among, name):
                yield Threshold("element", item)
            if _is(item, name):
                yield Threshold("list", among)
        case Call(function="subset" | "disjoint", arguments=(one, other)):
            if _is(one, name):
                yield Threshold("set", other)
            if _is(other, name):
                yield Threshold("set", one)


def _is(node: Node, name: str) -> bool:
    return isinstance(node, Field) and node.side == "user" and column_name(node.name) == name


def _holds(node: Node, name: str) -> bool:
    return any(_is(field, name) for field in fields_of(node))


def _solved(side: Node, other: Node, name: str) -> Iterator[Threshold]:
    if _is(side, name):
        yield Threshold("value", other)
        return
    match side:
        case Negative():
            yield from _solved(side.operand, Negative(other), name)
        case Arithmetic():
            for inside, beside, first in (
                (side.left, side.right, True),
                (side.right, side.left, False),
            ):
                if _holds(inside, name) and not _holds(beside, name):
                    yield from _solved(inside, _undone(side, other, beside, first), name)
        case Call(function="min" | "max"):
            for part in side.arguments:
                if _holds(part, name):
                    yield from _solved(part, other, name)
        case Call(function="lookup", arguments=(mapping, key, *_)) if _is(mapping, name):
            yield Threshold("entry", other, key)


def _undone(side: Arithmetic, other: Node, beside: Node, first: bool) -> Node:
    """Return what the first operand, or the second, must be for a result."""
    undo = {"+": "-", "-": "+", "*": "/", "/": "*"}[side.operator]
    if first or side.operator in "+*":
        return replace(side, operator=undo, left=other, right=beside)
    return replace(side, left=beside, right=other)
