"""Weighted implicit feedback: the sparse matrix that rankers learn from and fold into."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from suitably.data.clock import Instant
from suitably.data.view import View
from suitably.data.vocabulary import Vocabulary
from suitably.errors import DataError
from suitably.ranking.strongest import Strongest, merged
from suitably.ranking.weighting import HIGHEST, LEAST, LOWEST, Weighting
from suitably.utils.runs import reduce_runs

__all__ = ["SharedInteractions", "WeightedInteractions", "Weighting"]


@dataclass(frozen=True)
class WeightedInteractions:
    """The weighted interactions of every user: what rankers of one weighting share.

    Attributes:
        weighting: What they are weighed by.
        users: Whose they are, row by row.
        weights: CSR (users, products), float32, sorted; not 0 where stored, below 0 where the
            strongest interaction speaks against the product.
        origin: The moment at which an interaction weighs what its kind does: that of the heaviest
            at the fit. None in data without timestamps.
        shift: How many halvings the weights held are below that: not 0 for kinds of enormous or
            tiny weight, and for what came long after the fit.
        decisive: What each pair weighs by, in the order of `weights`, where kinds speak against
            products; else None, for the largest weight is all there is to know.
    """

    weighting: Weighting
    users: Vocabulary
    weights: sparse.csr_array
    origin: Instant | None
    shift: int = 0
    decisive: Strongest | None = None

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
        matrix, decisive = weighting.weighed(view, origin, shift)
        return WeightedInteractions(weighting, view.users.ids, matrix, origin, shift, decisive)

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
        new, events = self.weighting.weighed(view, self.origin, shift)
        weights = self.weights.data
        if shift != self.shift:
            moved = np.maximum(np.ldexp(np.abs(weights), self.shift - shift), np.float32(LEAST))
            weights = np.copysign(moved, weights)
        held = sparse.csr_array(
            (weights, self.weights.indices, _longer(self.weights.indptr, new.shape[0])),
            shape=new.shape,
        )
        made = replace(self, users=view.users.ids, shift=shift)
        if self.decisive is None or events is None:
            joint = sparse.csr_array(held.maximum(new)) if new.nnz else held
            joint.sort_indices()
            made = replace(made, weights=joint)
        else:
            made = made._merged(held, new, self.decisive.plus(events))
        return made, np.flatnonzero(np.diff(new.indptr))

    def _merged(
        self, held: sparse.csr_array, new: sparse.csr_array, events: Strongest
    ) -> "WeightedInteractions":
        """Return them with each pair's strongest event of those held and the new ones."""
        width, cells = max(1, new.shape[1]), (sparse.coo_array(held), sparse.coo_array(new))
        pairs = np.concatenate([one.row.astype(np.int64) * width + one.col for one in cells])
        sizes = self.weighting.strength(events, self.origin)
        kept = merged(pairs, sizes, events, held.nnz)
        data, (rows, columns) = np.append(held.data, new.data)[kept], divmod(pairs[kept], width)
        joint = sparse.csr_array(sparse.coo_array((data, (rows, columns)), shape=new.shape))
        joint.sort_indices()
        return replace(self, weights=joint, decisive=events.take(kept))

    def of_view(self, view: View) -> "WeightedInteractions":
        """Weigh the interactions of other users by the origin and in the units of these.

        Raises:
            DataError: One of them is so much heavier that these units do not hold it.
        """
        shift = self.weighting.shift(view, self.origin)
        if shift is not None and shift > self.shift:
            raise DataError(
                f"half_life_days={self.weighting.half_life_days}: some users did something so long "
                f"after all that was learned from that no weight holds it: learn from more users"
            )
        matrix, decisive = self.weighting.weighed(view, self.origin, self.shift)
        return replace(self, users=view.users.ids, weights=matrix, decisive=decisive)

    def of_users(self, kept: NDArray[np.bool_]) -> "WeightedInteractions":
        """Return those of some users alone: bool (users,)."""
        rows = np.flatnonzero(kept)
        users, decisive = self.users.subset(rows), self.decisive
        if decisive is not None:
            decisive = decisive.take(self.stored(rows)[0])
        return replace(self, users=users, weights=self.lines(rows), decisive=decisive)

    @cached_property
    def wanted(self) -> "WeightedInteractions":
        """Those that do not speak against a product."""
        if self.decisive is None:
            return self
        kept = self.weights.data > 0
        starts = np.append(0, np.cumsum(kept))[self.weights.indptr]
        parts = (self.weights.data[kept], self.weights.indices[kept], starts)
        weights = sparse.csr_array(parts, shape=self.weights.shape)
        return replace(self, weights=weights, decisive=self.decisive.take(kept))

    @cached_property
    def active(self) -> NDArray[np.bool_]:
        """Which users have any: bool (users,)."""
        active: NDArray[np.bool_] = np.diff(self.weights.indptr) > 0
        return active

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Which products occur in any that does not speak against them: bool (products,)."""
        known: NDArray[np.bool_] = np.zeros(self.weights.shape[1], bool)
        known[self.wanted.weights.indices] = True
        return known

    @property
    def core(self) -> sparse.csr_array:
        """The columns of known products and the rows that have any, in the fit's own units.

        What is drawn at random by shape must not change with users and products to come. Where
        the largest weight is enormous or tiny all are scaled together.
        """
        core = sparse.csr_array(self.weights[self.active][:, self.known])
        if self.decisive is not None:
            core = sparse.csr_array(core[np.diff(core.indptr) > 0])
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
        if len(rows) == 1:  # one user costs more in calls than in work
            row, starts = rows.item(), self.weights.indptr
            start, end = (starts.item(row), starts.item(row + 1)) if row >= 0 else (0, 0)
            return np.arange(start, end), np.array([0, end - start])
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
        most, exponent = np.frexp(self.weighting.heaviest)
        faint = (np.abs(matrix.data) <= LEAST) & (exponents > exponent)
        parts[faint], exponents[faint] = np.copysign(most, parts[faint]), exponent
        largest = reduce_runs(np.maximum, exponents, starts[some])
        over = largest - np.clip(largest, -2 * HIGHEST, HIGHEST)
        raised = np.ldexp(parts, exponents - np.repeat(over, np.diff(starts)[some]))
        return sparse.csr_array((raised, matrix.indices, matrix.indptr), shape=matrix.shape)

    @cached_property
    def extent(self) -> tuple[float, float]:
        """The least and the largest of the weights held, by size; 1 and 0 where there are none."""
        sizes = np.abs(self.weights.data)
        return float(sizes.min(initial=1.0)), float(sizes.max(initial=0.0))

    def as_of(
        self, moment: Instant | None, extent: tuple[float, float] | None = None
    ) -> NDArray[np.float64]:
        """Return the weights as of a moment, in units of `unit`: float64, in the order held.

        Those under 2⁻¹⁰⁰ of the largest are that, so that it does not matter when they came in.

        Args:
            moment: None: the fit's origin.
            extent: That of the interactions which these are a part of; None: these are all.
        """
        held = self.weights.data
        least = (extent or self.extent)[1] * 2.0**-HIGHEST
        weights = np.copysign(np.maximum(np.abs(held).astype(np.float64), least), held)
        return np.asarray(weights * self.unit(moment, extent))

    def unit(
        self, moment: Instant | None = None, extent: tuple[float, float] | None = None
    ) -> float:
        """Return the factor that takes the weights held to those as of a moment.

        It is 1 where single precision would lose some of these, or sums of them overflow.

        Args:
            moment: None: the fit's origin.
            extent: As for `as_of`.
        """
        exponent = self.shift - self.weighting.halvings(self.origin, moment)
        least, most = extent or self.extent
        most = max(most, LEAST)
        least = max(least, most * 2.0**-HIGHEST)
        fits = exponent + np.log2(most) <= HIGHEST and exponent + np.log2(least) >= LOWEST
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

    def with_units_of(self, other: WeightedInteractions) -> None:
        """Weigh what the view shows as others are weighed: what a fold-in finds is this alone."""
        made = other.of_view(self._view)
        self._joint[other.weighting] = made, np.flatnonzero(made.active)

    def added_to(
        self, held: WeightedInteractions
    ) -> tuple[WeightedInteractions, NDArray[np.int64]]:
        """Return those held with the view's added, and the rows that have something new."""
        if held.weighting not in self._joint:
            self._joint[held.weighting] = held.plus(self._view)
        return self._joint[held.weighting]


def _longer(starts: NDArray[Any], rows: int) -> NDArray[Any]:
    return np.append(starts, np.full(rows + 1 - len(starts), starts[-1], starts.dtype))
