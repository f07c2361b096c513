"""Atoms: the indivisible conditions of a rule, each by the cheapest way to its bits.

An atom that names only the user is a word of ones or zeros per user. One that names only the
product is a single row of bits. A comparison `f(user) op g(product)` is a table of bit rows: the
user's value is placed among the product side's distinct values by binary search, arithmetic never
rearranged, and the row at that place is the answer. Anything else is evaluated once per distinct
combination of the users' values in it, or pair by pair where nearly every user is one of a kind.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suitably.suitability.engine.scope import EvalScope, UserBatch
from suitably.suitability.language.evaluator import condition, evaluate
from suitably.suitability.language.functions import is_dated, moments
from suitably.suitability.language.nodes import Compare, Node, sides
from suitably.suitability.language.types import Kleene, Values
from suitably.utils import bitset
from suitably.utils.bitset import ALL, NOTHING, ONES, BitRows

__all__ = ["Atom", "AtomReader", "LookupTable", "TruthBits", "UserAtom"]
__all__ += ["batch_reader", "make_atom", "pair_reader", "pair_scopes"]

TruthBits = tuple[BitRows, BitRows]
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_MOST_COMBINATIONS = 8192
_CELLS = 2**22
_MOST_HELD = 4096


@dataclass(frozen=True)
class LookupTable:
    """An atom as a table: a code per user, and per code the products where it is true or false.

    Attributes:
        codes: int32 (users,), rows of the table.
        true: Words (codes, words), or (codes, 1) where all products are alike.
        false: Likewise.
    """

    codes: NDArray[np.int32]
    true: BitRows
    false: BitRows


class Atom(Protocol):
    """A condition that knows its bits."""

    @property
    def node(self) -> Node:
        """The condition."""
        ...

    @property
    def scope(self) -> EvalScope:
        """Its policy's scope."""
        ...

    def bits(self, batch: UserBatch) -> TruthBits:
        """Return where it is true and where false, for the users in sight.

        Returns:
            Two arrays of words that broadcast as (users, words).
        """
        ...

    def lookup_table(self, batch: UserBatch) -> LookupTable | None:
        """Return it as a table for many users; None where that would be too large."""
        ...


AtomReader = Callable[[Atom], TruthBits]


def batch_reader(batch: UserBatch) -> AtomReader:
    """Return a reader of atoms for some users and all products, which reads each atom once."""
    found: dict[int, TruthBits] = {}

    def read(atom: Atom) -> TruthBits:
        if id(atom) not in found:
            found[id(atom)] = atom.bits(batch)
        return found[id(atom)]

    return read


def pair_scopes(batch: UserBatch, column: int) -> Callable[[EvalScope], EvalScope]:
    """Return what narrows a policy's scope to one user and one product, once for each."""
    columns = np.array([column])
    made: dict[int, EvalScope] = {}

    def narrowed(scope: EvalScope) -> EvalScope:
        if id(scope) not in made:
            made[id(scope)] = scope.of(batch, columns)
        return made[id(scope)]

    return narrowed


def pair_reader(scope_of: Callable[[EvalScope], EvalScope]) -> AtomReader:
    """Return a reader of atoms for one user and one product: a word of ones or zeros."""
    found: dict[int, TruthBits] = {}

    def read(atom: Atom) -> TruthBits:
        if id(atom) not in found:
            truth = condition(atom.node, scope_of(atom.scope))
            true, false = truth.true.any(), truth.false.any()
            found[id(atom)] = (ALL if true else NOTHING, ALL if false else NOTHING)
        return found[id(atom)]

    return read


def make_atom(node: Node, scope: EvalScope) -> Atom:
    """Choose an atom's way by what it names."""
    named = sides(node)
    if "product" in named and isinstance(node, Compare) and _plain(node, scope):
        for one, operator, other in (
            (node.left, node.operator, node.right),
            (node.right, _TURNED[node.operator], node.left),
        ):
            if sides(other) == {"product"} and not is_dated(other):
                # A moment has a place among the products' dates as a user's value has.
                if sides(one) == {"user"}:
                    return _ThresholdAtom(one, operator, other, scope)
                if not sides(one) and is_dated(one):
                    return _MomentAtom(one, operator, other, scope)
    if "user" not in named:
        return _ProductAtom(node, scope)
    if "product" not in named:
        return UserAtom(node, scope)
    return _PairAtom(node, scope)


