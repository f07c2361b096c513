"""The scalar form of a user's part of a rule: what the evaluator says of a column of one, sooner.

One user costs more in calls of NumPy than in work. Comparisons, logic and plain arithmetic of the
same nodes are therefore done on Python's own doubles and integers, which are the columns' numbers.
Whatever else there is, every function of the registry included, is left to the evaluator on a
column of one row, and kept by the values that it was made of.
"""

import math
import operator
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NoReturn

from suitably.data.calendar import EARLIEST, LATEST
from suitably.data.clock import Clock
from suitably.suitability.engine.fields import Fields
from suitably.suitability.engine.scalars import Cell, Scalar, scalar_at, type_of
from suitably.suitability.engine.scope import EvalScope, UserBatch
from suitably.suitability.language.evaluator import LONGEST, evaluate
from suitably.suitability.language.functions import is_dated
from suitably.suitability.language.nodes import (
    And,
    Arithmetic,
    AsOf,
    Compare,
    Constant,
    Field,
    Membership,
    Negative,
    Node,
    Not,
    Or,
    walk,
)
from suitably.suitability.language.types import Column, StringPool, Values, as_level

__all__ = ["OneUser", "ScalarForm", "scalar_form"]

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_MOST_KEPT = 4096
_ABSENT = object()


class OneUser:
    """One user at a moment.

    Args:
        batch: It, alone.
    """

    __slots__ = ("_row", "_values", "as_of", "batch")

    def __init__(self, batch: UserBatch) -> None:
        self.batch = batch
        self.as_of = batch.as_of
        self._row = 0 if batch.rows is None else int(batch.rows[0])
        self._values: dict[Cell, Scalar] = {}

    def value(self, cell: Cell) -> Scalar:
        """Return a field, read once."""
        values = self._values
        if cell in values:
            return values[cell]
        found = values[cell] = self.batch.users.scalar(cell, self._row)
        return found


ScalarForm = Callable[[OneUser], Scalar]
_NOBODY: Any = None  # what is written in a rule depends on no user


def scalar_form(node: Node, scope: EvalScope) -> ScalarForm:
    """Return what evaluates an expression that names no product, for one user at a time.

    Args:
        node: The expression, whose types have been checked.
        scope: Its policy's scope.
    """
    return _form(node, scope, _Recorder(scope))


def _form(node: Node, scope: EvalScope, dry: "_Recorder") -> ScalarForm:
    match node:
        case Constant(value=bool() as value):
            return lambda one: value
        case Constant():
            written = scalar_at(evaluate(node, dry), 0)
            return lambda one: written
        case Field():
            cell = _cell(node, scope, False)
            return lambda one: one.value(cell)
        case AsOf():
            return lambda one: one.as_of
        case And():
            return _all([_form(operand, scope, dry) for operand in node.operands], False)
        case Or():
            return _all([_form(operand, scope, dry) for operand in node.operands], True)
        case Not():
            return _not(_form(node.operand, scope, dry))
        case Compare():
            return _compare(node.operator, node.left, node.right, scope, dry)
        case Membership():
            return _membership(node, scope, dry)
        case Negative():
            return _negative(_form(node.operand, scope, dry))
        case Arithmetic():
            return _arithmetic(node, scope, dry)
    return _by_columns(node, scope)


def _all(forms: Sequence[ScalarForm], decisive: bool) -> ScalarForm:
    """Return the `and` of conditions, or with true as the decisive value their `or`."""

    def form(one: OneUser) -> Scalar:
        found: bool | None = not decisive
        for part in forms:
            value = part(one)
            if value is decisive:
                return decisive
            if value is None:
                found = None
        return found

    return form


def _not(operand: ScalarForm) -> ScalarForm:
    def form(one: OneUser) -> Scalar:
        value = operand(one)
        return None if value is None else not value

    return form


def _negative(operand: ScalarForm) -> ScalarForm:
    def form(one: OneUser) -> Scalar:
        value = operand(one)
        return None if value is None else -value

    return form


def _compare(sign: str, left: Node, right: Node, scope: EvalScope, dry: "_Recorder") -> ScalarForm:
    one_form, other_form = _side(left, right, scope, dry), _side(right, left, scope, dry)
    holds = _COMPARE[sign]

    def form(one: OneUser) -> Scalar:
        value = one_form(one)
        if value is None:
            return None
        other = other_form(one)
        return None if other is None else holds(value, other)

    return form


def _membership(node: Membership, scope: EvalScope, dry: "_Recorder") -> ScalarForm:
    item = _form(node.item, scope, dry)
    if all(isinstance(choice, Constant) for choice in node.choices):
        sides = [_side(choice, node.item, scope, dry) for choice in node.choices]
        constants = frozenset(side(_NOBODY) for side in sides)

        def among(one: OneUser) -> Scalar:
            value = item(one)
            return None if value is None else value in constants

        return among
    equal = _all([_compare("==", node.item, part, scope, dry) for part in node.choices], True)
    return lambda one: None if item(one) is None else equal(one)


