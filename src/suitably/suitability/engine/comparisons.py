"""Comparisons along sorted values: a place for every user, and bits that flip as it moves.

`f(user) op g(product)` places the user's value among the product side's distinct values; arithmetic
is never rearranged. A comparison that mixes the sides in one expression, such as
`user.age + product.term <= 85`, is searched for the places where it changes: for every product
along the users' values where it looks at a single one, else for every user along the products'.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suitably.suitability.engine.atoms import ByMoment, LookupTable, TruthBits, flat
from suitably.suitability.engine.combinations import PairAtom
from suitably.suitability.engine.monotone import Monotone
from suitably.suitability.engine.scalar_forms import OneUser, scalar_form
from suitably.suitability.engine.scope import EvalScope, UserBatch
from suitably.suitability.engine.search import Spans, search
from suitably.suitability.engine.skeleton import Columns, Skeleton
from suitably.suitability.engine.steps import NEVER, Places, Steps
from suitably.suitability.language.nodes import Compare, Node
from suitably.suitability.language.types import Column, Values
from suitably.utils import bitset
from suitably.utils.bitset import NONE, BitRows

__all__ = ["MonotoneAtom", "ThresholdAtom"]

_MOST_BYTES = 2**26
_FEW = 16
_UNKNOWN = -1
_Cuts = tuple[NDArray[np.float64] | Places, Steps]


class ThresholdAtom:
    """`user value op product value`, or `moment op product value`: the place among the cuts."""

    def __init__(self, user: Node, operator: str, product: Node, scope: EvalScope) -> None:
        self.node: Node = Compare(operator, user, product)
        self.scope: EvalScope = scope
        self._user, self._product = user, product
        self._operator = operator
        self._memory = ByMoment(product)
        self._form = scalar_form(user, scope)

    def prepare(self, batch: UserBatch) -> None:
        """Sort the products' values."""
        self._held(batch)[1].prepare()

    def bits_of(self, one: OneUser) -> TruthBits:
        """Return the row at the user's place."""
        value = self._form(one)
        if value is None:
            return NONE, NONE
        cuts, steps = self._held(one.batch)
        place = int(cuts.searchsorted(value, self._from))
        if self._operator in ("==", "!="):
            place = place + 1 if place < len(cuts) and cuts[place] == value else 0
        return steps.row(place)

    def bits(self, batch: UserBatch) -> TruthBits:
        """Return the rows at the users' places."""
        return _bits(*self._placed(batch))

    def lookup_table(self, batch: UserBatch) -> LookupTable | None:
        """Return the rows at the places that occur; None where these are too many."""
        return _lookup_table(*self._placed(batch), len(batch))

    def _placed(self, batch: UserBatch) -> tuple[Steps, Places]:
        """Place the users among the cuts: what is below the place is less, or no greater."""
        cuts, steps = self._held(batch)
        data, known = flat(self._user, self.scope.of(batch))
        places = cuts.searchsorted(data, self._from)
        if self._operator in ("==", "!="):
            found = places < len(cuts)
            found[found] = cuts[places[found]] == data[found]
            places = np.where(found, places + 1, 0)
        return steps, np.where(known, places, _UNKNOWN)

    @property
    def _from(self) -> Literal["left", "right"]:
        return "right" if self._operator in ("<", ">=") else "left"

    def _held(self, batch: UserBatch) -> _Cuts:
        held: _Cuts | None = self._memory.get(batch.as_of)
        return held or self._memory.keep(batch.as_of, self._prepared(batch))

    def _prepared(self, batch: UserBatch) -> _Cuts:
        data, known = flat(self._product, self.scope.of(batch))
        places = np.full(len(data), NEVER)
        places[known], cuts = pd.factorize(data[known], sort=True)
        all_known = bitset.pack(known[None])
        none = np.zeros_like(all_known)
        # x < v and x <= v hold from the place on, x > v and x >= v before it; an equal value is
        # reached by one step, and left behind by the next.
        flips: tuple[Places, ...] = (places,)
        if self._operator in ("==", "!="):
            flips += (np.where(known, places + 1, NEVER),)
        from_the_place_on = self._operator in ("<", "<=", "!=")
        base = (all_known, none) if from_the_place_on else (none, all_known)
        return cuts, Steps(base, flips, flips, kept=True)


def _bits(steps: Steps, places: Places) -> TruthBits:
    """Compose the rows at some places, or at the one that everybody has."""
    if len(places) == 1 or steps.kept:
        return steps.rows(places)
    found, inverse = np.unique(places, return_inverse=True)
    true, false = steps.rows(found)
    return true.take(inverse, axis=0), false.take(inverse, axis=0)


def _lookup_table(steps: Steps, places: Places, users: int) -> LookupTable | None:
    """Compose the rows at the places that occur; None where these are too many."""
    occurs = np.zeros(int(places.max(initial=0)) + 2, bool)
    occurs[places + 1] = True
    present = np.flatnonzero(occurs) - 1
    if 2 * present.size * steps.base[0].nbytes > _MOST_BYTES:
        return None
    number = np.cumsum(occurs, dtype=np.int32) - 1
    codes = np.broadcast_to(number[places + 1], users).astype(np.int32)
    return LookupTable(codes, *steps.rows(present))


