"""Cohorts: by hand, by brute force, in calendars and zones, and what cannot be one."""

from collections import defaultdict
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as any_

import suitably as st
from suitably.data import Dataset
from suitably.profiles import cohorts
from support.frames import KINDS, convert, rows_of

START = datetime(2023, 12, 27)
EVENTS = any_.lists(
    any_.tuples(
        any_.integers(1, 5),
        any_.sampled_from(["buy", "buy", "view"]),
        any_.integers(0, 2_000).map(lambda n: n * 0.5),
        any_.sampled_from([0.1, -0.3, 1e9, 12.5]),
    ),
    max_size=30,
)
FIRST: dict[str, Any] = {
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
    "quarter": lambda day: day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
    "year": lambda day: day.replace(month=1, day=1),
}


LONGEST = {"week": 7, "month": 31, "quarter": 92, "year": 366}


def following(by: str, first: date) -> date:
    return FIRST[by](first + timedelta(days=LONGEST[by]))


def table(events: list, zone: str | None = None) -> pa.Table:
    users, kinds, days, values = zip(*events, strict=True)
    times = [START + timedelta(days=day) for day in days]
    return pa.table(
        {
            "user_id": pa.array(users, pa.int64()),
            "product_id": ["p"] * len(events),
            "event": pa.array(kinds, pa.string()),
            "timestamp": pa.array(times, pa.timestamp("us", zone)),
            "value": pa.array(values, pa.float64()),
        }
    )


def data_of(events: list, kind: str = "pyarrow", **facts: Any) -> Dataset:
    made = [*events, (0, "buy", 9_000, 1.0), (0, "view", 9_000, 1.0)]
    return Dataset(
        None,
        None,
        convert(table(made), kind),
        **{"owned_events": ["buy"], "now": "2100-01-01", **facts},
    )


def loop(events: list, by: str, end: datetime, active: tuple[str, ...]) -> list[dict]:
    past = [(u, k, START + timedelta(days=d), v) for u, k, d, v in events]
    past = [event for event in past if event[2] < end]
    joined: dict[int, date] = {}
    for user, kind, time, _ in sorted(past, key=lambda event: event[2]):
        if kind == "buy":
            joined.setdefault(user, FIRST[by](time.date()))
    last = FIRST[by]((end - timedelta(microseconds=1)).date())
    came: dict[tuple, set] = defaultdict(set)
    money: dict[tuple, Fraction] = defaultdict(Fraction)
    for user, kind, time, value in past:
        if user in joined and kind in active:
            cell = (joined[user], FIRST[by](time.date()))
            came[cell].add(user)
            money[cell] += Fraction(round(Fraction(value) * 10**9), 10**9)
    rows = []
    for cohort in sorted(set(joined.values())):
        size = list(joined.values()).count(cohort)
        period, number = cohort, 0
        while period <= last:
            users = len(came[cohort, period])
            rows.append(
                {
                    "cohort": cohort,
                    "period": number,
                    "users": users,
                    "share": users / size,
                    "size": size,
                    "revenue": float(money[cohort, period]),
                    "complete": datetime.combine(following(by, period), datetime.min.time()) <= end,
                }
            )
            period, number = following(by, period), number + 1
    return rows


@given(EVENTS, any_.sampled_from(list(FIRST)), any_.integers(1, 900))
def test_as_a_loop_does(events: list, by: str, days: int) -> None:
    end = START + timedelta(days=days)
    data = data_of(events)
    assert rows_of(cohorts(data, end, by)) == loop(events, by, end, ("buy",))
    both = cohorts(data, end, by, events=["buy"], active_events=["buy", "view"])
    wanted = loop(events, by, end, ("buy", "view"))
    assert rows_of(both) == wanted


@given(EVENTS, any_.integers(1, 900))
def test_the_whole_history_is_history_cut(events: list, days: int) -> None:
    end = START + timedelta(days=days)
    cut = [event for event in events if event[2] < days]
    assert cohorts(data_of(events), end).equals(cohorts(data_of(cut), end))


