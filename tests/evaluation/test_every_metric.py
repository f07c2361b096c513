"""Every registered metric by its name: from frames, and in a test of two pipelines."""

import numpy as np
import pandas as pd
import pytest

from suitably.data import Dataset
from suitably.data.splits import Split
from suitably.errors import DataError
from suitably.evaluation import ABTest, TimeSplit, evaluate
from suitably.metrics.registry import REGISTRY
from suitably.pipeline.pipeline import Pipeline
from suitably.profiles import Preferences
from suitably.suitability.policy import Policy

RISK = """
[policy]
id = "risk"
[scales]
investor = ["C1", "C2", "C3"]
product = ["R1", "R2", "R3"]
[fields]
"user.risk_level" = "investor"
"product.risk_level" = "product"
[[rules]]
id = "risk-level"
require = "rank(product.risk_level) <= rank(user.risk_level)"
"""
RECS = pd.DataFrame(
    [("ann", "a", 1), ("ann", "b", 2), ("ann", "c", 3), ("bob", "b", 1), ("bob", "d", 2)],
    columns=["user_id", "product_id", "rank"],
)
RELEVANT = pd.DataFrame(
    [("ann", "b", 100.0), ("ann", "c", 50.0), ("bob", "b", 10.0), ("cat", "a", 1.0)],
    columns=["user_id", "product_id", "value"],
)
GIVEN = {
    "users": pd.DataFrame(
        {
            "user_id": ["ann", "bob", "cat"],
            "risk_level": ["C2", "C3", None],
            "lifetime_value": [500.0, 300.0, 100.0],
            "acquisition_cost": [5.0, 5.0, 5.0],
            "contact_cost": [1.0, 1.0, 1.0],
            "category_share": [{"fund": 1.0, "bond": 0.0}] * 3,
        }
    ),
    "products": pd.DataFrame(
        {
            "product_id": list("abcde"),
            "risk_level": ["R1", "R2", "R3", "R1", "R2"],
            "category": ["fund", "bond", "fund", "bond", "fund"],
            "issuer": ["X", "X", "Y", "Y", "Z"],
            "revenue": [10.0, 20.0, 30.0, 40.0, 50.0],
            "commission": [0.0, 5.0, 0.0, 0.0, 0.0],
            "fee_rate": [0.1, 0.2, 0.3, 0.4, 0.5],
        }
    ),
    "history": pd.DataFrame({"user_id": ["ann", "ann", "eve"], "product_id": ["a", "d", "d"]}),
    "returns": pd.DataFrame(
        {
            "product_id": ["a", "a", "b", "b", "d", "d"],
            "period": [0, 1] * 3,
            "monthly_return": [0.1, 0.0, 0.02, 0.04, -0.1, 0.1],
        }
    ),
    "rejected": pd.DataFrame({"user_id": ["ann", "eve"], "product_id": ["c", "a"]}),
    "events": pd.DataFrame(
        {"user_id": ["ann"] * 2, "product_id": ["a", "b"], "event": ["view"] * 2}
    ),
    "policy": Policy.from_toml(RISK),
    "as_of": "2024-01-01",
}
NAN = np.nan
EXPECTED = {
    "suitable_recall@3": [1.0, 1.0, NAN],  # c lies above ann's level; cat has none, so no pass
    "suitable_precision@2": [0.5, 0.5, NAN],
    "suitable_mrr@3": [0.5, 1.0, NAN],
    "recall@3": [1.0, 1.0, 0.0],
    "coverage": [1, 1, 0],
    "abstention_rate": [0, 0, 1],
    "abstention_rate@3": [0, 1, 1],
    "catalogue_coverage": [0.8] * 3,
    "catalogue_coverage@1": [0.4] * 3,
    "gini": [0.32] * 3,  # counts 0 1 1 1 2 of 5
    "violation_rate": [1 / 3, 0, 0],
    "violation_rate_at[level:R3]": [1 / 3, 0, 0],
    "rejection_rate@3": [1 / 3, 0, 0],
    "risk_match": [1 / 3, 0, NAN],
    "over_conservatism": [1 / 3, 1, NAN],
    "risk_excess": [1 / 3, 0, NAN],
    "novelty@1": [1, 1, NAN],  # a and b are owned by one, or by nobody, of two
    "novelty": [1, 0.5, NAN],
    "intra_list_diversity": [2 / 3, 0, NAN],
    "concentration": [5 / 9, 0.5, NAN],
    "concentration[by:category]@1": [1, 1, NAN],
    "roi@1": [1.1**0.5 - 1, (1.02 * 1.04) ** 0.5 - 1, NAN],
    "volatility@1": [np.std([0.1, 0], ddof=1), np.std([0.02, 0.04], ddof=1), NAN],
    "expected_revenue@1": [0, 15, 0],
    "expected_revenue[with_commission:true]@1": [0, 20, 0],
    "revenue_per_user@3": [100 * 0.2 + 50 * 0.3, 2, 0],
    "contribution@3": [34, 1, 0],
    "conversion@3": [2 / 3, 1 / 2, NAN],
    "conversion[start:view]@3": [1 / 2, NAN, NAN],
    "retention@3": [1, NAN, NAN],
    "cac@3": [NAN, 5, NAN],
    "ltv_to_cac@3": [NAN, 60, NAN],
    "serendipity@1": [0, 1, 0],
}


