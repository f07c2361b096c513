"""Defaults from the data: constants on small data, else what a hold-out prefers."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

import suitably
from suitably.errors import DataError
from suitably.metrics.accuracy import ndcg
from suitably.metrics.metric_input import Hits
from suitably.ranking import ALS, IALS, FitContext, Popularity, hold_out
from suitably.ranking.hold_out import HoldOut, is_small, select
from suitably.ranking.inner_split import InnerSplit
from suitably.ranking.solvers.scales import default_factors, noise_norm
from support.banks import seven


def context(data: suitably.Dataset, as_of: Any = None, seed: int = 0) -> FitContext:
    view = data.view(as_of)
    eligibility: Any = None
    return FitContext(view, view.user_fields.select([]), eligibility, view.as_of, seed)


def long_tailed(users: int, products: int, seed: int = 0) -> pd.DataFrame:
    """Everybody buys all of ten bestsellers, and a dozen of one of thirty shelves."""
    rng = np.random.default_rng(seed)
    rows, shelf = [], np.arange(products) % 30
    for user in range(users):
        mine = np.flatnonzero(shelf == user % 30)
        bought = list(range(10))
        bought += rng.choice(mine[mine >= 10], min(12, len(mine) - 1), replace=False).tolist()
        rows += [(user, product) for product in sorted(set(bought))]
    return pd.DataFrame(rows, columns=["user_id", "product_id"])


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a hundred users and products pass for large data."""
    monkeypatch.setattr(hold_out, "FEWEST_PRODUCTS", 50)
    monkeypatch.setattr(hold_out, "FEWEST_USERS", 20)
    monkeypatch.setattr(hold_out, "_JUDGING", 1)


def test_small_data_keeps_its_constants() -> None:
    """A user and a product, a world of seven, and a bank: as before, by hand."""
    one = suitably.Dataset(None, None, pd.DataFrame({"user_id": [1], "product_id": [2]}))
    bank = suitably.data.simulate_bank(users=200, products=40, seed=0)
    for given in (context(one), context(seven().dataset(), "2024-06-01"), context(bank, None)):
        assert is_small(given)
        weights = given.interactions.weighted(IALS()._weighting).core
        users, products = weights.shape
        total, pairs = float(weights.sum()), users * products
        ials = IALS().fit(given)
        assert ials.factors_ == 64
        assert ials.unobserved_weight_ == pytest.approx(4 * total / pairs)
        ridge = 5**2 * total**2 / pairs  # of a typical user times that of a typical product
        assert ials.regularization_ == pytest.approx(0.6 * noise_norm(weights) / np.sqrt(ridge))
        als = ALS().fit(given)
        assert als.factors_ == 64
        largest = np.linalg.svd(weights.toarray(), compute_uv=False)[0]
        assert als.regularization_ == pytest.approx(0.85 * largest, rel=1e-3)


@pytest.mark.usefixtures("lenient")
def test_what_is_given_is_obeyed() -> None:
    given = context(suitably.Dataset(None, None, long_tailed(60, 90)))
    assert not is_small(given)
    als = ALS(factors=5, regularization=2.0, iterations=2).fit(given)
    assert (als.factors_, als.regularization_) == (5, 2.0)
    ials = IALS(factors=7, unobserved_weight=0.3, iterations=2).fit(given)
    assert (ials.factors_, ials.unobserved_weight_) == (7, 0.3)
    assert ials.product_factors_.shape[1] == 7
    assert als.get_params()["regularization"] == 2.0
    assert ials.get_params()["regularization"] is None
    warm = IALS(unobserved_weight=0.3, regularization=0.1, iterations=1, start=ials).fit(given)
    assert warm.factors_ == 7
    again = IALS.from_state(ials.state())
    assert (again.factors_, again.regularization_) == (7, ials.regularization_)


