"""Stages of a customer's life with the house, and since when the present one has lasted."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from suitably.data import Dataset, View
from suitably.data.clock import Instant
from suitably.errors import DataError
from suitably.profiles.base import ParameterizedBuilder
from suitably.profiles.grouped_sums import GroupedSums
from suitably.profiles.kept_clock import clock_of, kept_clock
from suitably.profiles.later_events import refuse_later_events
from suitably.profiles.lifecycle.lifecycle_stages import (
    STAGES,
    AcquisitionDays,
    StageRules,
    present_stages,
)
from suitably.profiles.provenance import FieldInfo
from suitably.profiles.trades import local_days
from suitably.utils.params import (
    check_fraction,
    check_no_text,
    check_positive,
    check_positive_int,
    shown,
)
from suitably.utils.runs import run_starts

__all__ = ["Lifecycle"]


@dataclass(eq=False, repr=False)
class Lifecycle(ParameterizedBuilder):
    """Tell newcomers from customers who grow, stay, decline or have lapsed.

    What counts are the days of the data's calendar on which something was acquired; several
    acquisitions of a day are one, and a refund, which is an amount below 0, is none. The stage on a
    day follows from the days up to it, by the first of these that holds:

    1. `lapsed`: the last of them is `lapsed_days` ago or longer.
    2. `newcomer`: the first of them is less than `newcomer_days` ago.
    3. `decline`: of the last `window_days`, today included, there are none, or at most `decline`
       times as many as of the `window_days` before, if there were any.
    4. `growth`: of the last `window_days` there are two at least, and at least `growth` times as
       many as of those before.
    5. `mature`: all others.

    So everybody who has acquired something is in one stage and no other. Who comes back after a
    lapse is not a newcomer again.

    Args:
        newcomer_days: How long a customer is new.
        window_days: How many days are compared with as many before them.
        growth: From which ratio on a customer grows, above 1.
        decline: Up to which ratio a customer declines, from 0 to below 1.
        lapsed_days: After how many days of silence a customer has lapsed; no shorter than the
            others.
        events: Kinds of event that count; None: those that mean ownership.

    Fields:
        lifecycle_stage: The stage; null for whoever has acquired nothing.
        stage_since: The day of the data's calendar on which the present stage began; null likewise.

    Example:
        >>> import pandas as pd
        >>> from suitably.data import Dataset
        >>> days = ["2024-05-20", "2023-01-10", "2024-02-01", "2024-05-01", "2022-01-01"]
        >>> log = pd.DataFrame(
        ...     {"user_id": [1, 2, 2, 2, 3], "product_id": list("aabaa"), "timestamp": days})
        >>> data = Dataset(pd.DataFrame({"user_id": [1, 2, 3]}), None, log)
        >>> Lifecycle().fit(data, "2024-06-01").transform(data)
           user_id lifecycle_stage stage_since
        0        1        newcomer  2024-05-20
        1        2          growth  2024-05-01
        2        3          lapsed  2023-01-01
    """

    newcomer_days: int = 90
    window_days: int = 180
    growth: float = 1.5
    decline: float = 0.5
    lapsed_days: int = 365
    events: list[str] | tuple[str, ...] | None = None

    reads: ClassVar[tuple[str, ...]] = ()
    state_type: ClassVar[type[GroupedSums]] = GroupedSums

    @property
    def described(self) -> dict[str, FieldInfo]:
        """What it says of each field."""
        sources = ("interactions.timestamp", "interactions.value")
        until = f"{self.lapsed_days} days of silence"
        names = ("lifecycle_stage", "stage_since")
        return {name: FieldInfo("derived", "", sources, until) for name in names}

    def accumulate(self, view: View) -> GroupedSums:
        """Keep the days on which each user acquired something.

        Raises:
            DataError: No timestamps, no calendar, or a kind of event that the data does not have.
            ValueError: A parameter out of range.
        """
        self.check_params()
        chosen = view.counted(self.events)
        users, times = chosen.users, chosen.times
        if chosen.values is not None:  # the sign alone is read, so that no currency matters
            gained = ~(chosen.values < 0)
            users, times = users[gained], None if times is None else times[gained]
        name = type(self).__name__
        if times is None and len(users):
            raise DataError(f"{name}: the interactions have no timestamps, so no stage is known")
        days = np.zeros(0, np.int32)
        if times is not None:
            days = local_days(times, view.clock, name).astype(np.int64).astype(np.int32)
        keys = {"users": users, "days": days}
        beside = {"clock": kept_clock(view.clock)}
        return GroupedSums.of(len(view.users), keys, {}, beside=beside)

    def merge(self, a: GroupedSums, b: GroupedSums) -> GroupedSums:
        """Join the days of two states.

        Raises:
            DataError: `b` knows fewer users than `a`, so it cannot be the later one.
        """
        return a.plus(b)

    def finalise(self, state: GroupedSums, as_of: Instant | None) -> pa.Table:
        """Return stage and day as of a moment.

        Raises:
            DataError: `as_of` is before what the state holds.
        """
        days = state.keys["days"]
        stages = np.full(len(state), -1, np.int8)
        since = np.full(len(state), np.datetime64("NaT", "D"))
        if as_of is not None and len(days):
            wall = clock_of(state.beside["clock"]).wall(as_of)
            today = int(wall.astype("datetime64[D]").astype(np.int64))
            refuse_later_events(days > today, as_of)
            first = run_starts(state.users)
            known = state.users[first]
            history = AcquisitionDays(days.astype(np.int64), np.append(first, len(days)))
            stages[known], began = present_stages(self._rules, history, today)
            since[known] = began.astype("datetime64[D]")
        names = pa.array(STAGES, pa.string())
        return pa.table(
            {
                "lifecycle_stage": names.take(pa.array(stages, mask=stages < 0)),
                "stage_since": pa.array(since, pa.date32()),
            }
        )

    def check_params(self) -> None:
        """Refuse spans that are not whole days, ratios out of range, `events` that is no list."""
        check_no_text(self, "events")
        check_positive_int(self, "newcomer_days", "window_days", "lapsed_days")
        check_positive(self, "growth")
        check_fraction(self, "decline", one=False)
        if self.growth <= 1:
            raise ValueError(f"{shown(self, 'growth')}: must be above 1")
        for name in ("newcomer_days", "window_days"):
            if getattr(self, name) > self.lapsed_days:
                raise ValueError(
                    f"{shown(self, name)}: must be at most lapsed_days, {self.lapsed_days}"
                )

    @property
    def _rules(self) -> StageRules:
        return StageRules(
            self.newcomer_days, self.window_days, self.growth, self.decline, self.lapsed_days
        )

    def _learn(self, data: Dataset, as_of: Any) -> None:
        if self.events is not None:
            data.events.of(tuple(self.events))
        self.accumulate(data.view(as_of))
