"""Lists and maps in rules: what they hold, how much, and what stands for what is not there."""

from datetime import date, datetime
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import suitably as st
from support.one_pair import HEAD, evaluate, rule, verdict

PAST, NOW = date(2022, 3, 1), datetime(2024, 3, 1)


@pytest.mark.parametrize(
    ("require", "right"),
    [
        ("lookup(user.map, product.key, 0) == 0.25", "pass"),
        ("lookup(user.map, 'absent', 0) == 0", "pass"),
        ("lookup(user.map, 'absent') == 0", "unknown"),
        ("lookup(user.map, 'hole', 0) == 0", "unknown"),
        ("lookup(user.map, 'absent', user.no_number) == 0", "unknown"),
        ("lookup(user.map, 'absent', product.n) == 10", "pass"),
        ("lookup(user.map, user.u, 0) == 0", "unknown"),
        ("disjoint(user.tags, product.market)", "fail"),
        ("disjoint(user.none, product.market)", "pass"),
        ("disjoint(product.market, user.none)", "pass"),
        ("disjoint(user.holes, product.market)", "fail"),
        ("not disjoint(user.holes, user.none)", "fail"),
        ("min(user.numbers) == 1", "pass"),
        ("max(user.numbers) == 2.5", "pass"),
        ("count(user.numbers) == 2", "pass"),
        ("count(user.none) == 0", "pass"),
        ("count(user.holes) == 2", "pass"),
        ("as_of - hours(24) == as_of - days(1)", "pass"),
        ("hours(1.5) > hours(1)", "unknown"),
        ("hours(24 * 7320000) == days(7320000)", "pass"),
        ("hours(24 * 7320000 + 1) > days(0)", "unknown"),
    ],
)
def test_one_pair(require: str, right: str) -> None:
    assert verdict(require) == right


@pytest.mark.parametrize(
    ("numbers", "least", "count"),
    [([], "unknown", 0), ([None], "unknown", 1), ([2.0, None], "unknown", 2),
     ([2.0, 2.0], "pass", 2), ([3.0, 2.0, 2.0], "pass", 3)],
)  # fmt: skip
def test_least_and_count_of_a_list(numbers: list[float | None], least: str, count: int) -> None:
    user = {"numbers": pa.array([numbers], pa.list_(pa.float64()))}
    users = pa.table({"user_id": ["u"], **user})
    text = HEAD.replace('"user.', '#"user.') + rule("min(user.numbers) == 2", "least")
    text += rule(f"count(user.numbers) == {count}", "count")
    found = evaluate(text, users)
    assert [one.verdict for one in found.verdicts("u", "p")] == [least, "pass"]
    row = {"user_id": "u", "numbers": numbers}
    assert found.judge(row).tolist() == found.mask()[0].tolist()


LISTS = """
[policy]
id = "p"
[scales]
investor = ["C1", "C2", "C3"]
[fields]
"user.levels" = "investor"
"product.level" = "investor"
[[rules]]
id = "most-prudent"
require = "rank(product.level) <= rank(min(user.levels))"
[[rules]]
id = "one-has-it"
require = "product.level in user.levels and contains(user.levels, 'C2')"
"""


def test_a_list_of_levels() -> None:
    users = pd.DataFrame({"user_id": ["a", "b", "c"], "levels": [["C2", "C3"], ["C1", "C2"], None]})
    products = pd.DataFrame({"product_id": ["x", "y"], "level": ["C1", "C2"]})
    found = st.Policy.from_toml(LISTS).evaluate(users, products, "2026-01-01")
    said = [[[v.verdict for v in found.verdicts(u, p)] for p in "xy"] for u in "abc"]
    assert said[0] == [["pass", "fail"], ["pass", "pass"]]
    assert said[1] == [["pass", "pass"], ["fail", "pass"]]
    assert said[2] == [["unknown", "unknown"]] * 2
    assert found.mask().tolist() == [[False, True], [True, False], [False, False]]
    judged = [found.judge({"levels": levels}).tolist() for levels in users["levels"]]
    assert judged == found.mask().tolist()
    wrong = users.assign(levels=[["C2"], ["C9", None], None])
    with pytest.raises(st.DataError, match=r"user\.levels: 1 values are off the scale .*'C9'"):
        st.Policy.from_toml(LISTS).evaluate(wrong, products, "2026-01-01")


