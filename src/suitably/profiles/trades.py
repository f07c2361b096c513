"""What was acquired and disposed of: one list of both, as money and calendar days."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suitably.data import Clock, View
from suitably.data.clock import Instants
from suitably.errors import DataError
from suitably.profiles.currency import in_one_currency, one_currency

__all__ = ["Trades", "local_days"]


@dataclass(frozen=True)
class Trades:
    """Acquisitions, and after them disposals, each in order of time.

    Attributes:
        users: int32 (n,), positions of users.
        products: int32 (n,), positions of products.
        times: datetime64[us] (n,); None in data without timestamps.
        money: float64 (n,), as the log has it for what was acquired, so that a refund is below 0;
            the size of it for what was disposed of, whatever its sign. NaN where it is missing.
        quantities: float64 (n,), likewise; None where the log has none.
        disposed: bool (n,).
        currency: What all amounts are in; empty where that is not said, or rates converted them.

    Example:
        >>> import pandas as pd
        >>> from suitably.data import Dataset
        >>> log = pd.DataFrame({"user_id": [1, 1], "product_id": ["a", "a"], "value": [9.0, -4.0],
        ...                     "event": ["buy", "sell"]})
        >>> trades = Trades.of(Dataset(None, None, log, disposed_events=["sell"]).view())
        >>> trades.money, trades.disposed
        (array([9., 4.]), array([False,  True]))
    """

    users: NDArray[np.int32]
    products: NDArray[np.int32]
    times: Instants | None
    money: NDArray[np.float64]
    quantities: NDArray[np.float64] | None
    disposed: NDArray[np.bool_]
    currency: str = ""

    def __len__(self) -> int:
        return len(self.users)

    @classmethod
    def of(cls, view: View, rates: Mapping[str, float] | None = None) -> "Trades":
        """Return what a view shows.

        Args:
            view: The view.
            rates: What one unit of each currency is worth in the one that amounts are wanted in;
                None: all amounts are in one already.

        Raises:
            DataError: Amounts are in several currencies, or in one without a rate.
        """
        gained = view.acquisitions
        lost = view.events.take(view.events.among(view.kinds.disposed))
        disposed = np.repeat([False, True], [len(gained), len(lost)])
        parts = [in_one_currency(events, rates) for events in (gained, lost)]
        currency = one_currency(*(said for _, said in parts))
        money = np.concatenate([values for values, _ in parts])
        quantities = None
        if gained.quantities is not None and lost.quantities is not None:
            quantities = np.concatenate([gained.quantities, np.abs(lost.quantities)])
        times = None
        if gained.times is not None and lost.times is not None:
            times = np.concatenate([gained.times, lost.times])
        return cls(
            np.concatenate([gained.users, lost.users]),
            np.concatenate([gained.products, lost.products]),
            times,
            np.where(disposed, np.abs(money), money),
            quantities,
            disposed,
            currency,
        )


def local_days(times: Instants, clock: Clock, where: str) -> NDArray[np.datetime64]:
    """Return the days of the data's calendar: datetime64[D] (n,).

    Args:
        times: Instants.
        clock: The convention of the data.
        where: What asks, for the message.

    Raises:
        DataError: No calendar is known.
    """
    if clock.asks:
        raise DataError(f"{where}: counts by days, and {clock.asks}")
    return clock.walls(times).astype("datetime64[D]")
