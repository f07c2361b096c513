"""Minimums that no plan meets: which limits are in conflict, as few as possible."""

from collections import Counter
from collections.abc import Sequence
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


def conflict(source: OfferSource, offers: OfferTable, constraints: Constraints) -> InfeasibleError:
    """Return the error that names an irreducible set of limits which no plan can meet together.

    Whether a plan exists does not depend on nets, and users who may be made the same offers, of
    those that minimums ask for, are alike. So the question is asked of counts by kind of user, and
    halved again and again (QuickXplain, Junker 2004). Single limits and pairs are tried first, if
    they are not too many.
    """
    question = _Question(source, offers, constraints)
    minimums = np.flatnonzero(constraints.fewest > 0).tolist()
    others = np.flatnonzero(constraints.most < 2**62).tolist()
    alone = [_BUDGET] * (constraints.budget is not None) + [_PER_USER]
    candidates = [*alone, *dict.fromkeys([*others, *minimums])]
    few = _few(question, minimums, candidates)
    found = few if few is not None else _explained(question, [], candidates, False)
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
    question: "_Question", given: list[int], candidates: list[int], changed: bool
) -> list[int]:
    """Return candidates that conflict with each other and those given, none of them needlessly."""
    if changed and not question.feasible(given):
        return []
    if len(candidates) == 1:
        return candidates
    half = len(candidates) // 2
    first, second = candidates[:half], candidates[half:]
    later = _explained(question, given + first, second, bool(first))
    return _explained(question, given + later, first, bool(later)) + later


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
        rest = counts[_KINDS:, None]
        # What is rare is one kind: some may take what in truth only others of them may.
        self.able = np.concatenate(
            [able[:_KINDS] * counts[:_KINDS, None], [(able[_KINDS:] * rest).sum(axis=0)]]
        )
        self.counts = np.append(counts[:_KINDS], rest.sum())

    def feasible(self, active: Sequence[int]) -> bool:
        """Return whether these limits can be met, whatever becomes of the others."""
        constraints = self.constraints
        limits = np.array([limit for limit in active if limit >= 0], np.int64)
        fewest, most = constraints.fewest[limits], constraints.most[limits]
        if (fewest > most).any():
            return False
        needed: NDArray[np.bool_] = np.any(constraints.members[limits[fewest > 0]], axis=0)
        columns = np.flatnonzero(needed[self.asked])
        if not len(columns):
            return True
        able, counts = self._grouped(columns)
        kind, column = np.nonzero(able)
        of, ends = self.asked[columns[column]], able[kind, column]
        if not len(of):
            return False
        members = constraints.members[limits][:, of].astype(float)
        capped = most < 2**62
        product = kind * (self.offers.products.max() + 1) + self.offers.products[of]
        rows: list[Any] = [_indicator(product), members[capped], -members[fewest > 0]]
        right = [counts[kind[_firsts(product)]], most[capped], -fewest[fewest > 0]]
        if _PER_USER in active:
            rows.append(_indicator(kind))
            right.append(constraints.per_user * counts[kind[_firsts(kind)]])
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

    def _grouped(self, columns: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return how many users of each kind there are for each of some offers, and in all."""
        kinds, group = np.unique(self.able[:-1, columns] > 0, axis=0, return_inverse=True)
        counts = np.bincount(group.ravel(), self.counts[:-1], len(kinds)).astype(np.int64)
        able = np.concatenate([kinds * counts[:, None], self.able[-1:, columns]])
        return able, np.append(counts, self.counts[-1])


def _firsts(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.unique(groups, return_index=True)[1]


def _indicator(groups: NDArray[np.int64]) -> Any:
    """Return a matrix with a row per group that occurs, in order."""
    _, row = np.unique(groups, return_inverse=True)
    return sparse.csr_array((np.ones(len(groups)), (row, np.arange(len(groups)))))
