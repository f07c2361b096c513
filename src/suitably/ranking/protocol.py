"""Ranker protocols: learn from a point-in-time view, score users over products."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Protocol, Self, cast, runtime_checkable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.clock import Instant
from suitably.data.view import View
from suitably.data.vocabulary import Vocabulary
from suitably.errors import SuitablyError
from suitably.ranking.interactions import SharedInteractions, WeightedInteractions, Weighting
from suitably.ranking.topk.lists import Lists
from suitably.ranking.topk.pruning import NormOrder
from suitably.suitability.eligibility import Eligibility

__all__ = [
    "AskedUsers",
    "DrawingRanker",
    "Factors",
    "FitContext",
    "Histories",
    "JoinedRanker",
    "Ranker",
    "RowRanker",
    "Scorer",
    "Scores",
    "attached",
    "can_score",
    "definer",
    "draws_lists",
    "score",
    "shared_by",
    "without_users",
    "works_on_rows",
]

State = dict[str, Any]


@dataclass(frozen=True)
class FitContext:
    """All that a ranker may learn from.

    Attributes:
        data: What was visible strictly before `as_of`; `data.product_ids` is the axis of scores.
        profiles: A row per user of `data.user_ids`, a column per profile field.
        eligibility: Who may be offered what; only an eligibility-aware ranker looks at it.
        as_of: The moment, None in data without timestamps.
        seed: For everything random.

    Example:
        Made by the pipeline; by hand, to try a ranker alone:

        >>> import suitably as st
        >>> bank = st.data.simulate_bank(users=200, products=40, seed=0)
        >>> pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity())
        >>> eligibility, view = pipeline.fit(bank).eligibility(), bank.view()
        >>> context = FitContext(view, view.user_fields.select([]), eligibility, view.as_of, seed=0)
        >>> st.ranking.Popularity().fit(context).counts_.shape
        (40,)
    """

    data: View
    profiles: pa.Table
    eligibility: Eligibility
    as_of: Instant | None
    seed: int

    @cached_property
    def interactions(self) -> SharedInteractions:
        """The interactions of `data`, weighed once for all rankers of one weighting."""
        return SharedInteractions(self.data)


@dataclass(frozen=True)
class Factors:
    """Scores as a product of two matrices: `users @ products.T`, summed in factor order.

    Attributes:
        users: float32 or float64 (users, factors).
        products: float32 or float64 (products, factors).
        known: bool (products,), of which products the ranker knows anything; None: of all.
        longest: No product's vector is longer; None: nobody has measured.
        order: The products by the lengths of their vectors; None: nobody has put them in order.
        by_factor: The products' factors as float64 (factors, products), for lists of one user;
            None: nobody has laid them out so.

    Example:
        >>> made = Factors(users=np.array([[1.0, 2.0]]), products=np.array([[3.0, 1.0], [0, 1]]))
        >>> made.users @ made.products.T
        array([[5., 2.]])
    """

    users: NDArray[Any]
    products: NDArray[Any]
    known: NDArray[np.bool_] | None = None
    longest: float | None = None
    order: NormOrder | None = None
    by_factor: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Scores:
    """Scores as they are, for the users asked.

    Attributes:
        block: (users, products), a user's scores independent of who else is in the block.
        known: bool (products,), of which products the ranker knows anything; None: of all.
        pairs: bool (users, products), which pairs have a score; None: all of known products.

    Example:
        >>> Scores(np.array([[0.9, 0.1]]), known=np.array([True, False])).known.tolist()
        [True, False]
    """

    block: NDArray[Any]
    known: NDArray[np.bool_] | None = None
    pairs: NDArray[np.bool_] | None = None


Scorer = Factors | Scores


@runtime_checkable
class Ranker(Protocol):
    """What would a user want?

    No base class and no registration: any class with these methods ranks. To be saved, it also
    has `state() -> arrays and scalars` and a class method `from_state(state)`. To take in new
    interactions without a refit, it has `fold_in(context) -> another ranker`, where the context
    shows the new interactions only, over users and products that may have grown at their ends. To
    let a pipeline forget a user, it has `of_users(kept) -> another ranker`, which holds nothing of
    users for whom bool (users,) is false, and renumbers the others.
    To have its lists explained, it has `contributions`, see `ExplainingRanker`. To be fitted group
    of users by group, see `JoinedRanker`, and to learn of products from all of them, see
    `SummingRanker`.

    Example:
        >>> class Alphabetical:
        ...     def fit(self, context):
        ...         self.products_ = len(context.data.product_ids)
        ...         return self
        ...     def scorer(self, user_ids):
        ...         row = -np.arange(self.products_, dtype=np.float32)
        ...         return Scores(np.tile(row, (len(user_ids), 1)))
        ...     def can_score(self, user_ids):
        ...         return np.ones(len(user_ids), bool)
        >>> isinstance(Alphabetical(), Ranker)
        True
    """

    def fit(self, context: FitContext) -> Self:
        """Learn from what was visible before `context.as_of`."""
        ...

    def scorer(self, user_ids: NDArray[Any]) -> Scorer:
        """Return scores of users by external id, over the products of the view fitted on."""
        ...

    def can_score(self, user_ids: NDArray[Any]) -> NDArray[np.bool_]:
        """Return for which users there is anything to go by: bool (users,)."""
        ...


@runtime_checkable
class RowRanker(Ranker, Protocol):
    """A ranker that works on rows of the model's users, and on interactions the model holds.

    Rows spare it to look every id up again, and interactions that several rankers go by are held
    and saved once. Its own `state` holds neither the users' ids nor their interactions.
    """

    def score_rows(self, rows: NDArray[np.int64]) -> Scorer:
        """Return scores of users by row; −1 stands for a stranger."""
        ...

    def can_score_rows(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return for which users by row there is anything to go by: bool (rows,)."""
        ...

    def shared_interactions(self) -> Mapping[Weighting, WeightedInteractions]:
        """Return what it goes by, to be held by the model."""
        ...

    def attach(
        self, users: Vocabulary, interactions: Mapping[Weighting, WeightedInteractions]
    ) -> Self:
        """Return a ranker that goes by the model's users and interactions.

        One made from a state scores no earlier.

        Raises:
            LookupError: The model has not what it goes by.
            ValueError: They do not fit what it has learned.
        """
        ...


