"""`fresh`: a fact counts from the day after its date until a span has gone by."""

from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import pytest

import suitably as st

TEXT = """
[policy]
id = "p"
[[rules]]
id = "income"
require = "fresh(user.income, {span})"
"""
TICK = timedelta(microseconds=1)
NOW = datetime(2024, 3, 1)


def verdict(date: Any, span: str = "months(12)", **changes: Any) -> str:
    fields = {"income": [1.0], "income_date": [date], **changes}
    users = pd.DataFrame({"user_id": ["u"], **fields})
    products = pd.DataFrame({"product_id": ["p"]})
    (found,) = st.Policy.from_toml(TEXT.format(span=span)).evaluate(users, products, NOW).verdicts(
        "u", "p"
    )  # fmt: skip
    assert set(found.inputs) == {"user.income", "user.income_date"}
    return str(found.verdict)


@pytest.mark.parametrize(
    ("date", "right"),
    [
        (datetime(2023, 3, 1), "fail"),
        (datetime(2023, 3, 1) + TICK, "pass"),
        (NOW - TICK, "pass"),
        (NOW, "fail"),
        (NOW + TICK, "fail"),
        (None, "unknown"),
    ],
)
def test_both_ends(date: datetime | None, right: str) -> None:
    assert verdict(pd.Timestamp(date) if date else pd.NaT) == right


def test_a_fact_that_is_missing_is_not_fresh() -> None:
    missing = pd.array([None], "Float64")
    assert verdict(NOW - TICK, income=missing) == "unknown"
    assert verdict(datetime(2020, 1, 1), income=missing) == "fail"


def test_other_spans() -> None:
    assert verdict(NOW - timedelta(hours=23), "hours(24)") == "pass"
    assert verdict(NOW - timedelta(hours=24), "hours(24)") == "fail"
    assert verdict(NOW - timedelta(days=30), "days(31)") == "pass"


def test_the_date_must_be_there() -> None:
    users = pd.DataFrame({"user_id": ["u"], "income": [1.0], "incomes_date": [NOW]})
    with pytest.raises(st.PolicyError, match=r"user\.income_date.*incomes_date"):
        st.Policy.from_toml(TEXT.format(span="days(1)")).evaluate(
            users, pd.DataFrame({"product_id": ["p"]}), NOW
        )


@pytest.mark.parametrize(
    "call", ["fresh(3, days(1))", "fresh(user.a + 1, days(1))", "fresh(as_of)"]
)
def test_no_sentence(call: str) -> None:
    with pytest.raises(st.PolicyError, match=r"line 1, column \d+: .*fresh"):
        st.Policy.from_toml(f'[policy]\nid = "p"\n[[rules]]\nid = "r"\nrequire = "{call}"')


def test_a_span_is_no_number() -> None:
    with pytest.raises(st.PolicyError, match="cannot compute date"):
        verdict(NOW, "12")
