"""Two pipelines on one log: the decision, time, the judge, and what is reported."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from suitably.data import Dataset
from suitably.data.splits import Split
from suitably.errors import DataError, PolicyError
from suitably.evaluation import ABTest, Estimate, Guardrail, TimeSplit, paired_t
from suitably.pipeline.pipeline import Pipeline
from suitably.ranking import EASE, Popularity
from suitably.suitability.policy import Policy

SPLIT = TimeSplit(at="2021-01-01", horizon_days=180)
CUT = np.datetime64("2021-01-01")


def run(bank, control, treatment, split=SPLIT, **more):
    return ABTest(control, treatment, **more).run(bank.data, split=split)


def row(result, metric, segment="all"):
    frame = result.to_frame()
    return frame[(frame["metric"] == metric) & (frame["segment"] == segment)].iloc[0]


class TestDecision:
    def test_better_is_shipped(self, bank):
        result = run(bank, bank.poor(), bank.good())
        assert result.decision == "ship"
        assert "every guardrail holds" in result.reason
        assert row(result, "dcg@10")["treatment"] == 1
        assert row(result, "dcg@10")["low"] > 0
        assert row(result, "violation_rate")["treatment"] == 0

    def test_worse_is_not(self, bank):
        result = run(bank, bank.good(), bank.poor())
        assert result.decision == "do not ship"
        assert "loss" in result.reason

    def test_the_same_is_inconclusive(self, bank):
        result = run(bank, bank.good(), bank.good())
        assert result.decision == "inconclusive"
        assert row(result, "dcg@10")["p_value"] == 1

    def test_violations_cannot_be_bought_with_accuracy(self, bank):
        free = Policy.unrestricted()
        scores = {u: {p: 2.0, "p9": 1.0} for u, p in bank.bought.items()}
        for guardrails in ([], ["coverage"], ["violation_rate"], ["violation_rate<=0"]):
            result = run(
                bank,
                bank.poor(),
                bank.pipeline(scores, free),
                policy=bank.policy,
                guardrails=guardrails,
            )
            assert row(result, "dcg@10")["low"] > 0
            assert row(result, "violation_rate")["treatment"] > 0
            assert result.decision == "do not ship"
            assert "violation_rate" in result.reason

    def test_violations_of_control_alone_do_not_hinder(self, bank):
        result = run(bank, bank.poor(Policy.unrestricted()), bank.good(), policy=bank.policy)
        assert row(result, "violation_rate")["control"] > 0.2
        assert result.decision == "ship"

    def test_a_broken_soft_guardrail_keeps_from_ship(self, bank):
        result = run(
            bank, bank.poor(), bank.good(), guardrails=["catalogue_coverage>=0.99", "recall@10"]
        )
        assert result.decision == "inconclusive"
        assert "catalogue_coverage>=0.99" in result.reason
        assert [outcome.verdict for outcome in result.guardrails] == ["holds", "breached", "holds"]

    def test_a_broken_hard_guardrail_says_no(self, bank):
        hard = Guardrail("precision@10", ">=", 0.5, hard=True)
        result = run(bank, bank.poor(), bank.good(), guardrails=[hard])
        assert result.decision == "do not ship"
        assert "precision@10>=0.5" in result.reason

    def test_a_guardrail_without_a_limit_is_about_being_worse(self, bank):
        # The treatment serves half of the users, perfectly.
        empty = Policy.from_toml(
            '[policy]\nid = "some"\n[[rules]]\nid = "a"\nrequire = "user.segment == \'Premium\'"\n'
        )
        result = run(
            bank,
            bank.poor(),
            bank.good(empty),
            policy=bank.policy,
            guardrails=["coverage"],
        )
        assert row(result, "coverage")["treatment"] == 0.25
        assert [o.verdict for o in result.guardrails if o.guardrail.metric == "coverage"] == [
            "breached"
        ]
        assert result.decision != "ship"

    def test_nobody_to_judge(self, bank):
        result = run(bank, bank.poor(), bank.good(), split=TimeSplit("2022-01-01", 30))
        assert result.decision == "not evaluable"
        frame = result.to_frame()
        assert {"dcg@10", "coverage", "violation_rate"} <= set(frame["metric"])
        assert frame["control"].isna().all()
        assert len(result.per_user()) == 0
        assert result.per_user()["user_id"].dtype == bank.data.interactions["user_id"].dtype

    def test_one_user_is_too_few_for_an_interval(self, bank):
        relevant = pd.DataFrame({"user_id": ["u00"], "product_id": ["p0"]})
        split = Split(pd.Timestamp("2021-01-01"), pd.Timestamp("2021-02-01"), None, relevant)
        result = run(bank, bank.poor(), bank.good(), split=split)
        assert result.decision == "inconclusive"
        assert "too few" in result.reason
        assert np.isnan(row(result, "dcg@10")["low"])

    def test_a_primary_without_a_value_for_somebody_is_not_evaluable(self, bank):
        class Sometimes:
            label, k, higher_is_better = "sometimes", 5, True

            def per_user(self, hits, convention):
                return np.where(np.arange(len(hits)) == 3, np.nan, 1.0)

        result = run(bank, bank.poor(), bank.good(), metrics=[Sometimes()], primary="sometimes")
        assert result.decision == "not evaluable"
        assert "missing" in result.reason


class TestTime:
    def test_the_caller_s_pipelines_are_never_changed(self, bank):
        control, treatment = bank.poor(), bank.good().fit(bank.data)
        run(bank, control, treatment)
        assert not control.is_fitted
        assert control.ranker.fits == []
        assert treatment.as_of_ > pd.Timestamp("2021-01-01")
        assert len(treatment.ranker.fits) == 1

    def test_one_fitted_later_is_refitted_as_of_the_cut(self, bank):
        late = bank.good().fit(bank.data, as_of="2021-01-02")
        result = run(bank, bank.poor().fit(bank.data, as_of="2021-01-01"), late)
        assert result.comparison.splits[0].refitted == ("treatment",)

    def test_one_fitted_by_the_cut_is_used_as_it_is(self, bank):
        older = bank.poor().fit(bank.data, as_of="2020-12-01")
        result = run(bank, older, bank.good().fit(bank.data, as_of="2021-01-01"))
        assert result.comparison.splits[0].refitted == ()
        # p4 is owned by all, and p9 is what the old one still ranks first for those who may.
        assert row(result, "dcg@10")["treatment"] == 1

    def test_whatever_data_it_was_fitted_on_if_it_knows_the_ids(self, bank):
        log = bank.data.interactions.assign(timestamp="2019-01-01")
        elsewhere = Dataset(bank.data.users, bank.data.products, log)
        stranger = Dataset(
            bank.data.users.iloc[:20], bank.data.products, log[log["user_id"] < "u20"]
        )
        result = run(bank, bank.poor().fit(elsewhere), bank.good().fit(stranger))
        assert result.comparison.splits[0].refitted == ("treatment",)

    def test_an_older_pipeline_answers_and_is_judged_as_of_the_cut(self, bank):
        """A level lowered between fit and cut shows as violations, not as approval."""
        users = bank.data.users
        versions = pd.concat(
            [
                users.assign(user_timestamp="2020-01-01", risk_level="high"),
                users.assign(user_timestamp="2020-12-15", risk_level="low"),
            ]
        )
        data = Dataset(versions, bank.data.products, bank.data.interactions)
        control = bank.poor().fit(data, as_of="2020-12-01")
        treatment = bank.good().fit(data, as_of="2020-12-01")
        result = ABTest(control, treatment).run(data, split=SPLIT)
        assert result.comparison.splits[0].refitted == ()
        assert row(result, "violation_rate")["treatment"] > 0
        assert result.decision == "do not ship"

    def test_data_without_timestamps_go_with_a_split_without_a_cut(self, bank):
        log = bank.data.interactions.drop(columns="timestamp").iloc[:40]
        data = Dataset(bank.data.users, bank.data.products, log)
        relevant = pd.DataFrame(bank.bought.items(), columns=["user_id", "product_id"])
        result = ABTest(bank.poor(), bank.good()).run(data, Split(None, None, None, relevant))
        assert result.decision == "ship"
        with pytest.raises(DataError, match="no timestamps"):
            ABTest(bank.poor(), bank.good()).run(data, SPLIT)
        with pytest.raises(DataError, match=r"split\.at: is missing"):
            run(bank, bank.poor(), bank.good(), split=Split(None, None, None, relevant))

    def test_a_cut_of_another_awareness_is_refused(self, bank):
        with pytest.raises(DataError, match="aware"):
            run(bank, bank.poor(), bank.good(), split=TimeSplit("2021-01-01T00:00:00Z", 9))


class TestJudge:
    def test_two_policies_need_a_judge(self, bank):
        with pytest.raises(ValueError, match="say which one judges"):
            ABTest(bank.poor(), bank.good(Policy.unrestricted()))

    def test_equal_policies_are_one_even_if_read_twice(self, bank):
        again = Policy.from_toml(bank.policy.text)
        assert run(bank, bank.poor(), bank.good(again)).decision == "ship"

    def test_an_arm_without_rules_shows_its_violations(self, bank):
        result = run(
            bank,
            bank.poor(Policy.unrestricted()),
            bank.good(Policy.unrestricted()),
            policy=bank.policy,
        )
        per_user = result.per_user()
        rates = per_user[per_user["metric"] == "violation_rate"].set_index("user_id")["control"]
        # Everybody gets nine products, five of them risky: too much for the odd users.
        assert rates["u01"] == pytest.approx(5 / 9)
        assert rates["u00"] == 0

    def test_a_policy_that_names_unknown_fields_is_refused(self, bank):
        other = Policy.from_toml(
            '[policy]\nid = "x"\n[[rules]]\nid = "a"\nrequire = "user.iq > 3"\n'
        )
        with pytest.raises(PolicyError, match="iq"):
            run(bank, bank.poor(), bank.good(), policy=other)

    def test_relevant_may_be_the_suitable_alone(self, bank):
        bought = pd.DataFrame(
            {"user_id": ["u00", "u01", "u02", "u03"], "product_id": ["p9", "p9", "p0", "p0"]}
        )
        split = Split(pd.Timestamp("2021-01-01"), pd.Timestamp("2021-06-01"), None, bought)
        every = run(bank, bank.poor(), bank.good(), split=split)
        fitting = run(bank, bank.poor(), bank.good(), split=split, relevant="suitable")
        users = {
            metric: set(part["user_id"]) for metric, part in fitting.per_user().groupby("metric")
        }
        assert users["dcg@10"] == {"u00", "u02", "u03"}
        assert users["violation_rate"] == users["coverage"] == {"u00", "u01", "u02", "u03"}
        assert fitting.comparison.splits[0].evaluable == 3
        assert row(every, "hit_rate@10")["control"] == 0.75
        assert row(fitting, "hit_rate@10")["control"] == 1

    def test_a_choice_of_what_is_relevant_hides_no_violation(self, bank):
        bought = pd.DataFrame({"user_id": ["u00", "u02", "u01"], "product_id": ["p0", "p1", "p9"]})
        split = Split(pd.Timestamp("2021-01-01"), pd.Timestamp("2021-06-01"), None, bought)
        risky = {"u01": {"p9": 1.0}, "u00": {"p0": 1.0}, "u02": {"p1": 1.0}}
        treatment = bank.pipeline(risky, Policy.unrestricted())
        result = run(
            bank, bank.poor(), treatment, split=split, policy=bank.policy, relevant="suitable"
        )
        assert result.decision == "do not ship"


class TestSplits:
    def test_users_of_several_splits_count_once(self, bank):
        result = run(bank, bank.poor(), bank.good(), split=[SPLIT, TimeSplit("2021-01-15", 100)])
        per_user = result.per_user()
        assert list(per_user.columns) == ["user_id", "split", "metric", "control", "treatment"]
        assert per_user.groupby(["metric", "split"]).size().eq(40).all()
        assert set(per_user["split"]) == {0, 1}
        found = next(r.result for r in result.rows if r.metric == "dcg@10")
        assert found.n == 40

    def test_one_split_may_be_empty(self, bank):
        result = run(bank, bank.poor(), bank.good(), split=[TimeSplit("2022-01-01", 9), SPLIT])
        assert result.decision == "ship"
        assert [record.users for record in result.comparison.splits] == [0, 40]

    def test_candidates_narrow_both_arms(self, bank):
        relevant = pd.DataFrame(bank.bought.items(), columns=["user_id", "product_id"])
        split = Split(
            pd.Timestamp("2021-01-01"),
            pd.Timestamp("2021-06-01"),
            np.array(["p0", "p1"], dtype=object),
            relevant,
        )
        result = run(bank, bank.poor(), bank.good(), split=split, metrics=["catalogue_coverage"])
        assert row(result, "dcg@10")["treatment"] == 0.5
        assert row(result, "catalogue_coverage")["treatment"] == 1

    @pytest.mark.parametrize("split", [[], "2021-01-01", None, [SPLIT, 3]])
    def test_what_is_no_split_is_refused(self, bank, split):
        with pytest.raises(ValueError, match="split"):
            run(bank, bank.poor(), bank.good(), split=split)

    def test_ids_of_another_type_are_refused(self, bank):
        relevant = pd.DataFrame({"user_id": [1], "product_id": ["p1"]})
        split = Split(pd.Timestamp("2021-01-01"), pd.Timestamp("2021-06-01"), None, relevant)
        with pytest.raises(DataError, match="use one type"):
            run(bank, bank.poor(), bank.good(), split=split)


class TestReported:
    def test_columns_and_the_metrics_that_are_always_there(self, bank):
        result = run(bank, bank.poor(), bank.good(), metrics=["recall@3"], guardrails=["mrr@5"])
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
        ]
        assert set(frame["metric"]) == {
            "dcg@10",
            "recall@3",
            "mrr@5",
            "coverage",
            "violation_rate",
        }
        assert set(frame["segment"]) == {"all"}

    def test_figures_come_from_the_rows_per_user(self, bank):
        result = run(bank, bank.poor(), bank.good())
        means = result.per_user().groupby("metric")[["control", "treatment"]].mean()
        for metric, expected in means.iterrows():
            assert row(result, metric)["control"] == pytest.approx(expected["control"])
            assert row(result, metric)["difference"] == pytest.approx(
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
        result = run(bank, bank.poor(), bank.good(), segments="segment", min_segment=5)
        premium = row(result, "dcg@10", "segment=Premium")
        per_user = result.per_user()
        mine = per_user[(per_user["metric"] == "dcg@10") & (per_user["user_id"] >= "u30")]
        assert premium["control"] == pytest.approx(mine["control"].mean())

    def test_small_segments_are_not(self, bank):
        result = run(bank, bank.poor(), bank.good(), segments="segment", min_segment=11)
        assert set(result.to_frame()["segment"]) == {"all"}
        with pytest.raises(DataError, match="did you mean segment"):
            run(bank, bank.poor(), bank.good(), segments="segmen")

    def test_the_same_twice_is_the_same(self, bank):
        one, other = (run(bank, bank.poor(), bank.good(), seed=3) for _ in range(2))
        pd.testing.assert_frame_equal(one.to_frame(), other.to_frame())
        pd.testing.assert_frame_equal(one.per_user(), other.per_user())

    def test_data_are_left_as_they_were(self, bank):
        before = bank.data.interactions.copy()
        run(bank, bank.poor(), bank.good())
        pd.testing.assert_frame_equal(bank.data.interactions, before)


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


class TestJobs:
    SPLITS = (SPLIT, TimeSplit("2021-01-15", 100), TimeSplit("2022-01-01", 9))

    def test_answers_do_not_depend_on_their_number(self, bank):
        one, two = (
            run(
                bank,
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
            run(bank, bank.poor(), bank.good(), split=splits, segments="segmen", n_jobs=2)


class TestStatistic:
    def test_another_one_may_be_given(self, bank):
        def always_two(control, treatment, clusters, alpha):
            assert control.shape == treatment.shape == clusters.shape
            middle = float(treatment.mean() - control.mean())
            ends = middle - alpha, middle + alpha
            return Estimate(2, 0, float(control.mean()), float(treatment.mean()), middle, *ends)

        result = run(bank, bank.poor(), bank.good(), statistic=always_two, alpha=0.1)
        found = row(result, "dcg@10")
        assert (found["n"], found["high"] - found["difference"]) == (2, pytest.approx(0.1))
        assert np.isnan(found["p_value"])
        assert result.decision == "ship"

    def test_the_default_is_the_paired_t(self, bank):
        one, other = (
            run(bank, bank.poor(), bank.good(), statistic=given) for given in (None, paired_t)
        )
        pd.testing.assert_frame_equal(one.to_frame(), other.to_frame())

    def test_one_that_gives_something_else_is_refused(self, bank):
        with pytest.raises(ValueError, match="gave a float, must give an Estimate"):
            run(bank, bank.poor(), bank.good(), statistic=lambda *given: 0.5)


def test_data_must_be_a_dataset(bank):
    with pytest.raises(DataError, match="expected a Dataset"):
        ABTest(bank.poor(), bank.good()).run(bank.data.interactions, SPLIT)


def test_popularity_as_of_the_cut_has_not_seen_the_window(bank):
    """Before the cut only p4 was bought, and everybody owns it: nothing is left to recommend."""
    popular = Pipeline(profiles=[], policy=bank.policy, ranker=Popularity())
    result = run(bank, popular.fit(bank.data), bank.good())
    assert row(result, "coverage")["control"] == 0
    assert row(result, "dcg@10")["control"] == 0
