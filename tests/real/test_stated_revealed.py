"""What households and a bank's customers hold, against published figures and pandas."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import suitably as st
from suitably.profiles import Holdings

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.stated_revealed import (
    APPETITES,
    LEVELS,
    RISKS,
    bank_profiles,
    household_profiles,
    households,
    stock_fund_owners,
)


@pytest.fixture(scope="module")
def survey(shared_data):
    return st.data.scf2019(shared_data)


def test_owners_of_stock_funds_are_as_published(survey):
    found = stock_fund_owners(survey).round(1)
    assert found.loc[APPETITES, "weighted"].tolist() == [2.5, 12.6, 10.9]
    assert found.loc[APPETITES, "first"].tolist() == [3.1, 24.1, 23.7]


def test_what_households_hold_agrees_with_pandas(survey):
    data = households(survey)
    found = Holdings(issuer="product_id").fit(data).transform(data)
    amounts = data.interactions.pivot(index="user_id", columns="product_id", values="value")
    amounts = amounts.reindex(data.user_ids).fillna(0.0)
    total = amounts.sum(axis=1).to_numpy()
    np.testing.assert_allclose(found["held_value"], total, rtol=1e-12)
    np.testing.assert_array_equal(found["held_products"], (amounts > 0).sum(axis=1))
    shares = amounts.to_numpy()[total > 0] / total[total > 0, None]
    herfindahl = (shares**2).sum(axis=1)
    np.testing.assert_allclose(found["concentration"][total > 0], herfindahl, rtol=1e-12)
    assert found["concentration"][total == 0].isna().all()
    kinds = data.products.set_index("product_id")["category"]
    by_class = amounts.T.groupby(kinds).sum().T
    for row, (_, mine) in zip(found["class_exposure"], by_class.iterrows(), strict=True):
        wanted = mine[mine > 0] / mine.sum()
        assert dict(row) == pytest.approx(wanted.to_dict(), rel=1e-12)


def test_what_households_state_against_what_they_hold(survey):
    data = households(survey)
    found = household_profiles(data)
    ranks = found[["stated", "risk_level", "revealed_risk_level"]].apply(
        lambda column: pd.Index(APPETITES).get_indexer(column)
    )
    assert (ranks["risk_level"] == ranks["stated"]).all()  # what is held only asks
    held = ranks["revealed_risk_level"] >= 0
    above = held & (ranks["revealed_risk_level"] > ranks["stated"])
    below = held & (ranks["revealed_risk_level"] < ranks["stated"] - 1)
    assert above.sum() == (found["risk_review_reason"] == "holds-more-risk").sum() == 927
    assert below.sum() == (found["risk_review_reason"] == "holds-less-risk").sum() == 125
    assert (~held).sum() == 88

    risk = {product: level for level, names in RISKS.items() for product in names.split()}
    log = data.interactions.assign(risk=data.interactions["product_id"].map(risk))
    money = log.pivot_table(index="user_id", columns="risk", values="value", aggfunc="sum")
    money = money.reindex(data.user_ids)[APPETITES].fillna(0.0).to_numpy()
    reached = np.cumsum(money, axis=1) >= 0.5 * money.sum(axis=1, keepdims=True)
    wanted = np.where(money.any(axis=1), reached.argmax(axis=1), -1)
    np.testing.assert_array_equal(ranks["revealed_risk_level"], wanted)


def test_capacity_and_knowledge_only_lower_levels(survey):
    found = household_profiles(
        households(survey),
        capacity=("liquid_assets", "financial_assets"),
        capacity_limits=(0.05, 0.2),
        knowledge="knowledge_level",
        knowledge_limits=(3, 6),
    )
    left = pd.crosstab(found["stated"], found["risk_level"]).loc[APPETITES, APPETITES]
    assert left.to_numpy().tolist() == [[1828, 0, 0], [1068, 2594, 0], [90, 86, 111]]
    assert found.loc[found["risk_level"] != found["stated"], "risk_review"].all()


def test_the_banks_customers(shared_data):
    bank = st.data.far_trans(shared_data)
    holdings = Holdings(weigh="products", issuer=None).fit(bank).transform(bank)
    assert len(holdings) == 29_090
    log = bank.interactions.drop_duplicates(["user_id", "product_id"])
    counts = log.groupby("user_id").size().reindex(bank.user_ids, fill_value=0)
    np.testing.assert_array_equal(holdings["held_products"], counts)
    assert holdings["held_value"].isna().sum() == (counts > 0).sum()  # the log has no amounts
    np.testing.assert_allclose(
        holdings["concentration"][counts.to_numpy() > 0], 1 / counts[counts > 0]
    )

    found = bank_profiles(bank, None)
    assert len(found) == 29_090
    guessed = found["predicted_risk_level"].notna()
    assert guessed.sum() == 7_141
    assert found["risk_level"][guessed].isna().all()
    assert set(found["risk_level"].dropna()) == set(LEVELS)
    assert (found["risk_review_reason"] == "holds-more-risk").sum() == 13_735
