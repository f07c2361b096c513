"""Propensity: the probability that a user buys a product within a horizon."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.clock import Instant
from suitably.data.dataset import Dataset
from suitably.data.frames import write_frame
from suitably.data.vocabulary import id_array
from suitably.decisions.propensity.activity import Activity
from suitably.decisions.propensity.calibration import Calibration
from suitably.decisions.propensity.pair_model import PairModel, PairScorer
from suitably.decisions.propensity.windows import (
    Window,
    inner_cuts,
    purchases_among,
    scales_of,
)
from suitably.errors import DataError, NotFittedError, SuitabilityWarning
from suitably.evaluation.splits import TimeSplit
from suitably.pipeline import Pipeline
from suitably.pipeline.candidates import Candidates
from suitably.pipeline.generate import GeneratedLists
from suitably.typing import AsOf, IdsLike
from suitably.utils.params import Parameterized, check_choice, check_positive_int

__all__ = ["Propensity"]


class Propensity(Parameterized):
    """Turn a pipeline's scores and ranks into probabilities of a purchase within a horizon.

    What a score and a place in a list come to is learned from windows of the past, each as long as
    the horizon and wholly before `as_of`, begun half of it apart: the pipeline is cloned and fitted
    as of the beginning of each, and its candidates were bought in the window or not. A logistic
    regression reads the score among all scores of its moment, the logarithm of the rank, whether
    the fallback stood in, and how recently and often the user has bought; each window has a level
    of its own. A rising curve through all windows corrects its shape. The level of the window to
    come is in no data: the middle one of the newest three stands for it. Within a list,
    probabilities are in the list's order.

    Args:
        pipeline: Whose scores; it is never changed. A policy, profiles, consent and fallback of its
            own count as they do for lists.
        horizon_days: Length of the horizon, in whole days.
        method: `"isotonic"`, or `"logistic"` for the regression alone.
        windows: The most windows learned from; the pipeline is fitted once for each.

    Attributes:
        pipeline_: The pipeline whose scores are understood: the one given, where it is fitted no
            later than `as_of` and knows the users and products of the data, else a fitted clone.
        model_: What was learned.
        as_of_: The moment fitted as of.

    Source:
        Calibration by a logistic curve: J. Platt, Probabilistic outputs for support vector machines
        (1999); by isotonic regression: B. Zadrozny and C. Elkan, KDD (2002).

    Example:
        >>> import suitably as st
        >>> bank = st.data.simulate_bank(users=500, products=40, seed=0)
        >>> pipeline = st.Pipeline(policy="cn-csrc-amac", ranker=st.ranking.EASE())
        >>> propensity = st.decisions.Propensity(pipeline, windows=3).fit(bank, "2024-06-01")
        >>> found = propensity.predict(k=1)
        >>> list(found.columns), bool(found.probability.between(0, 1).all())
        (['user_id', 'product_id', 'score', 'probability'], True)
    """

    pipeline_: Pipeline
    model_: PairModel

    def __init__(
        self,
        pipeline: Pipeline,
        horizon_days: int = 90,
        method: str = "isotonic",
        windows: int = 6,
    ) -> None:
        self.pipeline = pipeline
        self.horizon_days = horizon_days
        self.method = method
        self.windows = windows

    def fit(self, data: Dataset, as_of: AsOf | None = None) -> Self:
        """Learn from windows that end at `as_of` or before; nothing at or after it is read.

        Args:
            data: Users, products and interactions.
            as_of: A date, time or ISO 8601 text; default: just after the data's latest timestamp.

        Raises:
            DataError: No data set, one without timestamps, an `as_of` too early for any window, or
                windows in which nothing was bought that could have been listed.
            ValueError: A parameter out of range, or something that is no pipeline.
            ImportError: The extra `decisions` is not installed.
        """
        self._check(data)
        moment = data.moment(as_of)
        if moment is None:
            raise DataError("Propensity: without timestamps nothing is bought within a horizon")
        known = data.events.before(moment)
        windows = []
        for cut in inner_cuts(data, moment, self.horizon_days, self.windows):
            past = self.pipeline.clone().fit(data, data.clock.stamp(cut))
            windows.append(Window.after(past, data, cut, known, self.horizon_days))
        if not any(window.bought.any() for window in windows):
            raise DataError(
                f"Propensity: in {len(windows)} windows of {self.horizon_days} days before as_of "
                f"nothing was bought that could have been listed, so nothing can be learned"
            )
        model = PairModel.fit(windows, self.method == "isotonic")
        pipeline = self._fitted_pipeline(data, moment)
        self.pipeline_, self.model_ = pipeline, model
        self.as_of_: pd.Timestamp = data.clock.stamp(moment)
        self._activity = Activity.before(data, moment, self.horizon_days)
        self._scorer = model.bound(scales_of(pipeline.candidates(as_of=self.as_of_)))
        self._kinds = data.user_versions.ids.kind, data.product_versions.ids.kind, data.kind
        self._clock = data.clock
        return self

    def predict(
        self, user_ids: IdsLike | None = None, k: int | None = None, as_of: AsOf | None = None
    ) -> Any:
        """Return the probability of every pair that a list could hold.

        Args:
            user_ids: Who; None: everybody.
            k: The most products of each user, best first; None: all.
            as_of: Not before the moment fitted as of, which is the default.

        Returns:
            A frame: user_id, product_id, score (float32), probability (float64); users as asked,
            best first. Unknown users have no rows.

        Raises:
            ValueError: k is not a positive integer.
            DataError: The same user twice, a bad `as_of`.
            NotFittedError: Called before `fit`.
        """
        candidates = self._fitted().candidates(user_ids, k, self._moment(as_of))
        chance = self.probabilities(candidates)

        def work(places: NDArray[np.int64], part: GeneratedLists) -> tuple[NDArray[Any], ...]:
            lists = part.lists
            row, rank = np.nonzero(lists.filled)
            found = chance(places, part)[row, rank]
            return places[row], lists.products[row, rank], lists.scores[row, rank], found

        parts = [part for _, part in candidates.map(work)]
        kinds = (np.int64, np.int32, np.float32, np.float64)
        none = tuple(np.zeros(0, kind) for kind in kinds)
        columns = [np.concatenate(each) for each in zip(none, *parts, strict=True)]
        order = np.argsort(columns[0], kind="stable")  # blocks keep the order of each list
        places, products, scores, chances = (column[order] for column in columns)
        users, items, frame = self._kinds
        rows = _known_places(candidates)[places]
        table = pa.table(
            {
                "user_id": _ids(candidates.user_ids, users, "user_id").take(pa.array(rows)),
                "product_id": _ids(candidates.product_ids, items, "product_id").take(
                    pa.array(products)
                ),
                "score": scores,
                "probability": chances,
            }
        )
        return write_frame(table, frame)

    def probabilities(
        self, candidates: Candidates
    ) -> Callable[[NDArray[np.int64], GeneratedLists], NDArray[np.float64]]:
        """Return what tells the probabilities of candidates, block by block.

        The function returned is given the places and the part of a block, as `Candidates.map` gives
        them, and returns float64 (users of the block, depth): the probability of each product of
        each list, 0 past its end. It may be called on several cores at once.

        Args:
            candidates: Of `pipeline_`, or of a pipeline that shares its fitted ranker (`under`,
                `with_consent`), as of the moment asked. A rank is a place in the list of all that a
                user could be offered, so lists must be the whole of it, or its beginning.

        Raises:
            NotFittedError: Called before `fit`.
        """
        self._fitted()
        known = _known_places(candidates)
        activity = self._activity.of(candidates.user_ids, self._instant(candidates))
        scorer: PairScorer = self._scorer

        def told(places: NDArray[np.int64], part: GeneratedLists) -> NDArray[np.float64]:
            lists = part.lists
            found = scorer.probabilities(activity[known[places]], lists.scores, part.stood_in)
            found[~lists.filled] = 0.0
            return found

        return told

    def calibration(self, data: Dataset, at: AsOf | Sequence[AsOf] | None = None) -> Calibration:
        """Compare probabilities as of a moment with what was bought in the horizon after it.

        Args:
            data: With purchases after the moment.
            at: The moment, or several, whose pairs are pooled; None: the one fitted as of. For any
                other a propensity is fitted anew, so that none has seen its window.

        Returns:
            Ten bins of equal expected purchases, slope and intercept.

        Raises:
            DataError: A window that begins after the last event, or as for `fit`.
            NotFittedError: `at` is None before `fit`.

        Warns:
            SuitabilityWarning: A window that ends after the last event.
        """
        self._check(data)
        if at is None:
            self._fitted()
            at = self.as_of_
        moments: list[Any] = (
            list(at) if isinstance(at, list | tuple | np.ndarray | pd.Index) else [at]
        )
        found = [self._outcomes(data, moment) for moment in moments]
        chances, bought = (np.concatenate(each) for each in zip(*found, strict=True))
        return Calibration.of(chances, bought, kind=data.kind)

    def _outcomes(self, data: Dataset, at: AsOf) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return the probabilities as of a moment, and what was bought in the horizon after it."""
        split = TimeSplit(at, self.horizon_days).on(data)
        if split.note:
            if "begins after" in split.note:
                raise DataError(f"calibration: {split.note}")
            warnings.warn(split.note, SuitabilityWarning, stacklevel=4)
        told = self
        if not hasattr(self, "model_") or self.as_of_ != split.at:
            told = Propensity(**self.get_params(deep=False)).fit(data, split.at)
        candidates = told.pipeline_.candidates(as_of=split.at)
        start, end = data.clock.instant(split.at), data.clock.instant(split.end)
        after = purchases_among(candidates, data, data.events.between(start, end))
        chance = told.probabilities(candidates)

        def work(
            places: NDArray[np.int64], part: GeneratedLists
        ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
            filled = part.lists.filled
            there = after[places].toarray() > 0
            hit = np.take_along_axis(there, np.maximum(part.lists.products, 0), axis=1)
            return chance(places, part)[filled], hit[filled]

        parts = [part for _, part in candidates.map(work)]
        none = (np.zeros(0), np.zeros(0, bool))
        chances, bought = (np.concatenate(each) for each in zip(none, *parts, strict=True))
        return chances, bought

    def _check(self, data: Dataset) -> None:
        check_positive_int(self, "horizon_days", "windows")
        check_choice(self, "method", ("isotonic", "logistic"))
        if not isinstance(self.pipeline, Pipeline):
            raise ValueError(f"pipeline={self.pipeline!r:.60}: must be a Pipeline")
        if not isinstance(data, Dataset):
            raise DataError(f"fit: expected a Dataset, got {type(data).__name__}")

    def _fitted_pipeline(self, data: Dataset, moment: Instant) -> Pipeline:
        """Return the pipeline given, where it can answer as of a moment, else a fitted clone."""
        given = self.pipeline
        if given.is_fitted and given.as_of_ is not None:
            view = data.view(data.clock.stamp(moment))
            listed = view.product_ids[view.listed]
            if data.clock.instant(given.as_of_) <= moment and given.knows(view.user_ids, listed):
                return given
        return given.clone().fit(data, data.clock.stamp(moment))

    def _fitted(self) -> Pipeline:
        if not hasattr(self, "model_"):
            raise NotFittedError("Propensity: call fit first")
        return self.pipeline_

    def _moment(self, as_of: AsOf | None) -> Any:
        if as_of is not None:
            if self._clock.instant(as_of) < self._clock.instant(self.as_of_):
                raise DataError(f"as_of={as_of}: is before {self.as_of_}, as of which it is fitted")
            return as_of
        held = self.pipeline_.as_of_  # later than the fit where news have been taken in since
        return self.as_of_ if held is None else max(self.as_of_, held)

    def _instant(self, candidates: Candidates) -> Instant:
        """Return the moment of candidates, by which what users did is so long ago."""
        fitted = self._clock.instant(self.as_of_)
        if candidates.as_of is None:
            return fitted
        return max(self._clock.instant(candidates.as_of), fitted)


def _known_places(candidates: Candidates) -> NDArray[np.int64]:
    """Return at which place among the known users each of those asked stands."""
    return np.cumsum(candidates.rows >= 0) - 1


def _ids(values: NDArray[Any], kind: pa.DataType, name: str) -> pa.Array:
    return id_array(values, name).cast(kind)
