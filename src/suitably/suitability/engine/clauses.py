"""Clauses: the entries that a pair's verdicts can have, derived once from policies and their dates.

A clause is silent on some pairs; of the others it passes some and fails some, and the rest is
unknown. A pair is eligible where every clause that bars is silent or passes, and flagged where one
that does not bar neither is silent nor passes. Masks, counts, exclusions, flags and verdicts all
follow from that, so that none can say what another does not.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

from suitably.suitability.engine.atoms import Atom, AtomReader, TruthBits, UserAtom
from suitably.suitability.engine.binding import BoundPolicy, BoundRule, Formula
from suitably.suitability.language.document import PolicyDocument, Rule
from suitably.suitability.reasons import Reason
from suitably.utils.bitset import ALL, EVERY, NOTHING, BitRows

__all__ = [
    "Clause",
    "Condition",
    "Flag",
    "Governed",
    "InForce",
    "OutOfForce",
    "Required",
    "by_name",
    "clauses_of",
    "conditions_of",
    "governed",
    "read_by",
]

InForce = Callable[[PolicyDocument, Rule | None], bool | None]


class Clause(ABC):
    """One entry of the verdicts, for every pair at once.

    Attributes:
        bars: Whether it keeps pairs out.
    """

    bars: ClassVar[bool] = True

    @property
    @abstractmethod
    def name(self) -> str:
        """The reason under which it keeps pairs out, or flags them."""

    @abstractmethod
    def silent(self, read: AtomReader) -> BitRows:
        """Return the pairs of which it says nothing, from the bits of atoms."""

    @abstractmethod
    def passes(self, read: AtomReader) -> BitRows:
        """Return where it passes, if it is not silent."""

    @abstractmethod
    def fails(self, read: AtomReader) -> BitRows:
        """Return where it fails, if it is not silent."""

    def parts(self) -> Iterator["Clause"]:
        """Split it into clauses: it holds where all of them do."""
        yield self

    def holds(self, read: AtomReader) -> BitRows:
        """Return the pairs that it does not keep out."""
        silent = self.silent(read)
        if silent is EVERY:
            return EVERY
        return self.passes(read) if silent is NOTHING else silent | self.passes(read)

    def kept_out(self, read: AtomReader) -> TruthBits:
        """Return the pairs that fail, and those for which it is unknown whether they pass."""
        silent, passes, fails = self.silent(read), self.passes(read), self.fails(read)
        return fails & ~silent, ~(silent | passes | fails)


@dataclass(frozen=True)
class Governed(Clause):
    """Is a policy known to govern the pair? It speaks only where the answer is not yes.

    Attributes:
        policies: All that there are.
    """

    policies: tuple[BoundPolicy, ...]

    @property
    def name(self) -> str:
        """The library's own reason."""
        return Reason.GOVERNS.value

    def silent(self, read: AtomReader) -> BitRows:
        """Return the pairs inside a policy, where all others are known to be in or out."""
        known: BitRows = ALL
        for policy in self.policies:
            inside, outside = governed(policy, read)
            known = known & (inside | outside)
        return known & ~self.fails(read)

    def passes(self, read: AtomReader) -> BitRows:
        """Return nothing: to be governed is no entry of its own."""
        return NOTHING

    def fails(self, read: AtomReader) -> BitRows:
        """Return the pairs outside all policies."""
        none: BitRows = ALL
        for policy in self.policies:
            none = none & governed(policy, read)[1]
        return none

    def parts(self) -> Iterator[Clause]:
        """Return itself, where any policy leaves something out."""
        if any(policy.governs is not None for policy in self.policies):
            yield self


@dataclass(frozen=True)
class OutOfForce(Clause):
    """A policy outside its dates, or with dates that there is no moment to judge by.

    Attributes:
        policy: The policy.
        known: Whether it is known to be outside.
    """

    policy: BoundPolicy
    known: bool

    @property
    def name(self) -> str:
        """The library's own reason."""
        return Reason.EFFECTIVE.value

    def silent(self, read: AtomReader) -> BitRows:
        """Return all that the policy is not known to govern."""
        return _not_governed(self.policy, read)

    def passes(self, read: AtomReader) -> BitRows:
        """Return nothing."""
        return NOTHING

    def fails(self, read: AtomReader) -> BitRows:
        """Return everything, if it is known to be outside."""
        return ALL if self.known else NOTHING


