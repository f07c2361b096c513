"""A pipeline fitted group of users by group in this process, as workers do it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

import suitably as st
from suitably.engines.everybody import SumTask, Teacher, summed_weightings
from suitably.engines.group_task import GroupTask, Outcome, part_of_data
from suitably.engines.guests import Guests
from suitably.model.groups import without_anybody
from suitably.model.model import Model
from suitably.persistence.components import component_classes
from suitably.persistence.groups import Base, join_groups
from suitably.persistence.model import save_model

__all__ = ["fit_groups", "in_order", "task_of", "taught"]


def in_order(table: pa.Table) -> pa.Table:
    return table.sort_by("user_id")


def task_of(
    pipeline: st.Pipeline,
    frames: Sequence[pa.Table | None],
    as_of: Any,
    folder: Path,
    learned: Sequence[Any] | None = None,
    on_error: Any = "raise",
    **options: Any,
) -> GroupTask:
    """Learn from some users, None: all, and return what fits the others."""
    return learned_of(pipeline, frames, as_of, folder, learned, on_error, **options)[0]


def learned_of(
    pipeline: st.Pipeline,
    frames: Sequence[pa.Table | None],
    as_of: Any,
    folder: Path,
    learned: Sequence[Any] | None = None,
    on_error: Any = "raise",
    **options: Any,
) -> tuple[GroupTask, Model]:
    """Return also the model of those learned from, whom it still has."""
    users, products, log = frames
    first: dict[Any, int] = {}
    kinds = log["event"].to_pylist() if "event" in log.column_names else [None] * len(log)
    order = range(len(log))
    if "timestamp" in log.column_names:
        order = pc.sort_indices(log["timestamp"]).to_pylist()
    for row in order:
        first.setdefault(kinds[row], row)
        if products is None:
            first.setdefault(("product", log["product_id"][row].as_py()), row)
    events = log.take(sorted(set(first.values())))
    rows = None if users is None else _of(users, events["user_id"].unique())
    guests = Guests(rows, events, "user_id")
    if learned is not None:
        ids = pa.array([*learned, *events["user_id"].to_pylist()], log["user_id"].type)
        log = _of(log, ids)
        users = None if users is None else _of(users, ids)
    people = None if users is None else in_order(users)
    data = part_of_data(people, products, in_order(log), options)
    model = pipeline.clone().fit(data, as_of)._fitted()
    parts = (*model.state.builders, *model.rankers, *model.rerankers)
    trusted = tuple({cls: None for part in parts for cls in component_classes(part)})
    save_model(without_anybody(model), folder / "base")
    kwargs = {"on_error": on_error, "options": options, "trusted": trusted}
    task = GroupTask(
        folder / "base", folder / "groups", products, guests, as_of, **kwargs,
        consent=pipeline.consent,
    )  # fmt: skip
    return task, model


def taught(
    pipeline: st.Pipeline,
    frames: Sequence[pa.Table | None],
    as_of: Any,
    folder: Path,
    learned: Sequence[Any],
    size: int,
    **options: Any,
) -> tuple[GroupTask, tuple[str, ...]]:
    """Learn from some users, then of products from everybody, so many at a time, in two parts."""
    task, model = learned_of(pipeline, frames, as_of, folder, learned, **options)
    weightings = summed_weightings(without_anybody(model))
    weighing = replace(task, weightings=weightings)
    groups = [Path(one.path or one.error) for one in _in_groups(weighing.weigh, frames, size)]
    half = -(-len(groups) // 2)
    parts = [groups[:half], groups[half:]] if len(groups) > 1 else [groups]

    def run(step: SumTask) -> list[str]:
        return [step.sums(part) for part in range(len(parts))]

    teach = Teacher(parts, weightings, folder / "sums", task.trusted, run)
    nobody, alone = teach(model)
    save_model(nobody, folder / "learned")
    return replace(task, base=folder / "learned"), alone


def fit_groups(
    task: GroupTask, frames: Sequence[pa.Table | None], size: int, path: Path
) -> list[Outcome]:
    """Fit all users, so many at a time, and join what was made of them."""
    outcomes = _in_groups(task.fit, frames, size)
    if all(one.path for one in outcomes):
        base = Base(task.base, task.trusted)
        join_groups(base, [Path(one.path or "") for one in outcomes], path)
    return outcomes


def _in_groups(
    call: Callable[..., Outcome], frames: Sequence[pa.Table | None], size: int
) -> list[Outcome]:
    users, _, log = frames
    ids = log["user_id"] if users is None else users["user_id"]
    everybody = (
        ids.unique().sort() if isinstance(ids, pa.Array) else ids.combine_chunks().unique().sort()
    )
    outcomes = []
    for start in range(0, len(everybody), size):
        some = everybody.slice(start, size)
        outcomes.append(call(None if users is None else _of(users, some), _of(log, some)))
    return outcomes


def _of(table: pa.Table, users: pa.Array) -> pa.Table:
    return table.filter(pc.is_in(table["user_id"], value_set=users.cast(table["user_id"].type)))
