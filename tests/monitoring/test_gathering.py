"""Answers that wait: in whatever parts they are given, they count as they would at once."""

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import pytest

import suitably as st
from suitably.errors import DataError
from suitably.monitoring import Monitor, counting, gathering, unfiltered
from suitably.ranking.topk.lists import Lists
from suitably.recommendations import Recommendations
from suitably.reranking import RerankContext

POLICY = """
[policy]
id = "shop"
[[rules]]
id = "age"
require = "user.age >= product.from_age"
"""
DAY = "2025-02-01"


@pytest.fixture(scope="module")
def pipeline() -> st.Pipeline:
    rng = np.random.default_rng(0)
    users = pd.DataFrame({"user_id": [f"u{i:04}" for i in range(900)], "age": np.arange(900) % 60})
    products = pd.DataFrame({"product_id": [f"p{i:02}" for i in range(20)]})
    products["from_age"] = rng.integers(0, 60, 20)
    log = pd.DataFrame(
        {
            "user_id": rng.choice(users["user_id"], 900),
            "product_id": rng.choice(products["product_id"], 900),
            "timestamp": pd.Timestamp("2025-01-15"),
        }
    )
    policy = st.Policy.from_toml(POLICY)
    data = st.Dataset(users, products, log)
    return st.Pipeline(policy=policy, ranker=st.ranking.Popularity()).fit(data)


def answers(pipeline: st.Pipeline, users: Any = None, **asked: Any) -> Recommendations:
    return pipeline.recommend(users, k=5, as_of=DAY, **asked)


def users_of(monitor: Monitor, series: str) -> int:
    frame = monitor.to_frame()
    return int(frame.loc[frame["series"] == series, "users"].sum())


def mean_of(monitor: Monitor, series: str) -> float:
    return float(monitor.to_frame().set_index("series").loc[series, "mean"])


@pytest.mark.parametrize("limits", [{}, {"_ENOUGH": 150}, {"_ENOUGH": 1, "_MOST_SINGLE": 3}])
@pytest.mark.parametrize("cuts", [[300, 600], [10, 11, 12, 850], list(range(800, 830))])
def test_parts_of_a_day_count_as_the_whole(
    pipeline: st.Pipeline,
    monkeypatch: pytest.MonkeyPatch,
    limits: dict[str, int],
    cuts: list[int],
) -> None:
    for name, value in limits.items():
        monkeypatch.setattr(counting if name == "_MOST_SINGLE" else gathering, name, value)
    whole, parts = Monitor(pipeline, sample=200), Monitor(pipeline, sample=200)
    whole.observe(answers(pipeline))
    parts.observe([answers(pipeline, ids) for ids in np.split(pipeline.user_ids, cuts)])
    assert 150 < users_of(parts, "exclusion:age") < 250
    pd.testing.assert_frame_equal(parts.to_frame(), whole.to_frame())
    pd.testing.assert_frame_equal(parts.concentration(), whole.concentration())


def test_what_is_kept_of_the_users_is_bounded(
    pipeline: st.Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "_ENOUGH", 1)
    monkeypatch.setattr(counting, "_MOST_KEPT", 250)
    monitor = Monitor(pipeline, sample=100)
    for ids in np.split(pipeline.user_ids, 3):
        monitor.observe(answers(pipeline, ids))
    # The third part makes 300: then all three are counted, a ninth of them.
    assert 70 < users_of(monitor, "exclusion:age") < 130
    assert users_of(monitor, "abstention") == 900


def test_asking_counts_what_waits_and_goes_on(pipeline: st.Pipeline) -> None:
    monitor = Monitor(pipeline, sample=200)
    for ids in np.split(pipeline.user_ids, 3):
        monitor.observe(answers(pipeline, ids))
        monitor.alarms()
    assert users_of(monitor, "abstention") == 900
    assert 500 < users_of(monitor, "exclusion:age") < 700  # 200 of each 300


def test_several_answers_at_once(pipeline: st.Pipeline) -> None:
    one_by_one, at_once = Monitor(pipeline), Monitor(pipeline)
    made = [answers(pipeline, [user]) for user in pipeline.user_ids[:50]]
    for recs in made:
        one_by_one.observe(recs)
    at_once.observe(iter(made))
    pd.testing.assert_frame_equal(one_by_one.to_frame(), at_once.to_frame())
    with pytest.raises(DataError, match="expected Recommendations, got str"):
        at_once.observe([answers(pipeline, ["u0060"]), "answers"])  # type: ignore[list-item]
    with pytest.raises(DataError, match="expected Recommendations, got int"):
        at_once.observe(5)  # type: ignore[arg-type]
    assert users_of(at_once, "abstention") == 50


