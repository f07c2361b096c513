"""What was known earlier and what came after, within what a ranker may learn from."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from suitably.data.clock import MICROSECOND, Instant
from suitably.data.view import View
from suitably.ranking.protocol import FitContext

__all__ = ["InnerSplit", "earlier", "inner_splits"]

_STEP = 3
_DAY = 86_400_000_000


@dataclass(frozen=True)
class InnerSplit:
    """One cut through the past, and what users acquired in the window after it.

    Attributes:
        past: What could be learned from at the cut.
        users: int64 (n,), rows of users, ascending; a row per acquisition.
        products: int64 (n,), what they acquired, new to them or repeatable; each pair once.
    """

    past: FitContext
    users: NDArray[np.int64]
    products: NDArray[np.int64]

    def allowed(self, users: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return what some users could be offered at the cut: bool (users, products)."""
        view = self.past.data
        allowed = np.tile(view.listed, (len(users), 1))
        owned = view.owned[users].tocoo()
        barred = ~view.products.repeatable[owned.col]
        allowed[owned.row[barred], owned.col[barred]] = False
        return allowed


def earlier(view: View, moment: Instant) -> View:
    """Return the interactions of a view that were visible before an earlier moment.

    Fields of users and products are those of the later one: a view holds one version of each.
    """
    return replace(view, as_of=moment, events=view.events.before(moment))


def inner_splits(context: FitContext, windows: int, horizon_days: float) -> Iterator[InnerSplit]:
    """Cut the past at several moments, the latest first.

    The last window ends just after the latest acquisition, so that the cuts do not depend on when
    somebody asks; each further one begins and ends a third of its length earlier. The past before a
    cut is at least as long as the window after it, so there may be fewer windows; they are
    shortened to a third of the time there is. In data without timestamps there is none.

    Args:
        context: What may be learned from.
        windows: How many windows at most.
        horizon_days: Their length.
    """
    view = context.data
    times = view.acquisitions.times
    if times is None or not len(times) or view.as_of is None:
        return
    first, last = times[0], times[-1] + MICROSECOND
    length = min(np.timedelta64(round(horizon_days * _DAY), "us"), (last - first) // _STEP)
    if length <= np.timedelta64(0):
        return
    for window in range(windows):
        end = last - window * length // _STEP
        start = end - length
        if start - first < length:
            return
        past = replace(context, data=earlier(view, start), as_of=start)
        users, products = _acquired(view, past.data, start, end)
        if past.data.acquisitions and len(users):
            yield InnerSplit(past, users, products)


def _acquired(
    view: View, past: View, start: Instant, end: Instant
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs acquired in `[start, end)` that were not barred by being owned."""
    after = view.kinds.acquisitions(view.events.between(start, end))
    products = len(view.products)
    wanted = np.unique(after.users.astype(np.int64) * products + after.products)
    rows, columns = past.owned.tocoo().coords
    owned = rows.astype(np.int64) * products + columns
    again = view.products.repeatable[wanted % products]
    pairs = wanted[~np.isin(wanted, owned) | again]
    return pairs // products, pairs % products
