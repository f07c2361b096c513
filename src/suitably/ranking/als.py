"""Alternating least squares for implicit feedback, trained by `implicit`."""

from typing import Any, Self

import numpy as np
import pyarrow as pa
from implicit.cpu.als import AlternatingLeastSquares
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

from suitably.data.ids import Ids
from suitably.errors import DataError, NotFittedError
from suitably.ranking.protocol import Factors, FitContext, State
from suitably.ranking.topk import check_factors

__all__ = ["ALS"]

_SHARE = 0.85
_POWER_ITERATIONS = 30


class ALS:
    """Matrix factorisation with a weight of `alpha` on what was acquired and 1 on all else.

    Only training is `implicit`'s: its own ranking returns filtered products when it runs short.
    A customer without visible purchases cannot be scored, nor can a product without any.

    Args:
        factors: Length of the latent vectors.
        regularization: L2 penalty on them; None: 0.85 times the largest singular value of the
            matrix of purchases. The penalty shrinks singular values, so a fixed one that suits a
            large bank leaves nothing of a small one.
        alpha: Confidence in a purchase, relative to 1 for everything not purchased.
        iterations: Sweeps over users and products.

    Attributes:
        user_factors_: float32 (users, factors).
        product_factors_: float32 (products, factors).
        regularization_: The penalty that was used.

    Source:
        Hu, Koren and Volinsky, "Collaborative Filtering for Implicit Feedback Datasets",
        ICDM 2008, eq. 3 to 5.
    """

    user_factors_: NDArray[np.float32]
    product_factors_: NDArray[np.float32]
    regularization_: float

    def __init__(
        self,
        factors: int = 64,
        regularization: float | None = None,
        alpha: float = 3.0,
        iterations: int = 15,
    ) -> None:
        self.factors = factors
        self.regularization = regularization
        self.alpha = alpha
        self.iterations = iterations

    def get_params(self) -> dict[str, Any]:
        """Give the parameters by name."""
        return {
            "factors": self.factors,
            "regularization": self.regularization,
            "alpha": self.alpha,
            "iterations": self.iterations,
        }

    def fit(self, context: FitContext) -> Self:
        """Learn latent vectors from who acquired what.

        Raises:
            DataError: Nobody acquired anything, or the vectors do not stay finite.
            ValueError: A parameter out of range.
        """
        self._check_params()
        purchases = context.data.purchases
        if purchases.nnz == 0:
            raise DataError(
                "ALS: no visible interaction means ownership, so nothing can be learned"
            )
        active = np.diff(purchases.indptr) > 0
        known = np.bincount(purchases.indices, minlength=purchases.shape[1]) > 0
        # Starting values are drawn by shape: users and products to come must not change them.
        weights = sparse.csr_matrix(purchases[active][:, known], dtype=np.float32)
        weights.data[:] = 1
        penalty = self.regularization
        self.regularization_ = _SHARE * _norm(weights) if penalty is None else penalty
        weights.data[:] = self.alpha
        with threadpool_limits(limits=1, user_api="blas"):
            model = AlternatingLeastSquares(
                factors=self.factors,
                regularization=self.regularization_,
                alpha=1.0,
                iterations=self.iterations,
                random_state=context.seed,
            )
            model.fit(weights, show_progress=False)
        check_factors("ALS", model.user_factors, model.item_factors)
        self.user_factors_ = _spread(model.user_factors, active)
        self.product_factors_ = _spread(model.item_factors, known)
        self._users = context.data.users
        self._active = active
        self._known = known
        return self

    def scorer(self, user_ids: NDArray[Any]) -> Factors:
        """Give the vectors of users and products."""
        self._check()
        rows = self._users.codes(user_ids)
        users = self.user_factors_[np.maximum(rows, 0)]
        return Factors(users, self.product_factors_, self._known)

    def can_score(self, user_ids: NDArray[Any]) -> NDArray[np.bool_]:
        """Say which users had purchases to learn from."""
        self._check()
        rows = self._users.codes(user_ids)
        known: NDArray[np.bool_] = (rows >= 0) & self._active[np.maximum(rows, 0)]
        return known

    def state(self) -> State:
        """Give the parameters and what was learned."""
        self._check()
        return {
            **self.get_params(),
            "used_regularization": self.regularization_,
            "user_factors": self.user_factors_,
            "product_factors": self.product_factors_,
            "user_ids": self._users.values,
            "active": self._active,
            "known": self._known,
        }

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Make a fitted ranker from a state."""
        ranker = cls(**{name: state[name] for name in cls().get_params()})
        ranker.regularization_ = state["used_regularization"]
        ranker.user_factors_ = state["user_factors"]
        ranker.product_factors_ = state["product_factors"]
        ranker._users = Ids(pa.array(state["user_ids"]))
        ranker._active = state["active"]
        ranker._known = state["known"]
        users, products = ranker.user_factors_.shape, ranker.product_factors_.shape
        if not (
            users == (len(ranker._users), ranker.factors)
            and products == (len(ranker._known), ranker.factors)
            and ranker._active.shape == users[:1]
            and len(ranker._users.array.unique()) == len(ranker._users)
            and not ranker._users.array.null_count
        ):
            raise ValueError("ALS: users, products and factors do not fit each other")
        return ranker

    def _check_params(self) -> None:
        for name in ("factors", "iterations"):
            number = getattr(self, name)
            whole = isinstance(number, int | np.integer) and not isinstance(number, bool)
            if not whole or number < 1:
                raise ValueError(f"ALS({name}={number!r}): must be a positive integer")
        for name, least in (("alpha", "above 0"), ("regularization", "0 or more")):
            number = getattr(self, name)
            if name == "regularization" and number is None:
                continue
            finite = isinstance(number, int | float | np.number) and np.isfinite(number)
            if not finite or number < 0 or (least == "above 0" and number == 0):
                raise ValueError(f"ALS({name}={number!r}): must be a number, {least}")

    def _check(self) -> None:
        if not hasattr(self, "user_factors_"):
            raise NotFittedError("ALS: call fit first")

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items())
        return f"ALS({given})"


def _norm(matrix: sparse.csr_matrix) -> float:
    """Give the largest singular value, by power iteration from the products' popularity."""
    vector = np.asarray(matrix.sum(axis=0), np.float64).ravel()
    for _ in range(_POWER_ITERATIONS):
        vector = matrix.T @ (matrix @ (vector / np.linalg.norm(vector)))
    return float(np.sqrt(np.linalg.norm(vector)))


def _spread(factors: NDArray[np.float32], where: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Put the learned vectors at their places, zeros at the others."""
    out = np.zeros((len(where), factors.shape[1]), np.float32)
    out[where] = factors
    return out
