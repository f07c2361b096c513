"""What rankers that go by a user's own history have in common."""

import copy
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.errors import DataError, NotFittedError
from suitably.ranking.history import History, Weighting
from suitably.ranking.protocol import Factors, FitContext, Scores, State
from suitably.ranking.solvers.overlay import Overlay
from suitably.utils.params import Parameterized

__all__ = ["FactorRanker", "HistoryRanker", "SimilarityRanker"]


class HistoryRanker(Parameterized):
    """A ranker that learns from weighted histories, and gives no score without one.

    A subclass says what it learns: `_learn` sets its attributes, `learned` names those to save.
    """

    learned: ClassVar[tuple[str, ...]] = ()
    half_life_days: float | None
    event_weights: Mapping[str, float] | None
    history_: History

    def fit(self, context: FitContext) -> Self:
        """Learn from who did what before the context's moment.

        Raises:
            DataError: Nobody did anything that counts, or what is learned is not finite.
            ValueError: A parameter out of range.
        """
        self._check_params()
        history = History.of(context.data, self._weighting)
        if not history.weights.nnz:
            raise DataError(
                f"{type(self).__name__}: no visible interaction counts, so nothing can be learned"
            )
        self._learn(history, context)
        self.history_ = history
        return self

    def can_score(self, user_ids: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which users have a history to go by: bool (users,)."""
        return self._fitted().can_score(user_ids)

    def fold_in(self, context: FitContext) -> Self:
        """Take in new interactions without learning anew: what is known of products stays.

        Args:
            context: Shows the new interactions only, over all users and products; both may have
                grown at their ends.

        Returns:
            Another ranker, which shares what has not changed with this one.
        """
        history, changed = self._fitted().plus(context.data, self._weighting)
        made = copy.copy(self)
        made.history_ = history
        made._fold(changed)
        return made

    def state(self) -> State:
        """Return the parameters and what was learned."""
        history = self._fitted()
        learned = {name: getattr(self, name) for name in self.learned}
        return {**self.get_params(deep=False), **learned, **history.state()}

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Make a fitted ranker from a state.

        Raises:
            ValueError: The parts do not fit each other.
        """
        ranker = cls(**{name: state[name] for name in cls().get_params(deep=False)})
        ranker.history_ = History.from_state(state)
        for name in cls.learned:
            setattr(ranker, name, state[name])
        ranker._check_learned()
        return ranker

    @property
    def _weighting(self) -> Weighting:
        return Weighting(self.half_life_days, self.event_weights)

    def _fitted(self) -> History:
        if not hasattr(self, "history_"):
            raise NotFittedError(f"{type(self).__name__}: call fit first")
        return self.history_

    def _check_params(self) -> None:
        """Refuse parameters out of range: ValueError."""

    def _learn(self, history: History, context: FitContext) -> None:
        raise NotImplementedError

    def _fold(self, changed: NDArray[np.int64]) -> None:
        """Bring what is learned of users up to a history in which these rows have changed."""

    def _check_learned(self) -> None:
        """Refuse parts of a state that do not fit each other: ValueError."""


class FactorRanker(HistoryRanker):
    """A ranker with a vector for every user and product: their product is the score.

    Attributes:
        product_factors_: float32 (products, factors), zeros for a product nobody has.
        known_: bool (products,), the products with a vector.
    """

    learned: ClassVar[tuple[str, ...]] = ("user_factors_", "product_factors_", "known_")
    product_factors_: NDArray[np.float32]
    known_: NDArray[np.bool_]
    _users: Overlay

    @property
    def user_factors_(self) -> NDArray[np.float32]:
        """Vectors of users: float32 (users, factors), zeros without a history."""
        merged: NDArray[np.float32] = self._users.merged()
        return merged

    @user_factors_.setter
    def user_factors_(self, factors: NDArray[np.float32]) -> None:
        self._users = Overlay.of(factors)

    def can_score(self, user_ids: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which users have a history of products with a vector: bool (users,)."""
        rows = self._fitted().rows(user_ids)
        able: NDArray[np.bool_] = (self._users.take(rows) != 0).any(axis=1)
        return able

    def scorer(self, user_ids: NDArray[Any]) -> Factors:
        """Return the vectors of users and products."""
        rows = self._fitted().rows(user_ids)
        return Factors(self._users.take(rows), self.product_factors_, self.known_)

    def _fold(self, changed: NDArray[np.int64]) -> None:
        vectors = self._vectors(self._lines(self.history_, changed))
        self._users = self._users.put(changed, vectors, len(self.history_.users))

    def _vectors(self, lines: sparse.csr_array) -> NDArray[np.float32]:
        """Return vectors of users from their histories and the products' vectors.

        A vector depends on its own row alone; it is zeros where the row has no entry.

        Args:
            lines: CSR (users, products), float32, entries of known products only.
        """
        raise NotImplementedError

    def _lines(self, history: History, rows: NDArray[np.int64]) -> sparse.csr_array:
        """Return some users' weights of the products that have a vector."""
        lines = history.lines(rows)
        known = np.zeros(lines.shape[1], bool)
        known[: len(self.known_)] = self.known_
        kept = known[lines.indices]
        starts = np.append(0, np.cumsum(kept))[lines.indptr]
        parts = (lines.data[kept], lines.indices[kept], starts)
        return sparse.csr_array(parts, shape=(len(rows), len(self.known_)))

    def _spread(self, history: History, products: NDArray[Any]) -> None:
        """Put vectors of the known products at their places, zeros elsewhere.

        Those of users are found as they will be for users to come, so that whoever has the same
        history gets the same vector, at the fit or folded in.
        """
        self.product_factors_ = _at(products, history.known)
        self.known_ = history.known
        rows = np.flatnonzero(history.active)
        self.user_factors_ = _at(self._vectors(self._lines(history, rows)), history.active)

    def _check_learned(self) -> None:
        users, products = self.user_factors_.shape, self.product_factors_.shape
        fits = (
            len(users) == len(products) == 2
            and users[0] == len(self.history_.users)
            and products[0] == len(self.known_)
            and users[1] == products[1]
            and products[0] <= self.history_.weights.shape[1]
        )
        if not fits:
            raise ValueError(f"{type(self).__name__}: users, products and factors do not fit")


class SimilarityRanker(HistoryRanker):
    """A ranker that adds up how alike each product is to those a user has.

    Attributes:
        similarity_: float32 (known products, known products), from the row a user has to the
            column scored; products nobody has take no room in it.
        known_: bool (products,), the products that anything is known of.
    """

    learned: ClassVar[tuple[str, ...]] = ("similarity_", "known_")
    similarity_: Any
    known_: NDArray[np.bool_]

    def scorer(self, user_ids: NDArray[Any]) -> Scores:
        """Return the sums, each added up in the order of the user's products."""
        history = self._fitted()
        lines = history.lines(history.rows(user_ids))
        if self.known_.all() and lines.shape[1] == len(self.known_):
            return Scores(self._sums(lines), self.known_)
        block = np.zeros((len(user_ids), len(self.known_)), np.float32)
        block[:, self.known_] = self._sums(lines[:, np.flatnonzero(self.known_)])
        return Scores(block, self.known_)

    def _sums(self, lines: sparse.csr_array) -> NDArray[np.float32]:
        """Add up similarities: CSR (users, known products) to (users, known products)."""
        sums: NDArray[np.float32] = lines @ self.similarity_
        return sums

    def _check_learned(self) -> None:
        known = int(self.known_.sum())
        wide = len(self.known_) > self.history_.weights.shape[1]
        if self.similarity_.shape != (known, known) or wide:
            raise ValueError(f"{type(self).__name__}: products and similarities do not fit")


def _at(factors: NDArray[Any], where: NDArray[np.bool_]) -> NDArray[np.float32]:
    out = np.zeros((len(where), factors.shape[1]), np.float32)
    out[where] = factors
    return out
