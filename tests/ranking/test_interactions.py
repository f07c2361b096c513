"""Ages of interactions are ratios: a later moment moves no product, and nothing overflows."""

from datetime import datetime, timedelta
from functools import cache, partial
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd
import pytest

import suitably
from suitably.ranking import (
    ALS,
    BPR,
    EASE,
    IALS,
    Blend,
    ItemKNN,
    LightFM,
    LogisticMF,
    Popularity,
    Spectral,
)
from suitably.ranking.interactions import WeightedInteractions, Weighting
from support.frames import rows_of

DAY = timedelta(days=1)
LAST = datetime(2001, 1, 6)
LATER = [0.001, 1, 10, 24, 27, 100, 140, 148, 160, 1_000, 5_000, 80_000]
LATENT = [
    partial(ALS, factors=4),
    partial(ALS, factors=4, regularization=0.1),
    partial(ALS, factors=4, regularization=0.0),
    partial(BPR, factors=4, iterations=30),
    partial(IALS, factors=4),
    partial(IALS, factors=4, unobserved_weight=0.1, regularization=0.01),
    partial(LogisticMF, factors=4, iterations=20),
]
FREE_OF_UNITS = [EASE, ItemKNN, partial(ItemKNN, "tfidf"), Popularity, Spectral]
ALL = [*FREE_OF_UNITS, *LATENT, partial(EASE, 5.0), partial(ItemKNN, "bm25")]
if find_spec("lightfm"):
    FREE_OF_UNITS.append(partial(LightFM, factors=4))
    ALL.append(partial(LightFM, factors=4))
RANKERS = [ALS, BPR, EASE, IALS, ItemKNN, LogisticMF, Popularity, Spectral]


def as_frame(log: list[tuple[int, str, float]]) -> pd.DataFrame:
    """A log from (user, product, days before the last)."""
    return pd.DataFrame(
        [(user, product, LAST - DAY * days) for user, product, days in log],
        columns=["user_id", "product_id", "timestamp"],
    ).astype({"timestamp": "datetime64[us]"})


def bank(log: list[tuple[int, str, float]], kinds: list[str] | None = None) -> suitably.Dataset:
    frame = as_frame(log)
    if kinds is not None:
        frame["event"] = kinds
    owned = None if kinds is None else tuple(sorted(set(kinds)))
    return suitably.Dataset(None, None, frame, owned_events=owned)


LOG = [(1, "a", 5), (1, "b", 4), (2, "a", 3), (2, "c", 2), (3, "a", 1), (4, "b", 0)]


def lists(pipeline: suitably.Pipeline, **asked: Any) -> list[tuple[Any, Any]]:
    found = pipeline.recommend(k=20, exclude_owned=False, **asked).to_frame()
    return [(row["user_id"], row["product_id"]) for row in rows_of(found)]


def vectors(pipeline: suitably.Pipeline, user: int) -> Any:
    return pipeline.ranker_.scorer(np.array([user])).users[0]


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


def mixed(news: int = 0) -> list[tuple[int, str, float]]:
    rng = np.random.default_rng(news)
    pairs = np.argwhere(rng.random((20, 8)) < 0.4).tolist()
    return [(user, f"p{product}", rng.uniform(0, 60)) for user, product in pairs]


@pytest.mark.parametrize("ranker", ALL)
def test_lists_are_the_same_at_any_moment(ranker: Any) -> None:
    """Whatever weights are set against: they weigh by the heaviest, not by the moment."""
    data = bank(mixed())
    found = [
        lists(fitted(ranker(half_life_days=20), data, 20 * halves))
        for halves in (0.001, 1, 10, 100, 1_000, 5_000)
    ]
    assert all(one == found[0] for one in found)


@cache
def rows_where_everything_is_later(ranker: Any, days: int) -> list[dict[str, Any]]:
    log = [*mixed(), (3, "t1", 7.0), (3, "t2", 7.0), (4, "t1", 9.5), (4, "t2", 9.5)]
    asked = {} if ranker is Blend else {"half_life_days": 20}
    frame = as_frame(log)
    frame["timestamp"] += pd.Timedelta(days=days).to_timedelta64()
    data = suitably.Dataset(None, None, frame, now="9999-01-01")
    found = fitted(ranker(**asked), data, days + 7)
    return rows_of(found.recommend(k=20, exclude_owned=False).to_frame())


@pytest.mark.parametrize("ranker", [*ALL, Blend])
@pytest.mark.parametrize("halves", [1, 50, 101, 150, 3_000, 40_000])
def test_lists_are_the_same_where_everything_is_later(ranker: Any, halves: int) -> None:
    """All timestamps and the moment, by any number of half-lives; scores and ties stay too."""
    later = rows_where_everything_is_later(ranker, 20 * halves)
    assert later == rows_where_everything_is_later(ranker, 0)


@pytest.mark.parametrize("ranker", FREE_OF_UNITS)
@pytest.mark.parametrize("factor", [2.0**-1000, 1e-30, 1e30, 3e38, 2.0**1000])
def test_a_factor_on_all_weights_moves_no_product(ranker: Any, factor: float) -> None:
    data = bank(mixed(), [("buy", "view")[user % 2] for user, *_ in mixed()])
    found = [
        lists(fitted(ranker(half_life_days=20, event_weights=weights), data, 7))
        for weights in ({"buy": 1.0, "view": 0.25}, {"buy": factor, "view": factor / 4})
    ]
    assert found[0] == found[1]


