"""Ranges, allowed values and units of fields: what is outside is refused on every path."""

from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import suitably as st
from suitably.ranking import Popularity
from support.one_pair import AS_OF, HEAD, evaluate, rule

SHARE = '{ type = "number", min = 0, max = 1, unit = "share" }'
LEVELS = '{ type = "text", values = ["full", "limited", "none"] }'
DAYS = '{ type = "date", min = 1900-01-01, max = 2024-02-29 }'
TAGS = '{ type = "list", values = ["a", "b"] }'
CUTS = '{ type = "list", min = 0, max = 1 }'
PARTS = '{ type = "map", min = 0, max = 1, unit = "share" }'


def policy(declared: str, field: str = "user.x") -> str:
    return HEAD + f'"{field}" = {declared}\n' + rule(f"missing({field})")


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        *((SHARE, value) for value in (0, 1, 0.5, 0.0, 1.0, -0.0, None, float("nan"))),
        *((LEVELS, value) for value in ("full", "none", None)),
        *((DAYS, value) for value in (date(1900, 1, 1), date(2024, 2, 29), None)),
        *((DAYS, value) for value in (datetime(1900, 1, 1), datetime(2024, 2, 29, 23, 59, 59))),
        *((TAGS, value) for value in (["a"], ["a", None], [], None)),
        *((CUTS, value) for value in ([0.0, 1.0], [None, 0.5])),
        *((PARTS, value) for value in ({"k": 1.0}, {"k": None, "l": 0.0}, {}, None)),
        ('{ type = "number", min = 1, max = 1 }', 1),
        ('{ type = "number", min = 0 }', 1e308),
        ('{ type = "number", max = 0 }', -1e308),
        ('{ type = "number", unit = "months" }', -3),
        ('{ type = "number" }', -3),
        ('{ scale = "investor" }', "C1"),
    ],
)
def test_inside(declared: str, value: Any) -> None:
    (found,) = evaluate(policy(declared), {"x": value}).verdicts("u", "p")
    missing = value is None or value != value
    assert found.verdict == ("pass" if missing else "fail")


OUTSIDE = [
    *((SHARE, value, "range 0 to 1") for value in (-0.6, 1.0000000000000002, 60, -5e-324)),
    *((LEVELS, value, "none of") for value in ("FULL", "", " full", "full ")),
    (DAYS, date(1899, 12, 31), "range 1900-01-01 to 2024-02-29"),
    (DAYS, date(2024, 3, 1), "range 1900-01-01"),
    (DAYS, datetime(2024, 3, 1), "range 1900-01-01"),
    (DAYS, datetime(1899, 12, 31, 23, 59, 59, 999_999), "range 1900-01-01"),
    (TAGS, ["a", "c"], r"none of .*'c'"),
    (CUTS, [0.5, 1.5], r"range 0 to 1.*1\.5"),
    (PARTS, {"k": 0.5, "l": 1.5}, r"range 0 to 1.*1\.5"),
    ('{ type = "number", min = 0 }', -1, r"outside the range \(min 0\)"),
    ('{ type = "number", max = 0 }', 1, r"outside the range \(max 0\)"),
    ('{ scale = "investor" }', "C9", "off the scale"),
]


@pytest.mark.parametrize(("declared", "value", "said"), OUTSIDE)
def test_outside(declared: str, value: Any, said: str) -> None:
    with pytest.raises(st.DataError, match=rf"user\.x: 1 values are .*{said}"):
        evaluate(policy(declared), {"x": value})


@pytest.mark.parametrize(("declared", "value", "said"), OUTSIDE)
def test_outside_in_a_product(declared: str, value: Any, said: str) -> None:
    with pytest.raises(st.DataError, match=rf"product\.x: 1 values are .*{said}"):
        evaluate(policy(declared, "product.x"), product={"x": value})


@pytest.mark.parametrize(("declared", "value", "said"), OUTSIDE)
def test_judge_refuses_what_frames_do(declared: str, value: Any, said: str) -> None:
    inside = {
        SHARE: 0.5,
        LEVELS: "full",
        DAYS: value if isinstance(value, datetime) else date(2000, 1, 1),
        TAGS: ["a"],
        CUTS: [0.5],
        PARTS: {"k": 0.5},
    }.get(declared, "C1" if "scale" in declared else 0)
    if isinstance(inside, datetime):
        inside = datetime(2000, 1, 1)
    eligibility = evaluate(policy(declared), {"x": inside})
    assert eligibility.judge({"x": inside}).tolist() == [False]
    assert eligibility.judge({"x": None}).tolist() == [True]
    with pytest.raises(st.DataError) as by_row:
        eligibility.judge({"x": value})
    with pytest.raises(st.DataError) as by_frame:
        evaluate(policy(declared), {"x": value})
    assert str(by_row.value) == str(by_frame.value)


