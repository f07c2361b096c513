"""Worlds: every way in which conditions could turn out together, to prove what never happens.

Conditions are rewritten over few variables, each with the few values that make a difference: a
level or boolean has all of its own, a number those at, just below and just above every constant it
is compared with, two values compared with each other their order, and what cannot be told apart any
further its three truth values. All combinations are then judged by the library's own evaluator.
Whatever users and products there may be, one of these worlds is theirs; so what is true in no
world is never true. The reverse does not hold: a world need not exist.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil, floor, prod
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from suitably.data.clock import Clock
from suitably.errors import PolicyError
from suitably.suitability.language.evaluator import condition, evaluate
from suitably.suitability.language.functions import called, is_dated
from suitably.suitability.language.nodes import (
    And,
    Call,
    Compare,
    Constant,
    Field,
    Membership,
    Node,
    Not,
    Or,
    fields_of,
    walk,
)
from suitably.suitability.language.types import (
    DURATION,
    NUMBER,
    TEXT,
    Column,
    Declaration,
    Kleene,
    Scale,
    StringPool,
    Type,
    Values,
)

__all__ = ["possible_worlds"]

_MOST_WORLDS = 100_000
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_BOOLEAN = "boolean"
_ORDER = "order"
_STRANGER = -1  # the code of a text that no rule names


@dataclass
class _Variable:
    """What can differ between worlds.

    Attributes:
        parts: The terms that must all be known where it is.
        kind: A type, `boolean`, or `order` for how two values compare; None until it shows.
        cuts: The constants that it is compared with.
    """

    parts: tuple[Node, ...]
    kind: Type | str | None = None
    cuts: set[float] = field(default_factory=set)

    def become(self, kind: Type | str) -> None:
        if self.kind not in (None, kind):
            raise PolicyError(f"is both {self.kind} and {kind}")
        self.kind = kind

    def domain(self) -> list[float]:
        """List the values that make a difference, without the missing one."""
        if isinstance(self.kind, Type) and self.kind.scale is not None:
            return list(range(len(self.kind.scale.levels)))
        if self.kind == _BOOLEAN:
            return [1, 0]
        if self.kind == _ORDER:
            return [-1, 0, 1]
        if self.kind == TEXT:
            return [*sorted(self.cuts), _STRANGER]
        if self.kind == DURATION:
            return sorted({int(cut) + step for cut in self.cuts for step in (-1, 0, 1)} or {0})
        return self._numbers()

    def _numbers(self) -> list[float]:
        function = called(self.parts[0])
        least = -np.inf if function is None else function.least
        if function is not None and function.whole:
            whole = {n for cut in self.cuts for n in (floor(cut), ceil(cut))}
            near = {float(n + step) for n in whole for step in (-1, 0, 1)}
        else:
            near = {
                float(np.nextafter(cut, to)) for cut in self.cuts for to in (-np.inf, cut, np.inf)
            }
        near = {number for number in near if np.isfinite(number)} | {max(0.0, least)}
        return sorted(number for number in near if number >= least)


class _Variables:
    """Rewrites conditions over variables, and lays out all combinations of their values."""

    def __init__(self, declared: Mapping[str, Declaration], conditions: Sequence[Node]) -> None:
        self._declared = declared
        self._booleans = {f for node in conditions for f in _bare(node)}
        self._found: dict[tuple[Node, ...], tuple[Field, _Variable]] = {}
        self._columns: dict[Field, Column] = {}
        self.texts = StringPool()
        self.as_of = None
        self.clock = Clock()

    def read(self, node: Field) -> Column:
        """Return a variable's value in every world."""
        return self._columns[node]

    def day(self, node: Field) -> Column:
        """Return a variable's value in every world."""
        return self._columns[node]

    def remember(self, node: Node, make: Callable[[], Column]) -> Column:
        """Keep nothing: each world is judged once."""
        return make()

    def refuse(self, node: Node, problem: str) -> NoReturn:
        """Claim nothing of conditions that do not fit."""
        raise PolicyError(problem)

    def rewrite(self, node: Node) -> Node:
        """Rewrite a condition, its values kept in three-valued logic."""
        match node:
            case And() | Or():
                return replace(node, operands=tuple(map(self.rewrite, node.operands)))
            case Not():
                return replace(node, operand=self.rewrite(node.operand))
            case Constant():
                return node
            case Membership() if node.choices:
                links = (Compare("==", node.item, choice) for choice in node.choices)
                return Or(tuple(map(self.rewrite, links)))
            case Membership():  # false, unless the item is missing
                return self.rewrite(Compare("!=", node.item, node.item))
            case Compare() if self._is_condition(node.left) or self._is_condition(node.right):
                left, right = self.rewrite(node.left), self.rewrite(node.right)
                return replace(node, left=left, right=right)
            case Compare():
                return self._comparison(node)
            case Call(function="missing"):  # knows whatever is asked: its variable decides
                (inside,) = node.arguments
                known = self.rewrite if self._is_condition(inside) else self._variable
                return replace(node, arguments=(known(inside),))
        return self._variable(node, kind=_BOOLEAN)

    def _is_condition(self, node: Node) -> bool:
        if isinstance(node, Field):
            return self._declared.get(str(node)) == _BOOLEAN or node in self._booleans
        if isinstance(node, Constant):
            return isinstance(node.value, bool)
        logical = isinstance(node, And | Or | Not | Compare | Membership)
        function = called(node)
        return logical or (function is not None and function.result == "boolean")

    def _comparison(self, node: Compare) -> Node:
        left, right = node.left, node.right
        if self._is_finite(node):
            return node
        if left == right:
            same = self._variable(left)
            return Compare(node.operator, same, same)
        if _is_constant(left):
            return self._comparison(Compare(_TURNED[node.operator], right, left))
        if _is_constant(right):
            value = evaluate(right, self)
            if not isinstance(value, Values):
                self.refuse(right, "a condition where a value is wanted")
            cut = value.data.item() if value.known.item() else None
            return Compare(node.operator, self._variable(left, kind=value.type, cut=cut), right)
        turned = (right, left) in self._found
        order = self._variable(*((right, left) if turned else (left, right)), kind=_ORDER)
        operator = _TURNED[node.operator] if turned else node.operator
        return Compare(operator, order, Constant(0.0))

    def _is_finite(self, node: Compare) -> bool:
        """Return whether nothing but levels is compared, all of which can be tried."""
        fields = fields_of(node)
        if is_dated(node) or not all(
            isinstance(self._declared.get(str(field)), Scale) for field in fields
        ):
            return False
        for part in fields:
            self._variable(part)
        return True

    def _variable(
        self,
        *parts: Node,
        kind: Type | str | None = None,
        cut: float | None = None,
    ) -> Field:
        scale = self._declared.get(str(parts[0])) if len(parts) == 1 else None
        first = parts[0]
        if parts not in self._found:
            if isinstance(first, Field) and isinstance(scale, Scale):
                self._found[parts] = first, _Variable(parts, Type("level", scale))
            else:
                name = Field("user", f"\0{len(self._found)}")  # no sentence can spell it
                self._found[parts] = name, _Variable(parts)
        name, variable = self._found[parts]
        if kind is not None:
            variable.become(kind)
        if cut is not None:
            variable.cuts.add(cut)
        return name

    def lay_out(self) -> int | None:
        """Fill the columns with every combination; None where there are too many."""
        domains = [variable.domain() for _, variable in self._found.values()]
        sizes = [len(domain) + 1 for domain in domains]
        count = prod(sizes)
        if count > _MOST_WORLDS:
            return None
        places = np.unravel_index(np.arange(count), sizes) if sizes else ()
        known = [p < len(domain) for p, domain in zip(places, domains, strict=True)]
        variables = list(self._found.values())
        self._couple([variable for _, variable in variables], known)
        for (name, variable), place, domain, present in zip(
            variables, places, domains, known, strict=True
        ):
            kind = variable.kind if isinstance(variable.kind, Type) else NUMBER
            data = np.array([*domain, 0], np.float64 if kind == NUMBER else np.int64)[place]
            if variable.kind == _BOOLEAN:
                self._columns[name] = Kleene.of(data[:, None] == 1, present[:, None])
            else:
                self._columns[name] = Values(kind, data[:, None], present[:, None])
        return count

    @staticmethod
    def _couple(variables: Sequence[_Variable], known: Sequence[NDArray[np.bool_]]) -> None:
        """Make a term unknown where a part of it is missing, as all arithmetic does."""
        for variable, present in zip(variables, known, strict=True):
            inside = {node for part in variable.parts for node in walk(part)}
            functions = filter(None, map(called, inside))
            if any(function.total for function in functions):
                continue
            for other, there in zip(variables, known, strict=True):
                if other is not variable and len(other.parts) == 1 and other.parts[0] in inside:
                    present &= there


