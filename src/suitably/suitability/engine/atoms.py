"""Atoms: the indivisible conditions of a rule, which know their bits.

An atom that names only the user is a word of ones or zeros per user. One that names only the
product is a single row of bits. Those that name both are comparisons along sorted values
(`comparisons`), or combinations of values (`combinations`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from suitably.suitability.engine.scalar_forms import OneUser, scalar_form
from suitably.suitability.engine.scope import EvalScope, UserBatch
from suitably.suitability.language.evaluator import condition, evaluate
from suitably.suitability.language.functions import is_dated
from suitably.suitability.language.nodes import Node
from suitably.suitability.language.types import Kleene, Values
from suitably.utils import bitset
from suitably.utils.bitset import ALL, EVERY, NONE, NOTHING, ONES, BitRows, TruthBits

__all__ = ["Atom", "AtomReader", "ByMoment", "LookupTable", "ProductAtom", "TruthBits", "UserAtom"]
__all__ += ["batch_reader", "flat", "one_reader", "packed", "pair_reader", "pair_scopes"]


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

    def prepare(self, batch: UserBatch) -> None:
        """Work out what depends on no user, at the moment of a batch."""
        ...

    def bits_of(self, one: OneUser) -> TruthBits:
        """Return where it is true and where false, for one user.

        Returns:
            Words (1, words), or all or none of the products, as `EVERY` and `NONE`.
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


def one_reader(batch: UserBatch) -> tuple[OneUser, AtomReader]:
    """Return the one user of a batch, and a reader of atoms that reads each once."""
    one = OneUser(batch)
    found: dict[Atom, TruthBits] = {}

    def read(atom: Atom) -> TruthBits:
        bits = found.get(atom)
        if bits is None:
            bits = found[atom] = atom.bits_of(one)
        return bits

    return one, read


def pair_scopes(batch: UserBatch, products: Sequence[int]) -> Callable[[EvalScope], EvalScope]:
    """Return what narrows a policy's scope to one user and some products, once for each."""
    columns = np.array(products, np.int64)
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


class ByMoment:
    """Remembers what was made for a moment, or for ever where no moment is asked about.

    Args:
        nodes: What it is made of.
    """

    def __init__(self, *nodes: Node) -> None:
        self._dated = any(map(is_dated, nodes))
        self._held: tuple[int | None, Any] | None = None

    def get(self, as_of: int | None) -> Any:
        """Return what was made for a moment, None where nothing is."""
        held = self._held
        return held[1] if held and (held[0] == as_of or not self._dated) else None

    def keep(self, as_of: int | None, made: Any) -> Any:
        """Keep it, instead of what there was."""
        self._held = (as_of, made)
        return made


class ProductAtom:
    """One row of bits for everybody."""

    def __init__(self, node: Node, scope: EvalScope) -> None:
        self.node: Node = node
        self.scope: EvalScope = scope
        self._memory = ByMoment(node)

    def bits(self, batch: UserBatch) -> TruthBits:
        """Return one row of words."""
        found: TruthBits | None = self._memory.get(batch.as_of)
        if found is None:
            truth = condition(self.node, self.scope.of(batch))
            found = self._memory.keep(batch.as_of, packed(truth, 1, self.scope))
        return found

    def prepare(self, batch: UserBatch) -> None:
        """Make the row."""
        self.bits(batch)

    def bits_of(self, one: OneUser) -> TruthBits:
        """Return the row."""
        return self.bits(one.batch)

    def lookup_table(self, batch: UserBatch) -> LookupTable | None:
        """Return a table of that row."""
        true, false = self.bits(batch)
        return LookupTable(np.zeros(len(batch), np.int32), true, false)


class UserAtom:
    """Every product alike: a word of ones or zeros, which broadcasts."""

    _TRUE = np.array([[0], [ONES], [0]], np.uint64)
    _FALSE = np.array([[0], [0], [ONES]], np.uint64)

    def __init__(self, node: Node, scope: EvalScope) -> None:
        self.node: Node = node
        self.scope: EvalScope = scope
        self._form = scalar_form(node, scope)

    def prepare(self, batch: UserBatch) -> None:
        """Do nothing: all depends on the user."""

    def bits_of(self, one: OneUser) -> TruthBits:
        """Return all or none of the products."""
        truth = self._form(one)
        return EVERY if truth is True else NONE, EVERY if truth is False else NONE

    def bits(self, batch: UserBatch) -> TruthBits:
        """Return a word of ones or zeros per user."""
        truth = condition(self.node, self.scope.of(batch))
        return truth.true * ONES, truth.false * ONES

    def lookup_table(self, batch: UserBatch) -> LookupTable | None:
        """Return a table of three rows: unknown, true, false."""
        truth = condition(self.node, self.scope.of(batch))
        codes = truth.true.ravel().astype(np.int32) + 2 * truth.false.ravel().astype(np.int32)
        return LookupTable(codes, self._TRUE, self._FALSE)


def flat(node: Node, scope: EvalScope) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Evaluate an expression of one side to a value, and whether it is known, per row."""
    values = evaluate(node, scope)
    assert isinstance(values, Values)  # whoever made the atom has checked
    return values.data.ravel(), values.known.ravel()


def packed(truth: Kleene, rows: int, scope: EvalScope) -> TruthBits:
    """Pack a condition over all products into words (rows, words)."""
    shape = (rows, len(scope.products))
    return (
        bitset.pack(np.broadcast_to(truth.true, shape)),
        bitset.pack(np.broadcast_to(truth.false, shape)),
    )
