"""Profiles of the users of Parquet files, part by part, however large the log is."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from suitably.data import Columns
from suitably.engines.profile_task import ProfileTask
from suitably.engines.witnesses import DAY, SLOT, kinds_in, moments_in
from suitably.errors import DataError
from suitably.typing import AsOf
from suitably.utils.files import replacing
from suitably.utils.progress import logged, logger, progress

__all__ = ["profiles"]

_ROWS = 2_000_000  # of the log in one part
_PART, _FILE = "suitably_part", "suitably_file"
_log = logger(__name__)


def profiles(
    builders: Sequence[Any],
    users: str | Path | None,
    products: str | Path | None,
    interactions: str | Path,
    out: str | Path,
    as_of: AsOf | None = None,
    parts: int | None = None,
    memory: str = "2GB",
    **options: Any,
) -> int:
    """Make profiles of the users of Parquet files, and write them to another.

    They are those of `profiles.build`, bit for bit, where an event id belongs to one user. The log
    is first spread over parts, so that all rows of a user are in one; then each part is read and
    made by itself, beside a few events that tell what is true of the whole log. No more than one
    part is in memory, and what is at `out` is replaced only once all are written.

    Args:
        builders: Fitted where they learn something; a fit on a sample will do.
        users: A file `.parquet`, or a pattern of several, with a row per user or several versions;
            None: the users are those of the log.
        products: Likewise; read whole. None without them.
        interactions: Likewise, with a row per event.
        out: A file `.parquet`: user_id and the fields of every builder, in the order of parts.
        as_of: The moment; must be given where events have timestamps.
        parts: Into how many parts users go; None: as many as parts of two million events ask for.
        memory: How much DuckDB may take to spread the log; what is more goes to disk, beside `out`.
        options: As for `Dataset`, such as `columns`, `owned_events` and `time_zone`. Instants in
            files name no time zone of the data.

    Returns:
        How many users were written.

    Raises:
        DataError: A file that cannot be read, no events, no `as_of`, or bad rows.
        NotFittedError: A builder that learns something has not been fitted.
        ValueError: `parts` is not a positive integer.
    """
    target = Path(out)
    columns = options.get("columns") or Columns()
    if not target.parent.is_dir():
        raise DataError(f"{target.parent}: no such folder")
    if parts is not None and (isinstance(parts, bool) or not isinstance(parts, int) or parts < 1):
        raise ValueError(f"parts={parts!r}: must be a positive integer")
    with TemporaryDirectory(dir=target.parent, prefix=".suitably-") as folder:
        files = _Files(Path(folder), memory)
        events = files.read(interactions, limit=1)
        if not events.num_rows:
            raise DataError(f"{interactions}: has no rows")
        if as_of is None and columns.timestamp in events.column_names:
            raise DataError("as_of: must be given, since no part knows the latest moment of all")
        events = files.witnesses(interactions, columns)
        guests = None
        if users is not None:
            guests = files.of_users(users, columns.user, events[columns.user])
        catalogue = None if products is None else files.read(products)
        task = ProfileTask.of(builders, catalogue, guests, events, as_of, **options)
        schema = task.profiles(guests, events).schema
        count = parts or 1 + files.count(interactions) // _ROWS
        with logged(_log, "spread the log over parts"):
            sides = {"events": interactions} | ({} if users is None else {"users": users})
            for name, path in sides.items():
                files.spread(path, name, columns.user, count, columns.event_id)
        written = 0
        with replacing(target) as partial, pq.ParquetWriter(partial, schema) as writer:
            for part in progress(range(count), "profiles", unit="part"):
                mine = files.part("events", part)
                people = None if users is None else files.part("users", part)
                if not (mine if people is None else people).num_rows + mine.num_rows:
                    continue
                made = task.profiles(people, mine)
                writer.write_table(made.cast(schema))
                written += made.num_rows
    return written


class _Files:
    """Parquet files, read and spread by DuckDB."""

    def __init__(self, folder: Path, memory: str) -> None:
        self.folder = folder
        self.connection = duckdb.connect()
        self.connection.execute("SET memory_limit = ?", [memory])
        self.connection.execute("SET temp_directory = ?", [str(folder / "spill")])
        self.empty: dict[str, pa.Table] = {}
        self.ordered: set[str] = set()

    def read(self, path: str | Path, limit: int | None = None) -> pa.Table:
        """Return rows of a file."""
        query = "SELECT * FROM read_parquet(?)" + ("" if limit is None else f" LIMIT {limit}")
        return self._table(path, query)

    def witnesses(self, path: str | Path, columns: Columns) -> pa.Table:
        """Return the earliest event of each kind and currency, and of each slot of the day."""
        with _named(path):
            log = self.connection.sql("SELECT * FROM read_parquet(?)", params=[str(path)])
            there = {n: str(t) for n, t in zip(log.columns, log.types, strict=True)}
        groups = [", ".join(map(_quoted, kinds_in(columns, there)))]
        names = moments_in(columns, there)
        kind = there[names[0]] if names else ""
        if kind == "VARCHAR" or kind.startswith("TIMESTAMP"):
            plain = kind if kind.endswith("ZONE") else "TIMESTAMP"
            moment = f"try_cast({_quoted(names[0])} AS {plain})"
            groups.append(f"epoch_us({moment}) % {DAY} // {SLOT}")
        least = f"greatest({', '.join(map(_quoted, names))})" if names else "0"
        query = f"SELECT unnest(arg_min(log, {least})) FROM read_parquet(?) log"
        by = (f"{query} GROUP BY {group}" if group else query for group in groups)
        found = pa.concat_tables([self._table(path, one) for one in by])
        return found.filter(found[columns.user].is_valid())

    def of_users(self, path: str | Path, column: str, ids: pa.ChunkedArray) -> pa.Table:
        """Return the rows of some users."""
        wanted = pc.unique(ids.drop_null()).to_pylist()
        found = self._table(
            path, f"SELECT * FROM read_parquet(?) WHERE list_contains(?, {_quoted(column)})", wanted
        )
        lacking = [user for user in wanted if user not in set(found[column].to_pylist())]
        if lacking:
            raise DataError(f"{path}: has no {column} {lacking[0]!r}, who is in the interactions")
        return found

    def _table(self, path: str | Path, query: str, *given: Any) -> pa.Table:
        with _named(path):
            found: pa.Table = self.connection.sql(
                query, params=[str(path), *given]
            ).to_arrow_table()
        return found

    def count(self, path: str | Path) -> int:
        """Return how many rows there are."""
        with _named(path):
            row = self.connection.execute("SELECT count(*) FROM read_parquet(?)", [str(path)])
            return int(row.fetchall()[0][0])

    def spread(
        self, path: str | Path, name: str, user: str, parts: int, event_id: str | None
    ) -> None:
        """Write the rows of each part to a folder of its own.

        Of two rows of one event id the later one counts, and threads write rows in any order: with
        such a column their places go along. That takes three times as long.
        """
        self.empty[name] = self.read(path, limit=0)
        there = self.empty[name].column_names
        if user not in there:
            raise DataError(f"{path}: no column {user!r}; it has {there}")
        rows = "read_parquet(?)"
        if event_id in there:
            self.ordered.add(name)
            rows = f"read_parquet(?, filename = '{_FILE}', file_row_number = true)"
        source = f"SELECT *, hash({_quoted(user)}) % {parts} AS {_PART} FROM {rows}"
        where = str(self.folder / name).replace("'", "''")
        with _named(path):
            self.connection.execute(
                f"COPY ({source}) TO '{where}' (FORMAT parquet, PARTITION_BY ({_PART}))",
                [str(path)],
            )

    def part(self, name: str, part: int) -> pa.Table:
        """Return the rows of a part."""
        folder = self.folder / name / f"{_PART}={part}"
        if not folder.exists():
            return self.empty[name]
        places = f"{_FILE}, file_row_number"
        but, order = (
            (f"EXCLUDE ({places})", f"ORDER BY {places}") if name in self.ordered else ("", "")
        )
        query = f"SELECT * {but} FROM read_parquet(?, hive_partitioning = false) {order}"
        return self.connection.sql(query, params=[str(folder / "*.parquet")]).to_arrow_table()


@contextmanager
def _named(path: str | Path) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise DataError(f"{path}: cannot be read: {error}") from None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
