"""Probabilities of purchase: of which pairs, in which order, and what is refused."""

import sys

import numpy as np
import pandas as pd
import pytest

import suitably as st
from suitably.decisions import Propensity

AS_OF = "2024-06-01"


def a_pipeline(ranker=None, policy="cn-csrc-amac"):
    return st.Pipeline(policy=policy, ranker=ranker or st.ranking.EASE())


@pytest.fixture(scope="module")
def bank():
    return st.data.simulate_bank(users=800, products=60, seed=3)


@pytest.fixture(scope="module", params=["isotonic", "logistic"])
def fitted(request, bank):
    return Propensity(a_pipeline(), method=request.param, windows=3).fit(bank, AS_OF)


def test_all_pairs_that_a_list_could_hold_in_the_order_of_the_lists(fitted, bank):
    found = fitted.predict()
    lists = a_pipeline().fit(bank, AS_OF).recommend(k=60).to_frame()
    expected = lists[["user_id", "product_id", "score"]]
    pd.testing.assert_frame_equal(found[["user_id", "product_id", "score"]], expected)
    assert found.score.dtype == np.float32
    assert found.probability.dtype == np.float64
    assert found.probability.between(0, 1).all()


def test_never_a_pair_that_is_not_eligible(fitted, bank):
    found = fitted.predict(as_of="2024-09-01")
    judged = fitted.pipeline_.eligibility("2024-09-01")
    mask = judged.mask()
    rows = pd.Index(judged.user_ids).get_indexer(found.user_id)
    columns = pd.Index(judged.product_ids).get_indexer(found.product_id)
    assert len(found)
    assert mask[rows, columns].all()


def test_within_a_list_probabilities_are_in_its_order(fitted):
    falls = fitted.predict().groupby("user_id").probability.diff().dropna()
    assert (falls <= 0).all()


def test_a_depth_keeps_the_first_of_each(fitted):
    whole, first = fitted.predict(), fitted.predict(k=2)
    pd.testing.assert_frame_equal(
        first, whole.groupby("user_id", sort=False).head(2).reset_index(drop=True)
    )


def test_neither_order_nor_company_nor_blocks_matter(fitted, monkeypatch):
    whole = fitted.predict()
    some = list(reversed(whole.user_id.unique()[:300:7]))
    asked = fitted.predict([*some, "nobody"])
    assert list(asked.user_id.unique()) == some
    same = whole[whole.user_id.isin(some)]
    key = ["user_id", "product_id"]
    pd.testing.assert_frame_equal(
        asked.sort_values(key, ignore_index=True), same.sort_values(key, ignore_index=True)
    )
    monkeypatch.setattr("suitably.pipeline.generate._USERS", 17)
    pd.testing.assert_frame_equal(fitted.predict(), whole)


def test_blocks_hold_what_the_frame_says(fitted):
    candidates = fitted.pipeline_.candidates(["nobody", *fitted.pipeline_.user_ids[:200]])
    told = fitted.probabilities(candidates)
    chances = {}
    for places, (found, lists) in candidates.map(lambda p, part: (told(p, part), part.lists)):
        assert found.dtype == np.float64
        assert (found[~lists.filled] == 0).all()
        for place, row, length in zip(places, found, lists.lengths, strict=True):
            chances[place] = row[:length]
    frame = fitted.predict(candidates.user_ids)
    joined = np.concatenate([chances[place] for place in sorted(chances)])
    np.testing.assert_array_equal(joined, frame.probability)


def test_later_events_change_nothing(bank):
    before = st.Dataset(
        bank.users[bank.users.user_timestamp < AS_OF],
        bank.products[bank.products.product_timestamp < AS_OF],
        bank.interactions[bank.interactions.timestamp < AS_OF],
    )
    whole, cut = (Propensity(a_pipeline(), windows=2).fit(data, AS_OF) for data in (bank, before))
    known = cut.pipeline_.user_ids
    pd.testing.assert_frame_equal(whole.predict(known), cut.predict(known))


def test_the_callers_pipeline_is_not_changed(bank):
    unfitted = a_pipeline()
    made = Propensity(unfitted, windows=1).fit(bank, AS_OF)
    assert not unfitted.is_fitted
    assert str(made.pipeline_.as_of_) == "2024-06-01 00:00:00"


@pytest.mark.parametrize(
    ("at", "same"), [("2024-05-01", True), (AS_OF, True), ("2024-07-01", False)]
)
def test_a_pipeline_fitted_no_later_is_used_as_it_is(bank, at, same):
    given = a_pipeline(st.ranking.Popularity(), st.Policy.unrestricted()).fit(bank, at)
    made = Propensity(given, windows=1).fit(bank, "2024-06-01")
    assert (made.pipeline_ is given) is same
    assert str(given.as_of_.date()) == at


def test_a_pipeline_that_does_not_know_the_users_is_fitted_anew(bank):
    other = st.data.simulate_bank(users=30, products=60, seed=3)
    given = a_pipeline(st.ranking.Popularity()).fit(other, AS_OF)
    made = Propensity(given, windows=1).fit(bank, AS_OF)
    assert len(made.pipeline_.user_ids) == 800


