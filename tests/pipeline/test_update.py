"""Fresh data: an update is a rebuild, but for what rankers learn at a fit."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import suitably
from suitably.profiles import RecencyFrequencyValue
from suitably.ranking import ALS, Popularity
from support.banks import AS_OF, FREE, World, popular
from support.frames import KINDS, rows_of
from support.worlds import worlds

DAY = timedelta(days=1)
MOMENTS = ("timestamp", "recorded_at", "user_timestamp", "product_timestamp")


def parted(world: World, seed: int) -> tuple[World, World]:
    """Part the rows of a world into what was there at the fit and what came later."""
    rng = random.Random(seed)
    base: dict[str, list[dict[str, Any]]] = {"users": [], "products": [], "events": []}
    news: dict[str, list[dict[str, Any]]] = {"users": [], "products": [], "events": []}
    for table in base:
        for row in getattr(world, table):
            early = all(row[name] < AS_OF for name in MOMENTS if name in row)
            known = table != "events" or all(
                row[key] is None or any(row[key] == other[key] for other in base[side])
                for side, key in (("users", "user_id"), ("products", "product_id"))
            )
            (base if early and known and rng.random() < 0.6 else news)[table].append(row)
    assume(all(base.values()))
    assume(any(news.values()))
    assume({*(world.owned_events or ())} <= {row.get("event") for row in base["events"]})
    return world.but(**base), world.but(**news)


def tables(news: World, stand_in: World | None = None) -> dict[str, Any]:
    """Give the frames of news, None where nothing is new."""
    filled = {"users": news.users, "products": news.products, "interactions": news.events}
    stand_in = stand_in or popular()
    whole = news.but(
        users=news.users or stand_in.users,
        products=news.products or stand_in.products,
        events=news.events or stand_in.events,
    )
    frames = dict(zip(filled, whole.frames(), strict=True))
    return {name: frames[name] if rows else None for name, rows in filled.items()}


def everything(pipeline: suitably.Pipeline) -> dict[str, Any]:
    recs = pipeline.recommend(k=4)
    return {
        "as_of": pipeline.as_of_,
        "users": pipeline.user_ids.tolist(),
        "products": pipeline.product_ids.tolist(),
        "mask": pipeline.eligibility().mask().tolist(),
        "profiles": [dict(pipeline.trace(user).profile) for user in pipeline.user_ids],
        "lists": rows_of(recs.to_frame()),
        "abstentions": rows_of(recs.abstentions()),
    }


@pytest.mark.filterwarnings("ignore:update. .* rows recorded since")  # the same row, stamped anew
@given(world=worlds(kinds=KINDS, traded=True), seed=st.integers(0, 2**32 - 1))
def test_an_update_is_a_rebuild(world: World, seed: int) -> None:
    base, news = parted(world, seed)
    parts: dict[str, Any] = {
        "ranker": Popularity(half_life_days=20),
        "profiles": [RecencyFrequencyValue()],
    }
    updated = base.pipeline(**parts).fit(base.dataset(), AS_OF).update(**tables(news, base))
    both = base.but(**{t: getattr(base, t) + getattr(news, t)
                       for t in ("users", "products", "events")})  # fmt: skip
    rebuilt = both.pipeline(**parts).fit(both.dataset(), updated.as_of_)
    found, wanted = everything(updated), everything(rebuilt)
    scores = [[row.pop("score") for row in result["lists"]] for result in (found, wanted)]
    # Ages are reckoned to the moment of the fit: scores differ by one factor, order does not.
    if all(scores):
        ratio = np.array(scores[0]) / np.array(scores[1])
        assert np.allclose(ratio, ratio[0], rtol=1e-5)
    assert found == wanted


def with_news(seed: int = 0) -> tuple[World, dict[str, Any]]:
    """A world of two tastes, and news: purchases of old and new customers, a new product."""
    rng = random.Random(seed)
    users = [{**popular().users[0], "user_id": f"u{i}"} for i in range(20)]
    products = [{**popular().products[0], "product_id": f"p{i}"} for i in range(10)]
    log = [
        {"user_id": f"u{u}", "product_id": f"p{p}", "timestamp": AS_OF - DAY}
        for u in range(20) for p in range(10) if p % 2 == u % 2 and rng.random() < 0.7
    ]  # fmt: skip
    new_user = {**users[0], "user_id": "new"}
    fresh = [
        {"user_id": "u0", "product_id": "p1", "timestamp": AS_OF},
        {"user_id": "new", "product_id": "p3", "timestamp": AS_OF + DAY},
        {"user_id": "new", "product_id": "p5", "timestamp": AS_OF + DAY},
        {"user_id": "u1", "product_id": "late", "timestamp": AS_OF + DAY},
    ]
    late = {**products[0], "product_id": "late"}
    news = World([new_user], [late], fresh, (FREE,))
    return World(users, products, log, (FREE,)), tables(news)


def test_new_customers_are_folded_in() -> None:
    world, news = with_news()
    pipeline = world.fitted(ALS(factors=2, regularization=1.0))
    before = rows_of(pipeline.recommend(["u2"], k=3).to_frame())
    learned = pipeline.ranker_
    pipeline.update(**news)
    folded = pipeline.ranker_
    assert folded is not learned
    assert (folded.product_factors_ == learned.product_factors_).all()
    recs = pipeline.recommend(["new", "u2"], k=3)
    mine = [row["product_id"] for row in rows_of(recs.for_user("new"))]
    assert mine
    assert all(int(product[1:]) % 2 for product in mine), "the taste of who buys odd products"
    assert not recs.explain("new", mine[0]).stood_in
    assert rows_of(recs.for_user("u2")) == before


def test_a_fold_in_is_the_same_in_any_number_of_updates() -> None:
    world, news = with_news()
    once = world.fitted(ALS(factors=4, regularization=0.1)).update(**news)
    often = world.fitted(ALS(factors=4, regularization=0.1))
    often.update(users=news["users"], products=news["products"])
    for row in range(news["interactions"].num_rows):
        often.update(news["interactions"].slice(row, 1))
    assert rows_of(once.recommend(k=8).to_frame()) == rows_of(often.recommend(k=8).to_frame())


def test_saved_after_an_update_and_updated_after_loading(tmp_path: Path) -> None:
    world, news = with_news()
    parts: dict[str, Any] = {"profiles": [RecencyFrequencyValue()], "ranker": ALS(factors=4)}
    straight = world.fitted(**parts)
    straight.save(tmp_path / "base")
    straight.update(**news)
    straight.save(tmp_path / "updated")
    loaded = suitably.load(tmp_path / "base").update(**news)
    for other in (suitably.load(tmp_path / "updated"), loaded):
        assert everything(other) == everything(straight)


def test_re_rated() -> None:
    """A product that is re-rated above the customers' level leaves their lists."""
    world = popular()
    pipeline = world.fitted()
    assert "p1" in {row["product_id"] for row in rows_of(pipeline.recommend().to_frame())}
    harder = {**world.products[1], "risk_level": "R3"}
    lower = [{**row, "risk_level": "C1"} for row in world.users[1:2]]
    news = world.but(products=[harder], users=lower)
    pipeline.update(users=tables(news)["users"], products=tables(news)["products"])
    verdicts = pipeline.why_not("u1", "p1")
    assert [v.verdict for v in verdicts if v.rule == "risk-level"] == ["fail"]
    listed = rows_of(pipeline.recommend().for_user("u1"))
    assert "p1" not in {row["product_id"] for row in listed}


