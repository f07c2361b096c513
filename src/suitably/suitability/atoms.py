"""Atoms: the indivisible conditions of a rule, each by the cheapest way to its bits.

An atom that names only the user is a word of ones or zeros per user. One that names only the
product is a single row of bits. A comparison `f(user) op g(product)` is a table of bit rows: the
user's value is placed among the product side's distinct values by binary search, arithmetic never
rearranged, and the row at that place is the answer. Anything else is evaluated pair by pair, for
the rows asked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from suitably.suitability import bits
from suitably.suitability.bits import ONES, Words
from suitably.suitability.expressions import Compare, Field, Node, walk
from suitably.suitability.fields import Column, Declaration, Fields
from suitably.suitability.semantics import condition, evaluate
from suitably.suitability.values import Texts, Values

__all__ = ["Atom", "Pair", "Rows", "make_atom"]

Rows = NDArray[np.int64]
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


@dataclass(frozen=True)
class Pair:
    """The scope of a policy: fields of users and products, declarations, and the moment.

    Attributes:
        users: The users' fields.
        products: The products' fields.
        declared: What the policy says of its fields.
        as_of: Wall-clock microseconds, None where nothing is dated.
        refusal: Raises at a node: names the policy and rule, with line and column.
        rows: The users in sight; None for all of them.
        columns: The products in sight; None for all of them.
        dry: Only types, no rows: how a policy is checked before any row is read.
    """

    users: Fields
    products: Fields
    declared: Mapping[str, Declaration]
    as_of: int | None
    refusal: Callable[[Node, str], NoReturn]
    rows: Rows | None = None
    columns: Rows | None = None
    dry: bool = False

    def without_rows(self) -> "Pair":
        """Give the same scope with types only."""
        return replace(self, dry=True)

    @property
    def texts(self) -> Texts:
        """The codes that both sides share."""
        return self.users.texts

    def read(self, node: Field) -> Column:
        """Give a field along its side: users down, products across."""
        fields, axis = (self.users, 0) if node.side == "user" else (self.products, 1)
        taken = self.rows if node.side == "user" else self.columns
        declared = self.declared.get(str(node))
        if self.dry:
            return fields.schema(node.name, declared).along(axis)
        column = fields.column(node.name, declared)
        return (column if taken is None else column.take(taken)).along(axis)

    def refuse(self, node: Node, problem: str) -> NoReturn:
        """Raise a `PolicyError` at a node."""
        self.refusal(node, problem)


class Atom(Protocol):
    """A condition that knows its bits."""

    def bits(self, rows: Rows) -> tuple[Words, Words]:
        """Give where it is true and where false, for some users.

        Returns:
            Two arrays of words that broadcast as (users, words).
        """
        ...

    def keys(self) -> NDArray[np.int64] | None:
        """Give a code for every user: equal codes, equal bits. None where there is no code."""
        ...


def make_atom(node: Node, pair: Pair) -> Atom:
    """Choose an atom's way by what it names."""
    sides = _sides(node)
    if "user" not in sides:
        return _ProductAtom(node, pair)
    if "product" not in sides:
        return _UserAtom(node, pair)
    if isinstance(node, Compare):
        dry = pair.without_rows()
        plain = all(isinstance(evaluate(part, dry), Values) for part in (node.left, node.right))
        left, right = _sides(node.left), _sides(node.right)
        if plain and (left, right) == ({"user"}, {"product"}):
            return _ThresholdAtom(node.left, node.operator, node.right, pair)
        if plain and (left, right) == ({"product"}, {"user"}):
            return _ThresholdAtom(node.right, _TURNED[node.operator], node.left, pair)
    return _PairAtom(node, pair)


def _sides(node: Node) -> set[str]:
    return {found.side for found in walk(node) if isinstance(found, Field)}


class _ProductAtom:
    """One row of bits for everybody."""

    def __init__(self, node: Node, pair: Pair) -> None:
        truth = condition(node, pair)
        shape = (1, len(pair.products))
        self._bits = (
            bits.pack(np.broadcast_to(truth.true, shape)),
            bits.pack(np.broadcast_to(truth.false, shape)),
        )

    def bits(self, rows: Rows) -> tuple[Words, Words]:
        return self._bits

    def keys(self) -> NDArray[np.int64] | None:
        return None


class _UserAtom:
    """Every product alike: a word of ones or zeros, which broadcasts."""

    def __init__(self, node: Node, pair: Pair) -> None:
        self._node = node
        self._pair = pair

    def bits(self, rows: Rows) -> tuple[Words, Words]:
        truth = condition(self._node, replace(self._pair, rows=rows))
        return truth.true * ONES, truth.false * ONES

    def keys(self) -> NDArray[np.int64] | None:
        truth = condition(self._node, self._pair)
        return (truth.true + 2 * truth.false).ravel().astype(np.int64)


class _ThresholdAtom:
    """`user value op product value`, by the user's place among the products' distinct values."""

    def __init__(self, user: Node, operator: str, product: Node, pair: Pair) -> None:
        self._user = user
        self._operator = operator
        self._pair = pair
        data, known = _flat(product, pair)
        self._cuts = np.unique(data[known])
        place = np.searchsorted(self._cuts, data)
        steps = np.arange(len(self._cuts) + 1)[:, None]
        reached = place == steps if operator in ("==", "!=") else place >= steps
        self._known = bits.pack(known[None])
        self._table = bits.pack(reached & known)

    def _place(self, pair: Pair) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        data, known = _flat(self._user, pair)
        side: Literal["left", "right"] = "right" if self._operator in ("<", ">=") else "left"
        place = np.searchsorted(self._cuts, data, side=side)
        if self._operator in ("==", "!=") and len(self._cuts):
            found = self._cuts[np.minimum(place, len(self._cuts) - 1)] == data
            place = np.where(found, place, len(self._cuts))
        return place, known

    def bits(self, rows: Rows) -> tuple[Words, Words]:
        place, known = self._place(replace(self._pair, rows=rows))
        judged = self._known & (known[:, None] * ONES)
        reached = self._table[place] & judged
        rest = judged ^ reached
        # x < v and x <= v hold from the place on; x > v and x >= v before it.
        return (reached, rest) if self._operator in ("<", "<=", "==") else (rest, reached)

    def keys(self) -> NDArray[np.int64] | None:
        place, known = self._place(self._pair)
        return np.where(known, place, -1)


class _PairAtom:
    """Evaluated pair by pair, for the rows asked."""

    def __init__(self, node: Node, pair: Pair) -> None:
        self._node = node
        self._pair = pair

    def bits(self, rows: Rows) -> tuple[Words, Words]:
        truth = condition(self._node, replace(self._pair, rows=rows))
        shape = (len(rows), len(self._pair.products))
        return (
            bits.pack(np.broadcast_to(truth.true, shape)),
            bits.pack(np.broadcast_to(truth.false, shape)),
        )

    def keys(self) -> NDArray[np.int64] | None:
        return None


def _flat(node: Node, pair: Pair) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Evaluate an expression of one side to a value, and whether it is known, per row."""
    values = evaluate(node, pair)
    assert isinstance(values, Values)  # make_atom has checked
    return values.data.ravel(), values.known.ravel()
