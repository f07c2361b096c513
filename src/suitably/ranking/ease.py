"""A linear autoencoder in closed form."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import lapack

from suitably.errors import DataError
from suitably.ranking.base import SimilarityRanker
from suitably.ranking.interactions import WeightedInteractions
from suitably.ranking.protocol import FitContext
from suitably.ranking.solvers.gram import mirror, upper_gram
from suitably.ranking.solvers.memory import check_room
from suitably.ranking.topk.engine import check_factors
from suitably.utils.parallel import one_blas_thread
from suitably.utils.params import check_positive

__all__ = ["EASE"]

_NOISE = 2.0
# Condition numbers that leave single precision enough of its seven digits, and its own range.
_SINGLE = 1e5
_LARGE = 1e30
# With the bytes that a pair of products takes at the worst moment: in double precision, beside the
# matrix, what is kept of it.
_PRECISIONS = ((np.float32, 5), (np.float64, 12))


class EASE(SimilarityRanker):
    """Weights from product to product that best predict each from the others, under a penalty.

    They may be negative. A user without visible purchases cannot be scored, nor can a product
    without any. Takes one inversion of a matrix of products by products, in place: 2 GB for
    20,000 products, 5 GB where the penalty is so small that it takes double precision. Where
    there is no room for it the fit is refused before it starts.

    Args:
        regularization: L2 penalty; None: twice the square root of the number of users, times
            the square of the largest weight. A count of common users is that uncertain, so a
            penalty that suits a large bank drowns what a small one has. For the paper's 137,000
            and 463,000 users that is 740 and 1,360, where its best were 500 and 1,000.
        half_life_days: After how many days an interaction counts half; None: it never ages.
        event_weights: The weight of every kind of event that counts; None: those that mean
            ownership, at 1.

    Attributes:
        similarity_: float32 (known products, known products), zero on the diagonal.
        known_: bool (products,), those that anybody has.
        regularization_: The penalty that was used.

    Source:
        Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019, eq. 8.

    Example:
        >>> import suitably as st
        >>> bank = st.data.simulate_bank(users=200, products=40, seed=0)
        >>> pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=EASE())
        >>> ranker = pipeline.fit(bank).ranker_
        >>> ranker.similarity_.shape == (ranker.known_.sum(),) * 2
        True
    """

    learned: ClassVar[tuple[str, ...]] = (*SimilarityRanker.learned, "regularization_")
    regularization_: float

    def __init__(
        self,
        regularization: float | None = None,
        half_life_days: float | None = None,
        event_weights: Mapping[str, float] | None = None,
    ) -> None:
        self.regularization = regularization
        self.half_life_days = half_life_days
        self.event_weights = event_weights

    def _learn(self, history: WeightedInteractions, context: FitContext) -> None:
        core = history.core.astype(np.float64)
        # Weights of whatever size become at most 1: their squares must not overflow.
        largest = float(core.data.max())
        core.data /= largest
        given = self.regularization
        noise = _NOISE * core.shape[0] ** 0.5
        penalty = noise if given is None else given / largest / largest
        self.regularization_ = penalty * largest * largest if given is None else float(given)
        norm = _largest_sum(core)
        weights = _inverse(core, penalty, norm)
        weights /= -weights.diagonal()
        np.fill_diagonal(weights, 0)
        check_factors("EASE", weights)
        self.similarity_: NDArray[np.float32] = weights.astype(np.float32, copy=False)
        self.known_: NDArray[np.bool_] = history.known

    def _check_params(self) -> None:
        check_positive(self, "regularization", optional=True)


def _largest_sum(core: sparse.csr_array) -> float:
    """Return the largest row sum of the Gram matrix, which bounds its eigenvalues from above."""
    return float((core.T @ np.asarray(core.sum(axis=1)).ravel()).max())


def _inverse(core: sparse.csr_array, penalty: float, norm: float) -> NDArray[np.floating]:
    """Invert the penalised Gram matrix: in single precision where that has the digits for it.

    Raises:
        DataError: It is singular in double precision too, or there is no room for it.
    """
    single = norm < _SINGLE * penalty and penalty < _LARGE
    for dtype, cell in _PRECISIONS if single else _PRECISIONS[1:]:
        check_room("EASE", core.shape[1], cell)
        matrix = upper_gram(core, dtype)
        matrix[np.diag_indices(len(matrix))] += penalty
        # Threads would change the last bits, so the same data would give other lists elsewhere.
        with one_blas_thread():
            if _invert(matrix, norm + penalty):
                return matrix
        del matrix
    raise DataError("EASE: the penalty is too small to invert with; raise regularization")


def _invert(matrix: NDArray[np.floating], norm: float) -> bool:
    """Invert a symmetric positive definite matrix in place, from what is above its diagonal.

    Returns:
        Whether it could be done: false where the matrix is singular in its precision.
    """
    names = ("potrf", "pocon", "potri")
    factorise, condition, invert = lapack.get_lapack_funcs(names, dtype=matrix.dtype)
    # LAPACK reads by columns: the transposed view is the same matrix, without a copy.
    factor, failed = factorise(matrix.T, lower=True, clean=False, overwrite_a=True)
    if not failed:
        reciprocal, failed = condition(factor, norm, uplo="L")
        failed = failed or reciprocal < len(matrix) * np.finfo(matrix.dtype).eps
    if not failed:
        _, failed = invert(factor, lower=True, overwrite_c=True)
    if not failed:
        mirror(matrix)
    return not failed
