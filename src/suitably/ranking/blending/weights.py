"""Weights of a blend, learned by how well the blended lists meet what users did next."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from suitably.metrics.accuracy import ndcg
from suitably.metrics.metric_input import Hits
from suitably.ranking.blending.pool import rescaled, which_score
from suitably.ranking.blending.raw import RawScores
from suitably.ranking.blending.scale import on_scale
from suitably.ranking.inner_split import InnerSplit
from suitably.ranking.protocol import AskedUsers, Ranker, Scores
from suitably.ranking.topk.engine import top_k
from suitably.utils import bitset

__all__ = ["CELLS", "Judged", "best_of", "judge", "learn_weights"]

DEPTH = 10
_FACTORS = (4.0, 2.0, 1.4)
_ROUNDS = 6
_REVIVED = 0.05
_ROUNDING = 1e-9
CELLS = 2**20  # of users and columns, held for each member
_SCORED = 2**22  # of users and products, scored at once
_WORK = 2**28  # of users and products, scored in all
_NEAR = 200
_LAST = np.finfo(np.float32).min


@dataclass(frozen=True)
class Judged:
    """Users of one inner split, what each ranker says of them, and what they acquired.

    Attributes:
        scores: float32 (rankers, users, columns), on one scale, as distances from the mean of
            what the ranker says to the user; 0 for what it does not know.
        known: bool (rankers, users or 1, columns), what it does know.
        able: bool (users, rankers), which rankers can score whom.
        allowed: bool (users, columns), what may be ranked.
        users: int64 (n,), places of users; a row per acquired pair.
        columns: int64 (n,), the columns of what they acquired, allowed all of it.
    """

    scores: NDArray[np.float32]
    known: NDArray[np.bool_]
    able: NDArray[np.bool_]
    allowed: NDArray[np.bool_]
    users: NDArray[np.int64]
    columns: NDArray[np.int64]

    def of(self, rankers: list[int]) -> "Judged":
        """Return the same of some rankers, in that order."""
        return replace(
            self,
            scores=self.scores[rankers],
            known=self.known[rankers],
            able=self.able[:, rankers],
        )

    def ndcg(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return each user's nDCG@10 under some weights: float64 (users,)."""
        blended = self._blended(weights)
        own = blended[self.users, self.columns]
        depth = min(DEPTH, len(blended.T))
        # Only what reaches the list needs a rank, and ranking all of it would be most of the work.
        last = np.partition(blended, -depth, axis=1)[:, -depth]
        near = np.flatnonzero(own >= last[self.users])
        users, columns = self.users[near], self.columns[near]
        lines, mine = blended[users], own[near][:, None]
        before = np.arange(len(blended.T)) < columns[:, None]
        rank = ((lines > mine) | ((lines == mine) & before)).sum(axis=1)
        listed = rank < DEPTH
        found = np.zeros((len(blended), DEPTH), bool)
        found[users[listed], rank[listed]] = True
        lengths = np.minimum(self.allowed.sum(axis=1), DEPTH)
        relevant = np.bincount(self.users, minlength=len(blended))
        return ndcg(Hits(found, lengths, relevant), DEPTH)

    def _blended(self, weights: NDArray[np.float64]) -> NDArray[np.float32]:
        """Pool as `Pool` does, but for the mean of each user, which no order depends on."""
        shares = rescaled(weights, self.able).astype(np.float32)
        blended = np.zeros(self.allowed.shape, np.float32)
        for ranker, scores in enumerate(self.scores):
            blended += shares[:, ranker, None] * scores
        if not self.known.all():
            told = np.zeros_like(blended)
            for ranker, known in enumerate(self.known):
                told += shares[:, ranker, None] * known
            heard = told > 0
            np.divide(blended, told, out=blended, where=heard)
            blended[~heard] = _LAST
        blended[~self.allowed] = -np.inf
        return blended


