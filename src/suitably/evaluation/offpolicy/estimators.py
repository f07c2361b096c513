"""Off-policy estimators: what a log of one policy says of the rewards of another."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from suitably.evaluation.statistics.rounding import noise

__all__ = [
    "ESTIMATORS",
    "Estimator",
    "Rounds",
    "beta_ips",
    "beta_ips_difference",
    "clipped_ips",
    "difference",
    "dm",
    "dr",
    "dros",
    "effective_size",
    "estimator",
    "ips",
    "sndr",
    "snips",
    "switch",
]

Floats = NDArray[np.float64]
_TERMS = 1_000  # a weight is a product of quotients of sums over pools of products


@dataclass(frozen=True)
class Rounds:
    """What was shown, row by row, as a policy to be evaluated sees it.

    Attributes:
        weights: float64 (n,), the probability of what was shown under the policy, over that under
            the policy that logged it.
        rewards: float64 (n,), what came of it.
        expected: float64 (n,), the mean of a model's rewards over what the policy would show.
        predicted: float64 (n,), the model's reward of what was shown.
        ranks: int64 (n,), from 0, each of which is normalised on its own; None: all are one.
        shows: float64 (n,), 1 where the policy would show anything at that rank, else 0: what the
            weight is on average; None: it always would.

    Example:
        >>> shown = Rounds(np.array([2.0, 0.0]), np.array([1.0, 1.0]), np.zeros(2), np.zeros(2))
        >>> float(ips(shown).mean())
        1.0
    """

    weights: Floats
    rewards: Floats
    expected: Floats
    predicted: Floats
    ranks: NDArray[np.int64] | None = None
    shows: Floats | None = None

    @property
    def mean_weights(self) -> Floats:
        """What the weights are on average: float64 (n,)."""
        return np.ones(len(self.weights)) if self.shows is None else self.shows

    @property
    def errors(self) -> Floats:
        """How far the model is off where something was shown."""
        return self.rewards - self.predicted


Estimator = Callable[[Rounds], Floats]
"""Rounds in, a number per row out whose mean is the estimate.

