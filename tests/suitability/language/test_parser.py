"""The language, sentence by sentence: what each means."""

import itertools
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pytest

import suitably
from support.one_pair import verdict

TRUTHS = {"user.t": True, "user.f": False, "user.u": None}
VERDICT = {True: "pass", False: "fail", None: "unknown"}


@pytest.mark.parametrize(("left", "right"), list(itertools.product(TRUTHS, TRUTHS)))
def test_kleene_tables(left: str, right: str) -> None:
    a, b = TRUTHS[left], TRUTHS[right]
    both = False if False in (a, b) else None if None in (a, b) else True
    either = True if True in (a, b) else None if None in (a, b) else False
    same = None if None in (a, b) else a == b
    differ = None if same is None else not same
    assert verdict(f"{left} and {right}") == VERDICT[both]
    assert verdict(f"{left} or {right}") == VERDICT[either]
    assert verdict(f"{left} == {right}") == VERDICT[same]
    assert verdict(f"{left} != {right}") == VERDICT[differ]


@pytest.mark.parametrize(("left", "expected"), [("t", "fail"), ("f", "pass"), ("u", "unknown")])
def test_not(left: str, expected: str) -> None:
    assert verdict(f"not user.{left}") == expected


PASSES = [
    # precedence and chains are Python's
    "user.t or user.f and user.f",
    "not user.f and user.t",
    "not user.n == 4",
    "1 + 2 * 3 == 7",
    "(1 + 2) * 3 == 9",
    "10 - 4 - 3 == 3",
    "8 / 4 / 2 == 1",
    "-user.n + 5 == 2",
    "- -user.n == 3",
    "-2 * -3 == 6",
    "1 < user.n < product.n",
    "1 < user.n <= 3 < product.n != 3",
    "not (1 < user.n < 3)",
    "10 > user.n > 1",
    "3 == user.n == 3.0",
    "(2 < 3) == user.t",
    # numbers are doubles
    "0.1 + 0.2 != 0.3",
    "0.1 + 0.2 > 0.3",
    "-0.0 == 0",
    "user.whole / 2 == 3.5",
    "user.tiny > 0",
    "user.tiny / 2 == 0",
    "user.huge * 1.5 > user.huge",
    "user.whole == 7.0",
    "9007199254740992 - 1 == 9007199254740991",
    # text is compared exactly
    "user.s == 'Abc'",
    "user.s != 'abc'",
    "user.s != 'Abc '",
    "user.s != product.s",
    "user.empty == ''",
    "not missing(user.empty)",
    'user.s in ["x", "Abc"]',
    "user.s not in ['abc', 'ABC']",
    "user.s not in []",
    "user.s in [product.s, user.s]",
    "user.s in [user.u, 'Abc']",
    # levels
    "user.level == 'C3'",
    "user.level != 'C5'",
    "user.level > user.lower",
    "'C2' < user.level <= 'C3'",
    "'C4' > user.level",
    "user.level in ['C1', 'C3']",
    "user.level not in ['C1', 'C2']",
    "rank(user.level) == 3",
    "rank(user.lower) == 1",
    "rank(product.level) <= rank(user.level)",
    "rank(product.level) + 1 == 3",
    "max(user.level, user.lower) == 'C3'",
    "rank(min(user.level, user.lower)) == 1",
    # dates
    "user.past < as_of",
    "user.now == as_of",
    "user.future > as_of",
    "user.day + months(1) == user.day + days(28)",
    "user.leap + months(1) < as_of",
    "user.leap + months(1) == product.end",
    "user.leap + days(29) == product.end",
    "user.day + months(13) == product.end",
    "user.day - months(2) == user.day - days(62)",
    "user.day + months(-2) == user.day - months(2)",
    "user.day + months(0) == user.day",
    "user.day + years(1) == user.leap",
    "product.end - years(1) == user.day + days(28)",
    "product.end + years(4) == product.end + months(48)",
    "product.end + years(1) == product.end + days(365)",
    "product.end - user.leap == days(29)",
    "product.end - user.leap < days(30)",
    "days(28) < product.end - user.leap",
    "user.future - as_of > days(0)",
    "as_of - user.future < days(0)",
    "user.now - user.past == user.future - user.now",
    "min(user.past, user.future, as_of) == user.past",
    "max(user.past, user.future) == user.future",
    "as_of in [user.past, user.now]",
    "user.first + days(1) > user.first",
    "user.last - user.first > days(3650000)",
    # functions
    "missing(user.u)",
    "missing(user.nan)",
    "missing(user.no_level)",
    "not missing(user.n)",
    "missing(user.n / user.zero)",
    "missing(user.u and user.t)",
    "not missing(user.u and user.f)",
    "missing(user.nan + 1)",
    "missing(user.day + months(0.5))",
    "missing(lookup(user.map, 'nowhere'))",
    "missing(lookup(user.map, 'hole'))",
    "not missing(user.none)",
    "contains(user.tags, 'a')",
    "contains(user.holes, 'a')",
    "not contains(user.tags, 'A')",
    "not contains(user.none, 'a')",
    "'a' in user.tags",
    "'c' not in user.tags",
    "product.key not in user.tags",
    "contains(user.numbers, 2.5)",
    "not contains(user.numbers, 2)",
    "subset(user.tags, product.market)",
    "not subset(product.market, user.tags)",
    "subset(user.none, product.market)",
    "subset(user.none, user.none)",
    "not subset(user.tags, user.none)",
    "not subset(product.market, user.none)",
    "subset(user.tags, user.tags)",
    "lookup(user.map, product.key) == 0.25",
    "lookup(user.map, 'x') * 4 == 1",
    "age(user.born) == 24",
    "age(as_of) == 0",
    "age(user.now) == 0",
    "min(user.n, 2, 5) == 2",
    "max(user.n, product.n) == 10",
    "abs(-user.n) == abs(user.n)",
    "abs(user.n - product.n) == 7",
]
UNKNOWN = [
    "user.u",
    "user.nan == user.nan",
    "user.nan != user.nan",
    "user.no_number > 0",
    "user.no_number + 1 > 0",
    "-user.no_number < 0",
    "user.n / user.zero > 0",
    "user.zero / user.zero == 1",
    "user.n / -0.0 < 0",
    "user.huge * 10 > 0",
    "user.huge * 10 - user.huge * 10 == 0",
    "user.huge + user.huge > user.huge",
    "-user.huge - user.huge < 0",
    "1 / user.tiny > 0",
    "user.n / user.zero == user.n / user.zero",
    "1 < user.n < user.nan",
    "user.u in ['a']",
    "user.u not in ['a']",
    "user.u in []",
    "user.u not in []",
    "user.s in [user.u, 'x']",
    "user.s not in [user.u, 'x']",
    "user.u in user.tags",
    "user.no_level == 'C1'",
    "user.no_level in ['C1']",
    "user.level <= user.no_level",
    "rank(user.no_level) >= 1",
    "max(user.level, user.no_level) == 'C3'",
    "min(user.n, user.nan) == 3",
    "max(user.nan, user.n) == 3",
    "abs(user.no_number) >= 0",
    "user.day + months(0.5) > user.day",
    "user.day + days(0.5) > user.day",
    "user.day + years(1.5) > user.day",
    "user.day + months(user.no_number) > user.day",
    "user.last + days(1) > user.last",
    "user.last + months(1) > user.last",
    "user.last + years(1) > user.last",
    "user.first - days(1) < user.first",
    "user.first - months(1) < user.first",
    "user.day + days(user.huge) > user.day",
    "user.day + months(user.huge) > user.day",
    "user.day - years(-9007199254740992) > user.day",
    "product.end - user.leap < days(29.5)",
    "age(user.future) >= 0",
    "contains(user.holes, 'b')",
    "contains(user.u, 'a')",
    "contains(user.tags, user.u)",
    "contains(user.none, user.u)",
    "'b' in user.holes",
    "'b' not in user.holes",
    "subset(user.holes, user.tags)",
    "subset(product.market, user.holes)",
    "subset(user.u, user.tags)",
    "subset(user.none, user.u)",
    "lookup(user.map, 'nowhere') < 1",
    "lookup(user.map, 'X') < 1",
    "lookup(user.map, user.u) < 1",
    "lookup(user.u, 'x') < 1",
    "lookup(user.map, 'hole') < 1",
]


