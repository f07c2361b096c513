"""A low-pass filter on the graph of users and products."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import eigh
from scipy.sparse.linalg import eigsh, svds

from suitably.ranking.interactions import WeightedInteractions
from suitably.ranking.protocol import FitContext, State
from suitably.ranking.solvers.exact_product import cut
from suitably.ranking.solvers.gram import mirror, upper_gram, whole_gram
from suitably.ranking.solvers.memory import check_room, has_room_for_pairs
from suitably.ranking.solvers.nearest import nearest, trimmed
from suitably.ranking.solvers.subspace import leading_right, subspace_room
from suitably.ranking.summed_similarity import SummedSimilarity
from suitably.ranking.summing import Sums
from suitably.ranking.topk.engine import check_factors
from suitably.ranking.totals import Totals
from suitably.utils.parallel import one_blas_thread
from suitably.utils.params import check_fraction, check_positive, check_positive_int

__all__ = ["Spectral"]

_DENSE = 512
# Bytes for a pair of products at the worst moment: the similarity, what is added to it, a check;
# or the similarity beside a Gram matrix, LAPACK's copy of it and its vectors.
_CELL, _WHOLE = 9, 28
# Without room for pairs each product's nearest of the linear filter are kept.
_NEAREST, _FACTORS = 200, 200
# Of more products vectors are found many at a time: of 40,000 in a quarter of the time.
_MANY_PRODUCTS = 10_000


class Spectral(SummedSimilarity):
    """Pass on what varies slowly from product to product, in closed form (GF-CF).

    The similarity is a linear filter, common users in relation to how much each product and
    user has, plus an ideal one, the span of the leading singular vectors. `linear=0` leaves a
    truncated singular value decomposition; with `normalization=0` too, it is that of the weights
    themselves (PureSVD). What a user turned down, at a negative weight, subtracts; sums of weights
    are then of their sizes, as in the Laplacian of a signed graph. A user without visible purchases
    cannot be scored, nor can a product without any.

    Up to 10,000 products the similarity is dense. Beyond, and where there is no room
    for that, it is sparse plus of low rank: the linear filter keeps each product's 200 nearest, and
    the ideal one is two matrices of products by factors. What does not fit is refused before it
    starts.

    Args:
        factors: How many singular vectors; None: twice the square root of the number of products
            that anybody has, at most 200. Those that the data do not determine are left out.
        linear: Weight of the linear filter.
        low_pass: Weight of the ideal low-pass filter.
        normalization: To which power of its sum of weights each user and product is divided,
            from 0 to 1.
        half_life_days: After how many days an interaction counts half; None: it never ages.
        event_weights: The weight of every kind of event that counts; None: those that mean
            ownership, at 1.

    Attributes:
        similarity_: float32 (known products, known products), dense; or CSR, the linear filter.
        left_, right_: float32 (known products, factors), whose product is the ideal filter where
            the similarity is CSR; without factors where it is dense.
        known_: bool (products,), those that anybody has.

    Source:
        Shen et al., "How Powerful is Graph Convolution for Recommendation?", CIKM 2021, eq. 7 to
        9; PureSVD: Cremonesi, Koren and Turrin, "Performance of Recommender Algorithms on Top-N
        Recommendation Tasks", RecSys 2010, section 3.4; signed graphs: Kunegis and others,
        "Spectral Analysis of Signed Graphs for Clustering, Prediction and Visualization", SDM 2010,
        section 3.

    Example:
        >>> import suitably as st
        >>> bank = st.data.simulate_bank(users=200, products=40, seed=0)
        >>> pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=Spectral(factors=4))
        >>> lists = pipeline.fit(bank).recommend(k=3)
        >>> lists.to_frame().columns.tolist()
        ['user_id', 'rank', 'product_id', 'score']
    """

    made_of_learned: ClassVar[tuple[str, ...]] = (*SummedSimilarity.made_of_learned, "_across")
    smaller: ClassVar[str] = "fewer factors need less, and so do ItemKNN and EASE(neighbours=…)"
    left_: NDArray[np.float32]
    right_: NDArray[np.float32]

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
        side, count = core.shape[1], self._count(core.shape[1])
        whole = bool(self.low_pass) and _wholly(core.shape, count)
        pairwise = has_room_for_pairs(side, _WHOLE if whole else _CELL)
        # Weights of whatever size become at most 1: their squares must not overflow.
        core.data /= np.abs(core.data).max()
        customers, products = (
            np.asarray(abs(core).sum(axis=axis)).ravel() ** self.normalization for axis in (1, 0)
        )
        core.data /= customers[core.tocoo().row] * products[core.indices]
        if not pairwise:
            check_room("Spectral", _room(core.shape, count), self.smaller)
        vectors = np.zeros((side, 0))
        if self.low_pass:
            with one_blas_thread():
                vectors = _leading(core, count, context.seed, pairwise)
        left, right = self._filters(vectors, products)
        self.similarity_: Any
        self.known_: NDArray[np.bool_] = history.known
        if pairwise:
            self._add_up(upper_gram(core, np.float32), left, right)
            return
        near = nearest(trimmed(core)[0], _NEAREST, itself=True, dtype=np.float32)
        near.data *= np.float32(self.linear)
        check_factors("Spectral", near.data)
        # From the product a user has to the one scored, which keeps its own nearest.
        self.similarity_ = sparse.csr_array(near.T)
        self.left_, self.right_ = left, right

    def _filters(
        self, vectors: NDArray[np.float64], products: NDArray[np.float64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the matrices whose product is the ideal filter: float32 (products, factors)."""
        # Row by row, or every product with a few lines would copy all of them first.
        left = (self.low_pass * vectors / products[:, None]).astype(np.float32, order="C")
        right = (vectors * products[:, None]).astype(np.float32, order="C")
        check_factors("Spectral", left, right)
        return left, right

    def _add_up(
        self, alike: NDArray[np.float32], left: NDArray[np.float32], right: NDArray[np.float32]
    ) -> None:
        """Keep the sum of the filters, of which the linear one is given above its diagonal."""
        mirror(alike)
        alike *= np.float32(self.linear)
        if self.low_pass:
            with one_blas_thread():
                alike += left @ right.T
        check_factors("Spectral", alike)
        self.similarity_ = alike
        self.left_ = self.right_ = np.zeros((len(alike), 0), np.float32)

    def _group_sums(self, core: sparse.csr_array, totals: Totals) -> Sums:
        core.data /= totals.largest[totals.known].max()
        customers = np.asarray(abs(core).sum(axis=1)).ravel() ** self.normalization
        core.data /= customers[core.tocoo().row]
        return {"users": np.array(core.shape[0]), "gram": whole_gram(core)}

    def _learn_sums(self, sums: Sums, totals: Totals) -> None:
        known = totals.known
        largest = totals.largest[known].max()
        products = (totals.sizes[known] / largest) ** self.normalization
        gram = sums["gram"] / products / products[:, None]
        vectors = np.zeros((len(gram), 0))
        if self.low_pass:
            with one_blas_thread():
                vectors = _leading_of_gram(gram, int(sums["users"]), self._count(len(gram)))
        self._add_up(gram.astype(np.float32), *self._filters(vectors, products))

    def state(self) -> State:
        """Return the parameters and what was learned; factors where there are any."""
        if not self.left_.shape[1]:
            return super().state()
        return {**super().state(), "left_": self.left_, "right_": self.right_}

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Return a ranker that has learned what a state says; `attach` makes it score."""
        ranker = super().from_state(state)
        none = np.zeros((ranker.similarity_.shape[0], 0), np.float32)
        ranker.left_, ranker.right_ = state.get("left_", none), state.get("right_", none)
        return ranker

    def _sums(self, lines: sparse.csr_array) -> NDArray[np.float32]:
        sums = super()._sums(lines)
        if self.left_.shape[1]:
            sums = sums + (cut(lines @ self.left_) @ self._across).astype(np.float32)
        return sums

    @cached_property
    def _across(self) -> NDArray[np.float64]:
        """The right factors, cut for exact products: (factors, known products)."""
        return cut(self.right_).T

    def _similarities(self, rows: NDArray[np.int64], column: int) -> NDArray[np.float64]:
        found = super()._similarities(rows, column)
        found += np.einsum("pf,f->p", self.left_[rows].astype(np.float64), self.right_[column])
        return found

    def _row(self, row: int) -> NDArray[np.floating]:
        found: NDArray[np.floating] = super()._row(row)
        return np.asarray(found + np.einsum("f,pf->p", self.left_[row], self.right_))

    def _similar_to_any(self) -> NDArray[np.bool_]:
        if not sparse.issparse(self.similarity_):
            return super()._similar_to_any()
        itself = np.repeat(np.arange(len(self.left_)), np.diff(self.similarity_.indptr))
        found = np.zeros(len(self.left_), bool)
        found[itself[self.similarity_.indices != itself]] = True
        for row in np.flatnonzero(~found).tolist():
            alike = np.abs(self._row(row))
            noise = alike[row] * np.finfo(np.float32).eps
            found[row] = (np.delete(alike, row) > noise).any()
        return found

    def _check_learned(self) -> None:
        super()._check_learned()
        side = self.similarity_.shape[0]
        if self.left_.shape != self.right_.shape or len(self.left_) != side:
            raise ValueError("Spectral: factors do not fit")
        check_factors("Spectral", self.left_, self.right_)

    def _count(self, products: int) -> int:
        return (
            min(round(2 * products**0.5), _FACTORS) if self.factors is None else int(self.factors)
        )

    def _check_params(self) -> None:
        check_positive_int(self, "factors", optional=True)
        check_positive(self, "linear", "low_pass", zero=True)
        check_fraction(self, "normalization")
        if not (self.linear or self.low_pass):
            raise ValueError("Spectral(linear=0, low_pass=0): one of them must be above 0")


def _wholly(shape: tuple[int, int], count: int) -> bool:
    """Return whether all singular vectors are found, which few or most of them do not pay off."""
    return shape[1] <= _DENSE or 4 * count >= min(shape)


def _room(shape: tuple[int, int], count: int) -> int:
    """Return how many bytes the sparse filter takes: while vectors are found, and near products."""
    side = shape[1]
    lanczos = side * (8 * (2 * count + 1) + 8 * 4 * count)
    vectors = lanczos if side <= _MANY_PRODUCTS else subspace_room(shape, count)
    return vectors + side * 24 * _NEAREST


def _leading(
    matrix: sparse.csr_array, count: int, seed: int, pairwise: bool
) -> NDArray[np.float64]:
    """Return the leading right singular vectors whose singular value is not 0, as columns.

    Only with `pairwise` may there be a matrix of products by products.
    """
    side = matrix.shape[1]
    if not pairwise:
        count = min(count, min(matrix.shape) - 1)
    if not count:
        return np.zeros((side, 0))
    if side > _MANY_PRODUCTS:
        return leading_right(matrix, count, seed)[0].astype(np.float64)
    if pairwise and _wholly(matrix.shape, count):
        squares, vectors = eigh(upper_gram(matrix, np.float64), lower=False)
        return _determined(np.sqrt(np.maximum(squares, 0)), vectors, count)
    start = np.random.default_rng(seed).standard_normal(min(matrix.shape))
    _, values, across = svds(matrix, k=count, v0=start, return_singular_vectors="vh")
    return _determined(values, across.T, count)


def _leading_of_gram(gram: NDArray[np.float64], users: int, count: int) -> NDArray[np.float64]:
    """Return the same of a matrix of so many users, from its inner products of all pairs."""
    side = len(gram)
    if _wholly((users, side), count):
        squares, vectors = eigh(gram)
    else:
        start = np.random.default_rng(side).standard_normal(side)
        squares, vectors = eigsh(gram, k=count, v0=start)
    return _determined(np.sqrt(np.maximum(squares, 0)), vectors, count)


def _determined(
    values: NDArray[np.float64], vectors: NDArray[np.float64], count: int
) -> NDArray[np.float64]:
    """Return the leading singular vectors, those aside whose value cannot be told from 0."""
    order = np.argsort(-values, kind="stable")[:count]
    # Squares lose half the digits, so smaller ones cannot be told from 0.
    floor = values.max() * np.sqrt(len(vectors) * np.finfo(np.float64).eps)
    leading: NDArray[np.float64] = vectors[:, order[values[order] > floor]]
    return leading
