"""Activity: by hand, by brute force, as of any moment, in any parts, and without timestamps."""

import itertools
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as any_

import suitably as st
from suitably.data import Dataset, View
from suitably.profiles import Activity
from suitably.testing import BuilderContract
from suitably.testing.bank import AS_OF, SmallBank, bought
from support.frames import KINDS, convert, rows_of

FUNNEL = {"seen": ("view",), "asked": ("ask", "call"), "bought": ("buy",)}
ASKED: dict[str, Any] = {
    "channel": "channel",
    "device": "device",
    "page": "page",
    "contact_events": ("letter", "call"),
    "answered_events": ("reply",),
    "complaint_events": ("complaint",),
    "refused_events": ("refusal", "stop"),
    "funnel": FUNNEL,
}
# Of a log in which nobody has refused anything.
WITHOUT_REFUSALS = {name: value for name, value in ASKED.items() if name != "refused_events"}
KINDS_OF_EVENT = ["buy", "view", "ask", "call", "letter", "reply", "complaint", "refusal", "stop"]
OTHER = KINDS_OF_EVENT[1:]
NOW = datetime(2024, 3, 31)
USERS = pa.table({"user_id": ["ann", "bob", "cat"]})
CELLS = {
    "channel": any_.sampled_from(["app", "branch", "web", None]),
    "device": any_.sampled_from(["phone", "desk", None]),
    "page": any_.sampled_from(["cards", "home", "loans", None]),
}
EVENTS = any_.lists(
    any_.fixed_dictionaries(
        {
            "user_id": any_.sampled_from(["ann", "bob"]),
            "event": any_.sampled_from(KINDS_OF_EVENT),
            "minutes": any_.one_of(
                any_.integers(1, 90),
                any_.sampled_from([d * 1440 + m for d in (1, 7, 30, 31, 40) for m in (-1, 0, 1)]),
            ),
            **CELLS,
        }
    ),
    max_size=25,
)
PARAMS = any_.fixed_dictionaries(
    {
        "session_gap_minutes": any_.sampled_from([1, 30]),
        "share_days": any_.sampled_from([None, 7, 35]),
        "funnel_days": any_.sampled_from([None, 7, 35]),
    }
)


def at(user: str, moment: str, event: str = "view", **cells: Any) -> dict:
    return {"user_id": user, "event": event, "timestamp": datetime.fromisoformat(moment),
            **dict.fromkeys(CELLS), **cells,
            "product_id": "p" if event == "buy" else None}  # fmt: skip


def rows(events: list[dict], now: datetime = NOW) -> list[dict]:
    """Return events as rows of a log, with a product where something is bought."""
    return [
        {
            "user_id": event["user_id"],
            "product_id": "p" if event["event"] == "buy" else None,
            "timestamp": now - timedelta(minutes=event["minutes"]),
            **{name: event[name] for name in ("event", "channel", "device", "page")},
        }
        for event in events
    ]


def log_of(made: list[dict], zone: str | None = None) -> pa.Table:
    names = ("user_id", "product_id", "event", "channel", "device", "page")
    columns = {n: pa.array([row.get(n) for row in made], pa.string()) for n in names}
    times = pa.array([row["timestamp"] for row in made], pa.timestamp("us", zone))
    return pa.table(columns | {"timestamp": times})


def data_of(made: list[dict], **facts: Any) -> Dataset:
    """Return data in which every kind of event has been seen, years ago and of somebody else."""
    seen = [at("cat", "2010-01-01", event=kind) for kind in KINDS_OF_EVENT]
    log = log_of([*seen, *made], facts.pop("zone", None))
    return Dataset(USERS, None, log, **{"owned_events": ["buy"], "other_events": OTHER, **facts})


def profile(data: Dataset, as_of: Any = NOW, **params: Any) -> dict[str, dict]:
    table = Activity(**params).fit(data, as_of).transform(data)
    return {row.pop("user_id"): row for row in as_dicts(rows_of(table))}


def as_dicts(found: list[dict]) -> list[dict]:
    return [{n: dict(v) if isinstance(v, list) else v for n, v in row.items()} for row in found]


def main(seen: list[tuple[Any, datetime]]) -> Any:
    """Return the commonest word, then the latest, then the first of the alphabet."""
    times: dict[Any, list[datetime]] = {}
    for word, time in seen:
        times.setdefault(word, []).append(time)
    ranked = sorted(times, key=lambda w: (-len(times[w]), -max(times[w]).timestamp(), w))
    return ranked[0] if ranked else None


