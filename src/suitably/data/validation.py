"""Checks: a bad row is refused with a message, or set aside where the caller can read it."""

from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.clock import Clock, Instant
from suitably.data.values import beyond_doubles, doubles, is_number, readable
from suitably.data.vocabulary import id_array, id_kind
from suitably.errors import DataError

__all__ = ["OnError", "Quarantine", "TableValidator"]

OnError = Literal["raise", "quarantine"]
_EXAMPLES = 3


class Quarantine:
    """The rows set aside, each once, with the first thing found wrong with it."""

    schema: pa.Schema = pa.schema(
        [
            ("table", pa.string()),
            ("row", pa.int64()),
            ("column", pa.string()),
            ("reason", pa.string()),
            ("value", pa.string()),
        ]
    )

    def __init__(self) -> None:
        self._parts: list[pa.Table] = []

    def add(
        self,
        table: str,
        rows: NDArray[np.int64],
        column: str,
        reason: str,
        values: list[str | None],
    ) -> None:
        """Set rows aside; `values` are the offending ones, as text."""
        n = len(rows)
        columns = [[table] * n, rows, [column] * n, [reason] * n, values]
        self._parts.append(pa.table(columns, schema=self.schema))

    def table(self) -> pa.Table:
        """Everything set aside, in the order it was found."""
        return pa.concat_tables([self.schema.empty_table(), *self._parts])


class TableValidator:
    """A table under inspection: what is refused leaves it, and the row numbers stay the caller's.

    Args:
        name: What the table is, for messages: users, products or interactions.
        table: As read.
        on_error: `"raise"` at the first kind of fault, or `"quarantine"` its rows.
        quarantine: Where the rows go.

    Attributes:
        rows: The caller's numbers of the rows that are left.
        kinds: The types in which columns of ids go back to the caller.
    """

    def __init__(
        self, name: str, table: pa.Table, on_error: OnError, quarantine: Quarantine
    ) -> None:
        if table.num_rows == 0:
            raise DataError(f"{name}: the frame is empty")
        self.name = name
        self.table: pa.Table = table
        self.rows: NDArray[np.int64] = np.arange(table.num_rows)
        self._on_error = on_error
        self._quarantine = quarantine
        self.kinds: dict[str, pa.DataType] = {}

    def require(self, column: str) -> None:
        """Refuse a table that lacks a column."""
        if column not in self.table.column_names:
            raise DataError(f"{self.name}: no column {column!r}; it has {self.table.column_names}")

    def column(self, column: str) -> pa.Array:
        """One column as it is now.

        Raises:
            DataError: Its values have no common type.
        """
        return readable(self.table[column].combine_chunks(), f"{self.name}.{column}")

    def replace(self, column: str, array: pa.Array) -> None:
        """Put a parsed column in the place of the one read."""
        position = self.table.column_names.index(column)
        self.table = self.table.set_column(position, column, array)

    def refuse(self, column: str, reason: str, bad: NDArray[np.bool_]) -> None:
        """Refuse the rows where `bad` is true.

        Raises:
            DataError: In raise mode, if there are any.
        """
        found = np.flatnonzero(bad)
        if not len(found):
            return
        values = [_show(v) for v in self.table[column].take(pa.array(found)).to_pylist()]
        if self._on_error == "raise":
            shown = zip(self.rows[found[:_EXAMPLES]], values, strict=False)
            examples = ", ".join(f"row {row}: {value}" for row, value in shown)
            raise DataError(
                f"{self.name}.{column}: {len(found)} of {len(bad)} rows: {reason} ({examples})"
            )
        self._quarantine.add(self.name, self.rows[found], column, reason, values)
        self.table = self.table.filter(pa.array(~bad))
        self.rows = self.rows[~bad]
        if not len(self.rows):
            raise DataError(f"{self.name}: every row is bad; the last for {column}: {reason}")

    def ids(self, column: str) -> None:
        """Refuse rows without an id, and read the others as integers or text."""
        self.require(column)
        given = self.column(column)
        ids = id_array(given, f"{self.name}.{column}")
        self.kinds[column] = id_kind(given.type, ids.type)
        self.replace(column, ids)
        self.refuse(column, "no id", ids.is_null().to_numpy(zero_copy_only=False))

    def moments(self, column: str, now: Instant) -> str | None:
        """Parse a column of moments, refuse the unreadable and the future ones.

        Args:
            column: Dates, timestamps or ISO 8601 text.
            now: What is later is in the future (UTC for aware columns, wall clock for naive ones).

        Returns:
            The column's time zone, None where it is naive.
        """
        array = self.column(column)
        if pa.types.is_string(array.type):
            array = self._parse(column, array)
        elif pa.types.is_null(array.type):
            array = array.cast(pa.timestamp("us"))
        if not (pa.types.is_timestamp(array.type) or pa.types.is_date(array.type)):
            raise DataError(f"{self.name}.{column}: must hold dates or times, not {array.type}")
        zone: str | None = getattr(array.type, "tz", None)
        self.replace(column, pa.array(Clock.instants(array), type=pa.timestamp("us", zone)))
        times = Clock.instants(self.column(column))
        self.refuse(column, "no date or time", np.isnat(times))
        times = Clock.instants(self.column(column))
        self.refuse(column, "lies in the future", times > now)
        return zone

    def _parse(self, column: str, array: pa.Array) -> pa.Array:
        texts = pd.Series(array.to_numpy(zero_copy_only=False), dtype=object)
        parsed = pd.to_datetime(texts, format="ISO8601", errors="coerce", utc=True)
        bad = parsed.isna().to_numpy()
        has_zone = texts[~bad].str.contains(r"[T ].*(?:Z|[+-]\d\d:?\d\d)$", regex=True)
        if has_zone.nunique() > 1:
            raise DataError(f"{self.name}.{column}: some moments have a time zone, some have none")
        zone = "UTC" if has_zone.any() else None
        self.refuse(column, "is not a date or time (ISO 8601)", bad)
        naive = parsed[~bad].dt.tz_localize(None).to_numpy().astype("datetime64[us]")
        return pa.array(naive, type=pa.timestamp("us", zone))

    def finite(self, column: str) -> None:
        """Refuse missing and infinite numbers in a column that must be numbers."""
        array = self.column(column)
        if not is_number(array.type):
            raise DataError(f"{self.name}.{column}: must hold numbers, not {array.type}")
        self.refuse(column, "is a whole number beyond 2**53", beyond_doubles(array))
        array = self.column(column)
        self.replace(column, pa.array(doubles(array, f"{self.name}.{column}")))
        values = self.column(column).to_numpy(zero_copy_only=False)
        self.refuse(column, "is not a finite number", ~np.isfinite(values))

    def no_infinity(self) -> None:
        """Refuse infinite numbers in any column."""
        for field in self.table.schema:
            if pa.types.is_floating(field.type):
                values = self.column(field.name).to_numpy(zero_copy_only=False)
                self.refuse(field.name, "is infinite", np.isinf(values))


def _show(value: object) -> str | None:
    return None if value is None else str(value)[:200]
