"""A policy meets its data: names and types checked, rules turned into formulas over atoms."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import and_, or_
from typing import NoReturn, Protocol

from suitably.data.clock import Clock, Instant
from suitably.errors import PolicyError
from suitably.suitability.atoms import Atom, Pair, make_atom
from suitably.suitability.bits import Words
from suitably.suitability.expressions import And, Field, Node, Not, Or, error_at, walk
from suitably.suitability.fields import Fields
from suitably.suitability.policy import Policy, Rule
from suitably.suitability.semantics import condition

__all__ = ["Bars", "BoundPolicy", "BoundRule", "Formula", "Get", "bind"]

Bars = tuple[Words, Words]
Get = Callable[[Atom], Bars]


class Formula(Protocol):
    """A three-valued condition over atoms: where it is true, and where false."""

    def true(self, get: Get) -> Words:
        """Give the pairs where it is true."""
        ...

    def false(self, get: Get) -> Words:
        """Give the pairs where it is false."""
        ...


@dataclass(frozen=True)
class _Leaf:
    atom: Atom

    def true(self, get: Get) -> Words:
        return get(self.atom)[0]

    def false(self, get: Get) -> Words:
        return get(self.atom)[1]


@dataclass(frozen=True)
class _Negation:
    operand: Formula

    def true(self, get: Get) -> Words:
        return self.operand.false(get)

    def false(self, get: Get) -> Words:
        return self.operand.true(get)


@dataclass(frozen=True)
class _All:
    operands: Sequence[Formula]

    def true(self, get: Get) -> Words:
        return reduce(and_, (operand.true(get) for operand in self.operands))

    def false(self, get: Get) -> Words:
        return reduce(or_, (operand.false(get) for operand in self.operands))


@dataclass(frozen=True)
class BoundRule:
    """A rule that knows its pairs.

    Attributes:
        rule: The rule.
        pair: The scope in which it is judged.
        require: What must hold.
        applies: To which pairs it applies, None for all.
    """

    rule: Rule
    pair: Pair
    require: Formula
    applies: Formula | None

    def holds(self, get: Get) -> Words:
        """Give the pairs that it does not keep out: it passes, or does not apply."""
        if self.applies is None:
            return self.require.true(get)
        return self.applies.false(get) | (self.applies.true(get) & self.require.true(get))

    def fails(self, get: Get) -> Words:
        """Give the pairs that fail; those that neither hold nor fail are unknown."""
        failed = self.require.false(get)
        return failed if self.applies is None else failed & self.applies.true(get)


@dataclass(frozen=True)
class BoundPolicy:
    """A policy that knows its pairs.

    Attributes:
        policy: The policy.
        pair: The scope of `governs`.
        governs: Which pairs it governs, None for all.
        in_force: Whether the moment lies within its dates.
        rules: The rules that are in force.
    """

    policy: Policy
    pair: Pair
    governs: Formula | None
    in_force: bool
    rules: tuple[BoundRule, ...]


def bind(
    policies: Sequence[Policy], users: Fields, products: Fields, as_of: Instant | None, clock: Clock
) -> tuple[BoundPolicy, ...]:
    """Check policies against the fields, before any row is read, and bind them.

    Raises:
        PolicyError: A field that is not there, types that do not go together, or dates to judge
            in data without timestamps.
        DataError: A value off its scale, or of another type than declared.
    """
    return tuple(_bind_policy(policy, users, products, as_of, clock) for policy in policies)


def _bind_policy(
    policy: Policy, users: Fields, products: Fields, as_of: Instant | None, clock: Clock
) -> BoundPolicy:
    where = f"policy {policy.id!r}"
    wall = None if as_of is None else int(clock.wall(as_of).astype("int64"))

    def scope(place: str, text: str) -> Pair:
        def refuse(node: Node, problem: str) -> NoReturn:
            raise error_at(place, text, node.start, node.end, problem)

        return Pair(users, products, policy.fields, wall, refuse)

    atoms: dict[Node, Atom] = {}

    def formula(node: Node, place: str, text: str) -> Formula:
        pair = scope(place, text)
        _check(node, pair)
        return _compile(node, pair, atoms)

    rules = []
    for rule in policy.rules:
        place = f"{where}, rule {rule.id!r}"
        _check_mentions(rule, users, products, place)
        applies = None
        if rule.applies_node is not None and rule.applies is not None:
            applies = formula(rule.applies_node, f"{place}: applies", rule.applies)
        require = formula(rule.require_node, f"{place}: require", rule.require)
        if _in_force(rule.effective, rule.expires, as_of, clock, place):
            pair = scope(place, rule.require)
            rules.append(BoundRule(rule, pair, require, applies))
    governs = None
    if policy.governs_node is not None and policy.governs is not None:
        governs = formula(policy.governs_node, f"{where}: governs", policy.governs)
    return BoundPolicy(
        policy=policy,
        pair=scope(f"{where}: governs", policy.governs or ""),
        governs=governs,
        in_force=_in_force(policy.effective, policy.expires, as_of, clock, where),
        rules=tuple(rules),
    )


def _check(node: Node, pair: Pair) -> None:
    """Judge types on no rows, and say where a name or type does not fit."""
    for part in walk(node):
        if isinstance(part, Field):
            fields, other = (pair.users, pair.products)[:: 1 if part.side == "user" else -1]
            try:
                fields.schema(part.name, pair.declared.get(str(part)))
            except PolicyError as error:
                hint = f"; there is {other.side}.{part.name}" if other.has(part.name) else ""
                pair.refuse(part, f"{error}{hint}")
    condition(node, pair.without_rows())


def _check_mentions(rule: Rule, users: Fields, products: Fields, place: str) -> None:
    for part in rule.mentioned:
        try:
            (users if part.side == "user" else products).array(part.name)
        except PolicyError as error:
            raise PolicyError(f"{place}: because: {error}") from None


def _in_force(
    effective: date | None, expires: date | None, as_of: Instant | None, clock: Clock, place: str
) -> bool:
    if effective is None and expires is None:
        return True
    if as_of is None:
        raise PolicyError(f"{place}: has dates, but the data has no timestamps to judge them by")
    begun = effective is None or clock.instant(effective, f"{place}: effective") <= as_of
    ended = expires is not None and clock.instant(expires, f"{place}: expires") <= as_of
    return bool(begun and not ended)


def _compile(node: Node, pair: Pair, atoms: dict[Node, Atom]) -> Formula:
    if len({part.side for part in walk(node) if isinstance(part, Field)}) == 2:
        match node:
            case And():
                return _All([_compile(operand, pair, atoms) for operand in node.operands])
            case Or():  # a or b is not (not a and not b), in three values as in two
                parts = [_Negation(_compile(operand, pair, atoms)) for operand in node.operands]
                return _Negation(_All(parts))
            case Not():
                return _Negation(_compile(node.operand, pair, atoms))
    if node not in atoms:
        atoms[node] = make_atom(node, pair)
    return _Leaf(atoms[node])
