"""The contract of rankers catches what goes wrong with rankers."""

from typing import Any

import numpy as np
import pytest

from suitably.ranking import Popularity, Scores
from suitably.testing import RankerContract
from support.rankers import Cheapest


class LooksAtTheOthers(Cheapest):
    def scorer(self, user_ids: Any) -> Scores:
        found = super().scorer(user_ids)
        return Scores(found.block + len(user_ids), found.known)


class KnowsOneProductLess(Cheapest):
    def scorer(self, user_ids: Any) -> Scores:
        found = super().scorer(user_ids)
        return Scores(found.block[:, :-1], found.known)


class SaysNumbersForFlags(Cheapest):
    def can_score(self, user_ids: Any) -> Any:
        return super().can_score(user_ids).astype(int)


class FoldsIntoItself(Popularity):
    def fold_in(self, context: Any) -> Any:
        return self


class Random(Cheapest):
    def scorer(self, user_ids: Any) -> Scores:
        found = super().scorer(user_ids)
        return Scores(found.block + np.random.default_rng().random(6, np.float32), found.known)


@pytest.mark.parametrize(
    ("ranker", "test"),
    [
        (LooksAtTheOthers, "test_scores_do_not_depend_on_the_block"),
        (KnowsOneProductLess, "test_shapes"),
        (SaysNumbersForFlags, "test_shapes"),
        (FoldsIntoItself, "test_folding_in_returns_another_ranker"),
        (Random, "test_deterministic"),
    ],
)
def test_a_fault_is_caught(ranker: Any, test: str) -> None:
    class Contract(RankerContract):
        def make(self) -> Any:
            return ranker()

    with pytest.raises(AssertionError):
        getattr(Contract(), test)()
