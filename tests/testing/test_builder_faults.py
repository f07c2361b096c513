"""The contract of builders catches what goes wrong with builders."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from suitably.profiles import RecencyFrequencyValue, RiskAppetite
from suitably.profiles.recency_frequency_value import RecencyFrequencyValueState
from suitably.testing import BuilderContract


class ForgetsOnMerge(RecencyFrequencyValue):
    def merge(self, a: Any, b: Any) -> Any:
        merged = super().merge(a, b)
        return replace(merged, last=b.last) if len(a) == len(b) else merged


class WritesIntoTheState(RecencyFrequencyValue):
    def merge(self, a: Any, b: Any) -> Any:
        if len(a) < len(b):
            return super().merge(a, b)
        a.frequency[:] += b.frequency
        return replace(super().merge(a, b), frequency=a.frequency)


class DoesNotPad(RecencyFrequencyValue):
    def merge(self, a: Any, b: Any) -> Any:
        return RecencyFrequencyValueState(a.frequency + b.frequency, None, None)


class DoesNotAge(RecencyFrequencyValue):
    def accumulate(self, view: Any) -> Any:
        recent = view.events.times >= view.as_of - np.timedelta64(90, "D")
        return super().accumulate(replace(view, events=view.events.take(recent)))


class CountsEverybody(RecencyFrequencyValue):
    seen = 0

    def accumulate(self, view: Any) -> Any:
        made = super().accumulate(view)
        self.seen += 1
        return replace(made, frequency=made.frequency + self.seen)


class TypesByWhatItFinds(RecencyFrequencyValue):
    def finalise(self, state: Any, as_of: Any) -> Any:
        made = super().finalise(state, as_of)
        if state.frequency.any():
            return made
        return made.set_column(1, "frequency", made["frequency"].cast("float64"))


class LearnsInSecret(RecencyFrequencyValue):
    def _learn(self, data: Any, as_of: Any) -> None:
        self.mean_ = 3.0


class MisnamesItsFields(RiskAppetite):
    fields = ("risk_level", "review")


class AltersItsParameters(RiskAppetite):
    def __init__(self, level: str = "risk_level") -> None:
        super().__init__(level.upper().lower())


CAUGHT = [
    (ForgetsOnMerge, "test_merging_in_any_split_is_a_rebuild"),
    (WritesIntoTheState, "test_merging_leaves_both_states_as_they_were"),
    (DoesNotPad, "test_new_users_are_appended"),
    (DoesNotAge, "test_a_state_ages_as_a_rebuild_does"),
    (CountsEverybody, "test_a_moment_of_the_past_is_a_history_cut_there"),
    (TypesByWhatItFinds, "test_types_do_not_depend_on_what_happened"),
    (LearnsInSecret, "test_what_it_learned_comes_back"),
    (MisnamesItsFields, "test_a_row_per_user"),
    (AltersItsParameters, "test_parameters_make_an_equal_part"),
]


@pytest.mark.parametrize(("builder", "test"), CAUGHT)
def test_a_fault_is_caught(builder: type, test: str) -> None:
    class Contract(BuilderContract):
        def make(self) -> Any:
            return builder()

    with pytest.raises((AssertionError, ValueError)):
        getattr(Contract(), test)()
