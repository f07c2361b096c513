"""Recency, frequency and value of what a user acquired, and a segment by fixed limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data import Dataset, View
from suitably.data.clock import Instant, Instants, elapsed_days
from suitably.data.events import Events
from suitably.errors import DataError
from suitably.profiles.base import ParameterizedBuilder, padded
from suitably.profiles.currency import check_rates, in_one_currency, one_currency
from suitably.profiles.exact_sums import ExactSums
from suitably.profiles.kept_clock import clock_of, kept_clock
from suitably.profiles.later_events import refuse_later_events
from suitably.profiles.provenance import FieldInfo
from suitably.profiles.times_of_day import has_times_of_day
from suitably.profiles.trades import Trades
from suitably.utils.params import check_no_text, check_positive
from suitably.utils.pieces import same, stacked

__all__ = ["RecencyFrequencyValue", "RecencyFrequencyValueState"]

_SEGMENTS = np.array(["lapsed", "at-risk", "occasional", "loyal"], dtype=object)


@dataclass(frozen=True)
class RecencyFrequencyValueState:
    """What is kept per user.

    Attributes:
        frequency: int64 (users,), number of events.
        last: datetime64[us] (users,), the latest event, NaT without one; None in data without
            timestamps.
        sums: Sum of the values; None in data without values.
        clock: Text (2,), the data's calendar as `kept_clock` writes it.
        timed: Whether some event of the log, of whatever kind, is no bare date.
        currency: What the values are in; empty where that is not said.
    """

    frequency: NDArray[np.int64]
    last: Instants | None
    sums: ExactSums | None
    clock: NDArray[np.str_] | None = None
    timed: bool = False
    currency: str = ""

    def __len__(self) -> int:
        return len(self.frequency)

    def of_users(self, kept: NDArray[np.bool_]) -> Self:
        """Return that of some users alone: bool (users,)."""
        sums = self.sums
        return replace(
            self,
            frequency=self.frequency[kept],
            last=None if self.last is None else self.last[kept],
            sums=None if sums is None else ExactSums(sums.whole[kept], sums.billionths[kept]),
        )

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything as arrays; what the data did not have is left out."""
        arrays: dict[str, NDArray[Any]] = {"frequency": self.frequency}
        arrays["currency"] = np.array([self.currency])
        if self.last is not None:
            arrays |= {"last": self.last, "timed": np.array([self.timed])}
        if self.clock is not None:
            arrays["clock"] = self.clock
        if self.sums is not None:
            arrays |= {"whole": self.sums.whole, "billionths": self.sums.billionths}
        return arrays

    @classmethod
    def joined(cls, parts: Sequence[Mapping[str, NDArray[Any]]]) -> dict[str, Any]:
        """Join the arrays of the states of groups of users, one after the other.

        Raises:
            DataError: Values are in several currencies.
            ValueError: Only some have timestamps, or values.
        """
        made: dict[str, Any] = {}
        for name in parts[0]:
            arrays = [part[name] for part in parts if name in part]
            if len(arrays) < len(parts):
                raise ValueError(f"RecencyFrequencyValue: not all parts have {name}")
            if name == "currency":
                made[name] = np.array([one_currency(*(array[0] for array in arrays))])
            elif name == "timed":
                made[name] = np.array([any(bool(array[0]) for array in arrays)])
            else:
                made[name] = same(arrays, name) if name == "clock" else stacked(arrays)
        return made

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """Take back what `to_arrays` gave."""
        sums = ExactSums(arrays["whole"], arrays["billionths"]) if "whole" in arrays else None
        return cls(
            arrays["frequency"],
            arrays.get("last"),
            sums,
            arrays.get("clock"),
            bool(arrays.get("timed", [False])[0]),
            str(arrays.get("currency", [""])[0]),
        )


