"""A condition with its one-sided parts taken out: each is evaluated once, and the rest on any rows.

What a condition says of a pair depends on a few values of the user and a few of the product. With
these in slots, the same evaluator judges all pairs, some pairs, or each distinct combination.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suitably.data.clock import Clock
from suitably.suitability.engine.scope import EvalScope, Rows
from suitably.suitability.language.evaluator import evaluate
from suitably.suitability.language.nodes import Call, Field, Membership, Node, Side, sides
from suitably.suitability.language.types import Column, Kleene, MapColumn, StringPool

__all__ = ["Columns", "Skeleton", "SlotScope", "joint_codes", "replaced", "taken"]

Columns = Mapping[Field, Column]


@dataclass(frozen=True)
class Skeleton:
    """A condition over slots.

    Attributes:
        node: The condition, with a field in place of every part that names one side only.
        parts: What belongs in each slot.
    """

    node: Node
    parts: Mapping[Field, Node]

    @staticmethod
    def of(node: Node) -> "Skeleton":
        """Take the largest parts of one side out of a condition."""
        slots: dict[Node, Field] = {}

        def emptied(part: Node) -> Node:
            named = sides(part)
            if len(named) == 1:
                side: Side = "user" if "user" in named else "product"
                return slots.setdefault(part, Field(side, str(len(slots)), **part.place))
            return _rebuilt(part, [emptied(child) for child in part.children])

        made = emptied(node)
        return Skeleton(made, {slot: part for part, slot in slots.items()})

    def slots(self, side: Side) -> list[Field]:
        """Return the slots of one side."""
        return [slot for slot in self.parts if slot.side == side]

    def columns(self, side: Side, scope: EvalScope) -> dict[Field, Column]:
        """Evaluate the parts of one side."""
        return {slot: evaluate(self.parts[slot], scope) for slot in self.slots(side)}


def replaced(node: Node, part: Node, other: Node) -> Node:
    """Return a node with another in place of one of its parts."""
    if node == part:
        return other
    return _rebuilt(node, [replaced(child, part, other) for child in node.children])


def _rebuilt(node: Node, children: Sequence[Node]) -> Node:
    changes: dict[str, Any]
    match node:
        case Membership():
            changes = {"item": children[0], "choices": tuple(children[1:])}
        case Call():
            changes = {"arguments": tuple(children)}
        case _ if hasattr(node, "operands"):
            changes = {"operands": tuple(children)}
        case _ if len(children) == 2:
            changes = {"left": children[0], "right": children[1]}
        case _ if len(children) == 1:
            changes = {"operand": children[0]}
        case _:
            return node
    return replace(node, **changes)


@dataclass(frozen=True)
class SlotScope:
    """The scope of a skeleton: what is in its slots.

    Attributes:
        base: The policy's scope.
        columns: What is in each slot; they broadcast.
    """

    base: EvalScope
    columns: Columns

    @property
    def texts(self) -> StringPool:
        """The codes that both sides share."""
        return self.base.texts

    @property
    def as_of(self) -> int | None:
        """The moment of the decision."""
        return self.base.as_of

    @property
    def clock(self) -> Clock:
        """The convention of the moments."""
        return self.base.clock

    def read(self, node: Field) -> Column:
        """Return what is in a slot."""
        return self.columns[node]

    def day(self, node: Field) -> Column:
        """Return what is in a slot: what goes by days has one side, and was taken out whole."""
        return self.columns[node]

    def remember(self, node: Node, make: Callable[[], Column]) -> Column:
        """Make it: nothing is kept from one choice of rows to the next."""
        return make()

    def refuse(self, node: Node, problem: str) -> NoReturn:
        """Raise a `PolicyError` at a node."""
        self.base.refuse(node, problem)


def taken(column: Column, rows: Rows | slice, axis: int) -> Column:
    """Return some rows of a column of either side, laid along the users (0) or products (1)."""
    shape = (-1, 1) if axis == 0 else (1, -1)
    if isinstance(column, Kleene):
        return Kleene(
            column.true.ravel()[rows].reshape(shape), column.false.ravel()[rows].reshape(shape)
        )
    data, known, extra = column.data.ravel()[rows], column.known.ravel()[rows], column.extra
    if isinstance(extra, MapColumn):
        extra, data = extra.take(data), np.arange(len(data))
    elif isinstance(extra, tuple) and len(data) < len(extra):
        # Functions of lists look at every distinct one, so only those in sight are kept.
        present, data = np.unique(data, return_inverse=True)
        extra = tuple(extra[place] for place in present.tolist())
    return replace(column, data=data.reshape(shape), known=known.reshape(shape), extra=extra)


def joint_codes(codes: NDArray[np.int64], column: Column) -> NDArray[np.int64]:
    """Refine codes by one more column: equal codes, equal values so far, numbered from 0."""
    if isinstance(column, Kleene):
        refined = column.true.ravel() + 2 * column.false.ravel()
    else:
        refined = pd.factorize(column.data.ravel())[0]
        refined = np.where(column.known.ravel(), refined + 1, 0)
    joint = codes * (int(refined.max(initial=0)) + 1) + refined
    return pd.factorize(joint)[0].astype(np.int64)
