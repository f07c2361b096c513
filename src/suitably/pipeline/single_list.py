"""The list of a single user, in plain values: arrays of one row cost more to make than to fill."""

from typing import NamedTuple

import numpy as np

from suitably.ranking.topk.lists import Lists
from suitably.utils.bitset import BitRows

__all__ = ["SingleList"]


class SingleList(NamedTuple):
    """A list as it was drawn up for one known user, best first, without rerankers.

    Attributes:
        products: Codes, positions in the catalogue.
        scores: Their scores.
        stood_in: Whether the ranker knows nothing of the user, so that the fallback ranked.
        candidates: How many products could have been listed.
        refused: How many the last check has dropped.
    """

    products: list[int]
    scores: list[float]
    stood_in: bool
    candidates: int
    refused: int

    def checked(self, allowed: BitRows) -> "SingleList":
        """Hold the list against the mask, words (1, catalogue / 64), last of all."""
        octets = memoryview(allowed.view(np.uint8)[0])
        legal = [octets[code >> 3] >> (code & 7) & 1 for code in self.products]
        if all(legal):
            return self
        kept = [place for place, passes in enumerate(legal) if passes]
        return self._replace(
            products=[self.products[place] for place in kept],
            scores=[self.scores[place] for place in kept],
            refused=len(legal) - len(kept),
        )

    def lists(self, depth: int) -> Lists:
        """Return it as lists of one user, with room for so many products."""
        made = Lists.empty(1, depth)
        made.products[0, : len(self.products)] = self.products
        made.scores[0, : len(self.scores)] = self.scores
        made.lengths[0] = len(self.products)
        return made
