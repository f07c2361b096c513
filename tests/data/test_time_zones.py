"""Time zones, against zoneinfo and pandas."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some

from suitably.data.time_zones import instants_of, walls_of
from suitably.errors import DataError

ZONES = [
    "UTC",
    "America/Santiago",
    "America/Havana",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
    "+05:30",
]
SECONDS = some.lists(some.integers(-5_000_000_000, 9_000_000_000), min_size=1, max_size=20)
NEAR = some.integers(-8_000, 8_000)


def zone_of(name: str) -> ZoneInfo:
    return (
        pd.Timestamp(f"2000-01-01T00:00{name}").tzinfo if name.startswith("+") else ZoneInfo(name)
    )


def seconds_of(moments: list[datetime]) -> list[int]:
    return np.array(moments, "datetime64[s]").astype(np.int64).tolist()


@given(some.sampled_from(ZONES), SECONDS)
def test_walls_are_those_of_zoneinfo(name: str, seconds: list[int]) -> None:
    zone = zone_of(name)
    found = walls_of(np.array(seconds) * 1_000_000 + 1, name)
    shown = [datetime.fromtimestamp(s, UTC).astimezone(zone).replace(tzinfo=None) for s in seconds]
    assert (found // 1_000_000).tolist() == seconds_of(shown)
    assert (found % 1_000_000 == 1).all()


@given(some.sampled_from(ZONES), SECONDS)
def test_first_instants_are_those_of_pandas(name: str, seconds: list[int]) -> None:
    index = pd.DatetimeIndex(np.array(seconds, "datetime64[s]")).tz_localize(
        zone_of(name), nonexistent="shift_forward", ambiguous=np.ones(len(seconds), bool)
    )
    wanted = index.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[us]")
    assert instants_of(np.array(seconds) * 1_000_000, name).tolist() == wanted.astype(int).tolist()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("America/Santiago", "2022-09-11T04:00"),
        ("America/Santiago", "2022-04-03T03:00"),
        ("America/Havana", "2022-11-06T05:00"),
        ("Europe/Berlin", "2024-03-31T01:00"),
        ("Europe/Berlin", "2024-10-27T01:00"),
        ("Europe/Berlin", "2300-10-31T01:00"),
        ("Australia/Lord_Howe", "2024-10-05T15:30"),
        ("Australia/Lord_Howe", "2024-04-06T15:00"),
        ("Pacific/Apia", "2011-12-30T10:00"),
        ("Europe/Moscow", "2014-10-25T22:00"),
    ],
)
def test_every_second_about_a_change(name: str, change: str) -> None:
    middle = int(np.datetime64(change, "s").astype(np.int64))
    seconds = np.arange(middle - 8_000, middle + 8_000, 7)
    zone = ZoneInfo(name)
    shown = [
        datetime.fromtimestamp(int(s), UTC).astimezone(zone).replace(tzinfo=None) for s in seconds
    ]
    walls = walls_of(seconds * 1_000_000, name)
    assert (walls // 1_000_000).tolist() == seconds_of(shown)
    first = instants_of(walls, name)
    assert (first <= seconds * 1_000_000).all()  # what was read once already is the first of two
    assert (walls_of(first, name) == walls).all()


@given(some.sampled_from(ZONES), some.integers(-2_000_000_000, 5_000_000_000), NEAR)
def test_the_first_instant_is_the_least_that_reaches_the_wall(name: str, s: int, near: int) -> None:
    wall = np.array([s * 1_000_000])
    first = instants_of(wall, name)
    assert walls_of(first, name)[0] >= wall[0]
    assert walls_of(first - 1, name)[0] < wall[0]
    later = instants_of(wall + abs(near) * 1_000_000, name)
    assert later[0] >= first[0]


def test_the_ends_of_the_calendar() -> None:
    ends = np.array(["0001-01-01", "9999-12-31T23:59:59.999999"], "datetime64[us]").astype(int)
    for name in ("Europe/Berlin", "America/Santiago"):
        assert (abs(walls_of(ends, name) - ends) < 86_400_000_000).all()
        assert (abs(instants_of(ends, name) - ends) < 86_400_000_000).all()


def test_no_such_zone() -> None:
    for name in ("Mars/Olympus", "../../etc/passwd", "", "+25:00"):
        with pytest.raises(DataError, match="does not exist"):
            walls_of(np.array([0]), name)
