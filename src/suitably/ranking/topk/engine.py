"""The one top-k engine: exact, over what a user may be offered and does not own.

A float32 product rounds with the shape of the block, so it only draws up a short list, with a
margin for its error. The final score is a float64 sum in factor order without BLAS, rounded to
float32: the same for any batch, order of users and number of threads. Order: score, then the
product's place in the catalogue.

Users come in blocks of like eligibility: a tile of them multiplies only the columns that one of
them may be offered, small enough for its scores to stay in a core's cache until they are selected.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.util import find_spec
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.errors import DataError
from suitably.ranking.protocol import Factors, Scorer, Scores
from suitably.ranking.topk.lists import Lists
from suitably.ranking.topk.pruning import NormOrder, least, prune
from suitably.ranking.topk.rounding import lengths, longest, margins
from suitably.ranking.topk.select import GROUP, exact, ordered, short_list
from suitably.utils import bitset
from suitably.utils.bitset import BitRows

__all__ = ["check_factors", "compiled", "compiled_singles", "top_k"]

_FEW = 4
_WORTH_GATHERING = 6  # a gathered product costs about as much as so many in a row
_CELLS = 2**18
_WORTH_COMPILING = 2**9
_TOGETHER = 2**9  # users whose products are pruned at a time
_WORTH_ORDERING = 2**6  # users, for whom alone products are put in order


def top_k(scorer: Scorer, allowed: BitRows, k: int) -> Lists:
    """Return each user's best allowed products.

    Args:
        scorer: Scores of the block's users over the products.
        allowed: Words (users, products / 64): eligible, not owned, known to the ranker.
        k: The most products in a list; fewer is a legitimate answer.

    Returns:
        Lists whose product codes are bits of `allowed`.

    Raises:
        DataError: A score that is asked for is not finite.
    """
    source = _Factored(scorer) if isinstance(scorer, Factors) else _Scored(scorer)
    lists = Lists.empty(len(allowed), min(k, source.products))
    if lists.depth:
        with np.errstate(over="ignore", invalid="ignore"):
            _draw_up(source, allowed, lists)
    return lists


def _draw_up(source: "_Factored | _Scored", allowed: BitRows, lists: Lists) -> None:
    """Put the best of each user into lists: over few products where those do, else over all."""
    if isinstance(source, _Scored) or (order := source.order(len(allowed))) is None:
        _draw_over_all(source, allowed, lists)
        return
    for start in range(0, len(allowed), _TOGETHER):
        rows = slice(start, start + _TOGETHER)
        some = source if len(allowed) <= _TOGETHER else source.of(rows)
        words, into = allowed[rows], lists.rows(rows)
        left = prune(some, order, words, into)
        if len(left) == len(words):
            _draw_over_all(some, words, into)
        elif len(left):
            rest = Lists.empty(len(left), lists.depth)
            _draw_over_all(some.of(left), words[left], rest)
            into.put(left, rest)


def _draw_over_all(source: "_Factored | _Scored", allowed: BitRows, lists: Lists) -> None:
    """Put the best of each user into lists, tile by tile."""
    whole = source.whole(allowed)
    if whole is not None:
        whole.select(lists.products, lists.scores, lists.lengths)
        return
    start = 0
    while start < len(allowed):
        rows = slice(start, start + _size(bitset.count(allowed[start])))
        words = allowed[rows]
        columns = bitset.members(np.bitwise_or.reduce(words, axis=0), source.products)
        if len(columns):
            into = (lists.products[rows], lists.scores[rows], lists.lengths[rows])
            source.tile(rows, words, columns).select(*into)
        start = rows.stop


def check_factors(name: str, *arrays: NDArray[np.floating]) -> None:
    """Refuse NaN and infinite numbers in what a ranker has learned.

    Raises:
        DataError: There are some; they would corrupt everybody's order.
    """
    for array in arrays:
        bad = int(array.size - np.isfinite(array).sum())
        if bad:
            raise DataError(f"{name}: {bad} of {array.size} learned numbers are not finite")


@dataclass(frozen=True)
class _Tile:
    """Some users and the products that one of them may be offered.

    Attributes:
        words: Words (users, products / 64), who may be offered what.
        columns: int64 (places,), the products.
        rough: float32 (users, places), the scores, nearly.
        margin: float32 (users, 1), how far two of them may be off together; infinite: no telling.
        finite: Whether every margin is finite.
        users: (users, factors); no factors where the rough scores are the scores.
        factors: (places, factors).
    """

    words: BitRows
    columns: NDArray[np.int64]
    rough: NDArray[np.float32]
    margin: NDArray[np.float32]
    finite: bool
    users: NDArray[Any]
    factors: NDArray[Any]

    def select(self, products: NDArray[Any], scores: NDArray[Any], lengths: NDArray[Any]) -> None:
        """Put the best of each user into lists."""
        depth = products.shape[1]
        if not len(self.columns):
            return
        loop = compiled() if self.rough.size >= _WORTH_COMPILING else None
        if loop is not None and self.finite:
            loop(
                *(self.rough, self.margin, self.columns, self.words, self.users, self.factors),
                *(self._reach(depth), products, scores, lengths),
            )
            return
        if not self.finite:
            depth = len(self.columns)
        rows, places = short_list(self.rough, self.margin, self.words, self.columns, depth)
        found = self._exact(rows, places)
        if not (self.finite or np.isfinite(found).all()):
            raise DataError("the ranker's scores are not all finite: they cannot be ordered")
        ordered(rows, self.columns[places], found, (products, scores, lengths))

    def _reach(self, depth: int) -> int:
        """Guess how many groups of places the best of a user are in: more if fewer are allowed."""
        users, places = self.rough.shape
        groups: int = places // GROUP
        wanted = 1.25 * depth / max(1.0, bitset.count(self.words) / users)
        hit = 1 - (1 - min(1.0, wanted)) ** GROUP  # one group may hold several of a long list
        return min(2 + int(hit * groups), groups)

    def _exact(self, rows: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.float32]:
        if not self.users.shape[1]:
            return self.rough[rows, places]
        return exact(self.users, self.factors, rows, places)


class _Factored:
    """Tiles of scores that are products of factors."""

    def __init__(self, scorer: Factors) -> None:
        narrow = scorer.users.dtype == scorer.products.dtype == np.float32
        kind = np.float32 if narrow else np.float64
        self._users = np.asarray(scorer.users, kind)
        self._factors = np.asarray(scorer.products, kind)
        self._known = scorer.longest
        self._order = scorer.order
        self._gathered: tuple[NDArray[np.int64], NDArray[Any], float] | None = None
        self.products = len(self._factors)

    def order(self, users: int) -> NormOrder | None:
        """Return the products by length, if so many users are worth it and lengths have bounds."""
        if self.products < least(users):
            return None
        if self._order is None and users >= _WORTH_ORDERING:
            self._order = NormOrder.of(self._factors)
        return self._order

    def of(self, rows: slice | NDArray[np.int64]) -> "_Factored":
        """Return the scores of some of the users."""
        some = copy(self)
        some._users = self._users[rows]
        return some

    def user_lengths(self) -> NDArray[np.float64]:
        """Bound the lengths of the users' vectors from above."""
        return lengths(self._users)

    def select(
        self, rows: NDArray[np.int64], words: BitRows, columns: NDArray[np.int64], lists: Lists
    ) -> None:
        """Draw up the lists of some users over some products."""
        step = _size(len(columns))
        for start in range(0, len(rows), step):
            part = slice(start, start + step)
            into = (lists.products[part], lists.scores[part], lists.lengths[part])
            mine: slice | NDArray[np.int64] = rows[part]
            if len(rows) == len(words):  # all of them, whose words need no copy
                mine = part
            self.tile(mine, words[mine], columns).select(*into)

    def tile(
        self, rows: slice | NDArray[np.int64], words: BitRows, columns: NDArray[np.int64]
    ) -> _Tile:
        """Multiply some users by some products."""
        made = self._gathered
        if made is None or not np.array_equal(columns, made[0]):
            gathered = self._factors.take(columns, axis=0)
            self._gathered = made = columns, gathered, longest(gathered)
        return self._multiplied(rows, words, *made)

    def whole(self, words: BitRows) -> _Tile | None:
        """Multiply few users by all products, unless there are so few that gathering is cheaper."""
        if len(words) > _FEW or self._known is None or not isfinite(self._known):
            return None
        rows = slice(0, len(words))
        if len(words) == 1 and bitset.count(words) * _WORTH_GATHERING < self.products:
            columns = bitset.members(words[0], self.products)
            gathered = self._factors.take(columns, axis=0)
            return self._multiplied(rows, words, columns, gathered, self._known)
        return self._multiplied(rows, words, _every(self.products), self._factors, self._known)

    def _multiplied(
        self,
        rows: slice | NDArray[np.int64],
        words: BitRows,
        columns: NDArray[np.int64],
        factors: NDArray[Any],
        longest: float,
    ) -> _Tile:
        users = np.array(self._users[rows])
        left = users.astype(np.float32, copy=False)
        right = factors.astype(np.float32, copy=False)
        rough = left @ right.T
        margin, finite = margins(users, longest)
        return _Tile(words, columns, rough, margin, finite, users, factors)


