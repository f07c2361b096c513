"""Sums by user and further keys: a state that merges exactly, in whatever parts events come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.errors import DataError
from suitably.profiles.currency import one_currency
from suitably.profiles.exact_sums import ExactSums
from suitably.utils.pieces import Pieces, recoded, same, shifted, stacked, texts_of
from suitably.utils.runs import reduce_runs, run_starts
from suitably.utils.stable_order import stable_order

__all__ = ["GroupedSums", "coded", "money_parts"]

_LIMIT = 2**62
_MONEY = (".whole", ".billionths")


@dataclass(frozen=True)
class GroupedSums:
    """Integers added up by user and keys, a row per group, in the order of users and keys.

    It is the state of builders that need more than one number per user. Sums are integers, so that
    a merge of any parts equals what all events give at once.

    Attributes:
        count: How many users there are.
        keys: Arrays (rows,): `users`, int32 positions of users, and whatever else tells groups
            apart: integers, booleans, moments. Keys that are texts are positions in `words`, −1
            for none.
        sums: int64 (rows,), what is added up.
        words: The distinct texts of a key, sorted, by its name.
        beside: What is not per row, such as a field of every product: the later state's counts.
            `doubtful` holds positions of users. A `currency`, text (1,), must be the same in both
            or not said.

    Example:
        >>> users = np.array([0, 1, 0], np.int32)
        >>> state = GroupedSums.of(3, {"users": users, "day": np.array([5, 5, 5])},
        ...                        {"events": np.ones(3, np.int64)})
        >>> state.keys["users"].tolist(), state.sums["events"].tolist(), len(state)
        ([0, 1], [2, 1], 3)
        >>> state.plus(state).sums["events"].tolist()
        [4, 2]
    """

    count: int
    keys: Mapping[str, NDArray[Any]]
    sums: Mapping[str, NDArray[np.int64]]
    words: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    beside: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.count

    @property
    def users(self) -> NDArray[np.int32]:
        """Whose each row is: int32 (rows,), ascending."""
        found: NDArray[np.int32] = self.keys["users"]
        return found

    @property
    def starts(self) -> NDArray[np.int64]:
        """Where the rows of each user begin, and where the last one's end: int64 (users + 1,)."""
        return np.append(0, np.cumsum(np.bincount(self.users, minlength=self.count)))

    @classmethod
    def of(
        cls,
        count: int,
        keys: Mapping[str, NDArray[Any]],
        sums: Mapping[str, NDArray[np.int64]],
        words: Mapping[str, NDArray[np.str_]] | None = None,
        beside: Mapping[str, NDArray[Any]] | None = None,
    ) -> Self:
        """Add up rows that may come in any order."""
        return cls(count, keys, sums, words or {}, beside or {})._reduced()

    def plus(self, later: "GroupedSums") -> Self:
        """Add the sums of a later state.

        Raises:
            DataError: The later state knows fewer users, a sum leaves the exact range, or amounts
                are in several currencies.
        """
        if len(later) < len(self):
            raise DataError(f"{len(later)} users cannot follow {len(self)}: the states are swapped")
        words = {name: np.union1d(self.words[name], later.words[name]) for name in self.words}
        parts = [state._recoded(words) for state in (self, later)]
        keys, sums = (
            {n: np.concatenate([getattr(part, kind)[n] for part in parts]) for n in own}
            for kind, own in (("keys", self.keys), ("sums", self.sums))
        )
        beside = dict(later.beside)
        if "currency" in beside:
            beside["currency"] = np.array(
                [one_currency(*self.beside["currency"], *beside["currency"])]
            )
        return type(self)(later.count, keys, sums, words, beside)._reduced()

    def take(self, rows: NDArray[Any]) -> Self:
        """Return some of the rows, by mask or by ascending positions."""
        if rows.dtype == bool and rows.all():
            return self
        keys, sums = ({n: a[rows] for n, a in arrays.items()} for arrays in (self.keys, self.sums))
        return replace(self, keys=keys, sums=sums)

    def of_users(self, kept: NDArray[np.bool_], per_user: Sequence[str] = ()) -> Self:
        """Return that of some users alone, renumbered; words that none of them has are gone.

        Args:
            kept: bool (users,).
            per_user: What of `beside` has a value per user.
        """
        places = np.cumsum(kept, dtype=np.int32) - 1
        rows = self.take(kept[self.users])
        keys = {**rows.keys, "users": places[rows.users]}
        words = {}
        for name, texts in self.words.items():
            used = np.unique(keys[name][keys[name] >= 0])
            where = np.full(len(texts) + 1, -1, keys[name].dtype)
            where[used] = np.arange(len(used))
            keys[name] = where[keys[name]]
            words[name] = np.array(texts[used].tolist(), np.str_)  # as wide as need be
        beside = dict(self.beside)
        for name in per_user:
            if name in beside:
                beside[name] = beside[name][kept[: len(beside[name])]]
        if "doubtful" in beside:
            beside["doubtful"] = places[beside["doubtful"][kept[beside["doubtful"]]]]
        return replace(rows, count=int(kept.sum()), keys=keys, words=words, beside=beside)

    def repeated(self, user: int, times: int) -> Self:
        """Return the rows of one user, as those of several."""
        start, end = np.searchsorted(self.users, [user, user + 1])
        rows = np.tile(np.arange(start, end), times)
        one = self.take(rows)
        users = np.repeat(np.arange(times, dtype=np.int32), end - start)
        beside = dict(self.beside)
        if "doubtful" in beside:
            beside["doubtful"] = np.arange(times if user in beside["doubtful"] else 0)
        return replace(one, count=times, keys={**one.keys, "users": users}, beside=beside)

    def by(self, *keys: str) -> Self:
        """Return sums by user and some of the keys alone."""
        kept = {name: self.keys[name] for name in ("users", *keys)}
        words = {name: words for name, words in self.words.items() if name in kept}
        return replace(self, keys=kept, words=words)._reduced()

    def latest(self, name: str) -> Self:
        """Join groups that differ in the last key alone, and keep the greatest value of it.

        Args:
            name: The last of the keys.
        """
        others = [_integers(key) for own, key in self.keys.items() if own != name]
        first = run_starts(*others)
        last = np.append(first[1:], len(self.users))[: len(first)] - 1
        keys = {own: key[last] for own, key in self.keys.items()}
        sums = {own: reduce_runs(np.add, values, first) for own, values in self.sums.items()}
        return replace(self, keys=keys, sums=_carried(sums))

    def money(self, name: str) -> NDArray[np.float64]:
        """Return a sum of money that `money_parts` made: float64 (rows,)."""
        whole, billionths = (self.sums[f"{name}{part}"] for part in _MONEY)
        return ExactSums.carrying(whole, billionths).floats()

    def texts(self, name: str) -> pa.Array:
        """Return a key as text, null for none: (rows,)."""
        codes = self.keys[name]
        words = pa.array(self.words[name].tolist(), pa.string())
        return words.take(pa.array(np.maximum(codes, 0), mask=codes < 0))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything as arrays; `order` keeps that of the keys, by which rows are sorted."""
        arrays = {"count": np.array([self.count]), "order": np.array(list(self.keys))}
        for kind in ("keys", "sums", "words", "beside"):
            arrays |= {f"{kind}:{name}": array for name, array in getattr(self, kind).items()}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """Take back what `to_arrays` gave, in whatever order; that of the keys is theirs."""
        parts: dict[str, dict[str, Any]] = {"keys": {}, "sums": {}, "words": {}, "beside": {}}
        for name, array in arrays.items():
            kind, _, own = name.partition(":")
            if own:
                parts[kind][own] = array
        parts["keys"] = {name: parts["keys"][name] for name in map(str, arrays["order"])}
        return cls(int(arrays["count"][0]), **parts)

    @classmethod
    def joined(
        cls, parts: Sequence[Mapping[str, NDArray[Any]]], per_user: Sequence[str] = ()
    ) -> dict[str, NDArray[Any] | Pieces]:
        """Join the states of groups of users, one after the other, as `to_arrays` gave them.

        Args:
            parts: The arrays of each, over the same products.
            per_user: What of `beside` has a value per user.

        Returns:
            The arrays of the state of all users, the long ones in pieces.

        Raises:
            DataError: Amounts are in several currencies.
            ValueError: They are not of one builder.
        """
        counts = [int(part["count"][0]) for part in parts]
        before = np.cumsum([0, *counts]).tolist()
        made: dict[str, NDArray[Any] | Pieces] = {"count": np.array([sum(counts)])}
        for name in parts[0]:
            arrays = [part[name] for part in parts]
            kind, _, own = name.partition(":")
            if name == "keys:users" or name == "beside:doubtful":
                made[name] = shifted(arrays, before)
            elif kind == "words":
                words, places = texts_of(arrays)
                made[name] = words
                codes = [part[f"keys:{own}"] for part in parts]
                made[f"keys:{own}"] = recoded(codes, places)
            elif name == "beside:currency":
                made[name] = np.array([one_currency(*(str(array[0]) for array in arrays))])
            elif kind == "sums" or (kind == "beside" and own in per_user):
                made[name] = stacked(arrays)
            elif kind == "keys":
                made.setdefault(name, stacked(arrays))
            elif name != "count":
                made[name] = same(arrays, name)
        return made

    def _recoded(self, words: Mapping[str, NDArray[np.str_]]) -> "GroupedSums":
        keys = dict(self.keys)
        for name, joint in words.items():
            places = np.append(np.searchsorted(joint, self.words[name]), -1)
            keys[name] = places[keys[name]].astype(keys[name].dtype)
        return replace(self, keys=keys)

    def _reduced(self) -> Self:
        order = _order(list(self.keys.values()))
        keys = {name: key[order] for name, key in self.keys.items()}
        first = run_starts(*(_integers(key) for key in keys.values()))
        sums = {n: _added(a, order, first) for n, a in self.sums.items()}
        return replace(self, keys={n: key[first] for n, key in keys.items()}, sums=_carried(sums))


def coded(array: pa.Array) -> tuple[NDArray[np.int32], NDArray[np.str_]]:
    """Return texts as positions in their distinct values, which are sorted; −1 for null."""
    if pa.types.is_null(array.type) or not len(array):
        return np.full(len(array), -1, np.int32), np.zeros(0, np.str_)
    encoded = array.dictionary_encode()
    named = np.array(encoded.dictionary.to_pylist(), np.str_)
    words, places = np.unique(named, return_inverse=True)
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return np.append(places, -1)[codes].astype(np.int32), words


def money_parts(name: str, values: NDArray[np.float64]) -> dict[str, NDArray[np.int64]]:
    """Return amounts as two columns of `sums`, whole units and billionths; NaN adds nothing.

    Raises:
        DataError: An amount too large to be added exactly.
    """
    sums = ExactSums.each(np.nan_to_num(values, nan=0.0))
    return {f"{name}.whole": sums.whole, f"{name}.billionths": sums.billionths}


def _carried(sums: dict[str, NDArray[np.int64]]) -> dict[str, NDArray[np.int64]]:
    """Return sums of which those of money have less than one unit in billionths."""
    for name in [n.removesuffix(_MONEY[0]) for n in sums if n.endswith(_MONEY[0])]:
        whole, parts = (sums[f"{name}{part}"] for part in _MONEY)
        if len(whole) and np.abs(whole).max() >= _LIMIT:
            raise DataError(f"{name}: a sum of {np.abs(whole).max():g} cannot be added exactly")
        carried = ExactSums.carrying(whole, parts)
        sums |= {f"{name}.whole": carried.whole, f"{name}.billionths": carried.billionths}
    return sums


def _added(numbers: NDArray[np.int64], order: Any, first: NDArray[np.int64]) -> NDArray[np.int64]:
    """Add up the numbers of each run; all are 0 where, say, nobody counts pieces."""
    if not numbers.any():
        return np.zeros(len(first), np.int64)
    return reduce_runs(np.add, numbers[order], first)


def _integers(key: NDArray[Any]) -> NDArray[Any]:
    return key.view(np.int64) if key.dtype.kind in "mM" else key


def _order(keys: list[NDArray[Any]]) -> NDArray[np.int64] | slice:
    """Return the order by all keys: as few sorts as there are numbers that the keys fit into.

    Rows mostly come in order of time: the sort is stable, so last keys that are in order are left
    out.
    """
    columns = [_integers(key) for key in keys]
    columns = columns[: len(columns) - _in_order(columns)]
    rows = len(keys[0])
    if not columns:
        return slice(None)
    joint, room = [np.zeros(rows, np.int64)], 1
    for column in columns:
        low = int(column.min())
        width = int(column.max()) - low + 1
        if width < _LIMIT:
            column = column.astype(np.int64) - low
        if room * width < _LIMIT:
            joint[-1] = joint[-1] * width + column
            room *= width
        else:
            joint.append(column)
            room = width
    order = stable_order(joint.pop())
    for numbers in reversed(joint):
        order = order[stable_order(numbers[order])]
    return order


def _in_order(columns: list[NDArray[Any]]) -> int:
    """Return by how many of the last columns the rows are in order already."""
    found, rising = 0, np.ones(max(len(columns[0]) - 1, 0), bool)
    for number, column in enumerate(reversed(columns), start=1):
        rising &= column[1:] == column[:-1]
        rising |= column[1:] > column[:-1]
        if rising.all():
            found = number
    return found
