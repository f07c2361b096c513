"""Recency, frequency and value: by hand, by brute force, and merged in any way."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suitably.data import Dataset, View
from suitably.errors import DataError, NotFittedError
from suitably.profiles import RecencyFrequencyValue
from suitably.profiles.recency_frequency_value import RecencyFrequencyValueState
from support.banks import first_users

USERS = pd.DataFrame({"user_id": ["ann", "bob", "cat", "dan", "eve"]})
LOG = pd.DataFrame(
    {
        "user_id": ["ann", "ann", "ann", "bob", "bob", "bob", "cat", "dan"],
        "product_id": ["p", "q", "p", "p", "p", "p", "q", "q"],
        "timestamp": pd.to_datetime(
            [
                "2024-01-01",
                "2024-02-01",
                "2024-06-29 12:00",
                "2023-01-01",
                "2023-01-02",
                "2023-01-03",
                "2024-06-01",
                "2023-12-31",
            ],
            format="ISO8601",
        ),
        "value": [0.1, 0.2, 100.0, 1.0, 2.0, 3.0, 50.0, 5_000.0],
        "event": ["buy", "buy", "view", "buy", "buy", "buy", "buy", "buy"],
    }
)


def data_of(log: pd.DataFrame) -> Dataset:
    """Every kind of event makes a product owned."""
    kinds = log["event"].unique().tolist() if "event" in log else None
    return Dataset(USERS, None, log, owned_events=kinds)


def profile(log: pd.DataFrame, as_of: object = "2024-06-30", **arguments: object) -> pd.DataFrame:
    data = data_of(log)
    frame = RecencyFrequencyValue(**arguments).fit(data, as_of).transform(data)
    return frame.set_index("user_id")


def test_by_hand() -> None:
    found = profile(LOG)
    assert list(found.columns) == ["recency_days", "frequency", "monetary", "rfv_segment"]
    assert found.recency_days.tolist()[:4] == [0.5, 544.0, 29.0, 182.0]
    assert np.isnan(found.recency_days["eve"])
    assert found.frequency.tolist() == [3, 3, 1, 1, 0]
    assert found.monetary.tolist() == [100.3, 6.0, 50.0, 5_000.0, 0.0]
    assert found.rfv_segment.tolist() == ["loyal", "at-risk", "occasional", "lapsed", "none"]


def test_limits_are_inclusive() -> None:
    found = profile(LOG, active_days=29, frequent=1)
    assert found.rfv_segment.tolist() == ["loyal", "at-risk", "loyal", "at-risk", "none"]
    assert profile(LOG, active_days=28.9).rfv_segment["cat"] == "lapsed"


def test_high_value_makes_strong() -> None:
    found = profile(LOG, high_value=50.0)
    assert found.rfv_segment.tolist() == ["loyal", "at-risk", "loyal", "at-risk", "none"]
    assert profile(LOG, high_value=0.0).rfv_segment["eve"] == "none"


def test_owned_events_count_by_default_and_named_ones_otherwise() -> None:
    data = Dataset(USERS, None, LOG, owned_events=["buy"])
    bought = RecencyFrequencyValue().fit(data, "2024-06-30").transform(data)
    assert bought.frequency.tolist() == [2, 3, 1, 1, 0]
    assert bought.monetary[0] == 0.3
    assert profile(LOG, events=["view"]).frequency.tolist() == [1, 0, 0, 0, 0]


def test_nothing_at_or_after_as_of_counts() -> None:
    assert profile(LOG, "2024-06-29 12:00").frequency["ann"] == 2
    assert profile(LOG, "2024-06-29 12:00:00.000001").frequency["ann"] == 3


def test_what_became_known_later_does_not_count() -> None:
    recorded = LOG.timestamp + pd.to_timedelta([0, 0, 0, 0, 0, 900, 0, 0], "D")
    found = profile(LOG.assign(recorded_at=recorded))
    assert found.frequency["bob"] == 2
    assert found.recency_days["bob"] == 545.0


def test_one_users_segment_does_not_depend_on_the_others() -> None:
    alone = profile(LOG[LOG.user_id == "cat"])
    pd.testing.assert_series_equal(alone.loc["cat"], profile(LOG).loc["cat"])


def test_without_values_money_is_null() -> None:
    found = profile(LOG.drop(columns="value"), high_value=1.0)
    assert found.monetary.isna().all()
    assert found.rfv_segment["dan"] == "lapsed"


def test_without_timestamps_only_frequency_is_known() -> None:
    found = profile(LOG.drop(columns="timestamp"), None)
    assert found.recency_days.isna().all()
    assert found.frequency.tolist() == [3, 3, 1, 1, 0]
    assert found.rfv_segment.isna().tolist() == [True, True, True, True, False]
    assert found.rfv_segment["eve"] == "none"


def test_aware_data_counts_elapsed_time() -> None:
    moments = LOG.timestamp.dt.tz_localize("Europe/Berlin")
    found = profile(LOG.assign(timestamp=moments), pd.Timestamp("2024-06-30", tz="Europe/Berlin"))
    assert found.recency_days["dan"] == pytest.approx(182 - 1 / 24)  # one hour of summer time
    with pytest.raises(DataError, match="naive"):
        profile(LOG.assign(timestamp=moments), pd.Timestamp("2024-06-30"))


@pytest.mark.parametrize("make", [pd.DataFrame, pl.from_pandas, pa.Table.from_pandas])
def test_gives_the_callers_kind_of_frame(make: object) -> None:
    users, log = make(USERS), make(LOG)  # type: ignore[operator]
    data = Dataset(users, None, log, owned_events=["buy", "view"])
    found = RecencyFrequencyValue().fit(data).transform(data)
    assert type(found) is type(users)


def test_transform_takes_another_moment_but_not_another_order() -> None:
    data = data_of(LOG)
    builder = RecencyFrequencyValue().fit(data, "2024-01-01")
    assert builder.transform(data).frequency.tolist() == [0, 3, 0, 1, 0]
    assert builder.transform(data, "2024-01-02").frequency.tolist() == [1, 3, 0, 1, 0]


@pytest.mark.parametrize(
    "arguments", [{"active_days": 0}, {"frequent": -1}, {"active_days": float("nan")}]
)
def test_refuses_bad_limits(arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(arguments))}=.*above 0"):
        profile(LOG, **arguments)


def test_refuses_unknown_kinds_of_event() -> None:
    with pytest.raises(DataError, match="buys"):
        profile(LOG, events=["buys"])
    with pytest.raises(ValueError, match="must be a list"):
        profile(LOG, events="buy")
    with pytest.raises(DataError, match="no event column"):
        profile(LOG.drop(columns="event"), events=["buy"])


def test_refuses_transform_before_fit_and_unknown_fields() -> None:
    with pytest.raises(NotFittedError, match="RecencyFrequencyValue"):
        RecencyFrequencyValue().transform(data_of(LOG))
    assert RecencyFrequencyValue().provenance("monetary") == "observed"
    with pytest.raises(ValueError, match="recency_days, frequency"):
        RecencyFrequencyValue().provenance("recency")


def test_parameters_rebuild_the_builder() -> None:
    builder = RecencyFrequencyValue(events=["buy"], frequent=2, high_value=9.0)
    assert builder.get_params() == {
        "events": ["buy"],
        "active_days": 180,
        "frequent": 2,
        "high_value": 9.0,
        "rates": None,
    }
    assert RecencyFrequencyValue(**builder.get_params()).get_params() == builder.get_params()


def test_refuses_a_moment_before_what_the_state_holds() -> None:
    view = data_of(LOG).view("2024-06-30")
    builder = RecencyFrequencyValue()
    state = builder.accumulate(view)
    with pytest.raises(DataError, match="later events"):
        builder.finalise(state, np.datetime64("2024-06-29T12:00", "us"))


def test_refuses_to_mix_data_with_and_without_values() -> None:
    builder = RecencyFrequencyValue()
    valued = builder.accumulate(data_of(LOG).view())
    bare = builder.accumulate(data_of(LOG.drop(columns="value")).view())
    with pytest.raises(DataError, match="some have values and some have none"):
        builder.merge(valued, bare)
    nothing = RecencyFrequencyValueState(np.zeros(7, np.int64), None, None)
    merged = builder.finalise(builder.merge(valued, nothing), np.datetime64("2025-01-01", "us"))
    assert merged["monetary"].to_pylist()[:5] == [100.3, 6.0, 50.0, 5_000.0, 0.0]
    assert merged["frequency"].to_pylist()[5:] == [0, 0]


# --- days of the calendar, money net of what went back -----------------------------------------


def one_event(moment: str, zone: str | None, **columns: object) -> Dataset:
    times = pd.to_datetime([moment]).tz_localize(zone)
    log = pd.DataFrame({"user_id": ["ann"], "product_id": ["p"], "timestamp": times, **columns})
    return Dataset(None, None, log)


@pytest.mark.parametrize(
    ("since", "zone", "as_of", "days"),
    [
        ("2024-03-30", "Europe/Berlin", "2024-04-01", 2.0),  # 47 hours
        ("2024-10-26", "Europe/Berlin", "2024-10-28", 2.0),  # 49 hours
        ("2024-03-30", "Europe/Berlin", "2024-04-01 18:00", 2.0),
        ("2024-03-30", None, "2024-04-01 18:00", 2.0),
        ("2024-03-30", "Europe/Berlin", "2024-03-30 00:00:00.000001", 0.0),
        ("2024-03-30 01:00", "Europe/Berlin", "2024-04-01 00:00", 46 / 24),
        ("2024-03-30", "UTC", "2024-04-01", 2.0),
    ],
)
def test_bare_dates_are_whole_days_apart(since, zone, as_of, days) -> None:
    data = one_event(since, zone)
    builder = RecencyFrequencyValue().fit(data, pd.Timestamp(as_of, tz=zone))
    assert builder.transform(data).recency_days[0] == pytest.approx(days, abs=1e-8)


def test_a_bare_date_may_be_a_midnight_that_does_not_exist() -> None:
    """In Beirut the clocks went from midnight to one on that day."""
    data = one_event("2022-03-27 01:00", "Asia/Beirut")
    builder = RecencyFrequencyValue().fit(data, pd.Timestamp("2022-03-28", tz="Asia/Beirut"))
    assert builder.transform(data).recency_days[0] == 1.0


def test_offsets_alone_have_no_midnights() -> None:
    data = Dataset(None, None, pa.table({"user_id": [1], "product_id": [1],
                                         "timestamp": ["2024-03-30T00:00:00Z"]}))  # fmt: skip
    as_of = pd.Timestamp("2024-04-01 12:00", tz="UTC")
    found = RecencyFrequencyValue().fit(data, as_of).transform(data)
    assert found["recency_days"].to_pylist() == [2.5]


def test_an_event_with_a_time_of_day_makes_all_days_of_24_hours() -> None:
    """Also where it is merged in later, and of another kind than those that count."""
    times = pd.to_datetime(["2024-03-30 00:00", "2024-03-31 12:00"]).tz_localize("Europe/Berlin")
    log = pd.DataFrame({"user_id": ["ann", "bob"], "product_id": "p", "timestamp": times,
                        "event": ["buy", "view"]})  # fmt: skip
    view = Dataset(None, None, log, other_events=["view"]).view(
        pd.Timestamp("2024-04-01", tz="Europe/Berlin")
    )
    builder = RecencyFrequencyValue()
    whole = builder.accumulate(view)
    assert whole.timed
    mask = np.array([True, False])
    a, b = (builder.accumulate(replace(view, events=view.events.take(m))) for m in (mask, ~mask))
    assert builder.finalise(a, view.as_of)["recency_days"].to_pylist() == [2.0, None]
    for merged in (whole, builder.merge(a, b), builder.merge(b, a)):
        days = builder.finalise(merged, view.as_of)["recency_days"].to_pylist()
        assert days == [pytest.approx(47 / 24), None]


TRADES = pd.DataFrame(
    {
        "user_id": ["ann", "ann", "ann", "bob", "cat"],
        "product_id": ["p", "p", "p", "p", "q"],
        "timestamp": pd.to_datetime(
            ["2024-01-01", "2024-02-01", "2024-03-01"] + ["2024-02-01"] * 2
        ),
        "value": [100.0, -30.0, 50.0, 20.0, -20.0],
        "event": ["buy", "buy", "sell", "sell", "sell"],
    }
)


def test_money_is_net_of_refunds_and_of_disposals() -> None:
    data = Dataset(USERS, None, TRADES, disposed_events=["sell"])
    found = RecencyFrequencyValue().fit(data, "2024-06-30").transform(data)
    assert found.monetary.tolist() == [20.0, -20.0, -20.0, 0.0, 0.0]
    assert found.frequency.tolist() == [2, 0, 0, 0, 0]
    assert found.recency_days.tolist()[0] == 150.0
    assert found.rfv_segment.tolist()[1] == "none"
    named = RecencyFrequencyValue(events=["buy"]).fit(data, "2024-06-30").transform(data)
    assert named.monetary.tolist() == [70.0, 0.0, 0.0, 0.0, 0.0]
    strong = RecencyFrequencyValue(high_value=20.0).fit(data, "2024-06-30").transform(data)
    assert strong.rfv_segment.tolist()[0] == "loyal"


def test_a_state_of_disposals_alone_merges() -> None:
    view = Dataset(USERS, None, TRADES, disposed_events=["sell"]).view("2024-06-30")
    builder = RecencyFrequencyValue()
    sold = view.events.among(["sell"])
    a, b = (builder.accumulate(replace(view, events=view.events.take(m))) for m in (sold, ~sold))
    whole = builder.finalise(builder.accumulate(view), view.as_of)
    assert builder.finalise(builder.merge(a, b), view.as_of).equals(whole)
    assert builder.finalise(builder.merge(b, a), view.as_of).equals(whole)


def test_several_currencies_ask_for_rates() -> None:
    log = TRADES.assign(currency=["EUR", "EUR", "USD", "USD", "EUR"])
    data = Dataset(USERS, None, log, disposed_events=["sell"])
    with pytest.raises(DataError, match=r"several currencies \(EUR, USD\).*rates="):
        RecencyFrequencyValue().fit(data, "2024-06-30").transform(data)
    rated = RecencyFrequencyValue(rates={"EUR": 1.0, "USD": 0.5}).fit(data, "2024-06-30")
    assert rated.transform(data).monetary.tolist() == [45.0, -10.0, -20.0, 0.0, 0.0]
    for kinds, monetary in ((["buy"], 70.0), (["sell"], 25.0)):
        some = RecencyFrequencyValue(kinds, rates={"EUR": 1.0, "USD": 0.5})
        assert some.fit(data, "2024-06-30").transform(data).monetary[0] == monetary
    alone = RecencyFrequencyValue(events=["buy"])  # what was bought was paid in one
    assert alone.fit(data, "2024-06-30").transform(data).monetary[0] == 70.0
    with pytest.raises(ValueError, match="RecencyFrequencyValue"):
        RecencyFrequencyValue(rates={"EUR": 0}).fit(data, "2024-06-30")


def test_states_in_two_currencies_do_not_merge() -> None:
    builder = RecencyFrequencyValue()
    states = [
        builder.accumulate(data_of(TRADES.assign(currency=name)).view()) for name in ("EUR", "USD")
    ]
    with pytest.raises(DataError, match="EUR, USD"):
        builder.merge(*states)
    assert builder.state_type.from_arrays(states[0].to_arrays()).currency == "EUR"


ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Tokyo"])
DATES = st.dates(date(2017, 1, 1), date(2018, 12, 31))


@given(ZONES, st.lists(DATES, min_size=1, max_size=6), st.integers(0, 400), st.integers(0, 86_399))
def test_days_of_the_calendar_by_brute_force(zone, dates, after, seconds) -> None:
    """Clocks that go forward at midnight too: in São Paulo that day began at one."""
    times = pd.Series(pd.to_datetime(dates)).dt.tz_localize(zone, nonexistent="shift_forward")
    users = [f"u{place}" for place in range(len(dates))]
    data = Dataset(
        None, None, pd.DataFrame({"user_id": users, "product_id": 1, "timestamp": times})
    )
    day = max(dates) + timedelta(days=after + 1)
    moment = pd.Timestamp(datetime(day.year, day.month, day.day) + timedelta(seconds=seconds))
    as_of = moment.tz_localize(zone, nonexistent="shift_forward", ambiguous=True)
    found = RecencyFrequencyValue().fit(data, as_of).transform(data)
    days = dict(zip(found.user_id, found.recency_days, strict=True))
    assert days == {user: (day - one).days for user, one in zip(users, dates, strict=True)}


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3), st.booleans(), st.integers(-500, 500), st.sampled_from(["A", "B"])
        ),
        min_size=1, max_size=20,
    ),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_net_money_by_brute_force(events, random) -> None:
    """Of bought less sold, each in its own currency, in any parts."""
    owners, sold, cents, currency = map(list, zip(*events, strict=True))
    log = pa.table({"user_id": owners, "product_id": [1] * len(owners), "currency": currency,
                    "value": [one / 100 for one in cents],
                    "event": ["sell" if one else "buy" for one in sold]})  # fmt: skip
    data = Dataset(pa.table({"user_id": range(4)}), None, log, disposed_events=["sell"])
    builder, view = RecencyFrequencyValue(rates={"A": 1.0, "B": 3.0}), data.view()
    whole = builder.finalise(builder.accumulate(view), None)
    for user in range(4):
        mine = [event for event in events if event[0] == user]
        signed = [(-abs(c) if gone else c) * (3 if kind == "B" else 1) for _, gone, c, kind in mine]
        assert whole["monetary"][user].as_py() == sum(signed) / 100
        assert whole["frequency"][user].as_py() == sum(not event[1] for event in mine)
    early = np.array([random.random() < 0.5 for _ in events])
    a, b = (builder.accumulate(replace(view, events=view.events.take(m))) for m in (early, ~early))
    assert builder.finalise(builder.merge(a, b), None).equals(whole)
    assert builder.finalise(builder.merge(b, a), None).equals(whole)


# --- merged in any way ----------------------------------------------------------------------

EVENTS = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.integers(0, 3),
        st.integers(0, 400),
        st.floats(-1e7, 1e7, allow_nan=False),
    ),
    min_size=1,
    max_size=30,
)


def view_of(events: list[tuple[int, int, int, float]]) -> View:
    user, product, day, value = zip(*events, strict=True)
    moments = np.datetime64("2020-01-01", "us") + np.array(day) * np.timedelta64(1, "D")
    log = {"user_id": user, "product_id": product, "timestamp": moments, "value": value}
    users = pa.table({"user_id": range(6)})
    return Dataset(users, pa.table({"product_id": range(4)}), pa.table(log)).view("2021-06-01")


@given(EVENTS, st.integers(0, 6), st.randoms(use_true_random=False))
def test_merging_parts_equals_accumulating_at_once(events, first, random) -> None:
    view = view_of(events)
    early = np.array([user < first and random.random() < 0.5 for user in view.events.users])
    part = first_users(replace(view, events=view.events.take(early)), first)
    rest = replace(view, events=view.events.take(~early))
    builder = RecencyFrequencyValue(high_value=1e6)
    a, b, whole = (builder.accumulate(v) for v in (part, rest, view))
    assert len(a) == first
    later = np.datetime64("2022-01-01", "us")
    expected = builder.finalise(whole, later)
    assert builder.finalise(builder.merge(a, b), later).equals(expected)
    assert builder.finalise(builder.merge(b, a), later).equals(expected)
    assert expected.num_rows == len(view.users)


@given(EVENTS, st.integers(0, 500))
def test_the_state_held_ages_as_a_rebuild_does(events, days) -> None:
    builder = RecencyFrequencyValue()
    view = view_of(events)
    later = view.as_of + np.timedelta64(days, "D")
    held = builder.finalise(builder.accumulate(view), later)
    assert held.equals(builder.finalise(builder.accumulate(replace(view, as_of=later)), later))
    last = pd.Series(view.events.times).groupby(view.events.users).max()
    for user, moment in last.items():
        assert held["recency_days"][user].as_py() == (later - moment.to_datetime64()) / (
            np.timedelta64(1, "D")
        )


@given(EVENTS)
def test_the_state_survives_plain_arrays(events) -> None:
    builder = RecencyFrequencyValue()
    view = view_of(events)
    state = builder.accumulate(view)
    arrays = state.to_arrays()
    assert all(array.dtype.kind != "O" for array in arrays.values())
    for array in arrays.values():
        array.setflags(write=False)
    again = builder.state_type.from_arrays(arrays)
    assert builder.finalise(again, view.as_of).equals(builder.finalise(state, view.as_of))
    assert builder.merge(again, again).frequency.sum() == 2 * len(events)