@runtime_checkable
class DrawingRanker(Ranker, Protocol):
    """A ranker that draws lists at random among the best products of a user.

    It draws last, since only then what the user may be offered is settled.
    """

    def scoring_ranker(self) -> Ranker:
        """Return the fitted ranker that scores."""
        ...

    def pool_size(self, k: int) -> int:
        """Return how many products of a user may be drawn into a list of k."""
        ...

    def draw(
        self, pool: Lists, rows: NDArray[np.int64], as_of: Instant | None, first: int, k: int
    ) -> Lists:
        """Return k products of each user's pool with their propensities, from a rank on."""
        ...


@dataclass(frozen=True)
class AskedUsers:
    """Users to be scored, by row and by external id.

    Attributes:
        vocabulary: Whose rows they are.
        rows: int64, −1 for a stranger.
        given: Their ids, where the caller gave them; strangers have no others.
    """

    vocabulary: Vocabulary
    rows: NDArray[np.int64]
    given: NDArray[Any] | None = None

    @property
    def ids(self) -> NDArray[Any]:
        """Their external ids."""
        return self.vocabulary.values[self.rows] if self.given is None else self.given

    def take(self, places: NDArray[np.integer] | NDArray[np.bool_]) -> "AskedUsers":
        """Return some of them, by place or mask."""
        given = None if self.given is None else self.given[places]
        return AskedUsers(self.vocabulary, self.rows[places], given)

    def __len__(self) -> int:
        return len(self.rows)


Histories = Callable[[Weighting], Iterable[WeightedInteractions]]
"""Returns the interactions of groups of users by a weighting, in the order of the groups."""