class _Scored:
    """Tiles of scores that are given."""

    def __init__(self, scorer: Scores) -> None:
        self._block = np.asarray(scorer.block)
        self.products = self._block.shape[1]

    def tile(self, rows: slice, words: BitRows, columns: NDArray[np.int64]) -> _Tile:
        """Take the scores of some users and products."""
        scores = self._block[rows]
        if len(columns) < self.products:
            scores = scores.take(columns, axis=1)
        scores = np.ascontiguousarray(scores, np.float32)
        finite = np.isfinite(scores)
        margin = np.zeros((len(scores), 1), np.float32)
        if not finite.all():
            margin[~(finite | ~bitset.unpack(words, self.products)[:, columns]).all(axis=1)] = (
                np.inf
            )
            scores = scores.copy()
            scores[~finite & np.isfinite(margin)] = -np.inf
        none = np.zeros((len(scores), 0), np.float32), np.zeros((len(columns), 0), np.float32)
        return _Tile(words, columns, scores, margin, bool(np.isfinite(margin).all()), *none)

    def whole(self, words: BitRows) -> None:
        """Scores are given: there is nothing to multiply."""


def _size(products: int) -> int:
    """Return a number of users whose scores of so many products stay in the cache."""
    return max(32, min(512, _CELLS // max(1, products)))


@lru_cache(maxsize=4)
def _every(products: int) -> NDArray[np.int64]:
    """Return the columns of a whole catalogue, which nobody writes to."""
    return np.arange(products)


@cache
def compiled() -> Callable[..., None] | None:
    """Return the compiled loop (extra `fast`), None without numba."""
    if find_spec("numba") is None:
        return None
    from suitably.ranking.topk.select_compiled import draw

    loop: Callable[..., None] = draw
    return loop


@cache
def compiled_singles() -> tuple[Callable[..., bool], Callable[..., bool]] | None:
    """Return the loops for one user, by factors and by scores; None without numba."""
    if compiled() is None:
        return None
    from suitably.ranking.topk.select_compiled import draw_one, draw_scored

    return draw_one, draw_scored