@dataclass(eq=False, repr=False)
class RecencyFrequencyValue(ParameterizedBuilder):
    """Summarise each user's acquisitions by recency, frequency and value.

    A user without events is `none`. The others are active if the last event is at most
    `active_days` old, and strong if there are at least `frequent` events or, where `high_value` is
    given, they sum to at least that: active and strong is `loyal`, active `occasional`, strong
    `at-risk`, neither `lapsed`. The limits are fixed, not quantiles of this log, so one user's
    segment never depends on another's events. In data without timestamps nobody's activity is
    known, and only `none` can be told.

    Args:
        events: Kinds of event that count; None: those that mean ownership.
        active_days: How long after an event a user counts as active.
        frequent: Number of events that makes a user strong.
        high_value: Sum that makes a user strong, in the frame's currency.
        rates: What one unit of each currency is worth in the one that sums are wanted in; None: all
            values are in one.

    Fields:
        recency_days: Days from the last event to `as_of`; null without an event. Where the log has
            bare dates alone, which are midnights of the data's calendar, they are whole days of
            that calendar, however many hours these have; else days of 24 hours, in whole
            milliseconds.
        frequency: Number of events, repeats and refunds included.
        monetary: Sum of the values, in the frame's currency, net of refunds, which are values below
            0, and where `events` is None also of what was disposed of: so it is below 0 where that
            is more. Null in data without values. An event that may lack a value, and does, adds
            nothing.
        rfv_segment: `none`, `loyal`, `occasional`, `at-risk` or `lapsed`.

    Source:
        Recency, frequency, monetary value: A. M. Hughes, *Strategic Database Marketing* (1994),
        there with quintiles.

    Example:
        >>> import pandas as pd
        >>> from suitably.data import Dataset
        >>> log = pd.DataFrame({"user_id": [1, 1, 2], "product_id": ["a", "b", "a"],
        ...                     "timestamp": ["2024-01-01", "2024-03-01", "2023-01-01"],
        ...                     "value": [100.0, 50.0, 10.0]})
        >>> data = Dataset(pd.DataFrame({"user_id": [1, 2, 3]}), None, log)
        >>> RecencyFrequencyValue().fit(data, "2024-03-11").transform(data)
           user_id  recency_days  frequency  monetary rfv_segment
        0        1          10.0          2     150.0  occasional
        1        2         435.0          1      10.0      lapsed
        2        3           NaN          0       0.0        none
    """

    events: list[str] | tuple[str, ...] | None = None
    active_days: float = 180
    frequent: int = 3
    high_value: float | None = None
    rates: dict[str, float] | None = None

    reads: ClassVar[tuple[str, ...]] = ()
    state_type: ClassVar[type[RecencyFrequencyValueState]] = RecencyFrequencyValueState

    @property
    def described(self) -> dict[str, FieldInfo]:
        """What it says of each field."""
        time, value = "interactions.timestamp", "interactions.value"
        return {
            "recency_days": FieldInfo("observed", "days", (time,)),
            "frequency": FieldInfo("observed", "events", ("interactions",)),
            "monetary": FieldInfo("observed", "money", (value,)),
            "rfv_segment": FieldInfo(
                "derived", sources=(time, value), expires=f"{self.active_days:g} days of silence"
            ),
        }

    def accumulate(self, view: View) -> RecencyFrequencyValueState:
        """Count, date and add up the events of a view.

        Raises:
            DataError: A kind of event that the data does not have, or values too large to add, or
                in several currencies.
            ValueError: A limit that is not positive, or `events` that is not a list.
        """
        self.check_params()
        chosen = view.counted(self.events)
        users = len(view.users)
        frequency = np.bincount(chosen.users, minlength=users).astype(np.int64)
        last = None
        if chosen.times is not None:
            last = np.full(users, np.datetime64("NaT", "us"), "datetime64[us]")
            last[chosen.users] = chosen.times  # ascending, so the latest is written last
        sums, currency = None, ""
        if chosen.values is not None:
            owners, money, currency = self._money(view, chosen)
            said = ~np.isnan(money)
            sums = ExactSums.of(owners[said], money[said], users)
        clock, timed = kept_clock(view.clock), has_times_of_day(view)
        return RecencyFrequencyValueState(frequency, last, sums, clock, timed, currency)

    def _money(
        self, view: View, chosen: Events
    ) -> tuple[NDArray[np.int32], NDArray[np.float64], str]:
        """Return whose amounts there are, what they add, and the currency of all."""
        if self.events is None:
            trades = Trades.of(view, self.rates)
            signed = np.where(trades.disposed, -trades.money, trades.money)
            return trades.users, signed, trades.currency
        return chosen.users, *in_one_currency(chosen, self.rates)

    def merge(
        self, a: RecencyFrequencyValueState, b: RecencyFrequencyValueState
    ) -> RecencyFrequencyValueState:
        """Join two states of disjoint events, in either order.

        Raises:
            DataError: Only one of them has timestamps, or values; or they are in two currencies.
        """
        users = max(len(a), len(b))
        last = None
        if _both(a, b, a.last, b.last, "timestamps"):
            nat = np.datetime64("NaT", "us")
            last = np.fmax(padded(_dates(a), users, nat), padded(_dates(b), users, nat))
        sums = None
        if _both(a, b, a.sums, b.sums, "values"):
            sums = _sums(a).plus(_sums(b))
        frequency = padded(a.frequency, users, 0) + padded(b.frequency, users, 0)
        clock = a.clock if b.clock is None else b.clock
        currency = one_currency(a.currency, b.currency)
        timed = a.timed or b.timed
        return RecencyFrequencyValueState(frequency, last, sums, clock, timed, currency)

    def finalise(self, state: RecencyFrequencyValueState, as_of: Instant | None) -> pa.Table:
        """Return the four fields as of a moment.

        Raises:
            DataError: `as_of` is not after every event in the state.
        """
        users = len(state)
        some = state.frequency > 0
        recency = np.full(users, np.nan)
        if state.last is not None and as_of is not None:
            refuse_later_events(state.last >= as_of, as_of)
            recency = elapsed_days(state.last, as_of)
            if state.clock is not None and not state.timed:
                dates = np.append(state.last, as_of)
                dates = clock_of(state.clock).walls(dates).astype("datetime64[D]")
                whole = (dates[-1] - dates[:-1]).astype(np.float64)
                recency = np.where(np.isnat(dates[:-1]), np.nan, whole)
        monetary = np.full(users, np.nan) if state.sums is None else state.sums.floats()
        strong = state.frequency >= self.frequent
        if self.high_value is not None and state.sums is not None:
            strong |= monetary >= self.high_value
        segment = _SEGMENTS[2 * (recency <= self.active_days) + strong]
        segment[some & np.isnan(recency)] = None
        segment[~some] = "none"
        return pa.table(
            {
                "recency_days": pa.array(recency, mask=np.isnan(recency)),
                "frequency": pa.array(state.frequency),
                "monetary": pa.array(monetary, mask=np.isnan(monetary)),
                "rfv_segment": pa.array(segment, pa.string()),
            }
        )

    def check_params(self) -> None:
        """Refuse a limit or rate that is not positive, or `events` that is no list: ValueError."""
        check_no_text(self, "events")
        check_positive(self, "active_days", "frequent")
        check_positive(self, "high_value", zero=True, optional=True)
        check_rates(self)

    def _learn(self, data: Dataset, as_of: Any) -> None:
        if self.events is not None:
            data.events.of(tuple(self.events))


def _both(
    a: RecencyFrequencyValueState, b: RecencyFrequencyValueState, in_a: Any, in_b: Any, what: str
) -> bool:
    """Whether the result has them; a state without events agrees with any other."""
    if (in_a is None) == (in_b is None):
        return in_a is not None
    lacking = a if in_a is None else b
    if lacking.frequency.any():
        raise DataError(f"interactions: some have {what} and some have none; give all or none")
    return True


def _dates(state: RecencyFrequencyValueState) -> Instants:
    nowhere = np.full(len(state), np.datetime64("NaT", "us"), "datetime64[us]")
    return nowhere if state.last is None else state.last


def _sums(state: RecencyFrequencyValueState) -> ExactSums:
    zero = np.zeros(len(state), np.int64)
    return ExactSums(zero, zero) if state.sums is None else state.sums
