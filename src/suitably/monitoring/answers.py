"""Answers: lists that were drawn up alike, without what drew them up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from suitably.model.state import FittedState, Snapshot
from suitably.pipeline.generate import ListGenerator
from suitably.ranking.topk.lists import Lists
from suitably.recommendations import Recommendations
from suitably.utils.bitset import BitRows

__all__ = ["Answers"]

_N = TypeVar("_N", bound=np.generic)


@dataclass(frozen=True)
class Answers:
    """Lists of many users that were drawn up alike.

    What drew them up is let go of: it may hold a mask of all users for each call.

    Attributes:
        state: What the model held.
        snapshot: How it looked as of the moment.
        narrowed: The products that could be listed: words (1, catalogue / 64).
        k: The most products in a list.
        exclude_owned: Whether owned products were left out.
        rows: int64 (users,), the users' positions, −1 where unknown.
        lists: Their lists.
        stood_in: bool (users,).
        opted_out: bool (users,); None: nobody was asked whether they have.
    """

    state: FittedState
    snapshot: Snapshot
    narrowed: BitRows
    k: int
    exclude_owned: bool
    rows: NDArray[np.int64]
    lists: Lists
    stood_in: NDArray[np.bool_]
    opted_out: NDArray[np.bool_] | None

    @staticmethod
    def of(made: Sequence[Recommendations]) -> "Answers":
        """Put the answers of several calls that are alike below each other."""
        first = made[0].generator
        asked = any(one.generator.opt_out is not None for one in made)
        return Answers(
            *(first.state, first.snapshot, first.narrowed, first.k, first.exclude_owned),
            _below([one.rows for one in made]),
            _stacked([one.lists for one in made]),
            _below([one.stood_in for one in made]),
            _below([_opted_out(one.generator, one.rows) for one in made]) if asked else None,
        )

    @staticmethod
    def stack(parts: "Sequence[Answers]") -> "Answers":
        """Put parts that are alike below each other."""
        first = parts[0]
        if len(parts) == 1:
            return first
        asked = any(one.opted_out is not None for one in parts)
        out = [np.zeros(len(p), bool) if p.opted_out is None else p.opted_out for p in parts]
        return Answers(
            *(first.state, first.snapshot, first.narrowed, first.k, first.exclude_owned),
            _below([part.rows for part in parts]),
            _stacked([part.lists for part in parts]),
            _below([part.stood_in for part in parts]),
            _below(out) if asked else None,
        )

    def take(self, places: NDArray[np.int64]) -> "Answers":
        """Return those of some users."""
        out = self.opted_out
        return Answers(
            *(self.state, self.snapshot, self.narrowed, self.k, self.exclude_owned),
            *(self.rows[places], self.lists.take(places), self.stood_in[places]),
            None if out is None else out[places],
        )

    def __len__(self) -> int:
        return len(self.rows)


def _stacked(lists: Sequence[Lists]) -> Lists:
    if len(lists) == 1:
        return lists[0]
    try:
        return Lists.stack(list(lists))
    except ValueError:  # a reranker may give one user less room than another
        depth = max(one.depth for one in lists)
        alike = [Lists.empty(len(one.lengths), depth) for one in lists]
        for room, one in zip(alike, lists, strict=True):
            room.put(np.arange(len(one.lengths)), one)
        return Lists.stack(alike)


def _opted_out(generator: ListGenerator, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    out, known = np.zeros(len(rows), bool), rows >= 0
    out[known] = generator.opted_out(rows[known])
    return out


def _below(parts: Sequence[NDArray[_N]]) -> NDArray[_N]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