@dataclass(frozen=True)
class _Sorted:
    """The distinct values of a slot, ascending.

    Attributes:
        values: One below the other.
        places: Of every row among them, `NEVER` where it has none.
    """

    values: Values
    places: Places

    def __len__(self) -> int:
        return len(self.values.data)

    @staticmethod
    def of(column: Column, reciprocal: bool) -> "_Sorted | None":
        """Sort a column; None where it divides and changes its sign."""
        assert isinstance(column, Values)  # monotone_in has checked
        data, known = column.data.ravel(), column.known.ravel()
        if reciprocal:
            known = known & (data != 0)  # a division by zero is unknown
            signs = np.sign(data[known])
            if len(signs) and signs.min() != signs.max():
                return None
        distinct, places = np.unique(data[known], return_inverse=True)
        all_places = np.full(len(data), NEVER)
        all_places[known] = places
        values = replace(column, data=distinct[:, None], known=np.ones((len(distinct), 1), bool))
        return _Sorted(values, all_places)


class MonotoneAtom:
    """A comparison that changes at most once along one slot, the others held.

    Args:
        node: The comparison.
        scope: Its policy's scope.
        skeleton: It, over slots.
        of_user: How it is monotone in its only user's slot, if it is.
        of_product: How it is monotone in its only product's slot, if it is.
    """

    def __init__(
        self,
        node: Node,
        scope: EvalScope,
        skeleton: Skeleton,
        of_user: Monotone | None,
        of_product: Monotone | None,
    ) -> None:
        self.node: Node = node
        self.scope: EvalScope = scope
        self._skeleton = skeleton
        self._of_user, self._of_product = of_user, of_product
        self._pairs = PairAtom(node, scope, skeleton)
        self._memory = ByMoment(*(skeleton.parts[slot] for slot in skeleton.slots("product")))

    def bits(self, batch: UserBatch) -> TruthBits:
        """Return the rows at the users' places; pair by pair where they have none."""
        placed = self._placed(batch)
        return self._pairs.bits(batch) if placed is None else _bits(*placed)

    def prepare(self, batch: UserBatch) -> None:
        """Evaluate the products' slots."""
        self._pairs.prepare(batch)

    def bits_of(self, one: OneUser) -> TruthBits:
        """Return its bits, judged for each combination of the products' values."""
        return self._pairs.bits_of(one)

    def lookup_table(self, batch: UserBatch) -> LookupTable | None:
        """Return the rows at the places that occur; None where these are too many."""
        placed = self._placed(batch)
        if placed is None:
            return self._pairs.lookup_table(batch)
        return _lookup_table(*placed, len(batch))

    def _placed(self, batch: UserBatch) -> tuple[Steps, Places] | None:
        if len(batch) < _FEW:
            return None  # to judge each pair is cheaper than to sort
        users = self._skeleton.columns("user", self.scope.of(batch))
        if self._of_user is not None:
            return self._by_product(self._of_user, users, batch)
        assert self._of_product is not None  # one of the two
        return self._by_user(self._of_product, users, batch)

    def _by_product(
        self, shape: Monotone, users: Columns, batch: UserBatch
    ) -> tuple[Steps, Places] | None:
        """Search for every product along the users' values."""
        points = _Sorted.of(users[shape.slot], shape.reciprocal)
        if points is None:
            return None
        products = self._pairs.products(batch)
        scope, whole = self.scope.of(batch), Spans(points.values)
        found = search(shape, self._skeleton, scope, products, len(scope.products), whole)
        if found is None:
            return None
        known, switches = found
        start, end, first = switches.start, switches.end, switches.first
        switch = switches.switch
        changes = [
            np.where(known, place, NEVER)
            for place in (
                np.where(first, start, switch),
                np.where(first, switch, end),
                np.where(first, switch, start),
                np.where(first, end, switch),
            )
        ]
        borders = np.unique(np.concatenate(changes))
        flips = [np.where(known, np.searchsorted(borders, place), NEVER) for place in changes]
        steps = np.searchsorted(borders, np.arange(len(points)), side="right")
        places = np.full(len(batch), _UNKNOWN)
        known_users = points.places != NEVER
        places[known_users] = steps[points.places[known_users]]
        none: BitRows = np.zeros((1, bitset.words_for(len(self.scope.products))), np.uint64)
        return Steps((none, none), flips[:2], flips[2:]), places

    def _by_user(
        self, shape: Monotone, users: Columns, batch: UserBatch
    ) -> tuple[Steps, Places] | None:
        """Search for every user along the products' values."""
        points: _Sorted | None = self._memory.get(batch.as_of)
        if points is None:
            column = self._pairs.products(batch)[shape.slot]
            points = _Sorted.of(column, shape.reciprocal)
            if points is None:
                return None
            self._memory.keep(batch.as_of, points)
        scope, whole_span = self.scope.of(batch), Spans(points.values)
        found = search(shape, self._skeleton, scope, users, len(batch), whole_span)
        if found is None:
            return None
        known, switches = found
        if (known & ((switches.start > 0) | (switches.end < len(points)))).any():
            return None
        # Steps up to the number of values are for users for whom it holds before the switch; then
        # everything flips, and the same steps again are for those for whom it holds from there on.
        count, each = len(points), points.places
        there = each != NEVER
        whole = (np.where(there, count, NEVER), np.where(there, count + 1, NEVER))
        flips = (each, *whole, np.where(there, each + count + 2, NEVER))
        all_known = bitset.pack(there[None])
        places = switches.switch + np.where(switches.first, 0, count + 2)
        steps = Steps((np.zeros_like(all_known), all_known), flips, flips)
        return steps, np.where(known, places, _UNKNOWN)
