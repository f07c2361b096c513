"""Monthly returns from prices, and returns as given."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from suitably.errors import DataError
from suitably.evaluation import monthly_returns
from suitably.evaluation.monthly_returns import read_returns


def prices(*rows):
    return pd.DataFrame(rows, columns=["product_id", "timestamp", "price"]).assign(
        timestamp=lambda frame: pd.to_datetime(frame["timestamp"])
    )


def test_periods_are_equal_parts_of_the_window_and_compounded_to_thirty_days():
    found = monthly_returns(
        prices(("a", "2024-01-01", 100.0), ("a", "2024-02-10", 120.0), ("a", "2024-03-21", 90.0)),
        "2024-01-01",
        "2024-03-21",
    )
    # 80 days are three periods, of 26 2/3 days each; a price holds for no longer than one, so that
    # there is none at the end of the first.
    assert found["period"].tolist() == [2]
    np.testing.assert_allclose(found["monthly_return"], [0.75 ** (30 * 3 / 80) - 1])
    found = monthly_returns(
        prices(("a", "2024-01-01", 100.0), ("a", "2024-02-05", 120.0), ("a", "2024-03-11", 90.0)),
        "2024-01-01",
        "2024-03-11",
    )
    assert found["period"].tolist() == [0, 1]
    expected = [1.2 ** (30 / 35) - 1, 0.75 ** (30 / 35) - 1]
    np.testing.assert_allclose(found["monthly_return"], expected)


def test_all_periods_together_are_the_published_formula():
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", "2024-06-22")
    walk = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, len(days))))
    frame = pd.DataFrame({"product_id": 7, "timestamp": days, "price": walk})
    found = monthly_returns(frame.sample(frac=1, random_state=1), "2024-01-01", "2024-06-22")
    length = (days[-1] - days[0]).days
    assert len(found) == round(length / 30)
    compounded = np.prod(1 + found["monthly_return"]) ** (1 / len(found)) - 1
    assert compounded == pytest.approx((walk[-1] / walk[0]) ** (30 / length) - 1)


def test_nothing_after_a_moment_is_its_price():
    found = monthly_returns(
        prices(
            ("a", "2024-01-02", 50.0),
            ("a", "2024-01-30", 100.0),
            ("b", "2023-12-31", 1.0),
            ("b", "2024-01-31", 2.0),
        ),
        "2024-01-01",
        "2024-01-31",
    )
    assert found["product_id"].tolist() == ["b"]
    assert found["monthly_return"].tolist() == [1.0]


def test_frames_and_zones():
    frame = prices(("a", "2024-01-01", 100.0), ("a", "2024-01-31", 110.0))
    found = monthly_returns(pl.from_pandas(frame), "2024-01-01", "2024-01-31")
    assert isinstance(found, pl.DataFrame)
    aware = frame.assign(timestamp=frame["timestamp"].dt.tz_localize("Asia/Shanghai"))
    start = pd.Timestamp("2024-01-01", tz="Asia/Shanghai")
    found = monthly_returns(aware, start, start + pd.Timedelta(days=30))
    np.testing.assert_allclose(found["monthly_return"], [0.1])
    with pytest.raises(DataError, match="time-zone awareness"):
        monthly_returns(aware, "2024-01-01", "2024-01-31")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"price": [0.0, 1.0]}, "a price above 0"),
        ({"price": [None, 1.0]}, "a price above 0"),
        ({"price": ["1", "2"]}, "must hold numbers"),
        ({"timestamp": [None, pd.Timestamp("2024-01-01")]}, "a timestamp"),
        ({"timestamp": [pd.Timestamp("2024-01-01")] * 2}, "two prices at one moment"),
        ({"timestamp": ["2024-01-01", "soon"]}, "a moment cannot be read"),
    ],
)
def test_prices_that_are_none(change, message):
    frame = prices(("a", "2024-01-01", 100.0), ("a", "2024-01-31", 110.0)).assign(**change)
    with pytest.raises(DataError, match=message):
        monthly_returns(frame, "2024-01-01", "2024-01-31")


def test_a_window_without_length_or_a_column_that_is_not_there():
    frame = prices(("a", "2024-01-01", 100.0))
    with pytest.raises(DataError, match="has no length"):
        monthly_returns(frame, "2024-01-01", "2024-01-01")
    with pytest.raises(DataError, match="no column price"):
        monthly_returns(frame.drop(columns="price"), "2024-01-01", "2024-01-31")


def test_returns_as_given():
    frame = pd.DataFrame({"product_id": ["a", "b", "a"], "period": [0, 0, 1],
                          "monthly_return": [0.1, -1.0, 0.2]})  # fmt: skip
    np.testing.assert_array_equal(read_returns(frame, "r").values, [[0.1, 0.2], [-1.0, np.nan]])
    one = frame.drop(columns="period").iloc[:2]
    np.testing.assert_array_equal(read_returns(one, "r").values, [[0.1], [-1.0]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"monthly_return": [0.1, -1.5]}, "not below -1"),
        ({"monthly_return": [0.1, np.inf]}, "finite"),
        ({"product_id": ["a", None]}, "needs a product"),
        ({"product_id": ["a", "a"]}, "two returns in one period"),
        ({"period": [0, -1]}, "counted from 0"),
        ({"period": [0, 10**9]}, "counted from 0"),
        ({"period": ["x", "y"]}, "whole numbers from 0"),
    ],
)
def test_returns_that_are_none(change, message):
    frame = pd.DataFrame({"product_id": ["a", "b"], "monthly_return": [0.1, 0.2]})
    with pytest.raises(DataError, match=message):
        read_returns(frame.assign(**change), "r")