@pytest.mark.parametrize("ranker", ALL)
@pytest.mark.parametrize("weights", [(1e-30, 1e-31), (1e30, 1.0), (3e38, 3e38), (1e300, 1e-300)])
def test_weights_of_any_size_rank(ranker: Any, weights: tuple[float, float]) -> None:
    kinds = dict(zip(("buy", "view"), weights, strict=True))
    data = bank(mixed(), [("buy", "view")[i % 2] for i in range(len(mixed()))])
    pipeline = fitted(ranker(half_life_days=20, event_weights=kinds), data, 7)
    assert {user for user, _ in lists(pipeline)} == {user for user, *_ in mixed()}


@pytest.mark.parametrize("ranker", RANKERS)
@pytest.mark.parametrize("half_life", [1e-300, 1e-9, 0.01, 1.0, 1e300])
def test_every_ranker_survives_any_age(ranker: Any, half_life: float) -> None:
    data = bank([*LOG, (3, "c", 7_000)])
    pipeline = fitted(ranker(half_life_days=half_life), data, 40_000)
    assert {user for user, _ in lists(pipeline)} == {1, 2, 3, 4}


def test_the_heaviest_weighs_what_its_kind_does() -> None:
    """A view of yesterday weighs .1; a purchase of two half-lives before, a quarter of 1."""
    data = bank([(1, "a", 2), (1, "b", 0), (2, "b", 3)], ["buy", "view", "buy"])
    weighting = Weighting(1.0, {"buy": 1.0, "view": 0.1})
    for days in LATER:
        history = WeightedInteractions.of(data.view(LAST + DAY * days), weighting)
        assert history.origin == np.datetime64(LAST - 2 * DAY)
        found = history.weights.toarray()
        assert found == pytest.approx(np.array([[1.0, 0.4], [0.0, 0.5]]))


def test_popularity_counts_as_of_the_moment() -> None:
    ranker = fitted(Popularity(half_life_days=1), bank(LOG), 20).ranker_
    assert ranker.counts_ == pytest.approx(2.0**-20 * np.array([0.65625, 1.0625, 0.25]))


def test_weights_of_a_hundred_halvings_below_the_largest_keep_their_order() -> None:
    log = [(user, f"p{user:03}", float(user)) for user in range(130)]
    for days in LATER:
        history = WeightedInteractions.of(bank(log).view(LAST + DAY * days), Weighting(1.0))
        weights = history.weights.toarray().diagonal()
        assert (weights > 0).all()
        assert (np.diff(weights) <= 0).all()
        assert (np.diff(weights[:101]) < 0).all()


def test_tiny_weights_of_kinds_keep_a_hundred_halvings_too() -> None:
    log = [(user, f"p{user:03}", float(user)) for user in range(101)]
    view = bank(log, ["buy"] * len(log)).view(LAST + DAY)
    history = WeightedInteractions.of(view, Weighting(1.0, {"buy": 2.0**-61}))
    assert history.shift == -120
    assert (np.diff(history.weights.toarray().diagonal()) < 0).all()
    assert history.core.toarray().diagonal().tolist() == [2.0**-n for n in range(61, 162)]


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
        whole = bank(old + new).view(LAST + DAY * later)
        wanted = Weighting(1.0).matrix(whole, joint.origin, joint.shift)
        assert joint.weights.toarray() == pytest.approx(wanted.toarray(), rel=1e-6)
        assert joint.origin == held.origin
        assert (joint.shift == held.shift) == (later < 60)

    @pytest.mark.parametrize("ranker", LATENT)
    @pytest.mark.parametrize("days", [30, 70, 130, 5_000])
    def test_who_has_the_same_history_has_the_same_vector(self, ranker: Any, days: int) -> None:
        """Whoever is without news keeps it, and a newcomer alike gets it, whatever came since."""
        log = mixed()
        before = fitted(ranker(half_life_days=1), bank(log), 0.5)
        twin = [(20, product, age) for user, product, age in mixed() if user == 3]
        news = [(1, "p0", -days), *twin]
        after = fitted(ranker(half_life_days=1), bank(log), 0.5).update(as_frame(news))
        assert np.array_equal(vectors(after, 3), vectors(before, 3))
        if days < 100:  # else the ages of what came long before may not be told apart
            assert vectors(after, 20) == pytest.approx(vectors(after, 3), rel=1e-4, abs=1e-6)
        assert np.abs(vectors(after, 20)).max() < 100

    @pytest.mark.parametrize("ranker", ALL)
    @pytest.mark.parametrize("days", [(1, 30), (61, 100), (130, 150), (200, 200)])
    def test_news_at_once_or_in_parts(self, ranker: Any, days: tuple[int, int]) -> None:
        parts = [(1, "p0", -days[0]), (1, "p3", -days[0] + 7)], [(2, "p1", -days[1])]
        split, whole = (fitted(ranker(half_life_days=1), bank(mixed()), 0.5) for _ in range(2))
        for part in parts:
            split.update(as_frame(part))
        whole.update(as_frame([*parts[1], *parts[0]]))
        assert lists(split) == lists(whole)
