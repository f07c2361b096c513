"""Encoders: by hand, and on any column there may be."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import suitably
from suitably.data import Clock
from suitably.errors import DataError
from suitably.ranking.hybrid.encoding import Encoder, Encoding
from suitably.ranking.hybrid.feature_columns import Column, Now

NOW = Now(np.datetime64("2024-03-01T12:00:00", "us"), Clock())


def encoded(
    values: Any, kind: pa.DataType | None = None, then: Any = None, now: Any = NOW
) -> list[list[float]]:
    """Learn from all rows of a column; encode them, or other ones."""
    array = pa.array(values, kind)
    encoder = Encoder.learn("x", Column.read("x", array, now), np.ones(len(array), bool))
    after = array if then is None else pa.array(then, kind)
    return encoder.encode(Column.read("x", after, now)).toarray().tolist()


def test_text_has_a_column_per_category_then_others_then_missing() -> None:
    rows = encoded(["b", "a", "b", "a", "rare", None], then=["a", "b", "rare", "never", "", None])
    a, b, other, missing = [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]
    assert rows == [a, b, other, other, other, missing]


def test_booleans_are_two_categories() -> None:
    rows = encoded([True, True, False, False, None])
    assert rows == [[0, 1, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]]


def test_numbers_fall_into_bins_of_like_counts() -> None:
    numbers = list(range(100))
    rows = np.array(encoded(numbers))
    assert rows.shape == (100, 11)
    assert rows.sum(axis=0)[:-1].tolist() == [10.0] * 10
    assert np.array_equal(rows.argmax(axis=1), np.arange(100) // 10)


def test_numbers_beyond_those_learned_from_are_in_the_outermost_bins() -> None:
    rows = np.array(encoded(list(range(100)), pa.float64(), then=[-1e300, 1e300, None]))
    assert rows.argmax(axis=1).tolist() == [0, 9, 10]


def test_a_number_that_fills_bins_has_one_of_its_own() -> None:
    rows = np.array(encoded([0.0] * 95 + [1.0, 2.0, 3.0, 4.0, 5.0], then=[0.0, 0.5, 1.0, 5.0]))
    assert rows.argmax(axis=1).tolist() == [0, 0, 1, 1]
    assert encoded([7.0] * 4) == [[1, 0]] * 4


def test_numbers_of_every_width_and_decimals() -> None:
    for kind in (pa.int8(), pa.uint64(), pa.float32(), pa.decimal128(5, 2)):
        values = [Decimal(1), Decimal(2)] if pa.types.is_decimal(kind) else [1, 2]
        assert encoded(values, kind) == [[1, 0, 0], [0, 1, 0]]


def test_dates_are_days_before_now() -> None:
    days = [date(2024, 2, 28), date(2024, 3, 1), date(2024, 3, 5), None]
    column = Column.read("x", pa.array(days), NOW)
    assert column.numbers.tolist() == [2, 0, -4]
    assert column.known.tolist() == [True, True, True, False]
    moments = pa.array([datetime(2024, 3, 1, 13), datetime(2024, 2, 29, 13)], pa.timestamp("ms"))
    assert Column.read("x", moments, NOW).numbers.tolist() == [-1, 0]


def test_instants_have_one_age_in_every_time_zone_and_days_that_of_the_data() -> None:
    now = Now(np.datetime64("2024-03-01T12:00:00", "us"), Clock("Asia/Shanghai"))
    for zone in ("Asia/Shanghai", "UTC"):
        late = pa.array([datetime(2024, 2, 29, 11), datetime(2024, 2, 29, 13)])
        late = late.cast(pa.timestamp("us")).view(pa.timestamp("us", zone))
        assert Column.read("x", late, now).numbers.tolist() == [1, 0]
    days = pa.array([date(2024, 3, 1), date(2024, 3, 2)])  # it is 20:00 in Shanghai
    assert Column.read("x", days, now).numbers.tolist() == [0, -1]
    unstated = now._replace(clock=Clock("UTC", stated=False))
    with pytest.raises(DataError, match="time_zone="):
        Column.read("x", days, unstated)
    with pytest.raises(DataError, match="has no time zone, but the data has one"):
        Column.read("x", pa.array([datetime(2024, 3, 1)]), now)


def test_lists_share_a_weight_of_one_among_distinct_elements() -> None:
    rows = encoded([["a", "b"], ["b", "b", None, "a"], ["a"], [], None])
    assert rows == [[0.5, 0.5, 0, 0]] * 2 + [[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]]


def test_unseen_elements_of_a_list_share_a_column() -> None:
    rows = encoded([["a"], ["a"]], then=[["a", "x", "y", "z"]])
    assert rows == [[0.25, 0.75, 0]]


def test_lists_of_integers_and_of_fixed_length() -> None:
    assert encoded([[1, 2], [1, 2]], pa.list_(pa.int64(), 2)) == [[0.5, 0.5, 0, 0]] * 2


def test_maps_have_shares() -> None:
    kind = pa.map_(pa.string(), pa.float64())
    rows = encoded([{"a": 3.0, "b": 1.0}, {"a": -1.0, "b": 1.0}, {"a": 0.0}, {}, None], kind)
    assert rows == [[0.75, 0.25, 0, 0], [-0.5, 0.5, 0, 0]] + [[0] * 4] * 2 + [[0, 0, 0, 1]]


def test_huge_values_of_a_map_keep_their_shares() -> None:
    kind = pa.map_(pa.string(), pa.float64())
    assert encoded([{"a": 1e308, "b": 1e308}] * 2, kind) == [[0.5, 0.5, 0, 0]] * 2


def test_structs_are_maps() -> None:
    rows = encoded([{"a": 3, "b": 1}, {"a": 1, "b": None}, None])
    assert rows == [[0.75, 0.25, 0], [1, 0, 0], [0, 0, 1]]


def test_null_rows_that_still_own_elements() -> None:
    array = pa.ListArray.from_arrays(
        pa.array([0, 2, 3]), pa.array(["a", "b", "c"]), mask=pa.array([True, False])
    )
    column = Column.read("x", array, NOW)
    assert (column.rows.tolist(), column.keys.to_pylist()) == ([1], ["c"])


def test_a_column_of_nulls_says_nothing_then_or_later() -> None:
    assert encoded([None, None], pa.float64()) == [[1], [1]]
    encoder = Encoder.learn("x", Column.read("x", pa.nulls(2), NOW), np.ones(2, bool))
    later = Column.read("x", pa.array(["now", "text"]), NOW)
    assert encoder.encode(later).toarray().tolist() == [[0], [0]]


def test_learned_from_some_rows_only() -> None:
    column = Column.read("x", pa.array(["a", "a", "b", "b"]), NOW)
    encoder = Encoder.learn("x", column, np.array([True, True, False, False]))
    assert encoder.keys == ("a",)


def test_no_more_than_a_hundred_categories() -> None:
    values = [f"k{i:03}" for i in range(150) for _ in range(2)] + ["k149"]
    column = Column.read("x", pa.array(values), NOW)
    keys = Encoder.learn("x", column, np.ones(len(values), bool)).keys
    assert len(keys) == 100
    assert keys[0] == "k000"
    assert keys[-1] == "k149"  # the most frequent


@pytest.mark.parametrize(
    ("then", "now"), [([1, 2], "number"), ([["a"]], "list"), ([True], "boolean")]
)
def test_another_kind_of_value_is_refused(then: list[Any], now: str) -> None:
    encoding = Encoding.learn("user", ["x"], pa.table({"x": ["a", "b"]}), NOW, np.ones(2, bool))
    with pytest.raises(suitably.DataError, match=rf"user_features: x: held text .* {now} now"):
        encoding.encode(pa.table({"x": then}), NOW)


def test_what_cannot_be_a_feature() -> None:
    for array in (
        pa.array([b"x"]), pa.array([["a", ["b"]]][:0], pa.list_(pa.list_(pa.string()))),
        pa.array([[1.5]]), pa.array([1], pa.time32("s")), pa.array([{"a": "text"}]),
    ):  # fmt: skip
        with pytest.raises(suitably.DataError, match=r"x: a column of .* cannot be a feature"):
            Column.read("x", array, NOW)
    with pytest.raises(suitably.DataError, match="x: 1 of 2 numbers are infinite"):
        Column.read("x", pa.array([1.0, np.inf]), NOW)
    with pytest.raises(suitably.DataError, match="x: 1 of 1 numbers are infinite"):
        Column.read("x", pa.array([{"a": np.inf}]), NOW)
    with pytest.raises(suitably.DataError, match="x: the data has no timestamps"):
        Column.read("x", pa.array([date(2024, 1, 1)]), None)


def test_a_name_that_is_not_there() -> None:
    fields = pa.table({"income": [1.0], "age_band": ["a"]})
    with pytest.raises(suitably.DataError, match=r"users have no field 'incom'; did you mean inc"):
        Encoding.learn("user", ["incom"], fields, NOW, np.ones(1, bool))
    with pytest.raises(suitably.DataError, match=r"no field 'x'; there are none"):
        Encoding.learn("user", ["x"], fields.select([]), NOW, np.ones(1, bool))


def test_fields_stand_side_by_side() -> None:
    fields = pa.table({"a": ["x", "x"], "b": [1.0, None], "c": pa.nulls(2)})
    encoding = Encoding.learn("product", ["b", "a", "c"], fields, NOW, np.ones(2, bool))
    assert encoding.encode(fields, NOW).toarray().tolist() == [
        [1, 0, 1, 0, 0, 1],
        [0, 1, 1, 0, 0, 1],
    ]
    assert encoding.telling.tolist() == [True, False, True, True, False, False]
    nothing = Encoding.learn("product", [], fields, NOW, np.ones(2, bool))
    assert (nothing.encode(fields, NOW).shape, nothing.telling.shape) == ((2, 0), (0,))


def test_a_state_that_is_no_encoders() -> None:
    good = Encoder("x", "number", edges=(1.0, 2.0)).state()
    assert Encoder.from_state(good) == Encoder("x", "number", edges=(1.0, 2.0))
    for bad in ({"kind": "clock"}, {"edges": [2.0, 1.0]}, {"keys": ["b", "a"]}, {"keys": [1]}):
        with pytest.raises(ValueError, match="does not fit itself"):
            Encoder.from_state({**good, **bad})


texts = st.sampled_from(["a", "b", "c", "", "Ω"])
moments = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1))
numbers = st.floats(allow_nan=True, allow_infinity=False, width=64)
COLUMNS = {
    pa.string(): texts,
    pa.large_string(): texts,
    pa.dictionary(pa.int32(), pa.string()): texts,
    pa.bool_(): st.booleans(),
    pa.int64(): st.integers(-(2**53), 2**53),
    pa.float64(): numbers,
    pa.date32(): st.dates(date(1900, 1, 1), date(2100, 1, 1)),
    pa.timestamp("ns"): moments,
    pa.list_(pa.string()): st.lists(st.none() | texts, max_size=4),
    pa.large_list(pa.int64()): st.lists(st.integers(0, 3), max_size=4),
    pa.map_(pa.string(), pa.float64()): st.dictionaries(texts, numbers, max_size=4),
    pa.struct([("a", pa.float64()), ("b", pa.int64())]): st.fixed_dictionaries(
        {"a": numbers, "b": st.none() | st.integers(0, 3)}
    ),
    pa.null(): st.none(),
}


@given(st.sampled_from(list(COLUMNS)).flatmap(
    lambda kind: st.tuples(
        st.just(kind),
        st.lists(st.none() | COLUMNS[kind], min_size=1, max_size=12),
        st.lists(st.none() | COLUMNS[kind], max_size=12),
        st.randoms(use_true_random=False),
    )
))  # fmt: skip
def test_any_column(case: Any) -> None:
    """Rows weigh 1 or nothing, missing is missing, order and neighbours do not matter."""
    kind, learned, values, rng = case
    fields = pa.table({"x": pa.array(learned, kind)})
    rows = np.array([rng.random() < 0.7 for _ in learned])
    encoding = Encoding.learn("user", ["x"], fields, NOW, rows)
    after = pa.table({"x": pa.array(values, kind)})
    found = encoding.encode(after, NOW)
    assert found.shape == (len(values), encoding.width)
    assert found.dtype == np.float32
    dense = found.toarray()
    assert np.isfinite(dense).all()
    weight = abs(dense).sum(axis=1)
    assert (weight <= 1 + 1e-6).all()
    nan = isinstance(kind, pa.DataType) and pa.types.is_floating(kind)
    for row, value in zip(dense, values, strict=True):
        missing = value is None or (nan and np.isnan(value))
        assert (row[-1] == 1) == missing
        if missing:
            assert row[:-1].sum() == 0
        elif encoding.telling.any() and not isinstance(value, list | dict):
            assert row.sum() == 1
    order = list(range(len(values)))
    rng.shuffle(order)
    again = encoding.encode(after.take(pa.array(order, pa.int64())), NOW).toarray()
    assert np.array_equal(again, dense[order])
    one = [encoding.encode(after.slice(i, 1), NOW).toarray()[0] for i in range(len(values))]
    assert np.array_equal(np.array(one).reshape(dense.shape), dense)
    revived = Encoding("user", tuple(Encoder.from_state(e.state()) for e in encoding.encoders))
    assert revived == encoding
