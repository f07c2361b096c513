"""Alternating least squares for implicit feedback, trained by `implicit`."""

import copy
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.ranking.hold_out import FEWEST_PRODUCTS, HoldOut, is_small, select
from suitably.ranking.interactions import WeightedInteractions
from suitably.ranking.least_squares_ranker import LeastSquaresRanker
from suitably.ranking.protocol import FitContext
from suitably.ranking.solvers.implicit_training import bounded, trained
from suitably.ranking.solvers.least_squares import Fixed
from suitably.ranking.solvers.scales import default_factors, noise_norm
from suitably.ranking.totals import Totals
from suitably.utils.parallel import one_blas_thread, openmp_threads
from suitably.utils.params import check_positive, check_positive_int

__all__ = ["ALS"]

_SHARE = 0.85
# Of the noise's singular values, times alpha, on large data; where a hold-out decides it begins
# from `_NOISE`.
_NOISE = 0.6
_AXES = {"noise": (0.1, 0.2, 0.35, 0.6, 0.9, 1.3)}
_TRIAL_FACTORS, _TRIAL_SWEEPS, _TRIALS = 32, 4, 4
_POWER_ITERATIONS = 30


class ALS(LeastSquaresRanker):
    """Matrix factorisation with a weight of `alpha` on what was acquired and 1 on all else.

    Only training is `implicit`'s: its own ranking returns filtered products when it runs short.
    Its solver stops after three steps of conjugate gradients; the vectors of users are then
    solved for exactly, here and in `fold_in`, so that a user gets the same vector either way.
    A negative weight is a confidence of its size times `alpha` in that the user does not want the
    product, which everything not purchased has at 1; a user of such alone cannot be scored.
    A user without visible purchases cannot be scored, nor can a product without any.

    Args:
        factors: Length of the latent vectors; None: 64, and more where there are more than some
            6,000 products, see `default_factors`.
        regularization: L2 penalty on them, which shrinks singular values; None: on small data 0.85
            times the largest of the matrix of weights. Else `alpha` times a share of what chance
            alone has, √(Σ w² / users) + √(Σ w² / products): 0.6, or what of 0.1 to 1.3 is better
            on a hold-out. See "Defaults that adapt" in the guide to choosing a ranker.
        alpha: Confidence in a purchase of weight 1, relative to 1 for everything not purchased.
        iterations: Sweeps over users and products.
        half_life_days: After how many days an interaction counts half; None: it never ages.
        event_weights: The weight of every kind of event that counts; None: those that mean
            ownership, at 1.

    Attributes:
        user_factors_: float32 (users, factors).
        product_factors_: float32 (products, factors).
        factors_: Their number that was used.
        regularization_: The penalty that was used.

    Source:
        Hu, Koren and Volinsky, "Collaborative Filtering for Implicit Feedback Datasets",
        ICDM 2008, eq. 3 to 5.

    Example:
        >>> import suitably as st
        >>> bank = st.data.simulate_bank(users=200, products=40, seed=0)
        >>> pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=ALS(factors=8))
        >>> ranker = pipeline.fit(bank).ranker_
        >>> ranker.user_factors_.shape, ranker.product_factors_.shape
        ((200, 8), (40, 8))
    """

    learned: ClassVar[tuple[str, ...]] = (
        *LeastSquaresRanker.learned,
        "factors_",
        "regularization_",
    )
    factors_: int
    regularization_: float

    def __init__(
        self,
        factors: int | None = None,
        regularization: float | None = None,
        alpha: float = 3.0,
        iterations: int = 15,
        half_life_days: float | None = None,
        event_weights: Mapping[str, float] | None = None,
    ) -> None:
        self.factors = factors
        self.regularization = regularization
        self.alpha = alpha
        self.iterations = iterations
        self.half_life_days = half_life_days
        self.event_weights = event_weights

    def _learn(self, history: WeightedInteractions, context: FitContext) -> None:
        weights = history.core
        self._choose(history.wanted.core, context)
        confidence, scale = bounded(weights * self.alpha)
        _, products = trained(
            "ALS",
            ("als", "AlternatingLeastSquares"),
            confidence,
            factors=self.factors_,
            regularization=self.regularization_ * scale,
            alpha=1.0,
            iterations=self.iterations,
            num_threads=openmp_threads(),
            random_state=context.seed,
        )
        self._spread(history, products)

    def _choose(self, weights: sparse.csr_array, context: FitContext) -> None:
        """Choose what is not given: by constants on small data, on a hold-out on large."""
        small = is_small(context)
        factors = self.factors or default_factors(weights.shape, small)
        self.factors_ = int(factors)
        if self.regularization is not None:
            self.regularization_ = float(self.regularization)
        elif small:
            self.regularization_ = _SHARE * _norm(weights)
        else:
            found = select(HoldOut.of(context), _AXES, {"noise": _NOISE}, self._trial, _TRIALS)
            self.regularization_ = found["noise"] * self.alpha * noise_norm(weights)

    def _trial(self, values: Mapping[str, Any], hold_out: HoldOut) -> "ALS":
        weights = hold_out.split.past.interactions.weighted(self._weighting).wanted.core
        made = copy.copy(self)
        made._solved_for = hold_out.users
        return made.set_params(
            factors=min(self.factors_, _TRIAL_FACTORS),
            regularization=values["noise"] * self.alpha * noise_norm(weights),
            iterations=min(self.iterations, _TRIAL_SWEEPS),
        )

    def _vectors(self, lines: sparse.csr_array) -> NDArray[np.float32]:
        products = self.product_factors_.astype(np.float64)
        weights, targets = self._terms(lines.data)
        penalty = np.full(lines.shape[0], self.regularization_)
        with one_blas_thread():
            fixed = Fixed.of(products, 1.0)
            found = fixed.solve(lines, weights, targets, penalty)
        vectors: NDArray[np.float32] = found.astype(np.float32)
        return vectors

    def _shares(
        self, line: sparse.csr_array, user: NDArray[np.float32], product: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float]:
        """Split by eq. 7 of the paper, in its section 5."""
        weights, targets = self._terms(line.data)
        return self._fixed.shares(line, weights, targets, self.regularization_, product), 0.0

    @property
    def _unobserved(self) -> float:
        return 1.0

    def _terms(self, weights: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        confidence = self.alpha * weights.astype(np.float64)
        return np.abs(confidence) - 1, np.maximum(confidence, 0)

    def _widen(self, some: Totals, everybody: Totals) -> float:
        if self.regularization is not None:
            return 1.0
        if int(everybody.known.sum()) < FEWEST_PRODUCTS:
            # The largest singular value: that of everybody's matrix, were they all like these.
            ratio = float(np.sqrt(everybody.users / some.users))
        else:
            ratio = everybody.noise_norm / some.noise_norm
        self.regularization_ *= ratio
        return ratio

    def _product_ridge(self, totals: Totals) -> NDArray[np.float64]:
        return np.full(len(totals.known), self.regularization_)

    def _check_params(self) -> None:
        check_positive_int(self, "iterations")
        check_positive_int(self, "factors", optional=True)
        check_positive(self, "alpha")
        check_positive(self, "regularization", zero=True, optional=True)


def _norm(matrix: sparse.csr_array) -> float:
    """Return the largest singular value, by power iteration from the products' popularity."""
    matrix = matrix.astype(np.float64, copy=False)
    vector = np.asarray(matrix.sum(axis=0)).ravel()
    for _ in range(_POWER_ITERATIONS):
        vector = matrix.T @ (matrix @ (vector / np.linalg.norm(vector)))
    return float(np.sqrt(np.linalg.norm(vector)))
