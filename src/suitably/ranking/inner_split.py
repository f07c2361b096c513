"""What was known earlier and what came after, within what a ranker may learn from."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.data.clock import MICROSECOND, Instant
from suitably.data.events import Events
from suitably.data.view import View
from suitably.ranking.protocol import FitContext
from suitably.ranking.topk.plackett_luce import uniforms
from suitably.ranking.weighting import Weighting
from suitably.utils.runs import run_starts

__all__ = ["InnerSplit", "earlier", "inner_splits", "random_split", "sampled", "thinned"]
__all__ += ["kinds_against", "without_rejections"]

_STEP = 3
_DAY = 86_400_000_000


@dataclass(frozen=True)
class InnerSplit:
    """What users acquired after a cut through the past, or what was hidden of it at random.

    Attributes:
        past: What could be learned from at the cut, or is not hidden.
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


def random_split(
    context: FitContext, users: int | None = None, share: float = 0.2
) -> InnerSplit | None:
    """Hide some of what users acquired, where time gives no cut: nothing is dated, or all at once.

    Of each user who is sampled a share of the distinct products is hidden, at least one, and at
    least one is left; with a product go all events of the user with it, whatever their kind. Who
    and what is drawn depends on the seed and the ids of users and products alone, not on the order
    of the data.

    Args:
        context: What may be learned from.
        users: How many users are sampled at most, of those with two products or more; None: all.
        share: Which share of a user's products is hidden, above 0 and below 1.

    Returns:
        None where nobody has two products.
    """
    view = context.data
    width = max(1, len(view.products))
    pairs = np.unique(_pairs(view.acquisitions, width))
    owners, products = pairs // width, pairs % width
    lengths = np.bincount(owners, minlength=len(view.users))
    several = np.flatnonzero(lengths > 1)
    if not len(several):
        return None
    if users is not None:
        several = sampled(context, several, users)
    chosen = np.isin(owners, several)
    pairs, owners, products = pairs[chosen], owners[chosen], products[chosen]
    keys = _keys(context, owners) ^ view.products.ids.hashes(products)
    drawn = uniforms(keys, 0, 1)[:, 0]
    order = np.lexsort((drawn, owners))
    first = run_starts(owners)
    sizes = np.diff(np.append(first, len(owners)))
    most = np.clip(np.round(share * sizes), 1, sizes - 1)
    place = np.arange(len(owners)) - np.repeat(first, sizes)
    hidden = np.sort(pairs[order[place < np.repeat(most, sizes)]])
    left = view.events.take(~np.isin(_pairs(view.events, width), hidden))
    past = replace(context, data=replace(view, events=left))
    return InnerSplit(past, hidden // width, hidden % width)


def kinds_against(rankers: Iterable[Any]) -> frozenset[str]:
    """Return the kinds of event that rankers, or the rankers they are made of, weigh below 0."""
    found: set[str] = set()
    for ranker in rankers:
        weights = getattr(ranker, "event_weights", None)
        if isinstance(weights, Mapping):
            found |= Weighting(None, weights).against
        inner = getattr(ranker, "rankers", None) or [getattr(ranker, "ranker", None)]
        found |= kinds_against(one for one in inner if one is not None)
    return frozenset(found)


def without_rejections(context: FitContext, against: frozenset[str]) -> FitContext:
    """Return what may be learned from with no acquisition among kinds that turn a product down.

    So nothing that was turned down is ever held out to be found, whatever the data says of kinds.
    """
    view = context.data
    kinds = view.kinds.speaking_for(against)
    return context if kinds == view.kinds else replace(context, data=replace(view, kinds=kinds))


def thinned(context: FitContext, most: int) -> FitContext:
    """Leave out users, drawn by the seed and their ids: about so many acquisitions are left."""
    acquired = len(context.data.acquisitions)
    if acquired <= most:
        return context
    active = np.flatnonzero(np.diff(context.data.purchases.indptr))
    others = np.ones(len(context.data.users), bool)
    others[sampled(context, active, max(1, round(len(active) * most / acquired)))] = False
    return replace(context, data=context.data.without(others))


def sampled(context: FitContext, rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Return some users by row, ascending, drawn by the seed and their ids alone."""
    drawn = uniforms(_keys(context, rows), 0, 1)[:, 0]
    return np.sort(rows[np.argsort(drawn, kind="stable")[:most]])


def _keys(context: FitContext, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
    salt = hashlib.blake2b(f"{context.seed} hold-out".encode(), digest_size=8).digest()
    keys: NDArray[np.uint64] = context.data.users.ids.hashes(rows) ^ np.frombuffer(salt, "<u8")
    return keys


def _pairs(events: Events, width: int) -> NDArray[np.int64]:
    """Return a number for every event's pair; −1 for one without a product."""
    numbers = events.users.astype(np.int64) * width + events.products
    return np.where(events.products < 0, -1, numbers)


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
