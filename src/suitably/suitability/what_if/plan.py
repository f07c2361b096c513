"""What a search for changes asks, whoever it is asked of: worked out once for a moment."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.suitability.engine.binding import BoundPolicy
from suitably.suitability.engine.clauses import Condition
from suitably.suitability.engine.fields import Fields
from suitably.suitability.engine.scope import EvalScope
from suitably.suitability.language.changeable import Changeable
from suitably.suitability.language.nodes import Node, column_name, fields_of
from suitably.suitability.language.types import (
    Column,
    Declaration,
    Domain,
    Kleene,
    MapColumn,
    Scale,
)
from suitably.suitability.what_if.minimal import Names
from suitably.suitability.what_if.representable import arrow_type
from suitably.suitability.what_if.supposed import Derived, Options
from suitably.suitability.what_if.thresholds import Threshold, leaves, thresholds

__all__ = ["Fact", "Facts", "Leaf", "Plan"]

Facts = Mapping[str, tuple[Changeable, BoundPolicy]]
"""The facts that policies let be suggested, by field, and the policy that says what to do."""


@dataclass(frozen=True)
class Leaf:
    """A condition without logic in it, that some facts decide.

    Attributes:
        node: The condition.
        scope: Its policy's scope.
        names: The facts.
    """

    node: Node
    scope: EvalScope
    names: Names


@dataclass(frozen=True, eq=False)
class Fact:
    """One fact, and what it is compared with.

    Attributes:
        name: Its field.
        leaves: The conditions that it decides, alone or with others.
        turns: Where the truth of each may turn.
        declared: As the policies of these conditions declare it.
        kind: The type of its values; None where its column tells none.
    """

    name: str
    leaves: Sequence[Leaf]
    turns: Sequence[tuple[Leaf, Threshold]]
    declared: Sequence[Declaration]
    kind: pa.DataType | None

    @staticmethod
    def of(name: str, among: Iterable[Leaf], fields: Fields) -> "Fact":
        """Find out what a fact is compared with."""
        own = [leaf for leaf in among if name in leaf.names]
        turns = [(leaf, one) for leaf in own for one in thresholds(leaf.node, name)]
        declared = dict.fromkeys(leaf.scope.declared.get(f"user.{name}") for leaf in own)
        held = fields.array(name).type if fields.has(name) else pa.float64()
        return Fact(name, own, turns, list(declared), arrow_type(held))

    @property
    def scale(self) -> Scale | None:
        """The scale that it is declared on."""
        return next((one for one in self.declared if isinstance(one, Scale)), None)

    @property
    def domains(self) -> list[Domain]:
        """What it may hold."""
        return [one for one in self.declared if isinstance(one, Domain)]


@dataclass(frozen=True, eq=False)
class Plan:
    """Which conditions facts can change, and which they cannot.

    Attributes:
        says: The facts that may be suggested.
        sure: The conditions that no fact can change: where they do not hold, nothing helps.
        open: The others, with the facts that each follows from.
        facts: Those that some condition follows from, by name.
        products: The products' fields.
        settled: Values of facts that are compared with nothing of a user or product, once found.
        truths: By place among the open conditions, where those hold with these values that read
            one such fact and no more, once judged.
    """

    says: Facts
    sure: Sequence[Condition]
    open: Sequence[tuple[Condition, Names]]
    facts: Mapping[str, Fact]
    products: Fields
    settled: dict[str, list[Any]] = field(default_factory=dict)
    truths: dict[int, NDArray[np.bool_]] = field(default_factory=dict)

    @staticmethod
    def of(
        policies: Sequence[BoundPolicy],
        conditions: Sequence[Condition],
        users: Fields,
        products: Fields,
        sources: Mapping[str, tuple[str, ...]],
        fixed: Iterable[str],
    ) -> "Plan":
        """Sort conditions by what can change them.

        Args:
            policies: The policies; of those that name a fact, the first says what to do.
            conditions: All of which an eligible pair meets.
            users: The users' fields.
            products: The products'.
            sources: By field, the facts that it follows from.
            fixed: Fields that the call has said, which no fact can change.
        """
        says: dict[str, tuple[Changeable, BoundPolicy]] = {}
        for policy in policies:
            for fact in policy.policy.changeable.values():
                if fact.field not in fixed:
                    says.setdefault(fact.field, (fact, policy))
        known = Options(dict.fromkeys(says), Derived(sources), users.texts, users.clock)
        along = [(one, _names_of(one, known)) for one in conditions]
        open_ones = [(one, names) for one, names in along if names]
        found = _leaves_of([one for one, _ in open_ones], known)
        asked = sorted(frozenset[str]().union(*(names for _, names in open_ones)))
        facts = {name: Fact.of(name, found, users) for name in asked}
        sure = [one for one, names in along if not names]
        return Plan(says, sure, open_ones, facts, products)

    @cached_property
    def joint(self) -> Names:
        """The facts that meet others in some condition."""
        met = (leaf for fact in self.facts.values() for leaf in fact.leaves)
        return frozenset(name for leaf in met if len(leaf.names) > 1 for name in leaf.names)

    @cached_property
    def alone(self) -> Names:
        """The facts that are compared with nothing of a user or product."""
        return frozenset(
            name
            for name, fact in self.facts.items()
            if all(_reads_only(leaf.node, name) for leaf in fact.leaves)
        )

    @cached_property
    def of_one_fact(self) -> Mapping[int, str]:
        """The facts of the open conditions that read one fact and no more, by their places."""
        found = {}
        for place, (condition, names) in enumerate(self.open):
            (name, *more) = names
            if not more and all(_reads_only(atom.node, name) for atom in condition.atoms):
                found[place] = name
        return found

    @cached_property
    def turns_on_user(self) -> bool:
        """Whether what facts are compared with is the same whatever the product is."""
        turns = (one for fact in self.facts.values() for _, one in fact.turns)
        nodes = (node for one in turns for node in (one.at, one.key) if node is not None)
        return all(read.side == "user" for node in nodes for read in fields_of(node))

    @cached_property
    def alike(self) -> NDArray[np.int64]:
        """A number per product: equal where all that open conditions read of it is."""
        read: dict[tuple[str, Declaration], None] = {}
        for condition, _ in self.open:
            for atom in condition.atoms:
                for one in fields_of(atom.node):
                    if one.side == "product":
                        read[one.name, atom.scope.declared.get(str(one))] = None
        found = np.zeros(len(self.products), np.int64)
        for name, declared in read:
            for part in _codes(self.products.column(name, declared)):
                _, code = np.unique(part, return_inverse=True)
                _, found = np.unique(found * (code.max(initial=0) + 1) + code, return_inverse=True)
        return found


def _codes(column: Column) -> list[NDArray[np.generic]]:
    """Return numbers that, all of them together, are equal only where values are."""
    if isinstance(column, Kleene):
        return [column.true, column.false]
    if isinstance(column.extra, MapColumn):
        return [np.arange(len(column.data))]
    return [np.where(column.known, column.data, 0), column.known]


def _reads_only(node: Node, name: str) -> bool:
    return all(f.side == "user" and column_name(f.name) == name for f in fields_of(node))


def _names_of(condition: Condition, known: Options) -> Names:
    return known.changing(field for atom in condition.atoms for field in fields_of(atom.node))


def _leaves_of(conditions: Sequence[Condition], known: Options) -> list[Leaf]:
    found = {}
    for condition in conditions:
        for atom in condition.atoms:
            for node in leaves(atom.node):
                names = known.changing(fields_of(node))
                if names:
                    found[(node, id(atom.scope))] = Leaf(node, atom.scope, names)
    return list(found.values())
