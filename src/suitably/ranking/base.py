"""Base classes of rankers: by row, by history, by latent factors, by item similarity."""

import copy
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.data.vocabulary import Vocabulary
from suitably.errors import DataError, NotFittedError
from suitably.ranking.contributions import AskedPair, Contributions
from suitably.ranking.interactions import WeightedInteractions, Weighting
from suitably.ranking.protocol import Factors, FitContext, Scorer, Scores, State
from suitably.ranking.similarity import cosines
from suitably.ranking.solvers.least_squares import Fixed
from suitably.ranking.solvers.memory import check_room
from suitably.ranking.solvers.overlay import Overlay
from suitably.utils.parallel import one_blas_thread
from suitably.utils.params import Parameterized

__all__ = ["FactorRanker", "HistoryRanker", "SimilarityRanker", "UserRows"]

_GLANCE = 64
# What a sparse similarity is saved as: where rows begin, which products, how alike.
_SPARSE = ("starts_", "neighbours_", "similarities_")
# Bytes for an interaction while it is learned from: copies by user and by product.
_ENTRY = 40
# Copies of factors at the worst moment, and how many there are where the data decide.
_COPIES, _FACTORS = 4, 128


class UserRows(Parameterized):
    """Answers by external id of a ranker that works on rows of users."""

    _user_ids: Vocabulary

    def scorer(self, user_ids: NDArray[Any]) -> Scorer:
        """Return scores of users by external id, over the products of the view fitted on."""
        return self.score_rows(self._rows(user_ids))

    def can_score(self, user_ids: NDArray[Any]) -> NDArray[np.bool_]:
        """Return for which users there is anything to go by: bool (users,)."""
        return self.can_score_rows(self._rows(user_ids))

    def score_rows(self, rows: NDArray[np.int64]) -> Scorer:
        """Return scores of users by row; −1 stands for a stranger."""
        raise NotImplementedError

    def can_score_rows(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return for which users by row there is anything to go by: bool (rows,)."""
        raise NotImplementedError

    def _rows(self, user_ids: NDArray[Any]) -> NDArray[np.int64]:
        self._check_fitted()
        return self._user_ids.codes(user_ids).astype(np.int64)

    def _check_fitted(self) -> None:
        if not hasattr(self, "_user_ids"):
            raise NotFittedError(f"{type(self).__name__}: call fit first")


class HistoryRanker(UserRows):
    """A ranker that learns from weighted interactions, and gives no score without any.

    A subclass says what it learns: `_learn` sets its attributes, `learned` names those to save,
    `made_of_learned` its cached properties, `_estimate` what it takes: what does not fit is refused
    before it starts, with `smaller`, what to use instead.

    Attributes:
        interactions_: What it goes by; all rankers of a model with the same weighting share it.
    """

    learned: ClassVar[tuple[str, ...]] = ()
    made_of_learned: ClassVar[tuple[str, ...]] = ()
    needs_interactions: ClassVar[bool] = True
    smaller: ClassVar[str] = "Popularity needs less"
    half_life_days: float | None
    event_weights: Mapping[str, float] | None
    interactions_: WeightedInteractions

    def fit(self, context: FitContext) -> Self:
        """Learn from who did what before the context's moment.

        Raises:
            DataError: Nobody did anything that counts, what is learned is not finite, or there is
                not enough memory.
            ValueError: A parameter out of range.
        """
        self._check_params()
        interactions = context.interactions.weighted(self._weighting)
        if self.needs_interactions and not interactions.weights.nnz:
            raise DataError(
                f"{type(self).__name__}: no visible interaction counts, so nothing can be learned"
            )
        name = type(self).__name__
        check_room(name, self._estimate(interactions), self.smaller)
        try:
            self._learn(interactions, context)
        except MemoryError as error:
            raise DataError(f"{name}: there is not enough memory; {self.smaller}") from error
        self._go_by(interactions)
        return self

    def can_score_rows(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which users by row have interactions to go by: bool (rows,)."""
        self._check_fitted()
        return self.interactions_.any_of(rows)

    def fold_in(self, context: FitContext) -> Self:
        """Take in new interactions without learning anew: what is known of products stays.

        Args:
            context: Shows the new interactions only, over all users and products; both may have
                grown at their ends.

        Returns:
            Another ranker, which shares what has not changed with this one.
        """
        self._check_fitted()
        joint, changed = context.interactions.added_to(self.interactions_)
        made = copy.copy(self)
        made._go_by(joint)
        made._fold(changed, context)
        return made

    def shared_interactions(self) -> Mapping[Weighting, WeightedInteractions]:
        """Return the interactions it goes by, to be held by the model."""
        self._check_fitted()
        return {self.interactions_.weighting: self.interactions_}

    def attach(
        self, users: Vocabulary, interactions: Mapping[Weighting, WeightedInteractions]
    ) -> Self:
        """Return a ranker that goes by a model's users and interactions.

        Raises:
            LookupError: The model has none of this weighting.
            ValueError: They do not fit what it has learned.
        """
        made = copy.copy(self)
        made._go_by(interactions[self._weighting])
        made._check_learned()
        return made

    def of_users(self, kept: NDArray[np.bool_]) -> Self:
        """Return a ranker that has nothing of the other users by themselves: bool (users,).

        What was learned of products from all of them together stays. `attach` makes it score.
        """
        self._check_fitted()
        return copy.copy(self)

    def state(self) -> State:
        """Return the parameters and what was learned."""
        self._check_fitted()
        learned = {name: getattr(self, name) for name in self.learned}
        return {**self.get_params(deep=False), **learned}

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Return a ranker that has learned what a state says; `attach` makes it score."""
        ranker = cls(**{name: state[name] for name in cls().get_params(deep=False)})
        for name in cls.learned:
            setattr(ranker, name, state[name])
        return ranker

    @property
    def _weighting(self) -> Weighting:
        return Weighting(self.half_life_days, self.event_weights)

    def _go_by(self, interactions: WeightedInteractions) -> None:
        self.interactions_ = interactions
        self._user_ids = interactions.users
        for name in self.made_of_learned:
            self.__dict__.pop(name, None)

    def _check_params(self) -> None:
        """Refuse parameters out of range: ValueError."""

    def _estimate(self, history: WeightedInteractions) -> int:
        """Return how many bytes learning takes at its worst moment, besides the interactions."""
        return _ENTRY * int(history.weights.nnz)

    def _learn(self, history: WeightedInteractions, context: FitContext) -> None:
        """Learn from weighted interactions, of which there are some."""
        raise NotImplementedError

    def _fold(self, changed: NDArray[np.int64], context: FitContext) -> None:
        """Take in the interactions of some rows, which have changed."""

    def _check_learned(self) -> None:
        """Refuse parts of a state that do not fit each other: ValueError."""


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
        return Contributions(lines.indices.astype(np.int64), values, rest=rest)

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
        lines = history.sized(rows)
        known = np.zeros(lines.shape[1], bool)
        known[: len(self.known_)] = self.known_
        kept = known[lines.indices]
        starts = np.append(0, np.cumsum(kept))[lines.indptr]
        parts = (lines.data[kept], lines.indices[kept], starts)
        return sparse.csr_array(parts, shape=(len(rows), len(self.known_)))

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


class SimilarityRanker(HistoryRanker):
    """A ranker that adds up how alike each product is to those a user has.

    Attributes:
        similarity_: float32 (known products, known products), dense or CSR, from the row a user
            has to the column scored; products nobody has take no room in it.
        known_: bool (products,), the products that anything is known of.
    """

    learned: ClassVar[tuple[str, ...]] = ("known_",)
    similarity_: Any
    known_: NDArray[np.bool_]
    _has_similar: NDArray[np.bool_]
    _unit: float

    def score_rows(self, rows: NDArray[np.int64]) -> Scores:
        """Return the sums, each added up in the order of the user's products."""
        self._check_fitted()
        lines = self.interactions_.lines(rows)
        lines.data *= np.float32(self._unit)
        if self.known_.all() and lines.shape[1] == len(self.known_):
            return Scores(self._sums(lines), self.known_)
        block = np.zeros((len(rows), len(self.known_)), np.float32)
        block[:, self.known_] = self._sums(lines[:, np.flatnonzero(self.known_)])
        return Scores(block, self.known_)

    def fit(self, context: FitContext) -> Self:
        """Learn from who did what before the context's moment.

        Raises:
            DataError: Nobody did anything that counts, or what is learned is not finite.
            ValueError: A parameter out of range.
        """
        super().fit(context)
        self._has_similar = self._find_similar()
        return self

    def state(self) -> State:
        """Return the parameters and what was learned; a sparse similarity as its three arrays."""
        made, alike = super().state(), self.similarity_
        if not sparse.issparse(alike):
            return {**made, "similarity_": alike}
        arrays = alike.indptr.astype(np.int64), alike.indices.astype(np.int32), alike.data
        return {**made, **dict(zip(_SPARSE, arrays, strict=True))}

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Return a ranker that has learned what a state says; `attach` makes it score."""
        ranker = super().from_state(state)
        if "similarity_" in state:
            ranker.similarity_ = state["similarity_"]
        else:
            starts, neighbours, values = (state[name] for name in _SPARSE)
            side = len(starts) - 1
            ranker.similarity_ = sparse.csr_array((values, neighbours, starts), shape=(side, side))
        return ranker

    def can_score_rows(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which users by row have a product that says anything of others: bool (rows,)."""
        self._check_fitted()
        places, bounds = self.interactions_.stored(rows)
        products = self.interactions_.weights.indices[places]
        told = np.append(0, np.cumsum(self._telling(products)))
        able: NDArray[np.bool_] = np.diff(told[bounds]) > 0
        return able

    def _go_by(self, interactions: WeightedInteractions) -> None:
        super()._go_by(interactions)
        self._unit = interactions.unit()

    def _telling(self, products: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Return which products by position are similar to any, or dissimilar: bool."""
        there = products < len(self._has_similar)
        telling: NDArray[np.bool_] = np.zeros(len(products), bool)
        telling[there] = self._has_similar[products[there]]
        return telling

    def _find_similar(self) -> NDArray[np.bool_]:
        found = self.known_.copy()
        if np.count_nonzero(found) > 1:  # a single product is all that there is to list
            found[self.known_] = self._similar_to_any()
        return found

    def _similar_to_any(self) -> NDArray[np.bool_]:
        """Return which rows of the similarity say anything of others: bool (known products,).

        What lies beside the diagonal by rounding alone says nothing.
        """
        if sparse.issparse(self.similarity_):
            some: NDArray[np.bool_] = np.diff(self.similarity_.indptr) > 0
            return some
        itself = np.abs(np.asarray(self.similarity_.diagonal()))
        noise = itself * np.finfo(np.float32).eps
        # A few columns settle nearly every row, and the matrix may lie on disk.
        first = np.abs(self.similarity_[:, :_GLANCE])
        np.fill_diagonal(first, 0)
        found: NDArray[np.bool_] = (first > noise[:, None]).any(axis=1)
        for row in np.flatnonzero(~found):
            others = np.delete(np.abs(self.similarity_[row]), row)
            found[row] = (others > noise[row]).any()
        return found

    def product_similarities(self, product: int) -> NDArray[np.float32]:
        """Return how much having one product, by position, speaks for every other.

        Returns:
            float32 (products,), NaN where it does not.
        """
        self._check_fitted()
        alike = np.full(len(self.known_), np.nan, np.float32)
        if product < len(self.known_) and self.known_[product]:
            values = self._row(int(self.known_[:product].sum()))
            alike[self.known_] = np.where(values > 0, values, np.nan)
        return alike

    def contributions(self, pair: AskedPair) -> Contributions | None:
        """Return what each product of the user's past adds to a score: weight times similarity."""
        self._check_fitted()
        if pair.product >= len(self.known_) or not self.known_[pair.product]:
            return None
        products, weights = self.interactions_.line(pair.user.rows.item())
        there = products < len(self.known_)
        there[there] = self.known_[products[there]]
        products, weights = products[there], weights[there] * np.float32(self._unit)
        places = np.cumsum(self.known_) - 1
        alike = self._similarities(places[products], int(places[pair.product]))
        return Contributions(products, weights * alike)

    def _similarities(self, rows: NDArray[np.int64], column: int) -> NDArray[np.float64]:
        """Return the similarities of some known products to one: float64 (rows,)."""
        alike = self.similarity_
        if not sparse.issparse(alike):
            return np.asarray(alike[rows, column], np.float64)
        found = np.zeros(len(rows))
        for place, row in enumerate(rows.tolist()):
            start, end = alike.indptr.item(row), alike.indptr.item(row + 1)
            at = start + int(np.searchsorted(alike.indices[start:end], column))
            if at < end and alike.indices.item(at) == column:
                found[place] = alike.data.item(at)
        return found

    def _row(self, row: int) -> NDArray[np.floating]:
        """Return the similarities of one known product to all: (known products,)."""
        found = self.similarity_[[row]]
        return np.asarray(found.toarray() if sparse.issparse(found) else found).ravel()

    def _sums(self, lines: sparse.csr_array) -> NDArray[np.float32]:
        """Add up similarities: CSR (users, known products) to (users, known products)."""
        sums = lines @ self.similarity_
        dense: NDArray[np.float32] = sums.toarray() if sparse.issparse(sums) else sums
        return dense

    def _check_learned(self) -> None:
        known = int(self.known_.sum())
        wide = len(self.known_) > self.interactions_.weights.shape[1]
        if self.similarity_.shape != (known, known) or wide or not _sound(self.similarity_):
            raise ValueError(f"{type(self).__name__}: products and similarities do not fit")
        self._has_similar = self._find_similar()


def _sound(similarity: Any) -> bool:
    """Return whether a sparse similarity is one: its rows in order, its columns within it."""
    if not sparse.issparse(similarity):
        return True
    starts, columns, values = similarity.indptr, similarity.indices, similarity.data
    return (
        starts[0] == 0
        and bool((np.diff(starts) >= 0).all())
        and starts[-1] == len(columns) == len(values)
        and bool(((columns >= 0) & (columns < similarity.shape[1])).all())
        and bool(np.isfinite(values).all())
    )


def _at(factors: NDArray[Any], where: NDArray[np.bool_]) -> NDArray[np.float32]:
    out = np.zeros((len(where), factors.shape[1]), np.float32)
    out[where] = factors
    return out
