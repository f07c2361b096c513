"""A low-pass filter on the graph of users and products."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import eigh
from scipy.sparse.linalg import svds

from suitably.ranking.base import SimilarityRanker
from suitably.ranking.interactions import WeightedInteractions
from suitably.ranking.protocol import FitContext
from suitably.ranking.solvers.gram import mirror, upper_gram
from suitably.ranking.solvers.memory import check_room
from suitably.ranking.topk.engine import check_factors
from suitably.utils.parallel import one_blas_thread
from suitably.utils.params import check_fraction, check_positive, check_positive_int

__all__ = ["Spectral"]

_DENSE = 512
# Bytes for a pair of products at the worst moment: the similarity, what is added to it, a check;
# or the similarity beside a Gram matrix, LAPACK's copy of it and its vectors.
_CELL, _WHOLE = 9, 28


class Spectral(SimilarityRanker):
    """Pass on what varies slowly from product to product, in closed form (GF-CF).

    The similarity is a linear filter, common users in relation to how much each product and
    user has, plus an ideal one, the span of the leading singular vectors. `linear=0` leaves a
    truncated singular value decomposition; with `normalization=0` too, it is that of the weights
    themselves (PureSVD). A user without visible purchases cannot be scored, nor can a product
    without any. The similarity is dense: where there is no room for it the fit is refused before
    it starts.

    Args:
        factors: How many singular vectors; None: twice the square root of the number of products
            that anybody has. Those that the data do not determine are left out.
        linear: Weight of the linear filter.
        low_pass: Weight of the ideal low-pass filter.
        normalization: To which power of its sum of weights each user and product is divided,
            from 0 to 1.
        half_life_days: After how many days an interaction counts half; None: it never ages.
        event_weights: The weight of every kind of event that counts; None: those that mean
            ownership, at 1.

    Attributes:
        similarity_: float32 (known products, known products).
        known_: bool (products,), those that anybody has.

    Source:
        Shen et al., "How Powerful is Graph Convolution for Recommendation?", CIKM 2021, eq. 7 to
        9; PureSVD: Cremonesi, Koren and Turrin, "Performance of Recommender Algorithms on Top-N
        Recommendation Tasks", RecSys 2010, section 3.4.

    Example:
        >>> import suitably as st
        >>> bank = st.data.simulate_bank(users=200, products=40, seed=0)
        >>> pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=Spectral(factors=4))
        >>> lists = pipeline.fit(bank).recommend(k=3)
        >>> lists.to_frame().columns.tolist()
        ['user_id', 'rank', 'product_id', 'score']
    """

    def __init__(
        self,
        factors: int | None = None,
        linear: float = 1.0,
        low_pass: float = 0.3,
        normalization: float = 0.5,
        half_life_days: float | None = None,
        event_weights: Mapping[str, float] | None = None,
    ) -> None:
        self.factors = factors
        self.linear = linear
        self.low_pass = low_pass
        self.normalization = normalization
        self.half_life_days = half_life_days
        self.event_weights = event_weights

    def _learn(self, history: WeightedInteractions, context: FitContext) -> None:
        core = history.core.astype(np.float64)
        count = self._count(core.shape[1])
        whole = bool(self.low_pass) and _wholly(core.shape, count)
        check_room("Spectral", core.shape[1], _WHOLE if whole else _CELL)
        # Weights of whatever size become at most 1: their squares must not overflow.
        core.data /= core.data.max()
        customers, products = (
            np.asarray(core.sum(axis=axis)).ravel() ** self.normalization for axis in (1, 0)
        )
        core.data /= customers[core.tocoo().row] * products[core.indices]
        similarity = upper_gram(core, np.float32)
        mirror(similarity)
        similarity *= np.float32(self.linear)
        if self.low_pass:
            with one_blas_thread():
                vectors = _leading(core, count, context.seed)
                left = (self.low_pass * vectors / products[:, None]).astype(np.float32)
                right = (vectors * products[:, None]).astype(np.float32)
                similarity += left @ right.T
        check_factors("Spectral", similarity)
        self.similarity_ = similarity
        self.known_: NDArray[np.bool_] = history.known

    def _count(self, products: int) -> int:
        return round(2 * products**0.5) if self.factors is None else int(self.factors)

    def _check_params(self) -> None:
        if self.factors is not None:
            check_positive_int(self, "factors")
        check_positive(self, "linear", "low_pass", zero=True)
        check_fraction(self, "normalization")
        if not (self.linear or self.low_pass):
            raise ValueError("Spectral(linear=0, low_pass=0): one of them must be above 0")


def _wholly(shape: tuple[int, int], count: int) -> bool:
    """Return whether all singular vectors are found, which few or most of them do not pay off."""
    return shape[1] <= _DENSE or 4 * count >= min(shape)


def _leading(matrix: sparse.csr_array, count: int, seed: int) -> NDArray[np.float64]:
    """Return the leading right singular vectors whose singular value is not 0, as columns."""
    side = matrix.shape[1]
    if _wholly(matrix.shape, count):
        values, vectors = eigh(upper_gram(matrix, np.float64), lower=False)
        values = np.sqrt(np.maximum(values, 0))
    else:
        start = np.random.default_rng(seed).standard_normal(min(matrix.shape))
        _, values, across = svds(matrix, k=count, v0=start, return_singular_vectors="vh")
        vectors = across.T
    order = np.argsort(-values, kind="stable")[:count]
    # Squares lose half the digits, so smaller ones cannot be told from 0.
    floor = values.max() * np.sqrt(side * np.finfo(np.float64).eps)
    leading: NDArray[np.float64] = vectors[:, order[values[order] > floor]]
    return leading
