"""Item-based nearest neighbours: products that the same users have."""

from collections.abc import Mapping
from typing import ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.ranking.interactions import WeightedInteractions
from suitably.ranking.protocol import FitContext
from suitably.ranking.similarity_ranker import SimilarityRanker
from suitably.ranking.solvers.nearest import nearest, trimmed
from suitably.utils.params import check_choice, check_fraction, check_positive, check_positive_int

__all__ = ["ItemKNN"]

Similarity = Literal["cosine", "tfidf", "bm25"]
NeighboursOf = Literal["target", "owned"]
# Bytes for a product and one that is near it: both, as they are found, joined and turned.
_CELL = 24


class ItemKNN(SimilarityRanker):
    """Score a product by how alike it is to those the user has.

    Each product has its nearest neighbours only, and itself is not among them.
    A similarity that rests on few common users is shrunk. Equally similar products are
    neighbours in the order of the catalogue. What a user turned down, at a negative weight, is
    subtracted by its similarity; products of which users have one and turn down the other are
    dissimilar, and near in that sense where that is stronger than likeness. Beside
    common users who have both, others count by how much their rejections weigh. A user without
    visible purchases cannot be scored, nor can a product without any.

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
        neighbours_of: `"target"`: a product is scored by its own nearest neighbours among what a
            user has; `"owned"`: each product that a user has speaks for its nearest neighbours.

    Attributes:
        similarity_: CSR float32 (known products, known products), from the product a user has to
            the one scored.
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

    smaller: ClassVar[str] = "fewer neighbours need less, and so does Popularity"
    similarity_: sparse.csr_array

    def __init__(
        self,
        weighting: Similarity = "cosine",
        neighbours: int = 100,
        shrinkage: float = 20.0,
        K1: float = 1.2,
        B: float = 0.75,
        half_life_days: float | None = None,
        event_weights: Mapping[str, float] | None = None,
        neighbours_of: NeighboursOf = "target",
    ) -> None:
        self.weighting: Similarity = weighting
        self.neighbours = neighbours
        self.shrinkage = shrinkage
        self.K1 = K1
        self.B = B
        self.half_life_days = half_life_days
        self.event_weights = event_weights
        self.neighbours_of: NeighboursOf = neighbours_of

    def _learn(self, history: WeightedInteractions, context: FitContext) -> None:
        core, _ = trimmed(self._weighted(history.core.astype(np.float64)))
        near = nearest(core, self.neighbours, self.shrinkage, dtype=np.float32)
        self.similarity_ = sparse.csr_array(near.T) if self.neighbours_of == "target" else near
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
            sizes = np.abs(weights)
            reach = np.bincount(products, sizes, minlength=core.shape[1])
            length = 1 - self.B + self.B * reach / reach.mean()
            saturated = weights * (self.K1 + 1) / (self.K1 * length[products] + sizes)
            return _with(core, saturated * rarity[rows])
        if self.weighting == "tfidf":
            weights = np.copysign(np.sqrt(np.abs(weights)), weights) * rarity[rows]
        norms = np.sqrt(np.bincount(products, weights**2, minlength=core.shape[1]))
        return _with(core, weights / norms[products])

    def _estimate(self, history: WeightedInteractions) -> int:
        pairs = len(history.known) * min(self.neighbours, len(history.known))
        return super()._estimate(history) + _CELL * pairs

    def _check_params(self) -> None:
        check_choice(self, "weighting", get_args(Similarity))
        check_choice(self, "neighbours_of", get_args(NeighboursOf))
        check_positive_int(self, "neighbours")
        check_positive(self, "shrinkage", "K1", zero=True)
        check_fraction(self, "B")


def _with(matrix: sparse.csr_array, weights: NDArray[np.float64]) -> sparse.csr_array:
    return sparse.csr_array((weights, matrix.indices, matrix.indptr), matrix.shape)
