"""Blending: several rankers as one, by a logarithmic pool of their scores."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suitably.data.clock import Instant
from suitably.data.vocabulary import Vocabulary
from suitably.ranking.base import UserRows
from suitably.ranking.blending.pool import Pool, which_score
from suitably.ranking.blending.weights import best_of, learn_weights
from suitably.ranking.blending.windows import Windows, has_many_products, is_dated, judged_in
from suitably.ranking.contributions import AskedPair, Contributions, contributions
from suitably.ranking.ease import EASE
from suitably.ranking.inner_split import kinds_against, without_rejections
from suitably.ranking.interactions import WeightedInteractions, Weighting
from suitably.ranking.item_knn import ItemKNN
from suitably.ranking.popularity import Popularity
from suitably.ranking.protocol import (
    AskedUsers,
    DrawingRanker,
    FitContext,
    Histories,
    Ranker,
    Scores,
    State,
    attached,
    shared_by,
    without_users,
)
from suitably.ranking.similarity import SimilarProducts
from suitably.ranking.summing import SummingMembers
from suitably.utils.parallel import check_jobs
from suitably.utils.params import check_positive, check_positive_int, clone

__all__ = ["Blend"]

_HALF_LIVES = (7.0, 30.0)
_DROPOUT, _YEAR = 0.5, 365.0


class Blend(SummingMembers, UserRows):
    """Blend rankers by a weighted sum of their scores on one logarithmic scale.

    The score of a pair is Σ w · asinh(10 · x / m), x being what a ranker says of it and m the mean
    size of what that ranker says of the user's products. Far from 0 that is the logarithm, so
    that scores multiply, as in a logarithmic opinion pool; near 0 it is linear, so that scores of
    0 and below have their place. A user whom some rankers cannot score is left to the others.

    A product that a ranker does not know is neither good nor bad for that: it is as far from the
    user's mean score as the rankers that know it say, by their weights shared anew. A new product
    that one ranker knows is ranked by that one. What no ranker that can score the user knows
    comes last.

    Without `weights` they are learned: the rankers are fitted on the past of several inner cuts in
    time, and weights are searched for a high nDCG@10 on what users acquired in the windows after
    the cuts, over those whom at least two rankers can score. All of it lies before the moment of
    the fit, and a later moment changes nothing; then the rankers are fitted on everything. Fields
    of users and products in the inner past are those of the fit. In data without timestamps, or all
    of one moment, a fifth of what each user has is hidden at random instead, three times over. From
    half a million acquisitions on (a million, where nothing is dated) the splits learn from samples
    of users, so that together they take no more than the greater of three million acquisitions and
    the fit itself. Of more than 2,000 products there are two splits, of more than 4,000 four, which
    together take no more than the fit whatever its size, and an `EASE` of all products is judged
    there by the 50 nearest of each. Where nothing can be learned, as of a log of one user, weights
    are equal.

    Args:
        rankers: What to blend; at least one. They are not fitted themselves, copies are. None:
            `EASE`, `ItemKNN`, and `Popularity` of half-lives of 7 and 30 days, or of none where
            nothing is dated. Of up to 2,000 products, `EASE` has dropout of a half, a half-life of
            a year, or both where it alone is better so on the inner windows, by more than one
            standard error.
        weights: Of each ranker, 0 or more; None: learned.
        windows: How many inner windows to learn from at most; None: 6, of more than 2,000 products
            2, of more than 4,000 4. One alone follows the fashion of its day.
        horizon_days: Length of the windows, at most a third of the time there is. Neighbours
            overlap by two thirds.
        n_jobs: How many windows are learned from at a time; −1: as many as there are cores. The
            weights do not depend on it.

    Attributes:
        rankers_: The fitted rankers.
        weights_: float64 (rankers,), their sum is 1.
        judged_: How many users the weights were learned from, each counted per window.

    Source:
        Genest and Zidek, "Combining Probability Distributions", Statistical Science 1 (1986),
        section 3.3, on logarithmic pools; Burbidge, Magee and Robb, "Alternative Transformations
        to Handle Extreme Values of the Dependent Variable", JASA 83 (1988), on asinh.

    Example:
        >>> from suitably.ranking import EASE, Popularity
        >>> Blend([EASE(), Popularity(half_life_days=30)])
        Blend(rankers=[EASE(), Popularity(half_life_days=30)])
    """

    rankers_: tuple[Ranker, ...]
    weights_: NDArray[np.float64]
    judged_: int

    def __init__(
        self,
        rankers: Sequence[Any] | None = None,
        weights: ArrayLike | None = None,
        windows: int | None = None,
        horizon_days: float = 180,
        n_jobs: int = 1,
    ) -> None:
        self.rankers = rankers
        self.weights = weights
        self.windows = windows
        self.horizon_days = horizon_days
        self.n_jobs = n_jobs

    def fit(self, context: FitContext) -> Self:
        """Learn the weights on inner splits, then every ranker on everything.

        Raises:
            DataError: What the rankers raise.
            ValueError: No ranker, or a parameter out of range.
        """
        members = self._members(context)
        given = self._check(members)
        members = list(members)
        inner = without_rejections(context, kinds_against(members))
        learns = given is None and len(members) > 1
        others = self._alternatives(context) if learns else []
        windows = Windows(self.windows, self.horizon_days, self.n_jobs)
        judged = list(judged_in(windows, [*members, *others], inner)) if learns else []
        if others:
            first = best_of(judged, [0, *range(len(members), len(members) + len(others))])
            judged = [one.of([first, *range(1, len(members))]) for one in judged]
            members[0] = [*members, *others][first]
        self.judged_ = sum(len(one.allowed) for one in judged)
        self.weights_ = learn_weights(judged, len(members)) if given is None else given
        self.rankers_ = tuple(clone(ranker).fit(context) for ranker in members)
        self.__dict__.pop("_pool", None)
        self._user_ids = context.data.users.ids
        return self

    def scorer(self, user_ids: NDArray[Any]) -> Scores:
        """Return the weighted sums; rankers of the caller's own are asked by id."""
        return self._blended(self._asked(user_ids))

    def can_score(self, user_ids: NDArray[Any]) -> NDArray[np.bool_]:
        """Return whom any of the rankers can score: bool (users,)."""
        asked = self._asked(user_ids)
        return np.asarray(which_score(self.rankers_, asked).any(axis=1))

    def score_rows(self, rows: NDArray[np.int64]) -> Scores:
        """Return the weighted sums of users by row."""
        self._check_fitted()
        return self._blended(AskedUsers(self._user_ids, rows))

    def can_score_rows(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return whom by row any of the rankers can score: bool (rows,)."""
        self._check_fitted()
        users = AskedUsers(self._user_ids, rows)
        return np.asarray(which_score(self.rankers_, users).any(axis=1))

    def _asked(self, user_ids: NDArray[Any]) -> AskedUsers:
        return AskedUsers(self._user_ids, self._rows(user_ids), np.asarray(user_ids))

    def _blended(self, asked: AskedUsers) -> Scores:
        return self._pool.scores(asked)

    @cached_property
    def _pool(self) -> Pool:
        """Pools the rankers, with what is made of their products once."""
        return Pool(self.rankers_, self.weights_)

    def _inner(self) -> tuple[Ranker, ...]:
        return self.rankers_

    def _of_inner(self, rankers: Sequence[Ranker]) -> Self:
        return self._with(rankers)

    def _with(self, rankers: Iterable[Ranker]) -> Self:
        made = copy.copy(self)
        made.__dict__.pop("_pool", None)
        made.rankers_ = tuple(rankers)
        return made

    def contributions(self, pair: AskedPair) -> Contributions | None:
        """Return what its rankers say, each on the common scale and by its weight.

        The scale is not linear: what a ranker's score x is made of is multiplied by the slope from
        0 to the scaled score, as in the rescale rule of DeepLIFT.

        Source:
            Shrikumar, Greenside and Kundaje, "Learning Important Features Through Propagating
            Activation Differences", ICML 2017, section 3.2.
        """
        self._check_fitted()
        said = self._pool.pair(pair.user, pair.product)
        if said is None:
            return None
        found, rest = said
        parts = [Contributions(rest=rest)]
        for one in found:
            value, made = one.share * one.value, contributions(one.ranker, pair)
            inside = Contributions()
            if made is not None and one.raw:
                inside = made.times(value / one.raw)
            parts.append(replace(inside, rest=inside.rest + value - inside.score))
        return Contributions.sum_of(parts)

    def product_similarities(self, product: int) -> NDArray[np.float32]:
        """Return how alike every product is to one, by position, as its rankers say on average.

        What each says is put on a scale of 1 for the most alike, and weighed by the blend's
        weights; rankers with neither vectors nor neighbours say nothing.

        Returns:
            float32 (products,), NaN where no ranker says anything.
        """
        self._check_fitted()
        said = [
            (weight, ranker.product_similarities(product))
            for weight, ranker in zip(self.weights_, self.rankers_, strict=True)
            if weight > 0 and isinstance(ranker, SimilarProducts)
        ]
        width = max((len(alike) for _, alike in said), default=0)
        total, told = np.zeros(width), np.zeros(width, bool)
        for weight, alike in said:
            others = alike.copy()
            others[product : product + 1] = np.nan
            largest = np.nanmax(others, initial=0.0)
            known = ~np.isnan(others)
            if largest > 0:
                total[: len(others)][known] += weight * others[known] / largest
                told[: len(others)] |= known
        return np.where(told, total, np.nan).astype(np.float32)

    def fold_in(self, context: FitContext) -> Self:
        """Let every ranker that can take in what is new; the weights stay.

        Args:
            context: As for the rankers.

        Returns:
            Another blend.
        """
        self._check_fitted()
        made = self._with(
            ranker.fold_in(context) if hasattr(ranker, "fold_in") else ranker
            for ranker in self.rankers_
        )
        made._user_ids = context.data.users.ids
        return made

    def of_users(self, kept: NDArray[np.bool_]) -> Self:
        """Return a blend of rankers that have nothing of the other users: bool (users,)."""
        self._check_fitted()
        return self._with(without_users(ranker, kept) for ranker in self.rankers_)

    def shared_interactions(self) -> Mapping[Weighting, WeightedInteractions]:
        """Return those of its rankers, each once."""
        self._check_fitted()
        return shared_by(self.rankers_)

    def attach(
        self, users: Vocabulary, interactions: Mapping[Weighting, WeightedInteractions]
    ) -> Self:
        """Return a blend whose rankers go by a model's users and interactions.

        Raises:
            LookupError: The model has not what a ranker goes by.
            ValueError: They do not fit what a ranker has learned.
        """
        made = self._with(attached(one, users, interactions) for one in self.rankers_)
        made._user_ids = users
        return made

    def state(self) -> State:
        """Return the parameters, the fitted rankers and the weights."""
        self._check_fitted()
        rankers = list(self.rankers_)
        given = None if self.weights is None else np.asarray(self.weights, float).tolist()
        learned = {"weights_": self.weights_, "judged_": self.judged_}
        return {**self.get_params(deep=False), "rankers": rankers, "weights": given, **learned}

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Make a fitted blend from a state.

        Raises:
            ValueError: The parts do not fit each other.
        """
        names = ("rankers", "weights", "windows", "horizon_days", "n_jobs")
        blend = cls(**{name: state[name] for name in names})
        _shares(state["weights_"], len(state["rankers"]))
        # As they were: to bring their sum to 1 once more would move their last digits.
        blend.weights_ = np.asarray(state["weights_"], np.float64)
        blend.judged_ = int(state["judged_"])
        blend.rankers_ = tuple(state["rankers"])
        return blend

    @classmethod
    def joined(cls, states: Sequence[State], histories: Histories, as_of: Instant | None) -> State:
        """Return its own state, the same in all; rankers within are joined by themselves."""
        return states[0]

    def _members(self, context: FitContext) -> Sequence[Any]:
        if self.rankers is not None:
            return self.rankers
        half_lives = _HALF_LIVES if is_dated(context) else (None,)
        return [EASE(), ItemKNN(), *(Popularity(half_life_days=days) for days in half_lives)]

    def _alternatives(self, context: FitContext) -> list[EASE]:
        """Return what may take the place of the first of the default members."""
        if self.rankers is not None or has_many_products(context):
            return []
        found = [EASE(dropout=_DROPOUT)]
        if is_dated(context):
            found += [EASE(half_life_days=_YEAR), EASE(dropout=_DROPOUT, half_life_days=_YEAR)]
        return found

    def _check(self, rankers: Sequence[Any]) -> NDArray[np.float64] | None:
        several = isinstance(rankers, Sequence) and not isinstance(rankers, str)
        if not several or not len(rankers):
            raise ValueError(f"Blend(rankers={rankers!r:.60}): must be a list of rankers")
        for ranker in rankers:
            if isinstance(ranker, type) or not isinstance(ranker, Ranker):
                raise ValueError(f"Blend(rankers=[… {ranker!r:.60} …]): is no ranker")
            if isinstance(ranker, DrawingRanker):
                raise ValueError(
                    f"Blend(rankers=[… {ranker!r:.60} …]): draws last, so it is no member of a "
                    f"blend; explore the blend instead"
                )
        check_positive_int(self, "windows", optional=True)
        check_positive(self, "horizon_days")
        check_jobs(self.n_jobs)
        return None if self.weights is None else _shares(self.weights, len(rankers))


def _shares(weights: ArrayLike, rankers: int) -> NDArray[np.float64]:
    """Read weights, and bring their sum to 1."""
    try:
        array = np.asarray(weights, np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"Blend(weights={weights!r:.60}): must be numbers") from None
    sound = array.shape == (rankers,) and np.isfinite(array).all() and (array >= 0).all()
    if not sound or not 0 < array.sum() < np.inf:
        raise ValueError(
            f"Blend(weights={array.tolist()!r:.60}): must be {rankers} finite numbers of 0 or "
            f"more, one per ranker and not all 0"
        )
    return np.asarray(array / array.sum())
