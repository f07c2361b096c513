"""Scores on a scale of their own moment: how few pairs score as high, and how far from the mean."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["SCORE_FEATURES", "ScoreScale"]

Floats = NDArray[np.float64]
SCORE_FEATURES = 3
_TAIL, _EVEN = 256, 64  # knots: of the best, ever denser towards the very best; and of all


@dataclass(frozen=True)
class ScoreScale:
    """Knots of a scale of scores.

    Scores of one ranker differ from moment to moment, as counts that grow with the log. What a
    score says is therefore read off the scores of all candidate pairs of the same moment: the
    negative logarithm of the share of pairs that score at least as high, its square, and the score
    in standard deviations from the mean.

    Attributes:
        scores: float64 (knots,), ascending and distinct.
        features: float64 (knots, `SCORE_FEATURES`), there; straight lines in between.

    Example:
        >>> scale = ScoreScale.of(np.array([4.0, 1.0, 3.0, 2.0]))
        >>> scale.scores
        array([1., 2., 3., 4.])
        >>> np.exp(-scale.features[:, 0]).round(3)  # half of the ties count
        array([0.875, 0.625, 0.375, 0.125])
    """

    scores: Floats
    features: Floats

    @staticmethod
    def of(scores: NDArray[np.floating]) -> "ScoreScale":
        """Return the scale of all scores, or an even sample of them; of none, one without knots."""
        ordered = np.sort(scores.astype(np.float64))
        n = len(ordered)
        if not n:
            return ScoreScale(np.zeros(0), np.zeros((0, SCORE_FEATURES)))
        tail = n - np.geomspace(1, n, _TAIL)
        chosen = np.concatenate([tail, np.linspace(0, n - 1, _EVEN)]).round().astype(np.int64)
        knots = np.unique(ordered[chosen])
        above = n - np.searchsorted(ordered, knots, "right")
        least = n - np.searchsorted(ordered, knots, "left")
        rare = -np.log((above + least) / (2 * n))
        spread = float(ordered.std()) or 1.0
        return ScoreScale(
            knots, np.column_stack([rare, rare**2, (knots - ordered.mean()) / spread])
        )

    def at(self, scores: NDArray[np.floating]) -> Floats:
        """Return the features of scores: float64 (scores, `SCORE_FEATURES`)."""
        return np.column_stack([self.along(column, scores) for column in self.features.T])

    def along(self, values: Floats, scores: NDArray[np.floating]) -> Floats:
        """Return, for scores, what is given at the knots: float64, shaped as the scores."""
        if not len(self.scores):
            return np.zeros(scores.shape)
        found: Floats = np.interp(scores, self.scores, values)
        return found
