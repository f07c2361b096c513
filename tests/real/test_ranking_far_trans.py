"""Rankers on FAR-Trans' published splits: figures that pin the protocol and the rankers."""

import numpy as np
import pytest

from suitably.data import Dataset
from suitably.data.datasets.far_trans import far_trans
from suitably.evaluation import evaluate, tune
from suitably.pipeline.pipeline import Pipeline
from suitably.ranking import EASE, Blend, ItemKNN, Popularity
from suitably.suitability.policy import Policy

SPLITS = (0, 20, 40, 60)


@pytest.fixture(scope="module")
def bank(shared_data):
    return far_trans(shared_data / "far_trans")


def ndcg(pipeline, split, relevant):
    users = relevant["user_id"].unique()
    recs = pipeline.recommend(users, k=10, product_ids=split.candidates)
    return evaluate(recs.to_frame(), relevant, ["ndcg@10"])["ndcg@10"].mean()


def judged(bank, ranker, k):
    """On all buys without rules, and on suitable buys with the filter on."""
    split = bank.split(k)
    free = Pipeline(policy=Policy.unrestricted(), ranker=ranker, fallback=None)
    free.fit(bank, split.at)
    strict = free.under(Policy.load("far-trans"))
    pairs = split.relevant["user_id"], split.relevant["product_id"]
    suitable = split.relevant[strict.eligibility().passes(*pairs)]
    return ndcg(free, split, split.relevant), ndcg(strict, split, suitable)


def test_ease_as_published(bank):
    """Penalty 2,000 on the 69 splits: .3540; with the filter on, splits 0, 20, 40 and 60."""
    found = np.array([judged(bank, EASE(regularization=2000.0), k) for k in range(69)])
    assert found[:, 0].mean() == pytest.approx(0.3540, abs=5e-5)
    assert found[list(SPLITS), 1] == pytest.approx([0.290, 0.418, 0.361, 0.307], abs=5e-4)
    assert found[:, 1].mean() == pytest.approx(0.348, abs=5e-4)


def test_a_learned_blend_beats_its_parts(bank):
    """On all buys and on suitable ones, by weights from before each cut."""
    parts = [EASE(), ItemKNN(), Popularity(half_life_days=7), Popularity(half_life_days=30)]
    blend = np.mean([judged(bank, Blend(parts), k) for k in SPLITS[::2]], axis=0)
    for part in parts:
        alone = np.mean([judged(bank, part, k) for k in SPLITS[::2]], axis=0)
        assert (blend > alone + 0.003).all()


def test_popularity_by_segment_for_newcomers(bank):
    """Customers without any earlier buy, by the kind of customer they are or all alike."""
    found = []
    for k in SPLITS:
        split = bank.split(k)
        view = bank.view(split.at)
        new = ~np.isin(np.arange(len(view.users)), view.events.users)
        after = bank.events.between(np.datetime64(split.at, "us"), np.datetime64(split.end, "us"))
        mine = new[after.users] & np.isin(bank.product_ids[after.products], split.candidates)
        relevant = bank.interactions.iloc[:0][["user_id", "product_id"]]
        relevant = relevant.reindex(range(int(mine.sum())))
        relevant["user_id"] = bank.user_ids[after.users[mine]]
        relevant["product_id"] = bank.product_ids[after.products[mine]]
        for by in (None, "customer_type"):
            ranker = Popularity(half_life_days=30, by=by)
            pipeline = Pipeline(policy=Policy.unrestricted(), ranker=ranker).fit(bank, split.at)
            found.append(ndcg(pipeline, split, relevant))
    overall, segment = np.array(found).reshape(-1, 2).T
    assert overall.mean() == pytest.approx(0.336, abs=1e-3)
    assert segment.mean() == pytest.approx(0.336, abs=1e-3), "here segments say nothing more"


def test_tuning_sees_nothing_of_the_test_period(bank):
    """The search before split 0 is the same on data that end there."""
    cut = bank.split(0).at
    log = bank.interactions
    past = Dataset(bank.users, bank.products, log[log["timestamp"] < cut])
    start = Pipeline(policy=Policy.unrestricted(), ranker=EASE())
    space = {"ranker.regularization": (10.0, 10_000.0, "log")}
    full, alone = (
        tune(start, data, space, 4, "ndcg@10", as_of=cut, progress=False) for data in (bank, past)
    )
    assert full.trials["value"].tolist() == pytest.approx(alone.trials["value"].tolist())
    assert full.params == alone.params
