"""Begun with a tenth of the customers of FAR-Trans, products from all of them: as good as a fit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suitably.data import Dataset
from suitably.data.datasets.far_trans import far_trans
from suitably.engines.everybody import Teacher, summed_weightings, write_weighed
from suitably.evaluation import evaluate
from suitably.model.groups import model_of_group, without_anybody
from suitably.pipeline.pipeline import Pipeline
from suitably.ranking import ALS, EASE, IALS, ItemKNN, Spectral
from suitably.suitability.policy import Policy

NOBODY = np.zeros(0, np.int64)


@pytest.fixture(scope="module")
def bank(shared_data):
    return far_trans(shared_data / "far_trans")


def ndcg(pipeline, split):
    users = split.relevant["user_id"].unique()
    lists = pipeline.recommend(users, k=10, product_ids=split.candidates).to_frame()
    return evaluate(lists, split.relevant, ["ndcg@10"])["ndcg@10"].mean()


def begun(pipeline, bank, split, place):
    """Fit on a tenth of the customers, drawn at random."""
    drawn = np.random.default_rng(place).random(len(bank.user_ids)) < 0.1
    some = bank.user_ids[drawn]
    users = bank.users[bank.users["user_id"].isin(some)]
    log = bank.interactions[bank.interactions["user_id"].isin(some)]
    return pipeline.clone().fit(Dataset(users, bank.products, log), split.at)._fitted()


def taught(model: Any, view: Any, folder: Path) -> Any:
    """Learn of products from everybody, as one group."""
    nobody = without_anybody(model)
    weightings = summed_weightings(nobody)
    write_weighed([nobody.interactions[one].of_view(view) for one in weightings], folder / "all")
    teach = Teacher(
        [[folder / "all"]], weightings, folder / "sums", (), lambda task: [task.sums(0)]
    )
    return teach(model)[0]


def both(ranker: Any, bank: Any, splits: Any, folder: Path) -> Any:
    """Return nDCG from a fit on everybody, and from one begun with a tenth, split by split."""
    free = Pipeline(policy=Policy.unrestricted(), ranker=ranker, fallback=None)
    found = []
    for place, k in enumerate(splits):
        split = bank.split(k)
        view = bank.view(split.at)
        nobody = taught(begun(free, bank, split, place), view, folder / f"{k}")
        model = model_of_group(nobody, view, NOBODY)
        whole = free.clone().fit(bank, split.at)
        found.append([ndcg(whole, split), ndcg(Pipeline._from_model(model), split)])
    return np.array(found)


@pytest.mark.parametrize("ranker", [ALS(), IALS()], ids=repr)
def test_sweeps_begun_with_a_tenth_of_the_customers(ranker, bank, tmp_path):
    """Within 1 % on average over five splits: 1.008 and .993."""
    everybody, tenth = both(ranker, bank, (8, 20, 32, 44, 56), tmp_path).mean(axis=0)
    assert tenth > 0.99 * everybody


@pytest.mark.parametrize("ranker", [EASE(), ItemKNN(), Spectral()], ids=repr)
def test_similarities_are_those_of_everybody(ranker, bank, tmp_path):
    found = both(ranker, bank, (8, 32), tmp_path)
    assert found[:, 1] == pytest.approx(found[:, 0], rel=1e-3)
