"""Profiles of the users of Parquet files, part by part, however large the log is."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from suitably.data import Columns
from suitably.engines.parquet_parts import ParquetParts, quoted
from suitably.engines.profile_task import ProfileTask
from suitably.engines.witnesses import DAY, SLOT, kinds_in, moments_in
from suitably.errors import DataError
from suitably.typing import AsOf
from suitably.utils.files import replacing
from suitably.utils.parallel import cores, run_jobs
from suitably.utils.progress import logged, logger, progress

__all__ = ["profiles"]

_ROWS = 1_250_000  # of the log in one part
_AT_ONCE = 2  # parts in memory
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
    goes into parts, so that all rows of a user are in one; each part is read and made by itself,
    beside a few events that tell what is true of the whole log. No more than two parts are in
    memory, and what is at `out` is replaced only once all are written.

    Args:
        builders: Fitted where they learn something; a fit on a sample will do.
        users: A file `.parquet`, or a pattern of several, with a row per user or several versions;
            None: the users are those of the log.
        products: Likewise; read whole. None without them.
        interactions: Likewise, with a row per event.
        out: A file `.parquet`: user_id and the fields of every builder, in the order of parts.
        as_of: The moment; must be given where events have timestamps.
        parts: Into how many parts users go; None: such that each has about a million events.
        memory: How much DuckDB may take to read the log; what is more goes to disk, beside `out`,
            where a log of more than four parts is written once, part by part.
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
        files = ParquetParts(Path(folder), memory, columns.user)
        rows = files.count(interactions)
        if not rows:
            raise DataError(f"{interactions}: has no rows")
        if as_of is None and columns.timestamp in files.types(interactions):
            raise DataError("as_of: must be given, since no part knows the latest moment of all")
        events = _witnesses(files, interactions, columns)
        guests = None
        if users is not None:
            guests = _rows_of(files, users, columns.user, events[columns.user])
        catalogue = None
        if products is not None:
            catalogue = files.table(products, "SELECT * FROM read_parquet(?)")
        task = ProfileTask.of(builders, catalogue, guests, events, as_of, **options)
        schema = task.profiles(guests, events).schema
        count = parts or -(-rows // _ROWS)
        with logged(_log, "spread the log over parts"):
            for path, side in ((interactions, "events"), (users, "users")):
                if path is not None:
                    files.spread(path, side, count)

        def made(part: int) -> pa.Table:
            people = None if users is None else files.part(users, "users", part, count)
            mine = files.part(interactions, "events", part, count)
            if not (mine if people is None else people).num_rows + mine.num_rows:
                return schema.empty_table()
            return task.profiles(people, mine).cast(schema)

        written = 0
        with replacing(target) as partial, _writer(partial, schema) as writer:
            jobs = run_jobs(made, range(count), min(_AT_ONCE, cores()))
            for table in progress(jobs, "profiles", count, "part"):
                writer.write_table(table)
                written += table.num_rows
    return written


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Open a file that keeps dictionaries of texts alone: numbers hardly repeat."""
    sink = pa.BufferOutputStream()
    pq.write_table(schema.empty_table(), sink)
    leaves = pq.ParquetFile(pa.BufferReader(sink.getvalue())).schema
    texts = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
    return pq.ParquetWriter(path, schema, use_dictionary=texts)


def _witnesses(files: ParquetParts, path: str | Path, columns: Columns) -> pa.Table:
    """Return the earliest event of each kind and currency, and of each slot of the day."""
    there = files.types(path)
    groups = [f"({', '.join(map(quoted, kinds_in(columns, there)))})"]
    names = moments_in(columns, there)
    kind = there[names[0]] if names else ""
    if kind == "VARCHAR" or kind.startswith("TIMESTAMP"):
        plain = kind if kind.endswith("ZONE") else "TIMESTAMP"
        moment = f"try_cast({quoted(names[0])} AS {plain})"
        groups.append(f"(epoch_us({moment}) % {DAY} // {SLOT})")
    least = f"greatest({', '.join(map(quoted, names))})" if names else "0"
    found = files.table(
        path,
        f"SELECT unnest(arg_min(log, {least})) FROM read_parquet(?) log "
        f"GROUP BY GROUPING SETS ({', '.join(groups)})",
    )
    return found.filter(found[columns.user].is_valid())


def _rows_of(files: ParquetParts, path: str | Path, column: str, ids: pa.ChunkedArray) -> pa.Table:
    """Return the rows of some users."""
    wanted = pc.unique(ids.drop_null()).to_pylist()
    found = files.table(
        path, f"SELECT * FROM read_parquet(?) WHERE list_contains(?, {quoted(column)})", wanted
    )
    lacking = [user for user in wanted if user not in set(found[column].to_pylist())]
    if lacking:
        raise DataError(f"{path}: has no {column} {lacking[0]!r}, who is in the interactions")
    return found
