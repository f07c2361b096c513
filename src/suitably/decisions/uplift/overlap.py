"""Overlap: whether those approached and those not are alike enough to compare."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suitably.errors import DataError
from suitably.utils.record import Record

__all__ = ["Overlap", "clipped", "overlap_of"]

Floats = NDArray[np.float64]
_EDGE = 0.02
_BINS = 20
_LEAST_SHARED = 0.1
_LEAST_EFFECTIVE = 10.0


@dataclass(frozen=True)
class Overlap(Record):
    """How alike the two groups are in their probabilities of being approached.

    Attributes:
        treated: Customers approached.
        control: Customers not approached.
        shared: The area that the distributions of the probability in both groups have in common,
            from 0 (they never meet) to 1 (they are the same, as in an experiment), in 20 bins of
            equal counts.
        outside: The share of customers with a probability below 0.02 or above 0.98 where it was
            estimated; these count as 0.02 and 0.98.
        effective_treated: How many equally weighted customers would tell as much as those
            approached do under inverse probability weights, (Σw)² / Σw².
        effective_control: The same of those not approached.
        estimated: Whether the probabilities were estimated.
        reason: Why there is no comparing them; empty where there is.

    Source:
        Kish, Survey Sampling (1965), for the effective number; Inman and Bradley (1989) for the
        overlapping coefficient.
    """

    treated: int
    control: int
    shared: float
    outside: float
    effective_treated: float
    effective_control: float
    estimated: bool
    reason: str = ""

    @property
    def evaluable(self) -> bool:
        """Whether the groups can be compared at all."""
        return not self.reason

    def check(self) -> None:
        """Refuse groups that cannot be compared.

        Raises:
            DataError: `not evaluable: ` and the reason.
        """
        if self.reason:
            raise DataError(f"not evaluable: {self.reason}")


def clipped(probability: Floats) -> Floats:
    """Return estimated probabilities within [0.02, 0.98]: no customer outweighs the rest."""
    return np.clip(probability, _EDGE, 1 - _EDGE)


def overlap_of(approached: NDArray[np.bool_], probability: Floats, estimated: bool) -> Overlap:
    """Measure the overlap of two groups.

    Args:
        approached: bool (n,).
        probability: float64 (n,), of being approached, as known or as estimated without clipping.
        estimated: Which of these it is.

    Example:
        >>> groups = np.arange(100) % 2 == 0
        >>> overlap_of(groups, np.full(100, 0.5), estimated=False).shared
        1.0
        >>> overlap_of(groups, np.where(groups, 0.99, 0.01), estimated=True).reason
        'the groups of those approached and not approached hardly overlap (0 % in common)'
    """
    treated = int(approached.sum())
    control = len(approached) - treated
    outside = float(((probability < _EDGE) | (probability > 1 - _EDGE)).mean()) if estimated else 0
    used = clipped(probability) if estimated else probability
    effective = _effective(1 / used[approached]), _effective(1 / (1 - used[~approached]))
    shared = _shared(approached, probability) if treated and control else 0.0
    reason = ""
    if not treated or not control:
        reason = f"everybody was {'not ' if not treated else ''}approached, so nothing compares"
    elif min(effective) < _LEAST_EFFECTIVE:
        which = "approached" if effective[0] < _LEAST_EFFECTIVE else "not approached"
        reason = f"those {which} tell no more than {min(effective):.1f} customers would"
    elif estimated and shared < _LEAST_SHARED:
        reason = (
            f"the groups of those approached and not approached hardly overlap "
            f"({100 * shared:.0f} % in common)"
        )
    return Overlap(treated, control, shared, float(outside), *effective, estimated, reason)


def _effective(weights: Floats) -> float:
    return float(weights.sum() ** 2 / (weights**2).sum()) if len(weights) else 0.0


def _shared(approached: NDArray[np.bool_], probability: Floats) -> float:
    edges = np.unique(np.quantile(probability, np.arange(1, _BINS) / _BINS))
    places = np.searchsorted(edges, probability, side="right")
    shares = [
        np.bincount(places[group], minlength=_BINS + 1) / group.sum()
        for group in (approached, ~approached)
    ]
    return float(np.minimum(*shares).sum())
