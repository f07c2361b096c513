"""Cohorts: users by when they first acquired something, and how many of them come back when."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data import Dataset
from suitably.data.clock import MICROSECOND
from suitably.data.frames import write_frame
from suitably.errors import DataError
from suitably.profiles.currency import check_rate_table, in_one_currency
from suitably.profiles.exact_sums import ExactSums
from suitably.profiles.trades import local_days
from suitably.typing import AsOf
from suitably.utils.runs import run_starts
from suitably.utils.stable_order import stable_order

__all__ = ["cohorts"]

Numbers = NDArray[np.int64]
_MONDAY = 3  # 1970-01-01 was a Thursday


def cohorts(
    data: Dataset,
    as_of: AsOf | None = None,
    by: str = "month",
    *,
    events: Sequence[str] | None = None,
    active_events: Sequence[str] | None = None,
    rates: Mapping[str, float] | None = None,
) -> Any:
    """Return how many users of each cohort are active in each period since they joined it.

    A user joins the cohort of the calendar period of the first event, in the data's zone, and is
    active in a period that has an event. Period 0 is the cohort's own. There is a row for every
    period up to the one that `as_of` ends, also where nobody was active. That last one has often
    not ended yet: its `complete` is false, and what it says must not be compared with the others.

    Args:
        data: The data, which must have timestamps.
        as_of: Events strictly before it count; None: all.
        by: `"week"` (from Monday), `"month"`, `"quarter"` or `"year"`.
        events: Kinds of event by which a user joins; None: those that mean ownership.
        active_events: Kinds by which a user is active; None: the same.
        rates: What one unit of each currency is worth in the frame's; None: all amounts are in one.

    Returns:
        As the caller's kind of frame, in order of cohort and period: `cohort`, the first day of its
        period; `period`, how many periods later; `users`, how many of the cohort were active;
        `share` of its size; `size`, how many joined it; `revenue`, the sum of the values of what
        they were active by, exact to the billionth, where the data has values; `complete`, whether
        the period has ended by `as_of`.

    Raises:
        ValueError: `by` is none of these, kinds are no list, or rates no numbers above 0.
        DataError: Data without timestamps, a kind that no event has, no calendar that days could be
            counted in, or amounts in several currencies without rates.

    Example:
        >>> import pandas as pd
        >>> log = pd.DataFrame({
        ...     "user_id": [1, 1, 2, 3], "product_id": ["a", "b", "a", "a"],
        ...     "timestamp": ["2024-01-05", "2024-02-10", "2024-01-20", "2024-02-01"],
        ...     "value": [10.0, 5.0, 1.0, 2.0]})
        >>> cohorts(Dataset(None, None, log), "2024-02-15").drop(columns="size")
               cohort  period  users  share  revenue  complete
        0  2024-01-01       0      2    1.0     11.0      True
        1  2024-01-01       1      1    0.5      5.0     False
        2  2024-02-01       0      1    1.0      2.0     False
    """
    if not isinstance(by, str) or by not in _PERIODS:
        known = ", ".join(map(repr, _PERIODS))
        raise ValueError(f"by={by!r:.50}: must be one of {known}")
    check_rate_table("cohorts", rates)
    number, first_day = _PERIODS[by]
    view = data.view(as_of)
    joining = view.counted(None if events is None else _kinds("events", events))
    active = joining
    if active_events is not None:
        active = view.events.of(_kinds("active_events", active_events))
    if joining.times is None or active.times is None or view.as_of is None:
        raise DataError("cohorts: the interactions have no timestamps, so nothing has a period")
    clock, where = view.clock, "cohorts"
    now = np.array([view.as_of - MICROSECOND, view.as_of])
    current, next_one = number(local_days(now, clock, where)).tolist()
    joined = np.full(len(view.users), np.iinfo(np.int64).max)
    np.minimum.at(joined, joining.users, number(local_days(joining.times, clock, where)))
    came = number(local_days(active.times, clock, where)) - joined[active.users]
    counted = came >= 0  # what was before, and who never joined, are in no cohort
    named, sizes = np.unique(joined[joined <= current], return_counts=True)
    lengths = current - named + 1
    starts = np.cumsum(lengths) - lengths
    rows = int(lengths.sum())
    users = active.users[counted]
    cells = starts[np.searchsorted(named, joined[users])] + came[counted]
    order = stable_order(users.astype(np.int64) * rows + cells)
    once = order[run_starts(users[order], cells[order])]
    size = np.repeat(sizes, lengths)
    cohort = np.repeat(named, lengths)
    period = np.arange(rows) - np.repeat(starts, lengths)
    found = np.bincount(cells[once], minlength=rows)
    columns = {
        "cohort": pa.array(first_day(cohort), pa.date32()),
        "period": pa.array(period, pa.int64()),
        "users": pa.array(found, pa.int64()),
        "share": pa.array(found / size, pa.float64()),
        "size": pa.array(size, pa.int64()),
    }
    if active.values is not None:
        money = np.nan_to_num(in_one_currency(active, rates)[0], nan=0.0)
        columns["revenue"] = pa.array(ExactSums.of(cells, money[counted], rows).floats())
    columns["complete"] = pa.array((cohort + period < next_one).tolist(), pa.bool_())
    return write_frame(pa.table(columns), data.kind)


def _kinds(name: str, kinds: Any) -> tuple[str, ...]:
    listed = isinstance(kinds, Sequence) and not isinstance(kinds, str) and len(kinds) > 0
    if not listed or not all(isinstance(kind, str) for kind in kinds):
        raise ValueError(f"{name}={kinds!r:.50}: must be a list of kinds of event, or None")
    return tuple(kinds)


def _months(width: int) -> tuple[Callable[[Any], Numbers], Callable[[Numbers], Any]]:
    """Return how days are numbered by so many months, and the first day of a number."""

    def number(days: Any) -> Numbers:
        found: Numbers = days.astype("datetime64[M]").astype(np.int64) // width
        return found

    return number, lambda numbers: (numbers * width).astype("datetime64[M]").astype("datetime64[D]")


_PERIODS: dict[str, tuple[Callable[[Any], Numbers], Callable[[Numbers], Any]]] = {
    "week": (
        lambda days: (days.astype(np.int64) + _MONDAY) // 7,
        lambda numbers: (numbers * 7 - _MONDAY).astype("datetime64[D]"),
    ),
    "month": _months(1),
    "quarter": _months(3),
    "year": _months(12),
}
