"""Parquet files read by DuckDB, whole or the rows of some users at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from suitably.errors import DataError
from suitably.utils.stable_order import stable_order

__all__ = ["ParquetParts", "quoted"]

_SCANS = 4  # of a file: reading it so often takes less time than writing it once
_BATCH = 1_000_000
_PART = "suitably_part"


class ParquetParts:
    """Parquet files whose rows go into parts by the user they are of, in the order of the files.

    Args:
        folder: What is for the length of the job, and what DuckDB has no memory for, goes here.
        memory: How much DuckDB may take, such as `"2GB"`.
        user: The column of user ids.
    """

    def __init__(self, folder: Path, memory: str, user: str) -> None:
        self.folder = folder
        self.user = user
        self.connection = duckdb.connect()
        self.connection.execute("SET memory_limit = ?", [memory])
        self.connection.execute("SET temp_directory = ?", [str(folder / "spill")])

    def table(self, path: str | Path, query: str, *given: Any) -> pa.Table:
        """Return what a query says of `read_parquet(?)`; threads may ask at once.

        Raises:
            DataError: The file cannot be read.
        """
        with _named(path), self.connection.cursor() as cursor:
            found: pa.Table = cursor.sql(query, params=[str(path), *given]).to_arrow_table()
        return found

    def types(self, path: str | Path) -> dict[str, str]:
        """Return the columns, and what DuckDB calls their types."""
        found = self.table(path, "DESCRIBE SELECT * FROM read_parquet(?)")
        return dict(found.select(["column_name", "column_type"]).to_pandas().to_numpy())

    def count(self, path: str | Path) -> int:
        """Return how many rows there are."""
        return int(self.table(path, "SELECT count(*) AS n FROM read_parquet(?)")["n"][0].as_py())

    def spread(self, path: str | Path, name: str, parts: int) -> None:
        """Write the rows of each part to a file of its own, where there are many parts.

        Raises:
            DataError: The file has no column of users, or cannot be read.
        """
        there = list(self.types(path))
        if self.user not in there:
            raise DataError(f"{path}: no column {self.user!r}; it has {there}")
        if parts <= _SCANS:
            return
        query = f"SELECT *, {self._part_of(parts)} AS {_PART} FROM read_parquet(?)"
        with _named(path):
            reader = self.connection.sql(query, params=[str(path)]).to_arrow_reader(_BATCH)
            for rows in _joined(reader):
                self._append(rows, name)

    def _append(self, rows: pa.Table, name: str) -> None:
        """Write each part's rows to the end of its file, as a stream of Arrow's."""
        part = rows[_PART].to_numpy().astype(np.int64)
        ordered = rows.drop_columns([_PART]).take(pa.array(stable_order(part)))
        sizes = np.bincount(part)
        for number, end in enumerate(np.cumsum(sizes)):
            own = ordered.slice(end - sizes[number], sizes[number])
            if not own.num_rows:
                continue
            with (
                pa.OSFile(str(self._file(name, number)), "ab") as sink,
                pa.ipc.new_stream(sink, own.schema) as writer,
            ):
                writer.write_table(own)

    def part(self, path: str | Path, name: str, part: int, parts: int) -> pa.Table:
        """Return the rows of a part, once they have been spread."""
        query = "SELECT * FROM read_parquet(?)"
        if parts <= _SCANS:
            where = "" if parts == 1 else f" WHERE {self._part_of(parts)} = {part}"
            return self.table(path, query + where)
        file = self._file(name, part)
        if not file.exists():
            return self.table(path, f"{query} LIMIT 0")
        with pa.OSFile(str(file), "rb") as source:
            size, pieces = source.size(), []
            while source.tell() < size:
                pieces.append(pa.ipc.open_stream(source).read_all())
        file.unlink()
        return pa.concat_tables(pieces)

    def _part_of(self, parts: int) -> str:
        return f"(hash({quoted(self.user)}) % {parts})::INTEGER"

    def _file(self, name: str, part: int) -> Path:
        return self.folder / f"{name}-{part}.arrows"


def quoted(name: str) -> str:
    """Return a name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def _joined(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Yield tables of about `_BATCH` rows, since DuckDB's batches are as small as it likes."""
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        if rows >= _BATCH:
            yield pa.Table.from_batches(held).combine_chunks()
            held, rows = [], 0
    if held:
        yield pa.Table.from_batches(held).combine_chunks()


@contextmanager
def _named(path: str | Path) -> Iterator[None]:
    try:
        yield
    except (duckdb.Error, pa.ArrowException) as error:
        raise DataError(f"{path}: cannot be read: {error}") from None