BY_HAND = [
    (1, "buy", 0, 0.1), (1, "buy", 1, 0.2), (1, "buy", 40, 5.0),  # 27 December; 5 February
    (2, "buy", 5, 7.0),  # 1 January
    (3, "buy", 10, 1.0), (3, "view", 36, 0.0), (3, "buy", 65, 2.0),  # 6 January; 1 February, March
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_by_hand(kind: str) -> None:
    found = cohorts(data_of(BY_HAND, kind), "2024-03-01T00:00:00.000001")
    assert type(found).__module__.split(".")[0] in (kind.replace("lazy", "polars"), "pyarrow")
    december, january = date(2023, 12, 1), date(2024, 1, 1)
    assert [tuple(row.values()) for row in rows_of(found)] == [
        (december, 0, 1, 1.0, 1, 0.3, True),
        (december, 1, 0, 0.0, 1, 0.0, True),
        (december, 2, 1, 1.0, 1, 5.0, True),
        (december, 3, 0, 0.0, 1, 0.0, False),
        (january, 0, 2, 1.0, 2, 8.0, True),
        (january, 1, 0, 0.0, 2, 0.0, True),
        (january, 2, 1, 0.5, 2, 2.0, False),
    ]
    names = ["cohort", "period", "users", "share", "size", "revenue", "complete"]
    assert list(rows_of(found)[0]) == names


def test_a_period_that_ends_at_the_moment_is_complete() -> None:
    rows = rows_of(cohorts(data_of(BY_HAND), "2024-03-01"))
    assert [row["complete"] for row in rows] == [True] * 5
    rows = rows_of(cohorts(data_of(BY_HAND), "2024-02-29T23:59:59.999999"))
    assert [row["complete"] for row in rows] == [True, True, False, True, False]


def test_active_by_other_kinds() -> None:
    rows = rows_of(cohorts(data_of(BY_HAND), "2024-03-01", active_events=["view"]))
    assert [row["users"] for row in rows] == [0, 0, 0, 0, 1]
    (row,) = rows_of(cohorts(data_of(BY_HAND), "2024-03-01", events=["view"]))
    assert (row["cohort"], row["size"], row["users"]) == (date(2024, 2, 1), 1, 1)


def test_days_are_those_of_the_zone() -> None:
    log = table([(1, "buy", 4.8, 1.0), (2, "buy", 30, 1.0)], "UTC")  # 31 December, 19:12
    found = [
        rows_of(cohorts(Dataset(None, None, log, time_zone=zone), "2024-01-31"))[0]["cohort"]
        for zone in ("UTC", "Asia/Shanghai")
    ]
    assert found == [date(2023, 12, 1), date(2024, 1, 1)]


def test_weeks_begin_on_monday() -> None:
    log = [(1, "buy", 4, 1.0), (2, "buy", 5, 1.0)]  # Sunday 31 December 2023, Monday 1 January
    rows = rows_of(cohorts(data_of(log), "2024-01-08", "week"))
    assert [(row["cohort"], row["period"], row["complete"]) for row in rows] == [
        (date(2023, 12, 25), 0, True),
        (date(2023, 12, 25), 1, True),
        (date(2024, 1, 1), 0, True),
    ]


def test_without_values_there_is_no_revenue() -> None:
    log = table(BY_HAND).drop_columns(["value"])
    found = cohorts(Dataset(None, None, log, owned_events=["buy"]))
    assert "revenue" not in found.column_names
    assert found.column_names[-1] == "complete"


def test_currencies() -> None:
    log = table(BY_HAND).append_column("currency", pa.array(["CNY", "CNY", "USD"] + ["CNY"] * 4))
    data = Dataset(None, None, log, owned_events=["buy"])
    with pytest.raises(st.DataError, match="several currencies"):
        cohorts(data)
    rows = rows_of(cohorts(data, "2024-03-01", rates={"CNY": 1.0, "USD": 7.0}))
    assert [row["revenue"] for row in rows] == [0.3, 0.0, 35.0, 8.0, 0.0]
    with pytest.raises(st.DataError, match="USD, for which rates= has none"):
        cohorts(data, rates={"CNY": 1.0})


def test_before_the_first_event_there_is_no_cohort() -> None:
    found = cohorts(data_of(BY_HAND), "2020-01-01")
    assert found.num_rows == 0
    assert found.schema.equals(cohorts(data_of(BY_HAND), "2024-03-01").schema)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"by": "day"}, "by='day': must be one of 'week', 'month', 'quarter', 'year'"),
        ({"by": ["month"]}, "by="),
        ({"events": "buy"}, "events='buy': must be a list"),
        ({"events": []}, "events="),
        ({"active_events": [1]}, "active_events="),
        ({"rates": {"CNY": 0}}, "rates="),
    ],
)
def test_arguments_out_of_range(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cohorts(data_of(BY_HAND), "2024-03-01", **arguments)


def test_what_the_data_lacks() -> None:
    with pytest.raises(st.DataError, match=r"no interaction is of kind \['sell'\]"):
        cohorts(data_of(BY_HAND), events=["sell"])
    timeless = Dataset(None, None, table(BY_HAND).drop_columns(["timestamp"]), owned_events=["buy"])
    with pytest.raises(st.DataError, match="no timestamps, so nothing has a period"):
        cohorts(timeless)
    texts = pa.array([f"2024-01-0{day}T00:00+01:00" for day in range(1, 8)])
    log = table(BY_HAND).set_column(3, "timestamp", texts)
    with pytest.raises(st.DataError, match=r"cohorts: counts by days.*time zone"):
        cohorts(Dataset(None, None, log, owned_events=["buy"]))
