"""Weights of implicit feedback: how much an interaction says, by its kind and its age."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.data.clock import Instant, Instants
from suitably.data.events import Events
from suitably.data.view import View
from suitably.errors import DataError
from suitably.ranking.strongest import Strongest, size_of, strongest
from suitably.utils.runs import reduce_runs, run_starts

__all__ = ["HIGHEST", "LEAST", "LOWEST", "Weighting"]

_DAY = 86_400_000_000
# The least normal number of float32.
LEAST = float(np.finfo(np.float32).tiny)
# Exponents of 2. Single precision keeps 100 halvings below what weighs 2⁻²⁶, and a sum over users
# of what weighs 2⁶⁰ does not overflow: beyond these, weights are held in other units, by whole
# steps. What is set against something of fixed size, and squared, sees 2¹⁰⁰ at most.
_FADED, _GROWN, LOWEST, HIGHEST, _MOST = -26, 60, -126, 100, 2**30


@dataclass(frozen=True)
class Weighting:
    """How much an interaction says: by its kind and its age.

    A kind of negative weight speaks against a product. The weight of a pair is that of its
    strongest interaction, so a repeated purchase says no more than its latest one: of the greatest
    size once faded, the later of two as large, and of those, or where nothing is dated, the
    negative one. Ages matter by their differences alone: the heaviest interaction of a fit,
    once all are faded, weighs what its kind does, whatever the moment, and the others weigh in
    proportion. No age takes a weight to 0.

    Attributes:
        half_life_days: After how many days an interaction counts half; None: it never ages.
        event_weights: The weight of every kind of event that counts, below 0 for one that speaks
            against a product; None: those that mean ownership, at 1.
    """

    half_life_days: float | None = None
    event_weights: Mapping[str, float] | None = None

    def __hash__(self) -> int:
        kinds = self.event_weights
        return hash((self.half_life_days, None if kinds is None else frozenset(kinds.items())))

    @property
    def heaviest(self) -> float:
        """The largest weight of a kind of event, by size."""
        kinds = self.event_weights
        return 1.0 if kinds is None else float(max(abs(weight) for weight in kinds.values()))

    @property
    def against(self) -> frozenset[str]:
        """The kinds of event that speak against a product."""
        kinds = self.event_weights or {}
        return frozenset(kind for kind, weight in kinds.items() if _real(weight) and weight < 0)

    def check(self) -> None:
        """Refuse what cannot weigh.

        Raises:
            ValueError: A half-life or weight out of range.
        """
        days, kinds = self.half_life_days, self.event_weights
        if days is not None and not (_real(days) and 0 < days < np.inf):
            raise ValueError(f"half_life_days={days!r}: must be a finite number above 0, or None")
        if kinds is None:
            return
        if not isinstance(kinds, Mapping) or not kinds:
            raise ValueError(f"event_weights={kinds!r}: must map kinds of event to weights")
        for kind, weight in kinds.items():
            if not isinstance(kind, str) or not (_real(weight) and abs(weight) < np.inf):
                raise ValueError(f"event_weights={{{kind!r}: {weight!r}}}: must be a finite number")
        if self.against and max(kinds.values()) <= 0:
            raise ValueError(
                f"event_weights={dict(kinds)!r}: none is above 0, so nobody wants anything"
            )

    def matrix(self, view: View, origin: Instant | None, shift: int = 0) -> sparse.csr_array:
        """Weigh the interactions of a view: CSR (users, products), float32, not 0 where stored.

        See `weighed`.
        """
        return self.weighed(view, origin, shift)[0]

    def weighed(
        self, view: View, origin: Instant | None, shift: int = 0
    ) -> tuple[sparse.csr_array, Strongest | None]:
        """Weigh the interactions of a view.

        Neither age nor shift makes a weight 0: what has faded beyond single precision keeps the
        least weight that it holds in full.

        Args:
            view: What is visible.
            origin: The moment at which an interaction weighs what its kind does.
            shift: How many halvings are taken off all weights, so that single precision holds them.

        Returns:
            CSR (users, products), float32, not 0 where stored; and what each pair weighs by, in
            that order, where kinds speak against products; else None.

        Raises:
            DataError: A half-life in data without timestamps, or a kind of event that no
                interaction has.
        """
        events, weights = self._chosen(view)
        growth = self._growth(events.times, len(events), origin)
        shape, decisive = (len(view.users), len(view.products)), None
        if self.against:
            decisive = Strongest(weights, events.times)
            pairs = events.users.astype(np.int64) * max(1, shape[1]) + events.products
            places = strongest(pairs, size_of(weights, growth), decisive)
            places = places[weights[places] != 0]
            events, weights, growth = events.take(places), weights[places], growth[places]
            decisive = decisive.take(places)
        parts, exponents = np.frexp(np.abs(weights))
        with np.errstate(under="ignore"):
            faded = parts * np.exp2(exponents - shift + growth)
        faded = np.where(weights != 0, np.maximum(faded, LEAST), 0.0)
        return _strongest(events, np.copysign(faded, weights), shape), decisive

    def strength(self, events: Strongest, origin: Instant | None) -> NDArray[np.float64]:
        """Return how strong the events of pairs are, to be compared: float64 (pairs,)."""
        growth = self._growth(events.times, len(events.weights), origin)
        return size_of(events.weights, growth)

    def origin(self, view: View) -> Instant | None:
        """Return the moment of the heaviest interaction of a view, once all are faded.

        It is that of the view itself where none counts, or none ages.

        Raises:
            DataError: A half-life in data without timestamps, or a kind of event that no
                interaction has.
        """
        events, weights = self._chosen(view)
        some = np.flatnonzero(weights)
        if self.half_life_days is None or view.as_of is None or not len(some):
            return view.as_of
        if events.times is None:
            return view.as_of
        newest: Instant = events.times[some].max()
        # From the newest on, since as of a distant moment all of them can be infinitely old.
        growth = self._growth(events.times, len(events), newest)
        size = np.log2(np.abs(weights[some])) + growth[some]
        moment: Instant = events.times[some[size.argmax()]]
        return moment

    def shift(self, view: View, origin: Instant | None) -> int | None:
        """Return how many halvings bring the weights of a view in range; None where there are none.

        It depends on the heaviest alone and grows with it, in whole steps: news give the same at
        once or in parts.
        """
        events, weights = self._chosen(view)
        some = weights != 0
        if not some.any():
            return None
        growth = self._growth(events.times, len(events), origin)
        level = float((np.log2(np.abs(weights[some])) + growth[some]).max())
        if _FADED <= level <= _GROWN:
            return 0
        steps = np.floor(level / _GROWN) if level < 0 else np.ceil(level / _GROWN) - 1
        return int(steps) * _GROWN

    def halvings(self, earlier: Instant | None, later: Instant | None) -> float:
        """Return how often a weight halves from one moment to another: 0 where none ages."""
        if self.half_life_days is None or earlier is None or later is None:
            return 0.0
        return float(_days(later - earlier)) / self.half_life_days

    def _growth(
        self, times: Instants | None, count: int, origin: Instant | None
    ) -> NDArray[np.float64]:
        """Return to which power of 2 an age takes every weight: float64 (count,)."""
        if self.half_life_days is None:
            return np.zeros(count)
        if times is None or origin is None:
            raise DataError("half_life_days: the interactions have no timestamps, so no age")
        with np.errstate(over="ignore"):
            growth = _days(times - origin) / self.half_life_days
        return np.asarray(np.clip(growth, -_MOST, _MOST))

    def _chosen(self, view: View) -> tuple[Events, NDArray[np.float64]]:
        if self.event_weights is None:
            return view.acquisitions, np.ones(len(view.acquisitions))
        ignored = sorted({*self.event_weights} & {*view.kinds.other})
        if ignored:
            raise DataError(f"event_weights: {ignored} are in other_events: nothing is learned")
        events = view.feedback.of(tuple(self.event_weights))
        by_code = [float(self.event_weights.get(name, 0)) for name in events.kind_names]
        return events, np.array(by_code)[events.kinds]


def _strongest(
    events: Events, weights: NDArray[np.float64], shape: tuple[int, int]
) -> sparse.csr_array:
    """Keep the largest weight of every pair, or its only one; none of 0 is stored."""
    key = events.users.astype(np.int64) * max(1, shape[1]) + events.products
    order = np.argsort(key, kind="stable")
    key, sorted_weights = key[order], weights[order]
    first = run_starts(key)
    single = reduce_runs(np.maximum, sorted_weights, first).astype(np.float32)
    users, products = events.users[order][first], events.products[order][first]
    kept = single != 0
    pairs = (single[kept], (users[kept], products[kept]))
    matrix = sparse.csr_array(sparse.coo_array(pairs, shape=shape))
    matrix.sort_indices()
    return matrix


def _days(ages: Any) -> Any:
    return ages.astype(np.float64) / _DAY


def _real(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)