def _side(node: Node, beside: Node, scope: EvalScope, dry: "_Recorder") -> ScalarForm:
    """Return one side of a comparison: a text beside a level is a level, as in the evaluator."""
    value, other = evaluate(node, dry), evaluate(beside, dry)
    if isinstance(value, Values) and isinstance(other, Values) and value.literal is not None:
        written = scalar_at(as_level(value, other, partial(dry.refuse, node)), 0)
        return lambda one: written
    return _form(node, scope, dry)


def _arithmetic(node: Arithmetic, scope: EvalScope, dry: "_Recorder") -> ScalarForm:
    kinds = [type_of(evaluate(part, dry)).name for part in (node.left, node.right)]
    left, right = _form(node.left, scope, dry), _form(node.right, scope, dry)
    work = _ARITHMETIC[node.operator]
    if kinds == ["number", "number"]:
        return _of_numbers(work, left, right)
    if kinds in (["date", "duration"], ["duration", "date"]):
        return _between(work, left, right, EARLIEST, LATEST)
    if kinds == ["date", "date"]:
        return _between(work, left, right, -math.inf, math.inf)
    if kinds in (["duration", "duration"], ["period", "period"]):
        longest = LONGEST[type_of(evaluate(node, dry))]
        return _between(work, left, right, 1 - longest, longest - 1)
    return _by_columns(node, scope)


def _of_numbers(
    work: Callable[[float, float], float], left: ScalarForm, right: ScalarForm
) -> ScalarForm:
    def form(one: OneUser) -> Scalar:
        value, other = left(one), right(one)
        if value is None or other is None:
            return None
        try:
            found = work(value, other)
        except ZeroDivisionError:
            return None
        return found if math.isfinite(found) else None

    return form


def _between(
    work: Callable[[int, int], int],
    left: ScalarForm,
    right: ScalarForm,
    least: float,
    most: float,
) -> ScalarForm:
    def form(one: OneUser) -> Scalar:
        value, other = left(one), right(one)
        if value is None or other is None:
            return None
        found = work(value, other)
        return found if least <= found <= most else None

    return form


def _by_columns(node: Node, scope: EvalScope) -> ScalarForm:
    """Return what asks the evaluator, on a column of one row."""

    def asked(one: OneUser) -> Scalar:
        return scalar_at(evaluate(node, scope.of(one.batch)), 0)

    recorder = _Recorder(scope)
    evaluate(node, recorder)
    cells = tuple(recorder.cells)
    if not _follows_from_fields(node) or recorder.has_map:
        return asked
    dated = is_dated(node)
    kept: dict[Any, Scalar] = {}

    def form(one: OneUser) -> Scalar:
        key = (one.as_of if dated else None, *[one.value(cell) for cell in cells])
        found = kept.get(key, _ABSENT)
        if found is _ABSENT:
            if len(kept) >= _MOST_KEPT:
                kept.clear()
            found = kept[key] = asked(one)
        return found

    return form


def _follows_from_fields(node: Node) -> bool:
    """Return whether it is made of fields, constants and the moment, and of nothing else."""
    return all(part.children or isinstance(part, Field | Constant | AsOf) for part in walk(node))


def _cell(node: Field, scope: EvalScope, by_day: bool) -> Cell:
    fields = scope.users
    assert isinstance(fields, Fields)  # what a policy is bound to
    return fields.cell_of(node.name, scope.declared.get(str(node)), by_day)


class _Recorder:
    """A scope of no rows, which notes the fields that are read."""

    def __init__(self, scope: EvalScope) -> None:
        self._scope, self._dry = scope, scope.without_rows()
        self.cells: dict[Cell, None] = {}
        self.has_map = False

    @property
    def texts(self) -> StringPool:
        """The codes that both sides share."""
        return self._dry.texts

    @property
    def as_of(self) -> int | None:
        """No moment."""
        return self._dry.as_of

    @property
    def clock(self) -> Clock:
        """The convention of the moments."""
        return self._dry.clock

    def read(self, node: Field) -> Column:
        """Note a field."""
        return self._noted(node, self._dry.read(node), False)

    def day(self, node: Field) -> Column:
        """Note a field that is read by days."""
        return self._noted(node, self._dry.day(node), True)

    def _noted(self, node: Field, column: Column, by_day: bool) -> Column:
        self.cells[_cell(node, self._scope, by_day)] = None
        self.has_map |= type_of(column).name == "map"
        return column

    def remember(self, node: Node, make: Callable[[], Column]) -> Column:
        """Make it."""
        return make()

    def refuse(self, node: Node, problem: str) -> NoReturn:
        """Raise a `PolicyError` at a node."""
        self._dry.refuse(node, problem)
