"""Margins of rules that pass: by hand, and that they are where the rule turns."""

from datetime import datetime
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suitably.suitability.policy import Policy

HEAD = """
[policy]
id = "p"
[scales]
investor = ["C1", "C2", "C3", "C4", "C5"]
product = ["R1", "R2", "R3", "R4", "R5"]
[fields]
"user.level" = "investor"
"user.other_level" = "product"
"product.level" = "product"
"user.horizon" = { type = "number", unit = "months" }
"product.term" = { type = "number", unit = "months" }
"user.wealth" = { type = "number", unit = "money", currency = "CNY" }
"product.price" = { type = "number", unit = "money", currency = "CNY" }
"user.held_share" = { type = "number", unit = "share" }
"user.born" = "date"
"user.asked" = "date"
"user.staff" = "boolean"
"""
USER = {
    "user_id": "u", "level": "C3", "other_level": "R4", "horizon": 18.0, "wealth": 30_000.0,
    "held_share": 0.2, "born": datetime(1990, 1, 1), "asked": datetime(2024, 1, 1), "staff": True,
}  # fmt: skip
PRODUCT = {"product_id": "x", "level": "R2", "term": 12.0, "price": 10_000.0}


def verdict(require: str, more: str = "", **changed: Any) -> Any:
    rule = f'[[rules]]\nid = "r"\nrequire = "{require}"\n{more}'
    users, products = pd.DataFrame([{**USER, **changed}]), pd.DataFrame([PRODUCT])
    return Policy.from_toml(HEAD + rule).evaluate(users, products, "2024-06-01").verdicts("u", "x")


@pytest.mark.parametrize(
    ("require", "spare", "unit", "tightness"),
    [
        ("rank(product.level) <= rank(user.level)", 1, "level", 1 / 4),
        ("rank(user.level) >= rank(product.level)", 1, "level", 1 / 4),
        ("rank(product.level) < rank(user.level)", 1, "level", 1 / 4),
        ("product.level <= user.other_level", 2, "level", 2 / 4),
        ("product.level <= 'R2'", 0, "level", 0),
        ("rank(product.level) <= 4", 2, "level", 2 / 4),
        ("product.term <= user.horizon", 6, "months", 6 / 18),
        ("not product.term > user.horizon", 6, "months", 6 / 18),
        ("product.price <= user.wealth", 20_000, "money", 2 / 3),
        ("user.held_share < 0.25", 0.05, "share", 0.2),
        ("age(user.born) < 65", 31, "years", 31 / 65),
        ("as_of < user.asked + days(182)", 30, "days", 30 / 365),
        ("user.asked < as_of < user.asked + days(182)", 30, "days", 30 / 365),
        # any part of an `and` may break it, the strongest of an `or` holds it up
        ("product.term <= user.horizon and rank(product.level) <= rank(user.level)",
         1, "level", 1 / 4),
        ("product.term <= user.horizon or rank(product.level) <= rank(user.level)",
         6, "months", 6 / 18),
        ("not (product.term > user.horizon or product.price > user.wealth)", 6, "months", 6 / 18),
        ("not (product.term > user.horizon and product.price > user.wealth)",
         20_000, "money", 2 / 3),
        ("product.term > user.horizon or product.price <= user.wealth", 20_000, "money", 2 / 3),
        ("user.staff and product.term <= user.horizon", 6, "months", 6 / 18),
    ],
)  # fmt: skip
def test_by_hand(require: str, spare: float, unit: str, tightness: float) -> None:
    (found,) = verdict(require)
    assert found.verdict == "pass"
    assert (found.margin.rule, found.margin.unit) == ("r", unit)
    assert found.margin.spare == pytest.approx(spare)
    assert found.margin.tightness == pytest.approx(tightness)
    assert set(found.margin.text) == {"en", "zh"}
    assert found.to_dict()["margin"]["spare"] == pytest.approx(spare)


@pytest.mark.parametrize(
    "require",
    [
        "user.staff",
        "user.level == 'C3'",
        "product.level in ('R1', 'R2')",
        "not missing(user.level)",
        "user.asked < as_of",  # time only takes it further
        "age(user.born) >= 18",
        "18 <= age(user.born)",
        "user.staff or product.term <= user.horizon",  # holds without any distance
        "product.term > user.horizon",  # fails
        "user.wealth > user.nothing",  # unknown
    ],
)
def test_no_distance(require: str) -> None:
    (found,) = verdict(require, nothing=None)
    assert found.margin is None
    assert found.to_dict()["margin"] is None


def test_flags_have_none() -> None:
    (found,) = verdict("rank(product.level) <= rank(user.level)", 'effect = "flag"\n')
    assert found.verdict == "pass"
    assert found.margin is None


def test_what_only_the_adviser_is_told() -> None:
    told = 'because = { en = "No.", adviser = { en = "{user.level}" } }\n'
    (found,) = verdict("rank(product.level) <= rank(user.level)", told)
    assert found.is_told_apart
    assert found.to_dict("customer")["margin"] is None
    assert found.to_dict("adviser")["margin"]["spare"] == 1


def test_labels_stand_for_codes() -> None:
    labels = '[labels."user.level"]\nC3 = { en = "Balanced", zh = "平衡型" }\n'
    rule = 'id = "r"\nrequire = "rank(product.level) <= rank(user.level)"'
    text = f"{HEAD}{labels}[[rules]]\n{rule}"
    users, products = pd.DataFrame([USER]), pd.DataFrame([PRODUCT])
    (found,) = Policy.from_toml(text).evaluate(users, products, "2024-06-01").verdicts("u", "x")
    assert found.margin.text["en"] == "r, with one level to spare: R2 against Balanced"
    assert found.margin.text["zh"] == "r尚余1级，R2对平衡型"


def numbers() -> st.SearchStrategy[float]:
    return st.integers(-1000, 1000).map(float)


@given(numbers(), numbers(), st.sampled_from(["<", "<=", ">", ">="]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_rule_turns_just_beyond_its_margin(
    left: float, right: float, operator: str, negated: bool
) -> None:
    def judged(value: float) -> Any:
        rule = f"user.a {operator} product.b"
        rule = f"not ({rule})" if negated else rule
        policy = f'[policy]\nid = "p"\n[[rules]]\nid = "r"\nrequire = "{rule}"\n'
        users = pd.DataFrame([{"user_id": "u", "a": value}])
        products = pd.DataFrame([{"product_id": "x", "b": right}])
        return Policy.from_toml(policy).evaluate(users, products, "2024-06-01").verdicts("u", "x")

    (found,) = judged(left)
    if found.verdict == "fail":
        assert found.margin is None
        return
    spare, upward = found.margin.spare, (operator in ("<", "<=")) != negated
    assert spare == abs(left - right)
    sign = 1 if upward else -1
    assert judged(left + sign * (spare + 0.5))[0].verdict == "fail"
    if spare:
        assert judged(left + sign * (spare - 0.5))[0].verdict == "pass"
