"""Splits in time: what was known, and what the users then did."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.dataset import Dataset
from suitably.data.frames import write_frame
from suitably.data.splits import Split
from suitably.data.view import View
from suitably.errors import DataError

__all__ = ["Splitter", "TimeSplit", "read_splits"]

_LAST = np.datetime64("9999-12-30", "us")  # a day before the end, for zones ahead of UTC


@runtime_checkable
class Splitter(Protocol):
    """Anything that makes a split of a dataset."""

    def on(self, data: Dataset) -> Split:
        """Return the split of these data."""


@dataclass(frozen=True)
class TimeSplit:
    """One cut in time and the window after it.

    Relevant is what a user acquired (`Dataset.owned_events`) in `[at, at + horizon)`, if the
    product was in the catalogue as of the cut (without a products frame: always), and the user did
    not own it by then or it is `repeatable`. A disposal or a rejection is never relevant.

    Attributes:
        at: The cut: a date, datetime, timestamp or ISO 8601 text, with or without a time zone as
            the data is; a bare date is the first instant of that day in the data's time zone.
        horizon_days: Length of the window in days of 24 hours.

    Raises:
        ValueError: `horizon_days` is not a positive integer.

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

    def __post_init__(self) -> None:
        """Refuse a window without length."""
        days = self.horizon_days
        if isinstance(days, bool) or not isinstance(days, int | np.integer) or days < 1:
            raise ValueError(f"horizon_days={days!r}: must be a positive integer")

    def on(self, data: Dataset) -> Split:
        """Cut the data.

        Returns:
            The split; `relevant` is of the data's kind of frame, in the order of users and then
            of the catalogue, and without rows where nobody acquired anything.

        Raises:
            DataError: Data without timestamps, or a cut whose time-zone awareness is not theirs.
        """
        if data.events.times is None:
            raise DataError("the interactions have no timestamps, so they cannot be split by time")
        start = data.clock.instant(self.at, "at")
        left = (_LAST - start) // np.timedelta64(1, "D")
        if self.horizon_days > left:
            raise DataError(
                f"horizon_days={self.horizon_days}: ends after the year 9999; at most {left}"
            )
        end = start + np.timedelta64(int(self.horizon_days), "D")
        view = data.view(self.at)
        after = data.kinds.acquisitions(data.events.between(start, end))
        users, products = data.user_versions.ids, data.product_versions.ids
        rows, columns = after.matrix(len(users), len(products)).tocoo().coords
        # Without frames the view numbers only what it shows: positions are not the data's, and
        # what is not there yet (-1) can be neither barred nor off the catalogue.
        people = view.users.codes(users.values)[rows]
        shelf = view.products.codes(products.values)[columns]
        kept = np.append(view.listed, True)[shelf]
        known = np.flatnonzero((people >= 0) & (shelf >= 0))
        kept[known] &= ~_barred(view, people[known], shelf[known])
        table = pa.table(
            {"user_id": users.decode(rows[kept]), "product_id": products.decode(columns[kept])}
        )
        at: pd.Timestamp = data.clock.stamp(start)
        relevant = write_frame(table, data.kind)
        return Split(at=at, end=data.clock.stamp(end), candidates=None, relevant=relevant)


def read_splits(split: Any, data: Dataset) -> list[Split]:
    """Read what callers give as a split: one, anything with `.on(data)`, or a list of these.

    Raises:
        ValueError: An empty list, or something that is no split.
    """
    asked = list(split) if isinstance(split, list | tuple) else [split]
    if not asked:
        raise ValueError("split: the list is empty")
    made = [one.on(data) if isinstance(one, Splitter) else one for one in asked]
    for one in made:
        if not isinstance(one, Split):
            raise ValueError(f"split={one!r:.50}: must be a split, or have .on(data)")
    return made


def _barred(view: View, users: NDArray[Any], products: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which pairs were owned at the cut, and cannot be acquired again."""
    owned = view.owned.tocoo()
    width = len(view.products)
    rows, columns = (codes.astype(np.int64) for codes in owned.coords)
    barred: NDArray[np.bool_] = np.isin(
        users.astype(np.int64) * width + products, rows * width + columns
    )
    barred &= ~view.products.repeatable[products]
    return barred
