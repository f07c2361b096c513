"""The fitted model: state, rankers and their shared interactions, replaced as a whole."""

import copy
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import pyarrow as pa

from suitably.data.clock import Instant, micros
from suitably.data.view import View
from suitably.model.scoring import CatalogueScorer
from suitably.model.state import FittedState, Snapshot
from suitably.model.update import update_state
from suitably.ranking.interactions import WeightedInteractions, Weighting
from suitably.ranking.protocol import FitContext, Ranker, shared_by
from suitably.suitability.policy import Policy
from suitably.utils.fork import ForkLock
from suitably.utils.progress import progress

__all__ = ["Learnable", "Model", "fit_context", "folded"]

_SNAPSHOTS = 4

Learnable = Callable[[View, pa.Table], tuple[View, pa.Table]]
"""Returns what of a view and of profiles rankers may learn from."""


@dataclass(frozen=True, eq=False)
class Model:
    """What a fitted pipeline answers from, never changed.

    Attributes:
        state: Fields, ownership and builder states.
        rankers: The fitted ranker, then its fallback.
        policies: All of which bind.
        rerankers: In their order.
        seed: Of everything random.
        asks_consent: Whether it was fitted with a register of consent, without which no answers
            are given.
        snapshots: How it looks as of the moments asked lately.
        lock: Of the snapshots.
        kept: What has been made of it for one kind of question, by that kind.
    """

    state: FittedState
    rankers: tuple[Ranker, ...]
    policies: tuple[Policy, ...]
    rerankers: tuple[Any, ...]
    seed: int
    asks_consent: bool = False
    snapshots: OrderedDict[Any, Snapshot] = field(default_factory=OrderedDict, repr=False)
    lock: ForkLock = field(default_factory=ForkLock, repr=False)
    kept: dict[Any, Any] = field(default_factory=dict, init=False, repr=False)

    @staticmethod
    def fit(
        state: FittedState,
        view: View,
        rankers: Sequence[Ranker],
        policies: tuple[Policy, ...],
        rerankers: tuple[Any, ...],
        seed: int,
        snapshot: Snapshot,
        learnable: Learnable | None = None,
    ) -> "Model":
        """Fit rankers on a view, all of them on the same weighted interactions.

        Args:
            state: Built from the view.
            view: What was visible.
            rankers: Unfitted; they are fitted in place, the model holds copies.
            policies: All of which bind.
            rerankers: In their order.
            seed: Of everything random.
            snapshot: Of the state, under the policies and as of the view's moment.
            learnable: Returns what rankers may learn from by a register of consent; None: there is
                none.
        """
        context = fit_context(view, snapshot, seed, learnable)
        # Shallow copies: a later fit elsewhere of what is shared must not change these answers.
        shown = progress(rankers, "fit", len(rankers), "ranker")
        fitted = tuple(copy.copy(ranker.fit(context)) for ranker in shown)
        snapshots = OrderedDict({micros(view.as_of): snapshot})
        asks = learnable is not None
        return Model(state, fitted, policies, rerankers, seed, asks, snapshots)

    def updated(
        self,
        interactions: Any,
        users: Any,
        products: Any,
        learnable: Learnable | None = None,
    ) -> "Model":
        """Return a model that has taken in what is new, without learning anew.

        Args:
            interactions: New ones, or None.
            users: New versions, or None.
            products: Likewise.
            learnable: As for `fit`.

        Raises:
            DataError: A frame that cannot be read as those of the fit were, or a bad row.
            PolicyError: A rule does not fit the new rows.
        """
        state, news = update_state(self.state, interactions, users, products)
        snapshot = state.snapshot(self.policies, state.as_of)
        context = fit_context(news, snapshot, self.seed, learnable)
        rankers = tuple(folded(ranker, context) for ranker in self.rankers)
        snapshots = OrderedDict({micros(state.as_of): snapshot})
        return replace(self, state=state, rankers=rankers, snapshots=snapshots, lock=ForkLock())

    def under(self, policies: tuple[Policy, ...], rerankers: tuple[Any, ...]) -> "Model":
        """Return a model with other policies and rerankers: neither alters what is learned."""
        fresh: OrderedDict[Any, Snapshot] = OrderedDict()
        return replace(
            self, policies=policies, rerankers=rerankers, snapshots=fresh, lock=ForkLock()
        )

    @cached_property
    def interactions(self) -> Mapping[Weighting, WeightedInteractions]:
        """The weighted interactions that rankers go by, once for each distinct weighting."""
        return shared_by(self.rankers)

    @cached_property
    def scorers(self) -> tuple[CatalogueScorer, ...]:
        """The scores of each ranker over the catalogue."""
        return tuple(CatalogueScorer(ranker, self.state) for ranker in self.rankers)

    def snapshot(self, as_of: Instant | None) -> Snapshot:
        """Return how it looks as of a moment; that of the fit and the latest asked are kept."""
        wanted = micros(as_of)
        with self.lock:
            kept = self.snapshots.get(wanted)
        if kept is not None:
            return kept
        made = self._snapshot(as_of)
        with self.lock:
            kept = self.snapshots.setdefault(wanted, made)
            needed = (wanted, micros(self.state.as_of))
            spare = [other for other in self.snapshots if other not in needed]
            for other in spare[: max(0, len(self.snapshots) - _SNAPSHOTS)]:
                del self.snapshots[other]
        return kept

    def keep(self, kind: Any, made: Any) -> None:
        """Keep what was made for a kind of question; of few kinds, since it holds a snapshot."""
        with self.lock:
            if len(self.kept) >= _SNAPSHOTS:
                self.kept.clear()
            self.kept[kind] = made

    def _snapshot(self, as_of: Instant | None) -> Snapshot:
        """Judge anew; without profiles the fields are those of the moment fitted as of."""
        with self.lock:
            first = self.snapshots.get(micros(self.state.as_of))
        if first is None or self.state.builders:
            return self.state.snapshot(self.policies, as_of)
        return replace(first, as_of=as_of, eligibility=first.eligibility.at(as_of))


def fit_context(
    view: View, snapshot: Snapshot, seed: int, learnable: Learnable | None
) -> FitContext:
    """Return what rankers learn from."""
    shown, profiles = (view, snapshot.profiles)
    if learnable is not None:
        shown, profiles = learnable(view, profiles)
    return FitContext(shown, profiles, snapshot.eligibility, view.as_of, seed)


def folded(ranker: Any, context: FitContext) -> Ranker:
    """Fold news into a ranker; one that cannot goes on with what it has learned."""
    made: Ranker = ranker.fold_in(context) if hasattr(ranker, "fold_in") else ranker
    return made