@pytest.mark.parametrize("require", PASSES)
def test_is_true(require: str) -> None:
    assert verdict(require) == "pass"
    assert verdict(f"not ({require})") == "fail"


@pytest.mark.parametrize("require", UNKNOWN)
def test_is_unknown(require: str) -> None:
    assert verdict(require) == "unknown"
    assert verdict(f"not ({require})") == "unknown"
    assert verdict(f"({require}) and user.f") == "fail"
    assert verdict(f"({require}) or user.t") == "pass"


@pytest.mark.parametrize(
    ("born", "as_of", "years"),
    [
        (date(2000, 2, 29), date(2018, 2, 28), 17),
        (date(2000, 2, 29), date(2018, 3, 1), 18),
        (date(1959, 3, 15), date(2024, 3, 14), 64),
        (date(1959, 3, 15), date(2024, 3, 15), 65),
        (date(1959, 3, 15), datetime(2024, 3, 14, 23, 59, 59), 64),
        (datetime(1959, 3, 15, 18), datetime(2024, 3, 15, 6), 65),
        (date(2024, 1, 1), date(2024, 1, 1), 0),
    ],
)
def test_age_in_completed_years(born: date, as_of: date, years: int) -> None:
    assert verdict(f"age(user.born) == {years}", {"born": born}, as_of=as_of) == "pass"


