"""The registry of rule functions is all that anything knows of them."""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

import suitably as st
from suitably.suitability.language.functions import REGISTRY, Context, Function, Parameter
from suitably.suitability.language.types import NUMBER, Values
from suitably.suitability.lint.lint import check_policy
from support import oracle
from support.agreement import MOMENTS, assert_as_judged, evaluated, instant
from support.random_policies import cases

DAY = 86_400_000_000
TOY = """
[policy]
id = "toy"
version = "1"
[[rules]]
id = "waited"
require = "waited(user.joined) >= product.wait"
[[rules]]
id = "since"
require = "waited(product.launched) >= 0 and waited(user.joined) >= 0"
"""


def _waited(context: Context, date: Values) -> Values:
    as_of = 0 if context.as_of is None else context.as_of
    known = date.known & (context.as_of is not None)
    return Values(NUMBER, ((as_of - date.data) // DAY).astype(np.float64), known)


def _slowly_waited(arguments: list[Any], pair: oracle.Pair) -> int | None:
    (date,) = arguments
    if date is None or pair.as_of is None:
        return None
    return (pair.as_of - date).days


def toy(dated: bool = True) -> Function:
    parameters = (Parameter("date", "date"),)
    return Function("waited", parameters, "number", "days since", _waited, dated=dated)


@pytest.fixture
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(REGISTRY, "waited", toy())
    monkeypatch.setitem(oracle.FUNCTIONS, "waited", _slowly_waited)


def bank() -> tuple[pd.DataFrame, pd.DataFrame]:
    users = {"user_id": ["old", "new"], "joined": pd.to_datetime(["2023-01-01", "2024-01-01"])}
    products = {"product_id": ["a", "b"], "wait": [30.0, 400.0]}
    launched = pd.to_datetime(["2020-01-01", "2020-01-01"])
    return pd.DataFrame(users), pd.DataFrame({**products, "launched": launched})


@pytest.mark.usefixtures("_registered")
def test_a_dated_function_is_judged_anew_at_every_moment() -> None:
    found = st.Policy.from_toml(TOY).evaluate(*bank(), "2024-01-02")
    first = [[True, False], [False, False]]
    assert found.mask().tolist() == first
    later = found.at(np.datetime64("2024-03-01", "us"))
    assert later.mask().tolist() == [[True, True], [True, False]]
    row = {"user_id": "new", "joined": datetime(2024, 1, 1)}
    assert found.judge(row).tolist() == [False, False]
    assert found.judge(row, "2024-03-01").tolist() == [True, False]
    assert found.judge(row, "2026-01-01").tolist() == [True, True]
    assert found.judge(row).tolist() == [False, False]
    assert found.mask().tolist() == first
    assert [v.verdict for v in later.verdicts("new", "b")] == ["fail", "pass"]


@pytest.mark.usefixtures("_registered")
def test_lint_reasons_about_it() -> None:
    never = TOY.replace(">= product.wait", "< 3 and waited(user.joined) > 5")
    assert ("excludes-everything", "waited") in [(f.kind, f.rule) for f in check_policy(never)]
    ranked = TOY.replace("user.joined) >= product.wait", "'text') >= 1")
    assert ("type", "waited") in [(f.kind, f.rule) for f in check_policy(ranked)]


@pytest.mark.usefixtures("_registered")
def test_random_policies_call_it() -> None:
    called = []

    @settings(max_examples=60, database=None)
    @given(case=cases(most=5))
    def compare(case: Any) -> None:
        called.append("waited(" in case.text)
        found = evaluated(case)
        for moment in (case.as_of, *MOMENTS[1:]):
            assert_as_judged(found.at(instant(moment)), case, moment)

    compare()
    assert any(called)


def test_what_reads_the_moment_without_saying_so_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(REGISTRY, "waited", toy(dated=False))
    with pytest.raises(TypeError, match="dated=True"):
        st.Policy.from_toml(TOY).evaluate(*bank(), "2024-01-02").mask()


def test_it_is_unknown_where_it_is_not_registered() -> None:
    with pytest.raises(st.PolicyError, match="unknown function; there are hours"):
        st.Policy.from_toml(TOY)


def test_the_oracle_knows_the_same_functions() -> None:
    computed = {name for name, function in REGISTRY.items() if function.expand is None}
    assert set(oracle.FUNCTIONS) == computed


def test_the_page_lists_every_function() -> None:
    lines = ["| function | gives | meaning |", "|---|---|---|"]
    for function in REGISTRY.values():
        moment = " as of `as_of`" if function.dated else ""
        gives = {"ordered": "as its arguments", "value": "number or date"}.get(
            function.result, function.result
        )
        lines.append(f"| `{function}` | {gives}{moment} | {function.meaning} |")
    page = Path(__file__).parents[3] / "docs" / "suitability.md"
    assert "\n".join(lines) in page.read_text(encoding="utf-8"), "\n".join(lines)