@runtime_checkable
class JoinedRanker(Protocol):
    """A ranker that can be fitted group of users by group, once products are learned of.

    It is learned on some users; then for each group of others it forgets these (`of_users`) and
    takes in the group (`fold_in`). What it is of all groups together, `joined` says.
    """

    def fold_in(self, context: FitContext) -> Self:
        """See `Ranker`."""
        ...

    def of_users(self, kept: NDArray[np.bool_]) -> Self:
        """See `Ranker`."""
        ...

    @classmethod
    def joined(cls, states: Sequence[State], histories: Histories, as_of: Instant | None) -> State:
        """Return the state of the ranker of several groups of users, one after the other.

        Args:
            states: Those of the groups' rankers, rankers within left out.
            histories: What each group did, by a weighting.
            as_of: The moment of the fit.

        Returns:
            A state, the long arrays of which may be `Pieces`.
        """
        ...


def score(ranker: Ranker, users: AskedUsers) -> Scorer:
    """Return a ranker's scores of users, by row where it works on rows."""
    if works_on_rows(type(ranker)):
        return cast(RowRanker, ranker).score_rows(users.rows)
    return ranker.scorer(users.ids)


def can_score(ranker: Ranker, users: AskedUsers) -> NDArray[np.bool_]:
    """Return which users a ranker can score, by row where it works on rows: bool (users,)."""
    if works_on_rows(type(ranker)):
        return cast(RowRanker, ranker).can_score_rows(users.rows)
    return np.asarray(ranker.can_score(users.ids), bool)


def shared_by(rankers: Iterable[Ranker]) -> Mapping[Weighting, WeightedInteractions]:
    """Return the interactions that rankers go by, once for each distinct weighting."""
    found: dict[Weighting, WeightedInteractions] = {}
    for ranker in rankers:
        if isinstance(ranker, RowRanker):
            found |= ranker.shared_interactions()
    return found


def attached(
    ranker: Ranker, users: Vocabulary, interactions: Mapping[Weighting, WeightedInteractions]
) -> Ranker:
    """Return a ranker that goes by a model's users and interactions, or one of ids as it is."""
    return ranker.attach(users, interactions) if isinstance(ranker, RowRanker) else ranker


def without_users(ranker: Any, kept: NDArray[np.bool_]) -> Ranker:
    """Return a ranker that has nothing of users who are to be forgotten.

    Args:
        ranker: Has `of_users(kept)`.
        kept: bool (users,), who is not forgotten.

    Raises:
        SuitablyError: It does not say how it forgets.
    """
    if not hasattr(ranker, "of_users"):
        raise SuitablyError(
            f"{type(ranker).__name__}: cannot forget a user; give it of_users(kept), which returns "
            f"another ranker without what it holds of the others"
        )
    without: Ranker = ranker.of_users(kept)
    return without


@cache
def draws_lists(cls: type) -> bool:
    """Return whether a class is a `DrawingRanker`: asked once, since to look costs much.

    Example:
        >>> draws_lists(dict)
        False
    """
    names = [name for name in dir(DrawingRanker) if not name.startswith("_")]
    return all(hasattr(cls, name) for name in names)


@cache
def works_on_rows(cls: type) -> bool:
    """Return whether a class is a `RowRanker` whose methods by id say nothing else.

    A subclass that overrides `scorer` or `can_score` is asked by ids.
    """
    order = {name: definer(cls, name) for name in dir(RowRanker) if not name.startswith("_")}
    return (
        all(place is not None for place in order.values())
        and order["scorer"] >= order["score_rows"]  # type: ignore[operator]
        and order["can_score"] >= order["can_score_rows"]  # type: ignore[operator]
    )


def definer(cls: type, name: str) -> int | None:
    """Return how far up its line of classes a class has an attribute from, None: it has none."""
    return next((place for place, base in enumerate(cls.__mro__) if name in vars(base)), None)
