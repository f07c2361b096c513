"""The stage of a customer on any day, from the days on which they acquired something.

A stage changes on few days only: when something is acquired, and when an acquisition leaves the
window, the window before, or makes a silence long enough. These days in order, with what each of
them adds to four counts, tell every stage that ever was: one sort, and running sums.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["STAGES", "AcquisitionDays", "StageRules", "present_stages"]

STAGES = ("newcomer", "growth", "mature", "decline", "lapsed")
_NEWCOMER, _GROWTH, _MATURE, _DECLINE, _LAPSED = range(5)
_ROWS = 1 << 16  # days of acquisition looked at in one go, which bounds the memory
_ACQUIRED, _JOINED, _LEFT_WINDOW, _LEFT_BEFORE, _SILENT, _SETTLED = range(6)
_BITS = 3  # of a kind, below the place in a sorted number
_STEPS = {
    "recent": np.array([1, 1, -1, 0, 0, 0], np.int8),
    "before": np.array([0, 0, 1, -1, 0, 0], np.int8),
    "awake": np.array([1, 1, 0, 0, -1, 0], np.int8),
    "new": np.array([0, 1, 0, 0, 0, -1], np.int8),
}
"""What a change adds to the acquisitions of the window, of the window before, those that no long
silence has followed, and the first one of somebody new. For every user all add up to 0."""

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class StageRules:
    """The limits of `Lifecycle`, under the names that they have there."""

    newcomer_days: int
    window_days: int
    growth: float
    decline: float
    lapsed_days: int


@dataclass(frozen=True)
class AcquisitionDays:
    """The distinct days of some users, each of whom has one at least.

    Attributes:
        days: int64 (rows,), days since 1970, ascending for each user.
        starts: int64 (users + 1,), where those of each user begin, and where the last one's end.
    """

    days: Ints
    starts: Ints

    def __len__(self) -> int:
        return len(self.starts) - 1

    def blocks(self) -> Iterator[tuple[int, "AcquisitionDays"]]:
        """Yield users in blocks of about as many rows, each with the place of its first user."""
        cuts = np.searchsorted(self.starts, np.arange(0, len(self.days) + _ROWS, _ROWS))
        cuts = np.unique(np.minimum(cuts, len(self)))
        for low, high in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
            starts = self.starts[low : high + 1]
            yield low, AcquisitionDays(self.days[starts[0] : starts[-1]], starts - starts[0])


def present_stages(
    rules: StageRules, history: AcquisitionDays, today: int
) -> tuple[NDArray[np.int8], Ints]:
    """Return the stage of each user today, and the day on which it began.

    Args:
        rules: The limits.
        history: The days of every user, none after today.
        today: Days since 1970.

    Returns:
        Positions in `STAGES`, int8 (users,); and days since 1970, int64 (users,).
    """
    stages, since = np.zeros(len(history), np.int8), np.zeros(len(history), np.int64)
    for first, block in history.blocks():
        mine = slice(first, first + len(block))
        stages[mine], since[mine] = _present(rules, block, today)
    return stages, since


def _present(
    rules: StageRules, history: AcquisitionDays, today: int
) -> tuple[NDArray[np.int8], Ints]:
    low = int(history.days.min())
    width = today + 1 - low + 1  # what changes later stands on the day after today
    begins = width * np.arange(len(history))
    places, kinds = _changes(rules, history, today + 1, begins - low)
    last = np.flatnonzero(np.append(places[1:] != places[:-1], True))  # of each user and day
    sums = (np.cumsum(step.take(kinds), dtype=np.int32)[last] for step in _STEPS.values())
    stages = _stages(rules, *sums)
    places = places[last]
    other = np.append(True, stages[1:] != stages[:-1])
    other[np.searchsorted(places, begins)] = True
    now = np.searchsorted(places, begins + (today - low), "right") - 1
    began = np.maximum.accumulate(np.where(other, np.arange(len(other)), 0))[now]
    return stages[now], places[began] - begins + low


def _changes(
    rules: StageRules, history: AcquisitionDays, latest: int, offsets: Ints
) -> tuple[Ints, Ints]:
    """Return the days of changes, offset by user, and their kinds: in order of users and days."""
    acquired = np.full(len(history.days), _ACQUIRED)
    firsts = history.starts[:-1]
    acquired[firsts] = _JOINED
    every = np.repeat(offsets, np.diff(history.starts))
    spans = {
        _LEFT_WINDOW: rules.window_days,
        _LEFT_BEFORE: 2 * rules.window_days,
        _SILENT: rules.lapsed_days,
    }
    parts = [(history.days + every) << _BITS | acquired]
    for kind, span in spans.items():
        parts.append((np.minimum(history.days + span, latest) + every) << _BITS | kind)
    settled = np.minimum(history.days[firsts] + rules.newcomer_days, latest)
    parts.append((settled + offsets) << _BITS | _SETTLED)
    joint = np.sort(np.concatenate(parts))
    return joint >> _BITS, joint & (1 << _BITS) - 1


def _stages(
    rules: StageRules,
    recent: NDArray[np.int32],
    before: NDArray[np.int32],
    awake: NDArray[np.int32],
    new: NDArray[np.int32],
) -> NDArray[np.int8]:
    """Return positions in `STAGES`, from the counts that `_STEPS` describes."""
    stages = np.full(len(recent), _MATURE, np.int8)
    np.copyto(stages, _GROWTH, where=(recent >= 2) & (recent >= rules.growth * before))
    shrunk = (before > 0) & (recent <= rules.decline * before)
    np.copyto(stages, _DECLINE, where=(recent == 0) | shrunk)
    np.copyto(stages, _NEWCOMER, where=new > 0)
    np.copyto(stages, _LAPSED, where=awake == 0)
    return stages
