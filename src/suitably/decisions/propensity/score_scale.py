"""Scores on a scale of their own moment: how few pairs a user score as high."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["SCORE_FEATURES", "ScoreScale"]

Floats = NDArray[np.float64]
SCORE_FEATURES = 3
_TAIL, _EVEN = 256, 64  # knots: of the best, ever denser towards the very best; and of all
_OTHERS = 5


@dataclass(frozen=True)
class ScoreScale:
    """Knots of a scale of scores.

    Scores of one ranker differ from moment to moment, as counts that grow with the log. What a
    score says is therefore read off the scores of all candidate pairs of the same moment: the
    negative logarithm of how many pairs a user score at least as high, its square, and how far the
    score is above the one that a pair a user reaches, in units of the way from there to the one
    that five reach. None of them changes where products are added that score low.

    Attributes:
        scores: float64 (knots,), ascending and distinct.
        features: float64 (knots, `SCORE_FEATURES`), there; straight lines in between.

    Example:
        >>> scale = ScoreScale.of(np.array([4.0, 1.0, 3.0, 2.0]), users=2)
        >>> scale.scores
        array([1., 2., 3., 4.])
        >>> np.exp(-scale.features[:, 0]).round(3)  # pairs a user; half of the ties count
        array([1.75, 1.25, 0.75, 0.25])
    """

    scores: Floats
    features: Floats

    @staticmethod
    def of(scores: NDArray[np.floating], users: float) -> "ScoreScale":
        """Return the scale of scores; of none, one without knots.

        Args:
            scores: (pairs,), all or an even sample of them.
            users: How many users they are of; for a sample of a tenth, a tenth of them.
        """
        ordered = np.sort(scores.astype(np.float64))
        n = len(ordered)
        if not n:
            return ScoreScale(np.zeros(0), np.zeros((0, SCORE_FEATURES)))
        tail = n - np.geomspace(1, n, _TAIL)
        chosen = np.concatenate([tail, np.linspace(0, n - 1, _EVEN)]).round().astype(np.int64)
        knots = np.unique(ordered[chosen])
        above = n - np.searchsorted(ordered, knots, "right")
        least = n - np.searchsorted(ordered, knots, "left")
        rare = -np.log((above + least) / (2 * users))
        one, five = (ordered[max(n - 1 - int(count * users), 0)] for count in (1, _OTHERS))
        return ScoreScale(
            knots, np.column_stack([rare, rare**2, (knots - one) / (one - five or 1.0)])
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
