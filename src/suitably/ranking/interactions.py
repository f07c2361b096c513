"""Weighted implicit feedback: the sparse matrix that rankers learn from and fold into."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from suitably.data.clock import Instant
from suitably.data.events import Events
from suitably.data.view import View
from suitably.data.vocabulary import Vocabulary
from suitably.errors import DataError
from suitably.utils.runs import reduce_runs, run_starts

__all__ = ["SharedInteractions", "WeightedInteractions", "Weighting"]

_DAY = 86_400_000_000
# The least normal number of float32.
_LEAST = float(np.finfo(np.float32).tiny)
# Exponents of 2. Single precision keeps 100 halvings below what weighs 2⁻²⁶, and a sum over users
# of what weighs 2⁶⁰ does not overflow: beyond these, weights are held in other units, by whole
# steps. What is set against something of fixed size, and squared, sees 2¹⁰⁰ at most.
_FADED, _GROWN, _LOWEST, _HIGHEST, _MOST = -26, 60, -126, 100, 2**30


@dataclass(frozen=True)
class Weighting:
    """How much an interaction says: by its kind and its age.

    The weight of a pair is that of its strongest interaction, so a repeated purchase says no more
    than its latest one. Ages matter by their differences alone: the heaviest interaction of a fit,
    once all are faded, weighs what its kind does, whatever the moment, and the others weigh in
    proportion. No age takes a weight to 0.

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

    @property
    def heaviest(self) -> float:
        """The largest weight of a kind of event."""
        return 1.0 if self.event_weights is None else float(max(self.event_weights.values()))

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

    def matrix(self, view: View, origin: Instant | None, shift: int = 0) -> sparse.csr_array:
        """Weigh the interactions of a view: CSR (users, products), float32, above 0 where stored.

        Neither age nor shift makes a weight 0: what has faded beyond single precision keeps the
        least weight that it holds in full.

        Args:
            view: What is visible.
            origin: The moment at which an interaction weighs what its kind does.
            shift: How many halvings are taken off all weights, so that single precision holds them.

        Raises:
            DataError: A half-life in data without timestamps, or a kind of event that no
                interaction has.
        """
        events, weights = self._chosen(view)
        parts, exponents = np.frexp(weights)
        with np.errstate(under="ignore"):
            faded = parts * np.exp2(exponents - shift + self._growth(events, origin))
        faded = np.where(weights > 0, np.maximum(faded, _LEAST), 0.0)
        return _strongest(events, faded, (len(view.users), len(view.products)))

    def origin(self, view: View) -> Instant | None:
        """Return the moment of the heaviest interaction of a view, once all are faded.

        It is that of the view itself where none counts, or none ages.

        Raises:
            DataError: A half-life in data without timestamps, or a kind of event that no
                interaction has.
        """
        events, weights = self._chosen(view)
        some = np.flatnonzero(weights > 0)
        if self.half_life_days is None or view.as_of is None or not len(some):
            return view.as_of
        if events.times is None:
            return view.as_of
        newest: Instant = events.times[some].max()
        # From the newest on, since as of a distant moment all of them can be infinitely old.
        size = np.log2(weights[some]) + self._growth(events, newest)[some]
        moment: Instant = events.times[some[size.argmax()]]
        return moment

    def shift(self, view: View, origin: Instant | None) -> int | None:
        """Return how many halvings bring the weights of a view in range; None where there are none.

        It depends on the heaviest alone and grows with it, in whole steps: news give the same at
        once or in parts.
        """
        events, weights = self._chosen(view)
        some = weights > 0
        if not some.any():
            return None
        level = float((np.log2(weights[some]) + self._growth(events, origin)[some]).max())
        if _FADED <= level <= _GROWN:
            return 0
        steps = np.floor(level / _GROWN) if level < 0 else np.ceil(level / _GROWN) - 1
        return int(steps) * _GROWN

    def halvings(self, earlier: Instant | None, later: Instant | None) -> float:
        """Return how often a weight halves from one moment to another: 0 where none ages."""
        if self.half_life_days is None or earlier is None or later is None:
            return 0.0
        return float(_days(later - earlier)) / self.half_life_days

    def _growth(self, events: Events, origin: Instant | None) -> NDArray[np.float64]:
        """Return to which power of 2 an age takes every weight: float64 (events,)."""
        if self.half_life_days is None:
            return np.zeros(len(events))
        if events.times is None or origin is None:
            raise DataError("half_life_days: the interactions have no timestamps, so no age")
        with np.errstate(over="ignore"):
            growth = _days(events.times - origin) / self.half_life_days
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


