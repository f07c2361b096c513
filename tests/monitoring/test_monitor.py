"""Monitors of pipelines: what they count, what they tell, and what they refuse."""

import json
import warnings
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import suitably
from suitably.errors import ArtifactError, DataError, NotFittedError, SuitabilityWarning
from suitably.monitoring import Monitor
from suitably.recommendations import Recommendations

START = date(2025, 2, 1)
RULES = """
[policy]
id = "shop"
version = "{version}"
[[rules]]
id = "age"
require = "user.age >= {age}"
[[rules]]
id = "risk"
require = "product.risk <= user.risk"
"""


def policy(age: int = 30, version: str = "1") -> suitably.Policy:
    return suitably.Policy.from_toml(RULES.format(age=age, version=version))


@pytest.fixture(scope="module")
def pipeline() -> suitably.Pipeline:
    rng = np.random.default_rng(0)
    users = pd.DataFrame(
        {
            "user_id": [f"u{i:04}" for i in range(2000)],
            "age": 20 + np.arange(2000) % 50,
            "risk": 1 + np.arange(2000) % 3,
            "questionnaire_date": pd.Timestamp("2025-01-01"),
            "kind": np.where(np.arange(2000) % 4 == 0, "gold", "plain"),
        }
    )
    products = pd.DataFrame(
        {"product_id": [f"p{i:02}" for i in range(20)], "risk": 1 + np.arange(20) % 3}
    )
    log = pd.DataFrame(
        {
            "user_id": rng.choice(users["user_id"], 3000),
            "product_id": rng.choice(products["product_id"], 3000),
            "timestamp": pd.Timestamp("2025-01-15"),
            "event": "buy",
        }
    )
    data = suitably.Dataset(
        users, products, log, rejected_events=["no"], other_events=["complaint"]
    )
    return suitably.Pipeline(policy=policy(), ranker=suitably.ranking.Popularity()).fit(data)


def answers(pipeline: suitably.Pipeline, day: int, users: Any = None) -> Recommendations:
    return pipeline.recommend(users, k=5, as_of=str(START + timedelta(days=day)))


def figures(monitor: Monitor, series: str) -> pd.DataFrame:
    frame = monitor.to_frame()
    return frame[frame["series"] == series].reset_index(drop=True)


def test_what_is_counted_by_hand(pipeline: suitably.Pipeline) -> None:
    monitor = Monitor(pipeline, sample=100_000, fields=["kind"])
    recs = answers(pipeline, 0)
    monitor.observe(recs)
    frame = monitor.to_frame().set_index("series")
    # Ten in fifty are below thirty, and are barred from everything; one in three sees one third.
    assert frame.loc["exclusion:age", "mean"] == pytest.approx(0.2)
    risks = [sum(1 + i % 3 > level for i in range(20)) / 20 for level in (1, 2, 3)]
    by_user = [risks[i % 3] for i in range(2000)]
    assert frame.loc["exclusion:risk", "mean"] == pytest.approx(np.mean(by_user))
    assert frame.loc["abstention", "mean"] == pytest.approx(np.mean(1 - recs.lists.lengths / 5))
    assert frame.loc["empty", "mean"] == pytest.approx(np.mean(recs.lists.lengths == 0))
    assert frame.loc["stood-in", "mean"] == pytest.approx(recs.stood_in.mean())
    assert frame.loc["field:kind:gold", "mean"] + frame.loc["field:kind:plain", "mean"] == 1
    assert 600 < frame.loc["field:kind:gold", "users"] < 1000  # four in ten
    assert frame.loc["stale:questionnaire_date", "mean"] == 0
    assert frame.loc["exclusion:age", "users"] == 2000


def test_exclusion_sums_hold_squares(pipeline: suitably.Pipeline) -> None:
    monitor = Monitor(pipeline)
    monitor.observe(answers(pipeline, 0))
    (series,) = (s for s in monitor.state()["table"]["series"] if s["name"] == "exclusion:risk")
    shares = np.array([sum(1 + i % 3 > 1 + u % 3 for i in range(20)) / 20 for u in range(2000)])
    _, n, total, squares = series["baseline"][0]
    assert (n, total, squares) == pytest.approx((2000, shares.sum(), (shares**2).sum()))


