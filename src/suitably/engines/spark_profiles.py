"""Profiles of the users of Spark DataFrames: every part by the code of one process."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from suitably.data import Columns
from suitably.engines.profile_task import ProfileTask
from suitably.engines.witnesses import DAY, SLOT, kinds_in, moments_in
from suitably.errors import DataError
from suitably.typing import AsOf

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

__all__ = ["KEY", "joint_rows", "profiles", "quoted", "row_hash", "rows_of_users", "side_of"]
__all__ += ["witnesses"]

KEY = "suitably_user"


def profiles(
    builders: Sequence[Any],
    users: "DataFrame | None",
    products: "DataFrame | None",
    interactions: "DataFrame",
    as_of: AsOf | None = None,
    partitions: int | None = None,
    **options: Any,
) -> "DataFrame":
    """Make profiles of the users of Spark DataFrames.

    They are those of `profiles.build` in one process, bit for bit, however rows are spread, where
    no event id occurs twice: all rows of a user come together, and each part is made by the same
    code, beside a few events that tell what is true of the whole log. These, and the products, are
    all that is read before the result is used.

    Args:
        builders: Fitted where they learn something, such as limits; a fit on a sample will do.
        users: One row per user, or several versions; None: the users are those of the log.
        products: The products, which every worker gets whole; None without them.
        interactions: One row per event.
        as_of: The moment; must be given where events have timestamps.
        partitions: Into how many parts users go; each is held in memory by one task. None: as many
            as Spark shuffles into.
        options: As for `Dataset`, such as `columns`, `owned_events` and `time_zone`. Instants of
            Spark name no time zone of the data.

    Returns:
        user_id and the fields of every builder.

    Raises:
        DataError: Not Spark DataFrames, no events, no `as_of`, or a builder that cannot travel. Bad
            rows are found when the job runs, and fail it.
        NotFittedError: A builder that learns something has not been fitted.
    """
    frames = (users, products, interactions)
    for frame in frames:
        if frame is not None and not hasattr(frame, "mapInArrow"):
            found = type(frame).__name__
            raise DataError(f"engines.spark: expected a Spark DataFrame, got {found}")
    columns = options.get("columns") or Columns()
    if as_of is None and columns.timestamp in interactions.columns:
        raise DataError(
            "engines.spark: as_of must be given: no part knows the latest moment of all"
        )
    events = witnesses(interactions, columns)
    if not events.num_rows:
        raise DataError("engines.spark: the interactions have no rows")
    guests = None if users is None else rows_of_users(users, columns.user, events)
    catalogue = None if products is None else products.toArrow()
    task = ProfileTask.of(builders, catalogue, guests, events, as_of, **options)
    sample = task.profiles(guests, events)
    schema = sample.schema

    def part(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from _part(task, schema, batches)

    joint = joint_rows(users, interactions, columns.user)
    joint = joint.repartition(*([] if partitions is None else [partitions]), KEY)
    kinds = interactions.sparkSession.createDataFrame(sample).schema
    return joint.mapInArrow(part, kinds)


def witnesses(log: "DataFrame", columns: Columns, products: bool = False) -> pa.Table:
    """Return the earliest event of each kind and currency, and of each slot of the day.

    Of several as early, that of the first user; rows without user or moment are none.

    Args:
        log: The interactions.
        columns: How its columns are called.
        products: Whether to return the earliest of each product too.
    """
    from pyspark.sql import functions as f

    there = dict(log.dtypes)
    names = moments_in(columns, there)
    least = f.greatest(*(f.col(quoted(name)) for name in (*names, *names))) if names else f.lit(0)
    user = f.col(quoted(columns.user))
    first = f.when(least.isNotNull() & user.isNotNull(), f.struct(least, user))
    groups = [[f.col(quoted(name)) for name in kinds_in(columns, there)]]
    if names and there[names[0]].startswith(("timestamp", "string")):
        moment = f"unix_micros(try_cast({quoted(names[0])} AS timestamp))"
        groups.append([f.expr(f"{moment} % {DAY} div {SLOT}")])
    if products:
        groups.append([f.col(quoted(columns.product))])
    found = [
        log.groupBy(*group).agg(f.min_by(f.struct("*"), first).alias("log")).select("log.*")
        for group in groups
    ]
    events = pa.concat_tables([one.toArrow() for one in found])
    return events.filter(events[columns.user].is_valid())


def rows_of_users(users: "DataFrame", column: str, events: pa.Table) -> pa.Table:
    """Return the rows of the users of some events.

    Raises:
        DataError: One of them has none.
    """
    from pyspark.sql import functions as f

    wanted = pc.unique(events[column].drop_null()).to_pylist()
    found: pa.Table = users.where(f.col(quoted(column)).isin(wanted)).toArrow()
    known = set(found[column].to_pylist())
    for user in wanted:
        if user not in known:
            raise DataError(f"engines.spark: user {user!r} of the interactions is not in users")
    return found


def joint_rows(
    users: "DataFrame | None", events: "DataFrame", column: str, number: str | None = None
) -> "DataFrame":
    """Return rows of both frames under one key: what is of the other one is null.

    Args:
        users: One frame, or None.
        events: The other.
        column: The column of user ids.
        number: A column for a number made of what a row holds; None: none.
    """
    from pyspark.sql import functions as f

    def keyed(frame: "DataFrame", name: str) -> "DataFrame":
        numbers = [] if number is None else [row_hash(frame).alias(number)]
        return frame.select(f.col(quoted(column)).alias(KEY), *numbers, f.struct("*").alias(name))

    log = keyed(events, "event")
    return log if users is None else log.unionByName(keyed(users, "user"), allowMissingColumns=True)


def quoted(name: str) -> str:
    """Return a name as Spark's SQL writes it."""
    return "`" + name.replace("`", "``") + "`"


def row_hash(frame: "DataFrame") -> "Column":
    """Return a number made of all that a row holds, maps left out, which have no order."""
    from pyspark.sql import functions as f

    names = [name for name, kind in frame.dtypes if "map<" not in kind and kind != "variant"]
    return f.xxhash64(*(f.col(quoted(name)) for name in names))


def _part(
    task: ProfileTask, schema: pa.Schema, batches: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Run in a worker: all rows of the users of one part."""
    held = list(batches)
    rows = pa.Table.from_batches(held) if held else None
    if rows is None or not rows.num_rows:
        return
    found: Mapping[str, pa.Table | None] = {
        name: side_of(rows, name) if name in rows.column_names else None
        for name in ("user", "event")
    }
    events = found["event"]
    assert events is not None
    made = task.profiles(found["user"], events)
    yield from made.cast(schema).to_batches()


def side_of(rows: pa.Table, side: str) -> pa.Table:
    """Return the rows that `joint_rows` took from one of the frames."""
    there = rows.filter(rows[side].is_valid())[side].combine_chunks()
    if isinstance(there, pa.ChunkedArray):
        there = there.chunk(0) if there.num_chunks else pa.array([], there.type)
    names = [field.name for field in there.type]
    return pa.Table.from_arrays(there.flatten(), names=names)
