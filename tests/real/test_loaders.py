"""The published data sets, held against their published figures."""

import numpy as np
import pandas as pd
import pytest

from suitably.data.datasets.far_trans import FarTrans, far_trans
from suitably.data.datasets.open_bandit import open_bandit
from suitably.data.datasets.scf2019 import scf2019

LEVELS = ["Conservative", "Income", "Balanced", "Aggressive"]
DISCOUNTS = 1.0 / np.log2(np.arange(2, 12))


@pytest.fixture(scope="module")
def bank(shared_data) -> FarTrans:
    return far_trans(shared_data)


def ranks(column):
    found = pd.Index(LEVELS).get_indexer(column.to_pandas())
    return np.where(found < 0, np.nan, found)


def test_far_trans_is_complete(bank):
    assert (len(bank.user_ids), len(bank.product_ids), len(bank.events)) == (29_090, 806, 84_669)
    assert bank.users["user_id"].duplicated().sum() == 32_468 - 29_090
    assert set(bank.users["risk_level"].dropna()) == set(LEVELS)
    assert set(bank.products["risk_level"]) == set(LEVELS)
    assert len(bank.exact_buys()) == 55_600
    assert any("3 assets" in note for note in bank.notes)


def test_far_trans_as_of_split_40(bank):
    view = bank.view("2020-12-18")
    assert (~view.listed).sum() == 61
    # 7,860 have no row on the day itself; seven rows are dated that very day.
    unseen = view.user_fields["customer_type"].null_count
    assert unseen == 7_867
    assert bank.view("2020-12-19").user_fields["customer_type"].null_count == 7_860


@pytest.mark.parametrize("k", [1, 10, 40, 68])
def test_far_trans_splits_have_the_published_counts(bank, k):
    split, row = bank.split(k), bank.split_index.loc[k]
    view = bank.view(split.at)
    assert len(np.unique(view.events.users)) == row["n_train_users"]
    assert 0 <= row["n_eligible_customers"] - split.relevant["user_id"].nunique() <= 4
    assert 215 <= len(split.candidates) <= 250
    assert not split.relevant.duplicated().any()
    assert set(split.relevant["product_id"]) <= set(split.candidates)
    owned = pd.MultiIndex.from_arrays(
        [bank.user_ids[view.events.users], bank.product_ids[view.events.products]]
    )
    assert not pd.MultiIndex.from_frame(split.relevant).isin(owned).any()


@pytest.fixture(scope="module")
def moments(bank):
    """Every published split, and what was visible at its cut."""
    splits = [bank.split(k) for k in range(len(bank.split_index))]
    return [(split, bank.view(split.at)) for split in splits]


def popularity_ndcg(split, view, filtered):
    """Judge ranking by number of buyers: the users judged, and their mean nDCG@10."""
    columns = view.products.codes(split.candidates)
    popular = np.bincount(view.events.products, minlength=len(view.products))[columns]
    columns = columns[np.argsort(-popular, kind="stable")]

    users, rows = np.unique(split.relevant["user_id"].to_numpy(object), return_inverse=True)
    codes = view.users.codes(users)
    relevant = np.zeros((len(users), len(view.products)), bool)
    relevant[rows, view.products.codes(split.relevant["product_id"].to_numpy(object))] = True
    allowed = view.purchases[codes].toarray()[:, columns] == 0
    if filtered:
        stated = ranks(view.user_fields["risk_level"])[codes]
        allowed &= ranks(view.product_fields["risk_level"])[columns] <= stated[:, None]

    relevant = relevant[:, columns] & allowed
    judged = relevant.any(axis=1)
    place = np.cumsum(allowed, axis=1)
    gains = np.where(relevant & (place <= 10), 1.0 / np.log2(np.maximum(place, 1) + 1), 0.0).sum(
        axis=1
    )
    ideal = np.cumsum(DISCOUNTS)[np.minimum(relevant.sum(axis=1), 10) - 1]
    return judged.sum(), float((gains / ideal)[judged].mean())


