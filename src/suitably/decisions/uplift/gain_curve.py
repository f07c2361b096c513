"""Gain curve: what approaching the share of highest effect brings, with its area and variance."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Area", "GainCurve", "gain_curve"]

Floats = NDArray[np.float64]


class Area(NamedTuple):
    """An area and its standard error."""

    value: float
    error: float


@dataclass(frozen=True)
class _Arm:
    """One group, in order of the effect.

    Attributes:
        weights: float64 (n,), 1 over the probability of the group; 0 for rows of the other.
        outcome: float64 (n,).
        cuts: int64 (cuts,), how many rows each cut takes.
    """

    weights: Floats
    outcome: Floats
    cuts: NDArray[np.int64]

    def moments(self) -> tuple[Floats, Floats, Floats]:
        """Return weight, mean and variance of the mean at every cut."""
        last = self.cuts - 1
        weight = np.cumsum(self.weights)[last]
        mean = np.cumsum(self.weights * self.outcome)[last] / weight
        squares = self.weights**2
        parts = [np.cumsum(squares * self.outcome**power)[last] for power in range(3)]
        spread = parts[2] - 2 * mean * parts[1] + mean**2 * parts[0]
        return weight, mean, np.maximum(spread, 0.0) / weight**2

    def influence(self, coefficients: Floats) -> Floats:
        """Return what each row adds to a weighted sum of the means at the cuts (linearised)."""
        weight, mean, _ = self.moments()
        level, centre = coefficients / weight, coefficients * mean / weight
        # A row is part of every cut from its own on.
        first = np.searchsorted(self.cuts, np.arange(1, len(self.weights) + 1))
        level, centre = (np.cumsum(part[::-1])[::-1][first] for part in (level, centre))
        found: Floats = self.weights * (self.outcome * level - centre)
        return found


@dataclass(frozen=True)
class GainCurve:
    """Gain at every cut between rows of different effects, from the first with both groups.

    Attributes:
        share: float64 (cuts,), of rows, ascending to 1.
        gain: float64 (cuts,), outcome gained per row of all.
        error: float64 (cuts,), standard error of the gain.
    """

    share: Floats
    gain: Floats
    error: Floats
    _arms: tuple[_Arm, _Arm]

    def area(self, above_random: bool) -> Area:
        """Return the area under the curve from (0, 0), less that under the straight line or not."""
        edges = np.concatenate([[0.0], self.share])
        coefficients = np.zeros(len(self.share))
        coefficients += np.diff(edges) / 2  # trapezia, by their right
        coefficients[:-1] += np.diff(edges)[1:] / 2  # and left ends
        if above_random:
            coefficients[-1] -= 0.5
        treated, control = (arm.influence(coefficients * self.share) for arm in self._arms)
        error = float(np.sqrt(((treated - control) ** 2).sum()))
        return Area(float(coefficients @ self.gain), error)


def gain_curve(
    effect: Floats, approached: NDArray[np.bool_], outcome: Floats, probability: Floats
) -> GainCurve:
    """Draw the curve.

    Rows of equal effect are approached together, so that their order does not matter. The gain at
    a share s is s times the difference of the groups' mean outcomes among that share, each row
    weighed by the inverse of the probability of its group (normalised). Before the first cut that
    has rows of both groups the curve is a straight line from 0.

    Args:
        effect: float64 (n,).
        approached: bool (n,), with rows of both.
        outcome: float64 (n,).
        probability: float64 (n,), of being approached.

    Source:
        Radcliffe, "Using Control Groups to Target on Predicted Lift", DMA Analytics Journal (2007);
        Gutierrez and Gérardy, "Causal Inference and Uplift Modelling", PMLR 67 (2017).
    """
    order = np.argsort(-effect, kind="stable")
    effect, approached, outcome = effect[order], approached[order], outcome[order]
    probability = probability[order]
    ends = np.append(np.flatnonzero(np.diff(effect)) + 1, len(effect))
    both = (np.cumsum(approached)[ends - 1] > 0) & (np.cumsum(~approached)[ends - 1] > 0)
    cuts = ends[both]
    treated = _Arm(np.where(approached, 1 / probability, 0.0), outcome, cuts)
    control = _Arm(np.where(approached, 0.0, 1 / (1 - probability)), outcome, cuts)
    share = cuts / len(effect)
    (_, above, above_variance), (_, below, below_variance) = treated.moments(), control.moments()
    error = share * np.sqrt(above_variance + below_variance)
    return GainCurve(share, share * (above - below), error, (treated, control))