@pytest.mark.parametrize("as_of", [date(2024, 2, 29), "2024-02-29", datetime(2024, 2, 29)])
def test_bare_date_is_midnight(as_of: Any) -> None:
    assert verdict("as_of == product.end", as_of=as_of) == "pass"


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ((2023, 1, 31), 1, (2023, 2, 28)),
        ((2024, 1, 31), 1, (2024, 2, 29)),
        ((2024, 1, 30), 1, (2024, 2, 29)),
        ((2024, 1, 29), 1, (2024, 2, 29)),
        ((1900, 1, 31), 1, (1900, 2, 28)),
        ((2000, 1, 31), 1, (2000, 2, 29)),
        ((2024, 3, 31), -1, (2024, 2, 29)),
        ((2024, 5, 31), 1, (2024, 6, 30)),
        ((2024, 12, 31), 2, (2025, 2, 28)),
        ((2024, 2, 29), 12, (2025, 2, 28)),
        ((2024, 2, 29), 48, (2028, 2, 29)),
        ((2024, 2, 29), -24, (2022, 2, 28)),
        ((2024, 1, 15), -1, (2023, 12, 15)),
        ((1969, 12, 31), 2, (1970, 2, 28)),
    ],
)
def test_months_clamp(start: Any, months: int, end: Any) -> None:
    moments = {"day": datetime(*start, 7, 30), "now": datetime(*end, 7, 30)}
    assert verdict(f"user.day + months({months}) == user.now", moments) == "pass"
    assert verdict("user.day + months(user.n) == user.now", moments | {"n": months}) == "pass"


def test_a_named_level_is_a_key() -> None:
    """Limits by grade: the map's keys are the names of levels."""
    policy = suitably.Policy.from_toml(
        """
        [policy]
        id = "limits"
        version = "1"
        [scales]
        grade = ["A", "B", "C"]
        [fields]
        "product.grade" = "grade"
        [[rules]]
        id = "room"
        require = "lookup(user.room, product.grade) >= product.bid"
        """
    )
    users = pa.table(
        {
            "user_id": [1, 2],
            "room": pa.array([[("A", 10.0), ("B", 0.0)], [("C", 5.0)]],
                             pa.map_(pa.string(), pa.float64())),
        }
    )  # fmt: skip
    products = pa.table(
        {"product_id": ["a", "b", "c", "d"], "grade": ["A", "B", "C", None], "bid": [5.0] * 4}
    )
    eligibility = policy.evaluate(users, products, "2024-01-01")
    assert eligibility.mask().tolist() == [[True, False, False, False], [False, False, True, False]]
    assert eligibility.verdicts(1, "b")[0].verdict == "fail"
    assert eligibility.verdicts(2, "a")[0].verdict == "unknown"
