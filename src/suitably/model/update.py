"""Incremental updates: new interactions and versions of users and products, laid over a state."""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from suitably.data.clock import MICROSECOND, Instant, present_moment
from suitably.data.entities import Entities
from suitably.data.events import Events
from suitably.data.frames import read_frame
from suitably.data.interactions import id_codes, inspect_log, read_events
from suitably.data.schema import DataSchema
from suitably.data.validation import Quarantine, TableValidator
from suitably.data.view import View, ones_at
from suitably.errors import DataError, SuitabilityWarning
from suitably.model.state import FittedState, joint_span

__all__ = ["update_state"]


def update_state(
    state: FittedState, interactions: Any, users: Any, products: Any
) -> tuple[FittedState, View]:
    """Return the state once the news is in, and a view of the new interactions alone.

    Both are as of the later of the moment held and just after the latest of the news. All is as
    if the news had been there at the fit, but for what rankers and builders learn at a fit.

    Args:
        state: What is held; it is not changed.
        interactions: New interactions, or None.
        users: New versions of users, and users to come, or None.
        products: Likewise.

    Raises:
        DataError: A frame that cannot be read as those of the fit were, or a bad row.
    """
    given = {"users": users, "products": products, "interactions": interactions}
    read = {name: _validator(name, frame) for name, frame in given.items() if frame is not None}
    if not read:
        raise DataError("update: nothing is new: give interactions, users or products")
    now = present_moment()
    schema = state.schema
    log = read.get("interactions")
    roles, zones = (
        (None, {}) if log is None else inspect_log(log, schema.columns, schema.kinds, now)
    )
    sides = []
    for side in (state.users, state.products):
        if side.side in read:
            side, zone = side.with_versions(read[side.side], now)
            zones |= zone
        if log is not None and not side.framed:
            side = side.with_ids(log.column(side.id_column))
        sides.append(side)
    _check_zones(zones, state)
    new_users, new_products = sides
    events = schema.blank
    if log is not None and roles is not None:
        for side in sides:
            unknown = id_codes(log, side.id_column, side.ids) < 0
            unknown &= log.column(side.id_column).is_valid().to_numpy(zero_copy_only=False)
            log.refuse(side.id_column, "is in no frame of its side", unknown)
        events = read_events(log, schema.columns, roles, new_users.ids, new_products.ids)
        events = _alike(events, schema.blank)
        schema.kinds.warn_of_several(events, known=schema.blank.kind_names, stacklevel=5)
    as_of = _latest_moment(state.as_of, events, *sides)
    news = events.once()
    fresh = news.but(state.counted)  # an event that is delivered again has been counted
    _warn_of_corrections(news, fresh, state.as_of)
    view = View(
        as_of=as_of,
        clock=state.clock,
        users=new_users,
        products=new_products,
        events=fresh,
        kinds=schema.kinds,
        columns=schema.columns,
    )
    return _joint(state, view), view


def _validator(name: str, frame: Any) -> TableValidator:
    return TableValidator(name, read_frame(frame, name)[0], "raise", Quarantine())


def _check_zones(zones: dict[str, str | None], state: FittedState) -> None:
    for column, zone in zones.items():
        if (zone is None) != (state.clock.zone is None):
            says = "has no time zone" if zone is None else "has a time zone"
            raise DataError(f"{column}: {says}, unlike the moments of the fit")


def _warn_of_corrections(news: Events, fresh: Events, held: Instant | None) -> None:
    """Say how many counted events have rows that were recorded since: what they correct waits."""
    if news.recorded is None or fresh.recorded is None or held is None:
        return
    corrected = int((news.recorded >= held).sum() - (fresh.recorded >= held).sum())
    if corrected:
        warnings.warn(
            f"update: {corrected} rows recorded since {held} have the id of an event that has been "
            f"counted; what they correct takes effect at the next fit",
            SuitabilityWarning,
            stacklevel=5,
        )


def _alike(events: Events, blank: Events) -> Events:
    """Return events with the columns that those of the fit had, no more and no less."""
    held = (blank.times, blank.recorded, blank.values, blank.kinds)
    given = (events.times, events.recorded, events.values, events.kinds)
    names = ("timestamps", "times of recording", "values", "kinds of event")
    for there, here, name in zip(held, given, names, strict=True):
        if there is not None and here is None:
            raise DataError(f"interactions: have no {name}, which those of the fit have")
    events = replace(
        events,
        times=None if blank.times is None else events.times,
        recorded=None if blank.recorded is None else events.recorded,
        values=None if blank.values is None else events.values,
        kinds=None if blank.kinds is None else events.kinds,
    )
    if blank.kinds is None or events.kinds is None:
        return replace(events, kind_names=())
    kinds = blank.kind_names
    kinds += tuple(kind for kind in events.kind_names if kind not in kinds)
    place = np.array([kinds.index(kind) for kind in events.kind_names], np.int32)
    return replace(events, kinds=place[events.kinds], kind_names=kinds)


def _latest_moment(held: Instant | None, events: Events, *sides: Entities) -> Instant | None:
    """Return the later of the moment held and just after the latest of the news."""
    if held is None:
        return None
    columns = (events.times, events.recorded, *(side.times for side in sides))
    latest = [np.fmax.reduce(times) for times in columns if times is not None and len(times)]
    known = [moment for moment in latest if not np.isnat(moment)]
    moment: Instant = max([held, *(moment + MICROSECOND for moment in known)])
    return moment


def _joint(state: FittedState, view: View) -> FittedState:
    states = zip(state.builders, state.builder_states, strict=True)
    ledger, shape = state.ledger, (len(view.users), len(view.products))
    if ledger is not None and view.ledger is not None:
        ledger = ledger.plus(view.ledger)
    return replace(
        state,
        as_of=view.as_of,
        users=view.users,
        products=view.products,
        owned=_owned(state.owned, view.purchases) if ledger is None else ledger.owned(shape),
        ledger=ledger,
        counted=np.union1d(state.counted, view.events.digests()),
        schema=DataSchema.of(view),
        builder_states=tuple(b.merge(held, b.accumulate(view)) for b, held in states),
        span=joint_span(state.span, view.events),
    )


def _owned(old: sparse.csr_array, new: sparse.csr_array) -> sparse.csr_array:
    """Add new acquisitions to those held, over users and products that may have grown."""
    starts = np.append(old.indptr, np.full(new.shape[0] - old.shape[0], old.indptr[-1]))
    owned = sparse.csr_array((old.data, old.indices, starts.astype(old.indptr.dtype)), new.shape)
    if not new.nnz:
        return owned
    owned = sparse.csr_array(owned.astype(np.float64) + new)
    owned.sort_indices()
    return ones_at(owned)
