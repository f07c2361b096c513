"""Interactions: a log checked column by column and read as events."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from suitably.data.clock import Clock, Instant
from suitably.data.columns import Columns
from suitably.data.event_kinds import EventKinds
from suitably.data.events import Events
from suitably.data.validation import TableValidator
from suitably.data.values import in_words
from suitably.data.vocabulary import Vocabulary, id_array
from suitably.errors import DataError
from suitably.utils.stable_order import stable_order

__all__ = ["Roles", "id_codes", "inspect_log", "read_events", "read_roles"]


@dataclass(frozen=True)
class Roles:
    """The optional columns that an interactions frame really has."""

    timestamp: str | None
    value: str | None
    quantity: str | None
    event: str | None
    event_id: str | None
    recorded_at: str | None
    propensity: str | None
    slate: str | None
    position: str | None


def inspect_log(
    log: TableValidator, columns: Columns, kinds: EventKinds, now: Instant
) -> tuple[Roles, dict[str, str | None]]:
    """Check an interactions frame, column by column.

    Returns:
        Its optional columns, and the time zone of every column of moments.

    Raises:
        DataError: A missing column, or in raise mode a bad row.
    """
    log.ids(columns.user)
    roles = read_roles(log, columns, kinds)
    log.ids(columns.product, _among(log, roles, kinds.other))
    zones: dict[str, str | None] = {}
    for column in (roles.timestamp, roles.recorded_at):
        if column:
            zones[f"interactions.{column}"] = log.moments(column, now)
    if roles.value:
        log.finite(roles.value, _among(log, roles, (*kinds.other, *kinds.rejected)))
    if roles.event:
        kind = log.column(roles.event)
        if not pa.types.is_string(kind.type):
            raise DataError(
                f"interactions.{roles.event}: must hold text, not {in_words(kind.type)}"
            )
        log.refuse(roles.event, "no kind of event", kind.is_null().to_numpy(False))
    for column in (roles.quantity, roles.propensity, roles.position):
        if column:
            _numbers_or_none(log, column)
    if roles.propensity:
        shares = _floats(log, roles.propensity)
        bad = ~np.isnan(shares) & ~((shares > 0) & (shares <= 1))
        log.refuse(roles.propensity, "is no probability above 0 and up to 1", bad)
    return roles, zones


def read_roles(log: TableValidator, columns: Columns, kinds: EventKinds) -> Roles:
    """Find which optional columns the frame has, and which of them are read.

    Quantities are, where something may be disposed of; slates and positions, where rows have a
    propensity.
    """
    present = log.table.column_names

    def found(role: str) -> str | None:
        return columns.optional(role, present, log.name)

    quantity, propensity = found("quantity"), found("propensity")
    slate, position = found("slate"), found("position")
    return Roles(
        timestamp=found("timestamp"),
        value=found("value"),
        quantity=quantity if kinds.disposed else None,
        event=found("event"),
        event_id=found("event_id"),
        recorded_at=found("recorded_at"),
        propensity=propensity,
        slate=slate if propensity else None,
        position=position if propensity else None,
    )


def id_codes(log: TableValidator, column: str, ids: Vocabulary) -> NDArray[np.int32]:
    """Return each row's position of an id in a vocabulary, −1 without an id or where unknown."""
    return ids.codes(log.column(column))


def read_events(
    inspection: TableValidator,
    columns: Columns,
    roles: Roles,
    users: Vocabulary,
    products: Vocabulary,
) -> Events:
    """Order inspected interactions by time; the earlier row first where times are equal.

    Every row is kept: rows whose ids are unknown have been refused before. Column after column is
    put in order, so that no more than one is there twice.
    """
    times = Clock.instants(inspection.column(roles.timestamp)) if roles.timestamp else None
    order: Any = slice(None)  # as they are
    if times is not None and not bool((times[1:] >= times[:-1]).all()):
        order = stable_order(times.view(np.int64))

    def floats(column: str | None) -> NDArray[np.float64] | None:
        return _floats(inspection, column)[order] if column else None

    recorded = Clock.instants(inspection.column(roles.recorded_at)) if roles.recorded_at else None
    kinds = inspection.column(roles.event).dictionary_encode() if roles.event else None
    return Events(
        users=id_codes(inspection, columns.user, users)[order],
        products=id_codes(inspection, columns.product, products)[order],
        times=None if times is None else times[order],
        recorded=None if recorded is None else recorded[order],
        values=floats(roles.value),
        kinds=kinds.indices.to_numpy(zero_copy_only=False)[order] if kinds is not None else None,
        kind_names=tuple(kinds.dictionary.to_pylist()) if kinds is not None else (),
        quantities=floats(roles.quantity),
        propensities=floats(roles.propensity),
        slates=_slates(inspection, roles.slate)[order] if roles.slate else None,
        positions=floats(roles.position),
        **(_event_ids(inspection, roles.event_id, order) if roles.event_id else {}),
        **_without_role(inspection.table, columns, roles, order),
    )


def _among(log: TableValidator, roles: Roles, kinds: tuple[str, ...]) -> NDArray[np.bool_] | None:
    """Return which rows are of some kinds; None: no row is."""
    if not kinds or not roles.event or not pa.types.is_string(log.column(roles.event).type):
        return None
    found = pc.is_in(log.column(roles.event), value_set=pa.array(kinds, pa.string()))
    among: NDArray[np.bool_] = found.to_numpy(zero_copy_only=False)
    return among


def _numbers_or_none(log: TableValidator, column: str) -> None:
    array = log.column(column)
    if pa.types.is_null(array.type):
        log.replace(column, array.cast(pa.float64()))
    log.finite(column, np.ones(len(array), bool))


def _floats(log: TableValidator, column: str) -> NDArray[np.float64]:
    floats: NDArray[np.float64] = log.column(column).to_numpy(zero_copy_only=False)
    return floats


def _without_role(log: pa.Table, columns: Columns, roles: Roles, order: Any) -> dict[str, Any]:
    """Keep the other columns as they are: only a builder that asks for one reads it."""
    named = set(asdict(columns).values())
    if roles.quantity is None:
        named.discard(columns.quantity)  # nothing here reads it, but holdings at a price do
    rest = [name for name in log.column_names if name not in named]
    return {"extra": log.select(rest), "places": _rows_in(order, log.num_rows)} if rest else {}


def _rows_in(order: Any, rows: int) -> NDArray[np.int64]:
    return np.arange(rows) if isinstance(order, slice) else order


def _slates(log: TableValidator, column: str) -> NDArray[np.int64]:
    encoded = id_array(log.column(column), f"{log.name}.{column}").dictionary_encode()
    codes: NDArray[np.int64] = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return codes.astype(np.int64)


def _event_ids(log: TableValidator, column: str, order: Any) -> dict[str, Any]:
    encoded = id_array(log.column(column), f"{log.name}.{column}").dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    repeated = len(codes) - encoded.null_count > len(encoded.dictionary)
    rows = _rows_in(order, len(codes)) if repeated else None
    return {"ids": codes[order], "id_values": encoded.dictionary, "rows": rows}
