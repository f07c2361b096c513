"""Cells of columns: numbers as the nearest doubles, exact joins, and columns kept aside."""

import datetime as dt
import math
import uuid
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st_

import suitably as st
from suitably.data.frames import read_frame
from suitably.data.joint import joint
from suitably.data.objects import from_objects
from suitably.data.values import Unreadable, doubles, plain, readable

LARGE = 2**53
LOG = pa.table(
    {
        "user_id": ["u", "w"],
        "product_id": ["p", "q"],
        "timestamp": pa.array([dt.datetime(2024, 1, 1)] * 2),
    }
)
DAY = pa.array([dt.date(2020, 1, 1)])
TIME = pa.array([dt.datetime(2020, 1, 1)])


# --- numbers -------------------------------------------------------------------------------------


@given(st_.lists(st_.integers(-(10**37), 10**37), min_size=1), st_.integers(0, 37))
def test_decimals_are_the_nearest_doubles(digits: list[int], scale: int) -> None:
    values = [Fraction(d, 10**scale) for d in digits]
    pairs = [(d, v) for d, v in zip(digits, values, strict=True)
             if abs(v) <= LARGE or v.denominator > 1]  # fmt: skip
    decimals = [Decimal(d).as_tuple()._replace(exponent=-scale) for d, _ in pairs]
    array = pa.array([*map(Decimal, decimals), None], pa.decimal128(38, scale))
    found = doubles(array, "x")
    assert found[:-1].tolist() == [float(value) for _, value in pairs]
    assert math.isnan(found[-1])


@pytest.mark.parametrize("kind", [pa.int64(), pa.uint64(), pa.decimal128(38, 0),
                                  pa.decimal128(20, 2), pa.decimal256(40, 1)])  # fmt: skip
def test_whole_numbers_that_doubles_may_miss_are_refused(kind: pa.DataType) -> None:
    assert (
        doubles(pa.array([LARGE, None, 1]).cast(pa.decimal128(38, 0)).cast(kind), "x")[0] == LARGE
    )
    wide = pa.array([Decimal(LARGE + 1), Decimal(LARGE + 2), None, Decimal(3)]).cast(
        pa.decimal128(38, 2)
    )
    with pytest.raises(st.DataError, match=rf"x: 2 values .* 2\*\*53, .*{LARGE + 1}"):
        doubles(wide.cast(kind), "x")


def test_a_fraction_beyond_is_the_nearest_double() -> None:
    assert doubles(pa.array([Decimal("9007199254740993.5")]), "x").tolist() == [float(LARGE + 2)]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], pa.int64()),
        ([np.int8(1), 2], pa.int64()),
        ([1, 2.5], pa.float64()),
        ([np.float32(0.5), 1], pa.float64()),
        ([Decimal("0.1"), 0.5, 1], pa.float64()),
        ([Decimal("0.1"), 1], pa.decimal128(2, 1)),
        ([2**63 + 1, 1], pa.uint64()),
        ([2**64 + 1, 1], pa.decimal128(20, 0)),
        ([True, np.bool_(False)], pa.bool_()),
        ([uuid.UUID(int=1)], pa.string()),
        (["a", None], pa.string()),
        ([{1, 2}, [3], (4,), np.array([5])], pa.list_(pa.int64())),
        ([[1.5, math.nan]], pa.list_(pa.float64())),
        ([{"a": 1}, {"b": Decimal(2)}, {}], pa.map_(pa.string(), pa.decimal128(1, 0))),
        ([dt.date(2020, 1, 1), dt.datetime(2020, 1, 1, 3)], pa.timestamp("us")),
        ([np.datetime64("2020-01-01")], pa.date32()),
        ([np.datetime64("2020-01-01T03", "ns"), pd.NaT], pa.timestamp("us")),
        ([None, math.nan, pd.NA, pd.NaT], pa.null()),
    ],
)
def test_python_objects_of_one_type(values: list[Any], kind: pa.DataType) -> None:
    found = from_objects(values)
    assert found.type == kind
    assert found.null_count == sum(v is None or v is pd.NaT or v is pd.NA or v != v
                                   for v in values if not isinstance(v, list))  # fmt: skip


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ([1, "a"], r"values of no common type \(int, str\)"),
        ([1, True], r"values of no common type \(bool, int\)"),
        ([1.5, LARGE + 1], rf"1 values are integers beyond 2\*\*53, .* {LARGE + 1}"),
        ([[1], ["a"]], r"values of no common type \(int, str\)"),
        ([{"a": 1}, {"a": "b"}], r"values of no common type \(int, str\)"),
        ([[1], 2], r"values of no common type \(int, list\)"),
        ([dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 1, tzinfo=dt.UTC)], "have a time zone"),
        ([pd.Timestamp("2020-01-01T00:00:00.000000001")], "finer than a microsecond"),
        ([object()], r"values of no common type \(object\)"),
        (["a", b"b"], r"values of no common type \(bytes, str\)"),
    ],
)
def test_python_objects_without_a_type_are_kept_aside(values: list[Any], problem: str) -> None:
    array = from_objects([*values, None])
    assert isinstance(array.type, Unreadable)
    assert array.is_null().to_pylist() == [False] * len(values) + [True]
    with pytest.raises(st.DataError, match=f"here: .*{problem}"):
        readable(array, "here")
    # An update that nobody reads is kept aside too, with what was there before.
    longer = joint(pa.array([1.0]), array, "here")
    assert longer.type == array.type
    assert longer.to_pylist() == ["1.0", *array.to_pylist()]