@dataclass(frozen=True)
class WeightedInteractions:
    """The weighted interactions of every user: what rankers of one weighting share.

    Attributes:
        weighting: What they are weighed by.
        users: Whose they are, row by row.
        weights: CSR (users, products), float32, sorted; above 0 where stored.
        origin: The moment at which an interaction weighs what its kind does: that of the heaviest
            at the fit. None in data without timestamps.
        shift: How many halvings the weights held are below that: not 0 for kinds of enormous or
            tiny weight, and for what came long after the fit.
    """

    weighting: Weighting
    users: Vocabulary
    weights: sparse.csr_array
    origin: Instant | None
    shift: int = 0

    @staticmethod
    def of(view: View, weighting: Weighting) -> "WeightedInteractions":
        """Weigh all that a view shows, by the heaviest of it.

        Raises:
            ValueError: A weighting out of range.
            DataError: See `Weighting.matrix`.
        """
        weighting.check()
        origin = weighting.origin(view)
        shift = weighting.shift(view, origin) or 0
        matrix = weighting.matrix(view, origin, shift)
        return WeightedInteractions(weighting, view.users.ids, matrix, origin, shift)

    def plus(self, view: View) -> tuple["WeightedInteractions", NDArray[np.int64]]:
        """Add new interactions; vocabularies may have grown at their ends.

        They weigh by the origin of the fit, as all else does: later ones more than those of then.

        Args:
            view: The new interactions only, over all users and products.

        Returns:
            The joint interactions, and the rows that have something new, ascending.
        """
        shift = self.weighting.shift(view, self.origin)
        if shift is None or self.weights.nnz:
            shift = max(self.shift, self.shift if shift is None else shift)
        new = self.weighting.matrix(view, self.origin, shift)
        weights = self.weights.data
        if shift != self.shift:
            weights = np.maximum(np.ldexp(weights, self.shift - shift), np.float32(_LEAST))
        held = sparse.csr_array(
            (weights, self.weights.indices, _longer(self.weights.indptr, new.shape[0])),
            shape=new.shape,
        )
        joint = sparse.csr_array(held.maximum(new)) if new.nnz else held
        joint.sort_indices()
        rows = np.flatnonzero(np.diff(new.indptr))
        return replace(self, users=view.users.ids, weights=joint, shift=shift), rows

    def of_users(self, kept: NDArray[np.bool_]) -> "WeightedInteractions":
        """Return those of some users alone: bool (users,)."""
        rows = np.flatnonzero(kept)
        return replace(self, users=self.users.subset(rows), weights=self.lines(rows))

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
        """The rows of active users and the columns of known products, in the fit's own units.

        What is drawn at random by shape must not change with users and products to come. Where
        the largest weight is enormous or tiny all are scaled together.
        """
        core = sparse.csr_array(self.weights[self.active][:, self.known])
        return self._raised(core, [len(core.data)])

    def any_of(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which users by row have any; −1 has none: bool (rows,)."""
        if not len(self.active):
            return np.zeros(len(rows), bool)
        found: NDArray[np.bool_] = (rows >= 0) & self.active[rows]
        return found

    def line(self, row: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the products of one user, and their weights as held; −1 has none."""
        if row < 0:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        stored = slice(self.weights.indptr.item(row), self.weights.indptr.item(row + 1))
        return self.weights.indices[stored].astype(np.int64), self.weights.data[stored]

    def lines(self, rows: NDArray[np.int64]) -> sparse.csr_array:
        """Return the weights of some users by row: CSR (rows, products); −1 has none."""
        places, bounds = self.stored(rows)
        parts = (self.weights.data[places], self.weights.indices[places], bounds)
        return sparse.csr_array(parts, shape=(len(rows), self.weights.shape[1]))

    def stored(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where the entries of some rows are stored, and their bounds: (rows + 1,)."""
        starts, ends = self.weights.indptr[rows], self.weights.indptr[rows + 1]
        lengths = np.where(rows >= 0, ends - starts, 0).astype(np.int64)
        bounds = np.concatenate([[0], np.cumsum(lengths)])
        return np.repeat(starts - bounds[:-1], lengths) + np.arange(bounds[-1]), bounds

    def sized(self, rows: NDArray[np.int64]) -> sparse.csr_array:
        """Return the weights of some users by row in the fit's own units; −1 has none.

        A row of which the largest is enormous or tiny is scaled as a whole.
        """
        lines = self.lines(rows)
        return self._raised(lines, np.diff(lines.indptr))

    def _raised(self, matrix: sparse.csr_array, runs: ArrayLike) -> sparse.csr_array:
        """Take the shift back; runs that are then enormous or tiny are scaled as a whole.

        Of what is too small to be told apart nothing is known but that it is no more than the
        heaviest of the fit.

        Args:
            matrix: Weights as they are held.
            runs: How many entries each run has.

        Returns:
            float64 where there is something to do, else the matrix as it is.
        """
        if not self.shift:
            return matrix
        starts = np.append(0, np.cumsum(runs))
        some = np.flatnonzero(np.diff(starts))
        parts, exponents = np.frexp(matrix.data.astype(np.float64))
        exponents = exponents.astype(np.int64) + self.shift
        faint = (matrix.data <= _LEAST) & (exponents > np.frexp(self.weighting.heaviest)[1])
        parts[faint], exponents[faint] = np.frexp(self.weighting.heaviest)
        largest = reduce_runs(np.maximum, exponents, starts[some])
        over = largest - np.clip(largest, -2 * _HIGHEST, _HIGHEST)
        raised = np.ldexp(parts, exponents - np.repeat(over, np.diff(starts)[some]))
        return sparse.csr_array((raised, matrix.indices, matrix.indptr), shape=matrix.shape)

    def as_of(self, moment: Instant | None) -> NDArray[np.float64]:
        """Return the weights as of a moment, in units of `unit`: float64, in the order held.

        Those under 2⁻¹⁰⁰ of the largest are that, so that it does not matter when they came in.
        """
        least = float(self.weights.data.max(initial=0)) * 2.0**-_HIGHEST
        weights: NDArray[np.float64] = np.maximum(self.weights.data.astype(np.float64), least)
        return weights * self.unit(moment)

    def unit(self, moment: Instant | None = None) -> float:
        """Return the factor that takes the weights held to those as of a moment.

        It is 1 where single precision would lose some of these, or sums of them overflow.

        Args:
            moment: None: the fit's origin.
        """
        exponent = self.shift - self.weighting.halvings(self.origin, moment)
        held = self.weights.data
        most, least = float(held.max(initial=_LEAST)), float(held.min(initial=1.0))
        least = max(least, most * 2.0**-_HIGHEST)
        fits = exponent + np.log2(most) <= _HIGHEST and exponent + np.log2(least) >= _LOWEST
        return float(np.exp2(exponent)) if fits else 1.0


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
    single = reduce_runs(np.maximum, sorted_weights, first).astype(np.float32)
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
