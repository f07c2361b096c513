"""What a fitted pipeline holds: fields, ownership, states; and how it looks as of a moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from suitably.data.clock import Clock, Instant
from suitably.data.dataset import View, repeatable
from suitably.data.frames import fieldless, take_rows
from suitably.data.schema import DataSchema
from suitably.data.vocabulary import Vocabulary
from suitably.errors import DataError
from suitably.suitability.eligibility import Eligibility, Population
from suitably.suitability.policy import Policy

__all__ = ["FittedState", "Snapshot", "build_state", "ones_at"]


@dataclass(frozen=True)
class FittedState:
    """Everything that answers are made from, frozen: a new one replaces it as a whole.

    Attributes:
        as_of: The moment fitted as of, None in data without timestamps.
        clock: The data's convention of time zones.
        kind: The kind of frame that answers come in.
        users: Vocabulary of users.
        products: Vocabulary of products, the axis of the ranker's scores.
        learned: How many of the products there were when the ranker was fitted.
        catalogue: int64, positions in `products` of what was in the catalogue.
        user_fields: A row per user.
        product_fields: A row per product of the catalogue.
        owned: CSR (users, products), int8 ones where a product was ever acquired.
        source: How the caller's data is read.
        builders: The builders of profiles.
        builder_states: What each has accumulated.
    """

    as_of: Instant | None
    clock: Clock
    kind: str
    users: Vocabulary
    products: Vocabulary
    learned: int
    catalogue: NDArray[np.int64]
    user_fields: pa.Table
    product_fields: pa.Table
    owned: sparse.csr_array
    source: DataSchema
    builders: tuple[Any, ...]
    builder_states: tuple[Any, ...]

    def __post_init__(self) -> None:
        """Refuse products that cannot be told whether they are repeatable."""
        repeatable(self.product_fields)

    @cached_property
    def shelf(self) -> Vocabulary:
        """Vocabulary of the catalogue."""
        return self.products.subset(self.catalogue)

    @cached_property
    def plain(self) -> bool:
        """Whether the catalogue is all products in their order."""
        return np.array_equal(self.catalogue, np.arange(len(self.products)))

    @cached_property
    def _on_shelf(self) -> NDArray[np.int64]:
        """Each product's position in the catalogue, −1 where it is not in it."""
        places = np.full(len(self.products), -1)
        places[self.catalogue] = np.arange(len(self.catalogue))
        return places

    @cached_property
    def _once(self) -> NDArray[np.int64]:
        """Likewise, −1 also where a product can be acquired again though owned."""
        places = self._on_shelf.copy()
        places[self.catalogue[repeatable(self.product_fields)]] = -1
        return places

    def barred(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return what users own and cannot acquire again: places in the block and the catalogue."""
        return self._owned(rows, self._once)

    def held(self, rows: NDArray[np.int64]) -> sparse.csr_array:
        """Return what users own of the catalogue: CSR (users of the block, catalogue)."""
        places, products = self._owned(rows, self._on_shelf)
        pairs = (np.ones(len(places)), (places, products))
        return sparse.csr_array(sparse.coo_array(pairs, shape=(len(rows), len(self.catalogue))))

    def _owned(
        self, rows: NDArray[np.int64], where: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        starts = self.owned.indptr[rows].astype(np.int64)
        lengths = self.owned.indptr[rows + 1] - starts
        bounds = np.cumsum(lengths)
        offsets = np.repeat(starts - bounds + lengths, lengths)
        products = where[self.owned.indices[offsets + np.arange(lengths.sum())]]
        places = np.repeat(np.arange(len(rows)), lengths)
        kept = products >= 0
        return (places, products) if kept.all() else (places[kept], products[kept])

    def moment(self, policies: Sequence[Policy], as_of: Instant | None) -> "Snapshot":
        """Judge profiles and policies as of a moment, on the state held.

        Raises:
            DataError: A profile field clashes with a column of the users frame, or a builder gave
                another number of rows.
            PolicyError: A rule does not fit the fields.
        """
        profiles = self._profiles(as_of)
        users, products = Population.pair(
            (self.users, self._for_rules(profiles)),
            (self.shelf, self.product_fields),
            self.clock,
            (self.source.columns.user, self.source.columns.product),
        )
        eligibility = Eligibility(policies, users, products, as_of, self.clock, self.kind)
        table = pa.table(profiles) if profiles else fieldless(len(self.users))
        return Snapshot(as_of, table, self.user_fields, eligibility)

    def _profiles(self, as_of: Instant | None) -> dict[str, pa.Array]:
        found: dict[str, pa.Array] = {}
        for builder, state in zip(self.builders, self.builder_states, strict=True):
            fields = builder.finalise(state, as_of)
            name = type(builder).__name__
            if fields.num_rows != len(self.users):
                raise DataError(f"{name}: gave {fields.num_rows} rows for {len(self.users)} users")
            for field in fields.column_names:
                if field in found:
                    raise DataError(f"profile field {field!r} is made by two builders")
                raw = self.user_fields.column_names
                if field in raw and field not in getattr(builder, "reads", ()):
                    raise DataError(
                        f"profile field {field!r} of {name} is also a column of the users frame: "
                        f"rename one, a rule could not tell them apart"
                    )
                found[field] = fields[field].combine_chunks()
        return found

    def _for_rules(self, profiles: dict[str, pa.Array]) -> pa.Table:
        """Put profiles beside the frame's columns; what was imputed is missing to every rule."""
        table = self.user_fields
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
    """A fitted pipeline as of a moment.

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
    def fields(self) -> pa.Table:
        """The columns of the users frame, those that a profile replaces left out, and profiles."""
        columns = {name: self.user_fields[name] for name in self.user_fields.column_names}
        columns |= {name: self.profiles[name] for name in self.profiles.column_names}
        return pa.table(columns) if columns else self.user_fields

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
    catalogue = np.flatnonzero(view.listed)
    return FittedState(
        as_of=view.as_of,
        clock=view.clock,
        kind=kind,
        users=view.users,
        products=view.products,
        learned=len(view.products),
        catalogue=catalogue,
        user_fields=view.user_fields,
        product_fields=take_rows(view.product_fields, pa.array(catalogue)),
        owned=ones_at(view.purchases),
        source=DataSchema.of(view),
        builders=tuple(builders),
        builder_states=tuple(builder.accumulate(view) for builder in builders),
    )


def ones_at(matrix: sparse.csr_array) -> sparse.csr_array:
    """Return a matrix that only says where something is stored, in a byte for each."""
    ones = np.ones(matrix.nnz, np.int8)
    return sparse.csr_array((ones, matrix.indices, matrix.indptr), matrix.shape)


def _provenance(builder: Any, field: str) -> str:
    """Ask a builder that makes the field how; one that does not say has observed it."""
    if field not in getattr(builder, "fields", ()) or not hasattr(builder, "provenance"):
        return "observed"
    return str(builder.provenance(field))