TESTED = """
[policy]
id = "p"
[[rules]]
id = "tested"
require = "lookup(user.tested_at, product.topic) + years(2) > as_of"
[[rules]]
id = "since"
require = "lookup(user.tested_at, product.topic, as_of) <= as_of"
"""


def _tests(kind: str) -> Any:
    rows = [{"futures": PAST, "trusts": date(2023, 1, 1)}, {"futures": date(2022, 3, 2)}, None]
    pairs = [None if row is None else list(row.items()) for row in rows]
    held = pa.table({"user_id": ["a", "b", "c"],
                     "tested_at": pa.array(pairs, pa.map_(pa.string(), pa.date32()))})  # fmt: skip
    if kind == "arrow":
        return held
    if kind == "pandas":
        return pd.DataFrame({"user_id": ["a", "b", "c"], "tested_at": rows})
    structs = [None if row is None else [{"k": k, "v": v} for k, v in row] for row in pairs]
    return pl.DataFrame({"user_id": ["a", "b", "c"], "tested_at": structs})


@pytest.mark.parametrize("kind", ["arrow", "pandas", "polars"])
def test_maps_to_dates(kind: str) -> None:
    products = pd.DataFrame({"product_id": ["f", "t", "o"], "topic": ["futures", "trusts", "none"]})
    found = st.Policy.from_toml(TESTED).evaluate(_tests(kind), products, NOW)
    said = [[[v.verdict for v in found.verdicts(u, p)] for p in "fto"] for u in "abc"]
    assert said[0] == [["fail", "pass"], ["pass", "pass"], ["unknown", "pass"]]
    assert said[1] == [["pass", "pass"], ["unknown", "pass"], ["unknown", "pass"]]
    assert said[2] == [["unknown", "unknown"]] * 3
    row = {"tested_at": {"futures": date(2022, 3, 2)}}
    assert found.judge(row).tolist() == found.mask()[1].tolist()


def test_a_map_holds_one_type() -> None:
    products = pd.DataFrame({"product_id": ["f"], "topic": ["futures"]})
    users = pd.DataFrame({"user_id": ["a", "b"], "tested_at": [{"futures": PAST}, {"futures": 3}]})
    with pytest.raises(st.DataError, match=r"user\.tested_at"):
        st.Policy.from_toml(TESTED).evaluate(users, products, NOW)


@pytest.mark.parametrize("maps", [[None, None], [{}, {}], [{}, None], [{"a": None}, {}]])
@pytest.mark.parametrize("require", ["lookup(user.m, 'a') < as_of", "lookup(user.m, 'a') < 3"])
def test_a_map_in_which_nothing_is_holds_whatever_is_wanted(maps: list[Any], require: str) -> None:
    policy = st.Policy.from_toml(f'[policy]\nid = "p"\n[[rules]]\nid = "r"\nrequire = "{require}"')
    users = pd.DataFrame({"user_id": [1, 2], "m": maps})
    found = policy.evaluate(users, pd.DataFrame({"product_id": [1]}), "2024-01-01")
    assert [found.verdicts(user, 1)[0].verdict for user in (1, 2)] == ["unknown", "unknown"]
    with pytest.raises(st.DataError, match="no values to tell its type by"):
        found.judge({"m": {"a": 2}}, "2024-01-01")


@pytest.mark.parametrize("held", [PAST, 3.0])
def test_an_empty_map_of_one_user_goes_with_dates_and_numbers(held: Any) -> None:
    wanted = "as_of" if held == PAST else "9"
    require = f"lookup(user.m, 'a') < {wanted}"
    policy = st.Policy.from_toml(f'[policy]\nid = "p"\n[[rules]]\nid = "r"\nrequire = "{require}"')
    users = pd.DataFrame({"user_id": [1, 2], "m": [{"a": held}, {}]})
    found = policy.evaluate(users, pd.DataFrame({"product_id": [1]}), NOW)
    assert found.mask()[:, 0].tolist() == [True, False]
    for row, eligible in (({"m": {"a": held}}, True), ({"m": {}}, False), ({"m": None}, False)):
        assert found.judge(row, NOW).tolist() == [eligible]


