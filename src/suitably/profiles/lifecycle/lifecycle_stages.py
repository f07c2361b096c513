"""The stage of a customer on any day, from the days on which they acquired something.

A stage changes on few days only: when something is acquired, and when an acquisition leaves the
window, the window before, or makes a silence long enough. So the day on which the present stage
began is found among these, going back from today until another stage was.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["STAGES", "AcquisitionDays", "StageRules", "present_stages"]

STAGES = ("newcomer", "growth", "mature", "decline", "lapsed")
_NEWCOMER, _GROWTH, _MATURE, _DECLINE, _LAPSED = range(5)
_ROWS = 1 << 20  # days of acquisition looked at in one go, which bounds the memory

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class StageRules:
    """The limits of `Lifecycle`, under the names that they have there."""

    newcomer_days: int
    window_days: int
    growth: float
    decline: float
    lapsed_days: int

    @property
    def spans(self) -> tuple[int, ...]:
        """After how many days an acquisition may change the stage."""
        return 0, self.window_days, 2 * self.window_days, self.lapsed_days


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

    def until(self, users: Ints, days: Ints) -> Ints:
        """Return how many rows there are up to a day of a user, those of users before included."""
        low, width, keys = self._keys
        return np.searchsorted(keys, users * width + np.clip(days - low + 1, 0, width - 1), "right")

    def stages(self, rules: StageRules, users: Ints, days: Ints) -> NDArray[np.int8]:
        """Return the stages of users on days as positions in `STAGES`, −1 before the first one."""
        end = self.until(users, days)
        middle = self.until(users, days - rules.window_days)
        recent = end - middle
        before = middle - self.until(users, days - 2 * rules.window_days)
        starts = self.starts[users]
        stages = np.full(len(users), _MATURE, np.int8)
        stages[(recent >= 2) & (recent >= rules.growth * before)] = _GROWTH
        stages[(recent == 0) | ((before > 0) & (recent <= rules.decline * before))] = _DECLINE
        stages[days - self.days[starts] < rules.newcomer_days] = _NEWCOMER
        stages[days - self.days[np.maximum(end - 1, 0)] >= rules.lapsed_days] = _LAPSED
        stages[end == starts] = -1
        return stages

    @cached_property
    def _keys(self) -> tuple[int, int, Ints]:
        low = int(self.days.min())
        width = int(self.days.max()) - low + 3
        users = np.repeat(np.arange(len(self)), np.diff(self.starts))
        return low, width, users * width + (self.days - low + 1)


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
        users = np.arange(len(block))
        mine = slice(first, first + len(block))
        stages[mine] = block.stages(rules, users, np.full(len(block), today))
        since[mine] = _began(rules, block, today, stages[mine])
    return stages, since


def _began(
    rules: StageRules, history: AcquisitionDays, today: int, present: NDArray[np.int8]
) -> Ints:
    """Look back from today, four times as far for those whose stage has lasted longer."""
    since = np.zeros(len(history), np.int64)
    open_users, back = np.arange(len(history)), rules.lapsed_days
    while len(open_users):
        users, days = _change_points(rules, history, open_users, today - back, today)
        other = history.stages(rules, users, days) != present[users]
        first = np.searchsorted(users, open_users)
        last = np.maximum.reduceat(np.where(other, np.arange(len(users)), -1), first)
        found = last >= 0  # before the first acquisition there is no stage, so an end of it
        since[open_users[found]] = days[last[found] + 1]
        open_users, back = open_users[~found], 4 * back
    return since


def _change_points(
    rules: StageRules, history: AcquisitionDays, asked: Ints, floor: int, today: int
) -> tuple[Ints, Ints]:
    """Return the days after `floor` on which stages may change, and `floor`: by user and day."""
    begin = history.until(asked, np.full(len(asked), floor - max(rules.spans)))
    counts = history.starts[asked + 1] - begin
    rows = np.arange(counts.sum()) + np.repeat(begin - (np.cumsum(counts) - counts), counts)
    owners, acquired = np.repeat(asked, counts), history.days[rows]
    settled = history.days[history.starts[asked]] + rules.newcomer_days
    users = np.concatenate([asked, asked, *[owners for _ in rules.spans]])
    days = np.concatenate(
        [np.full(len(asked), floor), settled, *[acquired + span for span in rules.spans]]
    )
    inside = (days >= floor) & (days <= today)
    users, days = users[inside], days[inside]
    order = np.argsort(users * (today - floor + 1) + (days - floor), kind="stable")
    return users[order], days[order]