# --- columns that nobody reads -------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_a_column_without_a_type_is_refused_where_it_is_read(kind: str, tmp_path: Any) -> None:
    values = {"user_id": ["u", "w"], "x": [2.0, 0.0]}
    users: Any = pd.DataFrame({**values, "junk": [1, "a"]})
    products, log = pd.DataFrame({"product_id": ["p", "q"]}), LOG.to_pandas()
    if kind == "polars":
        junk = pl.Series([1, "a"], dtype=pl.Object)
        users, products, log = (
            pl.DataFrame({**values, "junk": junk}),
            *map(pl.from_pandas, (products, log)),
        )
    data = st.Dataset(users, products, log)
    assert list(data.users["junk"]) == ["1", "a"]
    pipeline = fitted(data, "user.x > 1")
    pipeline.save(tmp_path / "model")
    loaded = st.load(tmp_path / "model").update(
        users=pd.DataFrame({"user_id": ["w"], "x": [3], "junk": [dt.date(2020, 1, 1)]})
    )
    assert loaded.eligibility().mask().all()
    with pytest.raises(st.DataError, match=r"user.junk: values of no common type \(int, str\)"):
        fitted(data, "user.junk > 1")
    appetite = st.profiles.RiskAppetite("junk")
    with pytest.raises(st.DataError, match=r"users.junk: values of no common type \(int, str\)"):
        appetite.fit(data)


def fitted(data: st.Dataset, rule: str) -> st.Pipeline:
    text = f'[policy]\nid = "p"\n[[rules]]\nid = "r"\nrequire = "{rule}"\n'
    return st.Pipeline(policy=st.Policy.from_toml(text), ranker=st.ranking.Popularity()).fit(data)


@pytest.mark.parametrize("column", ["user_id", "timestamp", "value", "event"])
def test_a_column_that_is_read_at_once_is_refused_at_once(column: str) -> None:
    log = LOG.to_pandas().assign(value=1.0, event="buy")
    log[column] = pd.Series([1, "a"], dtype=object)
    with pytest.raises(
        st.DataError, match=rf"interactions.{column}: .*no common type \(int, str\)"
    ):
        st.Dataset(None, None, log)


def test_wide_and_foreign_types_are_read() -> None:
    table, _ = read_frame(duckdb.sql("select 7::HUGEINT as a, uuid() as b, true as c"), "x")
    assert [str(kind) for kind in table.schema.types] == ["decimal128(38, 0)", "string", "bool"]
    wide = pl.DataFrame({"a": pl.Series([1, 2], dtype=pl.Int128)})
    assert read_frame(wide, "x")[0]["a"].to_pylist() == [1, 2]
    ids = pa.array([uuid.UUID(int=5).bytes, None], pa.uuid())
    assert plain(ids).to_pylist() == [str(uuid.UUID(int=5)), None]


