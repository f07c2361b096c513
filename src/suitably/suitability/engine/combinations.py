"""Conditions on a pair that follow no order: judged once per distinct combination of values.

Where few combinations of the users' values occur, each has a row of bits. Where few combinations of
the products' values occur, each user's answers to them select the products' bits, eight
combinations at a time. Else all pairs are judged, a few users at a time.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.suitability.engine.atoms import ByMoment, LookupTable, TruthBits
from suitably.suitability.engine.kernels import and_rows
from suitably.suitability.engine.scalar_forms import OneUser, scalar_form
from suitably.suitability.engine.scalars import column_of, type_of
from suitably.suitability.engine.scope import EvalScope, UserBatch
from suitably.suitability.engine.skeleton import (
    Columns,
    Skeleton,
    SlotScope,
    joint_codes,
    taken,
)
from suitably.suitability.language.evaluator import condition
from suitably.suitability.language.functions import moments
from suitably.suitability.language.nodes import Node
from suitably.suitability.language.types import Values
from suitably.utils import bitset
from suitably.utils.bitset import BitRows
from suitably.utils.parallel import parallel

__all__ = ["PairAtom"]

_MOST_COMBINATIONS = 8192
_MOST_BYTES = 2**26
_SELECTED_BYTES = 2**24
_CELLS = 2**18
_MOST_HELD = 2**22
_OCTET = 256


@dataclass(frozen=True)
class _Selection:
    """The products by their combinations of values.

    Attributes:
        columns: A column of each slot, a row for every combination.
        outside: For eight combinations at a time and each choice among them, the complement of
            the products that have one of the chosen: words (eights * 256, words).
    """

    columns: Columns
    outside: BitRows

    def chosen(self, of: NDArray[np.bool_]) -> BitRows:
        """Return the products whose combination is among each user's: words (users, words)."""
        octets = np.packbits(of, axis=1, bitorder="little").astype(np.int32)
        octets += np.arange(octets.shape[1], dtype=np.int32) * _OCTET
        return ~and_rows(self.outside, octets)


