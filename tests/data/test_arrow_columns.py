"""Lists and maps of Arrow, in every shape that frames hand in."""

import pyarrow as pa
import pytest

from suitably.data.arrow_columns import (
    Elements,
    MapEntries,
    distinct_lists,
    element_kind,
    is_list,
    is_map,
    plain_lists,
)

PAIRS = [[("a", 1.0), ("b", None)], None, [], [("c", 3.0)]]


@pytest.mark.parametrize(
    "array",
    [
        pa.array(PAIRS, pa.map_(pa.string(), pa.float64())),
        pa.array(
            [None if row is None else [{"k": k, "v": v} for k, v in row] for row in PAIRS],
            pa.list_(pa.struct([("k", pa.string()), ("v", pa.float64())])),
        ),
    ],
    ids=["map", "pairs"],
)
def test_maps_are_offsets_keys_and_numbers(array: pa.Array) -> None:
    for one, rows in ((array, PAIRS), (array.slice(1), PAIRS[1:])):
        assert is_map(one.type)
        read = MapEntries.read(one, "x")
        assert read is not None
        bounds = list(zip(read.offsets[:-1], read.offsets[1:], strict=True))
        found = [
            list(zip(read.keys[a:b].to_pylist(), read.items[a:b].to_pylist(), strict=True))
            for a, b in bounds
        ]
        assert found == [list(row or []) for row in rows]


def test_a_struct_has_every_key_in_every_row() -> None:
    array = pa.array([{"a": 1.0}, None, {"b": 3}])
    for one, rows in ((array, [0, 2, 2, 4]), (array.slice(1), [0, 0, 2])):
        read = MapEntries.read(one, "x")
        assert read is not None
        assert read.offsets.tolist() == rows
        assert read.keys.to_pylist() == ["a", "b"] * (rows[-1] // 2)
        assert read.items.to_pylist() == [1.0, None, None, 3.0][-rows[-1] :]
    dates = pa.array([{"a": None, "b": 2}], pa.struct([("a", pa.date32()), ("b", pa.date32())]))
    read = MapEntries.read(dates, "x")
    assert read is not None
    assert read.holds_dates
    mixed = pa.struct([("a", pa.date32()), ("b", pa.float64())])
    assert MapEntries.read(pa.array([{"a": None, "b": 2.0}], mixed), "x") is None


def test_maps_of_other_types_are_not_read() -> None:
    for kind in (pa.map_(pa.int64(), pa.float64()), pa.map_(pa.string(), pa.string())):
        assert MapEntries.read(pa.array([[]], kind), "x") is None
    assert MapEntries.read(pa.array([{"a": "text"}]), "x") is None


def test_lists_are_numbered_sets() -> None:
    coded = pa.array([["x", "y"], ["y", "x", "x"], None, [None]])
    shut = coded.cast(pa.list_(pa.dictionary(pa.int32(), pa.string())))
    for array in (coded, plain_lists(shut)):
        assert is_list(array.type)
        codes, sets = distinct_lists(array, "text", "x")
        assert codes.tolist() == [0, 1, 0, 2]
        assert sets == (frozenset({"x", "y"}), Elements("yxx"), frozenset({None}))
        assert [one.size for one in sets] == [2, 3, 1]
    fixed = plain_lists(pa.array([[1, 2], [2, 1]], pa.list_(pa.int64(), 2)))
    assert element_kind(fixed.type.value_type) == "number"
    assert distinct_lists(fixed, "number", "x")[1] == (frozenset({1.0, 2.0}),)
    numbers = pa.array([[1.0, float("nan")]])
    assert distinct_lists(numbers, "number", "x")[1] == (frozenset({1.0, None}),)
