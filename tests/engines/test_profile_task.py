"""Profiles made in parts are those made at once, to the last bit."""

from datetime import date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import suitably as st
from suitably.engines.profile_task import ProfileTask
from suitably.profiles import RecencyFrequencyValue, RiskAppetite

AS_OF = datetime(2024, 6, 1)
KINDS = {"other_events": ("view",)}


def frames(users: int = 40, events: int = 300) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Users of whom every fourth did nothing."""
    rng = np.random.default_rng(1)
    who = [int(u) for u in rng.integers(0, users, events) if u % 4]
    minutes = rng.integers(0, 400 * 24 * 60, len(who)).tolist()
    log = pa.table({
        "user_id": [f"u{u}" for u in who],
        "product_id": [f"p{p}" for p in rng.integers(0, 6, len(who))],
        "timestamp": [AS_OF - timedelta(minutes=1 + m) for m in minutes],
        "value": np.round(rng.normal(50, 40, len(who)), 2),
        "event": [["buy", "view"][i % 2] for i in range(len(who))],
    })  # fmt: skip
    people = pa.table({
        "user_id": [f"u{u}" for u in range(users)],
        "risk_level": [["C1", "C2", None][u % 3] for u in range(users)],
        "questionnaire_date": [date(2024, 1, 1 + u % 28) for u in range(users)],
    })  # fmt: skip
    return people, pa.table({"product_id": [f"p{p}" for p in range(6)]}), log


def builders() -> list:
    return [RecencyFrequencyValue(), RiskAppetite()]


@pytest.mark.parametrize("with_users", [True, False])
def test_parts_are_the_whole(with_users: bool) -> None:
    people, products, log = frames()
    users = people if with_users else None
    made = builders() if with_users else builders()[:1]
    whole = st.profiles.build(made, st.Dataset(users, products, log, **KINDS), AS_OF)
    guest = log.slice(0, 1)
    row = people.filter(pc.equal(people["user_id"], guest["user_id"][0])) if with_users else None
    task = ProfileTask.of(made, products, row, guest, AS_OF, **KINDS)
    found = []
    for start in range(0, 40, 7):  # one of the parts has nobody with an event in it
        ids = pa.array([f"u{u}" for u in ([0, 4, 8] if start == 0 else range(start, start + 7))])
        some = people.filter(pc.is_in(people["user_id"], ids)) if with_users else None
        mine = log.filter(pc.is_in(log["user_id"], ids))
        if with_users or mine.num_rows:
            found.append(task.profiles(some, mine))
    parts = pa.concat_tables(found)
    place = {user: i for i, user in enumerate(whole["user_id"].to_pylist())}
    rows = whole.take(pa.array([place[u] for u in parts["user_id"].to_pylist()]))
    assert parts.equals(rows)
    assert parts.num_rows >= 25


def test_instants_name_no_zone_of_the_data() -> None:
    _, products, log = frames()
    column = log["timestamp"].cast(pa.timestamp("us", "America/New_York"))
    log = log.set_column(2, "timestamp", column)
    task = ProfileTask.of(builders()[:1], products, None, log, "2024-06-01", **KINDS)
    with pytest.raises(st.DataError, match="name no single time zone"):
        task.profiles(None, log)
    task = ProfileTask.of(builders()[:1], products, None, log, "2024-06-01",
                          time_zone="Asia/Shanghai", **KINDS)  # fmt: skip
    wanted = st.profiles.build(builders()[:1], st.Dataset(
        None, products, log.set_column(2, "timestamp", column.cast(pa.timestamp("us", "UTC"))),
        time_zone="Asia/Shanghai", **KINDS), "2024-06-01")  # fmt: skip
    assert task.profiles(None, log).equals(wanted)


def test_a_builder_that_has_no_state_does_not_travel() -> None:
    with pytest.raises(st.DataError, match=r"object: has no state\(\)"):
        ProfileTask.of([object()], None, None, pa.table({}))


def test_two_builders_of_one_field_are_both_named() -> None:
    class Other(RecencyFrequencyValue):
        pass

    _, products, log = frames()
    data = st.Dataset(None, products, log, **KINDS)
    made = [RecencyFrequencyValue(), Other()]
    with pytest.raises(st.DataError, match="two builders, RecencyFrequencyValue and Other"):
        st.profiles.build(made, data)
    pipeline = st.Pipeline(made, st.Policy.unrestricted(), st.ranking.Popularity())
    with pytest.raises(st.DataError, match="two builders, RecencyFrequencyValue and Other"):
        pipeline.fit(data)
