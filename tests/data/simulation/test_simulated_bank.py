import time

import numpy as np
import pandas as pd
import pytest

from suitably.data.simulation.bank import SimulatedBank, simulate_bank
from suitably.errors import DataError

AT, DAYS = "2024-07-01", 180


@pytest.fixture(scope="module")
def bank() -> SimulatedBank:
    return simulate_bank(4_000, 150, seed=1)


def test_the_same_seed_gives_the_same_bank():
    one, two, other = (simulate_bank(300, 40, seed) for seed in (5, 5, 6))
    for name in ("users", "products", "interactions", "consent"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name))
    np.testing.assert_array_equal(one.truth(AT), two.truth(AT))
    assert len(other.interactions) != len(one.interactions) or not other.interactions.equals(
        one.interactions
    )
    assert not np.array_equal(other.truth(AT), one.truth(AT))


@pytest.mark.parametrize("bad", [0, -1, 1.5, "10", None, True])
def test_counts_must_be_positive_integers(bad):
    with pytest.raises(ValueError, match="users="):
        simulate_bank(users=bad)
    with pytest.raises(ValueError, match="products="):
        simulate_bank(products=bad)


@pytest.mark.parametrize("seed", [-1, 0.5, 0.0, False, None])
def test_a_bad_seed_is_refused(seed):
    with pytest.raises(ValueError, match="seed="):
        simulate_bank(10, 10, seed)


@pytest.mark.parametrize(("users", "products"), [(1, 1), (1, 50), (50, 1), (2, 3)])
def test_the_smallest_banks_exist(users, products):
    bank = simulate_bank(users, products)
    assert bank.truth(AT).shape == (users, products)
    assert len(bank.user_ids) == users
    assert len(bank.product_ids) == products


def test_all_dates_lie_within_the_records(bank):
    end = pd.Timestamp("2025-01-01")
    for frame in (bank.users, bank.products, bank.interactions, bank.consent):
        for column in frame.select_dtypes("datetime").columns:
            if column != "sale_end":
                assert (frame[column].dropna() < end).all(), column
    assert bank.interactions["timestamp"].min() >= pd.Timestamp("2021-01-01")
    assert bank.interactions["timestamp"].is_monotonic_increasing
    assert (bank.users["questionnaire_date"].dropna() <= end).all()
    late = bank.users["questionnaire_date"] > bank.users["user_timestamp"]
    assert not late.any()


def test_shares_are_realistic(bank):
    counts = np.bincount(bank.events.users, minlength=len(bank.user_ids))
    assert 0.1 < (counts == 0).mean() < 0.3
    assert 5 < counts[counts > 0].mean() < 10
    last = bank.users.groupby("user_id").tail(1)
    assert 0.04 < last["questionnaire_date"].isna().mean() < 0.11
    assert 0.15 < (last["questionnaire_date"] < "2024-01-01").mean() < 0.4
    lapsed = np.setdiff1d(bank.events.users, bank.events.take(recent(bank, 365)).users)
    assert len(lapsed) > 0.1 * len(bank.user_ids)
    newcomers = last["customer_since"] > "2024-10-01"
    assert newcomers.any()
    assert (last["risk_level"].isna() == last["questionnaire_date"].isna()).all()
    granted = bank.consent.query("purpose == 'personalisation'")
    assert 0.88 < len(granted) / len(bank.user_ids) < 0.97
    assert 0.01 < granted["withdrawn_at"].notna().mean() < 0.1


def recent(bank, days):
    times = bank.events.times
    return times >= np.datetime64("2025-01-01") - np.timedelta64(days, "D")


def test_some_purchases_lie_above_the_stated_level(bank):
    levels = bank.users[["user_id", "user_timestamp", "risk_level"]]
    known = pd.merge_asof(
        bank.interactions, levels.sort_values("user_timestamp"), by="user_id",
        left_on="timestamp", right_on="user_timestamp", allow_exact_matches=False,
    )  # fmt: skip
    assert known["user_timestamp"].notna().all()
    product = known["product_id"].map(bank.products.set_index("product_id")["risk_level"])
    stated = known["risk_level"].notna()
    above = product[stated].str[1].astype(int) > known.loc[stated, "risk_level"].str[1].astype(int)
    assert 0.08 < above.mean() < 0.35


def test_purchases_obey_the_catalogue(bank):
    bought = bank.interactions.merge(bank.products, on="product_id")
    assert (bought["timestamp"] >= bought["sale_start"]).all()
    assert (bought["timestamp"] < bought["sale_end"]).all()
    once = bought[~bought["repeatable"]]
    assert not once.duplicated(["user_id", "product_id"]).any()
    assert bought[bought["repeatable"]].duplicated(["user_id", "product_id"]).any()
    assert (bought["value"] >= bought["min_amount"]).all()
    joined = bank.users.groupby("user_id")["customer_since"].first()
    assert (bought["timestamp"] >= bought["user_id"].map(joined)).all()
    assert set(bank.products["regime"]) == {"nfra", "csrc", "private", "loan"}
    assert set(bank.products["risk_level"]) <= {"R1", "R2", "R3", "R4", "R5"}


