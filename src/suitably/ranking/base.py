"""Base classes of rankers: by row, and by history."""

import copy
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from suitably.data.vocabulary import Vocabulary
from suitably.errors import DataError, NotFittedError
from suitably.ranking.inner_split import without_rejections
from suitably.ranking.interactions import WeightedInteractions, Weighting
from suitably.ranking.protocol import FitContext, Scorer, State
from suitably.ranking.solvers.memory import check_room
from suitably.utils.params import Parameterized

__all__ = ["HistoryRanker", "UserRows"]

# Bytes for an interaction while it is learned from: copies by user and by product.
_ENTRY = 40


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
        if self.needs_interactions and not interactions.known.any():
            raise DataError(
                f"{type(self).__name__}: no visible interaction counts, so nothing can be learned"
            )
        name = type(self).__name__
        check_room(name, self._estimate(interactions), self.smaller)
        try:
            self._learn(interactions, without_rejections(context, self._weighting.against))
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
