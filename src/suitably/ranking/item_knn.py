"""Item-based nearest neighbours: products that the same users have."""

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.ranking.base import SimilarityRanker
from suitably.ranking.interactions import WeightedInteractions
from suitably.ranking.protocol import FitContext
from suitably.ranking.solvers.gram import blocks
from suitably.utils.params import check_choice, check_fraction, check_positive, check_positive_int

__all__ = ["ItemKNN"]

Similarity = Literal["cosine", "tfidf", "bm25"]


class ItemKNN(SimilarityRanker):
    """Score a product by how alike it is to those the user has.

    Each product passes on its similarity to its nearest neighbours only, and to itself nothing.
    A similarity that rests on few common users is shrunk. Equally similar products are
    neighbours in the order of the catalogue. A user without visible purchases cannot be
    scored, nor can a product without any.

    Args:
        weighting: `"cosine"`, of the weights as they are; `"tfidf"`, the cosine of square roots
            of weights, where those of users who have much count less; `"bm25"`, the inner
            product of weights that saturate and count less for products that many have.
        neighbours: How many each product has at most.
        shrinkage: At how many common users a similarity counts half; 0: always in full.
        K1: How late a weight saturates, for `"bm25"`.
        B: How much less those of popular products weigh, from 0 to 1, for `"bm25"`.
        half_life_days: After how many days an interaction counts half; None: it never ages.
        event_weights: The weight of every kind of event that counts; None: those that mean
            ownership, at 1.

    Attributes:
        similarity_: CSR float32 (known products, known products), neighbours row by row.
        known_: bool (products,), those that anybody has.

    Source:
        Deshpande and Karypis, "Item-based top-N recommendation algorithms", ACM TOIS 22 (2004),
        section 4; shrinkage n / (n + s) of Bell and Koren, "Improved Neighborhood-based
        Collaborative Filtering", KDD Cup 2007, section 3.1; BM25 of Robertson and Zaragoza,
        "The Probabilistic Relevance Framework", 2009, eq. 3.15, products as documents.

    Example:
        >>> import suitably as st
        >>> bank = st.data.simulate_bank(users=200, products=40, seed=0)
        >>> pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=ItemKNN(neighbours=5))
        >>> pipeline.fit(bank).similar_products(bank.product_ids[0], k=3).columns.tolist()
        ['product_id', 'score']
    """

    learned: ClassVar[tuple[str, ...]] = ("starts_", "neighbours_", "similarities_", "known_")
    made_of_learned: ClassVar[tuple[str, ...]] = ("_matrix",)
    starts_: NDArray[np.int64]
    neighbours_: NDArray[np.int32]
    similarities_: NDArray[np.float32]

    def __init__(
        self,
        weighting: Similarity = "cosine",
        neighbours: int = 100,
        shrinkage: float = 20.0,
        K1: float = 1.2,
        B: float = 0.75,
        half_life_days: float | None = None,
        event_weights: Mapping[str, float] | None = None,
    ) -> None:
        self.weighting: Similarity = weighting
        self.neighbours = neighbours
        self.shrinkage = shrinkage
        self.K1 = K1
        self.B = B
        self.half_life_days = half_life_days
        self.event_weights = event_weights

    @property
    def similarity_(self) -> sparse.csr_array:
        """Similarities of neighbours: CSR float32 (known products, known products)."""
        return self._matrix

    @cached_property
    def _matrix(self) -> sparse.csr_array:
        # Making one checks all of it, which takes longer than a user's scores.
        parts = (self.similarities_, self.neighbours_, self.starts_)
        side = len(self.starts_) - 1
        return sparse.csr_array(parts, shape=(side, side))

    def _learn(self, history: WeightedInteractions, context: FitContext) -> None:
        core = history.core.astype(np.float64)
        together = sparse.csr_array((np.ones(core.nnz), core.indices, core.indptr), core.shape)
        pairs = zip(blocks(self._weighted(core)), blocks(together), strict=True)
        found = [self._nearest(first, alike, common) for (first, alike), (_, common) in pairs]
        nearest = sparse.csr_array(sparse.vstack(found, format="csr"))
        self.starts_ = nearest.indptr.astype(np.int64)
        self.neighbours_ = nearest.indices.astype(np.int32)
        self.similarities_ = nearest.data.astype(np.float32)
        self.known_: NDArray[np.bool_] = history.known

    def _weighted(self, core: sparse.csr_array) -> sparse.csr_array:
        """Weigh the pairs so that the inner product of two columns is their similarity."""
        weights, rows, products = core.data, core.tocoo().row, core.indices
        if self.weighting != "cosine":
            # The usual log(n / df) is 0 or negative for who has nearly everything of a short
            # catalogue, and leaves nothing to compare.
            owned = np.diff(core.indptr)
            rarity = np.log((1 + core.shape[1]) / (1 + owned)) + 1
        if self.weighting == "bm25":
            reach = np.asarray(core.sum(axis=0)).ravel()
            length = 1 - self.B + self.B * reach / reach.mean()
            saturated = weights * (self.K1 + 1) / (self.K1 * length[products] + weights)
            return _with(core, saturated * rarity[rows])
        if self.weighting == "tfidf":
            weights = np.sqrt(weights) * rarity[rows]
        norms = np.sqrt(np.bincount(products, weights**2, minlength=core.shape[1]))
        return _with(core, weights / norms[products])

    def _nearest(
        self, first: int, alike: sparse.csr_array, common: sparse.csr_array
    ) -> sparse.csr_array:
        """Shrink some rows of similarities and keep the nearest neighbours of each."""
        common.data /= common.data + self.shrinkage
        pairs = sparse.coo_array(alike.multiply(common))
        other = pairs.row + first != pairs.col
        rows, columns, values = pairs.row[other], pairs.col[other], pairs.data[other]
        order = np.lexsort((columns, -values, rows))
        starts = np.searchsorted(rows[order], np.arange(pairs.shape[0]))
        rank = np.arange(len(order)) - starts[rows[order]]
        kept = order[rank < self.neighbours]
        nearest = sparse.csr_array(
            sparse.coo_array((values[kept], (rows[kept], columns[kept])), pairs.shape)
        )
        nearest.sort_indices()
        return nearest

    def _similar_to_any(self) -> NDArray[np.bool_]:
        return np.diff(self.starts_) > 0

    def _sums(self, lines: sparse.csr_array) -> NDArray[np.float32]:
        sums: NDArray[np.float32] = (lines @ self.similarity_).toarray()
        return sums

    def _similarities(self, rows: NDArray[np.int64], column: int) -> NDArray[np.float64]:
        found = np.zeros(len(rows))
        for place, row in enumerate(rows.tolist()):
            start, end = self.starts_.item(row), self.starts_.item(row + 1)
            at = start + int(np.searchsorted(self.neighbours_[start:end], column))
            if at < end and self.neighbours_.item(at) == column:
                found[place] = self.similarities_.item(at)
        return found

    def _check_params(self) -> None:
        check_choice(self, "weighting", get_args(Similarity))
        check_positive_int(self, "neighbours")
        check_positive(self, "shrinkage", "K1", zero=True)
        check_fraction(self, "B")

    def _check_learned(self) -> None:
        starts, neighbours, values = self.starts_, self.neighbours_, self.similarities_
        side = int(self.known_.sum())
        fits = (
            len(starts) == side + 1
            and starts[0] == 0
            and bool((np.diff(starts) >= 0).all())
            and starts[-1] == len(neighbours) == len(values)
            and bool(((neighbours >= 0) & (neighbours < side)).all())
            and bool(np.isfinite(values).all())
        )
        if not fits:
            raise ValueError("ItemKNN: products and neighbours do not fit")
        super()._check_learned()


def _with(matrix: sparse.csr_array, weights: NDArray[np.float64]) -> sparse.csr_array:
    return sparse.csr_array((weights, matrix.indices, matrix.indptr), matrix.shape)