def test_what_would_violate_without_rules(pipeline: suitably.Pipeline) -> None:
    monitor = Monitor(pipeline, sample=100_000)
    monitor.observe(answers(pipeline, 0))
    series = figures(monitor, "unfiltered-violation")
    free = pipeline.under(suitably.Policy.unrestricted()).recommend(k=5, as_of=str(START))
    barred = ~pipeline.eligibility(str(START)).mask()
    shares = [
        barred[row, free.lists.products[row, : free.lists.lengths[row]]].mean()
        for row in range(2000)
    ]
    assert 10 < series.loc[0, "users"] < 90  # one in fifty
    assert abs(series.loc[0, "mean"] - np.mean(shares)) < 0.3


def test_a_week_is_learned_and_a_policy_that_bars_more_is_named(
    pipeline: suitably.Pipeline,
) -> None:
    monitor = Monitor(pipeline)
    for day in range(10):
        monitor.observe(answers(pipeline, day))
    assert monitor.alarms() == []
    stricter = pipeline.under(policy(age=45, version="2"))
    for day in range(10, 12):
        monitor.observe(answers(stricter, day))
    found = {alarm.series: alarm for alarm in monitor.alarms()}
    alarm = found["exclusion:age"]
    assert alarm.since == START + timedelta(days=10)
    assert alarm.before == pytest.approx(0.2)
    assert alarm.now == pytest.approx(0.5)
    assert [change.split(" (")[0] for change in alarm.changes] == ["policy shop 2"]
    assert "policy shop 2" in alarm.text
    assert "since 2025-02-11" in alarm.text
    assert "exclusion:risk" not in found
    for name in found:
        monitor.accept(name)
    assert monitor.alarms() == []
    for day in range(12, 22):
        monitor.observe(answers(stricter, day))
    assert monitor.alarms() == []


def test_a_rule_that_comes_later_is_learned_then(pipeline: suitably.Pipeline) -> None:
    more = RULES.format(age=30, version="3") + '[[rules]]\nid = "new"\nrequire = "user.age < 60"\n'
    monitor = Monitor(pipeline, baseline=pipeline.recommend(k=5))
    monitor.observe(answers(pipeline, 0))
    other = pipeline.under(suitably.Policy.from_toml(more))
    monitor.observe(answers(other, 1))
    assert "exclusion:new" not in {alarm.series for alarm in monitor.alarms()}
    assert figures(monitor, "exclusion:new").loc[0, "mean"] == pytest.approx(0.2)


@pytest.mark.parametrize("kind", ["answers", "list", "monitor", "frame"])
def test_any_baseline_will_do(pipeline: suitably.Pipeline, kind: str) -> None:
    recs = answers(pipeline, 0)
    before = Monitor(pipeline)
    before.observe(recs)
    given = {"answers": recs, "list": [recs], "monitor": before, "frame": before.to_frame()}
    monitor = Monitor(pipeline, baseline=given[kind])
    monitor.observe(answers(pipeline, 1))
    assert monitor.alarms() == []
    monitor.observe(answers(pipeline.under(policy(age=45)), 2))
    assert "exclusion:age" in {alarm.series for alarm in monitor.alarms()}


def test_the_same_batch_counts_once(pipeline: suitably.Pipeline) -> None:
    monitor = Monitor(pipeline)
    for _ in range(3):
        monitor.observe(answers(pipeline, 0))
    one = answers(pipeline, 0, ["u0030"])
    for _ in range(2):
        monitor.observe(one)
    assert figures(monitor, "abstention").loc[0, "users"] == 2001
    assert monitor.repeated == 3
    monitor.observe(answers(pipeline, 1))  # another day is another answer
    assert figures(monitor, "abstention")["users"].tolist() == [2001, 2000]


def test_single_answers_count_as_a_batch_does(pipeline: suitably.Pipeline) -> None:
    one_by_one, together = Monitor(pipeline), Monitor(pipeline)
    ids = [f"u{i:04}" for i in range(60)]
    for user in ids:
        one_by_one.observe(answers(pipeline, 0, [user]))
    together.observe(answers(pipeline, 0, ids))
    pd.testing.assert_frame_equal(one_by_one.to_frame(), together.to_frame())


