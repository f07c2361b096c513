"""The two arms: what they may know, and that the caller's are left alone."""

import pandas as pd
import pytest

from suitably.data import Dataset
from suitably.data.splits import Split
from suitably.errors import DataError
from suitably.evaluation import ABTest, TimeSplit
from suitably.pipeline.pipeline import Pipeline
from suitably.ranking import Popularity

SPLIT = TimeSplit(at="2021-01-01", horizon_days=180)


class TestTime:
    def test_the_caller_s_pipelines_are_never_changed(self, bank):
        control, treatment = bank.poor(), bank.good().fit(bank.data)
        bank.run(control, treatment)
        assert not control.is_fitted
        assert control.ranker.fits == []
        assert treatment.as_of_ > pd.Timestamp("2021-01-01")
        assert len(treatment.ranker.fits) == 1

    def test_one_fitted_later_is_refitted_as_of_the_cut(self, bank):
        late = bank.good().fit(bank.data, as_of="2021-01-02")
        result = bank.run(bank.poor().fit(bank.data, as_of="2021-01-01"), late)
        assert result.comparison.splits[0].refitted == ("treatment",)

    def test_one_fitted_by_the_cut_is_used_as_it_is(self, bank):
        older = bank.poor().fit(bank.data, as_of="2020-12-01")
        result = bank.run(older, bank.good().fit(bank.data, as_of="2021-01-01"))
        assert result.comparison.splits[0].refitted == ()
        # p4 is owned by all, and p9 is what the old one still ranks first for those who may.
        assert bank.row(result, "dcg@10")["treatment"] == 1

    def test_whatever_data_it_was_fitted_on_if_it_knows_the_ids(self, bank):
        log = bank.data.interactions.assign(timestamp="2019-01-01")
        elsewhere = Dataset(bank.data.users, bank.data.products, log)
        stranger = Dataset(
            bank.data.users.iloc[:20], bank.data.products, log[log["user_id"] < "u20"]
        )
        result = bank.run(bank.poor().fit(elsewhere), bank.good().fit(stranger))
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
        assert bank.row(result, "violation_rate")["treatment"] > 0
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
            bank.run(bank.poor(), bank.good(), split=Split(None, None, None, relevant))

    def test_a_cut_of_another_awareness_is_refused(self, bank):
        with pytest.raises(DataError, match="aware"):
            bank.run(bank.poor(), bank.good(), split=TimeSplit("2021-01-01T00:00:00Z", 9))


def test_popularity_as_of_the_cut_has_not_seen_the_window(bank):
    """Before the cut only p4 was bought, and everybody owns it: nothing is left to recommend."""
    popular = Pipeline(profiles=[], policy=bank.policy, ranker=Popularity())
    result = bank.run(popular.fit(bank.data), bank.good())
    assert bank.row(result, "coverage")["control"] == 0
    assert bank.row(result, "dcg@10")["control"] == 0
