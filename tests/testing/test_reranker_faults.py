"""The contract of rerankers catches what goes wrong with rerankers."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from suitably.ranking import Lists
from suitably.reranking import Caps, Diversity
from suitably.testing import RerankerContract


class WritesIntoTheLists(Diversity):
    def rerank(self, lists: Lists, context: Any, k: int) -> Lists:
        lists.scores[:] *= 2
        return super().rerank(lists, context, k)


class LooksAtTheOthers(Caps):
    def rerank(self, lists: Lists, context: Any, k: int) -> Lists:
        self.most = 1 if lists.lengths.sum() > 8 else 2
        return super().rerank(lists, context, k)


class GoesOnPastTheEnd(Diversity):
    def rerank(self, lists: Lists, context: Any, k: int) -> Lists:
        whole = replace(lists, lengths=np.full_like(lists.lengths, lists.depth))
        return super().rerank(whole, context, k)


class SaysNothingOfItself(Diversity):
    def check_params(self) -> None:
        if self.weight == 9:
            raise ValueError("must be from 0 to 1")


@pytest.mark.parametrize(
    ("reranker", "test", "given"),
    [
        (WritesIntoTheLists, "test_it_reorders_or_drops", {"seed": 5}),
        (LooksAtTheOthers, "test_the_block_does_not_matter", {"seed": 4}),
        (GoesOnPastTheEnd, "test_nobody_and_nothing", {}),
        (SaysNothingOfItself, "test_parameters_out_of_range", {}),
    ],
)
def test_a_fault_is_caught(reranker: Any, test: str, given: dict[str, int]) -> None:
    class Contract(RerankerContract):
        def make(self) -> Any:
            return reranker()

        def bad(self) -> list[Any]:
            return [reranker(weight=9)]

    with pytest.raises(AssertionError):
        getattr(Contract(), test)(**given)