def test_nobody_changes_nothing_and_strangers_are_counted(pipeline: suitably.Pipeline) -> None:
    monitor = Monitor(pipeline)
    monitor.observe(answers(pipeline, 0, []))
    assert len(monitor) == 0
    assert monitor.alarms() == []
    assert len(monitor.to_frame()) == 0
    monitor.observe(answers(pipeline, 0, ["u0000", "nobody"]))
    assert figures(monitor, "unknown-user").loc[0, "mean"] == 0.5
    assert figures(monitor, "abstention").loc[0, "users"] == 1
    monitor.observe(answers(pipeline, 1, ["nobody"]))
    assert figures(monitor, "unknown-user").loc[1, "mean"] == 1


def test_a_clock_that_goes_back(pipeline: suitably.Pipeline) -> None:
    monitor = Monitor(pipeline, baseline_days=2)
    for day in (0, 1, 3):
        monitor.observe(answers(pipeline, day))
    with pytest.warns(SuitabilityWarning, match="the clock went back"):
        monitor.observe(answers(pipeline, 2))
    assert figures(monitor, "abstention")["users"].tolist() == [2000] * 4
    assert monitor.set_aside == 0
    with pytest.warns(SuitabilityWarning, match="answers of 2025-02-01 after those of 2025-02-04"):
        monitor.observe(answers(pipeline, 0, ["u0001"]))
    assert figures(monitor, "abstention")["users"].tolist() == [2000] * 4
    assert monitor.set_aside == 1
    assert monitor.alarms() == []


def test_the_day_may_be_said(pipeline: suitably.Pipeline) -> None:
    monitor = Monitor(pipeline)
    recs = pipeline.recommend(k=5)
    for day in ("2026-01-01", date(2026, 1, 2), pd.Timestamp("2026-01-03 10:00")):
        monitor.observe(recs, at=day)
    assert figures(monitor, "abstention")["day"].map(str).tolist() == [
        "2026-01-01",
        "2026-01-02",
        "2026-01-03",
    ]
    with pytest.raises(DataError, match="must be a date"):
        monitor.observe(recs, at="yesterday")


def test_rejections_and_complaints(pipeline: suitably.Pipeline) -> None:
    monitor = Monitor(pipeline)
    monitor.observe(answers(pipeline, 0))
    events = pd.DataFrame(
        {
            "user_id": ["u1", "u1", "u2", "u3", "u4"],
            "event": ["no", "no", "no", "complaint", "buy"],
            "timestamp": pd.Timestamp(START),
        }
    )
    monitor.observe_events(events)
    assert figures(monitor, "event:no").loc[0, "mean"] == pytest.approx(2 / 2000)
    assert figures(monitor, "event:complaint").loc[0, "mean"] == pytest.approx(1 / 2000)
    monitor.observe_events(events.drop(columns="timestamp"), at=START)
    assert figures(monitor, "event:no").loc[0, "mean"] == pytest.approx(4 / 2000)
    with pytest.raises(DataError, match="no column 'event'"):
        monitor.observe_events(events.drop(columns="event"))
    with pytest.raises(DataError, match="no timestamp"):
        monitor.observe_events(events.assign(timestamp=pd.NaT))


def test_a_rise_in_complaints_is_found(pipeline: suitably.Pipeline) -> None:
    monitor = Monitor(pipeline)
    for day in range(12):
        monitor.observe(answers(pipeline, day))
        many = 300 if day >= 9 else 5
        users = [f"u{i:04}" for i in range(many)]
        monitor.observe_events(
            pd.DataFrame({"user_id": users, "event": "complaint"}), at=START + timedelta(days=day)
        )
    (alarm,) = monitor.alarms()
    assert alarm.series == "event:complaint"
    assert alarm.since == START + timedelta(days=9)


def test_scores_that_are_no_numbers_are_a_series(pipeline: suitably.Pipeline) -> None:
    recs = answers(pipeline, 0)
    recs.lists.scores[:, 0] = np.nan
    monitor = Monitor(pipeline)
    monitor.observe(recs)
    some = recs.lists.lengths > 0
    expected = np.mean(1 / recs.lists.lengths[some])
    assert figures(monitor, "score:missing").loc[0, "mean"] == pytest.approx(expected)
    bins = monitor.to_frame().query("series.str.startswith('score:')")
    assert bins["mean"].sum() == pytest.approx(1)