def _written(name):
    options = "[level:R3]" if name == "violation_rate_at" else ""
    return f"{name}{options}{'@3' if REGISTRY[name].at_k else ''}"


@pytest.mark.parametrize("name", EXPECTED)
def test_from_frames(name):
    found = evaluate(RECS, RELEVANT, [name], **GIVEN)
    assert found["user_id"].tolist() == ["ann", "bob", "cat"]
    np.testing.assert_allclose(found[name], EXPECTED[name], atol=1e-12)


def test_all_of_them_at_once():
    names = [_written(name) for name in REGISTRY]
    found = evaluate(RECS, RELEVANT, names, **GIVEN)
    assert list(found.columns) == ["user_id", *names]
    for name in names:
        alone = evaluate(RECS, RELEVANT, [name], **GIVEN)[name]
        np.testing.assert_array_equal(found[name], alone)


def test_values_keep_to_the_range_that_is_said():
    from suitably.metrics import parse_metric

    for name in REGISTRY:
        metric = parse_metric(_written(name))
        if metric.range is not None:
            low, high = metric.range
            values = evaluate(RECS, RELEVANT, [metric.label], **GIVEN)[metric.label].dropna()
            assert values.between(low, high).all(), name


@pytest.mark.parametrize(
    ("name", "without", "message"),
    [
        ("roi@3", "returns", "needs returns: give evaluate returns="),
        ("rejection_rate@3", "rejected", "needs rejected: give evaluate rejected="),
        ("novelty@3", "history", "needs owners and audience: give evaluate history="),
        ("violation_rate", "policy", "needs passes: give evaluate a policy="),
        ("suitable_ndcg@3", "policy", "needs suitable_hits: give evaluate a policy="),
        ("risk_match", "policy", "needs user_levels and product_levels: give a policy that"),
        ("cac@3", "users", "policy: reads users and products as of a moment, so give users="),
        ("gini", "products", "policy: reads users and products"),
    ],
)
def test_what_is_missing_is_named(name, without, message):
    given = {key: value for key, value in GIVEN.items() if key != without}
    with pytest.raises(ValueError, match=message):
        evaluate(RECS, RELEVANT, [name], **given)


