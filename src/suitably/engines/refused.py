"""Rows that were refused, counted wherever they are: by table, column and reason."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from suitably.errors import DataError

__all__ = ["Refused"]

_EXAMPLES = 3
_SCHEMA = pa.schema(
    [
        ("table", pa.string()),
        ("column", pa.string()),
        ("reason", pa.string()),
        ("rows", pa.int64()),
        ("examples", pa.list_(pa.string())),
    ]
)

Line = tuple[str, str, str, int, tuple[str | None, ...]]


@dataclass(frozen=True)
class Refused:
    """How many rows were refused, and the first values of each kind, in the order of text.

    Attributes:
        lines: Table, column, reason, number of rows, values.

    Example:
        >>> Refused((("interactions", "value", "is not a finite number", 2, ("nan",)),)).to_table()
        ...     .to_pylist()[0]["rows"]
        2
    """

    lines: tuple[Line, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.lines)

    @classmethod
    def of(cls, quarantine: pa.Table, first: Mapping[str, int] | None = None) -> "Refused":
        """Count the rows of a `Dataset`'s quarantine.

        Args:
            quarantine: As it is.
            first: Of which tables the first so many rows are looked at; None: of all, all.
        """
        if first is not None:
            bounds = pa.array([first.get(table, 0) for table in quarantine["table"].to_pylist()])
            quarantine = quarantine.filter(pc.less(quarantine["row"], bounds.cast(pa.int64())))
        rows = zip(*(quarantine[n].to_pylist() for n in ("table", "column", "reason", "value")),
                   strict=True)  # fmt: skip
        return cls._joined((t, c, reason, 1, (value,)) for t, c, reason, value in rows)

    @classmethod
    def all(cls, several: Iterable["Refused"]) -> "Refused":
        """Add them up."""
        return cls._joined(line for one in several for line in one.lines)

    @classmethod
    def _joined(cls, lines: Iterable[Line]) -> "Refused":
        found: dict[tuple[str, str, str], tuple[int, tuple[str | None, ...]]] = {}
        for table, column, reason, rows, values in lines:
            count, held = found.get((table, column, reason), (0, ()))
            some = sorted({*held, *values}, key=lambda value: (value is None, value or ""))
            found[table, column, reason] = count + rows, tuple(some[:_EXAMPLES])
        return cls(tuple((*key, *said) for key, said in sorted(found.items())))

    def raise_any(self, where: str = "") -> None:
        """Raise where there are any.

        Args:
            where: Which rows were looked at, for the message; empty: all.

        Raises:
            DataError: Names column, number of rows and examples of each kind.
        """
        if not self.lines:
            return
        said = []
        for table, column, reason, rows, values in self.lines:
            examples = ", ".join("no value" if value is None else value for value in values)
            said.append(f"{table}.{column}: {rows:,} rows: {reason} ({examples})")
        raise DataError(f"{where}{'; '.join(said)}")

    def to_table(self) -> pa.Table:
        """Return them as table, column, reason, rows and examples."""
        columns = [list(column) for column in zip(*self.lines, strict=True)] or [[]] * len(_SCHEMA)
        return pa.table(columns, schema=_SCHEMA)
