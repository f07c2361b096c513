"""Datasets: users, products and interactions, checked once and seen as of a moment."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from suitably.data.clock import MICROSECOND, Clock, Instant, present_moment
from suitably.data.columns import Columns
from suitably.data.entities import Entities
from suitably.data.event_kinds import EventKinds
from suitably.data.events import Events
from suitably.data.frames import fieldless, read_frame, write_frame
from suitably.data.interactions import id_codes, inspect_log, read_events
from suitably.data.validation import OnError, Quarantine, TableValidator
from suitably.data.values import readable
from suitably.data.versions import Versions, read_versions
from suitably.data.view import View
from suitably.data.vocabulary import Vocabulary, distinct_ids, id_array, same_ids
from suitably.errors import DataError
from suitably.typing import AsOf, FrameKind, IntoFrame
from suitably.utils.html import box, facts, table

__all__ = ["Dataset"]


class Dataset:
    """Users, products and their interactions, validated once and ordered by time.

    The caller's frames are read, never changed. Every column that `columns` does not name is a
    field of its user or product, for rules, profiles and features.

    Args:
        users: One row per user, or several versions where `columns.user_timestamp` is there.
            None: the users are those of the interactions, without fields.
        products: Likewise for products; its order is the catalogue's.
        interactions: One row per event.
        columns: How the columns are called.
        owned_events: Kinds of event that make a product owned; None: all that are named in none
            of the other lists.
        disposed_events: Kinds that end ownership: a sale, a redemption, a cancellation. Where all
            acquisitions and disposals of a pair have a quantity, the sizes of both are compared;
            else the later one counts, and the disposal where times are equal.
        rejected_events: Kinds by which a user turns a product down; it is left out of lists until
            it is acquired after all.
        rejected_days: For how many days a rejection holds; None: for good.
        other_events: Kinds that say nothing about a product, and may lack one: page views,
            contacts, complaints. Nothing is owned or learned by them; profiles may read them.
        on_error: `"raise"` a `DataError` at a bad row, or `"quarantine"` it.
        now: Rows dated later are in the future and refused; default: the present.
        time_zone: The name of the zone whose calendar says ages, months and the midnight of a bare
            date; None: the one that the type of the timestamps names. Text with offsets and
            instants from DuckDB name none.

    Attributes:
        columns: As given.
        clock: The time-zone convention of the timestamps.
        kinds: What the kinds of event mean.

    Raises:
        DataError: A missing column, an empty frame, ids of different types, a kind of event with
            two meanings; in raise mode also bad rows, with column, count and examples.

    Warns:
        SuitabilityWarning: Several kinds of event make a product owned, and nobody has said so.

    Example:
        >>> import pandas as pd
        >>> data = Dataset(
        ...     None, None,
        ...     pd.DataFrame({"user_id": [7, 9], "product_id": ["a", "b"],
        ...                   "timestamp": ["2024-01-02", "2024-01-01"]}),
        ... )
        >>> data
        Dataset(2 users, 2 products, 2 interactions, 2024-01-01 to 2024-01-02)
    """

    def __init__(
        self,
        users: IntoFrame | None,
        products: IntoFrame | None,
        interactions: IntoFrame,
        columns: Columns | None = None,
        owned_events: Sequence[str] | None = None,
        disposed_events: Sequence[str] = (),
        rejected_events: Sequence[str] = (),
        rejected_days: float | None = None,
        other_events: Sequence[str] = (),
        on_error: OnError = "raise",
        now: AsOf | None = None,
        time_zone: str | None = None,
    ) -> None:
        if on_error not in ("raise", "quarantine"):
            raise DataError(f'on_error={on_error!r}: must be "raise" or "quarantine"')
        columns = columns or Columns()
        self.columns: Columns = columns
        self.kinds: EventKinds = EventKinds.read(
            owned_events, disposed_events, rejected_events, other_events, rejected_days
        )
        self._quarantine = Quarantine()
        frames = {"users": users, "products": products, "interactions": interactions}
        inspections: dict[str, TableValidator] = {}
        kinds: list[FrameKind] = []
        for name, frame in frames.items():
            if frame is None and name != "interactions":
                continue
            table, kind = read_frame(frame, name)
            kinds.append(kind)
            inspections[name] = TableValidator(name, table, on_error, self._quarantine)
        self._kind = kinds[0]

        log = inspections["interactions"]
        given = log.table
        present = present_moment(now)
        roles, zones = inspect_log(log, columns, self.kinds, present)

        self.user_versions: Versions = self._versions(
            inspections.get("users"), log, columns.user, "user_timestamp", present, zones
        )
        self.product_versions: Versions = self._versions(
            inspections.get("products"), log, columns.product, "product_timestamp", present, zones
        )
        self.clock: Clock = Clock.of_columns(zones, time_zone)
        self._tables = inspections
        self._refuse_strangers(log)
        self.events: Events = read_events(
            log, columns, roles, self.user_versions.ids, self.product_versions.ids
        )
        self._doubtful = self._users_set_aside(given)
        self.kinds.check(self.events)
        self.kinds.warn_of_several(self.events)

    def _versions(
        self,
        inspection: TableValidator | None,
        log: TableValidator,
        id_column: str,
        time_role: str,
        now: Instant,
        zones: dict[str, str | None],
    ) -> Versions:
        if inspection is None:
            ids = Vocabulary(distinct_ids(log.column(id_column)), log.kinds[id_column])
            codes = np.arange(len(ids), dtype=np.int32)
            return Versions(ids, fieldless(len(ids)), codes, None)
        time = self.columns.optional(time_role, inspection.table.column_names, inspection.name)
        versions, zone = read_versions(inspection, id_column, time, now)
        if time:
            zones[f"{inspection.name}.{time}"] = zone
        column = log.column(id_column)
        alike = same_ids(versions.ids.array.type, column.type)
        if not alike and column.null_count < len(column):
            raise DataError(
                f"{inspection.name}.{id_column} holds {versions.ids.array.type}, but "
                f"interactions.{id_column} holds {log.column(id_column).type}: use one type of id"
            )
        return versions

    def _users_set_aside(self, given: pa.Table) -> pa.Array:
        """Return the ids of users of whom rows of the log, as given, were set aside."""
        aside = self._quarantine.table()
        rows = aside.filter(pc.equal(aside["table"], "interactions"))["row"]
        array = given[self.columns.user].take(rows).combine_chunks()
        return id_array(readable(array, self.columns.user), self.columns.user).unique()

    def _refuse_strangers(self, log: TableValidator) -> None:
        for column, versions, name in (
            (self.columns.user, self.user_versions, "users"),
            (self.columns.product, self.product_versions, "products"),
        ):
            if name not in self._tables:
                continue  # its ids are those of the log
            unknown = id_codes(log, column, versions.ids) < 0
            unknown &= log.column(column).is_valid().to_numpy(zero_copy_only=False)
            log.refuse(column, f"is not in the {name} frame", unknown)

    @property
    def owned_events(self) -> tuple[str, ...] | None:
        """The kinds of event that make a product owned; None: all that have no other meaning."""
        return self.kinds.owned

    @property
    def user_ids(self) -> NDArray[Any]:
        """Ids in the order of the users frame, or sorted where there is none."""
        return self.user_versions.ids.values

    @property
    def product_ids(self) -> NDArray[Any]:
        """Ids in the order of the products frame (the catalogue order), or sorted."""
        return self.product_versions.ids.values

    @property
    def quarantine(self) -> Any:
        """The rows set aside: table, row (0-based), column, reason, value."""
        return write_frame(self._quarantine.table(), self._kind)

    @property
    def users(self) -> Any:
        """The accepted rows of the users frame, as the caller's kind of frame; None without one."""
        return self._frame("users")

    @property
    def products(self) -> Any:
        """The accepted rows of the products frame; None without one."""
        return self._frame("products")

    @property
    def interactions(self) -> Any:
        """The accepted rows of the interactions frame."""
        return self._frame("interactions")

    def _frame(self, name: str) -> Any:
        if name not in self._tables:
            return None
        return write_frame(self._tables[name].table, self._kind)

    @property
    def kind(self) -> FrameKind:
        """The kind of frame that answers come in: pandas, polars or pyarrow."""
        return self._kind

    @cached_property
    def latest(self) -> Instant | None:
        """The latest moment in any table, None in data without timestamps."""
        if self.events.times is None:
            return None
        columns = (self.events.times, self.events.recorded)
        tables = (self.user_versions.times, self.product_versions.times)
        found = [times.max() for times in (*columns, *tables) if times is not None and len(times)]
        latest: Instant = max(found)
        return latest

    def moment(self, as_of: AsOf | None = None) -> Instant | None:
        """Read `as_of` in this data's convention; default: just after the latest timestamp.

        Raises:
            DataError: `as_of` given for data without timestamps, or of another convention.
        """
        if self.events.times is None:
            if as_of is not None:
                raise DataError("as_of: the interactions have no timestamps, so nothing is dated")
            return None
        if as_of is None:
            return None if self.latest is None else self.latest + MICROSECOND
        return self.clock.instant(as_of)

    def view(self, as_of: AsOf | None = None) -> View:
        """Return what was visible strictly before `as_of`: fields, catalogue and interactions.

        Without a frame of users or products, there are those of the visible interactions.
        """
        moment = self.moment(as_of)
        events = self.events.before(moment)
        users, products = self.user_versions, self.product_versions
        if "users" not in self._tables:
            users, codes = users.only(events.users)
            events = replace(events, users=codes)
        if "products" not in self._tables:
            products, codes = products.only(events.products)
            events = replace(events, products=codes)
        return View(
            as_of=moment,
            clock=self.clock,
            users=self._visible("users", users, moment),
            products=self._visible("products", products, moment),
            events=events,
            kinds=self.kinds,
            columns=self.columns,
            doubtful=self._positions(users.ids),
        )

    def _positions(self, ids: Vocabulary) -> NDArray[np.int64]:
        codes = ids.codes(self._doubtful.drop_null()) if len(self._doubtful) else np.zeros(0)
        return np.sort(codes[codes >= 0]).astype(np.int64)

    def _visible(self, side: str, versions: Versions, moment: Instant | None) -> Entities:
        return Entities.visible(side, versions, moment, self.columns, side in self._tables)

    def __repr__(self) -> str:
        parts = [
            f"{len(self.user_versions.ids):,} users",
            f"{len(self.product_versions.ids):,} products",
            f"{len(self.events):,} interactions",
        ]
        if self.events.times is not None and len(self.events):
            first, last = (self.clock.stamp(moment).date() for moment in self.events.times[[0, -1]])
            parts.append(f"{first} to {last}")
        aside = self._quarantine.table().num_rows
        return f"Dataset({', '.join(parts + [f'{aside} rows set aside'] * bool(aside))})"

    def _repr_html_(self) -> str:
        kinds = {name: inspected.table for name, inspected in self._tables.items()}
        rows = [
            (name, f"{kinds[name].num_rows:,}", ", ".join(kinds[name].column_names))
            for name in ("users", "products", "interactions")
            if name in kinds
        ]
        aside = self._quarantine.table().group_by(["table", "column", "reason"])
        refused = aside.aggregate([([], "count_all")]).to_pylist()
        columns = ("table", "column", "reason", "rows")
        lines = [tuple(row.values()) for row in refused]
        return box(
            repr(self),
            table(("table", "rows", "columns"), rows),
            facts(
                {
                    "time zone": (self.clock.stated and self.clock.zone) or "none",
                    **self._meanings,
                }
            ),
            table(columns, lines, "Rows set aside") if lines else "",
        )

    @property
    def _meanings(self) -> dict[str, str]:
        kinds = self.kinds
        rest = {"disposed of by": kinds.disposed, "rejected by": kinds.rejected}
        rest["without a meaning"] = kinds.other
        any_ = "any other event" if any(rest.values()) else "any event"
        owned = any_ if kinds.owned is None else ", ".join(kinds.owned) or "none"
        return {"owned by": owned} | {k: ", ".join(names) for k, names in rest.items() if names}
