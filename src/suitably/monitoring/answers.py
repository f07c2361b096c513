"""Answers: lists that were drawn up alike, without what drew them up."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suitably.model.state import FittedState, Snapshot
from suitably.pipeline.generate import ListGenerator
from suitably.ranking.topk.lists import Lists
from suitably.recommendations import Recommendations
from suitably.utils.bitset import BitRows

__all__ = ["Answers", "Kind", "kind_of"]


Kind = tuple[int, int, int, int, bool, bytes | None]
"""What answers that were given alike have in common, while any of them is held: the day, the room
in their lists, k, how the model looked (an object's identity), whether owned products were left
out, and what the caller narrowed the catalogue to."""


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
    def of(recs: Recommendations) -> "Answers":
        """Take those of a call."""
        generator, rows, out = recs.generator, recs.rows, None
        if generator.opt_out is not None:
            out = rows >= 0
            out[out] = generator.opted_out(rows[out])
        made_of = (generator.state, generator.snapshot, generator.narrowed, generator.k)
        return Answers(*made_of, generator.exclude_owned, rows, recs.lists, recs.stood_in, out)

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
            np.concatenate([part.rows for part in parts]),
            Lists.stack([part.lists for part in parts]),
            np.concatenate([part.stood_in for part in parts]),
            np.concatenate(out) if asked else None,
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


def kind_of(day: int, recs: Recommendations) -> Kind:
    """Return what answers have in common with others that were given alike."""
    generator: ListGenerator = recs.generator
    asked = generator.candidates
    among = None if asked is None else asked.tobytes()
    moment = id(generator.snapshot)
    return day, generator.depth, generator.k, moment, generator.exclude_owned, among
