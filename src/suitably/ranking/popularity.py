"""What everybody buys, and what everybody of a segment does."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.errors import DataError, NotFittedError
from suitably.ranking.history import History, Weighting
from suitably.ranking.protocol import Factors, FitContext, State
from suitably.utils.params import Parameterized, check_positive
from suitably.utils.suggest import nearest

__all__ = ["Popularity"]

_NO_SEGMENT = 0


class Popularity(Parameterized):
    """Rank products by how many users acquired them: the baseline of every comparison.

    A user counts once per product, with the weight of their strongest interaction. A product
    that nobody acquired has no score. Everybody can be scored, strangers too.

    With `by`, a user gets the popularity within their own segment. Of the C users with any
    history, C_s are of segment s; of a product's weighted users n, n_s are. The score is the
    number of users it would have if everybody were of the segment, C·(n_s + m·n/C)/(C_s + m):
    the mean of a beta posterior whose prior is worth m users of the overall taste. A user
    whose segment is missing or unseen gets n itself, and so does a segment without any history.

    Args:
        half_life_days: After how many days an interaction counts half; None: it never ages.
        event_weights: The weight of every kind of event that counts; None: those that mean
            ownership, at 1.
        by: A profile field or else a column of the users frame, of text, booleans or whole
            numbers; None: everybody is alike.
        smoothing: The m above, in users.

    Attributes:
        counts_: float64 (products,), weighted users per product.
        segments_: The names of the segments, as text.
        segment_counts_: float64 (1 + segments, products), the scores: first those of a user
            without a segment, which are `counts_`.

    Source:
        Gelman and others, "Bayesian Data Analysis", 3rd edition 2013, section 2.4, on the beta
        prior as prior observations.

    Example:
        >>> Popularity(half_life_days=30)
        Popularity(half_life_days=30)
    """

    history_: History
    segments_: tuple[str, ...]
    segment_counts_: NDArray[np.float64]
    _codes: NDArray[np.int32]

    def __init__(
        self,
        half_life_days: float | None = None,
        event_weights: Mapping[str, float] | None = None,
        by: str | None = None,
        smoothing: float = 100.0,
    ) -> None:
        self.half_life_days = half_life_days
        self.event_weights = event_weights
        self.by = by
        self.smoothing = smoothing

    @property
    def reads(self) -> tuple[str, ...]:
        """Fields of users that it goes by, so that a saved pipeline keeps their column."""
        return () if self.by is None else (self.by,)

    @property
    def counts_(self) -> NDArray[np.float64]:
        """Weighted users per product: float64 (products,)."""
        counts: NDArray[np.float64] = self._fitted().segment_counts_[_NO_SEGMENT]
        return counts

    def fit(self, context: FitContext) -> Self:
        """Count the users of every product, in every segment.

        Raises:
            DataError: No such field, or one that makes no segments.
            ValueError: A parameter out of range.
        """
        check_positive(self, "smoothing", zero=True)
        return self._count(History.of(context.data, self._weighting), context)

    def fold_in(self, context: FitContext) -> "Popularity":
        """Take in new interactions, and the segments as they now stand.

        Args:
            context: Shows the new interactions only, over all users and products; both may have
                grown at their ends.

        Returns:
            Another ranker.
        """
        history, _ = self._fitted().history_.plus(context.data, self._weighting)
        return Popularity(**self.get_params(deep=False))._count(history, context)

    def scorer(self, user_ids: NDArray[Any]) -> Factors:
        """Return each user's segment, one-hot, and the scores of every segment."""
        scores = self._fitted().segment_counts_
        rows = self.history_.rows(user_ids)
        codes = np.full(len(rows), _NO_SEGMENT)
        codes[rows >= 0] = self._codes[rows[rows >= 0]]
        return Factors(np.eye(len(scores))[codes], scores.T, self.counts_ > 0)

    def can_score(self, user_ids: NDArray[Any]) -> NDArray[np.bool_]:
        """Return true for everybody."""
        return np.ones(len(user_ids), bool)

    def state(self) -> State:
        """Return the parameters and what was learned."""
        self._fitted()
        return {
            **self.get_params(deep=False),
            "segments": list(self.segments_),
            "segment_counts": self.segment_counts_,
            "segment_codes": self._codes,
            **self.history_.state(),
        }

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Make a fitted ranker from a state.

        Raises:
            ValueError: The parts do not fit each other.
        """
        ranker = cls(**{name: state[name] for name in cls().get_params(deep=False)})
        ranker.history_ = History.from_state(state)
        ranker.segments_ = tuple(state["segments"])
        ranker.segment_counts_, ranker._codes = state["segment_counts"], state["segment_codes"]
        shape = (1 + len(ranker.segments_), ranker.history_.weights.shape[1])
        fits = (
            ranker.segment_counts_.shape == shape
            and len(ranker._codes) == len(ranker.history_.users)
            and bool(((ranker._codes >= 0) & (ranker._codes < shape[0])).all())
        )
        if not fits:
            raise ValueError("Popularity: users, products and segments do not fit")
        return ranker

    def _count(self, history: History, context: FitContext) -> Self:
        self.segments_, self._codes = _segments(self.by, context)
        weights, length = history.weights, 1 + len(self.segments_)
        products = weights.shape[1]
        users = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))
        cells = self._codes[users].astype(np.int64) * products + weights.indices
        inside = np.bincount(cells, weights.data, length * products).reshape(length, products)
        sizes = np.bincount(self._codes[history.active], minlength=length)
        overall, people = inside.sum(axis=0), sizes.sum()
        prior = self.smoothing
        with np.errstate(invalid="ignore", divide="ignore"):
            scores = people * (inside + prior * overall / people) / (sizes + prior)[:, None]
        scores[sizes == 0] = overall
        scores[_NO_SEGMENT] = overall
        self.segment_counts_, self.history_ = scores, history
        return self

    @property
    def _weighting(self) -> Weighting:
        return Weighting(self.half_life_days, self.event_weights)

    def _fitted(self) -> Self:
        if not hasattr(self, "history_"):
            raise NotFittedError("Popularity: call fit first")
        return self


def _segments(by: str | None, context: FitContext) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Return the names of the segments, and every user's: 0 without one, else its place plus 1."""
    if by is None:
        return (), np.zeros(len(context.data.users), np.int32)
    tables = (context.profiles, context.data.user_fields)
    found = next((table[by] for table in tables if by in table.column_names), None)
    if found is None:
        names = [name for table in tables for name in table.column_names]
        raise DataError(f"Popularity(by={by!r}): users have no such field{nearest(by, names)}")
    kind = found.type.value_type if pa.types.is_dictionary(found.type) else found.type
    if not (
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_null(kind)
    ):
        raise DataError(f"Popularity(by={by!r}): holds {kind}, which makes no segments")
    encoded = found.cast(pa.string()).combine_chunks().dictionary_encode()
    names = encoded.dictionary.to_pylist()
    order = np.argsort(np.array(names, object)) if names else np.zeros(0, np.int64)
    places = np.append(np.argsort(order), -1).astype(np.int32)
    codes = places[encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)] + 1
    return tuple(names[place] for place in order), codes.astype(np.int32)
