"""Pairs of users and products as codes, and which pairs of one set are in another."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.vocabulary import Vocabulary, same_ids
from suitably.errors import DataError

__all__ = ["Pairs", "refuse", "refuse_other_ids", "refuse_repeated", "repeated"]

_EXAMPLES = 3
_CELLS = 1 << 20  # of a table of pairs, for a block of users at a time, so that it stays in cache

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Pairs:
    """Pairs of users and products.

    Attributes:
        user_ids: The users, each once.
        product_ids: The distinct products.
        users: int64 (n,), positions in `user_ids`.
        products: int64 (n,), positions in `product_ids`.
    """

    user_ids: Vocabulary
    product_ids: Vocabulary
    users: Codes
    products: Codes

    def ids(self) -> tuple[pa.Array, pa.Array]:
        """Return the external ids of every pair: users, products."""
        users = self.user_ids.array.take(pa.array(self.users))
        return users, self.product_ids.array.take(pa.array(self.products))

    def among(self, others: "Pairs") -> NDArray[np.bool_]:
        """Return which of the pairs are among others: bool (n,)."""
        rows, columns, _ = self._coded(others)
        height, width = len(self.user_ids), len(self.product_ids)
        users, products, order = _by_user(self.users, self.products)
        rows, columns, _ = _by_user(rows, columns)
        found = np.zeros(len(users), bool)
        table = np.zeros(min(_per_block(width), height) * width, bool)
        for first, mine, theirs in _blocks(height, width, users, rows):
            marked = (rows[theirs] - first) * width + columns[theirs]
            table[marked] = True
            found[mine] = table[(users[mine] - first) * width + products[mine]]
            table[marked] = False
        if order is None:
            return found
        out = np.empty(len(found), bool)
        out[order] = found
        return out

    def sums(self, others: "Pairs", amounts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the amounts of others that are of each of the pairs, summed: float64 (n,)."""
        rows, columns, there = self._coded(others)
        width = max(len(self.product_ids), 1)
        keys, places = np.unique(rows * width + columns, return_inverse=True)
        totals = np.append(np.bincount(places, amounts[there], minlength=len(keys)), 0.0)
        wanted = self.users * width + self.products
        found = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
        known = keys[found] == wanted if len(keys) else np.zeros(len(wanted), bool)
        return np.where(known, totals[found], 0.0)

    def _coded(self, others: "Pairs") -> tuple[Codes, Codes, slice | NDArray[np.bool_]]:
        """Return others in these codes, and which of them are of known users and products."""
        refuse_other_ids(self.user_ids, others.user_ids, "users")
        refuse_other_ids(self.product_ids, others.product_ids, "products")
        rows = self.user_ids.codes(others.user_ids.array).astype(np.int64)[others.users]
        columns = self.product_ids.codes(others.product_ids.array).astype(np.int64)[others.products]
        there = (rows >= 0) & (columns >= 0)
        if there.all():
            return rows, columns, slice(None)
        return rows[there], columns[there], there


def refuse_other_ids(ours: Vocabulary, theirs: Vocabulary, side: str) -> None:
    """Refuse ids of another type, which no look-up would find: DataError."""
    one, other = ours.array.type, theirs.array.type
    if len(ours) and len(theirs) and not same_ids(one, other):
        raise DataError(f"{side} have {one} ids in one place and {other} in another: use one type")


def refuse_repeated(pairs: Pairs, problem: str) -> None:
    """Refuse pairs that occur twice: DataError, with the rows."""
    if _has_repeated(pairs):
        refuse(repeated(pairs.users, pairs.products), problem)


def repeated(users: Codes, others: Codes) -> NDArray[np.bool_]:
    """Return which rows have the two numbers of an earlier one: bool (n,)."""
    order = np.lexsort((others, users))
    same = (np.diff(users[order]) == 0) & (np.diff(others[order]) == 0)
    bad = np.zeros(len(users), dtype=bool)
    bad[order[1:][same]] = True
    return bad


def _has_repeated(pairs: Pairs) -> bool:
    width = max(len(pairs.product_ids), 1)
    keys = np.sort(pairs.users * width + pairs.products)
    return bool((keys[1:] == keys[:-1]).any())


def refuse(bad: NDArray[np.bool_], problem: str) -> None:
    """Refuse rows that are bad: DataError, with how many there are and the first of them."""
    rows = np.flatnonzero(bad)
    if len(rows):
        shown = ", ".join(str(row) for row in rows[:_EXAMPLES])
        raise DataError(f"{problem}: {len(rows)} of {len(bad)} rows (rows {shown})")


def _per_block(width: int) -> int:
    return max(_CELLS // max(width, 1), 1)


def _blocks(
    height: int, width: int, ours: Codes, theirs: Codes
) -> Iterator[tuple[int, slice, slice]]:
    """Yield blocks of users that both have: the first user, and the rows of each."""
    starts = np.arange(0, height + _per_block(width), _per_block(width))
    bounds = [np.searchsorted(users, starts).tolist() for users in (ours, theirs)]
    for first, mine, other in zip(starts.tolist(), *map(pairwise, bounds), strict=False):
        if mine[0] < mine[1] and other[0] < other[1]:
            yield first, slice(*mine), slice(*other)


def _by_user(users: Codes, products: Codes) -> tuple[Codes, Codes, Codes | None]:
    """Return pairs in the order of users, and that order; None where they have it already."""
    if (users[1:] >= users[:-1]).all():
        return users, products, None
    order = np.argsort(users, kind="stable")
    return users[order], products[order], order