def possible_worlds(
    conditions: Sequence[Node], declared: Mapping[str, Declaration]
) -> list[Kleene] | None:
    """Judge conditions in every world that makes a difference between them.

    Args:
        conditions: As parsed, of fitting types.
        declared: A scale or type for some of the fields.

    Returns:
        For each condition its truth, (worlds,), the same worlds for all; None where there are too
        many to try, or where a field is used in two ways.

    Example:
        >>> from suitably.suitability.language.parser import parse
        >>> (found,) = possible_worlds([parse("user.x > 5 and user.x < 3", "example")], {})
        >>> bool(found.true.any()), bool(found.false.any())
        (False, True)
    """
    variables = _Variables(declared, conditions)
    try:
        rewritten = [variables.rewrite(node) for node in conditions]
        count = variables.lay_out()
        if count is None:
            return None
        judged = [condition(node, variables) for node in rewritten]
    except PolicyError:  # types that only data would settle: claim nothing
        return None
    return [
        Kleene(*(np.broadcast_to(side, (count, 1)).ravel() for side in (truth.true, truth.false)))
        for truth in judged
    ]


def _is_constant(node: Node) -> bool:
    return not fields_of(node) and not is_dated(node)


def _bare(node: Node) -> list[Field]:
    """List the fields that stand as conditions by themselves."""
    match node:
        case Field():
            return [node]
        case And() | Or():
            return [field for operand in node.operands for field in _bare(operand)]
        case Not():
            return _bare(node.operand)
        case Compare():
            pair = (node.left, node.right)
            flags = any(isinstance(n, Constant) and isinstance(n.value, bool) for n in pair)
            return [f for n in pair if not isinstance(n, Field) or flags for f in _bare(n)]
        case Membership():
            return [f for choice in node.choices for f in _bare(Compare("==", node.item, choice))]
    return []