def judge(rankers: Sequence[Ranker], split: InnerSplit, cells: int = CELLS) -> Judged | None:
    """Let rankers say something of those who acquired something and whom two of them can score.

    Where these are many, as many as fit into a block of memory, evenly spaced. Of a large catalogue
    each user's columns are what they acquired and what the rankers put first: what none of
    them puts among its first 200 reaches no list of ten.

    Args:
        rankers: Fitted on the split's past.
        split: What was acquired after it.
        cells: How many users times columns are held for each ranker, at most.

    Returns:
        None without such users, or if no ranker knows what they acquired.
    """
    view = split.past.data
    products = len(view.products)
    wanted = _Wanted(split.users, split.products, products)
    users = np.unique(split.users)
    users = users[which_score(rankers, AskedUsers(view.users.ids, users)).sum(axis=1) > 1]
    whole = products <= len(rankers) * _NEAR
    columns = products if whole else len(rankers) * _NEAR
    most = max(1, min(cells // columns, _WORK // products))
    users = users[:: -(-len(users) // most) or 1]
    if not len(users):
        return None
    reader = _Reader(rankers, tuple(RawScores() for _ in rankers), split, wanted)
    step = len(users) if whole else max(1, _SCORED // products // len(rankers))
    parts = [reader.read(users[at : at + step], whole) for at in range(0, len(users), step)]
    return _joined([part for part in parts if part is not None])


@dataclass(frozen=True)
class _Wanted:
    """What users of a split acquired, by pair."""

    users: NDArray[np.int64]
    products: NDArray[np.int64]
    width: int

    def of(self, users: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the places of ascending users, and products: a row per pair."""
        places = np.minimum(np.searchsorted(users, self.users), len(users) - 1)
        mine = users[places] == self.users
        return places[mine], self.products[mine]


@dataclass(frozen=True)
class _Reader:
    """Lets rankers score some users of a split."""

    rankers: Sequence[Ranker]
    raw: Sequence[RawScores]
    split: InnerSplit
    wanted: _Wanted

    def read(self, users: NDArray[np.int64], whole: bool) -> Judged | None:
        """Judge some users, over the whole catalogue or what is near the top of a list."""
        asked = AskedUsers(self.split.past.data.users.ids, users)
        able = which_score(self.rankers, asked)
        width = self.wanted.width
        scores = np.zeros((len(self.rankers), len(users), width), np.float32)
        told = np.zeros((len(self.rankers), width), bool)
        for place, ranker in enumerate(self.rankers):
            mine = np.flatnonzero(able[:, place])
            if len(mine):
                lines = self.raw[place].of(ranker, asked.take(mine))
                found, means = on_scale(lines.of(slice(None)), lines.known)
                found -= means[:, None].astype(np.float32)
                found[:, ~lines.known] = 0
                length = len(lines.known)
                scores[place, mine, :length] = found if lines.which is None else found[lines.which]
                told[place, :length] = lines.known
        known = told.any(axis=0)
        allowed = self.split.allowed(users) & known
        rows, products = self.wanted.of(users)
        there = allowed[rows, products]
        kept, rows = np.unique(rows[there], return_inverse=True)
        if not len(kept):
            return None
        scores, allowed, products = scores[:, kept], allowed[kept], products[there]
        if whole:
            columns = np.flatnonzero(known)
            places = np.searchsorted(columns, products)
            return Judged(
                *(scores[:, :, columns], told[:, None, columns], able[kept]),
                *(allowed[:, columns], rows, places),
            )
        near = _near(scores, told, able[kept], allowed)
        near[rows, products] = True
        columns, there = _padded(near)
        spread = np.arange(len(kept))[:, None]
        return Judged(
            scores[:, spread, columns],
            told[:, columns],
            able[kept],
            allowed[spread, columns] & there,
            rows,
            (np.cumsum(near, axis=1) - 1)[rows, products],
        )


def _near(
    scores: NDArray[np.float32],
    told: NDArray[np.bool_],
    able: NDArray[np.bool_],
    allowed: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Return what each ranker puts first among what is allowed: bool (users, products)."""
    near = np.zeros(allowed.shape, bool)
    for place, block in enumerate(scores):
        mine = np.flatnonzero(able[:, place])
        if len(mine):
            lists = top_k(Scores(block[mine]), bitset.pack(allowed[mine] & told[place]), _NEAR)
            rows = np.repeat(mine, lists.lengths)
            near[rows, lists.products[lists.filled]] = True
    return near


def _padded(near: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return each row's columns, ascending, padded to one length, and which are none."""
    lengths = near.sum(axis=1)
    there = np.arange(lengths.max()) < lengths[:, None]
    columns = np.zeros(there.shape, np.int64)
    columns[there] = np.nonzero(near)[1]
    return columns, there


def _joined(parts: Sequence[Judged]) -> Judged | None:
    """Put the users of several parts below each other."""
    if len(parts) < 2:
        return parts[0] if parts else None
    width = max(part.allowed.shape[1] for part in parts)
    starts = np.cumsum([0, *(len(part.allowed) for part in parts)])

    def padded(array: NDArray[np.generic]) -> NDArray[np.generic]:
        more = [(0, 0)] * (array.ndim - 1) + [(0, width - array.shape[-1])]
        return np.pad(array, more)

    return Judged(
        np.concatenate([padded(part.scores) for part in parts], axis=1),
        np.concatenate([padded(part.known) for part in parts], axis=1),
        np.concatenate([part.able for part in parts]),
        np.concatenate([padded(part.allowed) for part in parts]),
        np.concatenate([part.users + at for part, at in zip(parts, starts, strict=False)]),
        np.concatenate([part.columns for part in parts]),
    )


def best_of(judged: Sequence[Judged], rankers: Sequence[int]) -> int:
    """Return which of some rankers alone has the highest nDCG@10 over users, then splits.

    The first one unless the best exceeds it by more than one standard error of the difference.
    """
    if not judged:
        return rankers[0]
    parts = _parts(judged)
    values = [_ndcg(judged, np.eye(len(judged[0].scores))[ranker]) for ranker in rankers]
    best = int(np.argmax([parts @ value for value in values]))
    return rankers[best] if _better(values[best] - values[0], parts) else rankers[0]


def learn_weights(judged: Sequence[Judged], rankers: int) -> NDArray[np.float64]:
    """Find weights of 0 or more, of sum 1, with a high nDCG@10 over users, then splits.

    The measure is a step function of the weights, so there is no gradient: from equal weights, one
    weight at a time is multiplied, divided or dropped, in ever smaller steps, for as long as that
    helps by more than one standard error of the difference over users. Lesser gains are as
    likely to be the inner past's own, and leave weights nearer to equal. Without users they
    are equal.

    Args:
        judged: Users of several inner splits.
        rankers: How many weights there are.

    Source:
        The rule of one standard error: Breiman and others, "Classification and Regression Trees",
        1984, section 3.4.3, here on paired differences.
    """
    weights = np.full(rankers, 1 / rankers)
    if not judged:
        return weights
    parts, values = _parts(judged), _ndcg(judged, weights)
    for factor in _FACTORS:
        for _ in range(_ROUNDS):
            before = weights
            for ranker in range(rankers):
                base = weights[ranker] or _REVIVED * weights.max()
                for value in (base * factor, base / factor, 0.0):
                    tried = weights.copy()
                    tried[ranker] = value
                    if not tried.any():
                        continue
                    tried /= tried.sum()
                    found = _ndcg(judged, tried)
                    if _better(found - values, parts):
                        weights, values = tried, found
            if weights is before:
                break
    return weights


def _parts(judged: Sequence[Judged]) -> NDArray[np.float64]:
    """Return what part of a mean over users, then splits, each user is."""
    sizes = [len(one.allowed) for one in judged]
    return np.repeat(1 / np.array(sizes) / len(judged), sizes)


def _ndcg(judged: Sequence[Judged], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([one.ndcg(weights) for one in judged])


def _better(gains: NDArray[np.float64], parts: NDArray[np.float64]) -> bool:
    """Return whether the mean gain exceeds its standard error; users count by their parts."""
    mean = float(parts @ gains)
    error = float(np.sqrt(parts**2 @ (gains - mean) ** 2))
    return mean > error and mean > _ROUNDING
