"""Events: interactions as columns, in order of time."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from suitably.data.clock import Instant, Instants
from suitably.data.digests import NO_DIGESTS, digests
from suitably.data.values import one_array, readable
from suitably.errors import DataError

__all__ = ["Events"]

_COLUMNS = (
    *("users", "products", "times", "recorded", "values", "kinds"),
    *("quantities", "propensities", "slates", "positions", "ids", "rows", "places"),
)


@dataclass(frozen=True)
class Events:
    """Interactions in order of time, as columns.

    Attributes:
        users: int32 (n,), positions in the user vocabulary.
        products: int32 (n,), positions in the product vocabulary; −1 where there is no product.
        times: datetime64[us] (n,), ascending; None in data without timestamps.
        recorded: When each became known; None where that is not said.
        values: float64 (n,), finite; NaN where a kind without a meaning for ownership, or a
            rejection, has none; None where there are none.
        kinds: int32 (n,), positions in `kind_names`; None where events have no kind.
        kind_names: The kinds of event, such as `("buy", "view")`.
        quantities: float64 (n,), numbers of units, NaN where missing; None where there are none.
        propensities: float64 (n,), with what probability the product was shown, NaN for what is no
            impression; None: nothing is one.
        slates: int64 (n,), which rows were shown together, −1 where nobody says; None: no one says.
        positions: float64 (n,), in which order the rows of a slate were shown, NaN where nobody
            says; None: no one says.
        ids: int64 (n,), positions in `id_values`, −1 for an event without an id; None: no one has.
        id_values: The distinct ids.
        rows: int64 (n,), in which order they were delivered; None where no id occurs twice.
        places: int64 (n,), positions in `extra`; None where there are no such columns.
        extra: The columns of the log that have no role here, as delivered; read by `column`.

    Example:
        >>> events = Events(np.array([0, 0, 1], np.int32), np.array([2, 2, 0], np.int32))
        >>> events.matrix(2, 3).toarray()
        array([[0., 0., 2.],
               [1., 0., 0.]])
    """

    users: NDArray[np.int32]
    products: NDArray[np.int32]
    times: Instants | None = None
    recorded: Instants | None = None
    values: NDArray[np.float64] | None = None
    kinds: NDArray[np.int32] | None = None
    kind_names: tuple[str, ...] = ()
    quantities: NDArray[np.float64] | None = None
    propensities: NDArray[np.float64] | None = None
    slates: NDArray[np.int64] | None = None
    positions: NDArray[np.float64] | None = None
    ids: NDArray[np.int64] | None = None
    id_values: pa.Array | None = None
    rows: NDArray[np.int64] | None = None
    places: NDArray[np.int64] | None = None
    extra: pa.Table | None = None

    def __len__(self) -> int:
        return len(self.users)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "Events":
        """Return some of the events, by position or mask."""
        if rows.dtype == bool:
            rows = np.flatnonzero(rows)  # read once, not for every column
        present = {c: getattr(self, c) for c in _COLUMNS if getattr(self, c) is not None}
        return replace(self, **{column: values[rows] for column, values in present.items()})

    def before(self, as_of: Instant | None) -> "Events":
        """Return what had happened and was known strictly before a moment, each id once."""
        if as_of is None or self.times is None:
            return self.once()
        seen = self.times < as_of
        if self.recorded is not None:
            seen &= self.recorded < as_of
        return (self if seen.all() else self.take(seen)).once()

    def between(self, start: Instant, end: Instant) -> "Events":
        """Return what happened in `[start, end)`, each id once, in its last recorded row."""
        if self.times is None:
            raise DataError("data without timestamps cannot be split by time")
        events = self.once()
        assert events.times is not None
        return events.take((events.times >= start) & (events.times < end))

    def once(self) -> "Events":
        """Return every id's last recorded row, the last delivered of several, and all without."""
        if self.ids is None or self.rows is None:
            return self
        named = np.flatnonzero(self.ids >= 0)
        keys = (self.rows, self.recorded, self.ids)
        order = named[np.lexsort([key[named] for key in keys if key is not None])]
        ids = self.ids[order]
        last = np.append(ids[1:] != ids[:-1], np.ones(min(len(ids), 1), bool))
        kept = self.ids < 0
        kept[order[last]] = True
        return replace(self if kept.all() else self.take(kept), rows=None)

    def of(self, kinds: tuple[str, ...] | None) -> "Events":
        """Return the events of some kinds, all for None."""
        if kinds is None:
            return self
        if self.kinds is None:
            raise DataError(f"the interactions have no event column, but events {kinds} were asked")
        unknown = sorted(set(kinds) - set(self.kind_names))
        if unknown:
            raise DataError(f"no interaction is of kind {unknown}; kinds are {self.kind_names}")
        return self.take(self.among(kinds))

    def among(self, kinds: Collection[str]) -> NDArray[np.bool_]:
        """Return which events are of some kinds, whether there are such or not: bool (n,)."""
        wanted = np.array([name in kinds for name in self.kind_names], bool)
        if self.kinds is None or not wanted.any():
            return np.zeros(len(self), bool)
        return wanted[self.kinds]

    def column(self, name: str) -> pa.Array:
        """Return a column of the log that has no role of its own, a value per event.

        Where there are no events, there are no values either, of the type null.

        Raises:
            DataError: There is none of that name, or its values have no common type.
        """
        if not len(self):
            return pa.nulls(0)
        there = [] if self.extra is None else self.extra.column_names
        if self.extra is None or self.places is None or name not in there:
            raise DataError(f"interactions: no column {name!r}; beside those with a role: {there}")
        column = readable(one_array(self.extra[name]), f"interactions.{name}")
        return column.take(pa.array(self.places))

    @property
    def shown(self) -> NDArray[np.bool_]:
        """Which are impressions: bool (n,)."""
        if self.propensities is None:
            return np.zeros(len(self), bool)
        shown: NDArray[np.bool_] = ~np.isnan(self.propensities)
        return shown

    def matrix(self, users: int, products: int) -> sparse.csr_array:
        """Count the interactions of every pair: CSR (users, products), float64, sorted."""
        ones = np.ones(len(self))
        pairs = (ones, (self.users, self.products))
        counts = sparse.csr_array(sparse.coo_array(pairs, shape=(users, products)))
        counts.sum_duplicates()
        counts.sort_indices()
        return counts

    def digests(self) -> NDArray[np.bytes_]:
        """Return the digests of the ids that occur, 16 bytes each, sorted."""
        if self.ids is None or self.id_values is None:
            return NO_DIGESTS
        occurring = self.id_values.take(pa.array(np.unique(self.ids[self.ids >= 0])))
        return np.sort(digests(occurring.to_pylist()))

    def but(self, counted: NDArray[np.bytes_]) -> "Events":
        """Return the events whose ids have not been counted, by the digests of those that have."""
        if self.ids is None or self.id_values is None or not len(counted):
            return self
        known = np.append(np.isin(digests(self.id_values.to_pylist()), counted), False)
        return self.take(~known[self.ids])