@pytest.mark.parametrize(
    ("name", "side", "column"),
    [
        ("concentration@3", "products", "issuer"),
        ("expected_revenue@3", "products", "commission"),
        ("cac@3", "users", "acquisition_cost"),
        ("profile_calibration", "users", "category_share"),
    ],
)
def test_a_missing_column_is_named(name, side, column):
    given = {side: GIVEN[side].drop(columns=column)}
    other = {"users": "products", "products": "users"}[side]
    given |= {other: GIVEN[other], "history": GIVEN["history"]}
    with pytest.raises(
        ValueError, match=rf"metric '{name}': reads '{column}' of {side}, .*give one"
    ):
        evaluate(RECS, RELEVANT, [name], **given)
    missing = RELEVANT.drop(columns="value")
    with pytest.raises(ValueError, match="needs spent: give relevant_frame a column value"):
        evaluate(RECS, missing, ["revenue_per_user@3"], **GIVEN)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("roi@3", {"returns": pd.DataFrame({"product_id": [1], "monthly_return": [0.1]})}),
        ("novelty@3", {"history": pd.DataFrame({"user_id": ["ann"], "product_id": [1]})}),
        ("retention@3", {"history": pd.DataFrame({"user_id": [1], "product_id": ["a"]})}),
        ("rejection_rate@3", {"rejected": pd.DataFrame({"user_id": [1], "product_id": ["a"]})}),
    ],
)
def test_ids_of_another_type_are_refused(name, given):
    with pytest.raises(DataError, match="use one type"):
        evaluate(RECS, RELEVANT, [name], **given)


def test_size_is_what_is_on_offer():
    with pytest.raises(ValueError, match="needs size: give evaluate products="):
        evaluate(RECS, RELEVANT, ["auc"])
    found = evaluate(RECS, RELEVANT, ["auc", "auc@1"], products=GIVEN["products"])
    # ann: b, c of five at places 2 and 3 below a; bob: b above all; cat: no list, all tied.
    np.testing.assert_allclose(found["auc"], [4 / 6, 1, 0.5])
    np.testing.assert_allclose(found["auc@1"], [(0 + 0.5 * 4) / 6, 1, 0.5])


