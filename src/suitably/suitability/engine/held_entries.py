"""What maps of users hold at the keys of products."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suitably.suitability.engine.steps import Places
from suitably.suitability.language.functions.collections import held_in
from suitably.suitability.language.types import Column, MapColumn, Type, Values

__all__ = ["Entries", "Held", "entries_at"]


@dataclass(frozen=True)
class Entries:
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
class Held:
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
    def of(mapping: Column) -> "Held":
        """Put the entries of maps in order, of equal keys in theirs."""
        assert isinstance(mapping, Values)  # what look-ups take
        assert isinstance(mapping.extra, MapColumn)
        maps: MapColumn = mapping.extra.take(mapping.data.ravel())
        lengths = np.diff(maps.offsets)
        size = int(maps.keys.max(initial=-1)) + 1
        codes = np.repeat(np.arange(len(lengths)), lengths) * size + maps.keys
        order = np.argsort(codes, kind="stable")
        known = np.broadcast_to(mapping.known.ravel(), len(lengths))
        return Held(held_in(mapping.type), known, maps, codes[order], order, size)

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


def entries_at(mapping: Values, keys: NDArray[np.int64]) -> Entries:
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
    return Entries(users[at], place[at], held)