@pytest.mark.parametrize("build", [pd.DataFrame, pl.DataFrame, pa.table])
def test_every_frame_says_the_same(build: Any) -> None:
    users = build({"user_id": ["a", "b", "c"], "x": [0.5, -0.6, 7.0]})
    text = '[policy]\nid = "p"\n[fields]\n"user.x" = ' + SHARE + "\n" + rule("user.x <= 0.2")
    with pytest.raises(st.DataError) as error:
        evaluate(text, users)
    said = "user.x: 2 values are outside the range 0 to 1, such as [-0.6, 7]"
    assert str(error.value) == said


def test_days_are_those_of_the_columns_own_zone() -> None:
    text = policy(DAYS).replace("missing(user.x)", "user.x < as_of")
    late = pa.table(
        {
            "user_id": ["u"],
            "x": pa.array(
                [datetime(2024, 2, 29, 20, tzinfo=UTC)], pa.timestamp("us", "Asia/Tokyo")
            ),
        }
    )
    head = text[: text.index("[scales]")] + '[fields]\n"user.x" = ' + DAYS + "\n"
    with pytest.raises(st.DataError, match="2024-03-01"):  # by then it is March in Tokyo
        evaluate(head + rule("user.x < as_of"), late, as_of=AS_OF.replace(tzinfo=UTC))


FRAMES = {
    "users": pd.DataFrame({"user_id": ["a", "b"], "x": [0.5, 0.6]}),
    "products": pd.DataFrame({"product_id": ["p", "q"], "y": ["full", "none"]}),
    "interactions": pd.DataFrame(
        {
            "user_id": ["a", "b"],
            "product_id": ["p", "q"],
            "timestamp": pd.to_datetime(["2024-01-01", "2024-01-02"]),
        }
    ),
}
RANGES = f"""
[policy]
id = "ranges"
version = "1"
[fields]
"user.x" = {SHARE}
"product.y" = {LEVELS}
[[rules]]
id = "x"
require = "user.x <= 1 and product.y != 'none'"
"""


def fitted(**frames: pd.DataFrame) -> st.Pipeline:
    pipeline = st.Pipeline(profiles=[], policy=st.Policy.from_toml(RANGES), ranker=Popularity())
    return pipeline.fit(st.Dataset(**{**FRAMES, **frames}))


def test_an_update_refuses_what_a_fit_does_and_leaves_all_as_it_was() -> None:
    pipeline = fitted()
    before = pipeline.eligibility().mask()
    with pytest.raises(st.DataError, match=r"user\.x: 1 values are outside the range 0 to 1"):
        pipeline.update(users=pd.DataFrame({"user_id": ["b"], "x": [-0.6]}))
    with pytest.raises(st.DataError, match=r"product\.y: 1 values are none of .*'FULL'"):
        pipeline.update(products=pd.DataFrame({"product_id": ["q"], "y": ["FULL"]}))
    assert (pipeline.eligibility().mask() == before).all()
    pipeline.update(users=pd.DataFrame({"user_id": ["b"], "x": [1.0]}))
    wrong = FRAMES["users"].assign(x=[0.5, 1.5])
    with pytest.raises(st.DataError, match=r"user\.x: 1 values are outside"):
        fitted(users=wrong)


# --- several policies ------------------------------------------------------------------------


def one_of(name: str, declared: str, governs: str = "") -> st.Policy:
    head = f'[policy]\nid = "{name}"\n{governs}\n[fields]\n"product.price" = {declared}\n'
    return st.Policy.from_toml(head + rule("product.price > 0", name))


def judged(*policies: st.Policy, price: float = 5.0) -> Any:
    shelf = FRAMES["products"].assign(price=price, kind=["x", "z"])
    ranker = Popularity()
    pipeline = st.Pipeline(profiles=[], policy=list(policies), ranker=ranker)
    return pipeline.fit(st.Dataset(**{**FRAMES, "products": shelf})).eligibility().mask()


def test_policies_may_declare_a_field_differently() -> None:
    narrow, wide = '{ type = "number", min = 0, max = 1 }', '{ type = "number", max = 10 }'
    for other in (wide, '"number"', '{ type = "number", unit = "money", currency = "CNY" }'):
        assert judged(one_of("a", wide), one_of("b", other)).all()
        with pytest.raises(st.DataError, match="range 0 to 1"):
            judged(one_of("a", narrow), one_of("b", other))


def test_a_range_binds_where_its_policy_governs() -> None:
    narrow = '{ type = "number", min = 0, max = 1 }'
    elsewhere = one_of("a", narrow, "governs = \"product.kind == 'y'\"")
    assert judged(elsewhere, one_of("b", '"number"')).all()
    here = one_of("a", narrow, "governs = \"product.kind == 'x'\"")
    with pytest.raises(st.DataError, match=r"1 values are outside the range 0 to 1"):
        judged(here, one_of("b", '"number"'))