# --- joining -------------------------------------------------------------------------------------


def maps(values: list[Any], item: pa.DataType) -> pa.Array:
    return pa.array(values, pa.map_(pa.string(), item))


JOINED = [
    (pa.array([1]), pa.array([5.0]), [1, 5]),
    (pa.array([1]), pa.array([5.0, None]), [1, 5, None]),
    (pa.array([1.5]), pa.array([5]), [1.5, 5.0]),
    (pa.array([1.5]), pa.array([Decimal("0.70")]), [1.5, 0.7]),
    (pa.array([1]), pa.array([Decimal("5.00")]), [1, 5]),
    (pa.array([Decimal("1.5")]), pa.array([Decimal("12.34")]), [Decimal("1.5"), Decimal("12.34")]),
    (pa.array([Decimal("1.5")]), pa.array([123]), [Decimal("1.5"), Decimal("123.0")]),
    (pa.array(["a"]), pa.nulls(1), ["a", None]),
    (pa.nulls(1), pa.array(["a"]), [None, "a"]),
    (TIME, DAY, TIME.to_pylist() * 2),
    (TIME, TIME.cast(pa.timestamp("ns")), TIME.to_pylist() * 2),
    (pa.array([[1], None]), pa.array([[2.0, None]]), [[1], None, [2, None]]),
    (pa.array([[]]), pa.array([["a"]]), [[], ["a"]]),
    (pa.array([["a"]]), pa.array([["b"]], pa.large_list(pa.large_string())), [["a"], ["b"]]),
    (maps([{"a": 1.5}], pa.float64()), maps([{"b": 2}, None], pa.int64()),
     [[("a", 1.5)], [("b", 2.0)], None]),
    (pa.array([{"a": 1.5}]), pa.array([{"a": 2}]), [{"a": 1.5}, {"a": 2.0}]),
]  # fmt: skip


@pytest.mark.parametrize(("held", "new", "right"), JOINED)
def test_what_a_type_holds_exactly_joins_it(held: pa.Array, new: pa.Array, right: Any) -> None:
    assert joint(held, new, "x").to_pylist() == right


TYPES = {
    "integer": pa.array([1]),
    "fraction": pa.array([1.5]),
    "boolean": pa.array([True]),
    "text": pa.array(["1"]),
    "date": DAY,
    "time": TIME,
    "aware": TIME.cast(pa.timestamp("us", "UTC")),
    "numbers": pa.array([[1]]),
    "texts": pa.array([["1"]]),
    "map": maps([{"a": 1}], pa.int64()),
}
ALLOWED = {("fraction", "integer"), ("time", "date")}


@pytest.mark.parametrize("held", TYPES)
@pytest.mark.parametrize("new", TYPES)
def test_no_other_type_becomes_that_of_the_column(held: str, new: str) -> None:
    if held == new or (held, new) in ALLOWED:
        assert joint(TYPES[held], TYPES[new], "x").type == TYPES[held].type
        return
    with pytest.raises(st.DataError, match=r"x: holds .*, but its column"):
        joint(TYPES[held], TYPES[new], "x")


@pytest.mark.parametrize(
    ("held", "new"),
    [
        (pa.array([1], pa.int8()), pa.array([300])),
        (pa.array([1]), pa.array([Decimal("1.01")])),
        (pa.array([Decimal("1.1")]), pa.array([1.15])),
        (pa.array([0.5], pa.float32()), pa.array([0.1])),
        (TIME, pa.array([1], pa.timestamp("ns"))),
        (pa.array([[1]]), pa.array([[1.5]])),
        (maps([{"a": 1}], pa.int64()), maps([{"a": 0.5}], pa.float64())),
        (pa.array([{"a": 1}]), pa.array([{"b": 1}])),
    ],
)
def test_a_value_that_the_type_does_not_hold_is_refused(held: pa.Array, new: pa.Array) -> None:
    with pytest.raises(st.DataError, match=r"x: holds .*, but its column"):
        joint(held, new, "x")


