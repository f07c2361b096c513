"""Base class of rankers by latent factors, of which those of users follow from products'."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.data.clock import Instant
from suitably.ranking.base import HistoryRanker
from suitably.ranking.contributions import AskedPair, Contributions
from suitably.ranking.interactions import WeightedInteractions
from suitably.ranking.protocol import Factors, FitContext, Histories, State
from suitably.ranking.similarity import cosines
from suitably.ranking.solvers.least_squares import Fixed
from suitably.ranking.solvers.overlay import Overlay
from suitably.utils.parallel import one_blas_thread
from suitably.utils.pieces import stacked

__all__ = ["FactorRanker"]

# Copies of factors at the worst moment, and how many there are where the data decide.
_COPIES, _FACTORS = 4, 128


class FactorRanker(HistoryRanker):
    """A ranker with a vector for every user and product: their product is the score.

    Attributes:
        user_factors_: float32 (users, factors), zeros without a history.
        product_factors_: float32 (products, factors), zeros for a product nobody has.
        known_: bool (products,), the products with a vector.
    """

    learned: ClassVar[tuple[str, ...]] = ("product_factors_", "known_")
    made_of_learned: ClassVar[tuple[str, ...]] = ("_fixed",)
    smaller: ClassVar[str] = "fewer factors need less, and so does ItemKNN"
    product_factors_: NDArray[np.float32]
    known_: NDArray[np.bool_]
    _users: Overlay
    # Rows, ascending, of those who get a vector at the fit, where a few are enough to judge by.
    _solved_for: NDArray[np.int64] | None = None

    def of_users(self, kept: NDArray[np.bool_]) -> Self:
        """Return a ranker without the vectors of the other users: bool (users,)."""
        made = super().of_users(kept)
        made._users = self._users.only(kept)
        return made

    @property
    def user_factors_(self) -> NDArray[np.float32]:
        """Vectors of users: float32 (users, factors), zeros without a history."""
        self._check_fitted()
        merged: NDArray[np.float32] = self._users.merged()
        return merged

    def state(self) -> State:
        """Return the parameters and what was learned; vectors of users with a history only."""
        self._check_fitted()
        return {**super().state(), "active_user_factors": self._users.compact()}

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Return a ranker that has learned what a state says; `attach` makes it score."""
        ranker = super().from_state(state)
        factors = state["active_user_factors"]
        ranker._users = Overlay.of(factors, np.ones(len(factors), bool))
        return ranker

    @classmethod
    def joined(cls, states: Sequence[State], histories: Histories, as_of: Instant | None) -> State:
        """Return the state of a ranker with the users' vectors of all; see `JoinedRanker`."""
        name = "active_user_factors"
        return {**states[0], name: stacked([state[name] for state in states])}

    def can_score_rows(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which users by row have a vector: bool (rows,)."""
        self._check_fitted()
        able: NDArray[np.bool_] = np.logical_or.reduce(self._users.take(rows), axis=1)
        return able

    def score_rows(self, rows: NDArray[np.int64]) -> Factors:
        """Return the vectors of users by row and of products."""
        self._check_fitted()
        return Factors(self._users.take(rows), self.product_factors_, self.known_)

    def product_similarities(self, product: int) -> NDArray[np.float32]:
        """Return the cosine of every product's latent vector with one's, by position.

        Returns:
            float32 (products,), NaN for products without a vector.
        """
        self._check_fitted()
        return cosines(self._latent(self.product_factors_), product)

    def contributions(self, pair: AskedPair) -> Contributions | None:
        """Return what each product of the user's past adds to a score: of those with a vector."""
        self._check_fitted()
        lines = self._lines(self.interactions_, pair.user.rows)
        if pair.product >= len(self.known_) or not lines.nnz:
            return None
        vector = self.product_factors_[pair.product].astype(np.float64)
        values, rest = self._shares(lines, self._users.take(pair.user.rows)[0], vector)
        return Contributions.of_past(lines.indices.astype(np.int64), lines.data, values, rest)

    def _shares(
        self, line: sparse.csr_array, user: NDArray[np.float32], product: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float]:
        """Split the product of two vectors by the history that the user's was found from.

        Args:
            line: CSR (1, products), the history, as for `_vectors`.
            user: The user's vector.
            product: The product's.

        Returns:
            What each entry adds, and what no entry does.
        """
        raise NotImplementedError

    @cached_property
    def _fixed(self) -> Fixed:
        """The products' vectors as least squares hold them, for all users."""
        with one_blas_thread():
            return Fixed.of(self.product_factors_.astype(np.float64), self._unobserved)

    @property
    def _unobserved(self) -> float:
        """The weight of pairs that nobody has acquired, of rankers by least squares."""
        raise NotImplementedError

    def _latent(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return vectors of products without their biases."""
        return vectors

    def _fold(self, changed: NDArray[np.int64], context: FitContext) -> None:
        vectors = self._vectors(self._lines(self.interactions_, changed))
        self._users = self._users.put(changed, vectors, len(self._user_ids))

    def _vectors(self, lines: sparse.csr_array) -> NDArray[np.float32]:
        """Return vectors of users from their histories and the products' vectors.

        A vector depends on its own row alone; it is zeros where the row has no entry.

        Args:
            lines: CSR (users, products), float32, entries of known products only.
        """
        raise NotImplementedError

    def _lines(self, history: WeightedInteractions, rows: NDArray[np.int64]) -> sparse.csr_array:
        """Return some users' weights of the products that have a vector."""
        return self._having_vectors(history.sized(rows))

    def _having_vectors(self, lines: sparse.csr_array) -> sparse.csr_array:
        known = np.zeros(lines.shape[1], bool)
        known[: len(self.known_)] = self.known_
        kept = known[lines.indices]
        starts = np.append(0, np.cumsum(kept))[lines.indptr]
        parts = (lines.data[kept], lines.indices[kept], starts)
        return sparse.csr_array(parts, shape=(lines.shape[0], len(self.known_)))

    def _estimate(self, history: WeightedInteractions) -> int:
        factors = getattr(self, "factors", None) or _FACTORS
        vectors = int(np.count_nonzero(history.active)) + len(history.known)
        return super()._estimate(history) + _COPIES * 4 * vectors * int(factors)

    def _spread(self, history: WeightedInteractions, products: NDArray[Any]) -> None:
        """Put vectors of the known products at their places, zeros elsewhere.

        Those of users are found as they will be for users to come, so that whoever has the same
        history gets the same vector, at the fit or folded in.
        """
        self.product_factors_ = _at(products, history.known)
        self.known_ = history.known
        rows = self._solved_for
        if rows is None:
            rows = np.flatnonzero(history.active)
        solved = np.zeros(len(history.active), bool)
        solved[rows] = True
        self._users = Overlay.of(self._vectors(self._lines(history, rows)), solved)

    def _check_learned(self) -> None:
        self._users = Overlay.of(self._users.compact(), self.interactions_.active)
        users, products = self._users.base.shape, self.product_factors_.shape
        fits = (
            len(users) == len(products) == 2
            and products[0] == len(self.known_)
            and users[1] == products[1]
            and products[0] <= self.interactions_.weights.shape[1]
        )
        if not fits:
            raise ValueError(f"{type(self).__name__}: users, products and factors do not fit")


def _at(factors: NDArray[Any], where: NDArray[np.bool_]) -> NDArray[np.float32]:
    out = np.zeros((len(where), factors.shape[1]), np.float32)
    out[where] = factors
    return out