@dataclass(frozen=True)
class Required(Clause):
    """A rule, or a part of what it requires.

    Attributes:
        policy: Whose rule it is.
        bound: The rule.
        require: What must hold; None where it is unknown whether the rule is in force.
    """

    policy: BoundPolicy
    bound: BoundRule
    require: Formula | None

    @property
    def name(self) -> str:
        """The rule's id."""
        return self.bound.rule.id

    def silent(self, read: AtomReader) -> BitRows:
        """Return what the policy is not known to govern, or the rule does not apply to."""
        silent = _not_governed(self.policy, read)
        applies = self.bound.applies
        if applies is None:
            return silent
        return applies.false(read) if silent is NOTHING else silent | applies.false(read)

    def passes(self, read: AtomReader) -> BitRows:
        """Return where it applies and what it requires is true."""
        if self.require is None:
            return NOTHING
        words, applies = self.require.true(read), self.bound.applies
        return words if applies is None else applies.true(read) & words

    def fails(self, read: AtomReader) -> BitRows:
        """Return where it applies and what it requires is false."""
        if self.require is None:
            return NOTHING
        words, applies = self.require.false(read), self.bound.applies
        return words if applies is None else applies.true(read) & words

    def parts(self) -> Iterator[Clause]:
        """Return a clause for each part of an `and`, so that each is about few fields."""
        if self.require is None:
            yield self
            return
        for part in self.require.parts:
            yield replace(self, require=part)


@dataclass(frozen=True)
class Flag(Required):
    """A rule that keeps nothing out: what it would keep out is flagged."""

    bars: ClassVar[bool] = False


def governed(policy: BoundPolicy, read: AtomReader) -> TruthBits:
    """Return which pairs a policy governs, and which it does not."""
    if policy.governs is None:
        return ALL, NOTHING
    return policy.governs.true(read), policy.governs.false(read)


def _not_governed(policy: BoundPolicy, read: AtomReader) -> BitRows:
    return NOTHING if policy.governs is None else ~policy.governs.true(read)


def clauses_of(policies: Sequence[BoundPolicy], in_force: InForce) -> tuple[Clause, ...]:
    """List the clauses of bound policies, in the order of a pair's verdicts.

    Args:
        policies: As bound.
        in_force: Says whether a policy or rule is within its dates, None where that is unknown.
    """
    found: list[Clause] = [Governed(tuple(policies))]
    for policy in policies:
        inside = in_force(policy.policy, None)
        if not inside:
            found.append(OutOfForce(policy, inside is False))
            continue
        for rule in policy.rules:
            inside = in_force(policy.policy, rule.rule)
            if inside is not False:
                kind = Flag if rule.rule.effect == "flag" else Required
                found.append(kind(policy, rule, rule.require if inside else None))
    return tuple(found)


@dataclass(frozen=True)
class Condition:
    """A part of a clause, which keeps out every pair where it does not hold.

    Attributes:
        clause: The clause, or a part of one.
        atoms: What it reads, each once.
    """

    clause: Clause
    atoms: tuple[Atom, ...]

    def holds(self, read: AtomReader) -> BitRows:
        """Return the pairs that it does not keep out."""
        return self.clause.holds(read)

    @cached_property
    def of_user(self) -> bool:
        """Whether it looks at the user only: every product alike."""
        return all(isinstance(atom, UserAtom) for atom in self.atoms)


def conditions_of(clauses: Sequence[Clause]) -> list[Condition]:
    """Split the clauses that bar into conditions, first those that look at the user only."""
    barring = (clause for clause in clauses if clause.bars)
    found = [Condition(part, read_by([part])) for clause in barring for part in clause.parts()]
    return sorted(found, key=lambda condition: not condition.of_user)


def by_name(clauses: Iterable[Clause]) -> dict[str, list[Clause]]:
    """Group clauses by name: policies, each about products of its own, may share a rule id."""
    found: dict[str, list[Clause]] = {}
    for clause in clauses:
        found.setdefault(clause.name, []).append(clause)
    return found


def read_by(clauses: Sequence[Clause]) -> tuple[Atom, ...]:
    """Find out which atoms clauses read, each once, by letting them read nothing."""
    seen: dict[int, Atom] = {}

    def note(atom: Atom) -> TruthBits:
        seen[id(atom)] = atom
        return NOTHING, NOTHING

    for clause in clauses:
        clause.kept_out(note)
    return tuple(seen.values())
