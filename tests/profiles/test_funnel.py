"""Funnels: by hand, by brute force, and what cannot be one."""

from datetime import datetime, timedelta
from statistics import median
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as any_

import suitably as st
from suitably.data import Dataset
from suitably.profiles import funnel
from suitably.profiles.activity.stages import read_stages
from support.frames import KINDS, convert, rows_of

START = datetime(2024, 1, 1)
STAGES = {"seen": ["view", "open"], "asked": ["ask"], "bought": ["buy"]}
EVENTS = any_.lists(
    any_.tuples(
        any_.integers(1, 5),
        any_.sampled_from(["view", "open", "ask", "buy", "login"]),
        any_.integers(0, 30),
    ),
    max_size=40,
)


def data_of(events: list, kind: str = "pyarrow", **facts: Any) -> Dataset:
    """User 0 does everything a hundred days later, so that every kind is there."""
    late = [(0, kind, 100) for kind in ("view", "open", "ask", "buy", "login")]
    users, kinds, days = zip(*events, *late, strict=True)
    log = pa.table(
        {
            "user_id": pa.array(users),
            "product_id": pa.array(["p" if kind == "buy" else None for kind in kinds]),
            "event": pa.array(kinds),
            "timestamp": pa.array([START + timedelta(days=day) for day in days]),
        }
    )
    other = ["view", "open", "ask", "login"]
    facts = {"owned_events": ["buy"], "other_events": other, **facts}
    return Dataset(None, None, convert(log, kind), **facts)


def loop(events: list, end: int) -> list[dict]:
    reached: list[list[float]] = [[] for _ in STAGES]
    waits: list[list[float]] = [[] for _ in STAGES]
    for user in range(1, 6):
        before = -1.0
        for place, kinds in enumerate(STAGES.values()):
            own = [d for u, k, d in events if u == user and k in kinds and before <= d < end]
            if not own:
                break
            reached[place].append(user)
            waits[place].append(min(own) - before)
            before = min(own)
    users = [len(some) for some in reached]
    return [
        {
            "stage": name,
            "users": users[place],
            "share": users[place] / users[0] if users[0] else None,
            "conversion": users[place] / users[place - 1] if place and users[place - 1] else None,
            "median_days": median(waits[place]) if place and waits[place] else None,
        }
        for place, name in enumerate(STAGES)
    ]


@given(EVENTS, any_.integers(1, 40))
def test_as_a_loop_does(events: list, end: int) -> None:
    found = funnel(data_of(events), START + timedelta(days=end), STAGES)
    assert rows_of(found) == loop(events, end)


@given(EVENTS, any_.integers(1, 40))
def test_the_whole_history_is_history_cut(events: list, end: int) -> None:
    cut = [event for event in events if event[2] < end]
    moment = START + timedelta(days=end)
    assert funnel(data_of(events), moment, STAGES).equals(funnel(data_of(cut), moment, STAGES))


