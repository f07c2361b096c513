"""A ranker of the caller's own keeps the contract too."""

from pathlib import Path

import pytest

import suitably
from suitably.testing import RankerContract
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
