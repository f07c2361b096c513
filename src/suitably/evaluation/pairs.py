"""Pairs of users and products as codes, and which pairs of one set are in another."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from suitably.data.vocabulary import Vocabulary
from suitably.errors import DataError

__all__ = ["Pairs", "refuse", "refuse_repeated"]

_EXAMPLES = 3
_CELLS = 1 << 22  # bytes of the table that marks the pairs of a block of users


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
    users: NDArray[np.int64]
    products: NDArray[np.int64]

    def among(self, others: "Pairs") -> NDArray[np.bool_]:
        """Return which of the pairs are among others: bool (n,)."""
        rows = self.user_ids.codes(others.user_ids.values)[others.users].astype(np.int64)
        codes = self.product_ids.codes(others.product_ids.values).astype(np.int64)
        columns = codes[others.products]
        there = (rows >= 0) & (columns >= 0)
        if not there.all():
            rows, columns = rows[there], columns[there]
        return _member(
            self.users, self.products, rows, columns, len(self.user_ids), len(self.product_ids)
        )

    def sums(self, others: "Pairs", amounts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the amounts of others that are of each of the pairs, summed: float64 (n,)."""
        rows = self.user_ids.codes(others.user_ids.values)[others.users].astype(np.int64)
        columns = self.product_ids.codes(others.product_ids.values)[others.products]
        there = (rows >= 0) & (columns >= 0)
        width = max(len(self.product_ids), 1)
        keys, places = np.unique(rows[there] * width + columns[there], return_inverse=True)
        totals = np.append(np.bincount(places, amounts[there], minlength=len(keys)), 0.0)
        wanted = self.users * width + self.products
        found = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
        known = keys[found] == wanted if len(keys) else np.zeros(len(wanted), bool)
        return np.where(known, totals[found], 0.0)


def _member(
    users: NDArray[np.int64],
    products: NDArray[np.int64],
    other_users: NDArray[np.int64],
    other_products: NDArray[np.int64],
    height: int,
    width: int,
) -> NDArray[np.bool_]:
    """Look pairs up in a table of others, a block of users at a time, so that it stays in cache."""
    found = np.zeros(len(users), bool)
    users, products, order = _by_user(users, products)
    other_users, other_products, _ = _by_user(other_users, other_products)
    per_block = max(_CELLS // max(width, 1), 1)
    starts = np.arange(0, height + per_block, per_block)
    ends, other_ends = np.searchsorted(users, starts), np.searchsorted(other_users, starts)
    table = np.zeros(min(per_block, height) * width, bool)
    ours, theirs = pairwise(ends.tolist()), pairwise(other_ends.tolist())
    for start, (first, last), (low, high) in zip(starts.tolist(), ours, theirs, strict=False):
        if first == last or low == high:
            continue
        marked = (other_users[low:high] - start) * width + other_products[low:high]
        table[marked] = True
        found[first:last] = table[(users[first:last] - start) * width + products[first:last]]
        table[marked] = False
    if order is None:
        return found
    out = np.empty(len(found), bool)
    out[order] = found
    return out


def _by_user(
    users: NDArray[np.int64], products: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64] | None]:
    """Return pairs in the order of users, and that order; None where they have it already."""
    if (users[1:] >= users[:-1]).all():
        return users, products, None
    order = np.argsort(users, kind="stable")
    return users[order], products[order], order


def refuse_repeated(users: NDArray[np.int64], others: NDArray[np.int64], problem: str) -> None:
    """Refuse pairs of numbers that occur twice: DataError, with the rows."""
    order = np.lexsort((others, users))
    same = (np.diff(users[order]) == 0) & (np.diff(others[order]) == 0)
    bad = np.zeros(len(users), dtype=bool)
    bad[order[1:][same]] = True
    refuse(bad, problem)


def refuse(bad: NDArray[np.bool_], problem: str) -> None:
    """Refuse rows that are bad: DataError, with how many there are and the first of them."""
    rows = np.flatnonzero(bad)
    if len(rows):
        shown = ", ".join(str(row) for row in rows[:_EXAMPLES])
        raise DataError(f"{problem}: {len(rows)} of {len(bad)} rows (rows {shown})")