def twin(made: list[dict], user: str, now: datetime, **params: Any) -> dict[str, Any]:
    """Return a user's fields, event by event."""
    past = [row for row in made if row["user_id"] == user and row["timestamp"] < now]
    past.sort(key=lambda row: (row["timestamp"], row["page"] or ""))
    own = [row for row in past if row["event"] not in ASKED["contact_events"]]

    def within(part: list[dict], days: float | None) -> list[dict]:
        return [r for r in part if days is None or now - r["timestamp"] <= timedelta(days=days)]

    def said(name: str) -> list[tuple[Any, datetime]]:
        shared = within(own, params["share_days"])
        return [(row[name], row["timestamp"]) for row in shared if row[name] is not None]

    sessions: list[list[dict]] = []
    for row in within(own, 30):
        gap = timedelta(minutes=params["session_gap_minutes"])
        if not sessions or row["timestamp"] - sessions[-1][-1]["timestamp"] > gap:
            sessions.append([])
        sessions[-1].append(row)
    paths = [[row for row in one if row["page"] is not None] for one in sessions]
    paths = [path for path in paths if path]
    steps = [
        ((a["page"], b["page"]), b["timestamp"])
        for path in paths
        for a, b in itertools.pairwise(path)
        if a["page"] != b["page"]
    ]
    step = main(steps)
    channels = Counter(word for word, _ in said("channel"))
    shared = within(own, params["share_days"])
    parts = ["night", "morning", "afternoon", "evening"]
    timed = any(f"{row['timestamp']:%H%M%S}" > "000000" for row in made if row["timestamp"] < now)

    def times_of(kinds: tuple[str, ...], days: float | None) -> list[datetime]:
        return [row["timestamp"] for row in within(past, days) if row["event"] in kinds]

    stage, when = None, None
    for name, kinds in FUNNEL.items():
        later = [t for t in times_of(kinds, params["funnel_days"]) if when is None or t >= when]
        if not later:
            break
        stage, when = name, min(later)
    return {
        "sessions_30d": len(sessions),
        "active_days_30d": len({row["timestamp"].date() for row in within(own, 30)}),
        "main_daypart": main(
            [(parts[r["timestamp"].hour // 6], r["timestamp"]) for r in shared if timed]
        ),
        "channel_share": {w: n / channels.total() for w, n in sorted(channels.items())} or None,
        "main_channel": main(said("channel")),
        "main_device": main(said("device")),
        "entry_page": main([(path[0]["page"], path[0]["timestamp"]) for path in paths]),
        "exit_page": main([(path[-1]["page"], path[-1]["timestamp"]) for path in paths]),
        "page_transition": None if step is None else " > ".join(step),
        "contacts_7d": len(times_of(ASKED["contact_events"], 7)),
        "contacts_30d": len(times_of(ASKED["contact_events"], 30)),
        "last_contact": max(times_of(ASKED["contact_events"], None), default=None),
        "contacts_answered_30d": len(times_of(("reply",), 30)),
        "last_complaint": max(times_of(("complaint",), None), default=None),
        "last_refusal": max(times_of(("refusal", "stop"), None), default=None),
        "funnel_stage": stage,
        "funnel_stage_date": when,
    }


@given(EVENTS, PARAMS, any_.sampled_from([0, 1, 7, 29, 200]))
def test_as_brute_force_does_now_and_later(events: list, params: dict, days: int) -> None:
    made = rows(events)
    data = data_of(made)
    builder = Activity(**ASKED, **params).fit(data, NOW)
    state = builder.accumulate(data.view(NOW))
    later = NOW + timedelta(days=days)
    found = as_dicts(builder.finalise(state, np.datetime64(later, "us")).to_pylist())
    assert found[0] == twin(made, "ann", later, **params)
    assert found[1] == twin(made, "bob", later, **params)


@given(
    EVENTS, any_.integers(0, 2**25), any_.sampled_from([0, 60, 1440, 1440 * 8, 1440 * 32]), PARAMS
)
def test_parts_of_several_moments_are_a_rebuild_to_the_bit(
    events: list, mask: int, earlier: int, params: dict
) -> None:
    """What an earlier part kept, and what comes late, is cut to the later moment."""
    data = data_of(rows(events))
    builder = Activity(**ASKED, **params).fit(data, NOW)
    view = data.view(NOW)
    before = view.as_of - np.timedelta64(earlier, "m")
    chosen = np.array([mask >> place & 1 for place in range(len(view.events))], bool)
    first = chosen & (view.events.times < before)
    parts = part(view, first, before), part(view, ~first, view.as_of)
    whole = builder.accumulate(view).to_arrays()
    for a, b in (parts, parts[::-1]):
        merged = builder.merge(builder.accumulate(a), builder.accumulate(b)).to_arrays()
        assert merged.keys() == whole.keys()
        for name, array in whole.items():
            assert np.array_equal(merged[name], array), name
            assert merged[name].dtype == array.dtype, name


def part(view: View, kept: Any, as_of: Any) -> View:
    return replace(view, events=view.events.take(kept), as_of=as_of)


@given(EVENTS, any_.integers(0, 45 * 1440), PARAMS)
def test_the_whole_history_is_history_cut(events: list, minutes: int, params: dict) -> None:
    moment = NOW - timedelta(minutes=minutes)
    made = rows(events)
    whole, cut = data_of(made), data_of([row for row in made if row["timestamp"] < moment])
    found, wanted = (profile(data, moment, **ASKED, **params) for data in (whole, cut))
    assert found == wanted


BY_HAND = [
    # A session over midnight and the window's start, of two pages and a reload.
    at("ann", "2024-02-29T23:50", page="home", channel="web"),
    at("ann", "2024-03-01T00:00", page="home", channel="app", device="phone"),
    at("ann", "2024-03-01T00:20", page="cards", channel="app", device="phone"),
    at("ann", "2024-03-01T00:50", page="cards"),
    at("ann", "2024-03-10T10:00", page="home", channel="web", device="desk"),
    at("ann", "2024-03-10T10:10", event="ask", page="loans", channel="web"),
    at("ann", "2024-03-10T10:41", event="buy", channel="web"),
    at("bob", "2024-03-20T09:00", event="letter", channel="post"),
    at("bob", "2024-03-24T00:00", event="letter", channel="post"),
    at("bob", "2024-03-23T23:59", event="call", channel="phone"),
    at("bob", "2024-03-24T12:00", event="reply", channel="app"),
    at("bob", "2024-03-25T08:00", event="complaint", channel="branch"),
]


def test_by_hand() -> None:
    found = profile(data_of(BY_HAND), **ASKED)
    assert found["ann"] == {
        "sessions_30d": 3,  # from 1 March on: 00:00 to 00:50; 10:00 to 10:10; 10:41
        "active_days_30d": 2,
        "main_daypart": "morning",  # three each at night and in the morning: the later
        "channel_share": {"app": 2 / 6, "web": 4 / 6},
        "main_channel": "web",
        "main_device": "phone",
        "entry_page": "home",
        "exit_page": "loans",  # once each: the later
        "page_transition": "home > loans",
        "contacts_7d": 0,
        "contacts_30d": 0,
        "last_contact": None,
        "contacts_answered_30d": 0,
        "last_complaint": None,
        "last_refusal": None,
        "funnel_stage": "bought",
        "funnel_stage_date": datetime(2024, 3, 10, 10, 41),
    }
    assert found["bob"] == {
        "sessions_30d": 2,
        "active_days_30d": 2,
        "main_daypart": "morning",
        "channel_share": {"app": 0.5, "branch": 0.5},
        "main_channel": "branch",
        "main_device": None,
        "entry_page": None,
        "exit_page": None,
        "page_transition": None,
        "contacts_7d": 1,  # at the window's first instant; the call was a minute before
        "contacts_30d": 3,
        "last_contact": datetime(2024, 3, 24),
        "contacts_answered_30d": 1,
        "last_complaint": datetime(2024, 3, 25, 8),
        "last_refusal": None,
        "funnel_stage": None,
        "funnel_stage_date": None,
    }


def test_equally_common_at_one_moment_is_the_first_of_the_alphabet() -> None:
    made = [at("ann", "2024-03-01T10:00", channel=c, page=c) for c in ("web", "app", "web", "app")]
    found = profile(data_of(made), **ASKED)["ann"]
    assert found["main_channel"] == "app"
    assert (found["entry_page"], found["exit_page"]) == ("app", "web")
    assert found["page_transition"] == "app > web"
    assert found["sessions_30d"] == 1


def test_fields_follow_the_parameters() -> None:
    always = ("sessions_30d", "active_days_30d", "main_daypart")
    assert Activity().fields == always
    fields = {
        "channel": ("channel_share", "main_channel"),
        "device": ("main_device",),
        "page": ("entry_page", "exit_page", "page_transition"),
        "contact_events": ("contacts_7d", "contacts_30d", "last_contact"),
        "answered_events": ("contacts_answered_30d",),
        "complaint_events": ("last_complaint",),
        "refused_events": ("last_refusal",),
        "funnel": ("funnel_stage", "funnel_stage_date"),
    }
    data = data_of(BY_HAND)
    for name, names in fields.items():
        builder = Activity(**{name: ASKED[name]})
        assert builder.fields == (*always, *names)
        frame = builder.fit(data, NOW).transform(data)
        assert tuple(frame.column_names) == ("user_id", *builder.fields)
    assert Activity(**ASKED).fields == (*always, *(n for names in fields.values() for n in names))
    assert Activity(channel="kanal").provenance("main_channel").sources[0] == "interactions.kanal"
    assert Activity(channel="c", share_days=90).provenance("channel_share").expires == "90 days"


def test_whose_activity_it_is() -> None:
    """A letter is not the user's doing, unless the caller says so."""
    data = data_of(BY_HAND)
    assert profile(data, contact_events=["letter", "call"])["bob"]["sessions_30d"] == 2
    assert profile(data)["bob"]["sessions_30d"] == 4  # two of them a minute apart
    assert profile(data, events=["reply"])["bob"]["sessions_30d"] == 1
    found = profile(data, events=["letter"], contact_events=["letter"])["bob"]
    assert (found["sessions_30d"], found["contacts_30d"]) == (2, 2)


def test_what_is_late_joins_sessions_and_moves_stages_back() -> None:
    builder = Activity(page="page", funnel=FUNNEL)
    data = data_of(BY_HAND)
    builder.fit(data, NOW)
    late = [
        at("ann", "2024-03-10T10:25", page="cards"),
        at("ann", "2024-02-01T10:00"),
        at("ann", "2024-02-02T10:00", event="call"),
    ]
    both = data_of([*BY_HAND, *late]).view(NOW)
    news = data_of([*late]).view(NOW)
    merged = builder.merge(builder.accumulate(data.view(NOW)), builder.accumulate(news))
    found = builder.finalise(merged, both.as_of)
    assert found.equals(builder.finalise(builder.accumulate(both), both.as_of))
    ann = found.to_pylist()[0]
    assert ann["sessions_30d"] == 2
    assert ann["page_transition"] == "loans > cards"
    assert ann["funnel_stage_date"] == datetime(2024, 3, 10, 10, 41)


def test_an_early_step_counts_once_what_was_to_come_before_arrives_late() -> None:
    """So events of a stage that was not reached must not be forgotten."""
    builder = Activity(funnel=FUNNEL)
    early = [at("ann", "2024-03-02T10:00", event="ask"), at("ann", "2024-03-03T10:00"),
             at("ann", "2024-03-04T10:00", event="ask")]  # fmt: skip
    first, late = data_of(early), data_of([at("ann", "2024-03-01T10:00")])
    builder.fit(first, NOW)
    held = builder.accumulate(first.view(NOW))
    assert builder.finalise(held, held.as_of)["funnel_stage_date"][0].as_py() == datetime(
        2024, 3, 4, 10
    )
    merged = builder.merge(held, builder.accumulate(late.view(NOW)))
    assert builder.finalise(merged, held.as_of)["funnel_stage_date"][0].as_py() == datetime(
        2024, 3, 2, 10
    )


def test_old_visits_are_forgotten_and_sums_are_not() -> None:
    data = data_of(BY_HAND)
    builder = Activity(**ASKED).fit(data)
    held = builder.accumulate(data.view("2024-03-31"))
    later = builder.accumulate(data.view("2026-01-01"))
    assert [len(later.tables[name].users) for name in ("visits", "contacts", "answers")] == [0] * 3
    assert len(held.tables["visits"].users) == 8
    assert later.tables["visits"].words["word"].tolist() == []
    assert held.tables["channel"].sums["events"].sum() == 6 + 2
    assert later.tables["last_contact"].keys["times"].astype(str).tolist()[0].startswith("2024-03")


def test_a_moment_before_the_state_is_refused() -> None:
    data = data_of(BY_HAND)
    builder = Activity().fit(data, NOW)
    state = builder.accumulate(data.view(NOW))
    with pytest.raises(st.DataError, match="build it anew"):
        builder.finalise(state, np.datetime64(NOW - timedelta(days=1), "us"))


@pytest.mark.parametrize(
    ("zone", "part", "days"), [("UTC", "evening", 1), ("Asia/Shanghai", "night", 2)]
)
def test_hours_and_days_are_those_of_the_zone(zone: str, part: str, days: int) -> None:
    """A Shanghai day begins at 16:00 in Greenwich."""
    moments = ["2024-03-05T14:30", "2024-03-05T18:30", "2024-03-05T19:30"]
    data = data_of([at("ann", moment) for moment in moments], zone="UTC", time_zone=zone)
    found = profile(data, "2024-03-31", contact_events=["letter"])["ann"]
    assert (found["main_daypart"], found["active_days_30d"]) == (part, days)


@pytest.mark.parametrize("zone", [None, "Asia/Shanghai"])
def test_bare_dates_say_nothing_of_the_hour(zone: str | None) -> None:
    def data(*moments: str) -> Dataset:
        times = pa.array([datetime.fromisoformat(m) for m in moments], pa.timestamp("us"))
        times = times if zone is None else pc.assume_timezone(times, zone)
        users = [*"abc"][: len(moments)]
        log = pa.table({"user_id": users, "product_id": ["p"] * len(users), "timestamp": times})
        return Dataset(None, None, log)

    dates, timed = (
        data("2024-03-05", "2024-03-07"),
        data("2024-03-05", "2024-03-07", "2024-03-09T15"),
    )
    found = profile(dates, "2024-03-31")
    assert [row["main_daypart"] for row in found.values()] == [None, None]
    assert found["a"]["active_days_30d"] == 1
    hours = [row["main_daypart"] for row in profile(timed, "2024-03-31").values()]
    assert hours == ["night", "night", "afternoon"]
    builder, now = Activity(), timed.view("2024-03-31").as_of
    a, b = (builder.accumulate(one.view("2024-03-31")) for one in (dates, timed))
    assert builder.finalise(builder.merge(a, b), now)["main_daypart"].to_pylist() == hours


def test_a_clock_that_is_put_back_over_midnight() -> None:
    """In St. John's, 7 November 2010 lasted for a minute before 6 November came back."""
    moments = ["2010-11-07T02:30:30", "2010-11-07T02:35", "2010-11-07T04:00"]
    data = data_of(
        [at("ann", moment) for moment in moments], zone="UTC", time_zone="America/St_Johns"
    )
    found = profile(data, "2010-12-01", contact_events=["letter"])["ann"]
    assert found["active_days_30d"] == 2
    last = profile(data, "2010-12-01", contact_events=["view"])["ann"]["last_contact"]
    assert last.isoformat() == "2010-11-07T00:30:00-03:30"


def test_no_calendar() -> None:
    made = log_of([at("ann", "2024-03-01T10:00")])
    texts = pa.array(["2024-03-01T10:00+01:00"])
    data = Dataset(None, None, made.set_column(6, "timestamp", texts), other_events=["view"])
    with pytest.raises(st.DataError, match=r"Activity: counts by days.*time zone"):
        Activity().fit(data)


def test_without_timestamps() -> None:
    made = log_of(BY_HAND).drop_columns(["timestamp"])
    data = Dataset(USERS, None, made, owned_events=["buy"], other_events=OTHER)
    found = profile(data, None, **WITHOUT_REFUSALS)
    known = {"channel_share": {"app": 2 / 6, "web": 4 / 6}, "main_channel": "web",
             "main_device": "phone"}  # fmt: skip
    assert found["ann"] == {**dict.fromkeys(Activity(**WITHOUT_REFUSALS).fields), **known}
    assert found["bob"]["main_channel"] == "app"  # the first of the alphabet
    assert found["cat"] == dict.fromkeys(Activity(**WITHOUT_REFUSALS).fields)
    windowed = profile(data, None, **WITHOUT_REFUSALS, share_days=30)
    assert windowed["ann"] == dict.fromkeys(Activity(**WITHOUT_REFUSALS).fields)


def test_nobody_is_active() -> None:
    found = profile(data_of(BY_HAND), **ASKED)["cat"]
    zero = (
        "sessions_30d",
        "active_days_30d",
        "contacts_7d",
        "contacts_30d",
        "contacts_answered_30d",
    )
    assert {name: found[name] for name in zero} == dict.fromkeys(zero, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_any_frame(kind: str) -> None:
    log = convert(log_of(BY_HAND), kind)
    data = Dataset(convert(USERS, kind), None, log, owned_events=["buy"], other_events=OTHER)
    frame = Activity(**WITHOUT_REFUSALS).fit(data, NOW).transform(data)
    found = rows_of(frame.drop(columns="channel_share") if kind == "pandas" else frame)
    names = ("sessions_30d", "main_channel", "page_transition", "contacts_7d", "last_complaint")
    assert [tuple(row[name] for name in names) for row in found] == [
        (3, "web", "home > loans", 0, None),
        (2, "branch", None, 1, datetime(2024, 3, 25, 8)),
        (0, None, None, 0, None),
    ]


def test_a_log_without_kinds_of_event() -> None:
    log = log_of(BY_HAND[:7]).drop_columns(["event"])
    log = log.set_column(1, "product_id", pa.array(["p"] * 7))
    data = Dataset(USERS, None, log)
    assert profile(data, page="page")["ann"]["sessions_30d"] == 3
    with pytest.raises(st.DataError, match="no event column"):
        Activity(contact_events=["letter"]).fit(data)


def test_windows_and_gaps_beyond_all_time() -> None:
    params = {"session_gap_minutes": 1e300, "share_days": 1e300, "funnel_days": 1e300}
    found = profile(data_of(BY_HAND), **ASKED, **params)
    wanted = profile(data_of(BY_HAND), **ASKED, session_gap_minutes=1e6)
    assert found == wanted
    assert found["ann"]["sessions_30d"] == 1


def test_users_who_come_without_events() -> None:
    parts: dict[str, Any] = {"policy": st.Policy.unrestricted(), "ranker": st.ranking.Popularity()}
    pipeline = st.Pipeline(profiles=[Activity(**ASKED)], **parts).fit(data_of(BY_HAND), NOW)
    before = dict(pipeline.trace("ann").profile)
    pipeline.update(users=pa.table({"user_id": ["dan"]}))
    assert dict(pipeline.trace("ann").profile) == before
    found = dict(pipeline.trace("dan").profile)
    assert (found["sessions_30d"], found["channel_share"], found["last_contact"]) == (0, None, None)


def test_channels_that_are_numbers() -> None:
    log = log_of(BY_HAND)
    numbers = pa.array([1, 2] * 6)
    data = Dataset(USERS, None, log.append_column("branch", numbers), owned_events=["buy"],
                   other_events=OTHER)  # fmt: skip
    assert profile(data, channel="branch")["ann"]["channel_share"] == {"1": 4 / 7, "2": 3 / 7}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"channel": "kanal"}, "no column 'kanal'"),
        ({"page": "value"}, "no column 'value'"),
        ({"contact_events": ["letters"]}, r"no interaction is of kind \['letters'\]"),
        ({"events": ["login"]}, "login"),
        ({"funnel": ["view", "purchase"]}, "purchase"),
        ({"device": "fraction"}, "interactions.fraction: holds fractions"),
    ],
)
def test_what_the_data_lacks(params: dict, message: str) -> None:
    log = log_of(BY_HAND).append_column("fraction", pa.array([0.5] * len(BY_HAND)))
    data = Dataset(USERS, None, log, owned_events=["buy"], other_events=OTHER)
    with pytest.raises(st.DataError, match=message):
        Activity(**params).fit(data, NOW)