class PairAtom:
    """A condition that is judged by combinations of values.

    Args:
        node: The condition.
        scope: Its policy's scope.
        skeleton: It, over slots.
    """

    def __init__(self, node: Node, scope: EvalScope, skeleton: Skeleton) -> None:
        self.node: Node = node
        self.scope: EvalScope = scope
        self._skeleton = skeleton
        parts = [skeleton.parts[slot] for slot in skeleton.slots("product")]
        self._products, self._selections = ByMoment(*parts), ByMoment(*parts)
        dry = skeleton.columns("user", scope.without_rows())
        self._kinds = {slot: type_of(column) for slot, column in dry.items()}
        self._forms = [scalar_form(skeleton.parts[slot], scope) for slot in self._kinds]
        self._unhashable = any(kind.name == "map" for kind in self._kinds.values())
        self._held: dict[Any, TruthBits] = {}

    def bits(self, batch: UserBatch) -> TruthBits:
        """Return its bits."""
        users = self._skeleton.columns("user", self.scope.of(batch))
        return self._evaluated(users, len(batch), batch)

    def prepare(self, batch: UserBatch) -> None:
        """Evaluate the products' slots."""
        self.products(batch)

    def bits_of(self, one: OneUser) -> TruthBits:
        """Return one user's bits, which are kept by the values that they depend on."""
        values = [form(one) for form in self._forms]
        key = None if self._unhashable else (one.as_of if self._dated else None, *values)
        found = None if key is None else self._held.get(key)
        if found is None:
            slots = zip(self._kinds.items(), values, strict=True)
            users = {slot: column_of(kind, value).along(0) for (slot, kind), value in slots}
            found = self._evaluated(users, 1, one.batch)
            size = found[0].nbytes + found[1].nbytes
            if key is not None and len(self._held) * size < _MOST_HELD:
                self._held[key] = found
        return found

    def lookup_table(self, batch: UserBatch) -> LookupTable | None:
        """Return a row for every combination of the users' values; None where they are many."""
        users = self._skeleton.columns("user", self.scope.of(batch))
        width = bitset.words_for(len(self.scope.products))
        most = min(_MOST_COMBINATIONS, _MOST_BYTES // (16 * max(1, width)))
        codes = np.zeros(len(batch), np.int64)
        for column in users.values():
            if isinstance(column, Values) and column.type.name == "map":
                return None
            codes = joint_codes(codes, column)
            if codes.max(initial=0) >= most:
                return None
        _, first = np.unique(codes, return_index=True)
        columns = {slot: taken(column, first, 0) for slot, column in users.items()}
        return LookupTable(codes.astype(np.int32), *self._evaluated(columns, len(first), batch))

    def products(self, batch: UserBatch) -> Columns:
        """Return the products' columns."""
        found: Columns | None = self._products.get(batch.as_of)
        if found is None:
            columns = self._skeleton.columns("product", self.scope.of(batch))
            found = self._products.keep(batch.as_of, columns)
        return found

    def _evaluated(self, users: Columns, rows: int, batch: UserBatch) -> TruthBits:
        """Judge users by their columns, a few at a time."""
        count = len(self.scope.products)
        selection = self._selection(batch) if rows > 1 else None
        products = self.products(batch) if selection is None else selection.columns
        wide = (
            count if selection is None else max(column.known.size for column in products.values())
        )
        step = max(1, _CELLS // max(1, wide))
        true: BitRows = np.empty((rows, bitset.words_for(count)), np.uint64)
        false = np.empty_like(true)

        def judge(start: int) -> None:
            some = slice(start, start + step)
            here = {slot: taken(column, some, 0) for slot, column in users.items()}
            scope = SlotScope(self.scope.of(batch), {**here, **products})
            truth = condition(self._skeleton.node, scope)
            shape = (len(true[some]), wide)
            for out, part in ((true, truth.true), (false, truth.false)):
                cells = np.broadcast_to(part, shape)
                out[some] = bitset.pack(cells) if selection is None else selection.chosen(cells)

        for _ in parallel(judge, range(0, rows, step)):
            pass
        return true, false

    def _selection(self, batch: UserBatch) -> _Selection | None:
        """Return the products by combinations; None where nearly each has its own."""
        held = self._selections.get(batch.as_of)
        if held is None:
            held = self._selections.keep(batch.as_of, (self._selected(batch),))
        found: _Selection | None = held[0]
        return found

    def _selected(self, batch: UserBatch) -> _Selection | None:
        products = self.products(batch)
        count = len(self.scope.products)
        if not count:
            return None
        codes = np.zeros(count, np.int64)
        for column in products.values():
            if isinstance(column, Values) and column.type.name == "map":
                return None
            codes = joint_codes(codes, column)
        _, first = np.unique(codes, return_index=True)
        eights, width = -(-len(first) // 8), bitset.words_for(count)
        if 4 * len(first) > count or eights * _OCTET * width * 8 > _SELECTED_BYTES:
            return None
        members = np.zeros((eights * 8, width), np.uint64)
        product = np.arange(count)
        bit = np.uint64(1) << (product % 64).astype(np.uint64)
        np.bitwise_or.at(members, (codes, product // 64), bit)
        inside = np.zeros((eights, _OCTET, width), np.uint64)
        for place in range(8):
            size = 1 << place
            inside[:, size : 2 * size] = inside[:, :size] | members[place::8][:, None]
        columns = {slot: taken(column, first, 1) for slot, column in products.items()}
        return _Selection(columns, ~inside.reshape(-1, width))

    @cached_property
    def _dated(self) -> bool:
        """Whether the moment matters beyond the users' values."""
        of_users = [self._skeleton.parts[slot] for slot in self._skeleton.slots("user")]
        return moments(self.node) > sum(map(moments, of_users))
