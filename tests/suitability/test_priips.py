"""The summary risk indicator against the regulation's tables."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from suitably.suitability.priips import priips_sri

# As printed: a row per credit risk measure, a column per market risk measure 1 to 7.
PRINTED = {
    1: (1, 2, 3, 4, 5, 6, 7),
    2: (1, 2, 3, 4, 5, 6, 7),
    3: (3, 3, 3, 4, 5, 6, 7),
    4: (5, 5, 5, 5, 5, 6, 7),
    5: (5, 5, 5, 5, 5, 6, 7),
    6: (6, 6, 6, 6, 6, 6, 7),
}
MIDDLE = (0.001, 0.02, 0.10, 0.15, 0.25, 0.50, 0.90)


@pytest.mark.parametrize("credit", PRINTED)
def test_every_cell(credit: int) -> None:
    for volatility, sri in zip(MIDDLE, PRINTED[credit], strict=True):
        assert priips_sri(volatility, credit) == sri
    assert priips_sri(np.array(MIDDLE), credit).tolist() == list(PRINTED[credit])


@pytest.mark.parametrize(
    ("bound", "market"), [(0.005, 2), (0.05, 3), (0.12, 4), (0.20, 5), (0.30, 6), (0.80, 7)]
)
def test_lower_bounds_are_inclusive(bound: float, market: int) -> None:
    assert priips_sri(bound, 1) == market
    assert priips_sri(np.nextafter(bound, 0), 1) == market - 1


def test_zero_volatility_and_more_than_one() -> None:
    assert priips_sri(0, 1) == 1
    assert priips_sri(-0.0, 1) == 1
    assert priips_sri(3.5, 6) == 7


def test_numbers_give_an_int() -> None:
    for vev, credit in [(0.12, 1), (np.float32(0.125), np.int8(1)), (0.12, 1.0)]:
        found = priips_sri(vev, credit)
        assert found == 4
        assert type(found) is int


def test_arrays_give_an_array() -> None:
    found = priips_sri(np.array(MIDDLE), np.array([3] * 7))
    assert found.dtype == np.int64
    assert found.tolist() == list(PRINTED[3])
    table = priips_sri(np.array(MIDDLE)[None, :], np.arange(1, 7)[:, None])
    assert table.tolist() == [list(row) for row in PRINTED.values()]
    assert priips_sri([], 1).tolist() == []


@pytest.mark.parametrize("missing", [None, float("nan"), np.nan, pd.NA])
def test_missing_is_missing(missing: Any) -> None:
    assert priips_sri(missing, 1) is None
    assert priips_sri(0.12, missing) is None
    found = priips_sri([0.12, missing], [1, 2])
    assert found.dtype == np.float64
    assert found[0] == 4
    assert np.isnan(found[1])
    assert np.isnan(priips_sri([0.12, 0.12], [1, missing])).tolist() == [False, True]


def test_a_pandas_column() -> None:
    vev = pd.Series([0.12, pd.NA, 0.02], dtype="Float64", index=[7, 8, 9])
    assert priips_sri(vev, 4)[[0, 2]].tolist() == [5, 5]


@pytest.mark.parametrize(
    ("vev", "credit", "says"),
    [
        (-0.01, 1, "vev=-0.01"),
        (float("inf"), 1, "vev=inf"),
        (float("-inf"), 1, "vev=-inf"),
        (0.1, 0, "credit_class=0"),
        (0.1, 7, "credit_class=7"),
        (0.1, -1, "credit_class=-1"),
        (0.1, 2.5, "credit_class=2.5"),
        (0.1, float("inf"), "credit_class=inf"),
        ([0.1, -0.2, None], 1, "vev=-0.2"),
        (0.1, [1, 2, 9], "credit_class=9"),
        ("0.1", 1, "vev="),
        (0.1, "1", "credit_class="),
        (True, 1, "vev="),
        (0.1, True, "credit_class="),
        ([None, "x"], 1, "vev="),
        ([0.1, 0.2], [1, 2, 3], "shape"),
    ],
)
def test_what_is_refused(vev: Any, credit: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        priips_sri(vev, credit)
