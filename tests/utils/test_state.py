"""Nothing learned is lost on the way through a save: what is not declared is named."""

from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

import suitably as st
from suitably.profiles import RecencyFrequencyValue, RiskAppetite
from suitably.ranking import ALS, BPR, EASE, Blend, ItemKNN, LogisticMF, Popularity, Spectral
from suitably.reranking import Calibration, Caps, ConcentrationLimit, Determinantal, Diversity
from suitably.utils.params import Parameterized
from suitably.utils.state import undeclared_state
from support.banks import bought, popular


class Forgetful(Parameterized):
    """It learns a mean and says nothing of it."""

    def __init__(self, by: str = "income") -> None:
        self.by = by

    def fit(self) -> Self:
        self.mean_ = 3.5
        return self


class Declared(Forgetful):
    def state(self) -> dict[str, Any]:
        return {"by": self.by, "mean": self.mean_}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        made = cls(state["by"])
        made.mean_ = state["mean"]
        return made


class Half(Declared):
    """It declares one of the two attributes that it learns."""

    def fit(self) -> Self:
        self._limits = np.array([1.0, 2.0])
        return super().fit()


class Preset(Declared):
    """Its constructor sets what the fit learns, so that the name is always there."""

    def __init__(self, by: str = "income") -> None:
        super().__init__(by)
        self.levels: Any = None
        self._count = 0

    def fit(self) -> Self:
        self.levels, self._count = ["low", "high"], 7
        return super().fit()


class Elsewhere(Declared):
    """It keeps under another name what its state holds."""

    def fit(self) -> Self:
        super().fit()
        self._table = np.full(3, self.mean_)
        return self

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        made = super().from_state(state)
        made._table = np.full(3, made.mean_)
        return made

    @cached_property
    def total(self) -> float:
        return float(self._table.sum())


class Plain:
    """No base, no parameters, no state."""

    def fit(self) -> Self:
        self.seen = {"u0"}
        return self


@pytest.mark.parametrize(
    ("part", "names"),
    [
        (Forgetful(), []),
        (Forgetful().fit(), ["mean_"]),
        (Declared().fit(), []),
        (Half().fit(), ["_limits"]),
        (Preset().fit(), ["levels", "_count"]),
        (Elsewhere().fit(), []),
        (Plain(), []),
        (Plain().fit(), ["seen"]),
    ],
)
def test_what_would_be_lost(part: Any, names: list[str]) -> None:
    assert undeclared_state(part) == names


def test_caches_are_not_learned() -> None:
    part = Elsewhere().fit()
    assert part.total == 10.5
    assert "total" in vars(part)
    assert undeclared_state(part) == []


def test_a_value_that_differs_is_lost() -> None:
    class Rounded(Declared):
        def state(self) -> dict[str, Any]:
            return {"by": self.by, "about": round(self.mean_)}

        @classmethod
        def from_state(cls, state: dict[str, Any]) -> Self:
            made = cls(state["by"])
            made.mean_ = float(state["about"])
            return made

    assert undeclared_state(Rounded().fit()) == ["mean_"]


@pytest.mark.parametrize(
    "ranker",
    [
        Popularity(by="risk_level"),
        ItemKNN(),
        EASE(),
        Spectral(),
        ALS(factors=2),
        BPR(factors=2),
        LogisticMF(factors=2),
        Blend([Popularity(), EASE()]),
    ],
    ids=lambda ranker: type(ranker).__name__,
)
def test_the_rankers_declare_all_they_learn(ranker: Any, tmp_path: Path) -> None:
    bank = popular().but(events=bought((0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (3, 0)))
    pipeline = bank.fitted(ranker, fallback=None)
    pipeline.save(tmp_path / "model")
    pipeline.ranker_.extra_ = 3  # type: ignore[attr-defined]
    with pytest.raises(st.ArtifactError, match=f"{type(ranker).__name__}.*extra_"):
        pipeline.save(tmp_path / "model")


def test_builders_and_rerankers_declare_all_they_learn() -> None:
    bank = popular()
    for builder in (RecencyFrequencyValue(frequent=2), RiskAppetite(valid_months=6)):
        builder.fit(bank.dataset(), bank.as_of)
        assert undeclared_state(builder) == []
    for reranker in (Calibration(), Caps(), ConcentrationLimit(), Determinantal(), Diversity()):
        assert undeclared_state(reranker) == []
