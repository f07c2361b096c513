"""A ranker of the caller's own keeps the contract too."""

from pathlib import Path
from typing import Self

import pytest

import suitably
from suitably.ranking import FitContext
from suitably.testing import RankerContract
from support.banks import seven
from support.rankers import Cheapest


class TestCustom(RankerContract):
    trusted = (Cheapest,)
    scores_unsold = True

    def make(self) -> Cheapest:
        return Cheapest()

    def test_loading_wants_it_named(self, tmp_path: Path) -> None:
        self.fitted_pipeline().save(tmp_path / "model")
        with pytest.raises(suitably.ArtifactError, match=r"Cheapest.*trusted"):
            suitably.load(tmp_path / "model")


class Forgetful(Cheapest):
    """It learns more than its state says."""

    def fit(self, context: FitContext) -> Self:
        self.seen_ = len(context.data.events)
        return super().fit(context)


def test_what_its_state_does_not_hold_is_refused_at_a_save(tmp_path: Path) -> None:
    pipeline = seven().fitted(Forgetful(), fallback=None)
    with pytest.raises(suitably.ArtifactError, match=r"Forgetful.*seen_"):
        pipeline.save(tmp_path / "model")
