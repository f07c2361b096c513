"""Columns of the log without a role go with their events, whatever is left out or sorted."""

import pandas as pd
import pytest

import suitably as st
from suitably.data import Dataset


def _log() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "user_id": ["a", "b", "a", "b"],
            "product_id": ["x", "x", "y", "y"],
            "timestamp": ["2024-03-01", "2024-01-01", "2024-02-01", "2024-04-01"],
            "channel": ["app", "web", None, "desk"],
            "mixed": [1, "two", 3, 4],
        }
    )


def test_a_column_follows_its_events() -> None:
    events = Dataset(None, None, _log()).view().events
    assert events.column("channel").to_pylist() == ["web", None, "app", "desk"]
    assert events.take(events.users == 0).column("channel").to_pylist() == [None, "app"]


def test_only_what_was_visible() -> None:
    events = Dataset(None, None, _log()).view("2024-03-01").events
    assert events.column("channel").to_pylist() == ["web", None]


def test_rows_set_aside_are_not_there() -> None:
    log = _log().assign(value=[1.0, float("inf"), 2.0, 3.0])
    events = Dataset(None, None, log, on_error="quarantine").view().events
    assert events.column("channel").to_pylist() == [None, "app", "desk"]


def test_what_is_not_there_is_named() -> None:
    events = Dataset(None, None, _log()).view().events
    with pytest.raises(st.DataError, match=r"interactions: no column 'device'.*'channel', 'mixed'"):
        events.column("device")
    bare = Dataset(None, None, _log()[["user_id", "product_id", "timestamp"]]).view().events
    with pytest.raises(st.DataError, match=r"no column 'channel'.*: \[\]"):
        bare.column("channel")


def test_a_mixed_column_is_refused_only_where_it_is_read() -> None:
    events = Dataset(None, None, _log()).view().events
    with pytest.raises(st.DataError, match=r"interactions\.mixed"):
        events.column("mixed")


def test_without_events_there_are_no_values() -> None:
    events = Dataset(None, None, _log()).view("2023-01-01").events
    assert events.column("anything").to_pylist() == []