def test_a_view_sees_customers_and_products_only_once_they_exist(bank):
    view = bank.view("2022-01-01")
    launched = bank.products["launch_date"] < "2022-01-01"
    np.testing.assert_array_equal(view.listed, launched)
    joined = bank.users.groupby("user_id", sort=False)["customer_since"].first()
    seen = np.array([c is not None for c in view.user_fields["customer_since"].to_pylist()])
    np.testing.assert_array_equal(seen, joined < "2022-01-01")


def test_truth_is_what_the_purchases_were_drawn_from():
    """Many draws of one bank: how often each pair occurs is its probability."""
    bank = simulate_bank(40, 12, seed=3)
    start, end = np.datetime64("2022-03-10", "s"), np.datetime64("2022-09-06", "s")
    draws, bought = 3_000, np.zeros((40, 12))
    owned_before = np.zeros((40, 12))
    rng = np.random.default_rng(0)
    for _ in range(draws):
        drawn = bank.model.draw(rng)
        before = np.zeros((40, 12), bool)
        before[drawn.users[drawn.times < start], drawn.products[drawn.times < start]] = True
        within = (drawn.times >= start) & (drawn.times < end)
        now = np.zeros((40, 12), bool)
        now[drawn.users[within], drawn.products[within]] = True
        repeatable = bank.products["repeatable"].to_numpy()
        open_pairs = ~before | repeatable
        bought += now & open_pairs
        owned_before += ~open_pairs
        assert not (now & ~open_pairs).any()
    chances = draws - owned_before
    ((_, expected),) = bank.model.expected(start, end)
    probability = -np.expm1(-expected)
    error = (bought - chances * probability) / np.sqrt(
        np.maximum(chances * probability * (1 - probability), 1e-9)
    )
    busy = chances * probability > 20
    assert busy.sum() > 80
    assert np.abs(error[busy]).max() < 4.5
    assert error[busy].std() == pytest.approx(1.0, abs=0.2)

    truth = bank.truth("2022-03-10", horizon_days=180)
    owned = bank.view("2022-03-10").purchases.toarray() > 0
    expected_truth = np.where(owned & ~repeatable, 0.0, probability).astype(np.float32)
    np.testing.assert_array_equal(truth, expected_truth)


def test_truth_foretells_this_banks_own_purchases(bank):
    """Summed over pairs, the truth counts the pairs that were really bought."""
    truth = bank.truth(AT)
    start = np.datetime64(AT, "us")
    window = bank.events.between(start, start + np.timedelta64(DAYS, "D"))
    pairs = len(np.unique(window.users.astype(np.int64) * 10_000 + window.products))
    assert truth.sum(dtype=np.float64) == pytest.approx(pairs, rel=0.06)
    assert truth.dtype == np.float32
    assert truth.min() >= 0.0
    assert truth.max() <= 1.0


def test_truth_is_nothing_off_sale_and_for_what_is_owned(bank):
    truth = bank.truth(AT)
    products = bank.products
    gone = (products["sale_end"] <= AT) | (products["sale_start"] >= "2024-12-28")
    assert gone.any()
    assert not truth[:, gone].any()
    owned = bank.view(AT).purchases.toarray() > 0
    assert not truth[owned & ~products["repeatable"].to_numpy()].any()


def test_truth_of_some_users_is_their_rows(bank):
    truth = bank.truth(AT)
    some = [7, 3, 3_999, 0]
    np.testing.assert_allclose(bank.truth(AT, user_ids=bank.user_ids[some]), truth[some], rtol=1e-6)


def test_personalisation_matters(bank):
    """The truth ranks held-out purchases far better than popularity does."""
    truth = bank.truth(AT)
    view = bank.view(AT)
    start = np.datetime64(AT, "us")
    window = bank.events.between(start, start + np.timedelta64(DAYS, "D"))
    relevant = np.zeros(truth.shape, bool)
    relevant[window.users, window.products] = True
    users = relevant.any(axis=1)
    popular = np.bincount(view.events.products, minlength=truth.shape[1])

    def hit_rate(scores):
        top = np.argsort(-scores, axis=1, kind="stable")[:, :5]
        return np.take_along_axis(relevant[users], top, axis=1).any(axis=1).mean()

    oracle = hit_rate(truth[users])
    assert oracle > 2 * hit_rate(np.tile(popular, (users.sum(), 1)))
    assert oracle > 0.4


@pytest.mark.parametrize(
    ("as_of", "days"), [("2020-12-31", 30), ("2025-12-01", 180), ("2024-07-01", 5_000)]
)
def test_truth_outside_the_models_years_is_refused(bank, as_of, days):
    with pytest.raises(DataError, match="2021-01-01 to 2026-01-01"):
        bank.truth(as_of, horizon_days=days)


def test_bad_questions_for_the_truth_are_refused(bank):
    for days in (0, -1, 1.5, True, "180", None):
        with pytest.raises(ValueError, match="horizon_days"):
            bank.truth(AT, horizon_days=days)
    with pytest.raises(DataError, match="1 unknown"):
        bank.truth(AT, user_ids=["u000001", "nobody"])
    with pytest.raises(DataError, match="time-zone"):
        bank.truth(pd.Timestamp(AT, tz="UTC"))


def test_a_large_bank_is_quick():
    began = time.perf_counter()
    bank = simulate_bank(20_000, 500)
    assert time.perf_counter() - began < 10
    assert len(bank.user_ids) == 20_000
