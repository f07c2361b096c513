"""What explains can be copied, sent as JSON, and looked at in a notebook."""

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

import suitably as st
from suitably.suitability import Finding, check_policy, impact
from suitably.utils.json import jsonable
from support.agreement import MOMENTS, evaluated, instant
from support.random_policies import Case, cases

POLICY = """
[policy]
id = "<house>"
version = "1"
title = { en = "House & home", zh = "行规" }
effective = 2024-01-01
[scales]
levels = ["low", "high"]
[fields]
"user.level" = "levels"
[[rules]]
id = "level"
article = "Art. 1"
require = "user.level >= 'high' and product.open"
because = { en = "<b>{user.level}</b> is low" }
[[rules]]
id = "since"
require = "user.since < as_of"
"""
USERS = pd.DataFrame(
    {
        "user_id": [1, 2],
        "level": ["low", "high"],
        "since": pd.to_datetime(["2024-02-01", "2023-01-01"]),
    }
)
PRODUCTS = pd.DataFrame({"product_id": ["x", "y"], "open": [True, None]})
WAYS: list[Callable[[Any], Any]] = [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))]


def eligibility() -> st.Eligibility:
    return st.Policy.from_toml(POLICY).evaluate(USERS, PRODUCTS, "2024-03-01")


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=20)
@given(case=cases(policies=2, scoped=True, most=5))
def test_an_eligibility_is_copied(way: Callable[[Any], Any], case: Case) -> None:
    found = evaluated(case)
    found.order()  # what was worked out stays behind
    copied = way(found)
    assert copied.policies == found.policies
    for moment in (None, *map(instant, MOMENTS)):
        one, other = found.at(moment), copied.at(moment)
        np.testing.assert_array_equal(one.mask(), other.mask())
        assert repr(one) == repr(other)
    for user in found.user_ids[:2]:
        for product in found.product_ids[:2]:
            one, other = (at.verdicts(user, product) for at in (found, copied))
            assert jsonable(one) == jsonable(other)  # a NaN equals nothing else


@pytest.mark.parametrize("way", WAYS)
def test_records_are_copied(way: Callable[[Any], Any]) -> None:
    policy, found = st.Policy.from_toml(POLICY), eligibility()
    assert way(policy) == policy
    assert way(policy).rules == policy.rules
    verdicts = found.verdicts(1, "x")
    assert way(verdicts) == verdicts
    change = way(impact(st.Policy.unrestricted(), policy, USERS, PRODUCTS, "2024-03-01"))
    assert (change.gained, change.lost) == (0, 3)


def test_verdicts_are_json() -> None:
    (level, since) = (verdict.to_dict() for verdict in eligibility().verdicts(1, "y"))
    assert json.loads(json.dumps([level, since])) == [level, since]
    assert level["verdict"] == "fail"
    assert level["text"]["en"] == "<b>low</b> is low"
    assert since["inputs"] == {"user.since": "2024-02-01T00:00:00"}


def test_an_impact_is_json() -> None:
    policy = st.Policy.from_toml(POLICY)
    change = impact(st.Policy.unrestricted(), policy, USERS, PRODUCTS, "2024-03-01T12:00")
    told = change.to_dict()
    assert json.loads(json.dumps(told)) == told
    assert told["as_of"] == "2024-03-01T12:00:00"
    assert told["after"] == [{"id": "<house>", "version": "1", "fingerprint": policy.fingerprint}]
    assert [row["rule"] for row in told["rules"]] == ["level", "since"]


def test_findings_are_json() -> None:
    findings = [finding.to_dict() for finding in check_policy(POLICY)]
    assert json.loads(json.dumps(findings)) == findings
    assert {row["kind"] for row in findings} >= {"missing-text", "missing-article"}


def test_reprs_are_short() -> None:
    found = eligibility()
    said = "[RuleVerdict('level', 'fail'), RuleVerdict('since', 'pass')]"
    assert repr(found.verdicts(1, "x")) == said
    assert repr(st.Policy.from_toml(POLICY).rules) == "(Rule('level'), Rule('since'))"
    assert repr(Finding("note", "gap", "a gap", policy="p")) == "Finding('note: p: a gap')"


def test_a_policy_is_a_table() -> None:
    html = st.Policy.from_toml(POLICY)._repr_html_()
    for part in (
        "<th>level</th>",
        "<td>Art. 1</td>",
        "<code>user.level &gt;= &#x27;high&#x27; and product.open</code>",
        "&lt;b&gt;{user.level}&lt;/b&gt; is low",
        "House &amp; home",
        "from 2024-01-01",
    ):
        assert part in html
    assert "<b>" not in html