def _plain(node: Compare, scope: EvalScope) -> bool:
    """Return whether it compares values; conditions have no order to be placed in."""
    dry = scope.without_rows()
    return all(isinstance(evaluate(part, dry), Values) for part in (node.left, node.right))


class _ByMoment:
    """Remembers what was made for a moment, or for ever where no moment is asked about."""

    def __init__(self, node: Node) -> None:
        self._dated = is_dated(node)
        self._held: tuple[int | None, Any] | None = None

    def get(self, as_of: int | None) -> Any:
        held = self._held
        return held[1] if held and (held[0] == as_of or not self._dated) else None

    def keep(self, as_of: int | None, made: Any) -> Any:
        self._held = (as_of, made)
        return made


class _ProductAtom:
    """One row of bits for everybody."""

    def __init__(self, node: Node, scope: EvalScope) -> None:
        self.node, self.scope = node, scope
        self._memory = _ByMoment(node)

    def bits(self, batch: UserBatch) -> TruthBits:
        found: TruthBits | None = self._memory.get(batch.as_of)
        if found is None:
            truth = condition(self.node, self.scope.of(batch))
            found = self._memory.keep(batch.as_of, _packed(truth, 1, self.scope))
        return found

    def lookup_table(self, batch: UserBatch) -> LookupTable | None:
        true, false = self.bits(batch)
        return LookupTable(np.zeros(len(batch), np.int32), true, false)


class UserAtom:
    """Every product alike: a word of ones or zeros, which broadcasts."""

    _TRUE = np.array([[0], [ONES], [0]], np.uint64)
    _FALSE = np.array([[0], [0], [ONES]], np.uint64)

    def __init__(self, node: Node, scope: EvalScope) -> None:
        self.node: Node = node
        self.scope: EvalScope = scope

    def bits(self, batch: UserBatch) -> TruthBits:
        """Return a word of ones or zeros per user."""
        truth = condition(self.node, self.scope.of(batch))
        return truth.true * ONES, truth.false * ONES

    def lookup_table(self, batch: UserBatch) -> LookupTable | None:
        """Return a table of three rows: unknown, true, false."""
        truth = condition(self.node, self.scope.of(batch))
        codes = truth.true.ravel().astype(np.int32) + 2 * truth.false.ravel().astype(np.int32)
        return LookupTable(codes, self._TRUE, self._FALSE)


class _ThresholdAtom:
    """`user value op product value`, by the user's place among the products' distinct values."""

    def __init__(self, user: Node, operator: str, product: Node, scope: EvalScope) -> None:
        self.node, self.scope = Compare(operator, user, product), scope
        self._user, self._product = user, product
        self._operator = operator
        self._made: tuple[Any, BitRows, BitRows] | None = None

    def bits(self, batch: UserBatch) -> TruthBits:
        places, (_, true, false) = self._places(batch)
        return true[places], false[places]

    def lookup_table(self, batch: UserBatch) -> LookupTable | None:
        places, (_, true, false) = self._places(batch)
        return LookupTable(places.astype(np.int32), true, false)

    def _places(self, batch: UserBatch) -> tuple[NDArray[np.int64], tuple[Any, BitRows, BitRows]]:
        """Place the users among the cuts; the last row of the table is for the unknown."""
        table = self._table(batch)
        cuts = table[0]
        data, known = _flat(self._user, self.scope.of(batch))
        side: Literal["left", "right"] = "right" if self._operator in ("<", ">=") else "left"
        places = np.searchsorted(cuts, data, side=side)
        if self._operator in ("==", "!=") and len(cuts):
            found = cuts[np.minimum(places, len(cuts) - 1)] == data
            places = np.where(found, places, len(cuts))
        return np.where(known, places, len(cuts) + 1), table

    def _table(self, batch: UserBatch) -> tuple[Any, BitRows, BitRows]:
        """Make the cuts, and where the comparison is true and false at each place among them."""
        if self._made is not None:
            return self._made
        data, known = _flat(self._product, self.scope.of(batch))
        cuts = np.unique(data[known])
        place = np.searchsorted(cuts, data)
        steps = np.arange(len(cuts) + 2)[:, None]
        reached = place == steps if self._operator in ("==", "!=") else place >= steps
        reached[-1] = False
        meets = bitset.pack(reached & known)
        misses = bitset.pack(known[None]) & ~meets
        misses[-1] = 0
        # x < v and x <= v hold from the place on; x > v and x >= v before it.
        true, false = (meets, misses) if self._operator in ("<", "<=", "==") else (misses, meets)
        self._made = (cuts, true, false)
        return self._made