def test_threads_that_observe_while_others_ask(
    pipeline: st.Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Single answers and batches from eight threads, counted often, and asked for meanwhile."""
    monkeypatch.setattr(counting, "_MOST_SINGLE", 7)
    monkeypatch.setattr(gathering, "_ENOUGH", 40)
    ids = pipeline.user_ids
    made = [answers(pipeline, [user]) for user in ids[:400]]
    made += [answers(pipeline, ids[at : at + 10]) for at in range(400, 900, 10)]
    monitor, expected = Monitor(pipeline), Monitor(pipeline)
    expected.observe(made)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(monitor.to_prometheus) for _ in range(5)]
        observed = [pool.submit(monitor.observe, recs) for recs in made]
        asked += [pool.submit(monitor.state) for _ in range(5)]
        for one in (*asked, *observed):
            one.result()
    assert monitor.repeated == 0
    assert users_of(monitor, "abstention") == 900
    found, wanted = (
        one.to_frame().set_index(["series", "day"])[["users", "mean"]].sort_index()
        for one in (monitor, expected)
    )
    pd.testing.assert_frame_equal(found, wanted)


def test_monitors_are_merged_while_they_observe(pipeline: st.Pipeline) -> None:
    one, other = Monitor(pipeline), Monitor(pipeline)
    made = [answers(pipeline, [user]) for user in pipeline.user_ids[:300]]
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(one.observe, recs) for recs in made[:150]]
        jobs += [pool.submit(other.observe, recs) for recs in made[150:]]
        for job in jobs:
            job.result()
        merged = pool.submit(one.merge, other).result()
    assert users_of(merged, "abstention") == 300
    assert users_of(other, "abstention") == 150


def test_who_has_opted_out_is_told_from_who_has_not_one_by_one(pipeline: st.Pipeline) -> None:
    granted = pd.DataFrame(
        {
            "user_id": pipeline.user_ids[:60],
            "purpose": "personalisation",
            "granted_at": pd.Timestamp("2024-01-01"),
            "withdrawn_at": pd.NaT,
        }
    )
    mine = pipeline.with_consent(st.governance.Consent(granted))
    one_by_one, together = Monitor(mine), Monitor(mine)
    ids = pipeline.user_ids[:80]
    for user in ids:
        one_by_one.observe(answers(mine, [user]))
    together.observe(answers(mine, ids))
    assert mean_of(one_by_one, "opted-out") == pytest.approx(0.25)
    pd.testing.assert_frame_equal(one_by_one.to_frame(), together.to_frame())
    nobody = Monitor(mine)
    nobody.observe(answers(mine, ids[:10]))
    assert mean_of(nobody, "opted-out") == 0


def test_every_stranger_counts_once(pipeline: st.Pipeline) -> None:
    monitor = Monitor(pipeline)
    for name in ("ann", "bob", "ann", "u0001"):
        monitor.observe(answers(pipeline, [name]))
    assert monitor.repeated == 1
    assert mean_of(monitor, "unknown-user") == pytest.approx(2 / 3)


def test_answers_from_other_shelves_are_counted_apart(pipeline: st.Pipeline) -> None:
    monitor, expected = Monitor(pipeline), []
    mask = pipeline.eligibility(DAY).mask()
    for row, user in enumerate(pipeline.user_ids[:40].tolist()):
        columns = [row % 20, (row + 7) % 20]
        shelf = pipeline.product_ids[columns].tolist() if row % 2 else None
        monitor.observe(answers(pipeline, [user], product_ids=shelf))
        expected.append(1 - (mask[row, columns] if row % 2 else mask[row]).mean())
    assert users_of(monitor, "exclusion:age") == 40
    assert mean_of(monitor, "exclusion:age") == pytest.approx(np.mean(expected))


def test_what_drew_up_old_answers_is_let_go_of(pipeline: st.Pipeline) -> None:
    monitor, models = Monitor(pipeline), []
    for day in pd.date_range(DAY, periods=60):
        recs = pipeline.recommend(["u0001"], k=5, as_of=day)
        models.append(weakref.ref(recs.generator.snapshot.eligibility))
        monitor.observe(recs)
    del recs
    gc.collect()
    assert sum(one() is not None for one in models) < 30
    assert users_of(monitor, "abstention") == 60


class Narrow:
    """Gives some users less room than others."""

    def rerank(self, lists: Lists, context: RerankContext, k: int) -> Lists:
        depth = 2 if "u0001" in context.user_ids.tolist() else k
        return lists.keep(lists.filled, depth)


def test_lists_of_unequal_room_are_counted_together(pipeline: st.Pipeline) -> None:
    narrow = pipeline.under(st.Policy.unrestricted(), rerankers=[Narrow()])
    made = [narrow.recommend([user], k=5, as_of=DAY) for user in ("u0000", "u0001", "u0002")]
    assert [one.lists.depth for one in made] == [5, 2, 5]
    monitor = Monitor(narrow)
    monitor.observe(made)
    assert mean_of(monitor, "abstention") == pytest.approx(0.6 / 3)


def test_batches_that_differ_anywhere_are_others(pipeline: st.Pipeline) -> None:
    monitor = Monitor(pipeline)
    for asked in ({}, {}, {"exclude_owned": False}, {"product_ids": ["p01", "p02"]}):
        monitor.observe(answers(pipeline, **asked))
    assert monitor.repeated == 1


def test_a_panel_is_asked_once_for_a_model(
    pipeline: st.Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfiltered, "_PANEL", 9)
    asked: list[int] = []
    recommend = st.Pipeline.recommend

    def counted(self: st.Pipeline, user_ids: Any = None, *more: Any, **named: Any) -> Any:
        if self is not pipeline:
            asked.append(len(user_ids))
        return recommend(self, user_ids, *more, **named)

    made = [pipeline.recommend(k=5, as_of=f"2025-02-0{day}") for day in range(1, 4)]
    monitor = Monitor(pipeline)
    monkeypatch.setattr(st.Pipeline, "recommend", counted)
    for recs in made:
        monitor.observe(recs)
        monitor.alarms()
    assert len(asked) == 2  # one to see whether it is the same model, and the panel
    assert asked[0] == 1
    assert users_of(monitor, "unfiltered-violation") == 3 * asked[1]
    assert 1 <= asked[1] < 25
