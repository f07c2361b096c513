"""Stages of life: by hand at their limits, by brute force over every day, and merged in any way."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import suitably
from suitably.data import Dataset, View
from suitably.errors import DataError
from suitably.profiles import Lifecycle
from suitably.profiles.lifecycle import lifecycle_stages
from suitably.profiles.lifecycle.lifecycle_stages import AcquisitionDays, StageRules, present_stages
from suitably.testing import BuilderContract
from support.banks import AS_OF, bought, seven

START = date(2020, 1, 1)


class TestLifecycleContract(BuilderContract):
    def make(self) -> Any:
        return Lifecycle(newcomer_days=3, window_days=4, lapsed_days=20)

    def made(self) -> list[Any]:
        return [self.make(), Lifecycle(), Lifecycle(events=("view",), growth=2, decline=0)]

    def bad(self) -> list[Any]:
        wrong: list[tuple[str, Any]] = [
            *[(name, value) for name in ("newcomer_days", "window_days", "lapsed_days")
              for value in (0, -1, 1.5, True, "30")],
            *[("growth", value) for value in (1, 0.5, float("inf"), float("nan"), "2")],
            *[("decline", value) for value in (1, -0.1, float("nan"), None)],
            ("newcomer_days", 366), ("window_days", 366), ("events", "buy"),
        ]  # fmt: skip
        return [Lifecycle(**{name: value}) for name, value in wrong]


class TestOfOneKind(BuilderContract):
    def make(self) -> Any:
        return Lifecycle(newcomer_days=1, window_days=2, lapsed_days=2, events=["view"])


def stages(days: list[int], today: int, **limits: Any) -> tuple[str | None, date | None]:
    """Return stage and day of one user, who acquired something on days after the start."""
    moments = [START + timedelta(days=day) for day in [*days, 0]]
    log = pd.DataFrame({"user_id": ["a"] * len(days) + ["z"], "product_id": "p",
                        "timestamp": pd.to_datetime(moments)})  # fmt: skip
    data = Dataset(pa.table({"user_id": ["a", "z", "none"]}).to_pandas(), None, log)
    found = Lifecycle(**limits).fit(data, START + timedelta(days=today)).transform(data)
    assert found["lifecycle_stage"].isna().tolist()[2]
    assert found["stage_since"].isna().tolist()[2]
    row = found.iloc[0]
    return row["lifecycle_stage"], row["stage_since"]


def day(number: int) -> date:
    return START + timedelta(days=number)


@pytest.mark.parametrize(
    ("days", "today", "stage", "since"),
    [
        ([0], 1, "newcomer", 0),
        ([0], 89, "newcomer", 0),
        ([0], 90, "mature", 90),
        ([0], 179, "mature", 90),
        ([0], 180, "decline", 180),  # nothing in the 180 days 1 to 180
        ([0], 364, "decline", 180),
        ([0], 365, "lapsed", 365),
        ([0], 2000, "lapsed", 365),
        ([0, 100], 101, "growth", 100),  # two in the window, none before
        ([0, 0, 0], 101, "mature", 90),  # a day is a day, however many on it
        ([0, 100], 180, "mature", 180),  # the first leaves the window: 1 against 1
        ([0, 100, 185, 190], 184, "mature", 180),
        ([0, 100, 185, 190], 200, "growth", 185),  # 2 against 1 on that day, then 3
        ([0, 400], 401, "mature", 400),  # back after a lapse, and not a newcomer
        ([0, 10, 20, 30], 180, "growth", 90),  # 3 in the window, 1 before
        ([0, 10, 20, 30], 199, "mature", 190),  # 2 against 2
        ([0, 10, 20, 30, 250], 251, "decline", 200),  # 1 against 3; and 250 does not turn it
    ],
)
def test_by_hand(days: list[int], today: int, stage: str, since: int) -> None:
    assert stages(days, today) == (stage, day(since))


def test_limits_are_as_documented() -> None:
    """Growth from its ratio on, decline up to its own."""
    days = [0, 60, 70, 100, 110, 120]  # on day 139: 3 in the 40 days, 2 in those before
    limits = {"newcomer_days": 1, "window_days": 40}
    assert stages(days, 139, **limits, growth=1.5)[0] == "growth"
    assert stages(days, 139, **limits, growth=1.51)[0] == "mature"
    days = [0, 60, 70, 100]  # 1 against 2
    assert stages(days, 139, **limits, decline=0.5)[0] == "decline"
    assert stages(days, 139, **limits, decline=0.49)[0] == "mature"


def log_of(**columns: Any) -> pa.Table:
    rows = len(next(iter(columns.values())))
    return pa.table({"user_id": ["a"] * rows, "product_id": ["p"] * rows, **columns})


def one(data: Dataset, as_of: Any, **limits: Any) -> tuple[Any, Any]:
    table = Lifecycle(**limits).fit(data, as_of).transform(data)
    return table["lifecycle_stage"][0].as_py(), table["stage_since"][0].as_py()


def test_a_refund_is_no_acquisition() -> None:
    times = pa.array([datetime(2024, 1, 1), datetime(2024, 5, 1)], pa.timestamp("us"))
    data = Dataset(None, None, log_of(timestamp=times, value=[5.0, -5.0]))
    assert one(data, "2024-06-01") == ("mature", date(2024, 3, 31))
    data = Dataset(None, None, log_of(timestamp=times, value=[-5.0, -5.0]))
    assert one(data, "2024-06-01") == (None, None)
    data = Dataset(None, None, log_of(timestamp=times, value=[0.0, 5.0]))
    assert one(data, "2024-06-01") == ("growth", date(2024, 5, 1))


def test_several_currencies_do_not_matter() -> None:
    times = pa.array([datetime(2024, 1, 1), datetime(2024, 5, 1)], pa.timestamp("us"))
    data = Dataset(None, None, log_of(timestamp=times, value=[5.0, 5.0], currency=["EUR", "USD"]))
    assert one(data, "2024-06-01")[0] == "growth"


def test_days_are_those_of_the_datas_zone() -> None:
    """Twenty to midnight in UTC is the next day in Berlin, and so is the day of the moment."""
    times = pa.array([datetime(2024, 3, 30, 23, 40)], pa.timestamp("us", "UTC"))
    as_of = pd.Timestamp("2024-06-28 22:30", tz="UTC")
    assert one(Dataset(None, None, log_of(timestamp=times)), as_of) == (
        "mature", date(2024, 6, 28))  # fmt: skip
    berlin = Dataset(None, None, log_of(timestamp=times), time_zone="Europe/Berlin")
    assert one(berlin, as_of) == ("mature", date(2024, 6, 29))
    assert one(berlin, as_of - pd.Timedelta(hours=1)) == ("newcomer", date(2024, 3, 31))


def test_what_cannot_be_known_is_asked_for() -> None:
    with pytest.raises(DataError, match="Lifecycle: the interactions have no timestamps"):
        Lifecycle().fit(Dataset(None, None, log_of(value=[1.0])))
    offsets = Dataset(None, None, log_of(timestamp=["2024-01-01T00:00:00Z"]))
    with pytest.raises(DataError, match="Lifecycle: counts by days"):
        Lifecycle().fit(offsets, pd.Timestamp("2024-06-01", tz="UTC"))
    with pytest.raises(DataError, match="buys"):
        Lifecycle(events=["buys"]).fit(seven().dataset(), AS_OF)
    view = seven().dataset().view(AS_OF)
    with pytest.raises(DataError, match="later events"):
        Lifecycle().finalise(Lifecycle().accumulate(view), view.as_of - np.timedelta64(90, "D"))


def test_other_events_and_disposals_do_not_count() -> None:
    times = pa.array([datetime(2024, 1, 1)] + [datetime(2024, 5, 1)] * 2, pa.timestamp("us"))
    log = log_of(timestamp=times, event=["buy", "sell", "login"])
    data = Dataset(None, None, log, disposed_events=["sell"], other_events=["login"])
    assert one(data, "2024-06-01") == ("mature", date(2024, 3, 31))
    assert one(data, "2024-06-01", events=["buy", "login"]) == ("growth", date(2024, 5, 1))


def test_a_pipeline_reads_the_stage(tmp_path: Path) -> None:
    """Fitted, saved, loaded and brought forward, the profile is that of a rebuild."""
    bank = seven()
    pipeline = bank.fitted(profiles=[Lifecycle(newcomer_days=2, window_days=3, lapsed_days=30)])
    pipeline.save(tmp_path / "model")
    loaded = suitably.load(tmp_path / "model")
    news = bank.but(events=bought((0, 5), (5, 0), days=-40)).frames()[2]
    for each in (pipeline, loaded):
        each.update(news)
    whole = bank.but(events=[*bank.events, *bought((0, 5), (5, 0), days=-40)])
    rebuilt = Lifecycle(2, 3, lapsed_days=30)
    frame = rebuilt.fit(whole.dataset(), pipeline.as_of_).transform(whole.dataset())
    for row in frame.to_pylist():
        user = row.pop("user_id")
        assert dict(loaded.trace(user).profile) == dict(pipeline.trace(user).profile) == row


# --- by brute force -------------------------------------------------------------------------

LIMITS = st.builds(
    lambda lapsed, newcomer, window, growth, decline: StageRules(
        min(newcomer, lapsed), min(window, lapsed), growth, decline, lapsed
    ),
    st.integers(1, 60), st.integers(1, 40), st.integers(1, 40),
    st.sampled_from([1.01, 1.5, 2.0, 3.0]), st.sampled_from([0.0, 0.3, 0.5, 0.99]),
)  # fmt: skip
DAYS = st.lists(
    st.sets(st.integers(0, 150), min_size=1, max_size=12).map(sorted), min_size=1, max_size=5
)


def slow_stage(rules: StageRules, days: list[int], on: int) -> str | None:
    """Return the stage as the documentation of `Lifecycle` defines it."""
    known = [one for one in days if one <= on]
    if not known:
        return None
    recent = sum(on - rules.window_days < one for one in known)
    before = sum(on - 2 * rules.window_days < one <= on - rules.window_days for one in known)
    if on - known[-1] >= rules.lapsed_days:
        return "lapsed"
    if on - known[0] < rules.newcomer_days:
        return "newcomer"
    if recent == 0 or (before > 0 and recent <= rules.decline * before):
        return "decline"
    if recent >= 2 and recent >= rules.growth * before:
        return "growth"
    return "mature"


def slow_since(rules: StageRules, days: list[int], today: int) -> int:
    on = today
    while slow_stage(rules, days, on - 1) == slow_stage(rules, days, today):
        on -= 1
    return on


@given(LIMITS, DAYS, st.integers(150, 400), st.sampled_from([1, 5, 1 << 20]))
def test_every_day_looked_at(rules: StageRules, days: Any, today: int, rows: int) -> None:
    """The change points and the blocks find what a look at every day finds."""
    starts = np.cumsum([0, *map(len, days)])
    history = AcquisitionDays(np.concatenate(days).astype(np.int64), starts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lifecycle_stages, "_ROWS", rows)
        found, since = present_stages(rules, history, today)
    names = [lifecycle_stages.STAGES[one] for one in found]
    assert names == [slow_stage(rules, own, today) for own in days]
    assert since.tolist() == [slow_since(rules, own, today) for own in days]


EVENTS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 120)), min_size=1, max_size=25)


def view_of(events: list[tuple[int, int]]) -> View:
    users, days = zip(*events, strict=True)
    moments = np.datetime64("2020-01-01", "us") + np.array(days) * np.timedelta64(1, "D")
    log = pa.table({"user_id": users, "product_id": [0] * len(users), "timestamp": moments})
    return Dataset(pa.table({"user_id": range(5)}), None, log).view("2020-05-01")


@given(EVENTS, st.randoms(use_true_random=False), st.integers(0, 400))
def test_merged_is_rebuilt_and_ages(events: Any, random: Any, days: int) -> None:
    view = view_of(events)
    builder = Lifecycle(newcomer_days=10, window_days=20, lapsed_days=40)
    early = np.array([random.random() < 0.5 for _ in events])
    parts = [replace(view, events=view.events.take(mask)) for mask in (early, ~early)]
    a, b = map(builder.accumulate, parts)
    later = view.as_of + np.timedelta64(days, "D")
    whole = builder.finalise(builder.accumulate(view), later)
    assert builder.finalise(builder.merge(a, b), later).equals(whole)
    assert builder.finalise(builder.merge(b, a), later).equals(whole)
    rules = StageRules(10, 20, 1.5, 0.5, 40)
    today = 121 + days
    for user, (stage, since) in enumerate(zip(*whole.columns, strict=True)):
        mine = sorted({one for owner, one in events if owner == user})
        assert stage.as_py() == slow_stage(rules, mine, today)
        assert since.as_py() == (day(slow_since(rules, mine, today)) if mine else None)
