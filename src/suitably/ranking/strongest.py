"""The strongest event of each pair, where events may speak against a product."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suitably.data.clock import Instants
from suitably.utils.runs import run_starts

__all__ = ["Strongest", "merged", "size_of", "strongest"]

# Sizes, as powers of 2, that differ by less are equal: what single precision cannot tell apart.
_EQUAL = 2.0**24


@dataclass(frozen=True)
class Strongest:
    """The event that each pair weighs by, so that a later one can be held against it.

    Attributes:
        weights: float64 (pairs,), the signed weight of its kind, not 0.
        times: datetime64[us] (pairs,), when it was; None in data without timestamps.
    """

    weights: NDArray[np.float64]
    times: Instants | None

    def plus(self, others: "Strongest") -> "Strongest":
        """Return them with others behind them."""
        times = None
        if self.times is not None and others.times is not None:
            times = np.concatenate([self.times, others.times])
        return Strongest(np.concatenate([self.weights, others.weights]), times)

    def take(self, places: NDArray[np.int64] | NDArray[np.bool_]) -> "Strongest":
        """Return those of some pairs."""
        times = None if self.times is None else self.times[places]
        return Strongest(self.weights[places], times)


def size_of(weights: NDArray[np.float64], growth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how strong events are, on a scale on which equal ones are equal; 0 is −inf.

    Args:
        weights: Those of their kinds.
        growth: To which power of 2 their age takes these.
    """
    with np.errstate(divide="ignore"):
        return np.rint((np.log2(np.abs(weights)) + growth) * _EQUAL)


def strongest(
    pairs: NDArray[np.int64], sizes: NDArray[np.float64], events: Strongest
) -> NDArray[np.int64]:
    """Return each pair's strongest event, in the order of pairs: places int64 (distinct pairs,).

    Of equally strong ones it is the latest; of those, or where nothing is dated, one that speaks
    against the product.

    Args:
        pairs: A number for each event's pair.
        sizes: How strong each is.
        events: The events.

    Example:
        >>> events = Strongest(np.array([1.0, -1.0, 2.0]), None)
        >>> strongest(np.array([7, 7, 8]), size_of(events.weights, np.zeros(3)), events).tolist()
        [1, 2]
    """
    dated = () if events.times is None else (events.times,)
    order = np.lexsort((events.weights < 0, *dated, sizes, pairs))
    ends = np.append(run_starts(pairs[order])[1:], len(order)) if len(order) else order
    return order[ends - 1]


def merged(
    pairs: NDArray[np.int64], sizes: NDArray[np.float64], events: Strongest, held: int
) -> NDArray[np.int64]:
    """Return each pair's strongest event of those held and new ones, in the order of pairs.

    Only pairs that have something new are looked into.

    Args:
        pairs: A number for each event's pair: ascending and distinct among those held, which come
            first, and among the new ones.
        sizes: How strong each is.
        events: The events.
        held: How many are held.
    """
    touched = np.flatnonzero(np.isin(pairs, pairs[held:]))
    kept = np.ones(len(pairs), bool)
    kept[touched] = False
    kept[touched[strongest(pairs[touched], sizes[touched], events.take(touched))]] = True
    places = np.flatnonzero(kept)
    return places[np.argsort(pairs[places], kind="stable")]