def test_one_field_holds_one_currency() -> None:
    yuan, dollars = (
        f'{{ type = "number", unit = "money", currency = "{code}" }}' for code in ("CNY", "USD")
    )
    assert judged(one_of("a", yuan), one_of("b", yuan)).all()
    with pytest.raises(st.PolicyError, match=r"'b'.*product\.price is in USD, .*'a' has it in CNY"):
        judged(one_of("a", yuan), one_of("b", dollars))


# --- declarations that mean nothing ----------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ('{ type = "number", min = 1, max = 0 }', "upside down: min 1 is above max 0"),
        ('{ type = "date", min = 2024-01-01, max = 2023-01-01 }', "upside down"),
        ('{ type = "number", min = "0" }', "min must be a number, got '0'"),
        ('{ type = "number", min = true }', "min must be a number"),
        ('{ type = "number", max = nan }', "max must be a number"),
        ('{ type = "number", max = inf }', "max must be a number"),
        ('{ type = "number", max = 9007199254740993 }', r"2\*\*53"),
        ('{ type = "date", min = 0 }', "min must be a date"),
        ('{ type = "date", min = 2024-01-01T10:00:00 }', "min must be a date without a time"),
        ('{ type = "text", min = 0 }', "min is for number, date, list, map, not for text"),
        ('{ type = "boolean", max = 1 }', "max is for"),
        ('{ type = "text", unit = "share" }', "unit is for number, list, map, not for text"),
        ('{ type = "number", values = [1] }', "values is for text, list, not for number"),
        ('{ type = "text", values = [] }', "values must be a list of what is allowed"),
        ('{ type = "text", values = "a" }', "values must be a list"),
        ('{ type = "text", values = ["a", "a"] }', r"distinct, repeated: \['a'\]"),
        ('{ type = "text", values = ["a", 1] }', "values must be texts, got 1"),
        ('{ type = "list", values = ["a", 1] }', "values must be texts, or numbers, got 1"),
        ('{ type = "list", values = ["a"], min = 0 }', "not both"),
        ('{ type = "number", unit = "parts" }', "unknown unit 'parts'; there are share, percent"),
        ('{ type = "number", currency = "CNY" }', 'add unit = "money"'),
        ('{ type = "number", unit = "share", currency = "CNY" }', 'add unit = "money"'),
        ('{ type = "number", unit = "money", currency = "yuan" }', "currency must be a code"),
        ('{ type = "whole" }', "type must be one of"),
        ("{ min = 0 }", "type must be one of"),
        ("{}", "type must be one of"),
        ('{ type = "number", minimum = 0 }', "unknown keys"),
        ('{ scale = "nobody" }', "'nobody' is no scale"),
        ("{ scale = 3 }", "3 is no scale"),
        ('{ scale = "investor", min = 0 }', r"on a scale has no \['min'\]"),
        ('["investor"]', "neither a scale"),
        ("3", "neither a scale"),
    ],
)
def test_a_bad_declaration(declared: str, said: str) -> None:
    with pytest.raises(st.PolicyError, match=rf"policy 'test': fields: user\.x.*{said}"):
        st.Policy.from_toml(policy(declared))


def test_the_type_is_still_that_of_the_table() -> None:
    with pytest.raises(st.DataError, match="declared as number, but the column holds text"):
        evaluate(policy(SHARE), {"x": "0.5"})
    text = policy(SHARE).replace("missing(user.x)", "user.x == 'a'")
    with pytest.raises(st.PolicyError, match="cannot compare number with text"):
        evaluate(text, {"x": 0.5})


def test_what_is_declared_is_shown() -> None:
    shown = st.Policy.from_toml(policy(SHARE)).fields["user.x"]
    assert str(shown) == "number from 0 to 1 (share)"
    money = policy('{ type = "number", min = 0, unit = "money", currency = "CNY" }')
    assert str(st.Policy.from_toml(money).fields["user.x"]) == "number from 0 (money CNY)"


def test_an_amount_has_the_range_and_the_currency_of_its_fields() -> None:
    text = HEAD + '"product.min_amount" = { type = "number", min = 1, unit = "money", currency = '
    text += '"CNY" }\n[terms]\nput = "amount"\n' + rule("term.put < 0")
    text += 'because = "{term.put:money}"\n'
    (found,) = evaluate(text, product={"min_amount": 5.0}).verdicts("u", "p")
    assert found.text["en"] == "CNY 5"
    with pytest.raises(st.DataError, match=r"product\.min_amount: 1 values are outside .*min 1"):
        evaluate(text, product={"min_amount": 0.5})
