"""Jobs of a fit on Spark: groups of users fitted or weighed, and sums over all of them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from suitably.engines.everybody import SumTask
from suitably.engines.group_task import GroupTask, Outcome
from suitably.engines.spark_profiles import KEY, side_of
from suitably.engines.user_blocks import user_blocks
from suitably.utils.parallel import at_most

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["GROUP_ROWS", "group_outcomes", "part_sums"]

GROUP_ROWS = 1_000_000
"""Of users and events that a worker takes in at a time."""


def group_outcomes(
    ordered: "DataFrame", task: GroupTask, what: Literal["fit", "weigh"]
) -> list[tuple[int, Outcome]]:
    """Run a task for all groups of users; return what became of each, and of which partition.

    Args:
        ordered: Joint rows, in each partition in the order of users, of whom all rows are in one.
        task: What to do.
        what: Its method.
    """

    def part(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from _groups(task, what, batches)

    found = ordered.mapInArrow(part, "part int, block int, outcome string").toArrow()
    found = found.sort_by([("part", "ascending"), ("block", "ascending")])
    texts = found["outcome"].to_pylist()
    outcomes = [Outcome.from_json(text) for text in texts]
    return list(zip(found["part"].to_pylist(), outcomes, strict=True))


def part_sums(session: Any, task: SumTask) -> list[str]:
    """Add up all parts on the workers; return where the sums of each are, in their order."""

    def part(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        with at_most(_cores()):
            for batch in batches:
                for place in batch["id"].to_pylist():
                    yield pa.record_batch({"id": [place], "path": [task.sums(place)]})

    count = len(task.parts)
    frame = session.range(0, count, 1, count)
    found = frame.mapInArrow(part, "id long, path string").toArrow().sort_by("id")
    paths: list[str] = found["path"].to_pylist()
    return paths


def _groups(
    task: GroupTask, what: Literal["fit", "weigh"], batches: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Run in a worker: the users of one partition, in the order of their ids."""
    from pyspark import TaskContext

    context = TaskContext.get()
    part = 0 if context is None else context.partitionId()
    task.prepare()  # first, since only libraries that are loaded can be limited
    with at_most(_cores()):
        for number, rows in enumerate(user_blocks(batches, KEY, GROUP_ROWS)):
            users = side_of(rows, "user") if "user" in rows.column_names else None
            call = task.fit if what == "fit" else task.weigh
            outcome = call(users, side_of(rows, "event"))
            line = [[part], [number], [outcome.to_json()]]
            kinds = (pa.int32(), pa.int32(), pa.string())
            arrays = [pa.array(one, kind) for one, kind in zip(line, kinds, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, ["part", "block", "outcome"])


def _cores() -> int:
    from pyspark import TaskContext

    context = TaskContext.get()
    return 1 if context is None else int(context.cpus())
