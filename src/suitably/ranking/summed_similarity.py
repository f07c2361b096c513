"""Base class of rankers whose similarities follow from inner products, which add up over users."""

import copy
from collections.abc import Mapping
from typing import Self

import numpy as np
from scipy import sparse

from suitably.ranking.interactions import Weighting
from suitably.ranking.similarity_ranker import SimilarityRanker
from suitably.ranking.summing import MOST_NUMBERS, Lines, Sums
from suitably.ranking.totals import Totals, core_of

__all__ = ["SummedSimilarity"]


class SummedSimilarity(SimilarityRanker):
    """A ranker that may learn how alike products are from everybody, in one step.

    It is then what a fit on everybody makes of it, up to the rounding of sums.
    """

    def steps(self, totals: Mapping[Weighting, Totals]) -> int:
        """Return 1, or 0 where there are over 8,192 products: pairs of them would be too many."""
        found = totals.get(self._weighting)
        return int(found is not None and len(found.known) ** 2 <= MOST_NUMBERS)

    def widened(self, totals: Mapping[Weighting, Totals]) -> Self:
        """Return the same ranker: a step needs nothing that some users have taught."""
        return self

    def sums(self, lines: Lines, totals: Mapping[Weighting, Totals], step: int) -> Sums:
        """Return the inner products of products over a group of users, and what goes with them."""
        everybody = totals[self._weighting]
        core = core_of(lines[self._weighting], everybody.known).astype(np.float64)
        return self._group_sums(core, everybody)

    def learned_from(self, sums: Sums, totals: Mapping[Weighting, Totals], step: int) -> Self:
        """Return a ranker that has learned what a fit on everybody learns."""
        made = copy.copy(self)
        for name in made.made_of_learned:
            made.__dict__.pop(name, None)
        everybody = totals[self._weighting]
        made._learn_sums(sums, everybody)
        made.known_ = everybody.known
        made._has_similar = made._find_similar()
        return made

    def _group_sums(self, core: sparse.csr_array, totals: Totals) -> Sums:
        """Return what a group of users adds up to.

        Args:
            core: CSR (users, known products), float64, which may be altered; every row has some.
            totals: Those of everybody.
        """
        raise NotImplementedError

    def _learn_sums(self, sums: Sums, totals: Totals) -> None:
        """Learn from the sums of everybody, as `_learn` does."""
        raise NotImplementedError
