"""Gaps: how far the comparisons that let a pair pass are from failing it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from suitably.suitability.engine.scope import EvalScope
from suitably.suitability.engine.term_values import shown_value, term_value
from suitably.suitability.language.evaluator import condition, evaluate
from suitably.suitability.language.nodes import (
    And,
    Arithmetic,
    AsOf,
    Call,
    Compare,
    Field,
    Node,
    Not,
    Or,
    walk,
)
from suitably.suitability.language.types import Declaration, Values, as_level
from suitably.suitability.language.units import Unit, scale_of, unit_of

__all__ = ["Gap", "narrowest"]

_DAY, _YEAR = 86_400_000_000, 365 * 86_400_000_000
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_MOMENTS = ("date", "duration")


@dataclass(frozen=True)
class Gap:
    """How far a comparison is from turning out the other way.

    Attributes:
        left: What it compares, of which the margin's text shows the value.
        right: With what.
        values: Both values, as a person would be shown them.
        spare: The distance: levels, days, or the numbers' own unit; 0 right at the limit.
        unit: What that counts: `level`, `days`, or what is declared of the numbers.
        tightness: The distance by what is usual for its kind, to compare gaps of several kinds:
            levels by the length of their scale, days by a year, numbers by the larger of the two.
    """

    left: Node
    right: Node
    values: tuple[Any, Any]
    spare: float
    unit: Unit | None
    tightness: float


def narrowest(node: Node, scope: EvalScope) -> Gap | None:
    """Return the gap that is the first to close where a condition holds, None where none can.

    Of an `and`, any comparison may break it; of an `or`, the one that is met by the most holds it
    up. What is met or not without a distance, such as an equality, has no gap. Nor has a moment
    that has passed, or an age that has been reached: time only takes them further.

    Args:
        node: The condition, which holds for the pair.
        scope: The pair.
    """
    return _gap(node, scope, True)


def _gap(node: Node, scope: EvalScope, holds: bool) -> Gap | None:
    match node:
        case Not():
            return _gap(node.operand, scope, not holds)
        case And() | Or() if isinstance(node, And) is holds:
            gaps = (_gap(operand, scope, holds) for operand in node.operands)
            return min(filter(None, gaps), key=lambda gap: gap.tightness, default=None)
        case And() | Or():
            return _widest(node, scope, holds)
        case Compare(operator="<" | "<=" | ">" | ">="):
            operator = node.operator if holds else _OPPOSITE[node.operator]
            low, high = node.left, node.right
            return _distance(low, high, operator in ("<", "<="), scope)
    return None


def _widest(node: And | Or, scope: EvalScope, holds: bool) -> Gap | None:
    """Return the gap of the alternative that holds by the most, None if one has no distance."""
    found = []
    for operand in node.operands:
        truth = condition(operand, scope)
        if (truth.true if holds else truth.false).any():
            found.append(_gap(operand, scope, holds))
    gaps = [gap for gap in found if gap is not None]
    whole = len(gaps) == len(found)
    return max(gaps, key=lambda gap: gap.tightness, default=None) if whole else None


def _distance(left: Node, right: Node, upward: bool, scope: EvalScope) -> Gap | None:
    """Measure a comparison that holds: `left` is below `right` if it is `upward`, else above."""
    above = right if upward else left
    if isinstance(above, AsOf) or _is_age(above):
        return None
    one, other = evaluate(left, scope), evaluate(right, scope)
    if not (isinstance(one, Values) and isinstance(other, Values)):
        return None
    refuse = partial(scope.refuse, left)
    one, other = as_level(one, other, refuse), as_level(other, one, refuse)
    low, high = one.data.item(), other.data.item()
    values = _shown(left, one, scope), _shown(right, other, scope)
    spare, kind = abs(float(high - low)), one.type.name
    if kind in _MOMENTS:
        return Gap(left, right, values, spare / _DAY, Unit("days"), spare / _YEAR)
    levels = max(_levels(left, scope.declared), _levels(right, scope.declared))
    if kind == "level" or levels:
        length = max(levels, len(one.type.scale.levels) if one.type.scale is not None else 0)
        return Gap(left, right, values, spare, Unit("level"), spare / max(1, length - 1))
    size = max(abs(low), abs(high))
    unit = _unit(left, scope.declared) or _unit(right, scope.declared)
    return Gap(left, right, values, spare, unit, spare / size if size else 0.0)


def _is_age(node: Node) -> bool:
    return isinstance(node, Call) and node.function == "age"


def _shown(node: Node, found: Values, scope: EvalScope) -> Any:
    """Return a side as a person would be shown it: of a rank, the level."""
    match node:
        case Field():
            return scope.cell(node)
        case Call(function="rank", arguments=(level,)):
            return term_value(level, scope)
    return shown_value(found, scope)


def _levels(node: Node, declared: Mapping[str, Declaration]) -> int:
    """Return the length of the longest scale whose ranks an expression counts, 0 for none."""
    parts = walk(node)
    if any(isinstance(part, Arithmetic) and part.operator in "*/" for part in parts):
        return 0
    ranks = [part for part in parts if isinstance(part, Call) and part.function == "rank"]
    scales = [scale_of(part.arguments[0], declared) for part in ranks]
    return max((len(scale.levels) for scale in scales if scale is not None), default=0)


def _unit(node: Node, declared: Mapping[str, Declaration]) -> Unit | None:
    return Unit("years") if _is_age(node) else unit_of(node, declared)