# --- what lists and maps hold, and days of another zone ------------------------------------------

NESTED = {
    "views": (pa.array([["a"], None], pa.list_(pa.string_view())), [["a"], None]),
    "dictionaries": (
        pa.array([["a"]], pa.list_(pa.dictionary(pa.int32(), pa.string()))),
        [["a"]],
    ),
    "list views": (pa.array([[3.0], None], pa.list_view(pa.float64())), [[3.0], None]),
    "NaN": (pa.array([[float("nan"), 1.0]]), [[None, 1.0]]),
    "maps": (
        pa.array([[("a", 1.5)], None], pa.map_(pa.large_string(), pa.float32())),
        [[("a", 1.5)], None],
    ),
    "runs": (
        pa.RunEndEncodedArray.from_arrays(pa.array([2], pa.int32()), pa.array([1.5])),
        [1.5, 1.5],
    ),
}


@pytest.mark.parametrize(("array", "right"), NESTED.values(), ids=NESTED)
def test_what_columns_hold_is_decoded(array: pa.Array, right: list[Any]) -> None:
    found = plain(array)
    found.validate(full=True)
    assert found.to_pylist() == right
    assert plain(array[1:]).to_pylist() == right[1:]


def test_a_period_is_no_number() -> None:
    frame = pd.DataFrame({"user_id": ["u"], "x": pd.period_range("2023-01", periods=1, freq="M")})
    policy = st.Policy.from_toml('[policy]\nid="p"\n[[rules]]\nid="r"\nrequire="user.x > 1"\n')
    with pytest.raises(st.DataError, match=r"user\.x: a column of pandas periods"):
        policy.evaluate(frame, pa.table({"product_id": ["p"]}), "2024-01-01")


def test_a_day_of_another_zone_does_not_become_one_of_the_column() -> None:
    born = pa.array([dt.datetime(2006, 1, 1, 16), None])
    held = born.cast(pa.timestamp("us", "UTC"))
    other = born.cast(pa.timestamp("us", "Asia/Shanghai"))
    with pytest.raises(st.DataError, match=r"b: holds times in Asia/Shanghai.* convert them"):
        joint(held, other, "b")
    same = joint(held, born.cast(pa.timestamp("us", "Etc/UTC")), "b")
    assert same.to_pylist() == held.to_pylist() * 2


def test_an_update_whose_column_became_mixed_is_kept_aside_where_nobody_reads_it() -> None:
    policy = st.Policy.from_toml('[policy]\nid="p"\n[[rules]]\nid="r"\nrequire="user.x > 1"\n')
    users = pd.DataFrame({"user_id": ["u", "w"], "x": [1.0, 2.0], "y": [1.0, 2.0]})
    log = pd.DataFrame({"user_id": ["u"], "product_id": ["p"]})
    pipeline = st.Pipeline(policy=policy, ranker=st.ranking.Popularity())
    pipeline.fit(st.Dataset(users, None, log))
    mixed = pd.Series([1, "a"], dtype=object)
    pipeline.update(users=users.assign(x=[3.0, 0.0], y=mixed))
    assert pipeline.eligibility().mask().tolist() == [[True], [False]]
    with pytest.raises(st.DataError, match=r"user\.x: values of no common type"):
        pipeline.update(users=users.assign(x=mixed))
    assert pipeline.eligibility().mask().tolist() == [[True], [False]]


def test_lists_of_pairs_are_maps() -> None:
    """So Arrow shows maps in pandas, and what was written is read again."""
    kind = pa.map_(pa.string(), pa.float64())
    maps = pa.array([[("a", 1.0), ("b", 2.0)], None, [], [("b", None)]], kind)
    frame = pa.table({"shares": maps}).to_pandas()
    assert read_frame(frame, "users")[0]["shares"].combine_chunks().equals(maps)
    others = ([("a", 1), ("a", 2)], [("a", 1), ("b",)], [(1, 2)], [["a", 1]])
    for other in others:
        assert not pa.types.is_map(from_objects([other]).type), other
