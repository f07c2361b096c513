"""What cannot be decided: not evaluable and why, or an error that says what to pass."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from suitably.data.splits import Split
from suitably.errors import SuitabilityWarning
from suitably.evaluation import ABTest, RollingSplit, TimeSplit
from suitably.pipeline import Pipeline
from suitably.ranking import Popularity
from suitably.suitability.policy import Policy


def split_of(users, products):
    relevant = pd.DataFrame({"user_id": users, "product_id": products})
    return Split(pd.Timestamp("2021-01-01"), pd.Timestamp("2021-06-01"), None, relevant)


def test_users_that_neither_arm_knows_have_empty_lists_and_count(bank):
    strangers = split_of([f"x{n}" for n in range(30)], ["p0"] * 30)
    result = bank.run(bank.poor(), bank.good(), split=strangers)
    assert result.decision != "ship"
    assert bank.row(result, "coverage")["treatment"] == 0


def test_lists_that_are_all_empty_are_no_gain(bank):
    nothing = Policy.from_toml(
        '[policy]\nid = "none"\n[[rules]]\nid = "a"\nrequire = "user.segment == \'Nobody\'"\n'
    )
    result = bank.run(bank.poor(nothing), bank.good(nothing))
    assert result.decision in ("inconclusive", "not evaluable")
    assert bank.row(result, "coverage")["treatment"] == 0
    assert bank.row(result, "dcg@10")["difference"] == 0


def test_scores_that_all_tie_are_no_gain(bank):
    result = bank.run(bank.pipeline({}), bank.pipeline({}))
    assert result.decision == "inconclusive"
    assert bank.row(result, "dcg@10")["difference"] == 0


def test_rewards_that_are_missing_are_said_to_be(bank):
    class Reward:
        label, k, higher_is_better = "reward", 5, True

        def per_user(self, hits, convention):
            return np.full(len(hits), np.nan)

    result = bank.run(bank.poor(), bank.good(), metrics=[Reward()])
    assert result.decision == "not evaluable"
    assert result.reason
    assert bank.row(result, "reward")["n"] == 0


def test_a_window_after_the_last_event_is_not_evaluable_and_has_a_line(bank):
    result = bank.run(bank.poor(), bank.good(), split=TimeSplit("2025-01-01", 30))
    assert result.decision == "not evaluable"
    assert "after the last event" in result.comparison.splits[0].note
    assert "Split 0: The window begins after the last event" in result.reason


def test_a_window_that_ends_after_the_last_event_is_warned_of(bank):
    with pytest.warns(SuitabilityWarning, match="after the last event"):
        result = bank.run(bank.poor(), bank.good(), split=TimeSplit("2021-01-01", 365))
    assert "after the last event" in result.comparison.splits[0].note


def test_the_same_split_twice_is_an_error(bank):
    rolling = RollingSplit("2021-01-01", 10, count=2, horizon_days=20)
    with pytest.raises(ValueError, match="are the same"):
        bank.run(bank.poor(), bank.good(), split=[rolling, TimeSplit("2021-01-01", 20)])


def test_a_depth_of_a_thousand_million(bank):
    deep = bank.run(bank.poor(), bank.good(), metrics=["dcg@1000000000"])
    assert deep.primary == "dcg@1000000000"
    assert deep.decision == "ship"


def test_a_metric_without_its_column_names_it(bank):
    with pytest.raises(ValueError, match=r"mean_fee|fee"):
        bank.run(bank.poor(), bank.good(), guardrails=["mean_fee@10<=0.01"])


@pytest.mark.parametrize("arm", [None, "popularity", Popularity(), Pipeline])
@pytest.mark.parametrize("place", ["control", "treatments"])
def test_what_is_no_pipeline(bank, arm, place):
    given = {"control": bank.poor(), "treatments": {"one": bank.good()}}
    given[place] = {"two": arm} if place == "treatments" else arm
    with pytest.raises(ValueError, match="must be a pipeline, such as"):
        ABTest(**given)


@pytest.mark.parametrize(
    "given", [{"alpha": "x"}, {"alpha": None}, {"min_segment": "a"}, {"segments": 1}]
)
def test_arguments_of_another_type(bank, given):
    with pytest.raises(ValueError, match=next(iter(given))):
        ABTest(bank.poor(), bank.good(), **given)


def test_a_cut_that_is_text(bank):
    dated = split_of([f"u{n}" for n in range(5)], ["p0"] * 5)
    results = [
        bank.run(bank.poor(), bank.good(), split=split)
        for split in (dated, replace(dated, at="2021-01-01", end="2021-06-01"))
    ]
    assert results[0].comparison == results[1].comparison
    pd.testing.assert_frame_equal(*[result.to_frame() for result in results])
