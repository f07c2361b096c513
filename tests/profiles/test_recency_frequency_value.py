"""Recency, frequency and value: by hand, by brute force, and merged in any way."""

from dataclasses import replace

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
