"""Entity tables: the users, or the products, with the row of fields that holds for each."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.clock import Instant, Instants
from suitably.data.columns import Columns
from suitably.data.frames import fieldless, take_rows
from suitably.data.joint import joint
from suitably.data.validation import TableValidator
from suitably.data.values import in_words, readable
from suitably.data.versions import Versions, read_versions
from suitably.data.vocabulary import Vocabulary, same_ids
from suitably.errors import DataError

__all__ = ["Entities"]

REPEATABLE = "repeatable"
_NEVER = np.datetime64("NaT", "us")


@dataclass(frozen=True)
class Entities:
    """One side of the pairs as of a moment; its vocabulary grows at its end only.

    Attributes:
        side: `"users"` or `"products"`.
        ids: The vocabulary.
        fields: A row per id, all null where none was visible.
        listed: bool (ids,), which had a visible row.
        times: From when each row holds, NaT without one; None where rows have no time.
        framed: Whether there is a frame of them; without one they are those of interactions.
        id_column: How the caller's column of ids is called.
        time_column: How that of times is called; None where there is none.
    """

    side: str
    ids: Vocabulary
    fields: pa.Table
    listed: NDArray[np.bool_]
    times: Instants | None
    framed: bool
    id_column: str
    time_column: str | None

    @staticmethod
    def visible(
        side: str,
        versions: Versions,
        as_of: Instant | None,
        columns: Columns,
        framed: bool = True,
    ) -> "Entities":
        """Return what of a table of versions was visible strictly before a moment.

        Args:
            side: `"users"` or `"products"`.
            versions: The rows, several for an id where they have times.
            as_of: The moment; None: all of them.
            columns: How the caller's columns are called.
            framed: Whether there is a frame of them.
        """
        fields, listed, times = versions.visible(as_of)
        users = side == "users"
        return Entities(
            side=side,
            ids=versions.ids,
            fields=fields,
            listed=listed,
            times=times,
            framed=framed,
            id_column=columns.user if users else columns.product,
            time_column=columns.user_timestamp if users else columns.product_timestamp,
        )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def values(self) -> NDArray[Any]:
        """External ids in order, read-only."""
        return self.ids.values

    def codes(self, ids: Any) -> NDArray[np.int32]:
        """Return each id's position, −1 where it is not known."""
        return self.ids.codes(ids)

    def codes_of(self, ids: Any, name: str) -> NDArray[np.int32]:
        """Return the position of each id that somebody asks about, −1 where it is not known.

        Args:
            ids: A list, array or column of ids.
            name: What they are, for the message.

        Raises:
            DataError: They are no ids, or of another type than these.
        """
        return self.ids.codes(self.ids.read(ids, name))

    @cached_property
    def catalogue(self) -> NDArray[np.int64]:
        """Positions of those that had a visible row: in order, or sorted by id without a frame."""
        places = np.flatnonzero(self.listed)
        return places if self.framed else places[np.argsort(self.ids.values[places], kind="stable")]

    @cached_property
    def repeatable(self) -> NDArray[np.bool_]:
        """Which can be acquired again though owned: bool (ids,).

        Raises:
            DataError: The column of that name holds something else than booleans.
        """
        if REPEATABLE not in self.fields.column_names:
            return np.zeros(len(self), bool)
        column = self.fields[REPEATABLE].combine_chunks()
        readable(column, f"{self.side}.{REPEATABLE}")
        if not (pa.types.is_boolean(column.type) or pa.types.is_null(column.type)):
            raise DataError(
                f"{self.side}.{REPEATABLE}: must hold booleans, not {in_words(column.type)}"
            )
        again: NDArray[np.bool_] = (
            column.cast(pa.bool_()).fill_null(False).to_numpy(zero_copy_only=False)
        )
        return again

    def only_listed(self) -> "Entities":
        """Return the catalogue alone, in its order."""
        places = self.catalogue
        if np.array_equal(places, np.arange(len(self))):
            return self
        return replace(self.only(places), framed=True)

    def only(self, places: NDArray[np.int64]) -> "Entities":
        """Return some of them by position, in this order."""
        return replace(
            self,
            ids=self.ids.subset(places),
            fields=take_rows(self.fields, pa.array(places)),
            listed=self.listed[places],
            times=None if self.times is None else self.times[places],
        )

    def with_fields(self, fields: pa.Table) -> "Entities":
        """Return the same with other fields, a row per id."""
        return replace(self, fields=fields)

    def with_ids(self, ids: pa.Array) -> "Entities":
        """Append the ids that are new, in the order of their value, without fields.

        Raises:
            DataError: Ids of another type.
        """
        if ids.null_count < len(ids):
            self._check_type(ids)
        fresh = ids.drop_null().unique().sort()
        strange = self.ids.codes(fresh) < 0
        if not strange.any():
            return self
        grown = self.ids.grown(fresh.filter(pa.array(strange)))
        return replace(
            self,
            ids=grown,
            fields=fieldless(len(grown)),
            listed=np.append(self.listed, np.ones(len(grown) - len(self), bool)),
        )

    def with_versions(
        self, table: TableValidator, now: Instant
    ) -> tuple["Entities", dict[str, str | None]]:
        """Lay new rows over those held; of two with a time the later one holds.

        Returns:
            Another side, and the time zone of the column of times, by its name.

        Raises:
            DataError: A bad row, ids or fields of another type, a column that is gone, or the same
                id and time as one held.
        """
        time = self.time_column if self.times is not None else None
        for column in filter(None, (time, self.id_column)):
            table.require(column)
        versions, zone = read_versions(table, self.id_column, time, now)
        self._check_type(versions.ids.array)
        fields, _, times = versions.visible(None)
        codes = self.ids.codes(versions.ids.values).astype(np.int64)
        new = np.flatnonzero(codes < 0)
        codes[new] = len(self) + np.arange(len(new))
        grown = self.ids.grown(versions.ids.array.take(pa.array(new)))
        held, latest = None, np.ones(len(codes), bool)
        if self.times is not None and times is not None:
            held = np.append(self.times, np.full(len(new), _NEVER))
            self._refuse_repeats(versions, codes, held)
            latest = np.isnat(held[codes]) | (times > held[codes])
            held[codes[latest]] = times[latest]
        listed = np.append(self.listed, np.zeros(len(new), bool))
        rows = np.append(np.arange(len(self)), np.full(len(new), -1))
        listed[codes[latest]] = True
        rows[codes[latest]] = len(self) + np.flatnonzero(latest)
        longer = self._longer(fields)
        made = replace(
            self,
            ids=grown,
            fields=take_rows(longer, pa.array(rows, mask=rows < 0)),
            listed=listed,
            times=held,
        )
        return made, {f"{self.side}.{time}": zone} if time else {}

    def _longer(self, fields: pa.Table) -> pa.Table:
        """Append rows in the types that the columns have, which must hold every value exactly."""
        if not self.fields.num_columns:
            return fieldless(self.fields.num_rows + fields.num_rows)
        missing = [name for name in self.fields.column_names if name not in fields.column_names]
        if missing:
            raise DataError(f"{self.side}: no column {missing[0]!r}, which the fitted rows have")
        columns = {}
        for field in self.fields.schema:
            old, new = self.fields[field.name], fields[field.name]
            parts = (old.combine_chunks(), new.combine_chunks())
            columns[field.name] = joint(*parts, f"{self.side[:-1]}.{field.name}")
        return pa.table(columns)

    def _refuse_repeats(self, versions: Versions, codes: NDArray[Any], held: Instants) -> None:
        assert versions.times is not None
        same = np.flatnonzero(versions.times == held[codes[versions.codes]])
        if len(same):
            ids = versions.ids.values[versions.codes[same[:3]]].tolist()
            raise DataError(
                f"{self.side}.{self.id_column}: {len(same)} rows: the same id and timestamp as one "
                f"held, such as {ids}"
            )

    def _check_type(self, ids: pa.Array) -> None:
        if not same_ids(ids.type, self.ids.array.type):
            raise DataError(
                f"{self.side}.{self.id_column}: ids are {ids.type}, but {self.ids.array.type} at "
                f"the fit: use one type of id"
            )
