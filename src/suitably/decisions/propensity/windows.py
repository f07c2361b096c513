"""Windows of the past: candidate pairs as of a cut, and which of them were bought after it."""

from dataclasses import dataclass
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.data.clock import Instant
from suitably.data.dataset import Dataset
from suitably.data.events import Events
from suitably.decisions.propensity.activity import Activity
from suitably.decisions.propensity.score_scale import ScoreScale
from suitably.errors import DataError
from suitably.pipeline import Pipeline
from suitably.pipeline.candidates import Candidates
from suitably.pipeline.generate import GeneratedLists

__all__ = ["Window", "inner_cuts", "purchases_among", "scales_of"]

_PAIRS = 500_000
"""Of a window with more pairs, every second, third, … that was not bought stands for the others."""

_Columns = tuple[
    NDArray[np.int32],
    NDArray[np.int32],
    NDArray[np.float32],
    NDArray[np.bool_],
    NDArray[np.bool_],
    NDArray[np.float64],
]


@dataclass(frozen=True)
class Window:
    """Candidate pairs as of a cut.

    Attributes:
        users: int32 (pairs,), rows of `activity`.
        ranks: int32 (pairs,), places in the list of all that a user could be offered, from 1.
        scores: float32 (pairs,).
        stood_in: bool (pairs,), whether the fallback scored.
        bought: bool (pairs,), within the window.
        weights: float64 (pairs,), how many pairs each stands for.
        activity: float64 (users, features), as `Activity.of` returns.
        scales: Of the scores of the ranker, and of the fallback.
    """

    users: NDArray[np.int32]
    ranks: NDArray[np.int32]
    scores: NDArray[np.float32]
    stood_in: NDArray[np.bool_]
    bought: NDArray[np.bool_]
    weights: NDArray[np.float64]
    activity: NDArray[np.float64]
    scales: tuple[ScoreScale, ScoreScale]

    @staticmethod
    def after(
        pipeline: Pipeline, data: Dataset, cut: Instant, events: Events, days: int
    ) -> "Window":
        """Return the candidates as of a cut, and which were bought in the days after it.

        Args:
            pipeline: Fitted as of the cut.
            data: What it was fitted on.
            cut: Where the window begins.
            events: What may be known of the window.
            days: Its length.
        """
        candidates = pipeline.candidates()
        end = cut + np.timedelta64(days, "D")
        bought = purchases_among(candidates, data, events.between(cut, end))
        every = _every(candidates)
        columns, users = _columns(candidates, every, bought)
        activity = Activity.before(data, cut, days).of(candidates.user_ids, cut)
        return Window(*columns, activity, _scales(*columns[2:4], columns[5], users / every))


def inner_cuts(data: Dataset, as_of: Instant, days: int, count: int) -> list[Instant]:
    """Return where windows begin that end at `as_of` or before, the newest first.

    They begin half a horizon apart, each at least that long after the first purchase.

    Raises:
        DataError: There is room for none.
    """
    bought = data.kinds.acquisitions(data.events.before(as_of))
    assert bought.times is not None
    step = np.timedelta64(max(days // 2, 1), "D")
    newest = as_of - np.timedelta64(days, "D")
    first = bought.times.min() if len(bought) else None
    cuts = (newest - number * step for number in range(count))
    found = [] if first is None else list(takewhile(lambda cut: cut - step >= first, cuts))
    if not found:
        shown = data.clock.stamp(as_of)
        since = "there is none" if first is None else f"the first is of {data.clock.stamp(first)}"
        raise DataError(
            f"as_of={shown}: too early for horizon_days={days}: a window of the horizon, and half "
            f"of it before that, must lie between the first purchase and as_of, and {since}"
        )
    return found


def scales_of(candidates: Candidates) -> tuple[ScoreScale, ScoreScale]:
    """Return the scales of the scores of candidates: of the ranker's, and of the fallback's."""
    every = _every(candidates)
    (_, _, scores, stood_in, _, weights), users = _columns(candidates, every, None)
    return _scales(scores, stood_in, weights, users / every)


def _scales(
    scores: NDArray[np.float32],
    stood_in: NDArray[np.bool_],
    weights: NDArray[np.float64],
    users: NDArray[np.float64],
) -> tuple[ScoreScale, ScoreScale]:
    # What was bought is there besides the even sample, so it is left out where that is not all.
    even = weights == weights.max(initial=1.0)
    chosen = even & ~stood_in, even & stood_in
    ranker, fallback = (ScoreScale.of(scores[c], n) for c, n in zip(chosen, users, strict=True))
    return ranker, fallback


def _every(candidates: Candidates) -> int:
    return max(1, -(-len(candidates.user_ids) * len(candidates.product_ids) // _PAIRS))


def purchases_among(candidates: Candidates, data: Dataset, after: Events) -> sparse.csr_array:
    """Return what was bought: CSR (candidate users, catalogue)."""
    users, products = data.user_versions.ids, data.product_versions.ids
    counts = data.kinds.acquisitions(after).matrix(len(users), len(products))
    rows = users.codes(candidates.user_ids).astype(np.int64)
    columns = products.codes(candidates.product_ids).astype(np.int64)
    return sparse.csr_array(sparse.csc_array(counts[rows])[:, columns])


def _columns(
    candidates: Candidates, every: int, bought: sparse.csr_array | None
) -> tuple[_Columns, NDArray[np.float64]]:
    """Return all pairs bought, and every so-manieth of the others, user by user as asked.

    Beside them: how many users have candidates of the ranker, and of the fallback.
    """

    def sampled(
        places: NDArray[np.int64], part: GeneratedLists
    ) -> tuple[_Columns, NDArray[np.int64]]:
        lists = part.lists
        filled = lists.filled
        happened = np.zeros(filled.shape, bool)
        if bought is not None:
            there = bought[places].toarray() > 0
            happened = np.take_along_axis(there, np.maximum(lists.products, 0), axis=1) & filled
        kept = (places[:, None] + np.arange(lists.depth)) % every == 0
        kept = (kept & filled) | happened
        row, rank = np.nonzero(kept)
        hit = happened[row, rank]
        columns = (
            places[row].astype(np.int32),
            (rank + 1).astype(np.int32),
            lists.scores[row, rank],
            part.stood_in[row],
            hit,
            np.where(hit, 1.0, float(every)),
        )
        return columns, np.bincount(part.stood_in[lists.lengths > 0], minlength=2)

    parts = [part for _, part in candidates.map(sampled)]
    kinds = (np.int32, np.int32, np.float32, bool, bool, np.float64)
    empty = tuple(np.zeros(0, kind) for kind in kinds)
    columns = (part for part, _ in parts)
    joined = tuple(np.concatenate(each) for each in zip(empty, *columns, strict=True))
    users = sum((counts for _, counts in parts), np.zeros(2))
    order = np.lexsort((joined[1], joined[0]))  # blocks come in no order that means anything
    return tuple(column[order] for column in joined), users  # type: ignore[return-value]