BY_HAND = [
    (1, "view", 0), (1, "open", 1), (1, "ask", 4), (1, "buy", 10),
    (2, "view", 3), (2, "ask", 5), (2, "ask", 9),
    (3, "view", 2), (3, "ask", 2), (3, "buy", 1),  # too early a purchase is none
    (4, "ask", 2), (4, "buy", 3),  # has seen nothing
    (5, "login", 1),
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_by_hand(kind: str) -> None:
    found = funnel(data_of(BY_HAND, kind), "2024-02-01", STAGES)
    assert type(found).__module__.split(".")[0] in (kind.replace("lazy", "polars"), "pyarrow")
    rows = rows_of(found)
    assert [row["stage"] for row in rows] == ["seen", "asked", "bought"]
    assert [row["users"] for row in rows] == [3, 3, 1]
    assert [row["share"] for row in rows] == [1.0, 1.0, 1 / 3]
    assert [row["conversion"] for row in rows] == [None, 1.0, 1 / 3]
    assert [row["median_days"] for row in rows] == [None, 2.0, 6.0]  # of 4, 2 and 0; of 6


def test_a_list_of_kinds_and_single_kinds() -> None:
    data = data_of(BY_HAND)
    listed = rows_of(funnel(data, "2024-02-01", ["view", "ask", "buy"]))
    single = {"view": "view", "ask": "ask", "buy": ("buy",)}
    assert listed == rows_of(funnel(data, "2024-02-01", single))
    assert [row["stage"] for row in listed] == ["view", "ask", "buy"]
    assert rows_of(funnel(data, None, ["view"]))[0]["users"] == 4


def test_before_the_first_event_nobody_is_anywhere() -> None:
    rows = rows_of(funnel(data_of(BY_HAND), "2020-01-01", STAGES))
    assert [tuple(row.values())[1:] for row in rows] == [(0, None, None, None)] * 3


def test_users_without_events_and_columns_by_other_names() -> None:
    log = pa.table({"who": ["a"], "what": ["p"], "when": [START], "kind": ["buy"]})
    columns = st.Columns(user="who", product="what", timestamp="when", event="kind")
    users = pa.table({"who": ["a", "b"]})
    (row,) = rows_of(funnel(Dataset(users, None, log, columns), None, {"bought": "buy"}))
    assert row == {"stage": "bought", "users": 1, "share": 1.0, "conversion": None,
                   "median_days": None}  # fmt: skip


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ({}, "must name the stages in order"),
        ([], "must name the stages in order"),
        ("view", "must name the stages in order"),
        (None, "must name the stages in order"),
        ({"seen": []}, "stage 'seen' has no list"),
        ({"seen": 3}, "stage 'seen' has no list"),
        ({"seen": [3]}, "stage 'seen' has no list"),
        ({3: ["view"]}, "stage 3 has no list"),
        ([["view"]], "has no list"),
        ({"seen": ["view"], "again": ["buy", "view"]}, "view is there twice"),
        ({"seen": ["view", "view"]}, "view is there twice"),
        (["view", "view"], "view is there twice"),
    ],
)
def test_what_is_no_funnel(stages: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        funnel(data_of(BY_HAND), None, stages)
    with pytest.raises(ValueError, match=r"^here: "):
        read_stages(stages, "here")


def test_kinds_that_are_not_there() -> None:
    with pytest.raises(st.DataError, match=r"no interaction is of kind \['purchase'\]"):
        funnel(data_of(BY_HAND), None, ["view", "purchase"])
    log = pa.table({"user_id": [1], "product_id": ["p"], "timestamp": [START]})
    with pytest.raises(st.DataError, match="no event column"):
        funnel(Dataset(None, None, log), None, ["view"])


def test_without_timestamps_there_is_no_order() -> None:
    log = pa.table({"user_id": [1], "product_id": ["p"], "event": ["buy"]})
    with pytest.raises(st.DataError, match="no timestamps, so stages have no order"):
        funnel(Dataset(None, None, log), None, ["buy"])


@pytest.mark.parametrize("named", [{"owned_events": ["buy"]}, {"disposed_events": ["sell"]}])
def test_a_refund_is_no_purchase(named: dict[str, Any]) -> None:
    """User 1 only gave back, user 2 bought on the third day; a sale below 0 is still one."""
    log = pa.table({
        "user_id": [1, 1, 2, 2, 2, 2], "product_id": ["p", "p", "p", "p", "p", "p"],
        "event": ["view", "buy", "view", "buy", "buy", "sell"],
        "timestamp": [START + timedelta(days=day) for day in (0, 1, 0, 1, 2, 4)],
        "value": [0.0, -5.0, 0.0, -5.0, 5.0, -5.0],
    })  # fmt: skip
    facts = {"disposed_events": ["sell"], "other_events": ["view"], **named}
    data = Dataset(None, None, log, **facts)
    stages = {"seen": ["view"], "bought": ["buy"], "sold": ["sell"]}
    assert funnel(data, None, stages)["users"].to_pylist() == [2, 1, 1]
    assert funnel(data, None, stages)["median_days"].to_pylist() == [None, 2.0, 2.0]
    activity = st.profiles.Activity(funnel=stages)
    found = activity.fit(data, "2024-02-01").transform(data)
    assert found["funnel_stage"].to_pylist() == ["seen", "sold"]
