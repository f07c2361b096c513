"""Comparisons that change at most once as one value grows, and the search for where they do.

IEEE arithmetic rounds monotonically: for a fixed user, a sum, difference, product or quotient with
one value of the product's is never less for a greater value (or never greater), rounded or not. So
the comparison changes at most once along the sorted values, results too large to be known lie at
the ends, and a binary search that evaluates the very same expression finds both places exactly.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suitably.suitability.engine.skeleton import Skeleton, SlotScope
from suitably.suitability.language.evaluator import evaluate
from suitably.suitability.language.nodes import (
    Arithmetic,
    Call,
    Compare,
    Field,
    Negative,
    Node,
    Side,
    fields_of,
    walk,
)
from suitably.suitability.language.types import DATE, Values

__all__ = ["Monotone", "Switches", "find_switches", "monotone_in"]

_ORDERED = ("number", "date", "duration", "level")
_MOST_LEAVES = 12  # spans of at most 20,000 years each cannot wrap around in 64 bits
Bools = NDArray[np.bool_]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Monotone:
    """A comparison that is monotone in one slot.

    Attributes:
        slot: The slot.
        divisors: What it is divided by on the way: where one is 0, all is unknown.
        reciprocal: Whether it is itself a divisor: it must not change its sign, nor be 0.
    """

    slot: Field
    divisors: tuple[Node, ...]
    reciprocal: bool


def monotone_in(skeleton: Skeleton, side: Side, dry: SlotScope) -> Monotone | None:
    """Return how a comparison is monotone in the only slot of one side; None where it is not.

    Args:
        skeleton: The comparison over slots.
        side: The side.
        dry: Its slots filled with no rows, for the types.
    """
    node = skeleton.node
    found = [part for part in walk(node) if isinstance(part, Field) and part.side == side]
    if len(found) != 1 or not isinstance(node, Compare) or node.operator in ("==", "!="):
        return None
    kinds = [evaluate(part, dry) for part in (node.left, node.right)]
    if not all(isinstance(kind, Values) and kind.type.name in _ORDERED for kind in kinds):
        return None
    (slot,) = found
    divisors: list[Node] = []
    reciprocal = False
    at = node.left if slot in fields_of(node.left) else node.right
    leaves = sum(not part.children for part in walk(node))
    if leaves > _MOST_LEAVES:
        return None
    while at != slot:
        inner = next(part for part in at.children if slot in fields_of(part))
        others = [part for part in at.children if part is not inner]
        match at:
            case Negative():
                pass
            case Arithmetic(operator="/"):
                if inner is at.left:
                    divisors += others
                elif inner == slot:
                    reciprocal = True
                else:
                    return None
            case Arithmetic():
                # The end of the month makes two days one, and so the hours of a day unordered.
                inside, other = evaluate(inner, dry), evaluate(others[0], dry)
                if not isinstance(inside, Values) or not isinstance(other, Values):
                    return None
                if inside.type == DATE and other.type.name == "period":
                    return None
            case Call(function="min" | "max"):
                pass
            case _:
                return None
        at = inner
    return Monotone(slot, tuple(divisors), reciprocal)


@dataclass(frozen=True)
class Switches:
    """What a comparison says along the ascending points, for each of several anchors.

    Attributes:
        start: The first point where it is known.
        end: The point after the last one where it is known.
        first: What it is at the start.
        switch: The first point at which it is something else, or the end.
        regular: Where that is all; elsewhere it is unknown at both ends, and nothing is said.
    """

    start: Places
    end: Places
    first: Bools
    switch: Places
    regular: Bools


def find_switches(
    judge: Callable[[Places, Places], tuple[Bools, Bools]], anchors: int, points: int
) -> Switches:
    """Search for the places where a comparison changes.

    Args:
        judge: Says, for anchors and a point for each of them, where it is true and where known.
        anchors: How many there are.
        points: How many there are; at least one.
    """
    everyone = np.arange(anchors)
    low, high = np.zeros(anchors, np.int64), np.full(anchors, points - 1)
    true_low, known_low = judge(everyone, low)
    true_high, known_high = judge(everyone, high)
    start, end = low.copy(), np.full(anchors, points)
    first, last = true_low.copy(), true_high.copy()
    cut = np.flatnonzero(known_low != known_high)
    if len(cut):
        border = _search(
            lambda rows, at: judge(cut[rows], at)[1] == known_low[cut[rows]], low[cut], high[cut]
        )
        opening = ~known_low[cut]
        start[cut[opening]] = border[opening]
        end[cut[~opening]] = border[~opening]
        first[cut] = judge(cut, start[cut])[0]
        last[cut] = judge(cut, end[cut] - 1)[0]
    switch = end.copy()
    turning = np.flatnonzero((first != last) & (known_low | known_high))
    if len(turning):
        switch[turning] = _search(
            lambda rows, at: judge(turning[rows], at)[0] == first[turning[rows]],
            start[turning],
            end[turning] - 1,
        )
    return Switches(start, end, first, switch, known_low | known_high)


def _search(same: Callable[[Places, Places], Bools], low: Places, high: Places) -> Places:
    """Find the first point at which it is no longer the same; it is at `low`, but not at `high`."""
    low, high = low.copy(), high.copy()
    rows = np.arange(len(low))
    while len(low) and int((high - low).max()) > 1:
        middle = (low + high) // 2
        still = same(rows, middle)
        low = np.where(still, middle, low)
        high = np.where(still, high, middle)
    return high
