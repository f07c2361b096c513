"""Item-based nearest neighbours: products that the same users have."""

from collections.abc import Mapping
from typing import ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.ranking.interactions import WeightedInteractions, Weighting
from suitably.ranking.protocol import FitContext
from suitably.ranking.solvers.gram import whole_gram
from suitably.ranking.solvers.nearest import counted, nearest, nearest_of_gram, trimmed
from suitably.ranking.summed_similarity import SummedSimilarity
from suitably.ranking.summing import Sums
from suitably.ranking.totals import Totals
from suitably.utils.params import check_choice, check_fraction, check_positive, check_positive_int

__all__ = ["ItemKNN"]

Similarity = Literal["cosine", "tfidf", "bm25"]
NeighboursOf = Literal["target", "owned"]
# Bytes for a product and one that is near it: both, as they are found, joined and turned.
_CELL = 24


class ItemKNN(SummedSimilarity):
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
        core = history.core.astype(np.float64)
        core, _ = trimmed(self._weighted(core))
        self._keep(nearest(core, self.neighbours, self.shrinkage, dtype=np.float32))
        self.known_: NDArray[np.bool_] = history.known

    def _keep(self, near: sparse.csr_array) -> None:
        self.similarity_ = sparse.csr_array(near.T) if self.neighbours_of == "target" else near

    def steps(self, totals: Mapping[Weighting, Totals]) -> int:
        """Return 1; 0 where there are over 8,192 products.

        It is 0 too where products are turned down and the weighting is not `"cosine"`: how much a
        rejection counts then depends on the heaviest of everybody's weights as they are turned.
        """
        apart = self.weighting != "cosine" and bool(self._weighting.against)
        return 0 if apart else super().steps(totals)

    def _group_sums(self, core: sparse.csr_array, totals: Totals) -> Sums:
        known = totals.known
        made = whole_gram(self._turned(core, totals.sizes[known]))
        if (
            self.weighting == "cosine"
            and self.half_life_days is None
            and self.event_weights is None
        ):
            return {"gram": made}  # of ones: inner products count common users
        return {
            "gram": made,
            "common": whole_gram(_with(core, counted(core, totals.highest[known]))),
        }

    def _learn_sums(self, sums: Sums, totals: Totals) -> None:
        gram = sums["gram"]
        alike, common = gram, sums.get("common", gram)
        if self.weighting != "bm25":
            norms = np.sqrt(gram.diagonal())
            alike = gram / norms / norms[:, None]
        self._keep(
            nearest_of_gram(alike, common, self.neighbours, self.shrinkage, dtype=np.float32)
        )

    def _weighted(self, core: sparse.csr_array) -> sparse.csr_array:
        """Weigh the pairs so that the inner product of two columns is their similarity."""
        if self.weighting == "bm25":
            reach = np.bincount(core.indices, np.abs(core.data), minlength=core.shape[1])
            return self._turned(core, np.asarray(reach, np.float64))
        turned = self._turned(core)
        norms = np.sqrt(np.bincount(core.indices, turned.data**2, minlength=core.shape[1]))
        return _with(core, turned.data / norms[core.indices])

    def _turned(
        self, core: sparse.csr_array, reach: NDArray[np.float64] | None = None
    ) -> sparse.csr_array:
        """Weigh the pairs, lengths of columns aside.

        Args:
            core: CSR (users, products).
            reach: float64 (products,), what each weighs in all, for `"bm25"`.
        """
        weights, rows, products = core.data, core.tocoo().row, core.indices
        if self.weighting != "cosine":
            # The usual log(n / df) is 0 or negative for who has nearly everything of a short
            # catalogue, and leaves nothing to compare.
            owned = np.diff(core.indptr)
            rarity = np.log((1 + core.shape[1]) / (1 + owned)) + 1
        if self.weighting == "bm25":
            assert reach is not None
            sizes = np.abs(weights)
            length = 1 - self.B + self.B * reach / reach.mean()
            saturated = weights * (self.K1 + 1) / (self.K1 * length[products] + sizes)
            return _with(core, saturated * rarity[rows])
        if self.weighting == "tfidf":
            weights = np.copysign(np.sqrt(np.abs(weights)), weights) * rarity[rows]
        return _with(core, weights)

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
