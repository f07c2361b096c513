"""Catalogue scores: what a fitted ranker says of users, in the catalogue's order."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.errors import SuitablyError
from suitably.model.state import FittedState
from suitably.ranking.protocol import (
    AskedUsers,
    Factors,
    Ranker,
    Scorer,
    Scores,
    can_score,
    score,
    works_on_rows,
)
from suitably.ranking.topk.engine import compiled
from suitably.ranking.topk.pruning import NormOrder
from suitably.ranking.topk.rounding import longest
from suitably.ranking.topk.single import best_of_one, by_factor
from suitably.utils import bitset
from suitably.utils.bitset import BitRows

__all__ = ["CatalogueScorer"]

_CELLS = 2**23  # of users and products, scored at once


@dataclass(frozen=True)
class _CatalogueFactors:
    """What was made of a ranker's products, and of which."""

    source: tuple[Any, Any]
    products: NDArray[Any]
    known: BitRows
    longest: float
    order: NormOrder | None
    by_factor: NDArray[np.float64] | None


class CatalogueScorer:
    """Asks a fitted ranker for scores over the catalogue; it knows none that came after its axis.

    Vectors of products do not depend on who is asked about: what is made of them is kept for as
    long as the ranker gives the same arrays.

    Args:
        ranker: The fitted ranker.
        state: What the model holds.
    """

    def __init__(self, ranker: Ranker, state: FittedState) -> None:
        self.ranker = ranker
        self._state = state
        self._factors: _CatalogueFactors | None = None
        self._known: BitRows | None = None
        self._packed_of: tuple[Any, BitRows] = (None, bitset.NOTHING)
        self._able: NDArray[np.bool_] | None = None

    def prepare(self) -> None:
        """Find out once whom the ranker has anything to go by for: a byte for each user.

        The loop that selects is compiled too, where it can be.
        """
        if compiled() is not None and len(self._state.users) and len(self._state.positions):
            scorer, words = self.scores(AskedUsers(self._state.users.ids, np.zeros(1, np.int64)))
            best_of_one(scorer, bitset.number(words[0]), words.shape[1] * 8, 1)
        if self._able is None and works_on_rows(type(self.ranker)):
            users, step = self._state.users.ids, 2**16
            rows = (np.arange(at, min(at + step, len(users))) for at in range(0, len(users), step))
            parts = [can_score(self.ranker, AskedUsers(users, some)) for some in rows]
            self._able = np.concatenate([np.zeros(0, bool), *parts])

    def can_score(self, users: AskedUsers) -> NDArray[np.bool_]:
        """Return for which users the ranker has anything to go by: bool (users,)."""
        if self._able is not None and len(users.rows) == 1 and (row := users.rows.item()) >= 0:
            return self._able[row : row + 1]
        return can_score(self.ranker, users)

    def scores(self, users: AskedUsers) -> tuple[Scorer, BitRows]:
        """Return scores of users over the catalogue, and which products have one.

        Words (1, catalogue / 64), or (users, …) where that depends on the user.

        Raises:
            SuitablyError: The ranker gave another number of users or products.
        """
        scorer = score(self.ranker, users)
        if isinstance(scorer, Factors):
            self._check("users", len(scorer.users), len(users))
            made = self._factors
            if (
                made is None
                or made.source[0] is not scorer.products
                or made.source[1] is not scorer.known
            ):
                self._factors = made = self._in_catalogue(scorer)
            self._known = made.known
            laid = (made.longest, made.order, made.by_factor)
            return Factors(scorer.users, made.products, None, *laid), made.known
        self._check("users", len(scorer.block), len(users))
        scores = Scores(self._in_order(scorer.block.T).T)
        words = self._packed(scorer.known, scorer.block.shape[1])
        if scorer.pairs is None:
            self._known = words
            return scores, words
        return scores, words & bitset.pack(self._in_order(scorer.pairs.T).T)

    def known(self, users: AskedUsers) -> BitRows:
        """Return which products have a score, as `scores` does.

        It is known from earlier lists, where it does not depend on the user; else one user is asked
        about, or all of them, as many at a time as fit.
        """
        if self._known is None:
            first = self.scores(users.take(np.arange(min(1, len(users)))))[1]
        if self._known is not None:
            return self._known
        step = max(1, _CELLS // max(1, len(self._state.positions)))
        others = [np.arange(at, min(at + step, len(users))) for at in range(1, len(users), step)]
        return np.concatenate([first, *(self.scores(users.take(some))[1] for some in others)])

    def _in_catalogue(self, scorer: Factors) -> _CatalogueFactors:
        products = np.array(self._in_order(scorer.products), order="C")
        source = (scorer.products, scorer.known)
        packed = self._packed(scorer.known, len(scorer.products))
        order = NormOrder.of(products)
        length = longest(products) if order is None else order.longest
        return _CatalogueFactors(source, products, packed, length, order, by_factor(products))

    def _packed(self, known: NDArray[np.bool_] | None, axis: int) -> BitRows:
        """Pack which products of a ranker's axis have a score, once for the same ones."""
        key = axis if known is None else np.asarray(known, bool).tobytes()
        kept, words = self._packed_of
        if key != kept:
            told = np.ones(axis, bool) if known is None else np.asarray(known, bool)
            words = bitset.pack(self._in_order(told)[None])
            self._packed_of = key, words
        return words

    def _in_order(self, matrix: NDArray[Any]) -> NDArray[Any]:
        axis, positions = len(matrix), self._state.positions
        self._check("products", axis, len(self._state.products), self._state.learned)
        if self._state.is_whole_catalogue and axis == len(positions):
            return matrix
        return _taken(matrix, positions)

    def _check(self, what: str, given: int, *wanted: int) -> None:
        if given not in wanted:
            raise SuitablyError(
                f"{type(self.ranker).__name__}: gave scores of {given} {what} for "
                f"{max(wanted)} asked"
            )


def _taken(matrix: NDArray[Any], positions: NDArray[np.int64]) -> NDArray[Any]:
    """Take the rows of the catalogue, zeros for what lies past the end."""
    inside = positions < len(matrix)
    if inside.all():
        return matrix[positions]
    out = np.zeros((len(positions), *matrix.shape[1:]), matrix.dtype)
    out[inside] = matrix[positions[inside]]
    return out
