"""Splits in time: what was known, and what the users then did."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.clock import MICROSECOND, Instant
from suitably.data.dataset import Dataset
from suitably.data.frames import read_frame, write_frame
from suitably.data.splits import Split
from suitably.data.view import View
from suitably.errors import DataError, SuitabilityWarning

__all__ = [
    "LeaveLastOut",
    "NewProducts",
    "NewUsers",
    "RollingSplit",
    "Splitter",
    "TimeSplit",
    "read_splits",
    "warn_of_uncovered",
]

_LAST = np.datetime64("9999-12-30", "us")  # a day before the end, for zones ahead of UTC

Kept = Callable[[View, NDArray[np.int64], NDArray[np.int64]], NDArray[np.bool_]]


@runtime_checkable
class Splitter(Protocol):
    """Anything that makes a split of a dataset, or several."""

    def on(self, data: Dataset) -> Split | list[Split]:
        """Return the split of these data, or the splits."""


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
        _check_days(self, "horizon_days")
        _check_days(self, "gap_days", least=0)

    def on(self, data: Dataset) -> Split:
        """Cut the data.

        Returns:
            The split; `relevant` is of the data's kind of frame, in the order of users and then
            of the catalogue, and without rows where nobody acquired anything.

        Raises:
            DataError: Data without timestamps, or a cut whose time-zone awareness is not theirs.
        """
        return _split(data, self.at, self.gap_days, self.horizon_days)


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
            _check_days(self, name)
        _check_days(self, "gap_days", least=0)

    def on(self, data: Dataset) -> list[Split]:
        """Cut the data at every cut.

        Raises:
            DataError: As `TimeSplit.on`.
        """
        start = _cut(data, self.first, "first")
        step = np.timedelta64(int(self.every_days), "D")
        cuts = [start + step * number for number in range(int(self.count))]
        if cuts[-1] > _LAST:
            raise DataError(f"count={self.count}: the last cut lies after the year 9999")
        return [
            _split(data, data.clock.stamp(cut), self.gap_days, self.horizon_days) for cut in cuts
        ]


@dataclass(frozen=True)
class LeaveLastOut:
    """The last acquisition of each of the latest users, all of them after one cut.

    To leave everybody's last acquisition out would show pipelines the future of others. So there is
    one cut, so late that the last acquisition of a share of users lies at or after it; these are
    judged by it alone.

    Attributes:
        share: Of the users with two acquisitions or more, how many are judged: above 0, below 1.

    Raises:
        ValueError: No such share.

    Example:
        >>> import pandas as pd
        >>> log = pd.DataFrame({"user_id": [1, 2, 1, 2], "product_id": list("abcd"),
        ...     "timestamp": ["2021-01-01", "2021-01-02", "2021-01-03", "2021-01-04"]})
        >>> split = LeaveLastOut(share=0.5).on(Dataset(None, None, log))
        >>> split.at, split.relevant["product_id"].tolist()
        (Timestamp('2021-01-04 00:00:00'), ['d'])
    """

    share: float = 0.2

    def __post_init__(self) -> None:
        """Refuse no share."""
        if isinstance(self.share, bool) or not 0 < self.share < 1:
            raise ValueError(f"share={self.share!r}: must lie between 0 and 1")

    def on(self, data: Dataset) -> Split:
        """Cut the data.

        Raises:
            DataError: Data without timestamps, or nobody with two acquisitions.
        """
        events = data.kinds.acquisitions(data.events.once())
        if events.times is None:
            raise DataError("the interactions have no timestamps, so nobody's last one is known")
        users, first = np.unique(events.users[::-1], return_index=True)
        several = np.bincount(events.users)[users] > 1
        last = np.sort(events.times[::-1][first[several]])
        if not len(last):
            raise DataError("leave-last-out: nobody has two acquisitions")
        cut = last[min(len(last) - 1, int(len(last) * (1 - self.share)))]
        end = events.times[-1] + MICROSECOND

        def kept(view: View, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Any:
            newest = events.take(events.times >= cut)
            width = len(data.product_versions.ids)
            held = newest.users.astype(np.int64)
            _, latest = np.unique(held[::-1], return_index=True)
            at = len(held) - 1 - latest
            pairs = held[at] * width + newest.products[at]
            before = np.isin(rows, events.users[events.times < cut])
            return np.isin(rows * width + columns, pairs) & before

        return _window(data, cut, cut, end, kept)


@dataclass(frozen=True)
class NewUsers:
    """As `TimeSplit`, judged by those alone who had acquired nothing before the cut.

    Attributes:
        at: The cut.
        horizon_days: Length of the window.

    Example:
        >>> import pandas as pd
        >>> data = Dataset(None, None, pd.DataFrame({
        ...     "user_id": [1, 1, 2, 3], "product_id": ["a", "b", "a", "a"],
        ...     "timestamp": ["2020-12-01", "2021-01-05", "2021-01-06", "2021-04-01"]}))
        >>> NewUsers("2021-01-01", 30).on(data).relevant["user_id"].tolist()
        [2]
    """

    at: Any
    horizon_days: int

    def __post_init__(self) -> None:
        """Refuse a window without length."""
        _check_days(self, "horizon_days")

    def on(self, data: Dataset) -> Split:
        """Cut the data.

        Raises:
            DataError: As `TimeSplit.on`.
        """

        def kept(view: View, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Any:
            ids = view.users.ids.decode(np.unique(view.acquisitions.users))
            return ~np.isin(rows, data.user_versions.ids.codes(ids))

        return _split(data, self.at, 0, self.horizon_days, kept)


@dataclass(frozen=True)
class NewProducts:
    """As `TimeSplit`, judged by those products alone that nobody had acquired before the cut.

    Attributes:
        at: The cut.
        horizon_days: Length of the window.

    Example:
        >>> import pandas as pd
        >>> data = Dataset(None, None, pd.DataFrame({
        ...     "user_id": [1, 2, 2, 3], "product_id": ["a", "b", "a", "a"],
        ...     "timestamp": ["2020-12-01", "2021-01-05", "2021-01-06", "2021-04-01"]}))
        >>> NewProducts("2021-01-01", 30).on(data).relevant["product_id"].tolist()
        ['b']
    """

    at: Any
    horizon_days: int

    def __post_init__(self) -> None:
        """Refuse a window without length."""
        _check_days(self, "horizon_days")

    def on(self, data: Dataset) -> Split:
        """Cut the data.

        Raises:
            DataError: As `TimeSplit.on`.
        """

        def kept(view: View, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Any:
            ids = view.products.ids.decode(np.unique(view.acquisitions.products))
            return ~np.isin(columns, data.product_versions.ids.codes(ids))

        return _split(data, self.at, 0, self.horizon_days, kept)


def read_splits(split: Any, data: Dataset) -> list[Split]:
    """Read what callers give as a split: one, anything with `.on(data)`, or a list of these.

    Raises:
        ValueError: An empty list, something that is no split, or the same split twice.
    """
    asked = list(split) if isinstance(split, list | tuple) else [split]
    if not asked:
        raise ValueError("split: the list is empty")
    made: list[Split] = []
    for one in asked:
        found = one.on(data) if isinstance(one, Splitter) else one
        made += found if isinstance(found, list) else [found]
    for one in made:
        if not isinstance(one, Split):
            raise ValueError(f"split={one!r:.50}: must be a split, or have .on(data)")
    for number, one in enumerate(made):
        for earlier, other in enumerate(made[:number]):
            if _same(one, other):
                raise ValueError(f"split: {earlier} and {number} are the same, at {one.at}")
    return made


def warn_of_uncovered(splits: list[Split]) -> None:
    """Warn of windows that end after the last event.

    Warns:
        SuitabilityWarning: For each of them; one that begins after it is merely empty.
    """
    for one in splits:
        if "ends at" in one.note:
            warnings.warn(one.note, SuitabilityWarning, stacklevel=3)


def _same(one: Split, other: Split) -> bool:
    if (one.at, one.end, one.start) != (other.at, other.end, other.start):
        return False
    if one.candidates is None or other.candidates is None:
        if one.candidates is not other.candidates:
            return False
    elif not np.array_equal(one.candidates, other.candidates):
        return False
    if one.relevant is None or other.relevant is None:
        return one.relevant is other.relevant
    ours, theirs = (read_frame(x.relevant, "split.relevant")[0] for x in (one, other))
    return bool(ours.equals(theirs))


def _check_days(owner: object, name: str, least: int = 1) -> None:
    days = getattr(owner, name)
    if isinstance(days, bool) or not isinstance(days, int | np.integer) or days < least:
        what = "a positive integer" if least else "an integer of 0 or more"
        raise ValueError(f"{name}={days!r}: must be {what}")


def _cut(data: Dataset, at: Any, name: str) -> Instant:
    if data.events.times is None:
        raise DataError("the interactions have no timestamps, so they cannot be split by time")
    return data.clock.instant(at, name)


def _split(
    data: Dataset, at: Any, gap_days: int, horizon_days: int, kept: Kept | None = None
) -> Split:
    cut = _cut(data, at, "at")
    left = (_LAST - cut) // np.timedelta64(1, "D")
    if gap_days + horizon_days > left:
        raise DataError(f"horizon_days={horizon_days}: ends after the year 9999; at most {left}")
    start = cut + np.timedelta64(int(gap_days), "D")
    return _window(data, cut, start, start + np.timedelta64(int(horizon_days), "D"), kept)


def _window(
    data: Dataset, cut: Instant, start: Instant, end: Instant, kept: Kept | None = None
) -> Split:
    """Return what was acquired in `[start, end)` and could be recommended as of the cut."""
    clock = data.clock
    at: pd.Timestamp = clock.stamp(cut)
    view = data.view(at)
    after = data.kinds.acquisitions(data.events.between(start, end))
    users, products = data.user_versions.ids, data.product_versions.ids
    found = after.matrix(len(users), len(products)).tocoo().coords
    rows, columns = (codes.astype(np.int64) for codes in found)
    # Without frames the view numbers only what it shows: positions are not the data's, and
    # what is not there yet (-1) can be neither barred nor off the catalogue.
    people = view.users.codes(users.values)[rows]
    shelf = view.products.codes(products.values)[columns]
    relevant = np.append(view.listed, True)[shelf]
    known = np.flatnonzero((people >= 0) & (shelf >= 0))
    relevant[known] &= ~_barred(view, people[known], shelf[known])
    if kept is not None:
        relevant &= kept(view, rows, columns)
    table = pa.table(
        {"user_id": users.decode(rows[relevant]), "product_id": products.decode(columns[relevant])}
    )
    note = _note(data, start, end)
    frame = write_frame(table, data.kind)
    stamps = clock.stamp(end), None if start == cut else clock.stamp(start)
    return Split(at, stamps[0], None, frame, start=stamps[1], note=note)


def _note(data: Dataset, start: Instant, end: Instant) -> str:
    """Return what is wrong with a window that the log does not cover."""
    assert data.events.times is not None
    if not len(data.events.times):
        return "There is no event at all."
    last = data.events.times.max()
    shown = data.clock.stamp(last)
    if start > last:
        return f"The window begins after the last event ({shown}): nothing is known of it."
    if end <= last + MICROSECOND:
        return ""
    return (
        f"The window ends at {data.clock.stamp(end)}, after the last event ({shown}): what was "
        f"acquired in the rest of it is not known."
    )


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