The numbers of an estimator that divides by a sum over all rows are linearised, so that their
variance is the estimate's (delta method).
"""


def ips(rounds: Rounds) -> Floats:
    """Return w · r: inverse propensity scoring, unbiased.

    Source:
        Horvitz and Thompson, "A Generalization of Sampling Without Replacement", JASA 47 (1952).
    """
    return rounds.weights * rounds.rewards


def clipped_ips(rounds: Rounds, limit: float = 10.0) -> Floats:
    """Return min(w, limit) · r: less variance, biased towards 0.

    Source:
        Ionides, "Truncated Importance Sampling", JCGS 17 (2008).
    """
    return np.minimum(rounds.weights, limit) * rounds.rewards


def snips(rounds: Rounds) -> Floats:
    """Return the linearised numbers of Σ w · r / Σ w, rank by rank: nearly unbiased.

    Source:
        Swaminathan and Joachims, "The Self-Normalized Estimator for Counterfactual Learning",
        NeurIPS 2015.
    """
    return _self_normalised(rounds, rounds.rewards)


def dm(rounds: Rounds) -> Floats:
    """Return what the model expects of the policy, whatever came of what was shown."""
    return rounds.expected


def dr(rounds: Rounds) -> Floats:
    """Return expected + w · (r − predicted): doubly robust, unbiased whatever the model.

    Source:
        Dudík, Langford and Li, "Doubly Robust Policy Evaluation and Learning", ICML 2011.
    """
    return rounds.expected + rounds.weights * rounds.errors


def sndr(rounds: Rounds) -> Floats:
    """Return expected + the self-normalised mean of w · (r − predicted), linearised.

    Source:
        Thomas and Brunskill, "Data-Efficient Off-Policy Policy Evaluation", ICML 2016.
    """
    return rounds.expected + _self_normalised(rounds, rounds.errors)


def switch(rounds: Rounds, limit: float = 10.0) -> Floats:
    """Return expected + w · (r − predicted) where w ≤ limit, the model alone elsewhere: biased.

    Source:
        Wang, Agarwal and Dudík, "Optimal and Adaptive Off-Policy Evaluation in Contextual
        Bandits", ICML 2017.
    """
    kept = np.where(rounds.weights <= limit, rounds.weights, 0.0)
    return rounds.expected + kept * rounds.errors


def dros(rounds: Rounds, limit: float = 10.0) -> Floats:
    """Return expected + λ · w / (w² + λ) · (r − predicted): weights shrunk, biased.

    Source:
        Su, Dimakopoulou, Krishnamurthy and Dudík, "Doubly Robust Off-Policy Evaluation with
        Shrinkage", ICML 2020.
    """
    shrunk = limit * rounds.weights / (rounds.weights**2 + limit)
    return rounds.expected + shrunk * rounds.errors


def beta_ips(rounds: Rounds) -> Floats:
    """Return w · (r − β) + β, β being the control variate that leaves the least variance.

    As the mean of w is 1, any β leaves the estimate unbiased but for its own estimation.

    Source:
        Gupta, Jeunen, Oosterhuis and de Rijke, "Optimal Baseline Corrections for Off-Policy
        Contextual Bandits", RecSys 2024.
    """
    reach = noise(rounds.weights, rounds.mean_weights, terms=_TERMS)
    return _corrected(rounds.weights, rounds.rewards, rounds.mean_weights, reach)


def beta_ips_difference(control: Rounds, treatment: Rounds) -> Floats:
    """Return (w₂ − w₁) · (r − β), β being the control variate that leaves the least variance.

    Source:
        Jeunen and Ustimenko, "Δ-OPE: Off-Policy Estimation with Pairs of Policies", RecSys 2024,
        arXiv:2405.10024.
    """
    apart = treatment.weights - control.weights
    mean = treatment.mean_weights - control.mean_weights
    reach = noise(control.weights, treatment.weights, np.ones(len(apart)), terms=_TERMS)
    return _corrected(apart, control.rewards, mean, reach)


def effective_size(weights: Floats) -> float:
    """Return (Σ w)² / Σ w²: how many rows of equal weight would say as much (Kish, 1965).

    Example:
        >>> effective_size(np.array([1.0, 1.0, 0.0])), effective_size(np.zeros(3))
        (2.0, 0.0)
    """
    squares = float(weights @ weights)
    return float(weights.sum()) ** 2 / squares if squares else 0.0


ESTIMATORS: Mapping[str, Estimator] = MappingProxyType(
    {
        "ips": ips,
        "clipped_ips": clipped_ips,
        "snips": snips,
        "dm": dm,
        "dr": dr,
        "sndr": sndr,
        "switch": switch,
        "dros": dros,
        "beta_ips": beta_ips,
    }
)
"""The estimators by name."""


_LIMITED: Mapping[str, Callable[[float], Estimator]] = {
    "clipped_ips": lambda limit: partial(clipped_ips, limit=limit),
    "switch": lambda limit: partial(switch, limit=limit),
    "dros": lambda limit: partial(dros, limit=limit),
}


def estimator(name: str, limit: float = 10.0) -> Estimator:
    """Return an estimator by name; those that limit weights do so at `limit`."""
    return _LIMITED[name](limit) if name in _LIMITED else ESTIMATORS[name]


def difference(name: str, control: Rounds, treatment: Rounds, limit: float = 10.0) -> Floats:
    """Return an estimator's numbers of treatment less control, row by row.

    What both arms would show alike cancels, so that the interval is narrower than two apart; what
    rounding alone can make of equal numbers is 0.
    """
    estimate = estimator(name, limit)
    ours, theirs = estimate(control), estimate(treatment)
    apart = beta_ips_difference(control, treatment) if name == "beta_ips" else theirs - ours
    # Rounding of the sums over all rows is in every number.
    alike = np.abs(apart) <= noise(ours, theirs, terms=len(apart))
    return np.where(alike, 0.0, apart)


def _self_normalised(rounds: Rounds, values: Floats) -> Floats:
    weights = rounds.weights
    ranks = np.zeros(len(weights), np.int64) if rounds.ranks is None else rounds.ranks
    shows = rounds.mean_weights
    shown, totals = np.bincount(ranks, shows), np.bincount(ranks, weights)
    # Where the policy shows nothing, nothing is earned, and nothing is to be normalised.
    told = np.divide(1.0, totals, out=np.where(shown > 0, np.nan, 0.0), where=totals > 0)
    ratio = (np.bincount(ranks, weights * values) * told)[ranks]
    found: Floats = ratio * shows + weights * (values - ratio) * (shown * told)[ranks]
    return found


def _corrected(weights: Floats, rewards: Floats, mean: Floats, reach: Floats) -> Floats:
    """Return w · r − β · (w − mean), β the least-squares slope of w · r on w.

    Where w differs from its mean by no more than `reach`, rounding, there is nothing to correct.
    """
    values, apart = weights * rewards, weights - mean
    apart = np.where(np.abs(apart) <= reach, 0.0, apart)
    squares = float(apart @ apart)
    slope = float(apart @ values) / squares if squares else 0.0
    return values - slope * apart