def test_parts_add_up(pipeline: suitably.Pipeline) -> None:
    ids = pipeline.user_ids
    whole, parts = Monitor(pipeline), [Monitor(pipeline), Monitor(pipeline)]
    for day in range(9):
        whole.observe(answers(pipeline, day))
        parts[0].observe(answers(pipeline, day, ids[:700]))
        parts[1].observe(answers(pipeline, day, ids[700:]))
    merged = parts[0].merge(parts[1])
    expected = whole.to_frame()
    found = merged.to_frame()
    pd.testing.assert_frame_equal(found, expected, check_exact=False)
    pd.testing.assert_frame_equal(merged.concentration(), whole.concentration())
    with pytest.raises(DataError, match="the same monitor"):
        merged.merge(merged)
    with pytest.raises(DataError, match="other salt"):
        merged.merge(Monitor(pipeline, salt="another"))


def test_it_is_saved_and_goes_on(pipeline: suitably.Pipeline, tmp_path: Path) -> None:
    monitor = Monitor(pipeline)
    for day in range(9):
        monitor.observe(answers(pipeline, day))
    monitor.save(tmp_path / "watch.json")
    text = (tmp_path / "watch.json").read_text()
    assert not any(user in text for user in pipeline.user_ids.tolist())
    again = Monitor.load(tmp_path / "watch.json", pipeline)
    assert again.state() == monitor.state() == json.loads(json.dumps(monitor.state()))
    for one in (monitor, again):
        one.observe(answers(pipeline, 8))  # known already
        one.observe(answers(pipeline.under(policy(age=45)), 9))
    assert again.repeated == 1
    assert again.alarms() == monitor.alarms() != []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 9}', "no JSON"])
def test_what_is_no_state_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "watch.json"
    path.write_text(text)
    with pytest.raises(ArtifactError):
        Monitor.load(path)


def test_the_state_does_not_grow_with_users(pipeline: suitably.Pipeline) -> None:
    few, many = Monitor(pipeline, sample=100_000), Monitor(pipeline, sample=100_000)
    few.observe(answers(pipeline, 0, pipeline.user_ids[:200]))
    many.observe(answers(pipeline, 0))
    assert len(json.dumps(many.state())) < 1.2 * len(json.dumps(few.state()))


def test_drift_and_concentration(pipeline: suitably.Pipeline) -> None:
    recs = answers(pipeline, 0)
    monitor = Monitor(pipeline, baseline=recs, sample=100_000, fields=["kind", "age"])
    monitor.observe(recs)
    drift = monitor.drift().set_index("figure")
    assert drift.loc["kind", "psi"] == pytest.approx(0, abs=1e-12)
    assert drift.loc["age", "wasserstein"] == pytest.approx(0, abs=1e-12)
    assert np.isnan(drift.loc["kind", "wasserstein"])
    old = answers(pipeline, 1, pipeline.user_ids[np.arange(2000) % 50 > 40])
    monitor.observe(old)
    moved = monitor.drift().set_index("figure").loc["age", "wasserstein"]  # 44.5 years, and 65
    assert moved == pytest.approx(20.5 * len(old) / (2000 + len(old)), rel=0.05)
    coverage = monitor.concentration()
    assert coverage["products"].tolist() == [20, 20]
    listed = len(np.unique(recs.lists.products[recs.lists.filled]))
    assert coverage.loc[0, "coverage"] == pytest.approx(listed / 20)


