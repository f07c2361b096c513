"""Defaults from the data: a few candidates fitted beside a hold-out, and judged on it."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.errors import DataError
from suitably.metrics.accuracy import ndcg
from suitably.metrics.metric_input import Hits
from suitably.ranking.inner_split import InnerSplit, inner_splits, random_split, sampled, thinned
from suitably.ranking.protocol import AskedUsers, FitContext, Ranker, can_score, score
from suitably.ranking.topk.engine import top_k
from suitably.utils import bitset
from suitably.utils.bitset import BitRows

__all__ = ["HoldOut", "acquired_products", "is_small", "select"]

DEPTH = 20
FEWEST_PRODUCTS = 1_000
FEWEST_USERS = 500
_JUDGED, _JUDGING = 2_000, 8  # at most so many users, and one in so many
_PAIRS = 1_000_000
_HORIZON_DAYS = 180
_BLOCK = 256
_MOST = 8

_log = logging.getLogger(__name__)

Values = Mapping[str, Any]


def is_small(context: FitContext) -> bool:
    """Return whether constants are as good as a choice: few products, or few users to judge by.

    Fewer than 1,000 products that anybody acquired, or fewer than 500 users with two of them.
    """
    users = np.count_nonzero(np.diff(context.data.purchases.indptr) > 1)
    return bool(acquired_products(context) < FEWEST_PRODUCTS or users < FEWEST_USERS)


def _judges(context: FitContext) -> int:
    """Return how many users judge, of so many that acquired anything.

    To judge a candidate costs as much for a user as to fit it: an eighth of them leaves the choice
    cheaper than the fit.
    """
    active = int(np.count_nonzero(np.diff(context.data.purchases.indptr)))
    return min(_JUDGED, max(FEWEST_USERS, active // _JUDGING))


def acquired_products(context: FitContext) -> int:
    """Return how many products anybody acquired."""
    owned = context.data.purchases
    return int(np.count_nonzero(np.bincount(owned.indices, minlength=1)))


@dataclass(frozen=True)
class HoldOut:
    """What candidates learn from, and what of some users is held out to judge them by.

    Attributes:
        split: The past, and what was acquired after it by an eighth of the users, from 500 to
            2,000 of them.
    """

    split: InnerSplit

    @staticmethod
    def of(context: FitContext) -> "HoldOut | None":
        """Hold out the latest window of time, or a random share where few users buy in it.

        Of more than a million acquisitions candidates learn from a sample of users. Nothing at or
        after the context's moment is looked at.

        Returns:
            None where nothing can be held out from 500 users.
        """
        context = thinned(context, _PAIRS)
        judges = _judges(context)
        for split in inner_splits(context, 1, _HORIZON_DAYS):
            had = np.diff(split.past.data.purchases.indptr) > 0
            known = had[split.users]
            users = sampled(context, np.unique(split.users[known]), judges)
            if len(users) >= FEWEST_USERS:
                kept = np.isin(split.users, users)
                return HoldOut(InnerSplit(split.past, split.users[kept], split.products[kept]))
        at_random = random_split(context, judges)
        if at_random is None or len(np.unique(at_random.users)) < FEWEST_USERS:
            return None
        return HoldOut(at_random)

    @cached_property
    def _allowed(self) -> tuple[BitRows, ...]:
        """What users could be offered, block by block: every candidate is asked for the same."""
        every = range(0, len(self.users), _BLOCK)
        return tuple(
            bitset.pack(self.split.allowed(self.users[start : start + _BLOCK])) for start in every
        )

    @cached_property
    def users(self) -> NDArray[np.int64]:
        """Rows of the users who judge, ascending."""
        return np.unique(self.split.users)

    def ndcg(self, ranker: Ranker) -> NDArray[np.float64]:
        """Return every user's nDCG@20, 0 for one who cannot be scored: float64 (users,)."""
        width = len(self.split.past.data.products)
        wanted = np.sort(self.split.users * width + self.split.products)
        found = np.zeros((len(self.users), DEPTH), bool)
        lengths = np.zeros(len(self.users), np.int64)
        for start in range(0, len(self.users), _BLOCK):
            users = self.users[start : start + _BLOCK]
            asked = AskedUsers(self.split.past.data.users.ids, users)
            able = np.flatnonzero(can_score(ranker, asked))
            scorer = score(ranker, asked.take(able))
            allowed = self._allowed[start // _BLOCK][able]
            if scorer.known is not None:
                allowed &= bitset.pack(np.asarray(scorer.known, bool)[None])
            lists = top_k(scorer, allowed, DEPTH)
            pairs = users[able, None] * width + lists.products
            places = np.minimum(np.searchsorted(wanted, pairs), len(wanted) - 1)
            hits = (lists.products >= 0) & (wanted[places] == pairs)
            found[start + able, : lists.depth] = hits
            lengths[start + able] = lists.lengths
        relevant = np.bincount(np.searchsorted(self.users, self.split.users))
        return ndcg(Hits(found, lengths, relevant), DEPTH)


def select(
    hold_out: HoldOut | None,
    axes: Mapping[str, Sequence[Any]],
    rule: Values,
    make: Callable[[Values, HoldOut], Ranker],
    most: int = _MOST,
) -> Values:
    """Choose parameters near a rule's by nDCG@20 on a hold-out.

    From the rule's values, one axis at a time is followed for as long as the mean over users
    grows. Of all that were tried, the values fewest steps from the rule's are taken whose mean is
    within one standard error, of the paired difference, of the best.

    Args:
        hold_out: None: the rule's values are taken.
        axes: For every parameter to choose, its values in order, the rule's among them.
        rule: The rule's value of each.
        make: Gives an unfitted ranker to be fitted on the past, all its parameters given.
        most: How many candidates are fitted at most.

    Source:
        Breiman and others, "Classification and Regression Trees", 1984, section 3.4.3.
    """
    if hold_out is None or not axes:
        return dict(rule)
    names = list(axes)
    centre = tuple(list(axes[name]).index(rule[name]) for name in names)
    tried: dict[tuple[int, ...], NDArray[np.float64]] = {}

    def mean(at: tuple[int, ...]) -> float:
        if at not in tried:
            if len(tried) >= most:
                return -np.inf
            values = {name: axes[name][place] for name, place in zip(names, at, strict=True)}
            tried[at] = _judged(hold_out, make(values, hold_out))
            _log.debug("%s: nDCG@20 %.4f", values, tried[at].mean())
        return float(tried[at].mean())

    at, before = centre, None
    best = mean(at)
    while at != before:
        before = at
        for axis, name in enumerate(names):
            for step in (1, -1):
                moved = False
                while 0 <= at[axis] + step < len(axes[name]):
                    there = (*at[:axis], at[axis] + step, *at[axis + 1 :])
                    if not mean(there) > best:
                        break
                    at, best, moved = there, mean(there), True
                if moved:
                    break
    near = [one for one in tried if not _better(tried[at] - tried[one])]
    chosen = min(near, key=lambda one: (_far(one, centre), -tried[one].mean(), one))
    return {name: axes[name][place] for name, place in zip(names, chosen, strict=True)}


def _judged(hold_out: HoldOut, ranker: Ranker) -> NDArray[np.float64]:
    """Fit and judge a candidate; one that cannot learn lists nothing."""
    try:
        return hold_out.ndcg(ranker.fit(hold_out.split.past))
    except DataError:
        return np.zeros(len(hold_out.users))


def _better(gains: NDArray[np.float64]) -> bool:
    return bool(gains.mean() > gains.std() / np.sqrt(len(gains)))


def _far(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))
