"""Minimums that no plan meets: which limits are in conflict, as few as possible."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from suitably.decisions.allocation.problem import (
    Constraints,
    InfeasibleError,
    OfferSource,
    OfferTable,
)

__all__ = ["conflict"]

_BUDGET, _PER_USER = -1, -2
_INTEGER = 1_000  # unknowns, up to which only whole offers count
_KINDS = 100  # kinds of users told apart, the most frequent ones
_PAIRS = 400  # pairs tried one by one


def conflict(
    source: OfferSource, offers: OfferTable, constraints: Constraints
) -> InfeasibleError | None:
    """Return the error that names an irreducible set of limits which no plan can meet together.

    Whether a plan exists does not depend on nets, and users who may be made the same offers, of
    those that minimums ask for, are alike. So the question is asked of counts by kind of user, and
    halved again and again (QuickXplain, Junker 2004). Single limits and pairs are tried first, if
    they are not too many. None: no conflict was found; rare kinds of users are not told apart.
    """
    question = _Question(source, offers, constraints)
    minimums = np.flatnonzero(constraints.fewest > 0).tolist()
    others = np.flatnonzero(constraints.most < 2**62).tolist()
    alone = [_BUDGET] * (constraints.budget is not None) + [_PER_USER]
    candidates = [*alone, *dict.fromkeys([*others, *minimums])]
    found = _few(question, minimums, candidates)
    if found is None and not question.feasible(candidates, alike=True):
        rough = partial(question.feasible, alike=True)
        found = _explained(question.feasible, [], _explained(rough, [], candidates, False), False)
    if found is None:
        if question.feasible(candidates):
            return None
        found = _explained(question.feasible, [], candidates, False)
    limits = tuple(sorted(limit for limit in found if limit >= 0))
    return InfeasibleError(limits, _BUDGET in found, _PER_USER in found)


def _few(
    question: "_Question", minimums: Sequence[int], candidates: Sequence[int]
) -> list[int] | None:
    """Return one limit, or two, that cannot be met; None if there are none, or too many to try."""
    for limit in minimums:
        if not question.feasible([limit]):
            return [limit]
    if len(minimums) * len(candidates) > _PAIRS:
        return None
    for limit in minimums:
        for other in candidates:
            if other != limit and not question.feasible([limit, other]):
                return [limit, other]
    return None


def _explained(
    feasible: Callable[[list[int]], bool],
    given: list[int],
    candidates: list[int],
    changed: bool,
) -> list[int]:
    """Return candidates that conflict with each other and those given, none of them needlessly."""
    if changed and not feasible(given):
        return []
    if len(candidates) == 1:
        return candidates
    half = len(candidates) // 2
    first, second = candidates[:half], candidates[half:]
    later = _explained(feasible, given + first, second, bool(first))
    return _explained(feasible, given + later, first, bool(later)) + later


class _Question:
    """Whether some of the limits can be met together."""

    def __init__(self, source: OfferSource, offers: OfferTable, constraints: Constraints) -> None:
        self.offers = offers
        self.constraints = constraints
        self.asked = np.flatnonzero(constraints.wanted)

        def work(_: NDArray[np.int64], nets: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
            bits = np.packbits(nets[:, self.asked] > -np.inf, axis=1)
            return np.unique(bits, axis=0, return_counts=True)

        kinds: Counter[bytes] = Counter()
        for _, (bits, counts) in source.map(work):
            for row, count in zip(bits, counts.tolist(), strict=True):
                kinds[row.tobytes()] += count
        some = sorted(kinds, key=lambda one: (-kinds[one], one))
        packed = np.frombuffer(b"".join(some), np.uint8).reshape(
            len(some), -(-len(self.asked) // 8)
        )
        able = np.unpackbits(packed, axis=1, count=len(self.asked)).astype(bool)
        counts = np.array([kinds[one] for one in some], np.int64)
        # What is rare is one kind, and so are all users where they are taken to be alike.
        self.able, self.counts = able[:_KINDS], counts[:_KINDS]
        self.rest, self.all = (able[_KINDS:], counts[_KINDS:]), (able, counts)

    def feasible(self, active: Sequence[int], alike: bool = False) -> bool:
        """Return whether these limits can be met, whatever becomes of the others.

        Args:
            active: The limits.
            alike: Whether users are taken to be of one kind: then, if not, not of many either.
        """
        constraints = self.constraints
        limits = np.array([limit for limit in active if limit >= 0], np.int64)
        fewest, most = constraints.fewest[limits], constraints.most[limits]
        if (fewest > most).any():
            return False
        needed: NDArray[np.bool_] = np.any(constraints.members[limits[fewest > 0]], axis=0)
        columns = np.flatnonzero(needed[self.asked])
        if not len(columns):
            return not (fewest > 0).any()
        able, caps, total = self._grouped(columns, alike)
        kind, column = np.nonzero(able)
        of, ends = self.asked[columns[column]], able[kind, column]
        if not len(of):
            return False
        members = constraints.members[limits][:, of].astype(float)
        capped = most < 2**62
        product = kind * (self.offers.products.max() + 1) + self.offers.products[of]
        rows: list[Any] = [_indicator(product), members[capped], -members[fewest > 0]]
        right = [caps[kind, column][_firsts(product)], most[capped], -fewest[fewest > 0]]
        if _PER_USER in active:
            rows.append(_indicator(kind))
            right.append(constraints.per_user * total[kind[_firsts(kind)]])
        if _BUDGET in active:
            rows.append(self.offers.costs[of][None])
            right.append(np.array([constraints.budget]))
        found = milp(
            np.zeros(len(of)),
            integrality=np.full(len(of), int(len(of) <= _INTEGER)),
            bounds=Bounds(0, ends),
            constraints=LinearConstraint(
                sparse.vstack([sparse.csr_array(part) for part in rows], format="csr"),
                -np.inf,
                np.concatenate(right).astype(float),
            ),
        )
        return bool(found.status != 2)

    def _grouped(
        self, columns: NDArray[np.int64], alike: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return how many users of each kind there are for offers, for their products, and in all.

        The last kind is that of all who are not told apart.
        """
        products = self.offers.products[self.asked[columns]]
        able, counts = self.all if alike else self.rest
        rest = able[:, columns].astype(np.int64)
        of_product = np.stack([rest[:, products == product].any(axis=1) for product in products], 1)
        offers, caps = (counts @ rest)[None], (counts @ of_product)[None]
        total = np.array([counts @ rest.any(axis=1)])
        if alike:
            return offers, caps, total
        kinds, group = np.unique(self.able[:, columns], axis=0, return_inverse=True)
        several = np.bincount(group.ravel(), self.counts, len(kinds)).astype(np.int64)
        whole = np.broadcast_to(several[:, None], kinds.shape)
        return (
            np.concatenate([kinds * several[:, None], offers]),
            np.concatenate([whole, caps]),
            np.append(several, total),
        )


def _firsts(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.unique(groups, return_index=True)[1]


def _indicator(groups: NDArray[np.int64]) -> Any:
    """Return a matrix with a row per group that occurs, in order."""
    _, row = np.unique(groups, return_inverse=True)
    return sparse.csr_array((np.ones(len(groups)), (row, np.arange(len(groups)))))
