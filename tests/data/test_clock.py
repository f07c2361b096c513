"""How moments are read, and whose calendar is asked."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as some

import suitably as st
from suitably.data import Clock
from suitably.data.clock import elapsed_days, months_later
from suitably.evaluation import TimeSplit

BERLIN = "Europe/Berlin"


def dataset(stamps: Any, **more: Any) -> st.Dataset:
    log = {"user_id": range(len(stamps)), "product_id": ["a"] * len(stamps), "timestamp": stamps}
    return st.Dataset(None, None, pd.DataFrame(log), **more)


def micros(text: str) -> np.datetime64:
    return np.datetime64(text, "us")


@pytest.mark.parametrize("offset", ["+02:00", "+0200", "+02", "-05", "-0530", "Z", "+00", ""])
@pytest.mark.parametrize(
    "text", ["2024-06-01 01:30:00", "2024-06-01T01:30", "2024-06-01 01:30:00.25"]
)
def test_text_is_read_as_python_reads_it_in_columns_and_alone(text: str, offset: str) -> None:
    data = dataset([text + offset, text + offset])
    wanted = datetime.fromisoformat(text + offset)
    assert (data.clock.zone is None) == (offset == "")
    assert data.clock.stated == (offset == "")
    if wanted.tzinfo is not None:
        wanted = wanted.astimezone(UTC).replace(tzinfo=None)
    assert data.events.times.tolist() == [wanted] * 2
    assert data.clock.instant(text + offset) == np.datetime64(wanted)
    with pytest.raises(st.DataError, match="some moments have a time zone, some have none"):
        dataset([text + offset, text + ("" if offset else "+02")])


def test_a_bare_date_beside_instants_is_refused() -> None:
    with pytest.raises(st.DataError, match="some moments have a time zone"):
        dataset(["2024-06-01", "2024-06-01 00:00+02"])


@pytest.mark.parametrize(
    "text",
    ["soon", "2024-13-01", "2024-02-30", "2024-06-01T25:00", "2024-06-01T10", "20240601", "2024-06",
     "2024-06-01 10:00 +02", " 2024-06-01", "2024-W01-1", "2024-06-01T10:00+2", "2024-06-01Z", ""],
)  # fmt: skip
def test_what_is_no_moment_is_none_in_a_column_and_alone(text: str) -> None:
    with pytest.raises(st.DataError, match="is not a date or time"):
        dataset(["2024-01-01", text])
    with pytest.raises(st.DataError, match=r"as_of='?"):
        Clock().instant(text)
    aside = dataset(["2024-01-01", text], on_error="quarantine").quarantine
    assert aside[["row", "value"]].values.tolist() == [[1, text]]


def test_what_is_finer_than_a_microsecond_is_refused_not_cut() -> None:
    fine = pd.Timestamp("2024-01-01 00:00:00.000000001")
    for column in (
        pa.array([0, 1], pa.timestamp("ns")),
        pd.array([pd.Timestamp("2024-01-01"), fine]),
        ["2024-01-01 00:00:00", "2024-01-01 00:00:00.0000001"],
        np.array([pd.Timestamp("2024-01-01"), fine], object),
    ):
        with pytest.raises(st.DataError, match="finer than a microsecond"):
            dataset(column)
    assert len(dataset(["2024-01-01 00:00:00", "2024-01-01 00:00:00.123456000"]).events) == 2
    for moment in (
        fine,
        "2024-01-01T00:00:00.1234567",
        np.datetime64("2024-01-01T00:00:00", "ns") + 1,
    ):
        with pytest.raises(st.DataError, match="finer than a microsecond"):
            Clock().instant(moment)


def test_what_no_calendar_holds_is_refused() -> None:
    far = pa.array([0, 2**30], pa.int32()).cast(pa.date32())
    for column in (
        far,
        pa.array([0, 2**60], pa.timestamp("s")),
        pa.array([0, 2**55], pa.timestamp("ms")),
    ):
        log = pa.table({"user_id": [1, 2], "product_id": ["a", "a"], "timestamp": column})
        with pytest.raises(st.DataError, match="outside the years 1 to 9999"):
            st.Dataset(None, None, log)
        aside = st.Dataset(None, None, log, on_error="quarantine").quarantine
        assert aside["row"].to_pylist() == [1]
    with pytest.raises(st.DataError, match="outside the years"):
        Clock("UTC").instant("9999-12-31T23:00-05:00")
    with pytest.raises(st.DataError, match="after the year 9999"):
        TimeSplit("2024-01-01", 10**9).on(dataset(["2024-01-01", "2024-01-02"]))


@pytest.mark.parametrize(
    ("zone", "day", "wanted"),
    [
        ("America/Santiago", "2022-09-11", "2022-09-11T04:00"),  # 00:00 does not exist
        ("America/Havana", "2022-11-06", "2022-11-06T04:00"),  # 00:00 comes twice
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00"),  # nor does the day
        (BERLIN, "2024-03-31", "2024-03-30T23:00"),
        (None, "2022-09-11", "2022-09-11"),
    ],
)
def test_a_bare_date_is_the_first_instant_of_the_day(
    zone: str | None, day: str, wanted: str
) -> None:
    forms = (day, date.fromisoformat(day), np.datetime64(day))
    for moment in forms:
        assert Clock(zone).instant(moment) == micros(wanted)
    array = pa.array([date.fromisoformat(day), None])
    assert Clock(zone).moments(array, "x").tolist() == [micros(wanted).item(), None]


@pytest.mark.parametrize("moment", [5, None, True, [], timedelta(1), float("nan"), pd.NaT, "now"])
def test_an_error_says_what_was_read_and_what_would_be_right(moment: Any) -> None:
    with pytest.raises(st.DataError, match=r"^at") as refused:
        Clock().instant(moment, "at")
    assert "missing" in str(refused.value) or "ISO 8601" in str(refused.value)


def test_awareness_must_match() -> None:
    aware = pd.Timestamp("2024-01-01", tz=BERLIN)
    with pytest.raises(st.DataError, match="aware, but the data is naive: give a time without"):
        Clock().instant(aware)
    with pytest.raises(st.DataError, match="naive, but the data is aware: give a time with"):
        Clock(BERLIN).instant(aware.tz_localize(None))
    assert Clock("Asia/Shanghai").instant(aware) == micros("2023-12-31T23:00")


INSTANTS = pd.to_datetime(["2024-03-01 12:00", "2024-03-31 00:30"], utc=True)
NAMED = {
    "pandas": lambda: pd.DataFrame({"t": INSTANTS.tz_convert(BERLIN)}),
    "objects": lambda: pd.DataFrame({"t": INSTANTS.tz_convert(BERLIN).astype(object)}),
    "polars": lambda: pl.DataFrame({"t": INSTANTS.tz_convert(BERLIN)}),
    "pyarrow": lambda: pa.table({"t": pa.array(INSTANTS.tz_convert(BERLIN))}),
}
UNNAMED = {
    "text": lambda: pd.DataFrame({"t": ["2024-03-01T13:00+01", "2024-03-31T01:30:00+01:00"]}),
    "Z": lambda: pl.DataFrame({"t": ["2024-03-01T12:00Z", "2024-03-31T00:30:00Z"]}),
    "offset": lambda: pd.DataFrame({"t": INSTANTS.tz_convert("+01:00")}),
    "offsets": lambda: pd.DataFrame(
        {"t": [i.to_pydatetime().astimezone(timezone(timedelta(hours=h))) for h, i in
               enumerate(INSTANTS)]}, dtype=object),
    "duckdb": lambda: duckdb.sql(
        "select unnest(['2024-03-01 12:00:00+00', '2024-03-31 00:30:00+00']::timestamptz[]) t"
    ),
}  # fmt: skip


def instants(frame: Any, **more: Any) -> st.Dataset:
    return st.Dataset(
        None, None, frame, columns=st.Columns(user="t_user", product="p", timestamp="t"), **more
    )


def with_ids(make: Any) -> Any:
    frame = make()
    if isinstance(frame, pd.DataFrame):
        return frame.assign(t_user=[1, 2], p=["a", "b"])
    if isinstance(frame, pl.DataFrame):
        return frame.with_columns(t_user=pl.Series([1, 2]), p=pl.Series(["a", "b"]))
    if isinstance(frame, pa.Table):
        return frame.append_column("t_user", pa.array([1, 2])).append_column(
            "p", pa.array(["a", "b"])
        )
    return duckdb.sql(
        "select t, row_number() over () as t_user, ['a', 'b'][row_number() over ()] as p from frame"
    )


@pytest.mark.parametrize("kind", [*NAMED, *UNNAMED])
def test_the_same_instants_are_the_same_or_ask_for_the_zone(kind: str) -> None:
    frame = with_ids((NAMED | UNNAMED)[kind])
    wanted = INSTANTS.tz_localize(None).to_numpy().astype("datetime64[us]").tolist()
    data = instants(frame)
    assert data.events.times.tolist() == wanted
    assert data.clock.stated == (kind in NAMED)
    split = TimeSplit(at="2024-03-31", horizon_days=1)  # 23:00 of the 30th in UTC
    stated = instants(with_ids((NAMED | UNNAMED)[kind]), time_zone=BERLIN)
    for found in [stated] + [data] * (kind in NAMED):
        assert found.clock == Clock(BERLIN)
        relevant = pa.table(split.on(found).relevant)
        assert relevant["user_id"].to_pylist() == [2]
    if kind in UNNAMED:
        with pytest.raises(st.DataError, match="time_zone="):
            split.on(data)
        with pytest.raises(st.DataError, match="time_zone="):
            data.view("2024-04-01")
        assert len(data.view("2024-04-01T00:00Z").events) == 2
        assert len(data.view().events) == 2


def test_utc_is_a_name_and_the_stated_zone_is_the_one_that_counts() -> None:
    data = instants(with_ids(lambda: pd.DataFrame({"t": INSTANTS})))
    assert data.clock == Clock("UTC")
    assert instants(with_ids(NAMED["polars"]), time_zone="Asia/Tokyo").clock == Clock("Asia/Tokyo")


def test_several_names_are_none() -> None:
    assert Clock.of_columns({"a": BERLIN, "b": "UTC"}) == Clock("UTC", stated=False)
    assert Clock.of_columns({"a": BERLIN, "b": "+00:00"}) == Clock(BERLIN)
    assert Clock.of_columns({"a": BERLIN, "b": "UTC"}, "Asia/Tokyo") == Clock("Asia/Tokyo")
    assert Clock.of_columns({}, BERLIN) == Clock(BERLIN)
    with pytest.raises(st.DataError, match=r"\['a'\] have a time zone, \['b'\] have none"):
        Clock.of_columns({"a": BERLIN, "b": None})


@pytest.mark.parametrize("zone", ["Mars/Olympus", "+02:00", 2, "", "../../etc/passwd"])
def test_a_stated_zone_is_the_name_of_one(zone: Any) -> None:
    with pytest.raises(st.DataError, match=r"time.zone"):
        dataset(["2024-06-01T00:00Z"], time_zone=zone)


def test_naive_data_are_their_own_calendar() -> None:
    with pytest.raises(st.DataError, match=r"'interactions.timestamp'.*are their own calendar"):
        dataset(["2024-06-01"], time_zone=BERLIN)


@given(
    some.sampled_from(["America/Santiago", "America/Havana", BERLIN, "Australia/Lord_Howe"]),
    some.integers(1_300_000_000, 1_900_000_000),
    some.integers(-40, 40),
)
def test_months_are_of_the_wall_and_land_on_an_instant(zone: str, second: int, months: int) -> None:
    start = np.array([second], "datetime64[s]").astype("datetime64[us]")
    (found,) = months_later(start, months, Clock(zone))
    shown = pd.Timestamp(second, unit="s", tz="UTC").tz_convert(ZoneInfo(zone))
    wall = shown.tz_localize(None) + pd.DateOffset(months=months)
    wanted = wall.tz_localize(ZoneInfo(zone), nonexistent="shift_forward", ambiguous=True)
    if months == 0:
        wanted = shown
    assert pd.Timestamp(found, tz="UTC") == wanted


@pytest.mark.parametrize(
    ("zone", "day", "months", "wanted"),
    [
        ("America/Santiago", "2022-09-11", 1, "2022-10-11T03:00"),
        ("America/Santiago", "2022-10-11", -1, "2022-09-11T04:00"),
        ("America/Santiago", "2021-09-11", 12, "2022-09-11T04:00"),
        ("America/Havana", "2024-03-10", 12, "2025-03-10T04:00"),
        ("America/Havana", "2024-10-03", 1, "2024-11-03T04:00"),  # 00:00 comes twice
        ("America/Havana", "2024-11-03", 1, "2024-12-03T05:00"),
    ],
)
def test_months_from_midnight_to_midnight(zone: str, day: str, months: int, wanted: str) -> None:
    """A midnight that is skipped is the first instant of its day, before and after the months."""
    clock = Clock(zone)
    start = np.array([clock.instant(day)])
    assert months_later(start, months, clock, bare=True).tolist() == [micros(wanted).item()]


def test_times_of_a_day_without_a_midnight_stay_what_they_are() -> None:
    clock = Clock("America/Santiago")
    for minute in (0, 30):
        late = np.array([clock.instant(f"2022-09-11T01:{minute:02}-03:00")])
        wanted = [micros(f"2022-10-11T04:{minute:02}").item()]
        assert months_later(late, 1, clock).tolist() == wanted
        assert (months_later(late, 1, clock, bare=True).tolist() == wanted) == (minute > 0)


def test_days_of_what_is_just_after_a_midnight_are_whole() -> None:
    midnights = np.array(["2024-01-01", "2024-06-29", "NaT"], "datetime64[us]")
    days = elapsed_days(midnights, micros("2024-06-29") + np.timedelta64(1, "us"))
    np.testing.assert_array_equal(days, [180, 0, np.nan])