@pytest.mark.parametrize("kind", ["polars", "pyarrow"])
def test_the_callers_kind_of_frame(bank, kind):
    pl = pytest.importorskip("polars")
    frames = (bank.users, bank.products, bank.interactions)
    read = [
        pl.from_pandas(f.astype({c: str for c in f if f[c].dtype == "category"})) for f in frames
    ]
    data = st.Dataset(*(one.to_arrow() if kind == "pyarrow" else one for one in read))
    found = Propensity(a_pipeline(), windows=1).fit(data, AS_OF).predict(k=1)
    assert type(found).__module__.startswith(kind)


def test_ids_that_are_numbers_stay_what_they_are():
    rng = np.random.default_rng(0)
    log = pd.DataFrame(
        {
            "user_id": rng.integers(0, 60, 400).astype(np.int32),
            "product_id": rng.integers(0, 30, 400),
            "timestamp": pd.Timestamp("2023-01-01")
            + pd.to_timedelta(rng.integers(0, 500, 400), "D"),
        }
    )
    data = st.Dataset(None, None, log)
    found = Propensity(a_pipeline(st.ranking.Popularity(), st.Policy.unrestricted())).fit(data)
    assert found.predict().dtypes.user_id == np.int32


def test_views_and_sales_are_no_purchases(bank):
    log = bank.interactions.astype({"user_id": str, "product_id": str})
    rng = np.random.default_rng(0)
    size = 2_000
    other = pd.DataFrame(
        {
            "user_id": rng.choice(bank.user_ids, size),
            "product_id": np.where(
                rng.random(size) < 0.5, rng.choice(bank.product_ids, size), None
            ),
            "timestamp": pd.Timestamp("2023-01-01")
            + pd.to_timedelta(rng.integers(0, 500, size), "D"),
            "event": "view",
            "value": np.nan,
        }
    )
    told = [
        Propensity(a_pipeline(), windows=2).fit(
            st.Dataset(bank.users, bank.products, frame, owned_events=["buy"], other_events=kinds),
            AS_OF,
        )
        for frame, kinds in ((log, []), (pd.concat([log, other]), ["view"]))
    ]
    pd.testing.assert_frame_equal(told[0].predict(k=2), told[1].predict(k=2))


class TestBadInput:
    @pytest.mark.parametrize(
        "changed",
        [
            {"horizon_days": 0},
            {"horizon_days": -3},
            {"horizon_days": 1.5},
            {"horizon_days": True},
            {"windows": 0},
            {"method": "platt"},
            {"pipeline": None},
            {"pipeline": "model/"},
        ],
    )
    def test_parameters(self, bank, changed):
        with pytest.raises(ValueError, match=next(iter(changed))):
            Propensity(**({"pipeline": a_pipeline()} | changed)).fit(bank, AS_OF)

    def test_no_data(self):
        with pytest.raises(st.DataError, match="expected a Dataset"):
            Propensity(a_pipeline()).fit(None, AS_OF)

    def test_too_early_for_any_window(self, bank):
        with pytest.raises(st.DataError, match="too early for horizon_days=90"):
            Propensity(a_pipeline()).fit(bank, "2021-04-01")

    def test_no_timestamps(self):
        log = pd.DataFrame({"user_id": [1, 2], "product_id": ["a", "b"]})
        with pytest.raises(st.DataError, match="timestamps"):
            Propensity(a_pipeline()).fit(st.Dataset(None, None, log))

    def test_nothing_bought_in_any_window(self):
        log = pd.DataFrame(
            {
                "user_id": [1, 2],
                "product_id": ["a", "b"],
                "timestamp": pd.to_datetime(["2021-01-01"] * 2),
            }
        )
        made = Propensity(a_pipeline(st.ranking.Popularity(), st.Policy.unrestricted()))
        with pytest.raises(st.DataError, match="nothing was bought"):
            made.fit(st.Dataset(None, None, log), "2022-01-01")

    def test_before_the_fit(self):
        with pytest.raises(st.NotFittedError, match="fit first"):
            Propensity(a_pipeline()).predict()

    def test_an_earlier_moment(self, fitted):
        with pytest.raises(st.DataError, match="before"):
            fitted.predict(as_of="2024-05-31")

    @pytest.mark.parametrize("k", [0, -1, 1.5])
    def test_no_depth(self, fitted, k):
        with pytest.raises(ValueError, match="positive integer"):
            fitted.predict(k=k)

    def test_unknown_users_have_no_rows(self, fitted):
        found = fitted.predict(["nobody"])
        assert list(found.columns) == ["user_id", "product_id", "score", "probability"]
        assert len(found) == 0

    def test_without_scikit_learn_the_extra_is_named(self, bank, monkeypatch):
        monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
        with pytest.raises(ImportError, match=r"suitably\[decisions\]"):
            Propensity(a_pipeline(), windows=1).fit(bank, AS_OF)
