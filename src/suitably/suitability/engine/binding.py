"""A policy meets its data: names and types checked, rules turned into formulas over atoms."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from suitably.errors import PolicyError
from suitably.suitability.engine.atoms import Atom, AtomReader
from suitably.suitability.engine.choice import make_atom, ordered
from suitably.suitability.engine.fields import Fields
from suitably.suitability.engine.scope import EvalScope
from suitably.suitability.language.changeable import Changeable
from suitably.suitability.language.document import PolicyDocument, Rule
from suitably.suitability.language.evaluator import condition, evaluate
from suitably.suitability.language.functions import is_dated
from suitably.suitability.language.nodes import And, Compare, Field, Node, Not, Or, fields_of, sides
from suitably.suitability.language.parser import error_in
from suitably.suitability.language.types import Declaration, Domain
from suitably.suitability.messages.remarks import Remark
from suitably.suitability.messages.told import say
from suitably.utils.bitset import BitRows

__all__ = ["BoundPolicy", "BoundRule", "Formula", "bind"]


class Formula(Protocol):
    """A three-valued condition over atoms: where it is true, and where false."""

    def true(self, get: AtomReader) -> BitRows:
        """Return the pairs where it is true."""
        ...

    def false(self, get: AtomReader) -> BitRows:
        """Return the pairs where it is false."""
        ...

    @property
    def parts(self) -> Sequence["Formula"]:
        """Conditions that are all true where this one is."""
        ...


@dataclass(frozen=True)
class _Leaf:
    atom: Atom

    def true(self, get: AtomReader) -> BitRows:
        return get(self.atom)[0]

    def false(self, get: AtomReader) -> BitRows:
        return get(self.atom)[1]

    @property
    def parts(self) -> Sequence[Formula]:
        return (self,)


@dataclass(frozen=True)
class _Negation:
    operand: Formula

    def true(self, get: AtomReader) -> BitRows:
        return self.operand.false(get)

    def false(self, get: AtomReader) -> BitRows:
        return self.operand.true(get)

    @property
    def parts(self) -> Sequence[Formula]:
        return (self,)


@dataclass(frozen=True)
class _All:
    operands: Sequence[Formula]

    def true(self, get: AtomReader) -> BitRows:
        return reduce(and_, (operand.true(get) for operand in self.operands))

    def false(self, get: AtomReader) -> BitRows:
        return reduce(or_, (operand.false(get) for operand in self.operands))

    @property
    def parts(self) -> Sequence[Formula]:
        return [part for operand in self.operands for part in operand.parts]


@dataclass(frozen=True)
class BoundRule:
    """A rule that knows its pairs.

    Attributes:
        rule: The rule.
        require: What must hold.
        applies: To which pairs it applies, None for all.
    """

    rule: Rule
    require: Formula
    applies: Formula | None


@dataclass(frozen=True)
class BoundPolicy:
    """A policy that knows its pairs.

    Attributes:
        policy: The policy.
        scope: The scope of its sentences.
        governs: Which pairs it governs, None for all.
        rules: Its rules.
    """

    policy: PolicyDocument
    scope: EvalScope
    governs: Formula | None
    rules: tuple[BoundRule, ...]


def bind(
    policies: Sequence[PolicyDocument], users: Fields, products: Fields
) -> tuple[BoundPolicy, ...]:
    """Check policies against the fields, before any row is read, and bind them to the products.

    Raises:
        PolicyError: A field that is not there, or types that do not go together.
        DataError: A value off its scale, or of another type than declared.
    """
    _check_currencies(policies)
    bound = [_Binder(policy, users, products) for policy in policies]
    for binder in bound:
        binder.check()
    _read_rows(bound)  # only now, when every type fits
    return tuple(binder.bind() for binder in bound)


def _check_currencies(policies: Sequence[PolicyDocument]) -> None:
    """Refuse policies that take one field for money of different currencies.

    Raises:
        PolicyError: There are two.
    """
    said: dict[str, tuple[str, str]] = {}
    for policy in policies:
        for name, declared in policy.fields.items():
            currency = declared.currency if isinstance(declared, Domain) else None
            if currency is None:
                continue
            other, first = said.setdefault(name, (policy.id, currency))
            if first != currency:
                fields = policy.place().at("fields")
                raise fields.error(
                    f"{name} is in {currency}, but policy {other!r} has it in {first}: one "
                    "field holds money of one currency",
                    name,
                    "currency",
                )


def _read_rows(binders: Sequence["_Binder"]) -> None:
    """Read every field once. A value off its scale matters where a policy that uses it governs.

    Raises:
        DataError: A value off its scale, or of another type than declared.
    """
    strict: dict[tuple[Field, Declaration], NDArray[np.bool_]] = {}
    for binder in binders:
        for field in binder.policy.reads:
            key = (field, binder.policy.fields.get(str(field)))
            strict[key] = strict.get(key, np.array([False])) | binder.governed(field)
    for (field, declared), rows in strict.items():
        fields = binders[0].users if field.side == "user" else binders[0].products
        fields.column(field.name, declared, rows)


class _Binder:
    """One policy on its way to its data."""

    def __init__(self, policy: PolicyDocument, users: Fields, products: Fields) -> None:
        self.policy = policy
        self.users, self.products = users, products

    def check(self) -> None:
        """Judge names and types, on no rows."""
        policy = self.policy
        if policy.governs_node is not None:
            self._check(policy.governs_node, self._scope("governs", policy.governs))
        for rule in policy.rules:
            for node in rule.terms.values():
                said = self._scope("because", None, rule)
                self._check_fields(node, said)
                evaluate(node, said.without_rows())
            self._check_mentions(rule)
            if rule.applies_node is not None:
                self._check(rule.applies_node, self._scope("applies", rule.applies, rule))
            self._check(rule.require_node, self._scope("require", rule.require, rule))
        for fact in policy.changeable.values():
            self._check_changeable(fact)

    def _check_changeable(self, fact: Changeable) -> None:
        """Refuse a fact that the data lacks, and texts that name what is not there."""
        place = self.policy.place().at("changeable", fact.name)
        optional = any(field == Field("user", f"{fact.field}?") for field in self.policy.reads)
        try:
            if not optional:
                self.users.array(fact.field)
            for part in fact.mentioned:
                (self.users if part.side == "user" else self.products).array(part.name)
        except PolicyError as error:
            raise place.error(str(error)) from None
        for name, node in fact.terms.items():
            said = self._scope("changeable", self.policy.terms[name])
            self._check_fields(node, said)
            evaluate(node, said.without_rows())

    def _check(self, node: Node, scope: EvalScope) -> None:
        """Judge types on no rows, and say where a name or type does not fit."""
        self._check_fields(node, scope)
        condition(node, scope.without_rows())

    def _check_fields(self, node: Node, scope: EvalScope) -> None:
        for part in fields_of(node):
            fields, other = self.users, self.products
            if part.side == "product":
                fields, other = other, fields
            try:
                fields.schema(part.name, scope.declared.get(str(part)))
            except PolicyError as error:
                problem: str = error.args[0]  # which knows how every language says it
                if other.has(part.name):
                    there = f"{other.side}.{part.name}"
                    problem = say(Remark.AND_THERE_IS, problem=problem, field=there)
                scope.refuse(part, problem)

    def _check_mentions(self, rule: Rule) -> None:
        for part in rule.mentioned:
            try:
                (self.users if part.side == "user" else self.products).array(part.name)
            except PolicyError as error:
                raise self.policy.place("because", rule).error(error.args[0]) from None

    def governed(self, field: Field) -> NDArray[np.bool_]:
        """Return for which rows of a field's side the policy governs; one value for all."""
        node = self.policy.governs_node
        if (
            node is None
            or field.side == "user"
            or field in fields_of(node)
            or "user" in sides(node)
        ):
            return np.array([True])
        truth = condition(node, self._scope("governs", self.policy.governs))
        inside: NDArray[np.bool_] = np.broadcast_to(truth.true, (1, len(self.products)))[0]
        return inside

    def bind(self) -> BoundPolicy:
        """Turn sentences into formulas, all in one scope: what they share is made once."""
        policy = self.policy
        scope = self._scope("governs", policy.governs)
        atoms: dict[Node, Atom] = {}

        def formula(node: Node | None) -> Formula | None:
            return None if node is None else _compile(node, scope, atoms)

        return BoundPolicy(
            policy=policy,
            scope=scope,
            governs=formula(policy.governs_node),
            rules=tuple(
                BoundRule(
                    rule, _compile(rule.require_node, scope, atoms), formula(rule.applies_node)
                )
                for rule in policy.rules
            ),
        )

    def _scope(self, key: str, text: str | None, rule: Rule | None = None) -> EvalScope:
        def refuse(node: Node, problem: str) -> NoReturn:
            raise error_in(self.policy.place(key, rule), text or "", node, problem)

        return EvalScope(self.users, self.products, self.policy.fields, refuse)


def _compile(node: Node, scope: EvalScope, atoms: dict[Node, Atom]) -> Formula:
    if len(sides(node)) == 2 or ("product" in sides(node) and is_dated(node)):
        match node:
            case And():
                return _All([_compile(operand, scope, atoms) for operand in node.operands])
            case Or():  # a or b is not (not a and not b), in three values as in two
                parts = [_Negation(_compile(operand, scope, atoms)) for operand in node.operands]
                return _Negation(_All(parts))
            case Not():
                return _Negation(_compile(node.operand, scope, atoms))
            case Compare() if (parts_in_order := ordered(node, scope)) is not None:
                return _compile(parts_in_order, scope, atoms)
    if node not in atoms:
        atoms[node] = make_atom(node, scope)
    return _Leaf(atoms[node])
