"""Stages of a funnel: which kinds of event each is reached by, and when users reached it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.data import View
from suitably.data.clock import Instants
from suitably.data.events import Events

__all__ = ["Stages", "reached", "read_stages", "stage_codes", "without_refunds"]

Stages = Mapping[str, str | Sequence[str]] | Sequence[str]
"""Names of stages in order, with the kinds of event; or kinds of event, each a stage."""


def read_stages(stages: Any, said: str) -> dict[str, tuple[str, ...]]:
    """Return the kinds of event of each stage, by its name and in order.

    Args:
        stages: As the caller gives them.
        said: What to call them in messages.

    Raises:
        ValueError: No stages, a stage without kinds, or a kind or name that is there twice.
    """
    if isinstance(stages, Mapping):
        named = list(stages.items())
    elif isinstance(stages, Sequence) and not isinstance(stages, str):
        named = [(kind, kind) for kind in stages]
    else:
        named = []
    if not named:
        raise ValueError(
            f"{said}: must name the stages in order, each with its kinds of event, as in "
            f'{{"seen": ["view"], "bought": ["buy"]}}'
        )
    read: dict[str, tuple[str, ...]] = {}
    used: set[str] = set()
    for name, given in named:
        kinds = (given,) if isinstance(given, str) else given
        listed = isinstance(kinds, Sequence) and kinds and all(isinstance(k, str) for k in kinds)
        if not isinstance(name, str) or not listed:
            raise ValueError(f"{said}: stage {name!r:.50} has no list of kinds of event")
        twice = sorted({kind for kind in kinds if kind in used or kinds.count(kind) > 1})
        if name in read or twice:
            raise ValueError(f"{said}: {', '.join(twice) or name} is there twice")
        read[name] = tuple(kinds)
        used |= set(kinds)
    return read


def stage_codes(events: Events, stages: Mapping[str, Sequence[str]]) -> NDArray[np.int8]:
    """Return by which stage's kinds each event is: int8 (events,), −1 for none."""
    places = {kind: place for place, kinds in enumerate(stages.values()) for kind in kinds}
    by_kind = np.array([places.get(kind, -1) for kind in events.kind_names] + [-1], np.int8)
    return by_kind[np.full(len(events), -1) if events.kinds is None else events.kinds]


def without_refunds(view: View) -> Events:
    """Return the visible events less acquisitions of amounts below 0, which reach no stage."""
    events, kinds = view.events, view.kinds
    if events.values is None:
        return events
    if kinds.owned is None:
        acquired = ~events.among((*kinds.disposed, *kinds.rejected, *kinds.other))
    else:
        acquired = events.among(kinds.owned)
    refunds = acquired & (events.values < 0)
    return events.take(~refunds) if refunds.any() else events


def reached(
    users: NDArray[np.int32],
    codes: NDArray[np.int8],
    times: Instants,
    count: int,
    stages: int,
) -> Instants:
    """Return when each user reached each stage, having reached all stages before it.

    A stage is reached by the first of its events that is not before the moment at which the stage
    before was reached; an event at that very moment will do.

    Args:
        users: int32 (n,), whose each event is.
        codes: int8 (n,), its stage, −1 for none.
        times: datetime64[us] (n,), ascending among the events of a user's stage.
        count: How many users there are.
        stages: How many stages there are.

    Returns:
        datetime64[us] (stages, users), NaT where a stage was not reached.

    Example:
        >>> times = np.array(["2024-01-01", "2024-01-02", "2024-01-03"], "M8[us]")
        >>> users, codes = np.zeros(3, np.int32), np.array([1, 0, 1], np.int8)
        >>> reached(users, codes, times, 1, 2).astype("M8[D]").tolist()
        [[datetime.date(2024, 1, 2)], [datetime.date(2024, 1, 3)]]
    """
    found = np.full((stages, count), np.datetime64("NaT", "us"), "datetime64[us]")
    for stage in range(stages):
        rows = np.flatnonzero(codes == stage)
        if stage:
            rows = rows[times[rows] >= found[stage - 1, users[rows]]]  # never where it is NaT
        found[stage, users[rows[::-1]]] = times[rows[::-1]]  # the first is written last
    return found
