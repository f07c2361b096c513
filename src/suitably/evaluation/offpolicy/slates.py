"""Logged slates: what was shown together, with what probability, and what came of it."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.columns import Columns
from suitably.data.dataset import Dataset
from suitably.data.events import Events
from suitably.data.splits import Split
from suitably.data.values import finite_doubles, is_number
from suitably.errors import DataError

__all__ = ["Slates", "read_slates"]


@dataclass(frozen=True)
class Slates:
    """What was shown, a row per slate, a column per rank.

    A log that does not say what was shown together has slates of one product.

    Attributes:
        users: int64 (slates,), whose, as a position in the data's users.
        products: int64 (slates, ranks), positions in the data's products; −1 past the end.
        propensities: float64 (slates, ranks), 1 past the end.
        rewards: float64 (slates, ranks), 0 past the end.
        ranks: int64 (slates, ranks), where on the page each was shown, from 0.

    Example:
        >>> one = Slates(np.array([0]), np.array([[2, 1]]), np.array([[0.5, 0.2]]),
        ...              np.array([[0.0, 1.0]]), np.array([[0, 1]]))
        >>> len(one), one.depth, one.filled.tolist()
        (1, 2, [[True, True]])
    """

    users: NDArray[np.int64]
    products: NDArray[np.int64]
    propensities: NDArray[np.float64]
    rewards: NDArray[np.float64]
    ranks: NDArray[np.int64]

    @property
    def depth(self) -> int:
        """The most products in a slate."""
        return int(self.products.shape[1])

    @property
    def filled(self) -> NDArray[np.bool_]:
        """Where there is a product: bool (slates, ranks)."""
        return self.products >= 0

    @property
    def of_impressions(self) -> NDArray[np.int64]:
        """Which slate each product that was shown is of: int64 (impressions,)."""
        return np.nonzero(self.filled)[0].astype(np.int64)

    def __len__(self) -> int:
        return len(self.users)


def read_slates(data: Dataset, split: Split, reward: str) -> Slates:
    """Read the impressions of a split's window.

    Args:
        data: Whose log has propensities.
        split: The window `[at, end)`; all of the log in data without timestamps.
        reward: The column of rewards: that of amounts (`"value"` too, whatever it is called, unless
            another is called so), or one without another role.

    Raises:
        DataError: A log without propensities, a reward that is missing or no number, or positions
            that do not order a slate.
    """
    events = data.events
    if events.propensities is None:
        raise DataError(
            f"interactions: no column {data.columns.propensity!r} (Columns.propensity), so nothing "
            f"says with what probability a product was shown"
        )
    if events.times is None:
        events = events.once()
    else:
        start, end = (data.clock.instant(moment, "split") for moment in (split.begins, split.end))
        events = events.between(start, end)
    events = events.take(events.shown & (events.products >= 0))
    return _slates(events, _rewards(data, events, reward))


def _rewards(data: Dataset, events: Events, reward: str) -> NDArray[np.float64]:
    others = [] if events.extra is None else events.extra.column_names
    amounts = reward == data.columns.value or (reward == Columns().value and reward not in others)
    if amounts and events.values is not None:
        found = events.values
    else:
        column = events.column(reward)
        if pa.types.is_boolean(column.type):
            column = column.cast(pa.float64())
        if pa.types.is_null(column.type):
            column = column.cast(pa.float64())
        if not is_number(column.type):
            raise DataError(f"reward={reward!r}: must hold numbers, not {column.type}")
        found = finite_doubles(column, f"reward={reward!r}")
    bad = np.isnan(found)
    if bad.any():
        raise DataError(
            f"reward={reward!r}: {int(bad.sum())} of {len(found)} impressions have none; write 0 "
            f"where nothing came of one"
        )
    return found


def _slates(events: Events, rewards: NDArray[np.float64]) -> Slates:
    """Lay rows out by slate and order."""
    rows = len(events)
    assert events.propensities is not None
    together = np.arange(rows) if events.slates is None else events.slates.copy()
    alone = together < 0
    together[alone] = together.max(initial=-1) + 1 + np.arange(int(alone.sum()))
    order_in = np.zeros(rows) if events.positions is None else events.positions
    _, codes, sizes = np.unique(together, return_inverse=True, return_counts=True)
    several = sizes[codes] > 1
    if several.any() and (events.positions is None or np.isnan(order_in[several]).any()):
        raise DataError(
            "interactions: rows that were shown together need Columns.position, since each "
            "propensity is conditional on the rows above"
        )
    order = np.lexsort((order_in, codes))
    codes = codes[order]
    same = (codes[1:] == codes[:-1]) & (order_in[order][1:] == order_in[order][:-1])
    if same.any():
        raise DataError(f"interactions: {int(same.sum())} rows of a slate share their position")
    users = events.users[order].astype(np.int64)
    if (users[1:] != users[:-1])[codes[1:] == codes[:-1]].any():
        raise DataError("interactions: a slate has rows of several users")
    starts = np.searchsorted(codes, np.arange(len(sizes)))
    place = np.arange(rows) - starts[codes]
    shape = len(sizes), int(sizes.max(initial=0))
    products, ranks = np.full(shape, -1), np.zeros(shape, np.int64)
    propensities, rewarded = np.ones(shape), np.zeros(shape)
    at = codes, place
    products[at] = events.products[order]
    propensities[at] = events.propensities[order]
    rewarded[at] = rewards[order]
    ranks[at] = _page_ranks(order_in[order], place, bool(several.any()) or events.positions is None)
    return Slates(users[starts], products, propensities, rewarded, ranks)


def _page_ranks(
    positions: NDArray[np.float64], place: NDArray[np.int64], by_place: bool
) -> NDArray[np.int64]:
    """Return ranks from 0: places in the slate, or for slates of one the positions themselves."""
    if by_place or np.isnan(positions).any():
        return place
    first = positions.min(initial=np.inf)
    found = positions - first
    if len(found) and (found != np.floor(found)).any():
        raise DataError("interactions: positions of slates of one product must be whole numbers")
    ranks: NDArray[np.int64] = found.astype(np.int64)
    return ranks
