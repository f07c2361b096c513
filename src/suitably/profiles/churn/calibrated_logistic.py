"""A ridge regression of a probability, and a rising curve that calibrates it."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from scipy.special import expit, logit

__all__ = ["CalibratedLogistic", "fit_logistic"]

Floats = NDArray[np.float64]
_PENALTY = 0.003
"""Enough that features which go together, as recency and tenure do in a short history, do not get
great slopes that cancel out where they are learned and nowhere else."""
_ROUNDS = 50
_CLOSE = 1e-9  # a step of less is the last
_SMALLEST = 1e-6  # a step is not halved further


@dataclass(frozen=True)
class CalibratedLogistic:
    """Features to a score, and a score to a probability.

    A feature outside the range of the examples counts as the end of that range, so that nothing is
    extrapolated; between its knots the curve is a straight line.

    Attributes:
        low: float64 (features,), the least value of each among the examples.
        high: float64 (features,), the greatest.
        coefficients: float64 (1 + features,), intercept and slopes of the score.
        scores: float64 (knots,), ascending.
        levels: float64 (knots,), probabilities there, never falling; never 0 or 1.

    Source:
        Calibration by isotonic regression: B. Zadrozny and C. Elkan, Transforming classifier scores
        into accurate multiclass probability estimates, KDD (2002).

    Example:
        >>> rng = np.random.default_rng(0)
        >>> features = rng.normal(size=(50_000, 1))
        >>> happened = rng.random(50_000) < 1 / (1 + np.exp(-features[:, 0]))
        >>> model = CalibratedLogistic.fit(features, happened, features, happened)
        >>> model.predict(np.array([[-1.0], [0.0], [1.0]])).round(1)
        array([0.3, 0.5, 0.7])
    """

    low: Floats
    high: Floats
    coefficients: Floats
    scores: Floats
    levels: Floats

    @classmethod
    def fit(
        cls,
        features: Floats,
        happened: NDArray[np.bool_],
        newer: Floats,
        newer_happened: NDArray[np.bool_],
        penalty: float = _PENALTY,
    ) -> Self:
        """Learn the score from some examples, and the curve from newer ones.

        Args:
            features: (examples, features).
            happened: (examples,).
            newer: (newer examples, features).
            newer_happened: (newer examples,).
            penalty: As for `fit_logistic`.
        """
        low, high = features.min(axis=0), features.max(axis=0)
        coefficients = fit_logistic(features, happened, penalty)
        scores = coefficients[0] + np.clip(newer, low, high) @ coefficients[1:]
        return cls(low, high, coefficients, *_calibrated(scores, newer_happened))

    @classmethod
    def constant(cls, features: int, level: float) -> Self:
        """Return one that says the same of everybody; NaN: nothing."""
        none = np.zeros(features)
        return cls(none, none, np.zeros(1 + features), np.zeros(1), np.array([level]))

    def shifted(self, by: float) -> Self:
        """Return one whose probabilities are higher by so much on the logit scale."""
        return replace(self, levels=expit(logit(self.levels) + by)) if by else self

    def predict(self, features: Floats) -> Floats:
        """Return the probabilities of (examples, features): float64 (examples,)."""
        inside = np.clip(features, self.low, self.high)
        scores = self.coefficients[0] + inside @ self.coefficients[1:]
        found: Floats = np.interp(scores, self.scores, self.levels)
        return found


def fit_logistic(
    features: Floats, happened: NDArray[np.bool_], penalty: float = _PENALTY
) -> Floats:
    """Return the intercept and slopes of a logistic regression: float64 (1 + features,).

    Newton's method with steps that are halved until they improve the likelihood, on standardised
    features; a penalty keeps the slopes finite where features tell the classes apart.

    Args:
        features: (examples, features), finite.
        happened: (examples,), of both kinds.
        penalty: Half of it times the sum of the squared slopes of the standardised features is
            taken off the mean log-likelihood.
    """
    centre, spread = features.mean(axis=0), features.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    design = np.column_stack([np.ones(len(features)), (features - centre) / scale])
    ridge = np.append(0.0, np.full(features.shape[1], penalty * len(features)))
    place = np.zeros(design.shape[1])
    loss, gradient, curvature = _logistic(place, design, happened, ridge)
    for _ in range(_ROUNDS):
        step, size = np.linalg.solve(curvature, gradient), 1.0
        while size > _SMALLEST:
            found = _logistic(place - size * step, design, happened, ridge)
            if found[0] <= loss:
                break
            size /= 2
        else:
            break
        place, (loss, gradient, curvature) = place - size * step, found
        if np.abs(size * step).max() < _CLOSE:
            break
    slopes = place[1:] / scale
    return np.append(place[0] - slopes @ centre, slopes)


def _logistic(
    place: Floats, design: Floats, happened: NDArray[np.bool_], ridge: Floats
) -> tuple[float, Floats, Floats]:
    """Return the penalised negative log-likelihood, its gradient and its curvature."""
    score = design @ place
    chance = expit(score)
    loss = float((np.logaddexp(0.0, score) - happened * score).sum() + ridge @ place**2 / 2)
    gradient = design.T @ (chance - happened) + ridge * place
    curvature = (design * (chance * (1 - chance))[:, None]).T @ design + np.diag(ridge)
    # Where every chance is 0 or 1 to the last digit there is no curvature left to divide by.
    curvature[np.diag_indices_from(curvature)] += 1e-9
    return loss, gradient, curvature


def _calibrated(scores: Floats, happened: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return the knots of the best rising curve: both ends of each of its steps."""
    distinct, place = np.unique(scores, return_inverse=True)
    weights = np.bincount(place).astype(np.float64)
    shares = np.bincount(place, happened) / weights
    found = isotonic_regression(shares, weights=weights)
    ends = np.unique(np.concatenate([found.blocks[:-1], found.blocks[1:] - 1]))
    least = 1.0 / (len(scores) + 2)  # a step on which all agree is no certainty
    return distinct[ends], np.clip(found.x[ends], least, 1.0 - least)
