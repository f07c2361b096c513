"""TimeSplit: what is known at the cut, and what counts after it."""

import dataclasses

import pandas as pd
import polars as pl
import pytest

from suitably.data import Dataset
from suitably.data.splits import Split
from suitably.errors import DataError
from suitably.evaluation import TimeSplit


def dataset(rows, products=None, **more):
    log = pd.DataFrame(rows, columns=["user_id", "product_id", "timestamp"])
    return Dataset(None, products, log, **more)


def pairs(split):
    return list(zip(split.relevant["user_id"], split.relevant["product_id"], strict=True))


def test_the_window_begins_at_the_cut_and_ends_before_its_end():
    data = dataset(
        [
            (1, "a", "2020-12-31 23:59:59.999999"),
            (2, "a", "2021-01-01 00:00:00"),
            (3, "a", "2021-01-10 23:59:59.999999"),
            (4, "a", "2021-01-11 00:00:00"),
        ]
    )
    split = TimeSplit(at="2021-01-01", horizon_days=10).on(data)
    assert isinstance(split, Split)
    assert (split.at, split.end) == (pd.Timestamp("2021-01-01"), pd.Timestamp("2021-01-11"))
    assert pairs(split) == [(2, "a"), (3, "a")]


def test_what_was_owned_is_not_relevant_unless_repeatable():
    products = pd.DataFrame({"product_id": ["b", "a", "c"], "repeatable": [True, False, None]})
    rows = [(1, p, t) for t in ("2020-06-01", "2021-02-01") for p in "abc"]
    split = TimeSplit("2021-01-01", 100).on(dataset(rows, products))
    assert pairs(split) == [(1, "b")]


def test_a_pair_bought_twice_in_the_window_counts_once():
    split = TimeSplit("2021-01-01", 100).on(dataset([(1, "a", f"2021-01-0{d}") for d in (2, 3)]))
    assert pairs(split) == [(1, "a")]


def test_only_events_that_mean_ownership_count():
    log = pd.DataFrame(
        {
            "user_id": [1, 1, 2, 2],
            "product_id": ["a", "a", "a", "b"],
            "event": ["view", "buy", "view", "buy"],
            "timestamp": ["2020-06-01", "2021-02-01", "2021-02-01", "2021-02-01"],
        }
    )
    split = TimeSplit("2021-01-01", 100).on(Dataset(None, None, log, owned_events=["buy"]))
    assert pairs(split) == [(1, "a"), (2, "b")]


def test_a_product_launched_after_the_cut_is_not_relevant():
    products = pd.DataFrame(
        {"product_id": ["a", "b"], "product_timestamp": ["2020-01-01", "2021-01-01"]}
    )
    rows = [(1, "a", "2021-02-01"), (1, "b", "2021-02-01")]
    assert pairs(TimeSplit("2021-01-01", 100).on(dataset(rows, products))) == [(1, "a")]


def test_a_purchase_not_yet_recorded_at_the_cut_is_not_owned_yet():
    log = pd.DataFrame(
        {
            "user_id": [1, 1],
            "product_id": ["a", "a"],
            "timestamp": ["2020-12-01", "2021-02-01"],
            "recorded_at": ["2021-01-05", "2021-02-01"],
        }
    )
    assert pairs(TimeSplit("2021-01-01", 100).on(Dataset(None, None, log))) == [(1, "a")]


def test_aware_data_want_an_aware_cut_and_naive_data_a_naive_one():
    aware = dataset([(1, "a", "2021-01-05T00:30:00+00:00")])
    split = TimeSplit("2021-01-05T01:30:00+01:00", 1).on(aware)
    assert split.at.tzinfo is not None
    assert pairs(split) == [(1, "a")]
    with pytest.raises(DataError, match=r"at=2021-01-05: is a bare date.*time_zone="):
        TimeSplit("2021-01-05", 1).on(aware)
    with pytest.raises(DataError, match="naive"):
        TimeSplit("2021-01-05T00:00:00", 1).on(aware)
    with pytest.raises(DataError, match="aware"):
        TimeSplit("2021-01-05T00:00:00Z", 1).on(dataset([(1, "a", "2021-01-05")]))


def test_nobody_after_the_cut_is_an_empty_frame_with_its_types():
    split = TimeSplit("2022-01-01", 10).on(dataset([(1, "a", "2021-01-05")]))
    assert len(split.relevant) == 0
    assert list(split.relevant.columns) == ["user_id", "product_id"]
    assert split.relevant["user_id"].dtype == "int64"


def test_relevant_is_of_the_kind_of_the_data():
    log = pl.DataFrame({"user_id": [1], "product_id": ["a"], "timestamp": ["2021-01-05"]})
    assert isinstance(
        TimeSplit("2021-01-01", 9).on(Dataset(None, None, log)).relevant, pl.DataFrame
    )


def test_data_without_timestamps_are_refused():
    data = Dataset(None, None, pd.DataFrame({"user_id": [1], "product_id": ["a"]}))
    with pytest.raises(DataError, match="no timestamps"):
        TimeSplit("2021-01-01", 10).on(data)


@pytest.mark.parametrize("days", [0, -1, 1.5, True, "10", None])
def test_a_horizon_is_a_positive_number_of_days(days):
    with pytest.raises(ValueError, match="must be a positive integer"):
        TimeSplit("2021-01-01", days)


def test_is_frozen_and_refuses_what_is_no_moment():
    split = TimeSplit(at="soon", horizon_days=1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        split.at = "later"
    with pytest.raises(DataError, match="at="):
        split.on(dataset([(1, "a", "2021-01-05")]))
