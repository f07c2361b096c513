"""Comparisons with what a map of the user holds at the product's key.

A map has few entries. So a user's answer is that for absent keys, a comparison like any other, but
for the products whose key is among the entries. For these the comparison is searched entry by
entry along the other values of the products that share the key, or judged product by product.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from suitably.suitability.engine.atoms import Atom, ByMoment, LookupTable, TruthBits
from suitably.suitability.engine.combinations import PairAtom
from suitably.suitability.engine.held_entries import Entries, Held, entries_at
from suitably.suitability.engine.kernels import overwrite
from suitably.suitability.engine.keyed_products import KeyedProducts, by_key
from suitably.suitability.engine.lookup_shapes import FOUND, Further, Lookup
from suitably.suitability.engine.monotone import Monotone
from suitably.suitability.engine.scalar_forms import OneUser
from suitably.suitability.engine.scope import EvalScope, UserBatch
from suitably.suitability.engine.search import Spans, search
from suitably.suitability.engine.skeleton import Columns, Skeleton, SlotScope, taken
from suitably.suitability.engine.steps import Places
from suitably.suitability.language.evaluator import condition
from suitably.suitability.language.functions.collections import by_name
from suitably.suitability.language.nodes import (
    Field,
    Node,
)
from suitably.suitability.language.types import Column, Kleene, MapColumn, Values
from suitably.utils import bitset
from suitably.utils.parallel import parallel

__all__ = ["LookupAtom"]

_CELLS = 2**18
_FEW = 16

_Beside = Sequence[tuple[Further, Held]]


class LookupAtom:
    """A comparison with what a map of the user holds at the product's key.

    Args:
        node: The comparison.
        scope: Its policy's scope.
        skeleton: It, over slots.
        lookup: What it looks up.
        shape: How it is monotone in the only slot of the product beside the key, if it is.
        absent: What it says where the key is absent; None: nothing.
    """

    def __init__(
        self,
        node: Node,
        scope: EvalScope,
        skeleton: Skeleton,
        lookup: Lookup,
        shape: Monotone | None,
        absent: Atom | None,
    ) -> None:
        self.node: Node = node
        self.scope: EvalScope = scope
        self._skeleton, self._lookup = skeleton, lookup
        self._shape, self._absent = shape, absent
        self._pairs = PairAtom(node, scope, skeleton)
        self._memory = ByMoment(*(skeleton.parts[slot] for slot in skeleton.slots("product")))

    def bits(self, batch: UserBatch) -> TruthBits:
        """Return the bits for absent keys, with those of the entries written over them."""
        if len(batch) < _FEW:
            return self._pairs.bits(batch)  # to judge each pair is cheaper than to sort
        users = self._skeleton.columns("user", self.scope.of(batch))
        mapping = users[self._lookup.map]
        keyed = self._keyed(batch)
        if keyed is None or not isinstance(mapping, Values):
            return self._pairs.bits(batch)
        if not isinstance(mapping.extra, MapColumn):
            return self._pairs.bits(batch)
        true, false = self._where_absent(mapping, keyed, batch)
        entries = entries_at(mapping, keyed.keys)
        if len(entries.users):
            kept = {slot: users[slot] for slot in self._lookup.skeleton.slots("user")}
            beside = [(one, Held.of(users[one.map])) for one in self._lookup.further]
            if not self._searched(entries, kept, beside, keyed, batch, (true, false)):
                self._judged(entries, kept, beside, keyed, batch, (true, false))
        return true, false

    def prepare(self, batch: UserBatch) -> None:
        """Evaluate the products' slots."""
        self._pairs.prepare(batch)

    def bits_of(self, one: OneUser) -> TruthBits:
        """Return its bits, judged for each combination of the products' values."""
        return self._pairs.bits_of(one)

    def lookup_table(self, batch: UserBatch) -> LookupTable | None:
        """Return None: nearly each user has a row of its own."""
        return None

    def _where_absent(self, mapping: Values, keyed: KeyedProducts, batch: UserBatch) -> TruthBits:
        """Return what it says where a map is known, a key is known, and not in the map."""
        shape = len(batch), keyed.known.shape[1]
        if self._absent is None:
            return np.zeros(shape, np.uint64), np.zeros(shape, np.uint64)
        judged = keyed.known
        if not mapping.known.all():
            judged = judged & np.broadcast_to(mapping.known, (len(batch), 1)) * bitset.ONES
        true, false = (
            np.bitwise_and(words, judged, out=np.empty(shape, np.uint64))
            for words in self._absent.bits(batch)
        )
        return true, false

    def _keyed(self, batch: UserBatch) -> KeyedProducts | None:
        held: tuple[KeyedProducts | None] | None = self._memory.get(batch.as_of)
        if held is None:
            held = self._memory.keep(batch.as_of, (self._by_key(batch),))
        return held[0]

    def _by_key(self, batch: UserBatch) -> KeyedProducts | None:
        products = self._pairs.products(batch)
        columns = {slot: products[slot] for slot in self._lookup.skeleton.slots("product")}
        key, count = products[self._lookup.key], len(self.scope.products)
        return by_key(key, columns, self._shape, self.scope.texts, count)

    def _searched(
        self,
        entries: Entries,
        users: Columns,
        beside: _Beside,
        keyed: KeyedProducts,
        batch: UserBatch,
        out: TruthBits,
    ) -> bool:
        """Write over the bits of all products that have an entry's key; return whether it could."""
        rows = keyed.rows
        if rows is None or not self._lookup.is_of_one_key:
            return False
        sizes = rows.sizes[entries.keys]
        spans = Spans(rows.spans, rows.starts[entries.keys], np.maximum(sizes, 1))
        anchors = {slot: taken(column, entries.users, 0) for slot, column in users.items()}
        anchors[FOUND] = _where(entries.values, sizes > 0)
        key = keyed.keys[entries.keys]
        for one, held in beside:
            anchors[one.found] = held.at(entries.users, key, sizes > 0, one.default)
        scope = self.scope.of(batch)
        count = len(entries.users)
        found = search(self._shape, self._lookup.skeleton, scope, anchors, count, spans)
        if found is None:
            return False
        known, switches = found
        if (known & ((switches.start > 0) | (switches.end < spans.longest))).any():
            return False
        below = rows.first[entries.keys] + np.minimum(switches.switch, sizes)
        rest = below + sizes + 1
        true = np.where(known, np.where(switches.first, below, rest), 0)
        false = np.where(known, np.where(switches.first, rest, below), 0)
        codes = np.column_stack([entries.users, entries.keys, true, false])
        overwrite(*out, rows.others, rows.table, codes)
        return True

    def _judged(
        self,
        entries: Entries,
        users: Columns,
        beside: _Beside,
        keyed: KeyedProducts,
        batch: UserBatch,
        out: TruthBits,
    ) -> None:
        """Judge every entry with every product that has its key, and write the bits."""
        scope, products = self.scope.of(batch), self._pairs.products(batch)
        sizes = np.diff(keyed.ends)[entries.keys]
        keys = {one.key: products[one.key] for one, _ in beside}
        names = {slot: by_name(k, scope.texts) for slot, k in keys.items() if isinstance(k, Values)}

        def judge(some: slice) -> tuple[Places, Places, Kleene]:
            lengths = sizes[some]
            entry = np.repeat(np.arange(some.start, some.stop), lengths)
            ends = np.cumsum(lengths)
            begins = np.repeat(keyed.ends[entries.keys[some]] - (ends - lengths), lengths)
            product = keyed.members[begins + np.arange(len(entry))]
            user = entries.users[entry]
            columns: dict[Field, Column] = {
                slot: taken(column, user, 0) for slot, column in users.items()
            }
            columns |= {slot: taken(column, product, 0) for slot, column in keyed.columns.items()}
            columns[FOUND] = taken(entries.values, entry, 0)
            for one, held in beside:
                data, known = names[one.key].data.ravel(), names[one.key].known.ravel()
                columns[one.found] = held.at(user, data[product], known[product], one.default)
            truth = condition(self._lookup.skeleton.node, SlotScope(scope, columns))
            return user, product, truth

        for user, product, truth in parallel(judge, _chunks(sizes)):
            for words, part in zip(out, (truth.true, truth.false), strict=True):
                holds = np.broadcast_to(part, (len(user), 1)).ravel()
                bitset.clear(words, user, product)
                bitset.put(words, user[holds], product[holds])


def _where(values: Values, there: NDArray[np.bool_]) -> Values:
    return replace(values, known=values.known & there[:, None])


def _chunks(sizes: Places) -> Sequence[slice]:
    """Split entries so that each part has few cells, or is a single entry."""
    part = np.cumsum(sizes) // _CELLS
    cuts = [0, *(np.flatnonzero(part[1:] != part[:-1]) + 1).tolist(), len(sizes)]
    return [slice(start, end) for start, end in pairwise(cuts)]
