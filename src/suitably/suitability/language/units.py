"""What an expression is as far as declarations say: its type, its scale, what its numbers count."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from suitably.suitability.language.functions import called
from suitably.suitability.language.nodes import (
    And,
    Arithmetic,
    AsOf,
    Call,
    Compare,
    Constant,
    Field,
    Membership,
    Negative,
    Node,
    Not,
    Or,
    Table,
    walk,
)
from suitably.suitability.language.types import Declaration, Domain, Scale, type_name

__all__ = ["Unit", "clash_of", "kind_of", "scale_of", "unit_of"]

_PLAIN = ("boolean", "number", "date", "duration", "period")


@dataclass(frozen=True)
class Unit:
    """What numbers count.

    Attributes:
        name: Such as `share` or `money`.
        currency: Of money, where it is stated.
    """

    name: str
    currency: str | None = None

    def __str__(self) -> str:
        return self.name if self.currency is None else f"{self.name} in {self.currency}"


def kind_of(node: Node, declared: Mapping[str, Declaration]) -> str | None:
    """Return the name of an expression's type, None where only data would tell."""
    match node:
        case Field():
            return type_name(declared.get(str(node)))
        case AsOf():
            return "date"
        case And() | Or() | Not() | Compare() | Membership():
            return "boolean"
        case Constant(value=bool()):
            return "boolean"
        case Constant():
            return "text" if isinstance(node.value, str) else "number"
        case Negative():
            return kind_of(node.operand, declared)
        case Arithmetic(operator="*" | "/"):
            return "number"
        case Arithmetic():
            return _of_sum(kind_of(node.left, declared), kind_of(node.right, declared))
        case Call(function="map", arguments=(Table(table=table), *_)):
            text = isinstance(table.entries[0][1], str)
            return "level" if table.target is not None else "text" if text else "number"
        case Call(function="min" | "max"):
            kinds = {kind_of(part, declared) for part in node.arguments}
            return kinds.pop() if len(kinds) == 1 and kinds != {"list"} else None
        case Call():
            function = called(node)
            return function.result if function is not None and function.result in _PLAIN else None
    return None


def _of_sum(left: str | None, right: str | None) -> str | None:
    """Return the type of a sum or difference."""
    if None in (left, right):
        return None
    if left == right:
        return "duration" if left == "date" else left
    return "date" if "date" in (left, right) else None


def scale_of(node: Node, declared: Mapping[str, Declaration]) -> Scale | None:
    """Return the scale that an expression's levels are on, None where it gives none."""
    match node:
        case Field():
            said = declared.get(str(node))
            return said if isinstance(said, Scale) else None
        case Call(function="map", arguments=(Table(table=table), *_)):
            return table.target
        case Call(function="min" | "max"):
            scales = (scale_of(part, declared) for part in node.arguments)
            return next((scale for scale in scales if scale is not None), None)
    return None


def unit_of(node: Node, declared: Mapping[str, Declaration]) -> Unit | None:
    """Return what the numbers of an expression count, None where nothing says."""
    match node:
        case Field():
            said = declared.get(str(node))
            if not isinstance(said, Domain) or said.unit is None:
                return None
            return Unit(said.unit, said.currency)
        case Negative():
            return unit_of(node.operand, declared)
        case Arithmetic():
            return _combined(node, declared)
        case Call(function="amount"):
            units = {unit_of(part, declared) for part in node.arguments} - {None}
            return units.pop() if len(units) == 1 else None
        case Call(function="min" | "max" | "abs"):
            units = {unit_of(part, declared) for part in node.arguments}
            return units.pop() if len(units) == 1 else None
    return None


def clash_of(node: Node, declared: Mapping[str, Declaration]) -> tuple[Unit, Unit] | None:
    """Return two units that an expression compares or adds, and that do not go together.

    A factor that is written out may convert one into the other, so nothing is said of it; nor of
    a mere count, which any ratio may be compared with.
    """
    match node:
        case Compare() | Arithmetic(operator="+" | "-") | Membership():
            parts = node.children
        case Call(function="min" | "max" | "amount"):
            parts = node.arguments
        case _:
            return None
    found = [unit_of(part, declared) for part in parts if not _is_converted(part)]
    units = [unit for unit in found if unit is not None and unit.name != "count"]
    for one, other in combinations(units, 2):
        money = one.name == other.name and None in (one.currency, other.currency)
        if one != other and not money:
            return one, other
    return None


def _is_converted(node: Node) -> bool:
    factors = (part for part in walk(node) if isinstance(part, Arithmetic))
    return any(
        part.operator in "*/" and any(isinstance(side, Constant) for side in part.children)
        for part in factors
    )


def _combined(node: Arithmetic, declared: Mapping[str, Declaration]) -> Unit | None:
    left, right = unit_of(node.left, declared), unit_of(node.right, declared)
    if node.operator in "+-":
        return left if left == right else None
    if node.operator == "/":
        if left == right and left is not None:
            return Unit("share")
        return left if isinstance(node.right, Constant) or _is_plain(right) else None
    for one, other, factor in ((left, right, node.right), (right, left, node.left)):
        if one is not None and (isinstance(factor, Constant) or _is_plain(other)):
            return one
    return None


def _is_plain(unit: Unit | None) -> bool:
    """Return whether what a number is multiplied with leaves its unit alone."""
    return unit is not None and unit.name in ("share", "count")
