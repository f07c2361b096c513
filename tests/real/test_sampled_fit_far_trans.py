"""Learned from a tenth of the customers of FAR-Trans, and the others taken in: nearly as good."""

import numpy as np
import pytest

from suitably.data import Dataset
from suitably.data.datasets.far_trans import far_trans
from suitably.evaluation import evaluate
from suitably.model.groups import model_of_group, without_anybody
from suitably.pipeline.pipeline import Pipeline
from suitably.ranking import IALS
from suitably.suitability.policy import Policy


@pytest.fixture(scope="module")
def bank(shared_data):
    return far_trans(shared_data / "far_trans")


def ndcg(pipeline, split):
    users = split.relevant["user_id"].unique()
    lists = pipeline.recommend(users, k=10, product_ids=split.candidates).to_frame()
    return evaluate(lists, split.relevant, ["ndcg@10"])["ndcg@10"].mean()


def test_a_tenth_of_the_customers(bank):
    """Within 1 % on average over five splits: .993."""
    free = Pipeline(policy=Policy.unrestricted(), ranker=IALS(), fallback=None)
    found = []
    for place, k in enumerate((8, 20, 32, 44, 56)):
        split = bank.split(k)
        drawn = np.random.default_rng(place).random(len(bank.user_ids)) < 0.1
        some = bank.user_ids[drawn]
        sample = Dataset(
            bank.users[bank.users["user_id"].isin(some)],
            bank.products,
            bank.interactions[bank.interactions["user_id"].isin(some)],
        )
        base = without_anybody(free.clone().fit(sample, split.at)._fitted())
        taken = model_of_group(base, bank.view(split.at), np.zeros(0, np.int64))
        whole = free.clone().fit(bank, split.at)
        found.append([ndcg(whole, split), ndcg(Pipeline._from_model(taken), split)])
    everybody, tenth = np.mean(found, axis=0)
    assert everybody == pytest.approx(0.359, abs=1e-3)
    assert tenth > 0.99 * everybody