def test_rules_read_the_fields() -> None:
    """A map by lookup, a moment by arithmetic, and a stage by the freshness of its date."""
    policy = st.Policy.from_toml(
        """
        [policy]
        id = "contact"
        version = "1"
        [[rules]]
        id = "share"
        require = "lookup(user.channel_share, 'web') > 0.5"
        [[rules]]
        id = "rest"
        require = "missing(user.last_contact) or user.last_contact + days(10) <= as_of"
        [[rules]]
        id = "stage"
        require = "user.funnel_stage == 'bought' and fresh(user.funnel_stage, months(1))"
        """
    )
    data = data_of(BY_HAND)
    pipeline = st.Pipeline(
        profiles=[Activity(**ASKED)], policy=policy, ranker=st.ranking.Popularity()
    ).fit(data, NOW)
    verdicts = {
        user: {v.rule: v.verdict for v in pipeline.why_not(user, "p") if "pipeline" not in v.rule}
        for user in ("ann", "bob", "cat")
    }
    assert verdicts["ann"] == {"share": "pass", "rest": "pass", "stage": "pass"}
    assert verdicts["bob"] == {"share": "unknown", "rest": "fail", "stage": "unknown"}
    assert verdicts["cat"] == {"share": "unknown", "rest": "pass", "stage": "fail"}  # long ago