@pytest.mark.parametrize(
    ("k", "users", "published"), [(0, 108, 0.216), (20, 325, 0.369), (40, 458, 0.283),
                                  (60, 589, 0.257)],
)  # fmt: skip
def test_far_trans_reproduces_popularity_under_the_filter(moments, k, users, published):
    judged, ndcg = popularity_ndcg(*moments[k], filtered=True)
    assert judged == users
    assert ndcg == pytest.approx(published, abs=0.0005)


@pytest.mark.parametrize(("filtered", "published"), [(False, 0.2637), (True, 0.272)])
def test_far_trans_reproduces_popularity_over_all_splits(moments, filtered, published):
    figures = [popularity_ndcg(*moment, filtered)[1] for moment in moments]
    assert len(figures) == 69
    assert np.mean(figures) == pytest.approx(published, abs=0.0005)


def test_far_trans_reproduces_random_lists_in_expectation(moments):
    """A random list of n candidates with r relevant has an expected DCG@10 of r / n · Σ discounts.

    The published .0248 is one draw; the expectation over the candidates not yet owned is near it.
    """
    figures = []
    for split, view in moments[::4]:
        columns = view.products.codes(split.candidates)
        relevant = split.relevant.groupby("user_id").size()
        owned = (view.purchases[view.users.codes(relevant.index)][:, columns] > 0).sum(axis=1)
        chance = relevant.to_numpy() / (len(columns) - owned)
        ideal = np.cumsum(DISCOUNTS)[np.minimum(relevant.to_numpy(), 10) - 1]
        figures.append((chance * DISCOUNTS.sum() / ideal).mean())
    assert np.mean(figures) == pytest.approx(0.0248, abs=0.001)


def test_scf_reproduces_ownership_of_stock_funds(shared_data):
    data = scf2019(shared_data)
    assert (len(data.user_ids), len(data.product_ids), len(data.events)) == (5_777, 31, 29_903)
    order = ["none", "moderate", "high"]
    owners = data.interactions.query("product_id == 'stock_fund'")["user_id"]
    owned = data.users["user_id"].isin(owners).groupby(data.users["risk_level"]).mean()
    assert (100 * owned[order]).round(1).tolist() == [3.1, 24.1, 23.7]

    rows = data.implicates
    assert len(rows) == 5 * 5_777
    held = (rows["stock_fund"] > 0) * rows["weight"]
    weighted = held.groupby(rows["risk_level"]).sum() / rows.groupby("risk_level")["weight"].sum()
    assert (100 * weighted[order]).round(1).tolist() == [2.5, 12.6, 10.9]


def test_scf_holdings_equal_the_published_list(shared_data):
    listed = pd.read_csv(shared_data / "scf2019" / "scf2019_holdings_implicate1.csv.xz")
    listed = listed.set_index(["household", "product"])["amount"].sort_index()
    held = scf2019(shared_data).interactions.set_index(["user_id", "product_id"])["value"]
    assert held.index.sort_values().tolist() == listed.index.tolist()
    assert np.abs(held.sort_index().to_numpy() - listed.to_numpy()).max() < 1.0


@pytest.mark.parametrize(
    ("policy", "linear", "published"),
    [("random", True, 0.0036123457), ("bts", False, 0.0023596395)],
)
def test_open_bandit_reproduces_inverse_propensity_weighting(
    shared_data, policy, linear, published
):
    """IPW of the model-free evaluation policies π(a) ∝ a + 1 and π(a) = 1 / 80."""
    log = open_bandit(shared_data, policy=policy)
    assert (len(log), log.n_actions, log.affinities.shape) == (10_000, 80, (10_000, 80))
    target = (np.arange(80) + 1.0) if linear else np.ones(80)
    weights = (target / target.sum())[log.actions] / log.propensities
    assert (weights * log.rewards).mean() == pytest.approx(published, abs=1e-10)


def test_open_bandit_policies_have_item_contexts_of_their_own(shared_data):
    random, bts = (open_bandit(shared_data, policy=p).item_context for p in ("random", "bts"))
    assert not random["item_feature_3"].equals(bts["item_feature_3"])