def test_an_updated_pipeline_is_watched_on(pipeline: suitably.Pipeline) -> None:
    mine = pipeline.under(policy())
    monitor = Monitor(mine, sample=100_000)
    monitor.observe(answers(mine, 0))
    assert len(monitor.to_frame()) > 0  # while the pipeline is still what answered
    log = pd.DataFrame(
        {
            "user_id": ["u0001"],
            "product_id": ["p00"],
            "timestamp": [pd.Timestamp("2025-02-02")],
            "event": ["buy"],
        }
    )
    mine.update(log)
    monitor.observe(answers(mine, 2))
    assert figures(monitor, "unfiltered-violation")["day"].map(str).tolist() == [
        "2025-02-01",
        "2025-02-03",
    ]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"alpha": 0}, "alpha"),
        ({"alpha": 1.5}, "alpha"),
        ({"tolerance": -1}, "tolerance"),
        ({"sample": 0}, "sample"),
        ({"baseline_days": 0}, "baseline_days"),
        ({"keep_days": 1.5}, "keep_days"),
    ],
)
def test_parameters_out_of_range(
    pipeline: suitably.Pipeline, params: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Monitor(pipeline, **params)


def test_bad_input(pipeline: suitably.Pipeline) -> None:
    with pytest.raises(NotFittedError):
        Monitor(suitably.Pipeline(policy=policy(), ranker=suitably.ranking.Popularity()))
    with pytest.raises(DataError, match="users have no field 'height'"):
        Monitor(pipeline, fields=["height"])
    with pytest.raises(DataError, match="expected Recommendations"):
        Monitor(pipeline).observe("answers")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="expected answers"):
        Monitor(pipeline, baseline=["answers"])
    with pytest.raises(DataError, match="there is no column 'series'"):
        Monitor(pipeline, baseline=pd.DataFrame({"a": [1]}))


def test_a_day_without_a_warning(pipeline: suitably.Pipeline) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        monitor = Monitor(pipeline)
        for day in range(9):
            monitor.observe(answers(pipeline, day))
        monitor.alarms()


def test_a_change_on_the_day_of_the_baseline_is_named(pipeline: suitably.Pipeline) -> None:
    monitor = Monitor(pipeline, baseline=answers(pipeline, 0))
    monitor.observe(answers(pipeline.under(policy(age=45, version="2")), 0))
    alarm = next(one for one in monitor.alarms() if one.series == "exclusion:age")
    assert alarm.changes[0].startswith("policy shop 2 (")


def test_what_cannot_be_merged_changes_nothing(pipeline: suitably.Pipeline) -> None:
    one = Monitor(pipeline, baseline=answers(pipeline, 0))
    other = Monitor(pipeline, baseline=answers(pipeline, 0, pipeline.user_ids[:1500]))
    for monitor in (one, other):
        monitor.observe(answers(pipeline, 1))
    before = one.state()
    with pytest.raises(DataError, match="was given another baseline there"):
        one.merge(other)
    assert one.state() == before


def test_answers_to_one_user_leave_no_trace_in_the_state(pipeline: suitably.Pipeline) -> None:
    monitor = Monitor(pipeline)
    monitor.observe(answers(pipeline, 0, ["u0030"]))
    assert not any(monitor.state()["seen"].values())


def test_several_threads_may_observe(pipeline: suitably.Pipeline) -> None:
    from concurrent.futures import ThreadPoolExecutor

    monitor = Monitor(pipeline)
    recs = [answers(pipeline, 0, [user]) for user in pipeline.user_ids[:200]]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(monitor.observe, recs))
        list(pool.map(lambda _: monitor.to_frame(), range(4)))
    assert figures(monitor, "abstention").loc[0, "users"] == 200


def test_data_without_dates_and_frames_of_polars() -> None:
    import polars as pl

    log = pl.DataFrame({"user_id": ["a", "b", "c"], "product_id": ["x", "y", "y"]})
    free = suitably.Policy.unrestricted()
    pipeline = suitably.Pipeline(policy=free, ranker=suitably.ranking.Popularity())
    recs = pipeline.fit(suitably.Dataset(None, None, log)).recommend(k=2)
    monitor = Monitor(pipeline, baseline=recs)
    monitor.observe(recs)
    frame = monitor.to_frame()
    assert isinstance(frame, pl.DataFrame)
    assert frame["day"].max() == date.today()
    again = Monitor(pipeline, baseline=frame.filter(pl.col("users") > 0))
    again.observe(recs, at="2026-01-01")
    assert again.alarms() == monitor.alarms() == []


def test_who_has_opted_out_is_a_series(pipeline: suitably.Pipeline) -> None:
    granted = pd.DataFrame(
        {
            "user_id": pipeline.user_ids[:500],
            "purpose": "personalisation",
            "granted_at": pd.Timestamp("2024-01-01"),
            "withdrawn_at": pd.NaT,
        }
    )
    mine = pipeline.with_consent(suitably.governance.Consent(granted))
    monitor = Monitor(mine)
    monitor.observe(answers(mine, 0))
    assert figures(monitor, "opted-out").loc[0, "mean"] == pytest.approx(0.75)
