"""Comparisons with what a map of the user holds at the product's key.

A map has few entries. So a user's answer is that for absent keys, a comparison like any other, but
for the products whose key is among the entries. For these the comparison is searched entry by
entry along the other values of the products that share the key, or judged product by product.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suitably.suitability.engine.atoms import Atom, ByMoment, LookupTable, TruthBits
from suitably.suitability.engine.combinations import PairAtom
from suitably.suitability.engine.kernels import overwrite
from suitably.suitability.engine.keyed_products import KeyedProducts, by_key
from suitably.suitability.engine.monotone import Monotone
from suitably.suitability.engine.scalar_forms import OneUser
from suitably.suitability.engine.scope import EvalScope, UserBatch
from suitably.suitability.engine.search import Spans, search
from suitably.suitability.engine.skeleton import Columns, Skeleton, SlotScope, replaced, taken
from suitably.suitability.engine.steps import Places
from suitably.suitability.language.evaluator import condition
from suitably.suitability.language.functions.collections import by_name, held_in
from suitably.suitability.language.nodes import (
    Arithmetic,
    Call,
    Compare,
    Constant,
    Field,
    Negative,
    Node,
    sides,
    walk,
)
from suitably.suitability.language.types import Column, Kleene, MapColumn, Type, Values
from suitably.utils import bitset
from suitably.utils.parallel import parallel

__all__ = ["FOUND", "Lookup", "LookupAtom"]

_CELLS = 2**18
_FEW = 16
_STRICT = ("min", "max", "abs")
FOUND = Field("user", "found")


@dataclass(frozen=True)
class Further:
    """A look-up beside that whose entries are gone through.

    Attributes:
        found: The slot for what is found.
        map: The slot of the map.
        key: The slot of the key.
        default: What stands in where the key is absent; None: nothing.
    """

    found: Field
    map: Field
    key: Field
    default: float | None


@dataclass(frozen=True)
class Lookup:
    """How a comparison looks the product's key up in a map of the user.

    Attributes:
        skeleton: The comparison, over slots, with more of the user's for what is found.
        map: The slot of the map.
        key: The slot of the key.
        absent: The comparison where the key is absent; None: it is unknown.
        further: What else it looks up.
    """

    skeleton: Skeleton
    map: Field
    key: Field
    absent: Node | None
    further: tuple[Further, ...]

    @staticmethod
    def of(node: Node, skeleton: Skeleton) -> "Lookup | None":
        """Find such look-ups of a comparison that is unknown wherever one of them is."""
        mixed = [part for part in walk(node) if _is_mixed(part)]
        found = [part for part in walk(skeleton.node) if _is_lookup(part)]
        distinct = len({*mixed}) == len(mixed) == len({*found}) == len(found) > 0
        if not distinct or not isinstance(node, Compare):
            return None
        rest, read = skeleton.node, []
        for number, (there, here) in enumerate(zip(mixed, found, strict=True)):
            mapping, key, *default = here.children
            if not isinstance(mapping, Field) or not isinstance(key, Field):
                return None
            if (mapping.side, key.side) != ("user", "product") or not _is_strict(node, there):
                return None
            standing_in = _number(default[0]) if default else None
            if number and default and standing_in is None:
                return None
            slot = Field("user", f"found {number}") if number else FOUND
            rest = replaced(rest, here, slot)
            read.append(Further(slot, mapping, key, standing_in))
        slots = [part for part in walk(rest) if isinstance(part, Field)]
        if any(one.map in slots for one in read):
            return None
        parts = {slot: part for slot, part in skeleton.parts.items() if slot in slots}
        first, *further = read
        stands_in = mixed[0].children[2:]
        absent = replaced(node, mixed[0], stands_in[0]) if stands_in else None
        made = Skeleton(rest, parts)
        return Lookup(made, first.map, first.key, absent, tuple(further))

    @property
    def is_of_one_key(self) -> bool:
        """Whether all that it looks up is known of an entry, whatever the product."""
        return all(one.key == self.key for one in self.further)


def _number(node: Node) -> float | None:
    if isinstance(node, Constant) and isinstance(node.value, float):
        return node.value
    return None


def _is_lookup(node: Node) -> bool:
    return isinstance(node, Call) and node.function == "lookup"


def _is_mixed(node: Node) -> bool:
    return _is_lookup(node) and len(sides(node)) == 2


def _is_strict(node: Node, part: Node) -> bool:
    """Return whether a node is unknown wherever a part of it is."""
    while node is not part:
        strict = isinstance(node, Compare | Arithmetic | Negative)
        if not strict and not (isinstance(node, Call) and node.function in _STRICT):
            return False
        node = next(child for child in node.children if part in walk(child))
    return True


@dataclass(frozen=True)
class _Entries:
    """Entries of maps at keys that products have.

    Attributes:
        users: Whose, ascending; int64 (entries,).
        keys: Places of their keys.
        values: What they hold.
    """

    users: Places
    keys: Places
    values: Values


@dataclass(frozen=True)
class _Held:
    """What users' maps hold, to be looked up at a key for each of some users.

    Attributes:
        kind: Of the values.
        known: bool (users,), whose map is known.
        maps: Theirs.
        codes: User and key of every entry in one number, ascending.
        order: The entries in that order.
        size: What users are multiplied by in these numbers.
    """

    kind: Type
    known: NDArray[np.bool_]
    maps: MapColumn
    codes: Places
    order: Places
    size: int

    @staticmethod
    def of(mapping: Column) -> "_Held":
        """Put the entries of maps in order, of equal keys in theirs."""
        assert isinstance(mapping, Values)  # what look-ups take
        assert isinstance(mapping.extra, MapColumn)
        maps: MapColumn = mapping.extra.take(mapping.data.ravel())
        lengths = np.diff(maps.offsets)
        size = int(maps.keys.max(initial=-1)) + 1
        codes = np.repeat(np.arange(len(lengths)), lengths) * size + maps.keys
        order = np.argsort(codes, kind="stable")
        known = np.broadcast_to(mapping.known.ravel(), len(lengths))
        return _Held(held_in(mapping.type), known, maps, codes[order], order, size)

    def at(
        self, users: Places, keys: Places, known: NDArray[np.bool_], default: float | None
    ) -> Values:
        """Look keys up: of equal ones the last, as look-ups do.

        Args:
            users: Whose map each is looked up in.
            keys: Codes of the keys.
            known: bool, which of them are known.
            default: What stands in where the key is absent; None: nothing.
        """
        inside = (keys >= 0) & (keys < self.size)
        wanted = users * self.size + np.where(inside, keys, 0)
        last = np.searchsorted(self.codes, wanted, side="right") - 1
        there = inside & (last >= 0)
        there[there] = self.codes[last[there]] == wanted[there]
        entry = self.order[last[there]]
        values = np.full(len(users), 0 if default is None else default, self.maps.values.dtype)
        values[there] = self.maps.values[entry]
        found = np.full(len(users), default is not None)
        found[there] = self.maps.known[entry]
        found &= known & self.known[users]
        return Values(self.kind, values[:, None], found[:, None])


_Beside = Sequence[tuple[Further, _Held]]


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
        entries = _entries(mapping, keyed.keys)
        if len(entries.users):
            kept = {slot: users[slot] for slot in self._lookup.skeleton.slots("user")}
            beside = [(one, _Held.of(users[one.map])) for one in self._lookup.further]
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
        entries: _Entries,
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
        entries: _Entries,
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


def _entries(mapping: Values, keys: NDArray[np.int64]) -> _Entries:
    """Return the entries of known maps at some keys: of equal ones the last, as look-ups do."""
    maps: MapColumn = mapping.extra.take(mapping.data.ravel())
    lengths = np.diff(maps.offsets)
    users = np.repeat(np.arange(len(lengths)), lengths)
    place = np.minimum(np.searchsorted(keys, maps.keys), max(len(keys) - 1, 0))
    there = keys[place] == maps.keys if len(keys) else np.zeros(len(users), bool)
    there &= np.broadcast_to(mapping.known.ravel(), len(lengths))[users]
    at = np.flatnonzero(there)
    joint = users[at] * len(keys) + place[at]
    in_order = np.sort(joint)
    if (in_order[1:] == in_order[:-1]).any():
        at = at[~pd.Series(joint).duplicated(keep="last").to_numpy()]
    held = Values(held_in(mapping.type), maps.values[at][:, None], maps.known[at][:, None])
    return _Entries(users[at], place[at], held)


def _chunks(sizes: Places) -> Sequence[slice]:
    """Split entries so that each part has few cells, or is a single entry."""
    part = np.cumsum(sizes) // _CELLS
    cuts = [0, *(np.flatnonzero(part[1:] != part[:-1]) + 1).tolist(), len(sizes)]
    return [slice(start, end) for start, end in pairwise(cuts)]
