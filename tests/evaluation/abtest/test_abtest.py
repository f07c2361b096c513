"""Two pipelines on one log: the decision, jobs, statistics, and what is reported."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from suitably.data import Dataset
from suitably.data.splits import Split
from suitably.errors import DataError
from suitably.evaluation import ABTest, Estimate, Guardrail, TimeSplit, paired_t
from suitably.pipeline.pipeline import Pipeline
from suitably.ranking import EASE
from suitably.suitability.policy import Policy

SPLIT = TimeSplit(at="2021-01-01", horizon_days=180)


class TestDecision:
    def test_better_is_shipped(self, bank):
        result = bank.run(bank.poor(), bank.good())
        assert result.decision == "ship"
        assert "every guardrail holds" in result.reason
        assert bank.row(result, "dcg@10")["treatment"] == 1
        assert bank.row(result, "dcg@10")["low"] > 0
        assert bank.row(result, "violation_rate")["treatment"] == 0

    def test_worse_is_not(self, bank):
        result = bank.run(bank.good(), bank.poor())
        assert result.decision == "do not ship"
        assert "loss" in result.reason

    def test_the_same_is_inconclusive(self, bank):
        result = bank.run(bank.good(), bank.good())
        assert result.decision == "inconclusive"
        assert bank.row(result, "dcg@10")["p_value"] == 1

    def test_violations_cannot_be_bought_with_accuracy(self, bank):
        free = Policy.unrestricted()
        scores = {u: {p: 2.0, "p9": 1.0} for u, p in bank.bought.items()}
        for guardrails in ([], ["coverage"], ["violation_rate"], ["violation_rate<=0"]):
            result = bank.run(
                bank.poor(),
                bank.pipeline(scores, free),
                policy=bank.policy,
                guardrails=guardrails,
            )
            assert bank.row(result, "dcg@10")["low"] > 0
            assert bank.row(result, "violation_rate")["treatment"] > 0
            assert result.decision == "do not ship"
            assert "violation_rate" in result.reason

    def test_violations_of_control_alone_do_not_hinder(self, bank):
        result = bank.run(bank.poor(Policy.unrestricted()), bank.good(), policy=bank.policy)
        assert bank.row(result, "violation_rate")["control"] > 0.2
        assert result.decision == "ship"

    def test_a_broken_soft_guardrail_keeps_from_ship(self, bank):
        result = bank.run(
            bank.poor(), bank.good(), guardrails=["catalogue_coverage>=0.99", "recall@10"]
        )
        assert result.decision == "inconclusive"
        assert "catalogue_coverage>=0.99" in result.reason
        assert [outcome.verdict for outcome in result.guardrails] == ["holds", "breached", "holds"]

    def test_a_broken_hard_guardrail_says_no(self, bank):
        hard = Guardrail("precision@10", ">=", 0.5, hard=True)
        result = bank.run(bank.poor(), bank.good(), guardrails=[hard])
        assert result.decision == "do not ship"
        assert "precision@10>=0.5" in result.reason

    def test_a_guardrail_without_a_limit_is_about_being_worse(self, bank):
        # The treatment serves half of the users, perfectly.
        empty = Policy.from_toml(
            '[policy]\nid = "some"\n[[rules]]\nid = "a"\nrequire = "user.segment == \'Premium\'"\n'
        )
        result = bank.run(
            bank.poor(),
            bank.good(empty),
            policy=bank.policy,
            guardrails=["coverage"],
        )
        assert bank.row(result, "coverage")["treatment"] == 0.25
        assert [o.verdict for o in result.guardrails if o.guardrail.metric == "coverage"] == [
            "breached"
        ]
        assert result.decision != "ship"

    def test_nobody_to_judge(self, bank):
        result = bank.run(bank.poor(), bank.good(), split=TimeSplit("2022-01-01", 30))
        assert result.decision == "not evaluable"
        frame = result.to_frame()
        assert {"dcg@10", "coverage", "violation_rate"} <= set(frame["metric"])
        assert frame["control"].isna().all()
        assert len(result.per_user()) == 0
        assert result.per_user()["user_id"].dtype == bank.data.interactions["user_id"].dtype

    def test_one_user_is_too_few_for_an_interval(self, bank):
        relevant = pd.DataFrame({"user_id": ["u00"], "product_id": ["p0"]})
        split = Split(pd.Timestamp("2021-01-01"), pd.Timestamp("2021-02-01"), None, relevant)
        result = bank.run(bank.poor(), bank.good(), split=split)
        assert result.decision == "not evaluable"
        assert "too few" in result.reason
        assert np.isnan(bank.row(result, "dcg@10")["low"])

    @pytest.mark.parametrize("few", [2, 5])
    def test_a_few_who_all_gain_alike_are_no_proof(self, bank, few):
        users = [f"u{n:02}" for n in range(few)]
        relevant = pd.DataFrame({"user_id": users, "product_id": [bank.bought[u] for u in users]})
        split = Split(pd.Timestamp("2021-01-01"), pd.Timestamp("2021-02-01"), None, relevant)
        for arms in ((bank.poor(), bank.good()), (bank.good(), bank.poor())):
            result = bank.run(*arms, split=split, metrics=["hit_rate@1"], primary="hit_rate@1")
            assert result.decision == "not evaluable"
            assert bank.row(result, "hit_rate@1")["p_value"] == 2 / 2**few

    def test_a_depth_costs_nothing_beyond_the_catalogue(self, bank):
        names = ["dcg", "ndcg", "recall", "precision", "hit_rate", "map", "mrr"]
        for convention in ("trec", "rectools", "lenskit"):
            deep, whole = (
                bank.run(
                    bank.poor(),
                    bank.good(),
                    metrics=[f"{name}@{k}" for name in names],
                    primary=f"dcg@{k}",
                    convention=convention,
                )
                for k in (10**30, 10)
            )
            assert deep.decision == "ship"
            for name in ("dcg", "recall", "hit_rate", "mrr"):
                assert bank.row(deep, f"{name}@{10**30}")[["control", "treatment"]].tolist() == (
                    bank.row(whole, f"{name}@10")[["control", "treatment"]].tolist()
                )

    def test_a_primary_without_a_value_for_somebody_is_not_evaluable(self, bank):
        class Sometimes:
            label, k, higher_is_better = "sometimes", 5, True

            def per_user(self, hits, convention):
                return np.where(np.arange(len(hits)) == 3, np.nan, 1.0)

        result = bank.run(bank.poor(), bank.good(), metrics=[Sometimes()], primary="sometimes")
        assert result.decision == "not evaluable"
        assert "missing" in result.reason


class TestReported:
    def test_columns_and_the_metrics_that_are_always_there(self, bank):
        result = bank.run(bank.poor(), bank.good(), metrics=["recall@3"], guardrails=["mrr@5"])
        frame = result.to_frame()
        assert list(frame.columns) == [
            "metric",
            "segment",
            "n",
            "control",
            "treatment",
            "difference",
            "low",
            "high",
            "p_value",
            "omitted",
        ]
        assert set(frame["metric"]) == {"recall@3", "mrr@5", "coverage", "violation_rate"}
        assert result.primary == "recall@3"
        assert set(frame["segment"]) == {"all"}

    def test_figures_come_from_the_rows_per_user(self, bank):
        result = bank.run(bank.poor(), bank.good())
        means = result.per_user().groupby("metric")[["control", "treatment"]].mean()
        for metric, expected in means.iterrows():
            assert bank.row(result, metric)["control"] == pytest.approx(expected["control"])
            assert bank.row(result, metric)["difference"] == pytest.approx(
                expected["treatment"] - expected["control"]
            )

    def test_frames_are_of_the_kind_of_the_data(self, bank):
        data = Dataset(
            pl.from_pandas(bank.data.users),
            pl.from_pandas(bank.data.products),
            pl.from_pandas(bank.data.interactions),
        )
        result = ABTest(bank.poor(), bank.good()).run(data, SPLIT)
        assert isinstance(result.to_frame(), pl.DataFrame)
        assert isinstance(result.per_user(), pl.DataFrame)

    def test_segments_large_enough_are_shown_apart(self, bank):
        result = bank.run(bank.poor(), bank.good(), segments="segment", min_segment=5)
        premium = bank.row(result, "dcg@10", "segment=Premium")
        per_user = result.per_user()
        mine = per_user[(per_user["metric"] == "dcg@10") & (per_user["user_id"] >= "u30")]
        assert premium["control"] == pytest.approx(mine["control"].mean())

    def test_small_segments_are_not(self, bank):
        result = bank.run(bank.poor(), bank.good(), segments="segment", min_segment=11)
        assert set(result.to_frame()["segment"]) == {"all"}
        with pytest.raises(DataError, match="did you mean segment"):
            bank.run(bank.poor(), bank.good(), segments="segmen")

    def test_the_same_twice_is_the_same(self, bank):
        one, other = (bank.run(bank.poor(), bank.good(), seed=3) for _ in range(2))
        pd.testing.assert_frame_equal(one.to_frame(), other.to_frame())
        pd.testing.assert_frame_equal(one.per_user(), other.per_user())

    def test_data_are_left_as_they_were(self, bank):
        before = bank.data.interactions.copy()
        bank.run(bank.poor(), bank.good())
        pd.testing.assert_frame_equal(bank.data.interactions, before)


class TestJobs:
    SPLITS = (SPLIT, TimeSplit("2021-01-15", 100), TimeSplit("2022-01-01", 9))

    def test_answers_do_not_depend_on_their_number(self, bank):
        one, two = (
            bank.run(
                Pipeline(policy=bank.policy, ranker=EASE(), fallback=None),
                bank.good(),
                split=list(self.SPLITS),
                segments="segment",
                min_segment=5,
                n_jobs=n_jobs,
            )
            for n_jobs in (1, 2)
        )
        assert one.to_dict() == two.to_dict()
        for name in ("to_frame", "per_user"):
            first, second = (getattr(result, name)() for result in (one, two))
            pd.testing.assert_frame_equal(first, second, check_exact=True)
            floats = first.select_dtypes("float64").columns
            assert first[floats].to_numpy().tobytes() == second[floats].to_numpy().tobytes()

    def test_an_error_in_a_split_is_the_caller_s(self, bank):
        splits = [SPLIT, TimeSplit("2021-01-01T00:00:00", 9)]
        with pytest.raises(DataError, match="no such field"):
            bank.run(bank.poor(), bank.good(), split=splits, segments="segmen", n_jobs=2)


class TestStatistic:
    def test_another_one_may_be_given(self, bank):
        def always_two(sample, alpha):
            control, treatment = sample.control, sample.treatment
            assert control.shape == treatment.shape == sample.users.shape
            middle = float(treatment.mean() - control.mean())
            ends = middle - alpha, middle + alpha
            return Estimate(2, 0, float(control.mean()), float(treatment.mean()), middle, *ends)

        result = bank.run(bank.poor(), bank.good(), statistic=always_two, alpha=0.1)
        found = bank.row(result, "dcg@10")
        assert (found["n"], found["high"] - found["difference"]) == (2, pytest.approx(0.1))
        assert np.isnan(found["p_value"])
        assert result.decision == "ship"

    def test_the_default_is_the_paired_t(self, bank):
        one, other = (
            bank.run(bank.poor(), bank.good(), statistic=given) for given in (None, paired_t)
        )
        pd.testing.assert_frame_equal(one.to_frame(), other.to_frame())

    def test_one_that_gives_something_else_is_refused(self, bank):
        with pytest.raises(ValueError, match="gave a float, must give an Estimate"):
            bank.run(bank.poor(), bank.good(), statistic=lambda *given: 0.5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alpha": 0}, "alpha=0"),
        ({"alpha": 1.5}, "alpha=1.5"),
        ({"primary": "violation_rate"}, "more is better"),
        ({"primary": "catalogue_coverage"}, "per user"),
        ({"primary": "dgc@10"}, "did you mean dcg"),
        ({"metrics": []}, "empty"),
        ({"metrics": ["dcg@0"]}, "positive integer"),
        ({"metrics": "dcg@10"}, "must be a list"),
        ({"guardrails": ["violation_rate<=0.1"]}, "the limit on violations is 0"),
        ({"guardrails": [Guardrail("violation_rate", ">=", 0.0)]}, "limit on violations"),
        ({"guardrails": ["catalogue_coverage"]}, "give it a limit"),
        ({"guardrails": ["coverage>>1"]}, "and a number"),
        ({"guardrails": ["coverage>=lots"]}, "not a number"),
        ({"guardrails": ["coverage>=nan"]}, "finite"),
        ({"guardrails": "coverage"}, "must be a list"),
        ({"guardrails": ["cover"]}, "no such metric"),
        ({"relevant": "some"}, "relevant='some'"),
        ({"convention": "trek"}, "did you mean trec"),
        ({"seed": 1.5}, "seed=1.5"),
        ({"min_segment": 1}, "min_segment=1"),
        ({"n_jobs": 0}, "n_jobs=0"),
        ({"statistic": "t"}, "statistic='t'"),
    ],
)
def test_bad_arguments(bank, arguments, message):
    with pytest.raises(ValueError, match=message):
        ABTest(bank.poor(), bank.good(), **arguments)


def test_data_must_be_a_dataset(bank):
    with pytest.raises(DataError, match="expected a Dataset"):
        ABTest(bank.poor(), bank.good()).run(bank.data.interactions, SPLIT)