OLD, LATE, LAST = date(2020, 1, 1), date(2021, 5, 1), date(2023, 1, 1)
DATED = [[OLD, LATE], [LAST], [], None, [None, OLD], [LATE, OLD, OLD]]
MOMENTS = {
    "min(user.at) < product.at": ["pass", "fail", *["unknown"] * 3, "pass"],
    "max(user.at) + years(3) > as_of": ["pass", "pass", *["unknown"] * 3, "pass"],
    "max(user.at) - min(user.at) > days(300)": ["pass", "fail", *["unknown"] * 3, "pass"],
    "age(min(user.at)) == 4": ["pass", "fail", *["unknown"] * 3, "pass"],
    "count(user.at) == 2": ["pass", "fail", "fail", "unknown", "pass", "fail"],
    "product.at in user.at": ["pass", "fail", "fail", "unknown", "unknown", "pass"],
    "disjoint(user.at, product.days)": ["fail", "fail", "pass", "unknown", "unknown", "fail"],
    "subset(user.at, product.days)": ["fail", "pass", "pass", "unknown", "fail", "fail"],
}


def dated_rule(require: str) -> st.Policy:
    return st.Policy.from_toml(f'[policy]\nid = "p"\n[[rules]]\nid = "r"\nrequire = "{require}"\n')


@pytest.mark.parametrize("require", MOMENTS)
@pytest.mark.parametrize(
    "kind", [pa.date32(), pa.timestamp("us"), pa.timestamp("ns", "Asia/Tokyo")]
)
def test_lists_of_dates(require: str, kind: pa.DataType) -> None:
    def column(values: Any, of: pa.DataType) -> pa.Array:
        naive = pa.array(values, pa.list_(pa.date32()) if of != kind else pa.date32())
        wall = naive.cast(of if getattr(kind, "tz", None) is None else _naive(of))
        return wall if getattr(kind, "tz", None) is None else _in_zone(wall, of)

    users = pa.table({"user_id": [*"abcdef"], "at": column(DATED, pa.list_(kind))})
    days = column([[LATE, LAST]], pa.list_(kind))
    products = pa.table({"product_id": ["x"], "at": column([LATE], kind), "days": days})
    as_of: Any = "2024-01-01" if getattr(kind, "tz", None) is None else "2024-01-01T00:00+09:00"
    found = dated_rule(require).evaluate(users, products, as_of)
    said = [found.verdicts(user, "x")[0].verdict for user in "abcdef"]
    assert said == MOMENTS[require]
    assert found.mask()[:, 0].tolist() == [one == "pass" for one in said]
    judged = [found.judge({"at": at}).tolist() for at in users["at"].to_pylist()]
    assert judged == found.mask().tolist()


def _naive(kind: pa.DataType) -> pa.DataType:
    return pa.list_(pa.timestamp("ns")) if pa.types.is_list(kind) else pa.timestamp("ns")


def _in_zone(wall: pa.Array, kind: pa.DataType) -> pa.Array:
    if not pa.types.is_list(kind):
        return pc.assume_timezone(wall, kind.tz)
    values = pc.assume_timezone(wall.values, kind.value_type.tz)
    return pa.ListArray.from_arrays(wall.offsets, values, mask=wall.is_null())


def test_lists_of_dates_that_do_not_fit() -> None:
    users = pa.table({"user_id": [*"abcdef"], "at": pa.array(DATED, pa.list_(pa.date32()))})
    products = pa.table({"product_id": ["x"]})
    for wrong in ("min(user.at) < 3", "'x' in user.at", "1 in user.at"):
        with pytest.raises(st.PolicyError, match="line 1"):
            dated_rule(wrong).evaluate(users, products, "2024-01-01")
    ranged = '[policy]\nid = "p"\n[fields]\n"user.at" = { type = "list", min = 0 }\n'
    policy = st.Policy.from_toml(f'{ranged}[[rules]]\nid = "r"\nrequire = "count(user.at) > 0"\n')
    with pytest.raises(st.DataError, match=r"user\.at: .*a date"):
        policy.evaluate(users, products, "2024-01-01")
    found = dated_rule("min(user.at) < as_of").evaluate(users, products, "2024-01-01")
    with pytest.raises(st.DataError, match="at"):
        found.judge({"at": [1.5]})


def test_lists_without_elements_are_of_any_kind() -> None:
    users = pa.table({"user_id": ["a", "b"], "at": pa.array([[], [None]], pa.list_(pa.null()))})
    products = pa.table({"product_id": ["x"], "end": [LATE], "level": [2.0]})
    for require in ("min(user.at) < product.end", "min(user.at) < product.level"):
        found = dated_rule(require).evaluate(users, products, "2024-01-01")
        assert [found.verdicts(u, "x")[0].verdict for u in "ab"] == ["unknown"] * 2
