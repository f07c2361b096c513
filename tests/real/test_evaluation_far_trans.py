"""A/B evaluation on FAR-Trans against the published figures of popularity."""

import pytest

from suitably.data.datasets.far_trans import far_trans
from suitably.evaluation import ABTest
from suitably.pipeline.pipeline import Pipeline
from suitably.ranking.popularity import Popularity
from suitably.suitability.policy import Policy


@pytest.fixture(scope="module")
def bank(shared_data):
    return far_trans(shared_data / "far_trans")


def popularity(policy):
    return Pipeline(profiles=[], policy=policy, ranker=Popularity())


def by_split(result):
    per_user = result.per_user()
    mine = per_user[per_user["metric"] == "ndcg@10"]
    return mine.groupby("split")["treatment"].agg(["mean", "size"])


def test_popularity_on_all_buys(bank):
    """Mean over users, then over the 69 splits: .2637 as published for these files."""
    free = Policy.unrestricted()
    splits = [bank.split(k) for k in range(69)]
    result = ABTest(popularity(free), popularity(free), primary="ndcg@10").run(bank, splits)
    assert by_split(result)["mean"].mean() == pytest.approx(0.2637, abs=5e-5)
    assert result.decision == "inconclusive"


def test_popularity_on_suitable_buys_with_the_filter_on(bank):
    """Splits 0, 20, 40 and 60, with the numbers of users that go with them."""
    policy = Policy.load("far-trans")
    splits = [bank.split(k) for k in (0, 20, 40, 60)]
    test = ABTest(
        popularity(Policy.unrestricted()),
        popularity(policy),
        primary="ndcg@10",
        policy=policy,
        relevant="suitable",
    )
    result = test.run(bank, splits)
    found = by_split(result)
    assert found["size"].tolist() == [108, 325, 458, 589]
    assert found["mean"].tolist() == pytest.approx([0.216, 0.369, 0.283, 0.257], abs=5e-4)
    rates = {row.metric: row.result for row in result.rows}["violation_rate"]
    assert rates.treatment == 0
    assert rates.control > 0.7


def test_suitable_buys_and_returns_beside_all_buys(bank):
    """One run gives what was published for suitable buys, and returns as pandas averages them."""
    policy = Policy.load("far-trans")
    splits = [bank.split(k) for k in (0, 20)]
    test = ABTest(
        popularity(Policy.unrestricted()),
        popularity(policy),
        metrics=["ndcg@10", "suitable_ndcg@10", "roi@10", "risk_excess@10"],
        primary="ndcg@10",
        policy=policy,
    )
    result = test.run(bank, splits)
    values = result.per_user()
    suitable = values[values["metric"] == "suitable_ndcg@10"].dropna()
    means = suitable.groupby("split")["treatment"].agg(["mean", "size"])
    assert means["size"].tolist() == [108, 325]
    assert means["mean"].tolist() == pytest.approx([0.216, 0.369], abs=5e-4)
    rows = {row.metric: row.result for row in result.rows}
    assert rows["risk_excess@10"].treatment == 0
    assert rows["risk_excess@10"].control > 0.7

    split = splits[1]
    users = split.relevant["user_id"].unique()
    lists = popularity(Policy.unrestricted()).fit(bank, split.at)
    shown = lists.recommend(users, k=10, product_ids=split.candidates).to_frame()
    known = shown.merge(bank.returns(20), on="product_id")
    expected = known.groupby("user_id")["monthly_return"].mean()
    found = values[(values["metric"] == "roi@10") & (values["split"] == 1)].set_index("user_id")
    assert found["control"].dropna().sort_index().to_numpy() == pytest.approx(
        expected.sort_index().to_numpy()
    )