def test_a_pipeline_that_is_loaded_and_updated_is_a_rebuild(tmp_path: Path) -> None:
    """The order of the stages survives the file, whatever their names."""
    stages = {"z": ["view"], "m": ["ask"], "a": ["buy"]}
    params = {**ASKED, "funnel": stages}
    made = [*BY_HAND[4:], *BY_HAND[:4]]  # the last to come are the first to have been
    for cut in (3, 7, 11):
        pipeline = st.Pipeline(
            profiles=[Activity(**params)],
            policy=st.Policy.unrestricted(),
            ranker=st.ranking.Popularity(),
        ).fit(data_of(made[:cut]))
        path = tmp_path / str(cut)
        pipeline.save(path)
        loaded = st.load(path)
        assert list(loaded.profiles[0].funnel) == ["z", "m", "a"]
        news = log_of(made[cut:])
        for each in (pipeline, loaded):
            each.update(news)
        rebuilt = Activity(**params).fit(data_of(BY_HAND), loaded.as_of_)
        wanted = as_dicts(rebuilt.transform(data_of(BY_HAND)).to_pylist())
        for each in (pipeline, loaded):
            for user, row in zip(("ann", "bob", "cat"), wanted, strict=True):
                profile = dict(each.trace(user).profile)
                assert profile == {n: v for n, v in row.items() if n != "user_id"}


