"""Interactions, ordered by time."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from suitably.data.clock import Clock, Instant, Instants
from suitably.data.columns import Columns
from suitably.data.validation import TableValidator
from suitably.data.vocabulary import Vocabulary
from suitably.errors import DataError

__all__ = ["Events", "Roles", "inspect_log", "read_events", "read_roles"]


@dataclass(frozen=True)
class Roles:
    """The optional columns that an interactions frame really has."""

    timestamp: str | None
    value: str | None
    event: str | None
    recorded_at: str | None


@dataclass(frozen=True)
class Events:
    """Interactions in order of time, as columns.

    Attributes:
        users: int32 (n,), positions in the user vocabulary.
        products: int32 (n,), positions in the product vocabulary.
        times: datetime64[us] (n,), ascending; None in data without timestamps.
        recorded: When each became known; None where that is not said.
        values: float64 (n,), finite; None where there are none.
        kinds: int32 (n,), positions in `kind_names`; None where events have no kind.
        kind_names: The kinds of event, such as `("buy", "view")`.

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

    def __len__(self) -> int:
        return len(self.users)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "Events":
        """Return some of the events, by position or mask."""
        columns = ("users", "products", "times", "recorded", "values", "kinds")
        present = {c: getattr(self, c) for c in columns if getattr(self, c) is not None}
        return replace(self, **{column: values[rows] for column, values in present.items()})

    def before(self, as_of: Instant | None) -> "Events":
        """Return what had happened and was known strictly before a moment."""
        if as_of is None or self.times is None:
            return self
        seen = self.times < as_of
        if self.recorded is not None:
            seen &= self.recorded < as_of
        return self if seen.all() else self.take(seen)

    def between(self, start: Instant, end: Instant) -> "Events":
        """Return what happened in `[start, end)`."""
        if self.times is None:
            raise DataError("data without timestamps cannot be split by time")
        return self.take((self.times >= start) & (self.times < end))

    def of(self, kinds: tuple[str, ...] | None) -> "Events":
        """Return the events of some kinds, all for None."""
        if kinds is None:
            return self
        if self.kinds is None:
            raise DataError(f"the interactions have no event column, but events {kinds} were asked")
        unknown = sorted(set(kinds) - set(self.kind_names))
        if unknown:
            raise DataError(f"no interaction is of kind {unknown}; kinds are {self.kind_names}")
        wanted = [code for code, name in enumerate(self.kind_names) if name in kinds]
        return self.take(np.isin(self.kinds, wanted))

    def matrix(self, users: int, products: int) -> sparse.csr_array:
        """Count the interactions of every pair: CSR (users, products), float64, sorted."""
        ones = np.ones(len(self))
        pairs = (ones, (self.users, self.products))
        counts = sparse.csr_array(sparse.coo_array(pairs, shape=(users, products)))
        counts.sum_duplicates()
        counts.sort_indices()
        return counts


def inspect_log(
    log: TableValidator, columns: Columns, now: Instant
) -> tuple[Roles, dict[str, str | None]]:
    """Check an interactions frame, column by column.

    Returns:
        Its optional columns, and the time zone of every column of moments.

    Raises:
        DataError: A missing column, or in raise mode a bad row.
    """
    log.ids(columns.user)
    log.ids(columns.product)
    roles = read_roles(log, columns)
    zones: dict[str, str | None] = {}
    for column in (roles.timestamp, roles.recorded_at):
        if column:
            zones[f"interactions.{column}"] = log.moments(column, now)
    if roles.value:
        log.finite(roles.value)
    if roles.event:
        kind = log.column(roles.event)
        if not pa.types.is_string(kind.type):
            raise DataError(f"interactions.{roles.event}: must hold text, not {kind.type}")
        log.refuse(roles.event, "no kind of event", kind.is_null().to_numpy(False))
    return roles, zones


def read_roles(inspection: TableValidator, columns: Columns) -> Roles:
    """Find which optional columns the frame has."""
    present = inspection.table.column_names
    return Roles(
        **{
            role: columns.optional(role, present, inspection.name)
            for role in ("timestamp", "value", "event", "recorded_at")
        }
    )


def read_events(
    inspection: TableValidator,
    columns: Columns,
    roles: Roles,
    users: Vocabulary,
    products: Vocabulary,
) -> Events:
    """Order inspected interactions by time; the earlier row first where times are equal.

    Every row is kept: rows whose ids are unknown have been refused before.
    """
    times = Clock.instants(inspection.column(roles.timestamp)) if roles.timestamp else None
    recorded = Clock.instants(inspection.column(roles.recorded_at)) if roles.recorded_at else None
    kinds = inspection.column(roles.event).dictionary_encode() if roles.event else None
    events = Events(
        users=users.codes(inspection.column(columns.user).to_numpy(zero_copy_only=False)),
        products=products.codes(inspection.column(columns.product).to_numpy(zero_copy_only=False)),
        times=times,
        recorded=recorded,
        values=inspection.column(roles.value).to_numpy() if roles.value else None,
        kinds=kinds.indices.to_numpy(zero_copy_only=False) if kinds is not None else None,
        kind_names=tuple(kinds.dictionary.to_pylist()) if kinds is not None else (),
    )
    if times is None or bool((times[1:] >= times[:-1]).all()):
        return events
    return events.take(np.argsort(times, kind="stable"))
