"""Dislikes and complaints of the simulated bank, held against its own truth."""

import numpy as np
import pandas as pd
import pytest

from suitably.data.simulation.bank import SimulatedBank, simulate_bank
from suitably.errors import DataError

AT, DAYS = "2024-07-01", 180


@pytest.fixture(scope="module")
def bank() -> SimulatedBank:
    return simulate_bank(2_000, 150, seed=1, feedback=True)


def positions(bank: SimulatedBank, log: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    users = pd.Index(bank.user_ids).get_indexer(log["user_id"].astype(object))
    products = pd.Index(bank.product_ids).get_indexer(log["product_id"].astype(object))
    return users, products


def test_without_feedback_there_is_none() -> None:
    plain = simulate_bank(100, 20, seed=3)
    assert set(plain.interactions["event"]) == {"buy"}
    assert plain.kinds.rejected == ()
    with pytest.raises(DataError, match="feedback=True"):
        plain.rejects()


def test_the_same_seed_gives_the_same_feedback() -> None:
    one, two, other = (simulate_bank(200, 30, seed, feedback=True) for seed in (5, 5, 6))
    pd.testing.assert_frame_equal(one.interactions, two.interactions)
    assert np.array_equal(one.rejects(), two.rejects())
    assert not np.array_equal(one.rejects(), other.rejects())
    plain = simulate_bank(200, 30, 5)
    for name in ("users", "products", "consent"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(plain, name))


@pytest.mark.parametrize("bad", [None, 1, "yes"])
def test_feedback_is_true_or_false(bad: object) -> None:
    with pytest.raises(ValueError, match="feedback="):
        simulate_bank(10, 10, feedback=bad)  # type: ignore[arg-type]


@pytest.mark.parametrize(("users", "products"), [(1, 1), (50, 1), (1, 50)])
def test_the_smallest_banks_exist(users: int, products: int) -> None:
    assert simulate_bank(users, products, feedback=True).rejects().shape == (users, products)


def test_customers_are_averse_to_whole_kinds(bank: SimulatedBank) -> None:
    rejects, kinds = bank.rejects(), bank.products["sub_category"].to_numpy()
    for kind in set(kinds):
        of_kind = rejects[:, kinds == kind]
        assert (of_kind == of_kind[:, :1]).all()
        assert of_kind[:, 0].mean() == pytest.approx(1 / 6, abs=5 * np.sqrt(5 / 36 / 2_000))
    some = bank.user_ids[[7, 3]]
    assert np.array_equal(bank.rejects(some), rejects[[7, 3]])
    with pytest.raises(DataError, match="unknown"):
        bank.rejects(["nobody"])


def test_what_is_turned_down(bank: SimulatedBank) -> None:
    """What is averse, and else what is worth little: .4(1 − q)³ over q from 1/6 on, to 5 in 6."""
    log = bank.interactions
    assert log["timestamp"].is_monotonic_increasing
    said = log[log["event"] != "buy"]
    users, products = positions(bank, said)
    averse = bank.rejects()[users, products]
    others = 0.4 * (5 / 6) ** 4 / 4
    # Were everything on sale all the time, and nothing bought or offered twice, it were that share.
    assert averse.mean() == pytest.approx(0.8 / 6 / (0.8 / 6 + others), abs=0.12)
    model = bank.model
    worth = model.standings(np.sort(users), products[np.argsort(users, kind="stable")])
    assert worth[~averse[np.argsort(users, kind="stable")]].mean() < 0.4
    complaints = (said["event"] == "complaint").to_numpy()
    assert not complaints[~averse].any()
    assert complaints[averse].mean() == pytest.approx(0.1, abs=0.02)
    assert said["value"].isna().all()
    assert not said.duplicated(["user_id", "product_id"]).any()


def test_a_standing_is_the_share_of_the_catalogue_that_is_worth_less(bank: SimulatedBank) -> None:
    everything = np.tile(np.arange(150), 3), np.repeat([0, 7, 11], 150)
    found = bank.model.standings(everything[1], everything[0]).reshape(3, 150)
    assert np.array_equal(np.sort(found, axis=1), np.tile(np.arange(150) / 150, (3, 1)))
    rejects = bank.rejects()[[0, 7, 11]]
    for row, averse in zip(found, rejects, strict=True):
        if averse.any():
            assert row[averse].mean() < row[~averse].mean()


def test_an_offer_is_of_what_is_on_sale_to_a_customer(bank: SimulatedBank) -> None:
    said = bank.interactions[bank.interactions["event"] != "buy"]
    shelf = bank.products.set_index("product_id")
    month = said["timestamp"].dt.to_period("M")
    ids = said["product_id"].astype(object)
    assert (shelf["sale_start"].loc[ids].dt.to_period("M").to_numpy() <= month.to_numpy()).all()
    assert (shelf["sale_end"].loc[ids].to_numpy() > month.dt.start_time.to_numpy()).all()
    since = bank.users.groupby("user_id")["customer_since"].first()
    joined = since.loc[said["user_id"].astype(object)].to_numpy()
    assert (said["timestamp"].to_numpy() >= joined).all()


def test_nobody_turns_down_what_they_have(bank: SimulatedBank) -> None:
    log = bank.interactions.assign(
        user_id=lambda frame: frame["user_id"].astype(str),
        product_id=lambda frame: frame["product_id"].astype(str),
    )
    buys = log[log["event"] == "buy"].groupby(["user_id", "product_id"])["timestamp"].min()
    said = log[log["event"] != "buy"].join(buys.rename("had"), on=["user_id", "product_id"])
    assert not (said["had"] <= said["timestamp"]).any()


def test_the_truth_of_purchases_knows_aversions(bank: SimulatedBank) -> None:
    truth, rejects = bank.truth(AT), bank.rejects()
    start = np.datetime64(AT, "us")
    window = bank.kinds.acquisitions(bank.events.between(start, start + np.timedelta64(DAYS, "D")))
    pairs = len(np.unique(window.users.astype(np.int64) * 10_000 + window.products))
    assert truth.sum(dtype=np.float64) == pytest.approx(pairs, rel=0.15)
    assert truth[rejects].mean() < 0.02 * truth[~rejects].mean()
    users, products = positions(bank, bank.interactions[bank.interactions["event"] == "buy"])
    assert rejects[users, products].mean() < 0.01
