"""Lists of single users, in plain values: arrays of one row cost more to make than to fill."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from suitably.model.scoring import CatalogueScorer
from suitably.model.state import FittedState, Snapshot
from suitably.pipeline.switched_off import SwitchedOff
from suitably.ranking.protocol import AskedUsers
from suitably.ranking.topk.lists import Lists
from suitably.ranking.topk.single import best_of_one
from suitably.utils import bitset
from suitably.utils.bitset import BitRows

__all__ = ["SingleList", "SingleLists"]


class SingleList(NamedTuple):
    """A list as it was drawn up for one known user, best first, without rerankers.

    Attributes:
        products: Codes, positions in the catalogue.
        scores: Their scores.
        stood_in: Whether the ranker knows nothing of the user, so that the fallback ranked.
        candidates: How many products could have been listed.
        refused: How many the last check has dropped.
        owned: How many products pass every rule and are owned, where these are left out.
        rejected: Likewise turned down.
        unscored: How many are neither, and nothing is off, but have no score.
    """

    products: list[int]
    scores: list[float]
    stood_in: bool
    candidates: int
    refused: int
    owned: int
    rejected: int
    unscored: int

    def lists(self, depth: int) -> Lists:
        """Return it as lists of one user, with room for so many products."""
        made = Lists.empty(1, depth)
        made.products[0, : len(self.products)] = self.products
        made.scores[0, : len(self.scores)] = self.scores
        made.lengths[0] = len(self.products)
        return made


class SingleLists:
    """Draws up the lists of single users whom scores alone put in order.

    It is a generator of lists with all that does not depend on the user made once. What a user may
    be offered is one number, of which bit j is product j of the catalogue: a user costs more in
    calls of NumPy than in work.

    Args:
        state: What the model holds.
        snapshot: How it looks as of the moment.
        scorers: The scores of the fitted ranker, and of what ranks for those it does not know.
        depth: The most products in a list.
        exclude_owned: Whether owned products are left out.
        narrowed: Words (1, catalogue / 64), what the caller narrows the catalogue to.
        off: What is switched off; None: nothing is.
    """

    def __init__(
        self,
        state: FittedState,
        snapshot: Snapshot,
        scorers: Sequence[CatalogueScorer],
        depth: int,
        exclude_owned: bool,
        narrowed: BitRows,
        off: SwitchedOff | None,
    ) -> None:
        self._state, self._snapshot, self._off = state, snapshot, off
        self._users, self._scorers, self._first = state.users.ids, scorers, scorers[0]
        self._depth, self._exclude_owned = depth, exclude_owned
        self._octets = narrowed.shape[1] * 8
        self._narrowed = bitset.number(narrowed[0])
        self.left_out: int = len(state.positions) - self._narrowed.bit_count()
        """How many products of the catalogue the caller leaves out."""
        self._known: tuple[BitRows | None, int] = (None, 0)

    def of(self, rows: NDArray[np.int64]) -> SingleList:
        """Draw up the list of one known user: int64 (1,)."""
        row = rows.item()
        eligible, owned, rejected = self._eligible(row), self._owned(row), self._rejected(row)
        allowed = eligible & ~(owned | rejected)
        if self._off is not None:
            pairs = self._off.pairs(rows, self._snapshot.eligibility)
            allowed &= ~bitset.number(pairs[0])
        codes: list[int] = []
        values: list[float] = []
        candidates, stood_in = 0, False
        asked = AskedUsers(self._users, rows)
        for scorer in self._scorers:
            if scorer.can_score(asked).item():
                scores, known = scorer.scores(asked)
                candidates, stood_in = allowed & self._number_of(known), scorer is not self._first
                codes, values = best_of_one(scores, candidates, self._octets, self._depth)
                break
        # The final list is held against the mask, last of all.
        kept = [place for place, code in enumerate(codes) if allowed >> code & 1]
        refused = len(codes) - len(kept)
        if refused:
            codes, values = [codes[place] for place in kept], [values[place] for place in kept]
        several = candidates.bit_count()
        return SingleList(
            codes,
            values,
            stood_in,
            several,
            refused,
            (eligible & owned).bit_count(),
            (eligible & rejected).bit_count(),
            allowed.bit_count() - several,
        )

    def _eligible(self, row: int) -> int:
        return self._snapshot.eligibility.bits_of_one(row) & self._narrowed

    def _owned(self, row: int) -> int:
        return self._bits(self._state.excluded_of_one(row)) if self._exclude_owned else 0

    def _rejected(self, row: int) -> int:
        rejected = self._state.rejected_of_one(row, self._snapshot.as_of)
        return self._bits(rejected) if rejected else 0

    def _bits(self, products: Iterable[int]) -> int:
        octets = bytearray(self._octets)
        for product in products:
            octets[product >> 3] |= 1 << (product & 7)
        return int.from_bytes(octets, "little")

    def _number_of(self, known: BitRows) -> int:
        kept, found = self._known
        if kept is not known:
            found = bitset.number(known[0])
            self._known = known, found
        return found
