"""A metric of products' fees: written once, registered once, and there for all."""

import numpy as np
import pandas as pd
import pytest

from suitably.data import Dataset
from suitably.errors import DataError
from suitably.evaluation import ABTest, TimeSplit, evaluate
from suitably.metrics import register
from suitably.metrics.registry import REGISTRY

SPLIT = TimeSplit(at="2021-01-01", horizon_days=180)


def mean_fee(products, product_fields, k):
    """Mean fee of the first k products; missing without a list."""
    fees = np.append(product_fields["fee"].to_numpy(), np.nan)
    shown = fees[products[:, :k]]
    there = np.isfinite(shown)
    total = np.where(there, shown, 0).sum(axis=1)
    return np.divide(total, there.sum(axis=1), out=np.full(len(shown), np.nan), where=there.any(1))


class MeanFee:
    label, k, higher_is_better, range = "fee", 2, False, (0.0, 1.0)
    needs = ("products", "product_fields")

    def measure(self, seen):
        return mean_fee(seen.products, seen.product_fields, self.k)


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(REGISTRY, "mean_fee", REGISTRY["coverage"])
    monkeypatch.delitem(REGISTRY, "mean_fee")
    register("mean_fee", mean_fee, higher_is_better=False)


@pytest.fixture
def data(bank):
    products = bank.data.products.assign(fee=np.arange(10) / 10)
    return Dataset(bank.data.users, products, bank.data.interactions)


def test_by_name_in_a_test(bank, data):
    costly = {"p4": 3.0, "p3": 2.0, "p2": 1.0}
    cheap = {"p4": 3.0, "p0": 2.0, "p1": 1.0}
    test = ABTest(
        bank.pipeline(costly),
        bank.pipeline(cheap),
        metrics=["mean_fee@2", "dcg@10", MeanFee()],
        guardrails=["mean_fee@2<=0.2", "mean_fee@2"],
    )
    result = test.run(data, SPLIT)
    frame = result.to_frame().set_index("metric")
    # p4 is owned by all, so the first two are p3 and p2, or p0 and p1.
    assert frame.loc["mean_fee@2", "control"] == pytest.approx(0.25)
    assert frame.loc["mean_fee@2", "treatment"] == pytest.approx(0.05)
    same = ["n", "control", "treatment", "difference", "p_value"]
    assert frame.loc["mean_fee@2", same].tolist() == frame.loc["fee", same].tolist()
    assert [outcome.verdict for outcome in result.guardrails] == ["holds"] * 3
    row = next(row for row in result.rows if row.metric == "fee")
    assert row.direction == 1, "less is better"


def test_it_sees_all_users_whatever_is_relevant(bank, data):
    test = ABTest(bank.poor(), bank.poor(), metrics=["mean_fee@2"], relevant="suitable")
    assert test.run(data, SPLIT).to_frame().set_index("metric").loc["mean_fee@2", "n"] == 40


def test_it_cannot_decide(bank):
    with pytest.raises(ValueError, match="more is better"):
        ABTest(bank.poor(), bank.good(), primary="mean_fee@2")


class TestFrames:
    recs = pd.DataFrame({"user_id": [1, 1, 2], "product_id": ["a", "b", "c"], "rank": [1, 2, 1]})
    relevant = pd.DataFrame({"user_id": [2, 1, 3], "product_id": ["a", "a", "a"]})
    products = pd.DataFrame({"product_id": ["b", "a"], "fee": [1.0, 0.5]})

    @pytest.mark.parametrize("metric", ["mean_fee@2", MeanFee()])
    def test_fields_come_as_a_frame(self, metric):
        found = evaluate(self.recs, self.relevant, [metric], products=self.products)
        expected = {1: 0.75, 2: np.nan, 3: np.nan}  # nothing is known of c; 3 has no list
        assert found.set_index("user_id").iloc[:, 0].to_dict() == pytest.approx(
            expected, nan_ok=True
        )

    def test_users_have_fields_too(self):
        class Older:
            label, k, higher_is_better, needs = "age", None, True, ("user_fields",)

            def measure(self, seen):
                return seen.user_fields["age"].to_numpy(zero_copy_only=False)

        users = pd.DataFrame({"user_id": [1, 2, 3], "age": [31, 32, 33]})
        found = evaluate(self.recs, self.relevant, [Older()], users=users)
        assert found["age"].tolist() == [32, 31, 33]

    def test_without_them_the_frame_is_named(self):
        with pytest.raises(ValueError, match="needs product_fields: give evaluate products="):
            evaluate(self.recs, self.relevant, ["mean_fee@2"])

    @pytest.mark.parametrize(
        ("products", "message"),
        [
            (products.rename(columns={"product_id": "id"}), "products: no column product_id"),
            (pd.concat([products, products]), "each id once"),
            (products.assign(product_id=["a", None]), "each id once, and no null"),
            (products.assign(product_id=[1, 2]), "use one type"),
        ],
    )
    def test_bad_frames(self, products, message):
        with pytest.raises(DataError, match=message):
            evaluate(self.recs, self.relevant, ["mean_fee@2"], products=products)
