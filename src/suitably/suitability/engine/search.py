"""The search along sorted values, for many anchors at once: users, products or entries of maps."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from suitably.suitability.engine.monotone import Monotone, Switches, find_switches
from suitably.suitability.engine.scope import EvalScope
from suitably.suitability.engine.skeleton import Columns, Skeleton, SlotScope, taken
from suitably.suitability.engine.steps import Places
from suitably.suitability.language.evaluator import condition, evaluate
from suitably.suitability.language.nodes import Field
from suitably.suitability.language.types import Values
from suitably.utils.parallel import parallel

__all__ = ["Spans", "search"]

_CHUNK = 2**15
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Spans:
    """Along which values every anchor is searched.

    Attributes:
        values: One below the other, ascending within each span.
        starts: Where each anchor's span begins; None: all have the whole.
        sizes: How many values it has, at least one; None likewise.
    """

    values: Values
    starts: Places | None = None
    sizes: Places | None = None

    @property
    def longest(self) -> int:
        """How many values the longest span has."""
        return len(self.values.data) if self.sizes is None else int(self.sizes.max(initial=0))

    def at(self, anchors: Places, points: Places) -> Places:
        """Return the values' places; behind the end of a span there is its last value again."""
        if self.starts is None or self.sizes is None:
            return points
        return self.starts[anchors] + np.minimum(points, self.sizes[anchors] - 1)


def search(
    shape: Monotone | None,
    skeleton: Skeleton,
    scope: EvalScope,
    anchors: Columns,
    rows: int,
    spans: Spans,
) -> tuple[Bools, Switches] | None:
    """Search for every anchor whose values are known; None if that fails.

    Args:
        shape: How the comparison is monotone; None: it has no slot but the anchors', and so each
            span has one point.
        skeleton: The comparison, over slots.
        scope: The scope of the users in sight.
        anchors: A column of each other slot, laid along the users.
        rows: How many anchors there are.
        spans: What is searched.

    Returns:
        Which anchors' values are known, and where the comparison changes for them.
    """
    slot = None if shape is None else shape.slot
    known = np.full(rows, spans.longest > 0)
    for other, column in anchors.items():
        if other != slot:
            known &= column.known.ravel()
    for divisor in () if shape is None else shape.divisors:
        value = evaluate(divisor, SlotScope(scope, anchors))
        assert isinstance(value, Values)  # monotone_in has checked
        known &= value.data.ravel() != 0
    asked = np.flatnonzero(known)
    judge = partial(_judged, skeleton, scope, anchors, slot, spans)
    chunks = [asked[at : at + _CHUNK] for at in range(0, len(asked), _CHUNK)]

    def found_in(chunk: Places) -> Switches:
        return find_switches(judge(chunk), len(chunk), spans.longest)

    parts = list(parallel(found_in, chunks))
    nowhere = np.zeros((3, rows), np.int64)
    out = Switches(nowhere[0], nowhere[1], np.zeros(rows, bool), nowhere[2], known)
    for chunk, part in zip(chunks, parts, strict=True):
        single = False if spans.sizes is None else spans.sizes[chunk] == 1
        if not (part.regular | single).all():
            return None
        known[chunk] = part.regular  # at a single point it is simply unknown
        out.start[chunk], out.end[chunk] = part.start, part.end
        out.first[chunk], out.switch[chunk] = part.first, part.switch
    return known, out


def _judged(
    skeleton: Skeleton,
    scope: EvalScope,
    anchors: Columns,
    slot: Field | None,
    spans: Spans,
    chunk: Places,
) -> Callable[[Places, Places], tuple[Bools, Bools]]:
    """Return what evaluates the comparison for anchors of a chunk, at a point for each."""
    here = {other: taken(column, chunk, 0) for other, column in anchors.items()}

    def judge(rows: Places, at: Places) -> tuple[Bools, Bools]:
        everyone = len(rows) == len(chunk)
        columns = {k: v if everyone else taken(v, rows, 0) for k, v in here.items()}
        if slot is not None:
            columns[slot] = taken(spans.values, spans.at(chunk[rows], at), 0)
        truth = condition(skeleton.node, SlotScope(scope, columns))
        shape = (len(rows), 1)
        true, false = np.broadcast_to(truth.true, shape), np.broadcast_to(truth.false, shape)
        return true.ravel(), (true | false).ravel()

    return judge
