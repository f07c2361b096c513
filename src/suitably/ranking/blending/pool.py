"""A logarithmic pool: members' scores on one scale, added up by their shares.

A member that does not know a product has no say in it: the product is as far from the user's mean
as the members that know it say, by their weights shared anew, and the mean is that of all members.
So the unknown is neither good nor bad, and where all members know a product this is the plain
weighted sum. A product of which no member that can score the user knows anything comes last.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suitably.ranking.blending.raw import Lines, RawScores
from suitably.ranking.blending.scale import add_on_scale, on_scale
from suitably.ranking.protocol import AskedUsers, Ranker, Scores, can_score

__all__ = ["PairPart", "Pool", "rescaled", "which_score"]

_CELLS = 2**16
_TOGETHER = 64  # lines that multiply products together, else reading these is most of the work
_SPARSE = 8  # lines made dense together, else slicing them is


@dataclass(frozen=True)
class PairPart:
    """What one member has to do with the score of a pair.

    Attributes:
        ranker: The member.
        share: Its weight among the members that have a say.
        value: What it says of the pair, on the common scale.
        raw: What it says of the pair itself.
    """

    ranker: Ranker
    share: float
    value: float
    raw: float


class Pool:
    """Pools fitted rankers; what is made of their products is kept.

    Args:
        rankers: The members.
        weights: float64 (rankers,), of sum 1.
    """

    def __init__(self, rankers: tuple[Ranker, ...], weights: NDArray[np.float64]) -> None:
        self.rankers = rankers
        self.weights = weights
        self._raw = tuple(RawScores() for _ in self.rankers)

    def scores(self, users: AskedUsers) -> Scores:
        """Return pooled scores: float32 (users, products), and what any member of weight knows."""
        shares = rescaled(self.weights, which_score(self.rankers, users))
        means = np.zeros(shares.shape)
        total = np.zeros((len(users), 0), np.float32)
        knows: list[NDArray[np.bool_]] = []
        pairs: list[tuple[NDArray[np.int64], NDArray[np.bool_] | None]] = []
        for place in range(len(self.rankers)):
            mine = np.flatnonzero(shares[:, place])
            # By the weight and not by who is asked: what is known must not depend on the block.
            if not len(mine) and not self.weights[place]:
                knows.append(np.zeros(0, bool))
                pairs.append((mine, None))
                continue
            lines = self._lines(place, users.take(mine))
            knows.append(lines.known)
            pairs.append((mine, lines.pairs))
            total = _wider(total, len(lines.known))
            part = shares[mine, place].astype(np.float32)
            means[mine, place] = _add(total, mine, part, lines)
        width = total.shape[1]
        told = np.stack([_longer(known, width) for known in knows])
        known = np.asarray(told[self.weights > 0].any(axis=0))
        _make_neutral(total, shares, means, told, known)
        return Scores(total, known, _pairs(pairs, told, self.weights > 0, len(users)))

    def pair(self, user: AskedUsers, product: int) -> tuple[tuple[PairPart, ...], float] | None:
        """Return what members say of one user and product, by share, and what nobody does.

        Returns:
            The score is Σ share · value + what nobody says; None where no member knows of either.
        """
        shares = rescaled(self.weights, which_score(self.rankers, user))[0]
        order = [place for place in np.argsort(-shares, kind="stable").tolist() if shares[place]]
        level, parts, inside = 0.0, [], []
        width = 0
        for place in order:
            lines = self._lines(place, user)
            raw = lines.of(slice(0, 1))
            scaled, mean = on_scale(raw, lines.known)
            level += shares[place] * mean.item()
            width = max(width, len(lines.known))
            if product < len(lines.known) and lines.known[product]:
                inside.append(mean.item())
                value, plain = float(scaled[0, product]), float(raw[0, product])
                parts.append(PairPart(self.rankers[place], float(shares[place]), value, plain))
        if product >= width:
            return None
        if not parts:
            return (), float(self.scores(user).block[0, product])
        if len(parts) == len(order):
            return tuple(parts), 0.0
        told = sum(part.share for part in parts)
        parts = [PairPart(p.ranker, p.share / told, p.value, p.raw) for p in parts]
        rest = level - sum(p.share * mean for p, mean in zip(parts, inside, strict=True))
        return tuple(parts), rest

    def _lines(self, place: int, users: AskedUsers) -> Lines:
        return self._raw[place].of(self.rankers[place], users)


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


def _add(
    total: NDArray[np.float32], users: NDArray[np.int64], shares: NDArray[np.float32], lines: Lines
) -> NDArray[np.float64]:
    """Add a member's scores on the scale to its users', and return its mean for each of them."""
    which = np.arange(len(users)) if lines.which is None else lines.which
    order = np.argsort(which, kind="stable")
    users, shares = users[order], shares[order]
    starts = np.searchsorted(which[order], np.arange(len(lines) + 1))
    products = len(lines.known)
    several = max(1, _CELLS // max(1, products))
    if lines.products is not None:
        several = max(_TOGETHER, several)
    elif lines.is_sparse:
        several = max(_SPARSE, several)
    room = lines.room(max(1, min(len(lines), several)))
    means = np.zeros(len(lines))
    for start in range(0, len(lines), several):
        bounds = starts[start : start + several + 1]
        inside = slice(bounds[0], bounds[-1])
        means[start : start + several] = add_on_scale(
            lines.of(slice(start, start + several), room),
            lines.known,
            bounds - bounds[0],
            users[inside],
            shares[inside],
            total,
        )
    return means[which]


def _make_neutral(
    total: NDArray[np.float32],
    shares: NDArray[np.float64],
    means: NDArray[np.float64],
    told: NDArray[np.bool_],
    known: NDArray[np.bool_],
) -> None:
    """Share weights anew where a member that has a say in a user's list does not know a product.

    Args:
        total: (users, products), sums of shares of what is known; written to.
        shares: (users, members).
        means: (users, members), on the scale.
        told: bool (members, products), which member knows what.
        known: bool (products,), of which products anything is known at all.
    """
    asked = shares.any(axis=0)
    odd = np.flatnonzero(known & ~told[asked].all(axis=0))
    if not len(odd):
        return
    kinds, kind = _patterns(told[:, odd])
    level = (shares * means).sum(axis=1)
    silent = np.zeros((len(total), len(kinds)), bool)
    for at, knows in enumerate(kinds):
        lacking = ((shares > 0) & ~knows).any(axis=1)
        share = (shares * knows).sum(axis=1)
        silent[:, at] = share == 0
        rows = np.flatnonzero(lacking & (share > 0))
        columns = odd[kind == at]
        inside = (shares * means * knows).sum(axis=1)
        step = max(1, _CELLS // len(columns))
        for start in range(0, len(rows), step):
            some = rows[start : start + step]
            cells = np.ix_(some, columns)
            away = (total[cells] - inside[some, None]) / share[some, None]
            total[cells] = level[some, None] + away
    for row in np.flatnonzero(silent.any(axis=1)).tolist():
        unheard = odd[silent[row, kind]]
        heard = known.copy()
        heard[unheard] = False
        total[row, unheard] = total[row, heard].min(initial=np.inf) if heard.any() else 0


def _pairs(
    pairs: Sequence[tuple[NDArray[np.int64], NDArray[np.bool_] | None]],
    told: NDArray[np.bool_],
    weighty: NDArray[np.bool_],
    users: int,
) -> NDArray[np.bool_] | None:
    """Return of which pairs a member of weight knows anything; None: of all known products.

    Args:
        pairs: Of each member, whom it can score, and of which pairs of theirs it knows anything;
            None: of its products.
        told: bool (members, products), which member knows what.
        weighty: bool (members,).
        users: How many there are.
    """
    if all(mine is None for _, mine in pairs):
        return None
    found = np.zeros((users, told.shape[1]), bool)
    for place in np.flatnonzero(weighty).tolist():
        rows, mine = pairs[place]
        if mine is None:
            found[rows] |= told[place]
        else:
            found[rows, : mine.shape[1]] |= mine
    return found


def _patterns(told: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return the distinct columns: bool (patterns, members); and each column's: (products,)."""
    packed = np.packbits(told, axis=0)
    if len(packed) == 1:
        codes = packed[0]
    else:
        codes = np.ascontiguousarray(packed.T).view(f"V{len(packed)}")[:, 0]
    _, first, kind = np.unique(codes, return_index=True, return_inverse=True)
    return told.T[first], kind


def _longer(known: NDArray[np.bool_], width: int) -> NDArray[np.bool_]:
    more = width - len(known)
    return np.pad(known, (0, more)) if more else known


def _wider(total: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    more = width - total.shape[1]
    if more <= 0:
        return total
    if not total.shape[1]:
        return np.zeros((len(total), width), np.float32)
    return np.hstack([total, np.zeros((len(total), more), np.float32)])
