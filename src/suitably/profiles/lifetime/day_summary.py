"""Purchases by user and day, and what the models of lifetime value need to know of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.data import Clock, View
from suitably.data.clock import Instant
from suitably.errors import DataError
from suitably.profiles.grouped_sums import GroupedSums, money_parts
from suitably.profiles.later_events import refuse_later_events
from suitably.profiles.lifetime.likelihood import Floats
from suitably.profiles.trades import Trades, local_days

__all__ = ["DaySummary", "purchases_by_day"]


def purchases_by_day(
    view: View, rates: Mapping[str, float] | None, beside: Mapping[str, NDArray[Any]], owner: str
) -> GroupedSums:
    """Add up what each user acquired and disposed of on each day of the data's calendar.

    Args:
        view: What is visible.
        rates: What one unit of each currency is worth; None: all amounts are in one.
        beside: What else the state is to hold, per user.
        owner: What asks, for messages.

    Returns:
        Sums by `users` and `days`: `acquired`, how many acquisitions; `priced`, how many events
        with an amount; `net`, the money, disposals taken off.

    Raises:
        DataError: There are no timestamps, no calendar is known, or amounts cannot be added.
    """
    if view.as_of is None:
        raise DataError(f"{owner}: needs timestamps, and the interactions have none")
    keys, sums, currency = _trades(view, rates, owner)
    beside = {**beside, "currency": currency, "zone": np.array([view.clock.zone or ""])}
    return GroupedSums.of(len(view.users), keys, sums, beside=beside)


def _trades(
    view: View, rates: Mapping[str, float] | None, owner: str
) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[np.int64]], NDArray[np.str_]]:
    """Return keys and sums of each event, and the currency; all else of them is let go."""
    trades = Trades.of(view, rates)
    times = np.zeros(0, "datetime64[us]") if trades.times is None else trades.times
    keys = {"users": trades.users, "days": local_days(times, view.clock, owner)}
    money = money_parts("net", np.where(trades.disposed, -trades.money, trades.money))
    acquired, priced = (a.astype(np.int64) for a in (~trades.disposed, ~np.isnan(trades.money)))
    return keys, {"acquired": acquired, "priced": priced, **money}, np.array([trades.currency])


@dataclass(frozen=True)
class DaySummary:
    """What the models need to know of each user, in days.

    A day is a purchase if something was acquired on it and its net money is above 0, or if no
    amount of it is known. A refund on a day of its own is thus no purchase, and takes nothing off
    another day.

    Attributes:
        bought: bool (users,), whether there is a purchase at all; without one the rest is 0.
        frequency: float64 (users,), days with a purchase, less the first.
        recency: float64 (users,), days from the first purchase to the last.
        age: float64 (users,), days from the first purchase to the day of the moment asked.
        priced: float64 (users,), repeat days whose money is known.
        mean: float64 (users,), mean money of these, above 0; 0 without one.
    """

    bought: NDArray[np.bool_]
    frequency: Floats
    recency: Floats
    age: Floats
    priced: Floats
    mean: Floats

    @classmethod
    def of(cls, state: GroupedSums, as_of: Instant) -> "DaySummary":
        """Summarise sums by day as of a moment.

        Raises:
            DataError: The state holds days after the moment's.
        """
        today = Clock(str(state.beside["zone"][0]) or None).wall(as_of).astype("datetime64[D]")
        refuse_later_events(state.keys["days"] > today, as_of)
        priced = state.sums["priced"] > 0
        days = state.take((state.sums["acquired"] > 0) & (~priced | (state.money("net") > 0)))
        starts = days.starts
        count = np.diff(starts)
        bought = count > 0
        first = np.zeros(len(days.users), bool)
        first[starts[:-1][bought]] = True
        dates = days.keys["days"].astype(np.int64)
        since, last = np.zeros(len(state), np.int64), np.zeros(len(state), np.int64)
        since[bought] = dates[starts[:-1][bought]]
        last[bought] = dates[starts[1:][bought] - 1]
        days = days.take(~first & (days.sums["priced"] > 0))
        known = np.bincount(days.users, minlength=len(state))
        mean, total = np.zeros(len(state)), days.by()
        mean[total.users] = total.money("net") / known[total.users]
        ages = np.where(bought, today.astype(np.int64) - since, 0)
        return cls(
            bought,
            np.maximum(count - 1, 0).astype(np.float64),
            (last - since).astype(np.float64),
            ages.astype(np.float64),
            known.astype(np.float64),
            mean,
        )
