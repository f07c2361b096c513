"""One split and several: the judging policy, who counts, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from suitably.data.splits import Split
from suitably.errors import DataError, PolicyError
from suitably.evaluation import ABTest, TimeSplit
from suitably.suitability.policy import Policy

SPLIT = TimeSplit(at="2021-01-01", horizon_days=180)


class TestJudge:
    def test_two_policies_need_a_judge(self, bank):
        with pytest.raises(ValueError, match="say which one judges"):
            ABTest(bank.poor(), bank.good(Policy.unrestricted()))

    def test_equal_policies_are_one_even_if_read_twice(self, bank):
        again = Policy.from_toml(bank.policy.text)
        assert bank.run(bank.poor(), bank.good(again)).decision == "ship"

    def test_an_arm_without_rules_shows_its_violations(self, bank):
        result = bank.run(
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
            bank.run(bank.poor(), bank.good(), policy=other)

    def test_relevant_may_be_the_suitable_alone(self, bank):
        bought = pd.DataFrame(
            {"user_id": ["u00", "u01", "u02", "u03"], "product_id": ["p9", "p9", "p0", "p0"]}
        )
        split = Split(pd.Timestamp("2021-01-01"), pd.Timestamp("2021-06-01"), None, bought)
        every = bank.run(bank.poor(), bank.good(), split=split)
        fitting = bank.run(bank.poor(), bank.good(), split=split, relevant="suitable")
        users = {
            metric: set(part["user_id"]) for metric, part in fitting.per_user().groupby("metric")
        }
        assert users["dcg@10"] == {"u00", "u02", "u03"}
        assert users["violation_rate"] == users["coverage"] == {"u00", "u01", "u02", "u03"}
        assert fitting.comparison.splits[0].evaluable == 3
        assert bank.row(every, "hit_rate@10")["control"] == 0.75
        assert bank.row(fitting, "hit_rate@10")["control"] == 1

    def test_a_choice_of_what_is_relevant_hides_no_violation(self, bank):
        bought = pd.DataFrame({"user_id": ["u00", "u02", "u01"], "product_id": ["p0", "p1", "p9"]})
        split = Split(pd.Timestamp("2021-01-01"), pd.Timestamp("2021-06-01"), None, bought)
        risky = {"u01": {"p9": 1.0}, "u00": {"p0": 1.0}, "u02": {"p1": 1.0}}
        treatment = bank.pipeline(risky, Policy.unrestricted())
        result = bank.run(
            bank.poor(), treatment, split=split, policy=bank.policy, relevant="suitable"
        )
        assert result.decision == "do not ship"


class TestSplits:
    def test_users_of_several_splits_count_once(self, bank):
        result = bank.run(bank.poor(), bank.good(), split=[SPLIT, TimeSplit("2021-01-15", 100)])
        per_user = result.per_user()
        assert list(per_user.columns) == ["user_id", "split", "metric", "control", "treatment"]
        assert per_user.groupby(["metric", "split"]).size().eq(40).all()
        assert set(per_user["split"]) == {0, 1}
        found = next(r.result for r in result.rows if r.metric == "dcg@10")
        assert found.n == 40

    def test_one_split_may_be_empty(self, bank):
        result = bank.run(bank.poor(), bank.good(), split=[TimeSplit("2022-01-01", 9), SPLIT])
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
        result = bank.run(bank.poor(), bank.good(), split=split, metrics=["catalogue_coverage"])
        assert bank.row(result, "dcg@10")["treatment"] == 0.5
        assert bank.row(result, "catalogue_coverage")["treatment"] == 1

    @pytest.mark.parametrize("split", [[], "2021-01-01", None, [SPLIT, 3]])
    def test_what_is_no_split_is_refused(self, bank, split):
        with pytest.raises(ValueError, match="split"):
            bank.run(bank.poor(), bank.good(), split=split)

    def test_ids_of_another_type_are_refused(self, bank):
        relevant = pd.DataFrame({"user_id": [1], "product_id": ["p1"]})
        split = Split(pd.Timestamp("2021-01-01"), pd.Timestamp("2021-06-01"), None, relevant)
        with pytest.raises(DataError, match="use one type"):
            bank.run(bank.poor(), bank.good(), split=split)
