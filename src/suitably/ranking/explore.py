"""Explore: lists drawn at random around a ranker's order, with the probability of every draw."""

import copy
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from suitably.data.clock import Instant, micros
from suitably.data.vocabulary import Vocabulary
from suitably.ranking.base import UserRows
from suitably.ranking.contributions import AskedPair, Contributions, contributions
from suitably.ranking.interactions import WeightedInteractions, Weighting
from suitably.ranking.popularity import Popularity
from suitably.ranking.protocol import (
    AskedUsers,
    DrawingRanker,
    FitContext,
    Histories,
    Ranker,
    Scorer,
    State,
    attached,
    can_score,
    score,
    shared_by,
    without_users,
)
from suitably.ranking.similarity import SimilarProducts
from suitably.ranking.summing import SummingMembers
from suitably.ranking.topk.lists import Lists
from suitably.ranking.topk.plackett_luce import draw_lists, log_weights, uniforms
from suitably.utils.params import check_positive, check_positive_int, clone

__all__ = ["Explore"]

_DAY = 86_400_000_000


class Explore(SummingMembers, UserRows):
    """Draw lists around another ranker's order, so that what is shown today can be evaluated later.

    Products are drawn rank by rank without replacement, with probabilities in proportion to
    exp(score / temperature): a Plackett–Luce model over the `top` products with the highest scores
    among those that a user may be offered, does not own and has not turned down. Scores are
    standardised per user over these; equal ones are equally likely. The probability of each draw,
    given those above it, is the list's `propensity`; that of a whole list is the product of its
    rows'. A list that the pipeline's fallback ranked is not drawn, and its propensity is 1. With
    `recommend(stepwise=True)` every step has a pool of its own, among what may be offered after
    those above, over which scores are standardised anew.

    What is drawn depends on the pipeline's seed, the user and the day of `as_of` (in UTC for aware
    data): whoever asks again on the same day sees the same list. Explore draws last: a pipeline
    with it has no rerankers, and it is no member of a `Blend` and no fallback.

    Args:
        ranker: What scores. None: `Popularity()`.
        temperature: How far to stray from the ranker's order, in standard deviations of scores:
            near 0 hardly, at 10 nearly evenly.
        top: How many products of each user may be drawn; as many as a list is long, if that is
            more.

    Attributes:
        ranker_: The fitted ranker.
        seed_: The pipeline's seed.

    Source:
        Plackett, "The Analysis of Permutations", Applied Statistics 24 (1975).

    Example:
        >>> import pandas as pd
        >>> import suitably as st
        >>> log = pd.DataFrame({"user_id": [1, 2, 3, 4, 4], "product_id": list("aabbc")})
        >>> pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=Explore(Popularity()))
        >>> lists = pipeline.fit(st.Dataset(None, None, log)).recommend([1, 3]).to_frame()
        >>> lists.columns.tolist()
        ['user_id', 'rank', 'product_id', 'score', 'propensity']
        >>> lists["propensity"].round(3).tolist()
        [0.881, 1.0, 0.881, 1.0]
    """

    ranker_: Ranker
    seed_: int

    def __init__(
        self, ranker: Ranker | None = None, temperature: float = 1.0, top: int = 100
    ) -> None:
        self.ranker = ranker
        self.temperature = temperature
        self.top = top

    def fit(self, context: FitContext) -> Self:
        """Let the ranker learn.

        Raises:
            DataError: What the ranker raises.
            ValueError: No ranker, one that draws itself, or a parameter out of range.
        """
        check_positive(self, "temperature")
        check_positive_int(self, "top")
        ranker = Popularity() if self.ranker is None else self.ranker
        if isinstance(ranker, type) or not isinstance(ranker, Ranker):
            raise ValueError(f"Explore(ranker={ranker!r:.60}): must be one, such as Popularity()")
        if isinstance(ranker, DrawingRanker):
            raise ValueError("Explore(ranker=Explore(…)): draws last, so it cannot be explored")
        self.ranker_ = clone(ranker).fit(context)
        self.seed_ = context.seed
        self._user_ids = context.data.users.ids
        return self

    def scoring_ranker(self) -> Ranker:
        """Return the fitted ranker that scores."""
        self._check_fitted()
        return self.ranker_

    def pool_size(self, k: int) -> int:
        """Return how many products of a user may be drawn into a list of k."""
        return max(k, self.top)

    def draw(
        self, pool: Lists, rows: NDArray[np.int64], as_of: Instant | None, first: int, k: int
    ) -> Lists:
        """Draw lists among the best products of users.

        Args:
            pool: Their best products, best first.
            rows: The users.
            as_of: The moment, whose day counts.
            first: The rank of the first draw, from 0.
            k: How many draws.
        """
        day = None if as_of is None else micros(as_of) // _DAY  # type: ignore[operator]
        moment = hashlib.blake2b(f"{self.seed_} {day}".encode(), digest_size=8).digest()
        keys = self._user_ids.hashes(rows) ^ np.frombuffer(moment, "<u8")
        numbers = uniforms(keys, first, min(k, pool.depth))
        return draw_lists(pool, log_weights(pool, self.temperature), numbers)

    def scorer(self, user_ids: NDArray[Any]) -> Scorer:
        """Return the ranker's scores of users by external id."""
        return score(self.ranker_, self._asked(user_ids))

    def can_score(self, user_ids: NDArray[Any]) -> NDArray[np.bool_]:
        """Return whom the ranker can score: bool (users,)."""
        return can_score(self.ranker_, self._asked(user_ids))

    def score_rows(self, rows: NDArray[np.int64]) -> Scorer:
        """Return the ranker's scores of users by row."""
        self._check_fitted()
        return score(self.ranker_, AskedUsers(self._user_ids, rows))

    def can_score_rows(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return whom by row the ranker can score: bool (rows,)."""
        self._check_fitted()
        return can_score(self.ranker_, AskedUsers(self._user_ids, rows))

    def product_similarities(self, product: int) -> NDArray[np.float32]:
        """Return how alike every product is to one, by position, as its ranker says.

        Raises:
            ValueError: The ranker has neither vectors nor neighbours.
        """
        self._check_fitted()
        if not isinstance(self.ranker_, SimilarProducts):
            name = type(self.ranker_).__name__
            raise ValueError(f"similar_products: {name} has neither vectors nor neighbours")
        return self.ranker_.product_similarities(product)

    def fold_in(self, context: FitContext) -> Self:
        """Let the ranker take in what is new, if it can.

        Args:
            context: As for the ranker.

        Returns:
            Another one.
        """
        self._check_fitted()
        ranker = self.ranker_
        folded = ranker.fold_in(context) if hasattr(ranker, "fold_in") else ranker
        return self._with(folded, context.data.users.ids)

    def of_users(self, kept: NDArray[np.bool_]) -> Self:
        """Return one whose ranker has nothing of the other users: bool (users,)."""
        self._check_fitted()
        made = copy.copy(self)
        made.ranker_ = without_users(self.ranker_, kept)
        return made

    def shared_interactions(self) -> Mapping[Weighting, WeightedInteractions]:
        """Return those of its ranker."""
        self._check_fitted()
        return shared_by([self.ranker_])

    def attach(
        self, users: Vocabulary, interactions: Mapping[Weighting, WeightedInteractions]
    ) -> Self:
        """Return one whose ranker goes by a model's users and interactions.

        Raises:
            LookupError: The model has not what the ranker goes by.
            ValueError: They do not fit what the ranker has learned.
        """
        return self._with(attached(self.ranker_, users, interactions), users)

    def state(self) -> State:
        """Return the parameters, the fitted ranker and the seed."""
        self._check_fitted()
        parameters = {**self.get_params(deep=False), "ranker": [self.ranker_]}
        return {**parameters, "seed_": self.seed_}

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Return one that has learned what a state says; `attach` makes it score."""
        (ranker,) = state["ranker"]
        made = cls(ranker, state["temperature"], state["top"])
        made.ranker_ = ranker
        made.seed_ = int(state["seed_"])
        return made

    @classmethod
    def joined(cls, states: Sequence[State], histories: Histories, as_of: Instant | None) -> State:
        """Return its own state, the same in all; rankers within are joined by themselves."""
        return states[0]

    def contributions(self, pair: AskedPair) -> Contributions | None:
        """Return what the ranker says."""
        self._check_fitted()
        return contributions(self.ranker_, pair)

    def _inner(self) -> tuple[Ranker, ...]:
        return (self.ranker_,)

    def _of_inner(self, rankers: Sequence[Ranker]) -> Self:
        return self._with(rankers[0], self._user_ids)

    def _with(self, ranker: Ranker, users: Vocabulary) -> Self:
        made = copy.copy(self)
        made.ranker_, made._user_ids = ranker, users
        return made

    def _asked(self, user_ids: NDArray[Any]) -> AskedUsers:
        return AskedUsers(self._user_ids, self._rows(user_ids), np.asarray(user_ids))
