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
    bound = [_Binder(policy, users, products, as_of, clock) for policy in policies]
    for binder in bound:
        binder.check()
    for policy in policies:  # only now, when every type fits, is a row read
        for field in policy.reads:
            fields = users if field.side == "user" else products
            fields.column(field.name, policy.fields.get(str(field)))
    return tuple(binder.bind() for binder in bound)


class _Binder:
    """One policy on its way to its data."""

    def __init__(
        self, policy: Policy, users: Fields, products: Fields, as_of: Instant | None, clock: Clock
    ) -> None:
        self._policy = policy
        self._users, self._products = users, products
        self._as_of, self._clock = as_of, clock
        self._wall = None if as_of is None else int(clock.wall(as_of).astype("int64"))
        self._where = f"policy {policy.id!r}"
        self._atoms: dict[Node, Atom] = {}

    def check(self) -> None:
        """Judge names, types and dates, on no rows."""
        policy = self._policy
        if policy.governs_node is not None:
            _check(policy.governs_node, self._scope("governs", policy.governs))
        self._in_force(policy.effective, policy.expires, self._where)
        for rule in policy.rules:
            place = f"{self._where}, rule {rule.id!r}"
            self._in_force(rule.effective, rule.expires, place)
            _check_mentions(rule, self._users, self._products, place)
            if rule.applies_node is not None:
                _check(rule.applies_node, self._scope("applies", rule.applies, rule))
            _check(rule.require_node, self._scope("require", rule.require, rule))

    def bind(self) -> BoundPolicy:
        """Turn sentences into formulas."""
        policy = self._policy
        scope = self._scope("governs", policy.governs)
        return BoundPolicy(
            policy=policy,
            pair=scope,
            governs=self._formula(policy.governs_node, scope) if policy.governs_node else None,
            in_force=self._in_force(policy.effective, policy.expires, self._where),
            rules=tuple(
                self._rule(rule)
                for rule in policy.rules
                if self._in_force(rule.effective, rule.expires, self._where)
            ),
        )

    def _rule(self, rule: Rule) -> BoundRule:
        scope = self._scope("require", rule.require, rule)
        applies = None
        if rule.applies_node is not None:
            applies = self._formula(rule.applies_node, self._scope("applies", rule.applies, rule))
        return BoundRule(rule, scope, self._formula(rule.require_node, scope), applies)

    def _formula(self, node: Node, pair: Pair) -> Formula:
        return _compile(node, pair, self._atoms)

    def _scope(self, key: str, text: str | None, rule: Rule | None = None) -> Pair:
        place = self._where if rule is None else f"{self._where}, rule {rule.id!r}"

        def refuse(node: Node, problem: str) -> NoReturn:
            raise error_at(f"{place}: {key}", text or "", node.start, node.end, problem)

        return Pair(self._users, self._products, self._policy.fields, self._wall, refuse)

    def _in_force(self, effective: date | None, expires: date | None, place: str) -> bool:
        if effective is None and expires is None:
            return True
        as_of, clock = self._as_of, self._clock
        if as_of is None:
            raise PolicyError(
                f"{place}: has dates, but the data has no timestamps to judge them by"
            )
        begun = effective is None or clock.instant(effective, f"{place}: effective") <= as_of
        ended = expires is not None and clock.instant(expires, f"{place}: expires") <= as_of
        return bool(begun and not ended)


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
