"""Columns of fields: numbers, groups and amounts by group, against plain loops."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suitably.data.field_columns import amounts_by_group, group_codes, numbers_of
from suitably.errors import DataError

MAPS = pa.map_(pa.string(), pa.float64())
KEYS = ["a", "b", "c", "z"]


@given(
    st.lists(
        st.none()
        | st.dictionaries(
            st.sampled_from(KEYS), st.none() | st.floats(-1, 1e9, width=32), max_size=4
        )
    )
)
def test_amounts_against_a_loop(rows):
    groups = ["b", "a", "nobody has it"]
    array = pa.array([None if row is None else list(row.items()) for row in rows], MAPS)
    found = amounts_by_group(array, groups, "users.exposure")
    assert found.known.tolist() == [row is not None for row in rows]
    maps = [{key: amount or 0.0 for key, amount in (row or {}).items()} for row in rows]
    assert found.by_group.tolist() == [[row.get(group, 0.0) for group in groups] for row in maps]
    assert found.totals.tolist() == pytest.approx([math.fsum(row.values()) for row in maps])
    assert found.bad == sum(amount < 0 for row in maps for amount in row.values())


def test_infinite_amounts():
    with pytest.raises(DataError, match=r"users\.exposure: 1 values are infinite"):
        amounts_by_group(pa.array([[("a", math.inf)]], MAPS), ["a"], "users.exposure")


@pytest.mark.parametrize(
    "array",
    [
        pa.array(["a"]),
        pa.array([1.0]),
        pa.array([[1.0]]),
        pa.array([[("a", "text")]], pa.map_(pa.string(), pa.string())),
        pa.array([[("a", 0)]], pa.map_(pa.string(), pa.date32())),
    ],
    ids=lambda array: str(array.type),
)
def test_no_maps_to_numbers(array):
    assert amounts_by_group(array, ["a"], "users.exposure") is None


@pytest.mark.parametrize("array", [pa.nulls(2), pa.nulls(2, MAPS), pa.nulls(2, pa.string())])
def test_nothing_but_nulls(array):
    found = amounts_by_group(array, ["a"], "users.exposure")
    assert not found.known.any()
    assert not found.by_group.any()
    assert found.by_group.shape == (2, 1)


@given(st.lists(st.none() | st.sampled_from(["fund", "bond", ""])))
def test_groups_are_those_of_the_rows(rows):
    codes, groups = group_codes(pa.array(rows, pa.string()))
    assert [None if code < 0 else groups[code] for code in codes] == rows
    assert groups == list(dict.fromkeys(row for row in rows if row is not None))


def test_what_makes_no_groups():
    assert group_codes(pa.array([[1], [2]])) is None


def test_numbers():
    assert numbers_of(pa.array([True]), "users.x") is None
    assert np.isnan(numbers_of(pa.nulls(3), "users.x")).all()
    assert numbers_of(pa.array([1, 2], pa.int8()), "users.x").tolist() == [1.0, 2.0]
