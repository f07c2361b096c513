"""Recency, frequency and value of what a user acquired, and a segment by fixed limits."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data import Dataset, View
from suitably.data.clock import Instant, Instants, elapsed_days
from suitably.errors import DataError
from suitably.profiles.base import ParameterizedBuilder, padded
from suitably.profiles.exact_sums import ExactSums
from suitably.profiles.provenance import FieldInfo
from suitably.utils.params import check_positive

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
    """

    frequency: NDArray[np.int64]
    last: Instants | None
    sums: ExactSums | None

    def __len__(self) -> int:
        return len(self.frequency)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything as arrays; what the data did not have is left out."""
        arrays: dict[str, NDArray[Any]] = {"frequency": self.frequency}
        if self.last is not None:
            arrays["last"] = self.last
        if self.sums is not None:
            arrays |= {"whole": self.sums.whole, "billionths": self.sums.billionths}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """Take back what `to_arrays` gave."""
        sums = ExactSums(arrays["whole"], arrays["billionths"]) if "whole" in arrays else None
        return cls(arrays["frequency"], arrays.get("last"), sums)


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

    Fields:
        recency_days: Days of 24 hours from the last event to `as_of`, in whole milliseconds, so
            that days between bare dates are whole; null without an event.
        frequency: Number of events, repeats included.
        monetary: Sum of the values, in the frame's currency; null in data without values. An event
            of a kind that need not have one, and has none, adds nothing.
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
            DataError: A kind of event that the data does not have, or values too large to add.
            ValueError: A limit that is not positive, or `events` that is not a list.
        """
        self.check_params()
        chosen = view.acquisitions if self.events is None else view.events.of(tuple(self.events))
        users = len(view.users)
        frequency = np.bincount(chosen.users, minlength=users).astype(np.int64)
        last = None
        if chosen.times is not None:
            last = np.full(users, np.datetime64("NaT", "us"), "datetime64[us]")
            last[chosen.users] = chosen.times  # ascending, so the latest is written last
        sums = None
        if chosen.values is not None:
            said = ~np.isnan(chosen.values)
            sums = ExactSums.of(chosen.users[said], chosen.values[said], users)
        return RecencyFrequencyValueState(frequency, last, sums)

    def merge(
        self, a: RecencyFrequencyValueState, b: RecencyFrequencyValueState
    ) -> RecencyFrequencyValueState:
        """Join two states of disjoint events, in either order.

        Raises:
            DataError: Only one of them has timestamps, or values.
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
        return RecencyFrequencyValueState(frequency, last, sums)

    def finalise(self, state: RecencyFrequencyValueState, as_of: Instant | None) -> pa.Table:
        """Return the four fields as of a moment.

        Raises:
            DataError: `as_of` is not after every event in the state.
        """
        users = len(state)
        some = state.frequency > 0
        recency = np.full(users, np.nan)
        if state.last is not None and as_of is not None:
            if (state.last >= as_of).any():
                raise DataError(f"as_of={as_of}: the state holds later events; build it anew")
            recency = elapsed_days(state.last, as_of)
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
        """Refuse a limit that is not positive, or `events` that is not a list: ValueError."""
        if isinstance(self.events, str):
            raise ValueError(
                f"{type(self).__name__}(events={self.events!r}): must be a list of kinds, or None"
            )
        check_positive(self, "active_days", "frequent")
        check_positive(self, "high_value", zero=True, optional=True)

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
