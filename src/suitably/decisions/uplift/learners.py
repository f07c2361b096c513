"""Learners of an effect: doubly robust, X, T and S."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suitably.decisions.uplift.fields import Encoded
from suitably.decisions.uplift.outcome_models import (
    Boosting,
    CrossFitted,
    Linear,
    Model,
    cross_fitted,
)

__all__ = ["LEARNERS", "Evidence", "augmented", "fit_effect", "fit_outcomes"]

Floats = NDArray[np.float64]
LEARNERS = ("doubly-robust", "x", "t", "s")


@dataclass(frozen=True)
class Evidence:
    """What a learner learns from.

    Attributes:
        encoded: Fields of customers, n rows.
        approached: bool (n,).
        outcome: float64 (n,).
        binary: Whether every outcome is 0 or 1.
        probability: float64 (n,), of being approached, within (0, 1).
        folds: int64 (n,), which fold a row belongs to.
        seed: Of the models.
    """

    encoded: Encoded
    approached: NDArray[np.bool_]
    outcome: Floats
    binary: bool
    probability: Floats
    folds: NDArray[np.int64]
    seed: int


def fit_outcomes(evidence: Evidence) -> CrossFitted:
    """Fit expected outcomes as one model that has the approach as a field (S): (n, 2)."""
    both = evidence.encoded.beside(evidence.approached)
    boosting = Boosting(evidence.binary, trees=40, leaves=8)

    def fit(rows: NDArray[np.bool_]) -> Model:
        model = boosting.fit(both.take(rows), evidence.outcome[rows], evidence.seed)

        def predict(encoded: Encoded) -> Floats:
            n = len(encoded.values)
            return np.column_stack([model(encoded.beside(np.full(n, arm))) for arm in (0, 1)])

        return predict

    return cross_fitted(fit, evidence.encoded, evidence.folds)


def _two_models(evidence: Evidence, linear: bool = False) -> CrossFitted:
    """Fit expected outcomes as two models, one per group (T): (n, 2)."""
    boosting = Boosting(evidence.binary, trees=25, leaves=4)
    regression = Linear(evidence.binary, penalty=100.0 if evidence.binary else 1_000.0)

    def fit(rows: NDArray[np.bool_]) -> Model:
        models = []
        for group in (~evidence.approached, evidence.approached):
            mine = rows & group
            encoded, outcome = evidence.encoded.take(mine), evidence.outcome[mine]
            models.append(
                regression.fit(encoded, outcome)
                if linear
                else boosting.fit(encoded, outcome, evidence.seed)
            )
        return lambda encoded: np.column_stack([model(encoded) for model in models])

    return cross_fitted(fit, evidence.encoded, evidence.folds)


def augmented(evidence: Evidence, outcomes: CrossFitted) -> Floats:
    """Return each row's outcome in both states, inverse probability weighing the model's error.

    Returns:
        float64 (n, 2), without and with approach; their difference is unbiased for the row's
        effect where either the outcomes or the probabilities are right (doubly robust).
    """
    w, e = evidence.approached, evidence.probability
    error = evidence.outcome[:, None] - outcomes.fitted
    found: Floats = outcomes.fitted + np.column_stack([~w / (1 - e), w / e]) * error
    return found


def fit_effect(learner: str, evidence: Evidence, outcomes: CrossFitted) -> Model:
    """Fit the named learner of effects."""
    if learner == "s":
        return _as_differences(outcomes).predict
    if learner == "t":
        return _as_differences(_two_models(evidence)).predict
    return _x_learner(evidence) if learner == "x" else _doubly_robust(evidence, outcomes)


def _x_learner(evidence: Evidence) -> Model:
    """Impute each group's effects by the other's model, learn both, weigh by the probability.

    Source:
        Künzel et al., "Metalearners for Estimating Heterogeneous Treatment Effects", PNAS 116
        (2019).
    """
    w, fitted = evidence.approached, _two_models(evidence).fitted
    boosting = Boosting(False, trees=25, leaves=4, rate=0.1, ridge=50.0, least=200)
    with_it, without = (
        boosting.fit(evidence.encoded.take(group), target[group], evidence.seed)
        for group, target in (
            (w, evidence.outcome - fitted[:, 0]),
            (~w, fitted[:, 1] - evidence.outcome),
        )
    )
    share = float(evidence.probability.mean())
    return lambda encoded: share * without(encoded) + (1 - share) * with_it(encoded)


def _doubly_robust(evidence: Evidence, outcomes: CrossFitted) -> Model:
    """Average candidates, and size them by a regression of the doubly robust pseudo-outcome.

    Candidates are the differences of a single boosted model, of two boosted and of two linear
    ones, and a ridge regression of the pseudo-outcome on the fields. Where effects are small, which
    of them is best cannot be told from one campaign, and their average is better than any. Each
    counts alike, by its standard deviation out of fold; how large effects are is the slope of the
    pseudo-outcome on their average, out of fold too and not below 0.

    Source:
        Kennedy, "Towards Optimal Doubly Robust Estimation of Heterogeneous Causal Effects",
        Electronic Journal of Statistics 17 (2023), for the pseudo-outcome; Chernozhukov et al.,
        "Generic Machine Learning Inference on Heterogeneous Treatment Effects" (2018), for the
        slope (best linear predictor).
    """
    states = augmented(evidence, outcomes)
    target = states[:, 1] - states[:, 0]
    linear = Linear(False, penalty=10_000.0)
    candidates = [
        _as_differences(outcomes),
        _as_differences(_two_models(evidence)),
        _as_differences(_two_models(evidence, linear=True)),
        cross_fitted(
            lambda rows: linear.fit(evidence.encoded.take(rows), target[rows]),
            evidence.encoded,
            evidence.folds,
        ),
    ]
    spread = [float(one.fitted.std()) for one in candidates]
    told = [(one, 1 / s) for one, s in zip(candidates, spread, strict=True) if s > 0]
    average = sum((one.fitted - one.fitted.mean()) * share for one, share in told) + 0 * target
    squares = float(average @ average)
    slope = max(0.0, float(average @ target) / squares) if squares else 0.0
    middle = float(target.mean())

    def effect(encoded: Encoded) -> Floats:
        found = np.full(len(encoded.values), middle)
        for one, share in told:
            found += slope * share * (one.predict(encoded) - one.fitted.mean())
        return found

    return effect


def _as_differences(outcomes: CrossFitted) -> CrossFitted:
    def difference(model: Model) -> Model:
        def effect(encoded: Encoded) -> Floats:
            found = model(encoded)
            return found[:, 1] - found[:, 0]

        return effect

    fitted = outcomes.fitted[:, 1] - outcomes.fitted[:, 0]
    return CrossFitted(fitted, [difference(model) for model in outcomes.models])
