"""Checks: a bad row is refused with a message, or set aside where the caller can read it."""

from datetime import datetime
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from suitably.data.clock import UNNAMED
from suitably.data.moments import ISO_8601, Instant, read_ticks
from suitably.data.values import (
    beyond_doubles,
    doubles,
    in_words,
    infinite_problem,
    is_number,
    one_array,
    readable,
)
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
        kinds: The types in which columns of ids go back to the caller.
    """

    def __init__(
        self, name: str, table: pa.Table, on_error: OnError, quarantine: Quarantine
    ) -> None:
        if table.num_rows == 0:
            raise DataError(f"{name}: the frame is empty")
        self.name = name
        self.table: pa.Table = table
        self._on_error = on_error
        self._quarantine = quarantine
        self.kinds: dict[str, pa.DataType] = {}

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """The caller's numbers of the rows that are left."""
        return np.arange(self.table.num_rows)

    def require(self, column: str) -> None:
        """Refuse a table that lacks a column."""
        if column not in self.table.column_names:
            raise DataError(f"{self.name}: no column {column!r}; it has {self.table.column_names}")

    def column(self, column: str) -> pa.Array:
        """One column as it is now.

        Raises:
            DataError: Its values have no common type.
        """
        return readable(one_array(self.table[column]), f"{self.name}.{column}")

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
        values = _texts(self.table[column].take(pa.array(found)))
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

    def ids(self, column: str, may_lack: NDArray[np.bool_] | None = None) -> None:
        """Refuse rows without an id, and read the others as integers or text.

        Args:
            column: The column of ids.
            may_lack: Which rows may be without one; None: no row.
        """
        self.require(column)
        given = one_array(self.table[column])
        ids = id_array(given, f"{self.name}.{column}")
        self.kinds[column] = id_kind(given.type, ids.type)
        self.replace(column, ids)
        lacking = ids.is_null().to_numpy(zero_copy_only=False)
        self.refuse(column, "no id", lacking if may_lack is None else lacking & ~may_lack)

    def moments(self, column: str, now: Instant) -> str | None:
        """Parse a column of moments, refuse the unreadable and the future ones.

        Args:
            column: Dates, timestamps or ISO 8601 text.
            now: What is later is in the future (UTC for aware columns, wall clock for naive ones).

        Returns:
            The column's time zone, None where it is naive; `UNNAMED` for text with offsets.
        """
        array = self.column(column)
        if pa.types.is_string(array.type):
            self.replace(column, self._parse(column, array))
        elif pa.types.is_null(array.type):
            self.replace(column, array.cast(pa.timestamp("us")))
        elif not (pa.types.is_timestamp(array.type) or pa.types.is_date(array.type)):
            raise DataError(
                f"{self.name}.{column}: must hold dates or times, not {in_words(array.type)}"
            )
        zone: str | None = getattr(self.column(column).type, "tz", None)
        null = self.column(column).is_null().to_numpy(zero_copy_only=False)
        self.refuse(column, "no date or time", null)
        micros, inside, finer = read_ticks(self.column(column))
        self.refuse(column, "lies outside the years 1 to 9999", ~inside)
        micros, finer = _where(inside, micros), _where(inside, finer)
        self.refuse(column, "is finer than a microsecond, which would be cut", finer)
        times = _where(~finer, micros).view("datetime64[us]")
        self.replace(column, pa.array(times, type=pa.timestamp("us", zone)))
        self.refuse(column, "lies in the future", times > now)
        return zone

    def _parse(self, column: str, array: pa.Array) -> pa.Array:
        """Read ISO 8601 text: naive where no text has an offset, else instants alone."""
        reads = _matches(array, f"^{ISO_8601}$")
        offset = _matches(array, r":\d\d.*(Z|[+-][\d:]+)$")[reads]
        if len(np.unique(offset)) > 1:
            raise DataError(f"{self.name}.{column}: some moments have a time zone, some have none")
        self.refuse(column, "is not a date or time (ISO 8601)", ~reads)
        finer = _matches(self.column(column), r"\.\d{6}\d*[1-9]")
        self.refuse(column, "is finer than a microsecond, which would be cut", finer)
        kind = pa.timestamp("us", UNNAMED if offset.any() else None)
        try:
            return _parsed(self.column(column), kind)
        except pa.ArrowInvalid:
            pass
        bad = np.array([not _exists(text) for text in self.column(column).to_pylist()])
        self.refuse(column, "is not a date or time (ISO 8601)", bad)
        return _parsed(self.column(column), kind)

    def finite(self, column: str, may_lack: NDArray[np.bool_] | None = None) -> None:
        """Refuse missing and infinite numbers in a column that must be numbers.

        Args:
            column: The column of numbers.
            may_lack: Which rows may be without one; None: no row.
        """
        array = self.column(column)
        if not is_number(array.type):
            raise DataError(f"{self.name}.{column}: must hold numbers, not {in_words(array.type)}")
        beyond = beyond_doubles(array)
        self.refuse(column, "is a whole number beyond 2**53", beyond)
        may_lack = None if may_lack is None else may_lack[~beyond]
        array = self.column(column)
        if array.type != pa.float64():
            self.replace(column, pa.array(doubles(array, f"{self.name}.{column}")))
        values = self.column(column).to_numpy(zero_copy_only=False)
        bad = ~np.isfinite(values)
        if may_lack is not None:
            bad &= ~(may_lack & np.isnan(values))
        self.refuse(column, "is not a finite number", bad)

    def no_infinity(self) -> None:
        """Refuse infinite numbers in any column."""
        for field in self.table.schema:
            if pa.types.is_floating(field.type):
                values = self.column(field.name).to_numpy(zero_copy_only=False)
                endless = np.isinf(values)
                if self._on_error == "raise" and endless.any():
                    problem = infinite_problem(values, endless, self.rows)
                    raise DataError(f"{self.name.removesuffix('s')}.{field.name}: {problem}")
                self.refuse(field.name, "is infinite", endless)


def _where(kept: NDArray[np.bool_], values: NDArray[Any]) -> NDArray[Any]:
    """Return some of the values; where all are kept, they are not copied."""
    return values if kept.all() else values[kept]


def _matches(array: pa.Array, pattern: str) -> NDArray[np.bool_]:
    found = pc.match_substring_regex(array, pattern).fill_null(False)
    matches: NDArray[np.bool_] = found.to_numpy(zero_copy_only=False)
    return matches


def _parsed(array: pa.Array, kind: pa.DataType) -> pa.Array:
    return pc.replace_substring_regex(array, r"(\.\d{6})0+", r"\1").cast(kind)


def _exists(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _texts(column: pa.ChunkedArray) -> list[str | None]:
    try:
        return [_show(value) for value in column.to_pylist()]
    except (OverflowError, ValueError):  # a date beyond those of Python
        return [_show(value) for value in column.cast(pa.string()).to_pylist()]


def _show(value: object) -> str | None:
    return None if value is None else str(value)[:200]
