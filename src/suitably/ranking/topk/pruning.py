"""Exact pruning: products in the order of their vectors' lengths, as far as they can matter.

By Cauchy and Schwarz no product scores above its length times the user's. So the lists are drawn
up over the products with the longest vectors alone, and whoever's last score is above what the
first product left out could reach has the final list. Others are asked about more, as many as
that bound says for their last score. Where it says half the catalogue, as for vectors of one
length, everything is multiplied: what was tried before is a few hundredths of that.

Source:
    Teflioudi, Gemulla and Mykytiuk, "LEMP: Fast Retrieval of Large Entries in a Matrix Product",
    SIGMOD 2015, on buckets by length; Abuzaid, Sethi, Bailis and Zaharia, "To Index or Not to
    Index: Optimizing Exact Maximum Inner Product Search", ICDE 2019, on choosing by a sample.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from suitably.ranking.topk.lists import Lists
from suitably.ranking.topk.rounding import LARGE, lengths
from suitably.utils import bitset
from suitably.utils.bitset import BitRows

__all__ = ["NormOrder", "least", "prune"]

Rows = NDArray[np.int64]
_LEAST = 2**14  # products; of fewer, all are multiplied
_LEAST_ALONE = 2**18  # products, for few users
_FEW = 32  # users
_FIRST = 2**10  # products to begin with, at most
_SHARE = 64  # of how many, one to begin with
_DEPTHS = 8  # at least so many times a list's depth
_FURTHER = 8  # at most so many times more at a time
_TRIED = 1 / 128  # of all, on the chance that scores get better than they look
_WORTH = 1 / 2  # of all, beyond which all are multiplied


@dataclass(frozen=True)
class NormOrder:
    """Products by the lengths of their vectors.

    It takes 12 bytes a product, and about as long to make as the scores of fifty users.

    Attributes:
        products: int32 (products,), the longest first.
        ascending: float64 (products,), bounds of the lengths from above, the shortest first.
    """

    products: NDArray[np.int32]
    ascending: NDArray[np.float64]

    @staticmethod
    def of(vectors: NDArray[Any]) -> "NormOrder | None":
        """Order vectors (products, factors); None if there are few, or a length has no bound."""
        if len(vectors) < _LEAST:
            return None
        found = lengths(vectors)
        if not np.isfinite(found).all():
            return None
        order = np.argsort(-found, kind="stable")
        return NormOrder(order.astype(np.int32), found[order[::-1]])

    @property
    def longest(self) -> float:
        """No product's vector is longer."""
        return float(self.ascending[-1])

    def first(self, size: int, among: BitRows, whole: bool) -> Rows:
        """Return which of the longest so many are among some, ascending.

        Args:
            size: How many, before the others are left out.
            among: Words (products / 64).
            whole: Whether all products are.
        """
        head = self.products[:size].astype(np.int64)
        if not whole:
            head = head[bitset.has(among[None], np.zeros(1, np.int64), head)]
        head.sort()
        return head

    def reach(self, scores: NDArray[np.float64], users: NDArray[np.float64]) -> Rows:
        """Return how many of the longest might score as much for a user; all for 0 and below.

        Args:
            scores: (users,).
            users: The lengths of their vectors, from above.
        """
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            least = np.where(scores > 0, scores / users * (1 - 1e-9), 0.0)
        places: Rows = len(self.ascending) - np.searchsorted(self.ascending, least)
        return places


class Source(Protocol):
    """Scores of users over products, some of each at a time."""

    products: int

    def user_lengths(self) -> NDArray[np.float64]:
        """Bound the lengths of the users' vectors from above."""
        ...

    def select(self, rows: Rows, words: BitRows, columns: Rows, lists: Lists) -> None:
        """Draw up the lists of some users over some products."""
        ...


def prune(source: Source, order: NormOrder, words: BitRows, lists: Lists) -> Rows:
    """Draw up the lists of those users whose best can be told from the longest vectors.

    Args:
        source: The scores.
        order: Its products by length.
        words: Words (users, products / 64), who may be offered what.
        lists: Written to.

    Returns:
        int64, the users that are left: of these all products are to be multiplied.
    """
    users = source.user_lengths()
    sound = users * order.longest < LARGE
    left = [np.flatnonzero(~sound)]
    among = np.bitwise_or.reduce(words, axis=0)
    several = bitset.count(among[None])
    if several < least(len(words)) or not sound.any():
        return np.arange(len(words))
    first = max(_DEPTHS * lists.depth, min(_FIRST, several // _SHARE))
    todo = [(first * source.products // several, np.flatnonzero(sound))]
    while todo:
        size, rows = todo.pop()
        if size > _WORTH * source.products:
            left.append(rows)
            continue
        columns = order.first(size, among, several == source.products)
        found = Lists.empty(len(rows), lists.depth)
        source.select(rows, words, columns, found)
        last = np.where(found.lengths == found.depth, found.scores[:, -1], -np.inf)
        reach = order.reach(last.astype(np.float64), users[rows])
        done = reach <= size
        lists.put(rows[done], Lists(found.products[done], found.scores[done], found.lengths[done]))
        rows, more = rows[~done], _next(size, reach[~done], source.products)
        left.append(rows[more == 0])
        todo += [(one, rows[more == one]) for one in np.unique(more[more > 0]).tolist()]
    return np.sort(np.concatenate(left))


def _next(size: int, reach: Rows, products: int) -> Rows:
    """Return how many products to go through next for users who need more; 0 for all of them."""
    steps = np.minimum(np.ceil(np.log2(reach / size)), np.log2(_FURTHER))
    hopeless = (reach > _WORTH * products) & (_FURTHER * size > _TRIED * products)
    return np.where(hopeless, 0, size * 2 ** steps.astype(np.int64))


def least(users: int) -> int:
    """Return of how many products pruning is worth a try, for so many users."""
    return _LEAST if users > _FEW else _LEAST_ALONE