class TestTwoPipelines:
    @pytest.fixture
    def data(self, bank):
        log = bank.data.interactions.assign(
            event="buy", value=100.0, timestamp=pd.to_datetime(bank.data.interactions["timestamp"])
        )
        more = pd.DataFrame(
            {
                "user_id": ["u00", "u01", "u39"],
                "product_id": ["p0", "p2", "p1"],
                "timestamp": pd.to_datetime(["2021-02-01", "2021-02-02", "2021-03-01"]),
                "event": ["view", "turn down", "turn down"],
                "value": [np.nan] * 3,
            }
        )
        # u39 bought nothing in the window, and only rejects.
        log = log[~((log["user_id"] == "u39") & (log["timestamp"] > "2021"))]
        products = bank.data.products.assign(
            category=["a", "b"] * 5, issuer=["X"] * 5 + ["Y"] * 5, revenue=10.0, commission=4.0,
            fee_rate=0.01,
        )  # fmt: skip
        users = bank.data.users.assign(
            contact_cost=0.5, acquisition_cost=2.0, lifetime_value=8.0,
            category_share=[{"a": 0.5, "b": 0.5}] * 40,
        )  # fmt: skip
        return Dataset(
            users, products, pd.concat([log, more]), owned_events=["buy"],
            rejected_events=["turn down"], other_events=["view"],
        )  # fmt: skip

    @pytest.fixture
    def prices(self):
        days = pd.date_range("2021-01-01", periods=7, freq="30D")
        return pd.DataFrame(
            [(f"p{n}", day, 100 * 1.01 ** (n * step)) for n in range(10) for step, day in
             enumerate(days)],
            columns=["product_id", "timestamp", "price"],
        )  # fmt: skip

    def test_all_of_them(self, bank, data, prices):
        names = [f"{n}{'[level:high]' if n == 'violation_rate_at' else ''}{'@3' * s.at_k}"
                 for n, s in REGISTRY.items()]  # fmt: skip
        test = ABTest(bank.poor(), bank.good(), metrics=names, primary="ndcg@3", prices=prices)
        result = test.run(data, TimeSplit(at="2021-01-01", horizon_days=180))
        frame = result.to_frame().set_index("metric")
        assert set(names) <= set(frame.index)
        # Everybody has bought p4 before, so there are no newcomers to win.
        assert frame.loc[["cac@3", "ltv_to_cac@3"], "treatment"].isna().all()
        control, treatment = frame["control"], frame["treatment"]
        assert treatment["conversion@3"] == pytest.approx(1 / 3)
        assert treatment["retention@3"] == 1
        assert treatment["revenue_per_user@3"] == pytest.approx(1.0)
        assert treatment["contribution@3"] == pytest.approx(0.5)
        assert treatment["expected_revenue@3"] == pytest.approx(6.0)
        assert control["risk_excess@3"] == control["violation_rate"] == 0
        # The poor one shows p9, p8, p7 to whoever may have them: of price growth 9, 8, 7 %.
        rows = result.per_user().query("metric == 'roi@3' and user_id == 'u00'")
        expected = np.mean([1.01**n - 1 for n in (9, 8, 7)])
        assert rows["control"].item() == pytest.approx(expected)
        assert treatment["suitable_ndcg@3"] == 1

    def test_fields_of_profiles_are_seen(self, bank, data):
        users = data.users.drop(columns="category_share")
        bare = Dataset(
            users, data.products, data.interactions, owned_events=["buy"],
            rejected_events=["turn down"], other_events=["view"],
        )  # fmt: skip
        arms = [
            Pipeline(profiles=[Preferences()], policy=bank.policy, ranker=one.ranker)
            for one in (bank.poor(), bank.good())
        ]
        test = ABTest(
            *arms,
            metrics=["recall@2", "profile_calibration@2", "calibration@2"],
            guardrails=["concentration[by:category]@3<=0.9"],
            primary="recall@2",
        )
        result = test.run(bare, TimeSplit(at="2021-01-01", horizon_days=180))
        frame = result.to_frame().set_index("metric")
        # All that anybody had before was p4, of category a: history and profile agree.
        for arm in ("control", "treatment"):
            one, other = frame.loc[["profile_calibration@2", "calibration@2"], arm]
            assert one == pytest.approx(other)
        assert "concentration[by:category]@3" in frame.index

    def test_users_who_only_reject_count_for_rejections_alone(self, bank, data):
        test = ABTest(bank.poor(), bank.good(), metrics=["rejection_rate@10", "recall@10"],
                      primary="recall@10")  # fmt: skip
        result = test.run(data, TimeSplit(at="2021-01-01", horizon_days=180))
        users = {name: set(part["user_id"]) for name, part in result.per_user().groupby("metric")}
        assert "u39" in users["rejection_rate@10"]
        assert "u39" not in users["recall@10"] | users["coverage"] | users["violation_rate"]
        rates = result.per_user().query("metric == 'rejection_rate@10'").set_index("user_id")
        # u01 may have p0 to p3 of the nine not owned, and turned p2 down; u39 likewise p1.
        assert rates.loc["u01", "treatment"] == rates.loc["u39", "control"] == 1 / 4
        assert rates.loc["u00", "treatment"] == 0

    def test_a_ratio_is_of_sums_over_splits_and_users(self, bank, data):
        splits = [TimeSplit("2021-01-01", 180), TimeSplit("2021-01-15", 100)]
        test = ABTest(bank.poor(), bank.good(), metrics=["conversion@4"], primary="conversion@4")
        result = test.run(data, splits)
        row = bank.row(result, "conversion@4")
        shown = 4 * 78  # 39 users twice, each with four or more to show
        assert row["treatment"] == pytest.approx(78 / shown)
        assert row["n"] == 39
        assert row["low"] <= row["difference"] <= row["high"]

    def test_returns_of_a_split_come_first(self, bank, data, prices):
        relevant = pd.DataFrame({"user_id": ["u00", "u02"], "product_id": ["p0", "p2"]})
        returns = pd.DataFrame({"product_id": [f"p{n}" for n in range(10)], "monthly_return": 0.03})
        split = Split(
            pd.Timestamp("2021-01-01"), pd.Timestamp("2021-06-01"), None, relevant, returns
        )
        test = ABTest(bank.poor(), bank.good(), metrics=["roi@3"], primary="roi@3", prices=prices)
        assert bank.row(test.run(data, split), "roi@3")["control"] == pytest.approx(0.03)

    @pytest.mark.parametrize(
        ("metric", "message"),
        [
            ("roi@3", "needs returns: give evaluate returns=, ABTest prices="),
            ("rejection_rate@3", "needs rejected: .* the Dataset rejected_events="),
            ("revenue_per_user@3", "needs spent: .* the interactions one of values"),
        ],
    )
    def test_what_is_missing_is_named(self, bank, metric, message):
        with pytest.raises(ValueError, match=message):
            bank.run(bank.poor(), bank.good(), metrics=[metric], primary="recall@3")

    def test_a_depth_of_a_billion_costs_what_the_catalogue_does(self, bank, data):
        names = [f"{name}@1000000000" for name in ("ndcg", "precision", "novelty", "gini", "auc",
                                                   "serendipity", "conversion")]  # fmt: skip
        test = ABTest(bank.poor(), bank.good(), metrics=names, primary=names[0])
        frame = test.run(data, TimeSplit("2021-01-01", 180)).to_frame().set_index("metric")
        assert frame.loc[names, "treatment"].notna().all()


