"""Several treatments: a decision each, Holm over them, and nothing learned twice."""

import numpy as np
import pandas as pd
import pytest

import suitably as st
from suitably.evaluation import ABTest, TimeSplit
from suitably.evaluation.abtest.judgement import _levels
from suitably.evaluation.abtest.records import MetricRow
from suitably.evaluation.statistics import Estimate
from suitably.pipeline.pipeline import Pipeline
from suitably.ranking import EASE, Popularity
from suitably.suitability.policy import Policy

SPLIT = TimeSplit(at="2021-01-01", horizon_days=180)


@pytest.fixture
def result(bank):
    treatments = {"good": bank.good(), "the same": bank.poor()}
    return ABTest(bank.poor(), treatments=treatments, segments="segment", min_segment=5).run(
        bank.data, SPLIT
    )


def test_each_has_a_decision(result):
    assert result.decisions == {"good": "ship", "the same": "inconclusive"}
    assert result.decision == "ship"
    assert result.reasons["the same"].startswith("the same changes dcg@10 by +0.0000")
    assert "INCONCLUSIVE: the same" in str(result)


def test_frames_say_which(result):
    frame = result.to_frame()
    assert list(frame.columns)[:3] == ["arm", "metric", "segment"]
    assert frame.groupby("arm").size().nunique() == 1
    per_user = result.per_user()
    assert list(per_user.columns) == ["user_id", "split", "arm", "metric", "control", "treatment"]
    by_split = result.to_frame(by="split")
    assert list(by_split.columns)[:3] == ["arm", "split", "metric"]


def test_one_treatment_is_as_ever(bank):
    one = ABTest(bank.poor(), bank.good()).run(bank.data, SPLIT)
    same = ABTest(bank.poor(), treatments={"treatment": bank.good()}).run(bank.data, SPLIT)
    pd.testing.assert_frame_equal(one.to_frame(), same.to_frame())
    assert one.reason == same.reason


def row(p_value):
    return MetricRow("m", "all", Estimate(9, 0, 0.0, 1.0, 1.0, 0.1, 1.9, p_value), True)


@pytest.mark.parametrize(
    ("p_values", "levels"),
    [
        ([0.01], [0.05]),
        ([0.001, 0.02, 0.04], [0.05 / 3, 0.025, 0.05]),
        ([0.04, 0.001, 0.02], [0.05, 0.05 / 3, 0.025]),
        ([0.03, 0.001, 0.031], [0.025, 0.05 / 3, 0.025]),
        ([0.2, 0.001, 0.04], [0.025, 0.05 / 3, 0.025]),
        ([float("nan"), 0.001], [0.05, 0.025]),
    ],
)
def test_levels_are_holm_s(p_values, levels):
    assert _levels([row(p) for p in p_values], 0.05) == pytest.approx(levels)


def test_one_good_one_among_many_by_chance_is_not_shipped(bank):
    """With a p-value between a fifth of alpha and alpha it ships alone, and not among five."""
    users = sorted(bank.bought)
    lucky = dict(zip(users[:9], [bank.bought[u] for u in users[:9]], strict=True))
    scores = {user: {product: 3.0} for user, product in lucky.items()}
    scores |= {user: {"p9": 2.0, "p8": 1.5, "p7": 1.0} for user in users[9:]}
    barely = bank.pipeline(scores)
    found = ABTest(bank.poor(), barely, metrics=["dcg@1"]).run(bank.data, SPLIT)
    p_value = bank.row(found, "dcg@1")["p_value"]
    others = {f"other {n}": bank.poor() for n in range(4)}
    many = ABTest(bank.poor(), treatments={"it": barely, **others}, metrics=["dcg@1"])
    if p_value < 0.05 / 5:
        assert many.run(bank.data, SPLIT).decision == "ship"
    else:
        assert found.decision == "ship"
        assert many.run(bank.data, SPLIT).decision == "inconclusive"


class Counted(EASE):
    """Counts its fits; a class of this module is not taken for one that says all it learns from."""

    fits = 0

    def fit(self, context):
        type(self).fits += 1
        return super().fit(context)


@pytest.fixture(scope="module")
def data():
    return st.data.simulate_bank(users=300, products=40, seed=1)


class TestSharedFits:
    def run(self, data, monkeypatch, *arms, policy="cn-csrc-amac"):
        fits = []
        original = EASE.fit
        monkeypatch.setattr(EASE, "fit", lambda ranker, c: fits.append(1) or original(ranker, c))
        names = [f"arm {n}" for n in range(len(arms) - 1)]
        test = ABTest(arms[0], treatments=dict(zip(names, arms[1:], strict=True)), policy=policy)
        return test.run(data, TimeSplit("2024-06-01", 60)), len(fits)

    def test_what_learns_the_same_learns_once(self, data, monkeypatch):
        arms = [
            Pipeline(policy=policy, ranker=EASE())
            for policy in (Policy.unrestricted(), Policy.load("cn-csrc-amac"), "cn-csrc-amac")
        ]
        shared, fits = self.run(data, monkeypatch, *arms)
        assert fits == 1
        others = [arm.clone().fit(data, "2024-06-01") for arm in arms]
        apart, _ = self.run(data, monkeypatch, *others)
        pd.testing.assert_frame_equal(shared.per_user(), apart.per_user())

    def test_what_learns_otherwise_learns_itself(self, data, monkeypatch):
        arms = [Pipeline(policy="cn-csrc-amac", ranker=EASE(r)) for r in (10.0, 20.0)]
        assert self.run(data, monkeypatch, *arms)[1] == 2

    def test_another_seed_is_another_fit(self, data, monkeypatch):
        arms = [Pipeline(policy="cn-csrc-amac", ranker=EASE(), seed=seed) for seed in (0, 1)]
        assert self.run(data, monkeypatch, *arms)[1] == 2

    def test_a_class_of_the_caller_s_is_fitted_for_each(self, data):
        Counted.fits = 0
        arms = [Pipeline(policy="cn-csrc-amac", ranker=Counted()) for _ in range(2)]
        ABTest(*arms).run(data, TimeSplit("2024-06-01", 60))
        assert Counted.fits == 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "give one, or several"),
        ({"treatments": {}}, "must be pipelines by name"),
        ({"treatments": {"control": 1}}, "are no names"),
        ({"treatments": {"": 1}}, "are no names"),
        ({"treatments": [1]}, "must be pipelines by name"),
    ],
)
def test_arguments(given, message):
    control = Pipeline(policy=Policy.unrestricted(), ranker=Popularity())
    with pytest.raises(ValueError, match=message):
        ABTest(control, **given)


def test_one_and_several_are_too_many(bank):
    with pytest.raises(ValueError, match="give one, or several"):
        ABTest(bank.poor(), bank.good(), treatments={"x": bank.good()})


def test_means_are_the_arms_own(result, bank):
    frame = result.to_frame()
    overall = frame[(frame["metric"] == "dcg@10") & (frame["segment"] == "all")]
    means = overall.set_index("arm")["treatment"]
    assert means["good"] == 1
    assert np.isclose(means["the same"], overall["control"].iloc[0])
