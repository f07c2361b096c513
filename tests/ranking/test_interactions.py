"""Ages of interactions are ratios: a later moment moves no product, and nothing overflows."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

import suitably
from suitably.ranking import ALS, BPR, EASE, IALS, ItemKNN, LogisticMF, Popularity, Spectral
from suitably.ranking.interactions import WeightedInteractions, Weighting
from support.frames import rows_of

DAY = timedelta(days=1)
LAST = datetime(2001, 1, 6)
LATER = [0.001, 1, 10, 24, 27, 100, 140, 148, 160, 1_000, 5_000, 80_000]
RANKERS = [ALS, BPR, EASE, IALS, ItemKNN, LogisticMF, Popularity, Spectral]


def bank(log: list[tuple[int, str, float]], kinds: list[str] | None = None) -> suitably.Dataset:
    """A bank from (user, product, days before the last)."""
    frame = pd.DataFrame(
        [(user, product, LAST - DAY * days) for user, product, days in log],
        columns=["user_id", "product_id", "timestamp"],
    ).astype({"timestamp": "datetime64[us]"})
    if kinds is not None:
        frame["event"] = kinds
    return suitably.Dataset(None, None, frame)


LOG = [(1, "a", 5), (1, "b", 4), (2, "a", 3), (2, "c", 2), (3, "a", 1), (4, "b", 0)]


def lists(pipeline: suitably.Pipeline, **asked: Any) -> list[tuple[Any, Any]]:
    found = pipeline.recommend(k=20, exclude_owned=False, **asked).to_frame()
    return [(row["user_id"], row["product_id"]) for row in rows_of(found)]


def fitted(ranker: Any, data: suitably.Dataset, days: float) -> suitably.Pipeline:
    pipeline = suitably.Pipeline(policy=suitably.Policy.unrestricted(), ranker=ranker)
    return pipeline.fit(data, LAST + DAY * days)


@pytest.mark.parametrize("days", LATER)
def test_a_product_keeps_its_place_at_any_moment(days: float) -> None:
    pipeline = fitted(Popularity(half_life_days=1), bank(LOG), days)
    rows = rows_of(pipeline.recommend([1], k=3, exclude_owned=False).to_frame())
    assert [row["product_id"] for row in rows] == ["b", "a", "c"]
    scores = np.array([row["score"] for row in rows])
    assert scores / scores[0] == pytest.approx(np.array([1.0625, 0.65625, 0.25]) / 1.0625)


@pytest.mark.parametrize("ranker", [EASE, ItemKNN, Popularity, Spectral])
def test_lists_are_the_same_at_any_moment(ranker: Any) -> None:
    rng = np.random.default_rng(0)
    pairs = np.argwhere(rng.random((20, 8)) < 0.4).tolist()
    data = bank([(user, f"p{product}", rng.uniform(0, 60)) for user, product in pairs])
    found = [lists(fitted(ranker(half_life_days=20), data, 20 * halves)) for halves in LATER]
    assert all(one == found[0] for one in found)


@pytest.mark.parametrize("ranker", RANKERS)
@pytest.mark.parametrize("half_life", [1e-300, 1e-9, 0.01, 1.0, 1e300])
def test_every_ranker_survives_any_age(ranker: Any, half_life: float) -> None:
    data = bank([*LOG, (3, "c", 7_000)])
    pipeline = fitted(ranker(half_life_days=half_life), data, 40_000)
    assert {user for user, _ in lists(pipeline)} == {1, 2, 3, 4}


def test_where_float32_holds_the_weights_they_are_as_of_the_moment() -> None:
    view = bank(LOG).view(LAST + DAY * 20)
    history = WeightedInteractions.of(view, Weighting(half_life_days=1))
    assert history.origin == view.as_of
    assert history.weights.data.max() == 2.0**-20


def test_weights_of_a_hundred_halvings_below_the_largest_keep_their_order() -> None:
    log = [(user, f"p{user:03}", float(user)) for user in range(130)]
    for days in LATER:
        history = WeightedInteractions.of(bank(log).view(LAST + DAY * days), Weighting(1.0))
        weights = history.weights.toarray().diagonal()
        assert (weights > 0).all()
        assert (np.diff(weights) <= 0).all()
        assert (np.diff(weights[:101]) < 0).all()


def test_small_weights_of_kinds_are_no_age() -> None:
    data = bank(LOG, ["buy"] * len(LOG))
    view = data.view(LAST + DAY)
    history = WeightedInteractions.of(view, Weighting(1.0, {"buy": 2.0**-60}))
    assert history.origin == view.as_of
    assert history.weights.data.max() == 2.0**-61


class TestUpdates:
    @pytest.mark.parametrize("ranker", RANKERS)
    @pytest.mark.parametrize("days", [1, 59, 61, 130, 1_100, 9_000])
    def test_news_of_any_later_day_are_taken_in(self, ranker: Any, days: int) -> None:
        pipeline = fitted(ranker(half_life_days=1), bank([*LOG, (4, "c", 0)]), 0.5)
        news = {"user_id": [1], "product_id": ["c"], "timestamp": [LAST + DAY * days]}
        pipeline.update(pd.DataFrame(news).astype({"timestamp": "datetime64[us]"}))
        found = pipeline.recommend(k=3, exclude_owned=False).to_frame()
        assert np.isfinite(found["score"]).all()
        assert {1, 2, 3, 4} == set(found["user_id"])

    @pytest.mark.parametrize("days", [1, 59, 61, 130, 1_100, 9_000])
    def test_popularity_is_that_of_a_fit(self, days: int) -> None:
        pipeline = fitted(Popularity(half_life_days=1), bank(LOG), 0.5)
        news = {"user_id": [3], "product_id": ["c"], "timestamp": [LAST + DAY * days]}
        pipeline.update(pd.DataFrame(news).astype({"timestamp": "datetime64[us]"}))
        again = fitted(Popularity(half_life_days=1), bank([*LOG, (3, "c", -days)]), days + 1)
        assert lists(pipeline) == lists(again)

    def test_late_arrivals_do_not_move_the_moment(self) -> None:
        view = bank(LOG).view(LAST + DAY)
        history = WeightedInteractions.of(view, Weighting(1.0))
        late = bank([(user, product, 8_000) for user, product, _ in LOG])
        joint, rows = history.plus(late.view(LAST))
        assert joint.origin == history.origin
        assert (joint.weights != history.weights).nnz == 0
        assert rows.tolist() == [0, 1, 2, 3]

    @pytest.mark.parametrize("later", [10, 300])
    def test_added_news_weigh_as_in_a_fit_of_the_joint_log(self, later: int) -> None:
        rng = np.random.default_rng(3)
        pairs = [(user, f"p{product}") for user in range(6) for product in range(5)]
        old = [(*pair, rng.uniform(0, 50)) for pair in pairs]
        new = [(*pair, -rng.uniform(1, later)) for pair in pairs if rng.random() < 0.3]
        held = WeightedInteractions.of(bank(old).view(LAST + DAY / 2), Weighting(1.0))
        # Every pair is in the old log, so both have all users and products at the same places.
        everyone = [(*pair, later + 9_000.0) for pair in pairs]
        joint, _ = held.plus(bank(new + everyone).view(LAST + DAY * later))
        wanted = Weighting(1.0).matrix(bank(old + new).view(LAST + DAY * later), joint.origin)
        assert joint.weights.toarray() == pytest.approx(wanted.toarray(), rel=1e-6)
        assert (joint.origin == held.origin) == (later < 60)