def test_an_older_version_that_comes_late_changes_nothing() -> None:
    world = popular()
    dated = world.but(users=[{**row, "user_timestamp": AS_OF - DAY} for row in world.users])
    pipeline = dated.fitted()
    older = {**dated.users[0], "risk_level": None, "user_timestamp": AS_OF - 2 * DAY}
    mask = pipeline.eligibility().mask()
    pipeline.update(users=tables(dated.but(users=[older]))["users"])
    assert (pipeline.eligibility().mask() == mask).all()
    with pytest.raises(suitably.DataError, match="same id and timestamp"):
        pipeline.update(users=tables(dated.but(users=dated.users[:1]))["users"])


def test_the_moment_advances() -> None:
    world, news = with_news()
    pipeline = world.fitted()
    pipeline.update(**news)
    assert pipeline.as_of_ == AS_OF + DAY + timedelta(microseconds=1)
    with pytest.raises(suitably.DataError, match="is before"):
        pipeline.recommend(as_of=AS_OF)


def test_without_frames_of_users_and_products() -> None:
    log = pa.table(
        {"user_id": ["b", "a"], "product_id": ["y", "x"], "timestamp": [AS_OF - DAY] * 2}
    )
    pipeline = suitably.Pipeline(policy=suitably.Policy.unrestricted(), ranker=Popularity())
    pipeline.fit(suitably.Dataset(None, None, log))
    fresh = pa.table({"user_id": ["c", "c"], "product_id": ["w", "y"], "timestamp": [AS_OF] * 2})
    pipeline.update(fresh)
    assert pipeline.product_ids.tolist() == ["w", "x", "y"]
    listed = [row["product_id"] for row in rows_of(pipeline.recommend(["a"]).to_frame())]
    assert listed == ["y", "w"]


