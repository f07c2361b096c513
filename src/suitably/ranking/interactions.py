"""Weighted implicit feedback: the sparse matrix that rankers learn from and fold into."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.data.clock import Instant
from suitably.data.events import Events
from suitably.data.view import View
from suitably.data.vocabulary import Vocabulary
from suitably.errors import DataError
from suitably.utils.runs import reduce_runs, run_starts

__all__ = ["SharedInteractions", "WeightedInteractions", "Weighting"]

_DAY = 86_400_000_000
# The least normal number of float32. Exponents of 2: 126 of float32's less the 100 that weights may
# lie apart, and a size of weights whose sums over users do not overflow.
_LEAST = float(np.finfo(np.float32).tiny)
_FADED, _GROWN = -26.0, 60.0


@dataclass(frozen=True)
class Weighting:
    """How much an interaction says: by its kind and its age.

    The weight of a pair is that of its strongest interaction, so a repeated purchase says no more
    than its latest one. Ages matter by their differences alone: a later moment takes the same
    factor off every weight, and no age takes a weight to 0.

    Attributes:
        half_life_days: After how many days an interaction counts half; None: it never ages.
        event_weights: The weight of every kind of event that counts, 0 or more; None: those that
            mean ownership, at 1.
    """

    half_life_days: float | None = None
    event_weights: Mapping[str, float] | None = None

    def __hash__(self) -> int:
        kinds = self.event_weights
        return hash((self.half_life_days, None if kinds is None else frozenset(kinds.items())))

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
            if not isinstance(kind, str) or not (_real(weight) and 0 <= weight < np.inf):
                raise ValueError(
                    f"event_weights={{{kind!r}: {weight!r}}}: must be a finite number, 0 or more"
                )

    def matrix(self, view: View, origin: Instant | None) -> sparse.csr_array:
        """Weigh the interactions of a view: CSR (users, products), float32, above 0 where stored.

        An age never makes a weight 0: what has faded beyond single precision keeps the least
        weight that it holds in full.

        Args:
            view: What is visible.
            origin: The moment at which an interaction of age 0 weighs its full weight.

        Raises:
            DataError: A half-life in data without timestamps, a kind of event that no interaction
                has, or a weight beyond float32.
        """
        events, weights = self._chosen(view)
        faded = weights
        if self.half_life_days is not None:
            with np.errstate(over="ignore", under="ignore", invalid="ignore"):
                faded = weights * np.exp2(self._halvings(events, origin))
            faded = np.where(weights > 0, np.maximum(faded, _LEAST), 0.0)
        return _strongest(events, faded, (len(view.users), len(view.products)))

    def origin(self, view: View, asked: Instant | None) -> Instant | None:
        """Return a moment to reckon ages to at which float32 holds the weights of a view.

        It is the one asked for, unless age has then taken so much off the heaviest interaction that
        others a factor of 2⁻¹⁰⁰ below it are lost, or added so much that sums overflow; then it is
        the moment of the heaviest. Weights differ by one common factor between the two.

        Raises:
            DataError: A half-life in data without timestamps, or a kind of event that no
                interaction has.
        """
        events, weights = self._chosen(view)
        if self.half_life_days is None or asked is None or events.times is None:
            return asked
        some = np.flatnonzero(weights > 0)
        if not len(some):
            return asked
        newest: Instant = events.times[some].max()
        # From the newest on, since as of a distant moment all of them can be infinitely old.
        size = np.log2(weights[some]) + self._halvings(events, newest)[some]
        heaviest = int(size.argmax())
        moment: Instant = events.times[some[heaviest]]
        with np.errstate(over="ignore"):
            change = -_days(asked - moment) / self.half_life_days
        grown = change > 0 and change + np.log2(weights[some[heaviest]]) > _GROWN
        return moment if change < _FADED or grown else asked

    def factor(self, earlier: Instant | None, later: Instant | None) -> float:
        """Return what weights reckoned to one moment are multiplied by to be those of another."""
        if self.half_life_days is None or earlier is None or later is None or earlier == later:
            return 1.0
        with np.errstate(over="ignore", under="ignore"):
            return float(np.exp2(-_days(later - earlier) / self.half_life_days))

    def _halvings(self, events: Events, origin: Instant | None) -> NDArray[np.float64]:
        """Return to which power of 2 an age takes every weight: float64 (events,)."""
        if events.times is None or origin is None:
            raise DataError("half_life_days: the interactions have no timestamps, so no age")
        with np.errstate(over="ignore"):
            return np.asarray(-_days(origin - events.times) / self.half_life_days)

    def _chosen(self, view: View) -> tuple[Events, NDArray[np.float64]]:
        if self.event_weights is None:
            return view.acquisitions, np.ones(len(view.acquisitions))
        ignored = sorted({*self.event_weights} & {*view.kinds.other})
        if ignored:
            raise DataError(f"event_weights: {ignored} are in other_events: nothing is learned")
        events = view.feedback.of(tuple(self.event_weights))
        by_code = [float(self.event_weights.get(name, 0)) for name in events.kind_names]
        return events, np.array(by_code)[events.kinds]


@dataclass(frozen=True)
class WeightedInteractions:
    """The weighted interactions of every user: what rankers of one weighting share.

    Attributes:
        weighting: What they are weighed by.
        users: Whose they are, row by row.
        weights: CSR (users, products), float32, sorted; above 0 where stored.
        origin: The moment that ages are reckoned to; None in data without timestamps.
    """

    weighting: Weighting
    users: Vocabulary
    weights: sparse.csr_array
    origin: Instant | None

    @staticmethod
    def of(view: View, weighting: Weighting) -> "WeightedInteractions":
        """Weigh all that a view shows, as of its own moment.

        Raises:
            ValueError: A weighting out of range.
            DataError: See `Weighting.matrix`.
        """
        weighting.check()
        origin = weighting.origin(view, view.as_of)
        matrix = weighting.matrix(view, origin)
        return WeightedInteractions(weighting, view.users.ids, matrix, origin)

    def plus(self, view: View) -> tuple["WeightedInteractions", NDArray[np.int64]]:
        """Add new interactions; vocabularies may have grown at their ends.

        What is new may be so much later that float32 cannot hold both by the old origin: then
        all are reckoned to a later one.

        Args:
            view: The new interactions only, over all users and products.

        Returns:
            The joint interactions, and the rows that have something new, ascending.
        """
        origin = self.weighting.origin(view, self.origin)
        if origin is not None and self.origin is not None:
            origin = max(origin, self.origin)
        new = self.weighting.matrix(view, origin)
        weights = self.weights.data
        if origin != self.origin:
            faded = weights.astype(np.float64) * self.weighting.factor(self.origin, origin)
            weights = np.maximum(faded, _LEAST).astype(np.float32)
        held = sparse.csr_array(
            (weights, self.weights.indices, _longer(self.weights.indptr, new.shape[0])),
            shape=new.shape,
        )
        joint = sparse.csr_array(held.maximum(new)) if new.nnz else held
        joint.sort_indices()
        rows = np.flatnonzero(np.diff(new.indptr))
        return replace(self, users=view.users.ids, weights=joint, origin=origin), rows

    @cached_property
    def active(self) -> NDArray[np.bool_]:
        """Which users have any: bool (users,)."""
        active: NDArray[np.bool_] = np.diff(self.weights.indptr) > 0
        return active

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Which products occur in any: bool (products,)."""
        known: NDArray[np.bool_] = np.zeros(self.weights.shape[1], bool)
        known[self.weights.indices] = True
        return known

    @property
    def core(self) -> sparse.csr_array:
        """The rows of active users and the columns of known products.

        What is drawn at random by shape must not change with users and products to come.
        """
        return sparse.csr_array(self.weights[self.active][:, self.known])

    def any_of(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which users by row have any; −1 has none: bool (rows,)."""
        if not len(self.active):
            return np.zeros(len(rows), bool)
        found: NDArray[np.bool_] = (rows >= 0) & self.active[rows]
        return found

    def lines(self, rows: NDArray[np.int64]) -> sparse.csr_array:
        """Return the weights of some users by row: CSR (rows, products); −1 has none."""
        starts, ends = self.weights.indptr[rows], self.weights.indptr[rows + 1]
        lengths = np.where(rows >= 0, ends - starts, 0).astype(np.int64)
        bounds = np.concatenate([[0], np.cumsum(lengths)])
        places = np.repeat(starts - bounds[:-1], lengths) + np.arange(bounds[-1])
        parts = (self.weights.data[places], self.weights.indices[places], bounds)
        return sparse.csr_array(parts, shape=(len(rows), self.weights.shape[1]))


class SharedInteractions:
    """Weighs the interactions of one view once for each distinct weighting.

    Args:
        view: What is visible: at a fit all there is, at an update only what is new.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._weighted: dict[Weighting, WeightedInteractions] = {}
        self._joint: dict[Weighting, tuple[WeightedInteractions, NDArray[np.int64]]] = {}

    def weighted(self, weighting: Weighting) -> WeightedInteractions:
        """Return the view's interactions by a weighting.

        Raises:
            ValueError: A weighting out of range.
            DataError: See `Weighting.matrix`.
        """
        weighting.check()
        if weighting not in self._weighted:
            self._weighted[weighting] = WeightedInteractions.of(self._view, weighting)
        return self._weighted[weighting]

    def added_to(
        self, held: WeightedInteractions
    ) -> tuple[WeightedInteractions, NDArray[np.int64]]:
        """Return those held with the view's added, and the rows that have something new."""
        if held.weighting not in self._joint:
            self._joint[held.weighting] = held.plus(self._view)
        return self._joint[held.weighting]


def _strongest(
    events: Events, weights: NDArray[np.float64], shape: tuple[int, int]
) -> sparse.csr_array:
    """Keep the largest weight of every pair; none of 0 is stored."""
    key = events.users.astype(np.int64) * max(1, shape[1]) + events.products
    order = np.argsort(key, kind="stable")
    key, sorted_weights = key[order], weights[order]
    first = run_starts(key)
    with np.errstate(over="ignore", under="ignore"):
        largest = reduce_runs(np.maximum, sorted_weights, first)
        single = largest.astype(np.float32)
    if not np.isfinite(single).all():
        raise DataError("event weights: some are beyond the range of float32; use smaller ones")
    users, products = events.users[order][first], events.products[order][first]
    kept = single > 0
    pairs = (single[kept], (users[kept], products[kept]))
    matrix = sparse.csr_array(sparse.coo_array(pairs, shape=shape))
    matrix.sort_indices()
    return matrix


def _days(ages: Any) -> Any:
    return ages.astype(np.float64) / _DAY


def _longer(starts: NDArray[Any], rows: int) -> NDArray[Any]:
    return np.append(starts, np.full(rows + 1 - len(starts), starts[-1], starts.dtype))


def _real(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)
