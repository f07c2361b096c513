"""Cuts in time and the windows after them: one, or a row of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from suitably.data.dataset import Dataset
from suitably.data.splits import Split
from suitably.errors import DataError
from suitably.evaluation.splits.windows import LAST, check_days, cut_of, window_after

__all__ = ["RollingSplit", "TimeSplit"]


@dataclass(frozen=True)
class TimeSplit:
    """One cut in time and the window after it.

    Relevant is what a user acquired (`Dataset.owned_events`) in `[at, at + horizon)`, if the
    product was in the catalogue as of the cut (without a products frame: always), and the user did
    not own it by then or it is `repeatable`. A disposal or a rejection is never relevant. Nothing
    at or after the cut reaches a pipeline, nor decides who is judged but by what they acquired.

    Attributes:
        at: The cut: a date, datetime, timestamp or ISO 8601 text, with or without a time zone as
            the data is; a bare date is the first instant of that day in the data's time zone.
        horizon_days: Length of the window in days of 24 hours.
        gap_days: Days between the cut and the window, of which nothing is seen: as long as it
            takes to train and roll out.

    Raises:
        ValueError: A length that is no whole number of days, or a window without length.

    Example:
        >>> import pandas as pd
        >>> data = Dataset(None, None, pd.DataFrame({
        ...     "user_id": [1, 1, 2], "product_id": ["a", "b", "a"],
        ...     "timestamp": ["2020-12-01", "2021-01-01", "2021-08-01"]}))
        >>> split = TimeSplit(at="2021-01-01", horizon_days=180).on(data)
        >>> split.relevant
           user_id product_id
        0        1          b
        >>> split.end
        Timestamp('2021-06-30 00:00:00')
    """

    at: Any
    horizon_days: int
    gap_days: int = 0

    def __post_init__(self) -> None:
        """Refuse a window without length."""
        check_days(self, "horizon_days")
        check_days(self, "gap_days", least=0)

    def on(self, data: Dataset) -> Split:
        """Cut the data.

        Returns:
            The split; `relevant` is of the data's kind of frame, in the order of users and then
            of the catalogue, and without rows where nobody acquired anything.

        Raises:
            DataError: Data without timestamps, or a cut whose time-zone awareness is not theirs.
        """
        return window_after(data, self.at, self.gap_days, self.horizon_days)


@dataclass(frozen=True)
class RollingSplit:
    """Several cuts, each so many days after the one before, with a window after each.

    Windows overlap where they are longer than the way from cut to cut: the same customers do then
    much the same, and `ABTest` widens its intervals for it.

    Attributes:
        first: The first cut, as for `TimeSplit`.
        every_days: Days of 24 hours from cut to cut.
        count: How many cuts.
        horizon_days: Length of each window.
        gap_days: Days between each cut and its window.

    Raises:
        ValueError: A number that is no whole number of 1 or more.

    Example:
        >>> import pandas as pd
        >>> days = pd.date_range("2021-01-01", periods=120)
        >>> log = pd.DataFrame({"user_id": 1, "product_id": range(120), "timestamp": days})
        >>> splits = RollingSplit("2021-01-10", 30, count=2, horizon_days=60).on(
        ...     Dataset(None, None, log))
        >>> [str(split.at.date()) for split in splits], [len(split.relevant) for split in splits]
        (['2021-01-10', '2021-02-09'], [60, 60])
    """

    first: Any
    every_days: int
    count: int
    horizon_days: int
    gap_days: int = 0

    def __post_init__(self) -> None:
        """Refuse windows without length."""
        for name in ("every_days", "count", "horizon_days"):
            check_days(self, name)
        check_days(self, "gap_days", least=0)

    def on(self, data: Dataset) -> list[Split]:
        """Cut the data at every cut.

        Raises:
            DataError: As `TimeSplit.on`.
        """
        start = cut_of(data, self.first, "first")
        step = np.timedelta64(int(self.every_days), "D")
        cuts = [start + step * number for number in range(int(self.count))]
        if cuts[-1] > LAST:
            raise DataError(f"count={self.count}: the last cut lies after the year 9999")
        return [
            window_after(data, data.clock.stamp(cut), self.gap_days, self.horizon_days)
            for cut in cuts
        ]
