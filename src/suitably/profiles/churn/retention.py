"""Retention curves: for how long customers who came in one period stay."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data import Dataset
from suitably.data.clock import elapsed_days
from suitably.data.frames import write_frame
from suitably.errors import DataError
from suitably.profiles.churn.survival import kaplan_meier
from suitably.profiles.trades import local_days
from suitably.typing import AsOf
from suitably.utils.runs import run_starts

__all__ = ["retention"]

_PERIODS = {"month": "M", "quarter": "M", "year": "Y"}
_FLOATS = ("days", "retained", "low", "high")
_COUNTS = ("at_risk", "lost")


def retention(
    data: Dataset,
    as_of: AsOf | None = None,
    by: str = "month",
    silent_days: float = 180,
    confidence: float = 0.95,
) -> Any:
    """Return Kaplan-Meier curves of staying, one for each period in which customers first came.

    A customer comes with the first acquisition and is lost once `silent_days` have passed without
    another one, at that moment; who returns later was lost all the same. Who is not lost by `as_of`
    is watched until then. So a loss is known when it happens, and curves as of an earlier moment
    are those of the log cut there.

    Args:
        data: The data.
        as_of: The moment; default: just after the latest timestamp.
        by: `"month"`, `"quarter"` or `"year"`, in the data's calendar.
        silent_days: Days of silence that make a loss.
        confidence: Of the intervals.

    Returns:
        A frame of the caller's kind: `cohort` (2024-01, 2024-Q1 or 2024), `days` since the first
        acquisition, `at_risk` just before, `lost` then, `retained` from then on, a share, with
        `low` and `high`, null once nobody is left. The first row of a cohort is day 0.

    Raises:
        DataError: There are no timestamps, or no calendar is known.
        ValueError: `by`, `silent_days` or `confidence` is none of these.

    Example:
        >>> import pandas as pd
        >>> from suitably.data import Dataset
        >>> log = pd.DataFrame({"user_id": [1, 1, 2, 3], "product_id": "a",
        ...                     "timestamp": ["2024-01-05", "2024-03-05", "2024-01-09",
        ...                                   "2024-02-01"]})
        >>> retention(Dataset(None, None, log), "2024-06-01", silent_days=90).iloc[:, :5]
            cohort   days  at_risk  lost  retained
        0  2024-01    0.0        2     0       1.0
        1  2024-01   90.0        2     1       0.5
        2  2024-02    0.0        1     0       1.0
        3  2024-02   90.0        1     1       0.0
    """
    if by not in _PERIODS:
        raise ValueError(f"retention(by={by!r}): must be one of {', '.join(_PERIODS)}")
    real = isinstance(silent_days, int | float | np.number) and not isinstance(silent_days, bool)
    if not real or not 0 < silent_days < np.inf:
        raise ValueError(
            f"retention(silent_days={silent_days!r}): must be a number of days above 0"
        )
    if not 0 < confidence < 1:
        raise ValueError(f"retention(confidence={confidence!r}): must be between 0 and 1")
    view = data.view(as_of)
    bought = view.acquisitions
    if bought.times is None or view.as_of is None:
        raise DataError("retention: the interactions have no timestamps, so nobody has stayed")
    order = np.lexsort((bought.times, bought.users))
    users, times = bought.users[order], bought.times[order]
    first = run_starts(users)
    cohorts = _periods(local_days(times[first], view.clock, "retention"), by)
    durations, lost = _stays(users, elapsed_days(times, view.as_of), first, float(silent_days))
    columns: dict[str, list[Any]] = {name: [] for name in ("cohort", *_FLOATS, *_COUNTS)}
    for cohort in np.unique(cohorts):
        mine = cohorts == cohort
        curve = kaplan_meier(durations[mine], lost[mine], confidence)
        columns["cohort"].append(np.full(len(curve.times), cohort))
        columns["days"].append(curve.times)
        for name in ("at_risk", "lost", "retained", "low", "high"):
            columns[name].append(getattr(curve, name))
    return write_frame(_table(columns), data.kind)


def _stays(
    users: NDArray[np.int32], ago: NDArray[np.float64], first: NDArray[np.int64], silent: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return for how long each user was watched, and whether lost then.

    Args:
        users: (n,), ascending.
        ago: (n,), days from each acquisition to the moment, falling within a user.
        first: (users,), where each begins.
        silent: Days of silence that make a loss.
    """
    gaps = ago.copy()  # to the next acquisition, or to the moment
    same = users[1:] == users[:-1]
    gaps[:-1][same] -= ago[1:][same]
    ends = np.flatnonzero(gaps >= silent)
    losers, place = np.unique(users[ends], return_index=True)
    rows = np.searchsorted(users[first], losers)
    durations = ago[first].copy()
    durations[rows] = ago[first[rows]] - ago[ends[place]] + silent
    lost = np.zeros(len(first), bool)
    lost[rows] = True
    return durations, lost


def _periods(days: NDArray[np.datetime64], by: str) -> NDArray[np.str_]:
    periods = days.astype(f"datetime64[{_PERIODS[by]}]")
    if by != "quarter":
        return np.datetime_as_string(periods)
    years = periods.astype("datetime64[Y]")
    quarters = (periods - years.astype("datetime64[M]")).astype(np.int64) // 3 + 1
    return np.char.add(np.char.add(np.datetime_as_string(years), "-Q"), quarters.astype(np.str_))


def _table(columns: dict[str, list[Any]]) -> pa.Table:
    texts = [text for part in columns["cohort"] for text in part.tolist()]
    made = {"cohort": pa.array(texts, pa.string())}
    for name in ("days", "at_risk", "lost", "retained", "low", "high"):
        kind = np.float64 if name in _FLOATS else np.int64
        joined = np.concatenate([np.zeros(0, kind), *columns[name]]).astype(kind)
        made[name] = pa.array(joined, mask=np.isnan(joined) if kind is np.float64 else None)
    return pa.table(made)
