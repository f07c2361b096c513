"""China, CSRC measures and the AMAC table: funds and securities."""

from datetime import date, datetime

import pyarrow as pa
import pytest

import suitably as st
from suitability.regimes.baseline import Baseline, Case

FUND = Baseline(
    "cn-csrc-amac",
    datetime(2024, 2, 29),
    {
        "risk_level": "C3",
        "questionnaire_date": date(2023, 6, 1),
        "is_lowest_class": False,
        "horizon_months": 36,
    },
    {"regime": "csrc", "risk_level": "R2", "lock_up_months": 0},
)
LOWEST = {"user.is_lowest_class": True}
CASES: list[Case] = [
    ("information-given", {}, "pass"),
    ("information-given", {"user.risk_level": None}, "fail"),
    ("information-given", {"user.questionnaire_date": None}, "fail"),
    ("risk-level", {"product.risk_level": "R3"}, "pass"),
    ("risk-level", {"product.risk_level": "R4"}, "fail"),
    ("risk-level", {"product.risk_level": None}, "unknown"),
    ("risk-level", {"user.risk_level": None}, "unknown"),
    ("lowest-class", {}, None),
    ("lowest-class", {**LOWEST, "product.risk_level": "R1"}, "pass"),
    ("lowest-class", {**LOWEST}, "fail"),
    ("lowest-class", {"user.is_lowest_class": None}, "unknown"),
    ("horizon", {"product.lock_up_months": 36}, "pass"),
    ("horizon", {"product.lock_up_months": 36.5}, "fail"),
    ("horizon", {"product.lock_up_months": 37}, "fail"),
    ("questionnaire-valid", {"user.questionnaire_date": date(2024, 2, 28)}, "pass"),
    ("questionnaire-valid", {"user.questionnaire_date": date(2024, 2, 29)}, "fail"),
    # twelve months from 28 February 2023 end with 28 February 2024
    ("questionnaire-valid", {"user.questionnaire_date": date(2023, 3, 1)}, "pass"),
    ("questionnaire-valid", {"user.questionnaire_date": date(2023, 2, 28)}, "fail"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_boundary(case: Case) -> None:
    FUND.check(case)


def test_every_rule_is_tested_on_both_sides() -> None:
    FUND.check_complete(CASES)


def test_missing_is_never_a_pass() -> None:
    FUND.check_missing()


def test_matching_table() -> None:
    levels = pa.table(
        {
            "user_id": [f"C{n}" for n in range(1, 6)],
            "risk_level": [f"C{n}" for n in range(1, 6)],
            "questionnaire_date": [date(2023, 6, 1)] * 5,
            "is_lowest_class": [False] * 5,
            "horizon_months": [12] * 5,
        }
    )
    products = pa.table(
        {
            "product_id": [f"R{n}" for n in range(1, 6)],
            "regime": ["csrc"] * 5,
            "risk_level": [f"R{n}" for n in range(1, 6)],
            "lock_up_months": [0] * 5,
        }
    )
    eligibility = st.Policy.load("cn-csrc-amac").evaluate(levels, products, datetime(2024, 1, 1))
    assert eligibility.mask().sum(axis=1).tolist() == [1, 2, 3, 4, 5]
    assert eligibility.mask().sum(axis=0).tolist() == [5, 4, 3, 2, 1]


def test_in_force_from_july_2017() -> None:
    asked = {"user.questionnaire_date": date(2017, 6, 1)}
    assert not FUND.judge({**asked, "as_of": datetime(2017, 6, 30, 23, 59, 59)})[0]
    assert FUND.judge({**asked, "as_of": datetime(2017, 7, 1)})[0]


def test_a_level_off_the_scale_is_refused() -> None:
    with pytest.raises(st.DataError, match="risk_level"):
        FUND.judge({"user.risk_level": "c3"})
