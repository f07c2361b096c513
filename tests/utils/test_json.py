"""What `jsonable` gives is what strict JSON takes, and reads back as the same."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as hs

from suitably.utils.json import jsonable


class Colour(Enum):
    RED = "red"


class Record:
    def to_dict(self) -> dict[str, Any]:
        return {"n": np.int8(1)}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (np.bool_(False), False),
        (np.int64(2**62), 2**62),
        (np.float32(0.5), 0.5),
        (np.str_("x"), "x"),
        (np.array(3.0), 3.0),
        (float("nan"), None),
        (float("inf"), None),
        (np.float32("-inf"), None),
        (pd.NaT, None),
        (pd.NA, None),
        (np.datetime64("NaT"), None),
        (Decimal("0.10"), "0.10"),
        (Decimal("NaN"), None),
        (date(2024, 1, 2), "2024-01-02"),
        (time(9, 30), "09:30:00"),
        (datetime(2024, 1, 2, tzinfo=UTC), "2024-01-02T00:00:00+00:00"),
        (pd.Timestamp("2024-01-02 03:04:05"), "2024-01-02T03:04:05"),
        (np.datetime64("2024-01-02T03:04:05", "us"), "2024-01-02T03:04:05.000000"),
        (timedelta(minutes=1), 60.0),
        (np.timedelta64(1, "m"), 60.0),
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (PurePosixPath("a/b"), "a/b"),
        (b"ab", "YWI="),
        (Colour.RED, "red"),
        ({10, 9, "x", None}, [None, 9, 10, "x"]),
        (np.arange(2), [0, 1]),
        (pd.Series([1.5, None]), [1.5, None]),
        (pl.Series([1, 2]), [1, 2]),
        (pa.array(["a", None]), ["a", None]),
        (pa.scalar(3), 3),
        (pa.table({"a": [1, None]}), [{"a": 1}, {"a": None}]),
        (MappingProxyType({1: (np.int8(1),), None: 2}), {"1": [1], "null": 2}),
        (Record(), {"n": 1}),
        ([Record()], [{"n": 1}]),
    ],
)
def test_by_hand(value: Any, expected: Any) -> None:
    found = jsonable(value)
    assert found == expected
    assert type(found) is type(expected)
    assert json.loads(json.dumps(found, allow_nan=False)) == expected


@pytest.mark.parametrize("value", [object(), int, lambda: 0, 1j, pd.DataFrame({"a": [1]}),
                                   pl.DataFrame({"a": [1]})])  # fmt: skip
def test_what_has_no_form(value: Any) -> None:
    with pytest.raises(TypeError, match="cannot be written as JSON"):
        jsonable({"x": [value]})


leaves = (
    hs.none() | hs.booleans() | hs.integers() | hs.floats() | hs.text() | hs.decimals()
    | hs.dates() | hs.datetimes() | hs.binary() | hs.frozensets(hs.integers() | hs.text())
)  # fmt: skip
trees = hs.recursive(
    leaves,
    lambda inner: hs.lists(inner) | hs.dictionaries(hs.text() | hs.integers(), inner),
    max_leaves=12,
)


@given(value=trees)
def test_anything_goes_through_strict_json_and_back(value: Any) -> None:
    found = jsonable(value)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert jsonable(found) == found


@given(value=hs.dictionaries(hs.text(), leaves))
def test_nothing_given_is_changed(value: Mapping[str, Any]) -> None:
    before = repr(value)
    jsonable(value)
    assert repr(value) == before
