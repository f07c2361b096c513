"""Weights of a blend, learned by how well the blended lists meet what users did next."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suitably.metrics.accuracy import ndcg
from suitably.metrics.metric_input import Hits
from suitably.ranking.blending.scale import on_scale, widened
from suitably.ranking.inner_split import InnerSplit
from suitably.ranking.protocol import AskedUsers, Ranker, can_score, score

__all__ = ["Judged", "judge", "learn_weights", "rescaled", "which_score"]

DEPTH = 10
_FACTORS = (4.0, 2.0, 1.4)
_ROUNDS = 6
_REVIVED = 0.05
_ROUNDING = 1e-9
_CELLS = 2**20


@dataclass(frozen=True)
class Judged:
    """Users of one inner split, what each ranker says of them, and what they acquired.

    Attributes:
        scores: float32 (rankers, users, products), on one scale.
        able: bool (users, rankers), which rankers can score whom.
        allowed: bool (users, products), what may be ranked.
        users: int64 (n,), places of users; a row per acquired pair.
        products: int64 (n,), what they acquired, allowed all of it.
    """

    scores: NDArray[np.float32]
    able: NDArray[np.bool_]
    allowed: NDArray[np.bool_]
    users: NDArray[np.int64]
    products: NDArray[np.int64]

    def ndcg(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return each user's nDCG@10 under some weights: float64 (users,)."""
        shares = rescaled(weights, self.able).astype(np.float32)
        blended = np.zeros(self.allowed.shape, np.float32)
        for ranker, scores in enumerate(self.scores):
            blended += shares[:, ranker, None] * scores
        blended[~self.allowed] = -np.inf
        own = blended[self.users, self.products]
        depth = min(DEPTH, len(blended.T))
        # Only what reaches the list needs a rank, and ranking all of it would be most of the work.
        last = np.partition(blended, -depth, axis=1)[:, -depth]
        near = np.flatnonzero(own >= last[self.users])
        users, products = self.users[near], self.products[near]
        lines, mine = blended[users], own[near][:, None]
        before = np.arange(len(blended.T)) < products[:, None]
        rank = ((lines > mine) | ((lines == mine) & before)).sum(axis=1)
        listed = rank < DEPTH
        found = np.zeros((len(blended), DEPTH), bool)
        found[users[listed], rank[listed]] = True
        lengths = np.minimum(self.allowed.sum(axis=1), DEPTH)
        relevant = np.bincount(self.users, minlength=len(blended))
        return ndcg(Hits(found, lengths, relevant), DEPTH)


def which_score(rankers: Sequence[Ranker], users: AskedUsers) -> NDArray[np.bool_]:
    """Return which ranker can score whom: bool (users, rankers)."""
    return np.stack([can_score(ranker, users) for ranker in rankers], axis=1)


def rescaled(weights: NDArray[np.float64], able: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share weights of 1 among the rankers that can score a user: float64 (users, rankers).

    Where those that can have no weight, they count alike.
    """
    shares = weights * able
    shares[~shares.any(axis=1)] = 1
    shares *= able
    total = shares.sum(axis=1, keepdims=True)
    total[total == 0] = 1
    return np.asarray(shares / total)


def judge(rankers: Sequence[Ranker], split: InnerSplit) -> Judged | None:
    """Let rankers say something of those who acquired something and whom two of them can score.

    Where these are many, as many as fit into a block of memory, evenly spaced.

    Returns:
        None without such users, or if no ranker knows what they acquired.
    """
    view = split.past.data
    users = np.unique(split.users)
    able = which_score(rankers, AskedUsers(view.users.ids, users))
    users = users[able.sum(axis=1) > 1]
    users = users[:: -(-len(users) * len(view.products) // _CELLS) or 1]
    asked = AskedUsers(view.users.ids, users)
    able = which_score(rankers, asked)
    scores = np.zeros((len(rankers), len(users), len(view.products)), np.float32)
    known = np.zeros(len(view.products), bool)
    for place, ranker in enumerate(rankers):
        mine = np.flatnonzero(able[:, place])
        if len(mine):
            found, knows = on_scale(score(ranker, asked.take(mine)))
            scores[place, mine] = widened(found, len(known))
            known[: len(knows)] |= knows
    columns = np.flatnonzero(known)
    allowed = split.allowed(users)[:, columns]
    rows, places = (_places(*pair) for pair in ((users, split.users), (columns, split.products)))
    wanted = (rows >= 0) & (places >= 0)
    wanted[wanted] = allowed[rows[wanted], places[wanted]]
    kept, rows = np.unique(rows[wanted], return_inverse=True)
    if not len(kept):
        return None
    return Judged(scores[:, kept][:, :, columns], able[kept], allowed[kept], rows, places[wanted])


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
    sizes = [len(one.allowed) for one in judged]
    parts = np.repeat(1 / np.array(sizes) / len(judged), sizes)
    values = _ndcg(judged, weights)
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


def _ndcg(judged: Sequence[Judged], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([one.ndcg(weights) for one in judged])


def _better(gains: NDArray[np.float64], parts: NDArray[np.float64]) -> bool:
    """Return whether the mean gain exceeds its standard error; users count by their parts."""
    mean = float(parts @ gains)
    error = float(np.sqrt(parts**2 @ (gains - mean) ** 2))
    return mean > error and mean > _ROUNDING


def _places(among: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the place of each in an ascending array, −1 where it is not there."""
    if not len(among):
        return np.full(len(wanted), -1)
    places = np.minimum(np.searchsorted(among, wanted), len(among) - 1)
    return np.where(among[places] == wanted, places, -1)
