"""Profiles from files, part by part, are those of one process."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import suitably as st
from engines import every_builder
from engines.test_profile_task import AS_OF, KINDS, builders, frames
from suitably.engines.files import profiles
from suitably.profiles import RecencyFrequencyValue


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    names = ("users", "products", "interactions")
    found = {name: tmp_path / f"{name}'s.parquet" for name in names}
    for path, table in zip(found.values(), frames(), strict=True):
        pq.write_table(table, path, row_group_size=50)
    return found


def in_order(table: pa.Table) -> pa.Table:
    return table.sort_by("user_id").combine_chunks()


@pytest.mark.parametrize("parts", [None, 1, 3, 100])
def test_profiles_of_one_process(files: dict[str, Path], tmp_path: Path, parts: Any) -> None:
    wanted = st.profiles.build(builders(), st.Dataset(*frames(), **KINDS), AS_OF)
    out = tmp_path / "out.parquet"
    written = profiles(builders(), *files.values(), out, AS_OF, parts, **KINDS)
    found = pq.read_table(out)
    assert written == found.num_rows == 40
    assert in_order(found).equals(in_order(wanted))
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        [out.name, *(path.name for path in files.values())]
    )


@pytest.mark.parametrize("parts", [1, 7, 100])
def test_every_builder(tmp_path: Path, parts: int) -> None:
    made, wanted = every_builder.fitted()
    paths = [tmp_path / f"{place}.parquet" for place in range(3)]
    for path, table in zip(paths, every_builder.frames(), strict=True):
        pq.write_table(table, path)
    out = tmp_path / "out.parquet"
    kinds = every_builder.KINDS
    profiles(made, *paths, out, every_builder.AS_OF, parts, **kinds)
    assert in_order(pq.read_table(out)).equals(in_order(wanted))


def hours(*hours: float) -> pa.Array:
    return pa.array([int(1.7e15 // 86.4e9 * 86.4e9 + 3.6e9 * h) for h in hours], pa.timestamp("us"))


@pytest.mark.parametrize("parts", [1, 50])
@pytest.mark.parametrize("text", [False, True])
def test_what_is_true_of_the_whole_log_is_true_of_each_part(
    tmp_path: Path, parts: int, text: bool
) -> None:
    """One event of the log has a time of day, so no day of it is a bare date."""
    log = pa.table({"user_id": ["a", "b", "b", "c"], "product_id": ["x"] * 4,
                    "timestamp": hours(0, 24, 9.5, 48), "event": ["buy", "sell", "buy", "view"],
                    "value": [1.0, 2, 3, 4]})  # fmt: skip
    if text:
        log = log.set_column(2, "timestamp", log["timestamp"].cast(pa.string()))
    pq.write_table(log, tmp_path / "log.parquet")
    out, as_of = tmp_path / "out.parquet", "2024-06-01T12:00"
    made = [RecencyFrequencyValue()]
    kinds = {"owned_events": ["buy"], "disposed_events": ["sell"], "other_events": ["view"]}
    profiles(made, None, None, tmp_path / "log.parquet", out, as_of, parts, **kinds)
    found = in_order(pq.read_table(out))
    assert found.equals(
        in_order(st.profiles.build(made, st.Dataset(None, None, log, **kinds), as_of))
    )
    assert found["recency_days"][0].as_py() % 1 == 0.5


@pytest.mark.parametrize("parts", [1, 50])
def test_currencies_are_not_added_in_parts(tmp_path: Path, parts: int) -> None:
    log = pa.table({"user_id": ["a", "b", "c"], "product_id": ["x"] * 3, "value": [1.0, 2.0, 4.0],
                    "timestamp": hours(0, 24, 48), "currency": ["EUR", "USD", "EUR"]})  # fmt: skip
    pq.write_table(log, tmp_path / "log.parquet")
    given = ([RecencyFrequencyValue()], None, None, tmp_path / "log.parquet", tmp_path / "out")
    with pytest.raises(st.DataError, match=r"several currencies \(EUR, USD\)"):
        profiles(*given, "2024-06-01", parts)
    # What is not visible yet does not count: neither as a currency, nor as a witness of one.
    assert profiles(*given, "2023-11-15", parts) == 1


def test_a_log_alone_in_several_files(tmp_path: Path) -> None:
    log = frames()[2]
    for place in range(3):
        part = log.slice(place * 80, 80 if place < 2 else None)
        pq.write_table(part, tmp_path / f"log-{place}.parquet")
    wanted = st.profiles.build(builders()[:1], st.Dataset(None, None, log, **KINDS), AS_OF)
    out = tmp_path / "out.parquet"
    profiles(builders()[:1], None, None, tmp_path / "log-*.parquet", out, AS_OF, 4, **KINDS)
    assert in_order(pq.read_table(out)).equals(in_order(wanted))


def test_the_later_row_of_an_event_counts(tmp_path: Path) -> None:
    log = frames()[2]
    ids = pa.array([f"e{i // 2}" for i in range(log.num_rows)])
    log = log.append_column("event_id", ids)
    wanted = st.profiles.build(builders()[:1], st.Dataset(None, None, log, **KINDS), AS_OF)
    pq.write_table(log, tmp_path / "log.parquet", row_group_size=10)
    out = tmp_path / "out.parquet"
    # A part holds all rows of a user, so an id is only told apart within one of them.
    profiles(builders()[:1], None, None, tmp_path / "log.parquet", out, AS_OF, 1, **KINDS)
    assert in_order(pq.read_table(out)).equals(in_order(wanted))


def test_bad_input(files: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    out.write_text("kept")
    every = list(files.values())
    for changes, error, message in (
        ({"as_of": None}, st.DataError, "as_of: must be given"),
        ({"parts": 0}, ValueError, "parts=0: must be a positive integer"),
        ({"parts": True}, ValueError, "parts=True"),
    ):
        given = {"as_of": AS_OF, **KINDS, **changes}
        with pytest.raises(error, match=message):
            profiles(builders(), *every, out, **given)
    for place, message in ((0, "cannot be read"), (2, "cannot be read")):
        given = [*every]
        given[place] = tmp_path / "nowhere.parquet"
        with pytest.raises(st.DataError, match=f"nowhere.parquet: {message}"):
            profiles(builders(), *given, out, AS_OF, **KINDS)
    with pytest.raises(st.DataError, match="no such folder"):
        profiles(builders(), *every, tmp_path / "no" / "out.parquet", AS_OF, **KINDS)
    pq.write_table(frames()[2].slice(0, 0), every[2])
    with pytest.raises(st.DataError, match="has no rows"):
        profiles(builders(), *every, out, AS_OF, **KINDS)
    strangers = frames()[2].set_column(0, "user_id", pa.array(["x"] * frames()[2].num_rows))
    pq.write_table(strangers, every[2])
    with pytest.raises(st.DataError, match="has no user_id 'x', who is in the interactions"):
        profiles(builders(), *every, out, AS_OF, **KINDS)
    assert out.read_text() == "kept"
    assert not list(tmp_path.glob(".*"))