class TestActivityContract(BuilderContract):
    """With every parameter, on a bank whose log has the columns."""

    def make(self) -> Any:
        return Activity(**ASKED, session_gap_minutes=45)

    def made(self) -> list[Any]:
        return [self.make(), Activity(), Activity(funnel=["view", "buy"], share_days=9.5)]

    def bad(self) -> list[Any]:
        wrong: list[tuple[str, Any]] = [
            ("channel", 1), ("device", ["device"]), ("page", True), ("session_gap_minutes", 0),
            ("session_gap_minutes", float("inf")), ("share_days", -1), ("funnel_days", "30"),
            ("events", "view"), ("contact_events", "letter"), ("answered_events", None),
            ("complaint_events", [1]), ("funnel", {}), ("funnel", "view"), ("funnel", 3),
            ("funnel", {"seen": []}), ("funnel", {"seen": ["view"], "again": ["view"]}),
            ("funnel", ["view", "view"]), ("funnel", {1: ["view"]}), ("funnel", {"seen": [None]}),
        ]  # fmt: skip
        return [Activity(**{name: value}) for name, value in wrong]

    def bank(self) -> SmallBank:
        bank = super().bank()
        assert KINDS_OF_EVENT[:2] == list(bank.owned_events or ())
        near = [
            event
            for place in range(14)
            for event in bought(
                (place % 4, place % 5), days=[0.01, 0.03, 0.05, 6.9, 29, 31][place % 6]
            )
        ]
        events = [
            {
                "value": 1.0,
                **row,
                "event": KINDS_OF_EVENT[place % len(KINDS_OF_EVENT)],
                "channel": ["app", None, "web"][place % 3],
                "device": ["phone", "desk"][place % 2],
                "page": ["home", "cards", None, "loans", "cards"][place % 5],
            }
            for place, row in enumerate([*bank.events, *near, *near[:5]])
        ]
        return bank.but(events=events)

    def test_the_bank_shows_something(self) -> None:
        """So that the contract is not kept by nulls alone."""
        found = self.make().fit(self.bank().dataset(), AS_OF).transform(self.bank().dataset())
        for name in self.make().fields:
            assert len(set(map(str, found[name].to_pylist()))) > 1, name


class TestWindows(TestActivityContract):
    def make(self) -> Any:
        return Activity(**ASKED, share_days=7, funnel_days=30)


class TestNothingAsked(BuilderContract):
    def make(self) -> Any:
        return Activity()
