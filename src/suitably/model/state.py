"""Fitted state: fields, ownership and builder states; and a snapshot of it as of a moment."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from suitably.data.clock import Clock, Instant
from suitably.data.entities import Entities
from suitably.data.events import Events
from suitably.data.frames import fieldless
from suitably.data.ledger import Ledger
from suitably.data.schema import DataSchema
from suitably.data.view import View
from suitably.errors import DataError
from suitably.profiles.compose import fields_of
from suitably.suitability.eligibility import Eligibility
from suitably.suitability.policy import Policy
from suitably.utils import bitset
from suitably.utils.bitset import BitRows

__all__ = ["FittedState", "Snapshot", "build_state", "joint_span", "stored_in"]

_DAY = 86_400_000_000
_NOTHING = np.zeros(0, np.int64)
_NOTHING.setflags(write=False)


@dataclass(frozen=True)
class FittedState:
    """Everything that answers are made from but rankers, frozen: a new one replaces it as a whole.

    Attributes:
        as_of: The moment fitted as of, None in data without timestamps.
        clock: The data's convention of time zones.
        kind: The kind of frame that answers come in.
        users: The users.
        products: The products, the axis of the rankers' scores.
        learned: How many of the products there were when the rankers were fitted.
        owned: CSR (users, products), int8 ones where a product is owned.
        ledger: What acquisitions, disposals and rejections have come to; None where a product that
            was acquired is owned for good, and nothing is rejected.
        counted: Digests of the ids of the events that have been counted, sorted.
        schema: How the caller's data is read.
        builders: The builders of profiles.
        builder_states: What each has accumulated.
        span: The months of the first and the last interaction, such as `("2023-01", "2024-05")`;
            None without timestamps. A day could be one user's own.
    """

    as_of: Instant | None
    clock: Clock
    kind: str
    users: Entities
    products: Entities
    learned: int
    owned: sparse.csr_array
    ledger: Ledger | None
    counted: NDArray[np.bytes_]
    schema: DataSchema
    builders: tuple[Any, ...]
    builder_states: tuple[Any, ...]
    span: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        """Refuse products that cannot be told whether they are repeatable."""
        _ = self.products.repeatable

    @cached_property
    def catalogue(self) -> Entities:
        """The products that can be recommended, in order."""
        return self.products.only_listed()

    @property
    def positions(self) -> NDArray[np.int64]:
        """int64 (catalogue,), positions in `products` of what is in the catalogue."""
        return self.products.catalogue

    @cached_property
    def is_whole_catalogue(self) -> bool:
        """Whether the catalogue is all products in their order."""
        return np.array_equal(self.positions, np.arange(len(self.products)))

    @cached_property
    def whole_catalogue(self) -> BitRows:
        """All products of the catalogue: words (1, catalogue / 64), read-only."""
        words = bitset.pack(np.ones((1, len(self.positions)), bool))
        words.setflags(write=False)
        return words

    @cached_property
    def _in_catalogue(self) -> NDArray[np.int64]:
        """Each product's position in the catalogue, −1 where it is not in it."""
        places = np.full(len(self.products), -1)
        places[self.positions] = np.arange(len(self.positions))
        return places

    @cached_property
    def _non_repeatable(self) -> NDArray[np.int64]:
        """Likewise, −1 also where a product can be acquired again though owned."""
        return np.where(self.products.repeatable, -1, self._in_catalogue)

    @cached_property
    def _is_each_once(self) -> bool:
        """Whether that is each product's own position, so that none needs to be looked up."""
        return self.is_whole_catalogue and not self.products.repeatable.any()

    @cached_property
    def _rejections(self) -> sparse.csr_array | None:
        """When what is turned down was: CSR (users, products), int64 microseconds."""
        if self.ledger is None or not self.ledger.turned_down.any():
            return None
        return self.ledger.rejections((len(self.users), len(self.products)))

    def excluded(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return what users own and cannot acquire again: places in the block and the catalogue."""
        places, stored = _stored(self.owned, rows)
        products = self.owned.indices[stored]
        if self._is_each_once:
            return places, products
        return _kept(places, self._non_repeatable.take(products))

    def excluded_of_one(self, row: int) -> list[int]:
        """Return the same for one user, who costs more in calls than in work: the products."""
        # Python reads numbers one by one sooner from a buffer than from an array.
        starts, places = self.owned.indptr, self._non_repeatable.data
        owned = self.owned.indices[starts.item(row) : starts.item(row + 1)].tolist()
        return [place for product in owned if (place := places[product]) >= 0]

    def rejected(
        self, rows: NDArray[np.int64], as_of: Instant | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return what users have turned down, and not too long ago, likewise."""
        rejections, days = self._rejections, self.schema.kinds.rejected_days
        if rejections is None:
            return _NOTHING, _NOTHING
        places, stored = _stored(rejections, rows)
        products = rejections.indices[stored]
        if days is not None and as_of is not None:
            age = int(as_of.astype(np.int64)) - rejections.data[stored]
            recent = age < days * _DAY
            places, products = places[recent], products[recent]
        return _kept(places, self._in_catalogue[products])

    def rejected_of_one(self, row: int, as_of: Instant | None) -> list[int]:
        """Return what one user has turned down, and not too long ago: the products."""
        if self._rejections is None:
            return []
        products: list[int] = self.rejected(np.array([row]), as_of)[1].tolist()
        return products

    def holdings(self, rows: NDArray[np.int64]) -> sparse.csr_array:
        """Return what users own of the catalogue: CSR (users of the block, catalogue)."""
        places, stored = _stored(self.owned, rows)
        places, products = _kept(places, self._in_catalogue[self.owned.indices[stored]])
        pairs = (np.ones(len(places)), (places, products))
        return sparse.csr_array(sparse.coo_array(pairs, shape=(len(rows), len(self.positions))))

    def snapshot(self, policies: Sequence[Policy], as_of: Instant | None) -> "Snapshot":
        """Judge profiles and policies as of a moment, on the state held.

        Raises:
            DataError: A profile field clashes with a column of the users frame, or a builder gave
                another number of rows.
            PolicyError: A rule does not fit the fields.
        """
        profiles = self._profiles(as_of)
        users = self.users.with_fields(self._for_rules(profiles))
        eligibility = Eligibility(policies, users, self.catalogue, as_of, self.clock, self.kind)
        table = pa.table(profiles) if profiles else fieldless(len(self.users))
        return Snapshot(as_of, table, self.users.fields, eligibility)

    def _profiles(self, as_of: Instant | None) -> dict[str, pa.Array]:
        states = zip(self.builders, self.builder_states, strict=True)
        tables = [builder.finalise(state, as_of) for builder, state in states]
        raw = self.users.fields.column_names
        for builder, table in zip(self.builders, tables, strict=True):
            for field in table.column_names:
                if field in raw and field not in getattr(builder, "reads", ()):
                    raise DataError(
                        f"profile field {field!r} of {type(builder).__name__} is also a column of "
                        f"the users frame: rename one, a rule could not tell them apart"
                    )
        return fields_of(self.builders, tables, len(self.users))

    def _for_rules(self, profiles: dict[str, pa.Array]) -> pa.Table:
        """Put profiles beside the frame's columns; what was imputed is missing to every rule."""
        table = self.users.fields
        for builder in self.builders:
            for field in profiles:
                if field in table.column_names and field in getattr(builder, "reads", ()):
                    table = table.drop_columns([field])
        for field, array in profiles.items():
            imputed = any(_provenance(b, field) == "imputed" for b in self.builders)
            column = pa.nulls(len(array), array.type) if imputed else array
            table = table.append_column(field, column)
        return table


@dataclass(frozen=True)
class Snapshot:
    """A fitted state as of a moment.

    Attributes:
        as_of: The moment.
        profiles: A row per user, a column per profile field.
        user_fields: A row per user, a column of the users frame each.
        eligibility: Who may be offered what of the catalogue.
    """

    as_of: Instant | None
    profiles: pa.Table
    user_fields: pa.Table
    eligibility: Eligibility

    @cached_property
    def moment(self) -> pd.Timestamp | None:
        """The moment in the convention of the data."""
        moment: pd.Timestamp | None = self.eligibility.moment
        return moment

    @cached_property
    def moment_text(self) -> str | None:
        """The same as JSON has it."""
        return None if self.moment is None else self.moment.isoformat()

    def proposing(self, amounts: NDArray[np.float64] | None) -> "Snapshot":
        """Return the same, judged for what would be invested, as `Eligibility.proposing` says."""
        eligibility = self.eligibility.proposing(amounts)
        return self if eligibility is self.eligibility else replace(self, eligibility=eligibility)

    @cached_property
    def fields(self) -> pa.Table:
        """The columns of the users frame, those that a profile replaces left out, and profiles."""
        columns = {name: self.user_fields[name] for name in self.user_fields.column_names}
        columns |= {name: self.profiles[name] for name in self.profiles.column_names}
        return pa.table(columns) if columns else self.user_fields

    def fields_of(self, row: int) -> pa.Table:
        """Return one user's fields: a table of one row."""
        return self.fields.slice(row, 1)

    @cached_property
    def places(self) -> NDArray[np.int64]:
        """Each user's place in an order that puts like users together."""
        order = self.eligibility.order()
        places = np.empty_like(order)
        places[order] = np.arange(len(order))
        return places


def build_state(view: View, kind: str, builders: Sequence[Any]) -> FittedState:
    """Take from a view what answers are made from.

    Args:
        view: What was visible at the moment of the fit.
        kind: The kind of frame that answers come in.
        builders: The builders of profiles.
    """
    return FittedState(
        as_of=view.as_of,
        clock=view.clock,
        kind=kind,
        users=view.users,
        products=view.products,
        learned=len(view.products),
        owned=view.owned,
        ledger=view.ledger,
        counted=view.events.digests(),
        schema=DataSchema.of(view),
        builders=tuple(builders),
        builder_states=tuple(builder.accumulate(view) for builder in builders),
        span=joint_span(None, view.events),
    )


def joint_span(span: tuple[str, str] | None, events: Events) -> tuple[str, str] | None:
    """Return the months of the first and the last interaction, once some have been added."""
    if events.times is None or not len(events):
        return span
    ends = np.array([events.times.min(), events.times.max()])
    months = [*(span or ()), *ends.astype("datetime64[M]").astype(str).tolist()]
    return min(months), max(months)


def stored_in(
    matrix: sparse.csr_array, rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where some rows of a matrix have something: places in the block, and columns."""
    places, stored = _stored(matrix, rows)
    return places, matrix.indices[stored].astype(np.int64)


def _stored(
    matrix: sparse.csr_array, rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64] | slice]:
    """Return what is stored in some rows: places in the block, and positions in the matrix."""
    if len(rows) == 1:  # one user costs more in calls than in work
        row = rows.item()
        start, end = matrix.indptr.item(row), matrix.indptr.item(row + 1)
        return np.zeros(end - start, np.int64), slice(start, end)
    starts = matrix.indptr[rows].astype(np.int64)
    lengths = matrix.indptr[rows + 1] - starts
    bounds = np.cumsum(lengths)
    offsets = np.repeat(starts - bounds + lengths, lengths)
    places = np.repeat(np.arange(len(rows)), lengths)
    return places, offsets + np.arange(lengths.sum())


def _kept(
    places: NDArray[np.int64], products: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    kept = products >= 0
    if np.count_nonzero(kept) == len(kept):
        return places, products
    return places[kept], products[kept]


def _provenance(builder: Any, field: str) -> str:
    """Return how a builder makes a field; one that does not say has observed it."""
    if field not in getattr(builder, "fields", ()) or not hasattr(builder, "provenance"):
        return "observed"
    return str(builder.provenance(field))
