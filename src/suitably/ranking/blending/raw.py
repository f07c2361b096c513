"""Raw scores of a blend's member, the same to the last bit for any block of users."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.ranking.protocol import AskedUsers, Ranker, Scorer, Scores, score, works_on_rows
from suitably.ranking.similarity_ranker import SimilarityRanker
from suitably.ranking.solvers.exact_product import cut

__all__ = ["Lines", "RawScores"]

_ALIKE = 0x9E3779B97F4A7C15


@dataclass(frozen=True)
class Lines:
    """What a member says of some users; those of whom it says the same share a line.

    Attributes:
        users: (lines, factors), or (lines, products) where scores are given, dense or CSR.
        products: (factors, products); None where scores are given.
        known: bool (products,), of which products the member knows anything.
        which: int64 (users,), everyone's line; None: one each, in order.
        pairs: bool (users, products), of which pairs it knows anything; None: of known products.
    """

    users: Any
    products: NDArray[Any] | None
    known: NDArray[np.bool_]
    which: NDArray[np.int64] | None = None
    pairs: NDArray[np.bool_] | None = None

    @property
    def is_sparse(self) -> bool:
        """Whether scores are given where they are not 0 alone."""
        return bool(sparse.issparse(self.users))

    def room(self, several: int) -> NDArray[np.floating] | None:
        """Return room for so many lines, where they are made and not given."""
        if self.products is None and not self.is_sparse:
            return None
        kind = self.users.dtype if self.is_sparse else np.float64
        return np.empty((several, len(self.known)), kind)

    def of(self, part: slice, room: NDArray[np.floating] | None = None) -> NDArray[np.floating]:
        """Return some lines: float32 or float64 (lines, products), zeros for unknown products.

        Args:
            part: Which lines.
            room: What `room` returned for as many lines or more, to be written into.
        """
        lines: Any = self.users[part]
        into = None if room is None else room[: lines.shape[0]]
        if self.is_sparse:
            dense: NDArray[np.floating] = lines.toarray(out=into)
            return dense
        if self.products is not None:
            return np.matmul(lines, self.products, out=into)
        unknown = np.flatnonzero(~self.known)
        if len(unknown) and lines.take(unknown, axis=1).any():
            lines = np.where(self.known, lines, lines.dtype.type(0))
        given: NDArray[np.floating] = lines
        return given

    def __len__(self) -> int:
        return int(self.users.shape[0])


class RawScores:
    """Reads a member's scores; what is made of its products is kept for as long as they stay.

    Vectors are cut so that a product of matrices is exact, see `cut`.
    """

    def __init__(self) -> None:
        self._made: tuple[Any, Any, NDArray[np.float64], NDArray[np.bool_]] | None = None

    def of(self, ranker: Ranker, users: AskedUsers) -> Lines:
        """Return what a ranker says of users; sums of likenesses are left sparse."""
        cls: type = type(ranker)
        if isinstance(ranker, SimilarityRanker) and works_on_rows(cls):
            sums = ranker.sparse_rows(users.rows)
            if sums is not None:
                return Lines(sums, None, ranker.known_)
        return self.lines(score(ranker, users))

    def lines(self, scorer: Scorer) -> Lines:
        """Return what a scorer says, line by line."""
        if isinstance(scorer, Scores):
            block = _filled(scorer)
            if block.dtype not in (np.float32, np.float64):
                block = block.astype(np.float64)
            return Lines(block, None, _known(scorer, block.shape[1]), pairs=scorer.pairs)
        made = self._made
        if made is None or made[0] is not scorer.products or made[1] is not scorer.known:
            known = _known(scorer, len(scorer.products))
            products = cut(np.where(known[:, None], scorer.products, 0))
            products = np.ascontiguousarray(products.T)
            self._made = made = scorer.products, scorer.known, products, known
        users = cut(scorer.users)
        several, which = _alike(users)
        return Lines(users if several is None else users[several], made[2], made[3], which)


def _filled(scorer: Scores) -> NDArray[Any]:
    """Return scores as they are given; a pair without one is neutral: the median of its user's."""
    block = np.asarray(scorer.block)
    if scorer.pairs is None:
        return block
    told = scorer.pairs.any(axis=1)
    middle = np.zeros((len(block), 1))
    if told.any():
        middle[told, 0] = np.nanmedian(np.where(scorer.pairs, block, np.nan)[told], axis=1)
    filled: NDArray[Any] = np.where(scorer.pairs, block, middle)
    return filled


def _known(scorer: Scorer, products: int) -> NDArray[np.bool_]:
    return np.ones(products, bool) if scorer.known is None else np.asarray(scorer.known, bool)


def _alike(
    users: NDArray[np.float64],
) -> tuple[NDArray[np.int64] | None, NDArray[np.int64] | None]:
    """Find the distinct lines, where there are few: their first places, and everyone's line.

    The keys may collide: then no line is shared.
    """
    if len(users) < 2:
        return None, None
    bits = np.ascontiguousarray(users).view(np.uint64)
    key = np.zeros(len(users), np.uint64)
    for column in bits.T:
        key = (key ^ column) * np.uint64(_ALIKE)
        key ^= key >> np.uint64(29)
    _, first, which = np.unique(key, return_index=True, return_inverse=True)
    if 2 * len(first) > len(users) or not (bits[first][which] == bits).all():
        return None, None
    return first, which
