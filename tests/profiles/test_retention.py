"""Retention by cohort against plain Python, and what changes nothing of it."""

from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import suitably
from suitably import DataError, Dataset
from suitably.profiles import kaplan_meier, retention

START, AS_OF = date(2023, 1, 1), date(2024, 7, 1)
SILENT = 60

logs = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 560)), min_size=1, max_size=40)


def dataset(rows: list[tuple[int, int]]) -> Dataset:
    return Dataset(
        pa.table({"user_id": list(range(6))}),
        None,
        pa.table(
            {
                "user_id": [user for user, _ in rows],
                "product_id": ["a"] * len(rows),
                "timestamp": [START + timedelta(days=day) for _, day in rows],
            }
        ),
    )


def stays(rows: list[tuple[int, int]], end: date) -> dict[str, list[tuple[int, bool]]]:
    """For how long each user stayed, by the month of the first acquisition: day by day."""
    found: dict[str, list[tuple[int, bool]]] = {}
    for user in range(6):
        days = {START + timedelta(days=day) for mine, day in rows if mine == user}
        days = {day for day in days if day < end}
        if not days:
            continue
        first = today = min(days)
        silence = 0
        while today < end and silence < SILENT:
            today += timedelta(days=1)
            silence = 0 if today in days else silence + 1
        lost = silence == SILENT
        found.setdefault(f"{first:%Y-%m}", []).append(((today - first).days, lost))
    return found


@given(logs)
def test_plain_python_agrees(rows: list[tuple[int, int]]) -> None:
    found = retention(dataset(rows), AS_OF, silent_days=SILENT).to_pylist()
    wanted = []
    for cohort, each in sorted(stays(rows, AS_OF).items()):
        curve = kaplan_meier([days for days, _ in each], [lost for _, lost in each])
        names = ("times", "at_risk", "lost", "retained")
        steps = zip(*(getattr(curve, name).tolist() for name in names), strict=True)
        wanted += [(cohort, *step) for step in steps]
    shown = ("cohort", "days", "at_risk", "lost", "retained")
    assert [tuple(row[name] for name in shown) for row in found] == wanted


@given(logs)
def test_an_earlier_moment_is_the_log_cut_there(rows: list[tuple[int, int]]) -> None:
    moment = START + timedelta(days=280)
    cut = [(user, day) for user, day in rows if day < 280]
    if not cut:
        return
    assert retention(dataset(rows), moment).equals(retention(dataset(cut), moment))


def test_who_comes_back_later_was_lost_all_the_same() -> None:
    rows = retention(dataset([(0, 0), (0, 100)]), AS_OF, silent_days=60).to_pylist()
    assert [(row["days"], row["lost"], row["retained"]) for row in rows] == [(0, 0, 1), (60, 1, 0)]
    assert rows[1]["low"] is rows[1]["high"] is None


def test_periods_and_kinds_of_frame() -> None:
    log = pd.DataFrame({"user_id": [1, 2], "product_id": "a",
                        "timestamp": ["2023-05-03", "2024-01-31"]})  # fmt: skip
    data = Dataset(None, None, log)
    found = {by: retention(data, by=by) for by in ("month", "quarter", "year")}
    assert all(isinstance(frame, pd.DataFrame) for frame in found.values())
    cohorts = {by: list(dict.fromkeys(frame.cohort)) for by, frame in found.items()}
    assert cohorts == {
        "month": ["2023-05", "2024-01"],
        "quarter": ["2023-Q2", "2024-Q1"],
        "year": ["2023", "2024"],
    }


def test_the_calendar_of_the_data_says_the_month() -> None:
    times = pa.array([datetime(2023, 12, 31, 23)], pa.timestamp("us", "UTC"))
    log = pa.table({"user_id": [1], "product_id": ["a"], "timestamp": times})
    for zone, cohort in (("UTC", "2023-12"), ("Europe/Berlin", "2024-01")):
        found = retention(Dataset(None, None, log, time_zone=zone), "2024-06-01")
        assert found["cohort"].to_pylist()[0] == cohort


def test_only_acquisitions_count_and_none_make_no_rows() -> None:
    log = pa.table({"user_id": [1], "product_id": ["a"], "event": ["view"],
                    "timestamp": ["2024-01-01"]})  # fmt: skip
    found = retention(Dataset(None, None, log, other_events=["view"]), "2024-06-01")
    assert found.num_rows == 0
    assert found.schema.field("days").type == pa.float64()
    assert found.schema.field("at_risk").type == pa.int64()


def test_no_time() -> None:
    log = pa.table({"user_id": [1], "product_id": ["a"]})
    with pytest.raises(DataError, match="no timestamps"):
        retention(Dataset(None, None, log))


def test_no_calendar() -> None:
    log = pa.table({"user_id": [1], "product_id": ["a"], "timestamp": ["2024-01-01T00:00:00Z"]})
    with pytest.raises(DataError, match="time zone"):
        retention(Dataset(None, None, log))


@pytest.mark.parametrize(
    "asked",
    [{"by": "week"}, {"silent_days": 0}, {"silent_days": True}, {"silent_days": float("inf")},
     {"silent_days": "60"}, {"confidence": 95}],
)  # fmt: skip
def test_parameters_out_of_range(asked: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"retention.{next(iter(asked))}"):
        suitably.profiles.retention(dataset([(0, 0)]), AS_OF, **asked)