def test_data_without_timestamps() -> None:
    log = pa.table({"user_id": ["b", "a"], "product_id": ["y", "x"]})
    pipeline = suitably.Pipeline(policy=suitably.Policy.unrestricted(), ranker=Popularity())
    pipeline.fit(suitably.Dataset(None, None, log))
    pipeline.update(pa.table({"user_id": ["c"], "product_id": ["y"]}))
    assert pipeline.as_of_ is None
    assert rows_of(pipeline.recommend(["a"]).to_frame())[0]["score"] == 2


BAD = {
    "nothing": ({}, "nothing is new"),
    "strangers": ({"interactions": [{"user_id": "who", "product_id": "p1", "timestamp": AS_OF}]},
                  "frame"),
    "an unknown product": (
        {"interactions": [{"user_id": "u0", "product_id": "what", "timestamp": AS_OF}]}, "frame"),
    "a future moment": (
        {"interactions": [{"user_id": "u0", "product_id": "p1",
                           "timestamp": AS_OF.replace(year=2100)}]}, "future"),
    "no timestamp": ({"interactions": [{"user_id": "u0", "product_id": "p1"}]}, "timestamp"),
    "no id": ({"interactions": [{"user_id": None, "product_id": "p1", "timestamp": AS_OF}]},
              "no id"),
    "a missing column": ({"users": [{"user_id": "u0", "vulnerable": False}]}, "risk_level"),
    "another type": ({"users": [{**popular().users[0], "income": "much"}]}, "income"),
    "another type of id": ({"users": [{**popular().users[0], "user_id": 7}]}, "type of id"),
    "off its scale": ({"users": [{**popular().users[0], "risk_level": "C9"}]}, "C9"),
    "twice": ({"users": [popular().users[0]] * 2}, "twice"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_news_that_cannot_be_used_change_nothing(case: str) -> None:
    rows, message = BAD[case]
    pipeline = popular().fitted()
    before = everything(pipeline)
    frames = {name: pa.Table.from_pylist(table) for name, table in rows.items()}
    with pytest.raises(suitably.SuitablyError, match=message):
        pipeline.update(**frames)
    assert everything(pipeline) == before


def test_before_the_fit() -> None:
    with pytest.raises(suitably.NotFittedError):
        popular().pipeline().update(popular().frames()[2])


def test_served_while_it_is_refreshed() -> None:
    """Every answer is one of before or one of after some update, never a mixture."""
    world, news = with_news()
    log = news["interactions"]
    steps = [world.fitted()]
    for row in range(3):
        steps.append(world.fitted().update(news["interactions"].slice(0, 0 + row + 1),
                                           news["users"], news["products"]))  # fmt: skip
    answers = [rows_of(step.recommend(["u0", "u1"], k=9).to_frame()) for step in steps]
    live = world.fitted()

    def ask(_: int) -> bool:
        return rows_of(live.recommend(["u0", "u1"], k=9).to_frame()) in answers

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(ask, i) for i in range(20)]
        live.update(log.slice(0, 1), news["users"], news["products"])
        asked += [pool.submit(ask, i) for i in range(20)]
        live.update(log.slice(1, 1))
        asked += [pool.submit(ask, i) for i in range(20)]
        live.update(log.slice(2, 1))
        assert all(answer.result() for answer in asked)
    assert rows_of(live.recommend(["u0", "u1"], k=9).to_frame()) == answers[-1]