@pytest.mark.usefixtures("lenient")
@pytest.mark.parametrize("ranker", [ALS(iterations=3), IALS(iterations=3)])
def test_the_choice_is_the_same_for_any_order(ranker: Any) -> None:
    frame = long_tailed(60, 90)
    shuffled = frame.sample(frac=1, random_state=4)
    made = [
        suitably.utils.params.clone(ranker).fit(context(suitably.Dataset(None, None, one)))
        for one in (frame, frame, shuffled)
    ]
    for other in made[1:]:
        assert other.regularization_ == made[0].regularization_
        assert np.array_equal(other.product_factors_, made[0].product_factors_)


@pytest.mark.usefixtures("lenient")
def test_nothing_at_or_after_the_moment_is_seen() -> None:
    frame = long_tailed(60, 90)
    days = np.random.default_rng(0).integers(0, 300, len(frame))
    frame["timestamp"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(days, unit="D")
    cut = pd.Timestamp("2024-08-01")
    whole = context(suitably.Dataset(None, None, frame), cut)
    past = context(suitably.Dataset(None, None, frame[frame["timestamp"] < cut]), cut)
    found = [IALS(factors=4, iterations=3).fit(one) for one in (whole, past)]
    assert found[0].regularization_ == pytest.approx(found[1].regularization_, rel=1e-12)
    assert found[0].unobserved_weight_ == pytest.approx(found[1].unobserved_weight_, rel=1e-12)
    held = HoldOut.of(whole)
    assert held is not None
    assert held.split.past.as_of is not None
    assert held.split.past.as_of < np.datetime64(cut)
    times = held.split.past.data.events.times
    assert times is not None
    assert times.max() < held.split.past.as_of


@pytest.mark.usefixtures("lenient")
def test_where_all_is_of_one_moment_a_share_is_held_out_at_random() -> None:
    frame = long_tailed(60, 90).assign(timestamp="2024-01-01")
    given = context(suitably.Dataset(None, None, frame), "2024-02-01")
    held = HoldOut.of(given)
    assert held is not None
    assert held.split.past.as_of == given.as_of
    assert len(held.users) == 60
    assert len(held.split.past.data.events) + len(held.split.users) == len(frame)


@pytest.mark.usefixtures("lenient")
def test_candidates_learn_from_a_sample_where_there_is_much(monkeypatch: Any) -> None:
    monkeypatch.setattr(hold_out, "_PAIRS", 500)
    held = HoldOut.of(context(suitably.Dataset(None, None, long_tailed(60, 90))))
    assert held is not None
    whole = len(held.split.past.data.events) + len(held.split.users)
    assert 400 <= whole <= 600
    assert len(held.users) == len(np.unique(held.split.past.data.events.users))


@pytest.mark.usefixtures("lenient")
@pytest.mark.parametrize(
    ("one_in", "most", "judges"), [(2, 2_000, 30), (8, 2_000, 20), (1, 40, 40)]
)
def test_a_share_of_the_users_judges(
    one_in: int, most: int, judges: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of sixty, so that to judge costs less than to fit; never fewer than tell anything."""
    monkeypatch.setattr(hold_out, "_JUDGING", one_in)
    monkeypatch.setattr(hold_out, "_JUDGED", most)
    frame = long_tailed(60, 90)
    dated = frame.assign(timestamp=pd.Timestamp("2024-01-01"))
    dated["timestamp"] += pd.to_timedelta(np.arange(len(frame)) % 300, unit="D")
    for data in (frame, dated):
        held = HoldOut.of(context(suitably.Dataset(None, None, data)))
        assert held is not None
        assert len(held.users) == judges


@pytest.mark.usefixtures("lenient")
def test_ndcg_is_the_one_of_lists_drawn_by_hand() -> None:
    held = HoldOut.of(context(suitably.Dataset(None, None, long_tailed(60, 90))))
    assert held is not None
    ranker = Popularity().fit(held.split.past)
    view, found = held.split.past.data, []
    counts = np.bincount(view.purchases.indices, minlength=len(view.products))
    for user in held.users.tolist():
        order = np.lexsort((np.arange(len(counts)), -counts))
        offered = order[~np.isin(order, view.owned[[user]].indices) & (counts[order] > 0)][:20]
        wanted = held.split.products[held.split.users == user]
        hits = Hits(np.isin(offered, wanted)[None], np.array([20]), np.array([len(wanted)]))
        found.append(ndcg(hits, 20).item())
    assert held.ndcg(ranker) == pytest.approx(np.array(found))


class Told:
    """A hold-out that says of each candidate what a table says."""

    def __init__(self, table: dict[tuple[Any, ...], NDArray[np.float64]]) -> None:
        self.table = table
        self.asked: list[Any] = []
        self.split: Any = SimpleNamespace(past=None)
        self.users = np.arange(2)

    def make(self, values: Any, past: Any) -> Any:
        self.asked.append(tuple(values.values()))
        return SimpleNamespace(fit=lambda _: self.asked[-1])

    def ndcg(self, told: Any) -> NDArray[np.float64]:
        if told == ("bad",):
            raise DataError("runs away")
        return self.table[told]


def choose(table: Any, axes: Any, rule: Any, most: int = 99) -> tuple[Any, list[Any]]:
    told: Any = Told({key: np.array(value, float) for key, value in table.items()})
    return select(told, axes, rule, told.make, most), told.asked


def test_an_axis_is_followed_while_the_mean_grows() -> None:
    table = {(1,): [0.1, 0.1], (2,): [0.2, 0.2], (3,): [0.4, 0.4], (4,): [0.3, 0.3]}
    found, asked = choose(table, {"a": (0, 1, 2, 3, 4)}, {"a": 1})
    assert found == {"a": 3}
    assert asked[:4] == [(1,), (2,), (3,), (4,)]
    assert choose(table, {"a": (0, 1, 2, 3, 4)}, {"a": 1}, most=2) == ({"a": 2}, [(1,), (2,)])


def test_what_is_within_one_standard_error_stays_near_the_rule() -> None:
    """Means .2 and .3, differences of 0.3 and −0.1, whose standard error is above their mean."""
    table = {(1,): [0.2, 0.2], (2,): [0.5, 0.1]}
    assert choose(table, {"a": (1, 2)}, {"a": 1})[0] == {"a": 1}
    table = {(1,): [0.2, 0.2], (2,): [0.35, 0.25]}
    assert choose(table, {"a": (1, 2)}, {"a": 1})[0] == {"a": 2}


def test_a_candidate_that_cannot_learn_is_not_taken() -> None:
    assert choose({(1,): [0.1, 0.1]}, {"a": ("bad", 1)}, {"a": 1})[0] == {"a": 1}


def test_without_a_hold_out_or_an_axis_the_rule_holds() -> None:
    nobody: Any = None
    assert select(None, {"a": (1, 2)}, {"a": 1}, nobody) == {"a": 1}
    assert select(nobody, {}, {"b": 3}, nobody) == {"b": 3}


def test_factors_grow_with_the_root_of_the_catalogue() -> None:
    assert default_factors((10**6, 10**5), small=True) == 64
    assert [default_factors((6_000, n), False) for n in (1, 1_000, 8_000, 40_000, 10**6)] == [
        64, 64, 64, 256, 128,
    ]  # fmt: skip


def test_the_constants_of_small_data_fail_on_a_long_tail_and_the_choice_does_not() -> None:
    frame = long_tailed(600, 1_200)
    held = HoldOut.of(context(suitably.Dataset(None, None, frame), seed=7))
    assert held is not None
    past = held.split.past
    chosen = ALS(factors=32, iterations=5).fit(past)
    weights = chosen.interactions_.core
    largest = np.linalg.norm(weights.toarray(), 2)
    before = ALS(factors=32, iterations=5, regularization=0.85 * float(largest)).fit(past)
    tail = held.split.products >= 10
    judge = HoldOut(InnerSplit(past, held.split.users[tail], held.split.products[tail]))
    assert judge.ndcg(chosen).mean() > 3 * judge.ndcg(before).mean()
