"""A logistic regression of purchases on score, rank and activity, and a rising curve after it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from suitably.decisions.propensity.score_scale import SCORE_FEATURES, ScoreScale
from suitably.decisions.propensity.windows import Window
from suitably.utils.extras import import_extra

__all__ = ["PairModel", "PairScorer"]

Floats = NDArray[np.float64]
_PER_GROUP = SCORE_FEATURES + 1  # and the logarithm of the rank
_PAIR = 2 * _PER_GROUP + 1
_RIDGE = 0.003  # a purchase
_NEWEST = 3
"""Windows whose middle level is forecast: one in which a product fell to many at once, as in a
spin-off, does not move it."""
_PER_STEP = 50  # purchases expected in each step of the curve, so that none rests on a few
_STEPS = 100
_BEYOND = 60.0  # on the logit scale
_LEAST = 1e-12
_SKLEARN = ("Propensity:", "scikit-learn", "decisions")


@dataclass(frozen=True)
class PairModel:
    """What was learned of candidate pairs.

    The logit of a probability is

        intercept + activity · slopes + score curve(score) − rank slope · log rank,

    moved by the rising curve from `etas` to `logits`, which beyond its ends goes on as the logistic
    does. Score curves never fall and rank slopes are never negative, so that within a list the
    probabilities are in the list's order. The ranker and the fallback have a curve and a slope
    each.

    Attributes:
        intercept: Of the window to come, as far as past ones foretell its level.
        activity_low: float64 (activity,), the least seen; what lies outside counts as the end.
        activity_high: float64 (activity,), the greatest.
        activity_slopes: float64 (activity,).
        score_slopes: float64 (2, `SCORE_FEATURES`).
        rank_slopes: float64 (2,).
        stood_in: What is added where the fallback scored.
        etas: float64 (knots,), ascending.
        logits: float64 (knots,), never falling.
        levels: float64 (windows,), what each window lay above the newest on the logit scale.
    """

    intercept: float
    activity_low: Floats
    activity_high: Floats
    activity_slopes: Floats
    score_slopes: Floats
    rank_slopes: Floats
    stood_in: float
    etas: Floats
    logits: Floats
    levels: Floats

    @staticmethod
    def fit(windows: Sequence[Window], isotonic: bool) -> "PairModel":
        """Learn from windows, the newest first, of which some pairs were bought.

        Args:
            windows: Each with a level of its own.
            isotonic: Whether the rising curve is learned too.

        Raises:
            ImportError: The extra `decisions` is not installed.
        """
        linear = import_extra("sklearn.linear_model", *_SKLEARN)
        bought = np.concatenate([one.bought for one in windows])
        weights = np.concatenate([one.weights for one in windows])
        design = np.concatenate([_features(one) for one in windows])
        centre, spread = design.mean(axis=0), design.std(axis=0)
        spread[spread < 1e-9] = np.inf  # what is the same for all pairs says nothing
        width = design.shape[1]
        joint = np.zeros((len(design), width + len(windows) - 1))
        joint[:, :width] = (design - centre) / spread
        start = len(windows[0].bought)
        for place, one in enumerate(windows[1:]):
            joint[start : start + len(one.bought), width + place] = 1.0
            start += len(one.bought)
        strength = 1.0 / (_RIDGE * bought.sum())
        found = linear.LogisticRegression(C=strength, solver="newton-cholesky").fit(
            joint, bought, sample_weight=weights
        )
        slopes = found.coef_[0, :width] / spread
        levels = np.append(0.0, found.coef_[0, width:])
        pair, activity = slopes[:_PAIR], slopes[_PAIR:]
        groups = pair[: 2 * _PER_GROUP].reshape(2, _PER_GROUP)
        seen = [one.activity[np.unique(one.users)] for one in windows]
        low, high = (
            np.array([end(column) for column in np.concatenate(seen).T]) for end in (np.min, np.max)
        )
        model = PairModel(
            intercept=float(found.intercept_[0] - slopes @ centre),
            activity_low=low,
            activity_high=high,
            activity_slopes=activity,
            score_slopes=groups[:, :SCORE_FEATURES],
            rank_slopes=np.maximum(-groups[:, SCORE_FEATURES], 0.0),
            stood_in=float(pair[-1]),
            etas=np.zeros(1),
            logits=np.zeros(1),
            levels=levels,
        )
        etas = np.concatenate(
            [model.bound(w.scales).window(w) + up for w, up in zip(windows, levels, strict=True)]
        )
        if isotonic:
            model = model._curved(etas, bought, weights)
        moved = _level(model.curve(etas), bought, weights)
        shift = float(np.median(levels[:_NEWEST]))
        return replace(model, intercept=model.intercept + shift, logits=model.logits + moved)

    def bound(self, scales: tuple[ScoreScale, ScoreScale]) -> "PairScorer":
        """Return what tells the logits of pairs whose scores are on these scales."""
        curves = [
            np.maximum.accumulate(scale.features @ slopes)
            for scale, slopes in zip(scales, self.score_slopes, strict=True)
        ]
        return PairScorer(self, scales, (curves[0], curves[1]))

    def curve(self, etas: Floats) -> Floats:
        """Return what the rising curve makes of logits, of any shape."""
        beyond = np.array([-_BEYOND, _BEYOND])
        knots = np.concatenate([self.etas[0] + beyond[:1], self.etas, self.etas[-1] + beyond[1:]])
        ends = (self.logits[0] + beyond[:1], self.logits, self.logits[-1] + beyond[1:])
        found: Floats = np.interp(etas, knots, np.concatenate(ends))
        return found

    def _curved(self, etas: Floats, bought: NDArray[np.bool_], weights: Floats) -> "PairModel":
        """Return the model with the best rising curve through shares of pairs of like logits."""
        isotonic = import_extra("sklearn.isotonic", *_SKLEARN)
        order = np.argsort(etas, kind="stable")
        foretold = expit(etas[order]) * weights[order]
        sums = np.cumsum(foretold)
        steps = int(np.clip(bought.sum() // _PER_STEP, 1, _STEPS))
        step = np.minimum((sums / sums[-1] * steps).astype(np.int64), steps - 1)
        columns = (weights[order], foretold, (weights * bought)[order])
        pairs, expected, happened = (np.bincount(step, column, steps) for column in columns)
        there = pairs > 0
        pairs, expected, happened = pairs[there], expected[there], happened[there]
        rising = isotonic.IsotonicRegression().fit(
            expected / pairs, happened / pairs, sample_weight=pairs
        )
        # A straight line through the middles of what the regression makes level, so that pairs
        # told apart by the logistic are told apart after it.
        block = np.unique(rising.predict(expected / pairs), return_inverse=True)[1]
        pairs, expected, happened = (
            np.bincount(block, column) for column in (pairs, expected, happened)
        )
        happened = np.clip(happened, 0.5, pairs - 0.5)  # where all agree there is no certainty
        etas = logit(np.clip(expected / pairs, _LEAST, 1.0 - _LEAST))
        logits = np.maximum.accumulate(logit(happened / pairs))
        return replace(self, etas=etas, logits=logits)


@dataclass(frozen=True)
class PairScorer:
    """A pair model beside the scales of the scores of one moment.

    Attributes:
        model: What was learned.
        scales: Of the scores of the ranker, and of the fallback.
        curves: What the score adds to the logit, at the knots of the scales.
    """

    model: PairModel
    scales: tuple[ScoreScale, ScoreScale]
    curves: tuple[Floats, Floats]

    def window(self, window: Window) -> Floats:
        """Return the logits of a window's pairs, before the curve: float64 (pairs,)."""
        etas = self.users(window.activity, None)[window.users]
        for group, chosen in enumerate((~window.stood_in, window.stood_in)):
            etas[chosen] += self._scores(group, window.scores[chosen])
            etas[chosen] -= self.model.rank_slopes[group] * np.log(window.ranks[chosen])
        etas[window.stood_in] += self.model.stood_in
        return etas

    def users(self, activity: Floats, stood_in: NDArray[np.bool_] | None) -> Floats:
        """Return what users add to the logit: float64 (users,)."""
        model = self.model
        inside = np.clip(activity, model.activity_low, model.activity_high)
        etas: Floats = model.intercept + inside @ model.activity_slopes
        return etas if stood_in is None else etas + model.stood_in * stood_in

    def probabilities(
        self, activity: Floats, scores: NDArray[np.float32], stood_in: NDArray[np.bool_]
    ) -> Floats:
        """Return the probabilities of lists: float64 (users, depth), past the end of any list too.

        Args:
            activity: float64 (users, features), as `Activity.of` returns.
            scores: float32 (users, depth), by rank.
            stood_in: bool (users,).
        """
        logs = np.log(np.arange(1, scores.shape[1] + 1))
        etas = np.empty(scores.shape)
        for group, chosen in enumerate((~stood_in, stood_in)):
            if chosen.any():
                part = self._scores(group, scores[chosen])
                part -= self.model.rank_slopes[group] * logs
                etas[chosen] = part
        etas += self.users(activity, stood_in)[:, None]
        return expit(self.model.curve(etas))  # type: ignore[no-any-return]

    def _scores(self, group: int, scores: NDArray[np.float32]) -> Floats:
        return self.scales[group].along(self.curves[group], scores)


def _features(window: Window) -> Floats:
    """Return the design of a window: of either group score and rank; who scored; activity."""
    columns = np.zeros((len(window.users), _PAIR + window.activity.shape[1]))
    for group, chosen in enumerate((~window.stood_in, window.stood_in)):
        start = group * _PER_GROUP
        scores = window.scales[group].at(window.scores[chosen])
        columns[chosen, start : start + SCORE_FEATURES] = scores
        columns[chosen, start + SCORE_FEATURES] = np.log(window.ranks[chosen])
    columns[:, _PAIR - 1] = window.stood_in
    columns[:, _PAIR:] = window.activity[window.users]
    return columns


def _level(etas: Floats, bought: NDArray[np.bool_], weights: Floats) -> float:
    """Return what to add to logits so that as many purchases are expected as there were."""
    happened = float((weights * bought).sum())
    shift = 0.0
    for _ in range(50):
        chances = expit(etas + shift)
        slope = float((weights * chances * (1.0 - chances)).sum())
        step = (happened - float((weights * chances).sum())) / max(slope, _LEAST)
        shift += float(np.clip(step, -1.0, 1.0))
        if abs(step) < _LEAST:
            break
    return shift