class _MomentAtom(_ThresholdAtom):
    """`moment op product value`: everybody has the same place."""

    def lookup_table(self, batch: UserBatch) -> LookupTable | None:
        true, false = self.bits(batch)
        return LookupTable(np.zeros(len(batch), np.int32), true, false)


class _PairAtom:
    """Evaluated once per distinct combination of the users' values in it, or pair by pair."""

    def __init__(self, node: Node, scope: EvalScope) -> None:
        self.node, self.scope = node, scope
        self._parts = _user_parts(node)
        self._held: dict[Any, TruthBits] = {}

    def bits(self, batch: UserBatch) -> TruthBits:
        if len(batch) != 1:
            return self._evaluated(batch)
        key = self._key(batch)
        found = None if key is None else self._held.get(key)
        if found is None:
            found = self._evaluated(batch)
            if key is not None and len(self._held) < _MOST_HELD:
                self._held[key] = found
        return found

    def _evaluated(self, batch: UserBatch) -> TruthBits:
        truth = condition(self.node, self.scope.of(batch))
        return _packed(truth, len(batch), self.scope)

    def _key(self, batch: UserBatch) -> Any:
        """Return what a single user's bits depend on, None where that has no short form."""
        scope = self.scope.of(batch)
        key: list[Any] = [batch.as_of] if self._dated else []
        for part in self._parts:
            column = evaluate(part, scope)
            if isinstance(column, Kleene):
                key += [column.true.item(), column.false.item()]
            elif column.extra is None:
                key += [column.data.item() if column.known.item() else None]
            else:
                return None
        return tuple(key)

    @cached_property
    def _dated(self) -> bool:
        """Whether the moment matters beyond the users' values."""
        return moments(self.node) > sum(moments(part) for part in self._parts)

    def lookup_table(self, batch: UserBatch) -> LookupTable | None:
        scope = self.scope.of(batch)
        codes = np.zeros(len(batch), np.int64)
        for part in self._parts:
            column = evaluate(part, scope)
            if isinstance(column, Values) and column.type.name == "map":
                return None
            codes = _joint(codes, column)
            if codes.max(initial=0) >= _MOST_COMBINATIONS:
                return None
        _, first = np.unique(codes, return_index=True)
        rows = first if batch.rows is None else batch.rows[first]
        step = max(1, _CELLS // max(1, len(self.scope.products)))
        chunks = [
            self._evaluated(UserBatch(batch.users, batch.as_of, rows[start : start + step]))
            for start in range(0, len(rows), step)
        ]
        true, false = (np.concatenate(part) for part in zip(*chunks, strict=True))
        return LookupTable(codes.astype(np.int32), true, false)


def _user_parts(node: Node) -> list[Node]:
    """Find the largest expressions that name only the user."""
    if sides(node) == {"user"}:
        return [node]
    return [part for child in node.children for part in _user_parts(child)]


def _joint(codes: NDArray[np.int64], column: Values | Kleene) -> NDArray[np.int64]:
    """Refine codes by one more column: equal codes, equal values so far, numbered from 0."""
    if isinstance(column, Kleene):
        refined = column.true.ravel() + 2 * column.false.ravel()
    else:
        refined = pd.factorize(column.data.ravel())[0]
        refined = np.where(column.known.ravel(), refined + 1, 0)
    joint = codes * (int(refined.max(initial=0)) + 1) + refined
    return pd.factorize(joint)[0].astype(np.int64)


def _flat(node: Node, scope: EvalScope) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Evaluate an expression of one side to a value, and whether it is known, per row."""
    values = evaluate(node, scope)
    assert isinstance(values, Values)  # make_atom has checked
    return values.data.ravel(), values.known.ravel()


def _packed(truth: Kleene, rows: int, scope: EvalScope) -> TruthBits:
    shape = (rows, len(scope.products))
    return (
        bitset.pack(np.broadcast_to(truth.true, shape)),
        bitset.pack(np.broadcast_to(truth.false, shape)),
    )
