"""Eligibility to look at: a few customers as a labelled frame, and a summary without ids."""

import time
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

import suitably as st
from suitably.suitability.display import eligibility_frame, eligibility_html
from suitably.suitability.eligibility import Eligibility
from suitably.suitability.policy import Policy
from support.oracle import judge
from support.random_policies import Case, cases

TEXT = """
[policy]
id = "<house>"
version = "1"
[[rules]]
id = "enough"
require = "user.n >= product.n"
[[rules]]
id = "<open>"
require = "product.open"
"""
USERS = {"user_id": ["secret-1", "secret-2", "secret-3"], "n": [1.0, 5.0, None]}
PRODUCTS = {"product_id": ["a", "b"], "n": [2.0, 4.0], "open": [True, None]}


def eligibility(text: str = TEXT, users: Any = None, products: Any = None) -> Eligibility:
    people = pd.DataFrame(users or USERS)
    return Policy.from_toml(text).evaluate(people, pd.DataFrame(products or PRODUCTS), "2024-01-01")


@pytest.mark.parametrize(
    ("kind", "frame"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame), ("pyarrow", pa.Table)]
)
def test_three_values_by_hand(kind: str, frame: Any) -> None:
    shown = eligibility_frame(eligibility(), ["secret-2", "secret-1", "secret-3"], kind)
    assert isinstance(shown, frame)
    table = {name: list(shown[name]) for name in ("user_id", "a", "b")}
    if kind == "pyarrow":
        table = shown.to_pydict()
    assert table == {
        "user_id": ["secret-2", "secret-1", "secret-3"],
        "a": ["pass", "fail", "unknown"],
        "b": ["unknown", "fail", "unknown"],  # a fail is a fail, whatever is unknown besides
    }


def test_with_the_rules_that_keep_a_pair_out() -> None:
    shown = eligibility_frame(eligibility(), ["secret-1", "secret-2"], verdicts=True)
    assert shown.to_dict("list") == {
        "user_id": ["secret-1", "secret-2"],
        "a": ["fail: enough", "pass"],
        "b": ["fail: enough; unknown: <open>", "unknown: <open>"],
    }


def test_a_rule_that_two_policies_have_is_named_once() -> None:
    policies = (Policy.from_toml(TEXT), Policy.from_toml(TEXT.replace("<house>", "other")))
    one = eligibility()
    both = Eligibility(policies, one._users, one._products, one.as_of, one._clock)
    shown = eligibility_frame(both, ["secret-1"], verdicts=True)
    assert shown["a"].tolist() == ["fail: enough"]


def test_out_of_force_and_ungoverned() -> None:
    expired = TEXT.replace('version = "1"', 'version = "1"\nexpires = 2020-01-01')
    shown = eligibility_frame(eligibility(expired), ["secret-2"], verdicts=True)
    assert shown["a"].tolist() == ["fail: policy:effective"]
    nowhere = TEXT.replace('version = "1"', 'version = "1"\ngoverns = "False"')
    shown = eligibility_frame(eligibility(nowhere), ["secret-2"], verdicts=True)
    assert shown["a"].tolist() == ["fail: policy:governs"]


def test_integer_ids() -> None:
    users, products = {**USERS, "user_id": [3, 1, 2]}, {**PRODUCTS, "product_id": [10, 20]}
    shown = eligibility_frame(eligibility(users=users, products=products), np.array([1]))
    assert shown.to_dict("list") == {"user_id": [1], "10": ["pass"], "20": ["unknown"]}


def test_nobody() -> None:
    shown = eligibility_frame(eligibility(), [], "pyarrow")
    assert shown.num_rows == 0
    assert shown.column_names == ["user_id", "a", "b"]


def test_what_cannot_be_shown() -> None:
    with pytest.raises(st.DataError, match="unknown"):
        eligibility_frame(eligibility(), ["secret-9"])
    with pytest.raises(st.DataError, match="ids"):
        eligibility_frame(eligibility(), "secret-1")
    odd = eligibility(products={**PRODUCTS, "product_id": ["user_id", "b"]})
    with pytest.raises(st.DataError, match="called 'user_id'"):
        eligibility_frame(odd, ["secret-1"])
    users = {"user_id": range(101), "n": 1.0}
    products = {"product_id": range(100), "n": 0.0, "open": True}
    many = eligibility(users=users, products=products)
    assert eligibility_frame(many, range(100)).shape == (100, 101)
    with pytest.raises(st.DataError, match="101 users x 100 products is 10,100 cells") as error:
        eligibility_frame(many, range(101))
    assert "fewer users" in str(error.value)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_the_slow_evaluator_says_the_same(case: Case) -> None:
    policy = Policy.from_toml(case.text)
    found = policy.evaluate(case.users_frame, case.products_frame, case.as_of)
    some = list(found.user_ids)[:5]
    shown = eligibility_frame(found, some, "pyarrow")
    users, products = case.visible("user"), case.visible("product")
    for user_id, cells in zip(some, shown.to_pylist(), strict=True):
        for product_id in found.product_ids:
            judged = judge(case.policy, users[user_id], products[product_id], case.as_of)
            said = [verdict for _, verdict in judged.verdicts]
            expected = "fail" if "fail" in said else "unknown" if "unknown" in said else "pass"
            assert cells[str(product_id)] == expected, (judged, users[user_id])


def test_ten_thousand_cells_do_not_take_long() -> None:
    users = {"user_id": range(100), "n": -1.0}
    products = {"product_id": range(100), "n": 0.0, "open": None}
    many = eligibility(users=users, products=products)
    start = time.perf_counter()
    shown = eligibility_frame(many, range(100), "pyarrow")
    assert time.perf_counter() - start < 30
    assert set(shown["7"].to_pylist()) == {"fail"}


def test_the_summary_has_counts_and_no_ids() -> None:
    html = eligibility_html(eligibility())
    assert "1 of 6 pairs are eligible" in html
    row = "<th>enough</th>" + "".join(f'<td class="number">{n}</td>' for n in (2, 2, 2))
    assert row in html
    assert "&lt;open&gt;" in html
    assert "&lt;house&gt;" in html
    assert "<open>" not in html
    assert "secret" not in html


def test_the_summary_of_a_large_one_counts_nothing() -> None:
    users = {"user_id": range(2001), "n": 1.0}
    products = {"product_id": range(1000), "n": 0.0, "open": True}
    html = eligibility_html(eligibility(users=users, products=products))
    assert "2,001 users x 1,000 products" in html
    assert "counts()" in html
    assert "<table" not in html