class TestWhoIsMeasured:
    """Nobody is missing where a metric has nothing to say of either list."""

    def test_users_without_a_suitable_purchase_do_not_stand_in_the_way(self, bank):
        bought = pd.DataFrame(
            {
                "user_id": [f"u{n:02}" for n in range(40)],
                "product_id": ["p9", "p9", "p0", "p1"] * 10,
            }
        )
        split = Split(pd.Timestamp("2021-01-01"), pd.Timestamp("2021-06-01"), None, bought)
        best = {user: {product: 1.0} for user, product in bought.itertuples(index=False)}
        result = bank.run(
            bank.poor(), bank.pipeline(best), split=split, metrics=["suitable_mrr@3", "mrr@3"],
            primary="suitable_mrr@3",
        )  # fmt: skip
        # Every other user may not have p9: three in four can be judged, on what they may have.
        row = bank.row(result, "suitable_mrr@3")
        assert (row["n"], row["treatment"]) == (30, 1.0)
        assert bank.row(result, "mrr@3")["n"] == 40
        assert "An input is missing" not in result.reason
        assert result.decision == "ship"

    def test_users_without_any_list_do_not_stand_in_the_way(self, bank):
        bought = pd.DataFrame({"user_id": [f"u{n:02}" for n in range(40)], "product_id": "p9"})
        risky = np.array(["p8", "p9"], dtype=object)
        split = Split(pd.Timestamp("2021-01-01"), pd.Timestamp("2021-06-01"), risky, bought)
        test = {"metrics": ["risk_match@1", "hit_rate@1"], "primary": "risk_match@1"}
        result = bank.run(bank.poor(), bank.good(), split=split, **test)
        # Those of the low level get nothing from either.
        assert bank.row(result, "risk_match@1")["n"] == 20
        assert bank.row(result, "coverage")["treatment"] == 0.5
        assert result.decision == "inconclusive"

    def test_a_list_that_one_pipeline_alone_has_cannot_be_compared(self, bank):
        bought = pd.DataFrame({"user_id": [f"u{n:02}" for n in range(40)], "product_id": "p9"})
        risky = np.array(["p8", "p9"], dtype=object)
        split = Split(pd.Timestamp("2021-01-01"), pd.Timestamp("2021-06-01"), risky, bought)
        result = bank.run(
            bank.poor(), bank.poor(Policy.unrestricted()), split=split, policy=bank.policy,
            metrics=["risk_match@1"], primary="risk_match@1", guardrails=[],
        )  # fmt: skip
        assert result.decision == "do not ship"  # by its violations
        row = next(r.result for r in result.rows if r.metric == "risk_match@1")
        assert (row.n, row.omitted) == (20, 20)
