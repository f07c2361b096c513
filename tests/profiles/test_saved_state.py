"""What a builder learns at its fit survives a save, and what it does not declare is named."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import suitably
from suitably.data import Dataset, View
from suitably.profiles import FieldInfo, RecencyFrequencyValue, RiskAppetite
from suitably.profiles.base import ParameterizedBuilder
from suitably.profiles.recency_frequency_value import RecencyFrequencyValueState
from suitably.testing import BuilderContract
from suitably.utils.state import undeclared_state
from support.banks import popular
from support.frames import rows_of


class Terciles(ParameterizedBuilder):
    """Which third of the users one is in by the number of events, as the thirds were at the fit."""

    described: ClassVar[dict[str, FieldInfo]] = {"third": FieldInfo("derived")}  # type: ignore[assignment]
    reads: ClassVar[tuple[str, ...]] = ()
    learned: ClassVar[tuple[str, ...]] = ("limits_",)
    state_type: ClassVar[type[RecencyFrequencyValueState]] = RecencyFrequencyValueState

    def __init__(self, parts: int = 3) -> None:
        self.parts = parts

    def accumulate(self, view: View) -> RecencyFrequencyValueState:
        counts = np.bincount(view.acquisitions.users, minlength=len(view.users))
        return RecencyFrequencyValueState(counts, None, None)

    def merge(self, a: Any, b: Any) -> Any:
        return RecencyFrequencyValue().merge(a, b)

    def finalise(self, state: RecencyFrequencyValueState, as_of: Any) -> pa.Table:
        return pa.table({"third": np.searchsorted(self.limits_, state.frequency)})

    def _learn(self, data: Dataset, as_of: Any) -> None:
        counts = self.accumulate(data.view(as_of)).frequency
        self.limits_ = np.quantile(counts, np.arange(1, self.parts) / self.parts)


class TestTerciles(BuilderContract):
    """One of the caller's own, which learns at its fit, keeps the contract."""

    def make(self) -> Terciles:
        return Terciles()


class Undeclared(Terciles):
    learned: ClassVar[tuple[str, ...]] = ()


def test_what_was_learned_comes_back(tmp_path: Path) -> None:
    pipeline = popular(7).fitted(profiles=[Terciles(parts=4)])
    pipeline.save(tmp_path / "model")
    loaded = suitably.load(tmp_path / "model", trusted=[Terciles])
    (builder,) = loaded.profiles
    assert repr(builder) == "Terciles(parts=4)"
    assert builder.limits_.tolist() == pipeline.profiles[0].limits_.tolist()
    assert builder.as_of_ == pipeline.profiles[0].as_of_
    data = popular(7).dataset()
    assert builder.transform(data).equals(pipeline.profiles[0].transform(data))
    assert rows_of(loaded.recommend().to_frame()) == rows_of(pipeline.recommend().to_frame())


def test_what_is_not_declared_is_named() -> None:
    builder = Undeclared().fit(popular().dataset(), popular().as_of)
    assert undeclared_state(builder) == ["limits_"]


def test_a_save_refuses_to_lose_it(tmp_path: Path) -> None:
    pipeline = popular().fitted(profiles=[Undeclared()])
    with pytest.raises(suitably.ArtifactError, match=r"Undeclared.*limits_"):
        pipeline.save(tmp_path / "model")
    assert not (tmp_path / "model").exists()


MOMENTS = ["2024-06-01", "2024-06-01T12:30:00.000001"]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin", "+02:00", "-05:30"])
@pytest.mark.parametrize(
    "builder", [RecencyFrequencyValue(frequent=2), RiskAppetite(date=None, valid_months=None)]
)
def test_the_moment_comes_back(builder: Any, zone: str | None, moment: str) -> None:
    times = pa.array([1_700_000_000_000_000], pa.timestamp("us", zone))
    log = pa.table({"user_id": ["a"], "product_id": ["x"], "timestamp": times})
    users = pa.table({"user_id": ["a", "b"], "risk_level": ["C1", None]})
    as_of = pd.Timestamp(moment)
    data = Dataset(users, None, log)
    builder.fit(data, as_of if zone is None else as_of.tz_localize(zone))
    again = type(builder).from_state(builder.state())
    assert again.as_of_ == builder.as_of_
    assert str(again.as_of_) == str(builder.as_of_)
    assert again.get_params() == builder.get_params()
    assert again.transform(data).equals(builder.transform(data))
    unfitted = type(builder).from_state(type(builder)().state())
    assert not hasattr(unfitted, "as_of_")


def test_without_timestamps_there_is_no_moment() -> None:
    log = pa.table({"user_id": ["a"], "product_id": ["x"]})
    builder = RecencyFrequencyValue().fit(Dataset(None, None, log))
    assert builder.as_of_ is None
    assert RecencyFrequencyValue.from_state(builder.state()).as_of_ is None
