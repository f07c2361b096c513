"""What is new, laid over what a pipeline holds: interactions, versions of users and products."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from suitably.data.clock import MICROSECOND, Instant, Instants, present_moment
from suitably.data.dataset import View
from suitably.data.frames import fieldless, read_frame, take_rows
from suitably.data.interactions import Events, inspect_log, read_events
from suitably.data.validation import Quarantine, TableValidator
from suitably.data.versions import Versions, read_versions
from suitably.data.vocabulary import Vocabulary
from suitably.errors import DataError
from suitably.model.state import FittedState, ones_at

__all__ = ["update_state"]


def update_state(
    fitted: FittedState, interactions: Any, users: Any, products: Any
) -> tuple[FittedState, View]:
    """Return what a pipeline holds once the news is in, and a view of the new interactions alone.

    Both are as of the later of the moment held and just after the latest of the news. All is as
    if the news had been there at the fit, but for what rankers and builders learn at a fit.

    Args:
        fitted: What is held; it is not changed.
        interactions: New interactions, or None.
        users: New versions of users, and users to come, or None.
        products: Likewise.

    Raises:
        DataError: A frame that cannot be read as those of the fit were, or a bad row.
    """
    given = {"users": users, "products": products, "interactions": interactions}
    read = {name: _inspect(name, frame) for name, frame in given.items() if frame is not None}
    if not read:
        raise DataError("update: nothing is new: give interactions, users or products")
    now = present_moment()
    source = fitted.source
    log = read.get("interactions")
    roles, zones = (None, {}) if log is None else inspect_log(log, source.columns, now)
    sides = []
    for name, side in (("users", _users(fitted)), ("products", _products(fitted))):
        if name in read:
            side, zone = side.with_versions(read[name], now)
            zones |= zone
        if log is not None and not side.framed:
            side = side.with_ids(log.column(side.column))
        sides.append(side)
    _check_zones(zones, fitted)
    user_side, product_side = sides
    events = source.blank
    if log is not None and roles is not None:
        for side in sides:
            codes = side.ids.codes(log.column(side.column).to_numpy(zero_copy_only=False))
            log.refuse(side.column, "is in no frame of its side", codes < 0)
        events = read_events(log, source.columns, roles, user_side.ids, product_side.ids)
        events = _alike(events, source.blank)
    listed = product_side.rows >= 0
    view = View(
        as_of=_moment(fitted.as_of, events, user_side, product_side),
        clock=fitted.clock,
        users=user_side.ids,
        products=product_side.ids,
        user_fields=user_side.fields(),
        product_fields=product_side.fields(),
        listed=listed,
        events=events,
        owned_events=_kinds_there(source.owned_events, events),
        columns=source.columns,
        user_times=user_side.times,
        product_times=product_side.times,
        framed=source.framed,
    )
    return _joint(fitted, view), view


@dataclass(frozen=True)
class _Side:
    """Users or products: a vocabulary that grows at its end, and the row that holds for each.

    Attributes:
        name: For messages.
        column: How the column of ids is called.
        ids: The vocabulary.
        table: Rows of fields.
        rows: int64, each id's row, −1 where none is visible.
        times: From when each row holds; None where rows have no time.
        framed: Whether there is a frame of them.
        time_column: How the column of those times is called.
    """

    name: str
    column: str
    ids: Vocabulary
    table: pa.Table
    rows: NDArray[np.int64]
    times: Instants | None
    framed: bool
    time_column: str | None

    def fields(self) -> pa.Table:
        """Return a row per id, all null where none is visible."""
        if np.array_equal(self.rows, np.arange(self.table.num_rows)):
            return self.table
        return take_rows(self.table, pa.array(self.rows, mask=self.rows < 0))

    def with_ids(self, ids: pa.Array) -> "_Side":
        """Append the ids that are new, in the order of their value, without fields."""
        self._same_type(ids)
        fresh = ids.unique().sort()
        strange = self.ids.codes(fresh.to_numpy(zero_copy_only=False)) < 0
        if not strange.any():
            return self
        grown = pa.concat_arrays([self.ids.array, fresh.filter(pa.array(strange))])
        added = len(grown) - len(self.ids)
        rows = np.arange(self.table.num_rows, self.table.num_rows + added)
        table = fieldless(self.table.num_rows + added)
        ids_ = Vocabulary(grown, self.ids.kind)
        return replace(self, ids=ids_, table=table, rows=np.concatenate([self.rows, rows]))

    def with_versions(
        self, inspection: TableValidator, now: Instant
    ) -> tuple["_Side", dict[str, str | None]]:
        """Lay new rows over those held; of two with a time the later one holds."""
        time = None
        if self.times is not None:
            time = self.time_column
            if time is not None:
                inspection.require(time)
        inspection.require(self.column)
        versions, zone = read_versions(inspection, self.column, time, now)
        self._same_type(versions.ids.array)
        fields, _, times = versions.visible(None)
        codes = self.ids.codes(versions.ids.values).astype(np.int64)
        new = np.flatnonzero(codes < 0)
        grown = pa.concat_arrays([self.ids.array, versions.ids.array.take(pa.array(new))])
        codes[new] = len(self.ids) + np.arange(len(new))
        rows = np.append(self.rows, np.full(len(new), -1))
        held = None
        latest = np.ones(len(codes), bool)
        if self.times is not None and times is not None:
            held = np.append(self.times, np.full(len(new), np.datetime64("NaT", "us")))
            self._refuse_repeats(versions, codes, held)
            latest = np.isnat(held[codes]) | (times > held[codes])
            held[codes[latest]] = times[latest]
        rows[codes[latest]] = self.table.num_rows + np.flatnonzero(latest)
        table = self._longer(fields)
        side = replace(
            self, ids=Vocabulary(grown, self.ids.kind), table=table, rows=rows, times=held
        )
        return side, {f"{self.name}.{time}": zone} if time else {}

    def _longer(self, fields: pa.Table) -> pa.Table:
        """Append rows, read in the types that the columns have."""
        if not self.table.num_columns:
            return fieldless(self.table.num_rows + fields.num_rows)
        missing = [name for name in self.table.column_names if name not in fields.column_names]
        if missing:
            raise DataError(f"{self.name}: no column {missing[0]!r}, which the fitted rows have")
        columns = {}
        for field in self.table.schema:
            old, new = self.table[field.name], fields[field.name]
            kind = new.type if pa.types.is_null(old.type) else old.type
            try:
                chunks = [*old.cast(kind).chunks, *new.cast(kind).chunks]
            except (pa.ArrowException, TypeError, ValueError):
                raise DataError(
                    f"{self.name}.{field.name}: holds {new.type}, but {old.type} at the fit"
                ) from None
            columns[field.name] = pa.chunked_array(chunks, kind).combine_chunks()
        return pa.table(columns)

    def _refuse_repeats(self, versions: Versions, codes: NDArray[np.int64], held: Instants) -> None:
        times = versions.times
        assert times is not None
        same = np.flatnonzero(times == held[codes[versions.codes]])
        if len(same):
            ids = versions.ids.values[versions.codes[same[:3]]].tolist()
            raise DataError(
                f"{self.name}.{self.column}: {len(same)} rows: the same id and timestamp as one "
                f"held, such as {ids}"
            )

    def _same_type(self, ids: pa.Array) -> None:
        if ids.type != self.ids.array.type:
            raise DataError(
                f"{self.name}.{self.column}: ids are {ids.type}, but {self.ids.array.type} at the "
                f"fit: use one type of id"
            )


def _users(fitted: FittedState) -> _Side:
    source, rows = fitted.source, np.arange(len(fitted.users))
    return _Side(
        name="users",
        column=source.columns.user,
        ids=fitted.users,
        table=fitted.user_fields,
        rows=rows,
        times=source.user_times,
        framed=source.framed[0],
        time_column=source.columns.user_timestamp,
    )


def _products(fitted: FittedState) -> _Side:
    source = fitted.source
    rows = np.full(len(fitted.products), -1)
    rows[fitted.catalogue] = np.arange(len(fitted.catalogue))
    return _Side(
        name="products",
        column=source.columns.product,
        ids=fitted.products,
        table=fitted.product_fields,
        rows=rows,
        times=source.product_times,
        framed=source.framed[1],
        time_column=source.columns.product_timestamp,
    )


def _inspect(name: str, frame: Any) -> TableValidator:
    return TableValidator(name, read_frame(frame, name)[0], "raise", Quarantine())


def _check_zones(zones: dict[str, str | None], fitted: FittedState) -> None:
    for column, zone in zones.items():
        if (zone is None) != (fitted.clock.zone is None):
            says = "has no time zone" if zone is None else "has a time zone"
            raise DataError(f"{column}: {says}, unlike the moments of the fit")


def _alike(events: Events, blank: Events) -> Events:
    """Return events the columns that those of the fit had, no more and no less."""
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


def _kinds_there(owned: tuple[str, ...] | None, events: Events) -> tuple[str, ...] | None:
    return owned if owned is None else tuple(kind for kind in owned if kind in events.kind_names)


def _moment(held: Instant | None, events: Events, *sides: _Side) -> Instant | None:
    """Return the later of the moment held and just after the latest of the news."""
    if held is None:
        return None
    columns = (events.times, events.recorded, *(side.times for side in sides))
    latest = [np.fmax.reduce(times) for times in columns if times is not None and len(times)]
    known = [moment for moment in latest if not np.isnat(moment)]
    moment: Instant = max([held, *(moment + MICROSECOND for moment in known)])
    return moment


def _joint(fitted: FittedState, view: View) -> FittedState:
    catalogue = np.flatnonzero(view.listed)
    if not view.framed[1]:
        catalogue = catalogue[np.argsort(view.product_ids[catalogue], kind="stable")]
    new, old = view.purchases, fitted.owned
    starts = np.append(old.indptr, np.full(len(view.users) - old.shape[0], old.indptr[-1]))
    owned = sparse.csr_array((old.data, old.indices, starts.astype(old.indptr.dtype)), new.shape)
    if new.nnz:
        owned = sparse.csr_array(owned.astype(np.float64) + new)
        owned.sort_indices()
        owned = ones_at(owned)
    states = zip(fitted.builders, fitted.builder_states, strict=True)
    return FittedState(
        as_of=view.as_of,
        clock=fitted.clock,
        kind=fitted.kind,
        users=view.users,
        products=view.products,
        learned=fitted.learned,
        catalogue=catalogue,
        user_fields=view.user_fields,
        product_fields=take_rows(view.product_fields, pa.array(catalogue)),
        owned=owned,
        source=replace(
            fitted.source,
            user_times=view.user_times,
            product_times=view.product_times,
            blank=view.events.take(np.zeros(0, np.int64)),
        ),
        builders=fitted.builders,
        builder_states=tuple(b.merge(state, b.accumulate(view)) for b, state in states),
    )
