"""From a moment to lists: eligibility, ownership, scores, order, and the last check."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.frames import take_rows
from suitably.errors import SuitabilityWarning, SuitablyError
from suitably.fitted import Fitted, Moment
from suitably.ranking.lists import Lists
from suitably.ranking.protocol import Factors, Ranker, Scorer, Scores
from suitably.ranking.topk import top_k
from suitably.reranking.protocol import RerankContext, Reranker
from suitably.suitability import bits

__all__ = ["Drawer", "Drawn"]

_CELLS = 2**22
_POOL = 5


@dataclass(frozen=True)
class Drawn:
    """Lists, and what happened to them on the way.

    Attributes:
        lists: For the users asked, in their order; codes are positions in the catalogue.
        reranked: int64 (users,), products that rerankers dropped.
        refused: int64 (users,), products that a reranker added or repeated, and that were dropped.
    """

    lists: Lists
    reranked: NDArray[np.int64]
    refused: NDArray[np.int64]


@dataclass(frozen=True)
class Drawer:
    """Draws up lists as of a moment.

    Attributes:
        fitted: What the pipeline holds.
        moment: How it looks as of the moment.
        ranker: The fitted ranker.
        rerankers: In their order.
        k: The most products in a list.
        exclude_owned: Whether owned products are left out.
        candidates: bool (catalogue,), what the caller narrows the catalogue to.
    """

    fitted: Fitted
    moment: Moment
    ranker: Ranker
    rerankers: Sequence[Reranker]
    k: int
    exclude_owned: bool
    candidates: NDArray[np.bool_]

    def draw(self, rows: NDArray[np.int64]) -> Drawn:
        """Draw up the lists of users by position; −1 stands for an unknown user.

        Warns:
            SuitabilityWarning: A reranker tried to add.
        """
        depth = min(self.k, len(self.candidates))
        lists = Lists.empty(len(rows), depth)
        reranked, refused = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
        asked = np.flatnonzero(rows >= 0)
        size = max(1, min(4096, _CELLS // max(1, len(self.candidates))))
        if len(asked) > size:
            asked = asked[np.argsort(self.moment.places[rows[asked]], kind="stable")]
        for start in range(0, len(asked), size):
            block = asked[start : start + size]
            drawn = self._block(rows[block])
            width = drawn.lists.depth
            lists.products[block, :width] = drawn.lists.products
            lists.scores[block, :width] = drawn.lists.scores
            lists.lengths[block] = drawn.lists.lengths
            reranked[block], refused[block] = drawn.reranked, drawn.refused
        if refused.any():
            warnings.warn(
                f"rerankers added or repeated {int(refused.sum())} products that were not in the "
                f"lists they were given; they were dropped",
                SuitabilityWarning,
                stacklevel=3,
            )
        return Drawn(lists, reranked, refused)

    def allowed(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Give who may be offered what: bool (users, catalogue), before any score."""
        words = self.moment.eligibility.bits(rows)
        allowed = bits.unpack(words, len(self.candidates)) & self.candidates
        if self.exclude_owned:
            allowed[self.owned(rows)] = False
        return allowed

    def owned(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give the owned pairs of some users, as places in the block and in the catalogue."""
        owned = self.fitted.owned
        starts, ends = owned.indptr[rows].astype(np.int64), owned.indptr[rows + 1].astype(np.int64)
        lengths = ends - starts
        offsets = np.repeat(starts - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
        products = owned.indices[offsets + np.arange(lengths.sum())]
        return np.repeat(np.arange(len(rows)), lengths), products

    def scorable(self, rows: NDArray[np.int64], scorer: Scorer) -> NDArray[np.bool_]:
        """Give the pairs that the ranker knows something about: bool (users, catalogue)."""
        users: NDArray[np.bool_] = np.asarray(
            self.ranker.can_score(self.fitted.users.values[rows]), bool
        )
        products = np.ones(len(self.candidates), bool) if scorer.known is None else scorer.known
        return users[:, None] & products[None, :]

    def scorer(self, rows: NDArray[np.int64]) -> Scorer:
        """Ask the ranker, and put its products in the catalogue's order."""
        scorer = self.ranker.scorer(self.fitted.users.values[rows])
        catalogue = self.fitted.catalogue
        known = None if scorer.known is None else np.asarray(scorer.known, bool)[catalogue]
        if isinstance(scorer, Factors):
            _check_shape(self.ranker, scorer.products.shape[0], len(self.fitted.products))
            _check_shape(self.ranker, scorer.users.shape[0], len(rows))
            return Factors(scorer.users, scorer.products[catalogue], known)
        _check_shape(self.ranker, scorer.block.shape[1], len(self.fitted.products))
        _check_shape(self.ranker, scorer.block.shape[0], len(rows))
        return Scores(scorer.block[:, catalogue], known)

    def _block(self, rows: NDArray[np.int64]) -> Drawn:
        allowed = self.allowed(rows)
        scorer = self.scorer(rows)
        allowed &= self.scorable(rows, scorer)
        depth = self.k if not self.rerankers else self.k * _POOL
        ranked = lists = top_k(scorer, allowed, depth)
        refused = np.zeros(len(rows), np.int64)
        if self.rerankers:
            context = self._context(rows)
            for reranker in self.rerankers:
                back = reranker.rerank(lists.copy(), context, self.k)
                lists, added = _only_from(lists, back, min(self.k, len(self.candidates)))
                refused += added
        lists, ineligible = _last_check(lists, allowed)
        reranked = np.where(lists.lengths < self.k, ranked.lengths - lists.lengths, 0)
        if not self.rerankers:
            reranked = np.zeros(len(rows), np.int64)
        return Drawn(lists, reranked, refused + ineligible)

    def _context(self, rows: NDArray[np.int64]) -> RerankContext:
        take = pa.array(rows)
        fields = self.fitted.user_fields
        for name in self.moment.profiles.column_names:
            if name in fields.column_names:
                fields = fields.drop_columns([name])
            fields = fields.append_column(name, self.moment.profiles[name])
        return RerankContext(
            user_ids=self.fitted.users.values[rows],
            user_fields=take_rows(fields, take),
            product_ids=self.fitted.shelf.values,
            product_fields=self.fitted.product_fields,
        )


def _only_from(given: Lists, back: Lists, depth: int) -> tuple[Lists, NDArray[np.int64]]:
    """Keep of a reranker's lists what it was given, each once, up to a depth; count the rest."""
    if back.products.shape[0] != len(given.products):
        raise SuitablyError(
            f"a reranker was given {len(given.products)} lists and gave back {len(back.products)}"
        )
    users = np.arange(len(given.products), dtype=np.int64)[:, None]
    span = int(max(given.products.max(initial=0), back.products.max(initial=0))) + 2
    offered = (users * span + given.products)[given.filled]
    keys = users * span + back.products
    fresh = np.zeros(back.products.shape, bool)
    filled = back.filled & (back.products >= 0)
    _, first = np.unique(np.where(filled, keys, -1).ravel(), return_index=True)
    fresh.ravel()[first] = True
    mine = filled & fresh & np.isin(keys, offered)
    return back.keep(mine, depth), (filled & ~mine).sum(axis=1)


def _last_check(lists: Lists, allowed: NDArray[np.bool_]) -> tuple[Lists, NDArray[np.int64]]:
    """Hold the final lists against the mask, last of all."""
    users = np.arange(len(allowed))[:, None]
    legal = allowed[users, np.maximum(lists.products, 0)] if lists.depth else lists.filled
    wrong = lists.filled & ~legal
    if not wrong.any():
        return lists, np.zeros(len(allowed), np.int64)
    return lists.keep(legal, lists.depth), wrong.sum(axis=1)


def _check_shape(ranker: Any, given: int, wanted: int) -> None:
    if given != wanted:
        raise SuitablyError(
            f"{type(ranker).__name__}: gave scores for {given} where {wanted} were asked"
        )
