"""China, qualified investors: private funds, asset-management plans, professional-only products."""

from datetime import date, datetime

import pytest

from suitability.regimes.baseline import Baseline, Case

USER = {
    "risk_level": "C5",
    "questionnaire_date": date(2025, 1, 10),
    "is_lowest_class": False,
    "is_professional": False,
    "financial_assets": 4_000_000.0,
    "annual_income": 600_000.0,
    "years_experience": 5.0,
}
PRODUCT = {
    "regime": "private",
    "category": "fund",
    "risk_level": "R4",
    "min_amount": 1_000_000.0,
    "target_market": ["professional", "ordinary"],
}
AS_OF = datetime(2025, 6, 1)
FUND = Baseline(
    "qualified-investor",
    AS_OF,
    USER,
    PRODUCT,
    frozenset(
        {
            "user.is_professional",
            "user.years_experience",
            # the other of the two is enough
            "user.financial_assets",
            "user.annual_income",
        }
    ),
)
POOR = {"user.annual_income": 0.0}
PLAN = {"product.category": "equity_plan"}
PRO = {"product.target_market": ["professional"]}
CASES: list[Case] = [
    ("private-fund-investor", {**POOR, "user.financial_assets": 3_000_000.0}, "pass"),
    ("private-fund-investor", {**POOR, "user.financial_assets": 2_999_999.99}, "fail"),
    ("private-fund-investor", {**POOR, "user.financial_assets": None}, "unknown"),
    ("private-fund-investor", {"user.financial_assets": 0.0}, "pass"),
    (
        "private-fund-investor",
        {"user.financial_assets": 0.0, "user.annual_income": 500_000.0},
        "pass",
    ),
    (
        "private-fund-investor",
        {"user.financial_assets": 0.0, "user.annual_income": 499_999.99},
        "fail",
    ),
    ("private-fund-investor", {**PLAN}, None),
    ("private-fund-investor", {"product.category": None}, "unknown"),
    ("plan-investor", {}, None),
    # by experience and assets
    (
        "plan-investor",
        {**PLAN, **POOR, "user.years_experience": 2.0, "user.financial_assets": 3e6},
        "pass",
    ),
    (
        "plan-investor",
        {**PLAN, **POOR, "user.years_experience": 1.99, "user.financial_assets": 3e6},
        "fail",
    ),
    ("plan-investor", {**PLAN, **POOR, "user.financial_assets": 2_999_999.99}, "fail"),
    # by assets alone
    (
        "plan-investor",
        {**PLAN, **POOR, "user.years_experience": 0.0, "user.financial_assets": 5e6},
        "pass",
    ),
    (
        "plan-investor",
        {**PLAN, **POOR, "user.years_experience": 0.0, "user.financial_assets": 4_999_999.99},
        "fail",
    ),
    # by income alone
    (
        "plan-investor",
        {**PLAN, "user.financial_assets": 0.0, "user.annual_income": 400_000.0},
        "pass",
    ),
    (
        "plan-investor",
        {**PLAN, "user.financial_assets": 0.0, "user.annual_income": 399_999.99},
        "fail",
    ),
    ("minimum-ticket", {"product.min_amount": 1_000_000.0}, "pass"),
    ("minimum-ticket", {"product.min_amount": 999_999.0}, "fail"),
    *[
        ("minimum-ticket", {"product.category": f"{kind}_plan", "product.min_amount": amount}, said)
        for kind, least in [
            ("fixed_income", 300_000.0),
            ("mixed", 400_000.0),
            ("equity", 1_000_000.0),
            ("derivative", 1_000_000.0),
        ]
        for amount, said in [(least, "pass"), (least - 0.01, "fail")]
    ],
    ("professional-only", {}, None),
    ("professional-only", {"product.target_market": []}, None),
    ("professional-only", {"product.target_market": None}, "unknown"),
    # by right
    ("professional-only", {**PRO, **POOR, "user.financial_assets": 5e6}, "pass"),
    ("professional-only", {**PRO, **POOR, "user.financial_assets": 4_999_999.99}, "fail"),
    (
        "professional-only",
        {**PRO, "user.financial_assets": 0.0, "user.annual_income": 500_000.0},
        "pass",
    ),
    (
        "professional-only",
        {**PRO, "user.financial_assets": 0.0, "user.annual_income": 499_999.99},
        "fail",
    ),
    ("professional-only", {**PRO, "user.years_experience": 2.0}, "pass"),
    ("professional-only", {**PRO, "user.years_experience": 1.99}, "fail"),
    # converted: lower limits, a year of experience, and accepted by the firm
    (
        "professional-only",
        {**PRO, **POOR, "user.is_professional": True, "user.financial_assets": 3e6},
        "pass",
    ),
    (
        "professional-only",
        {**PRO, "user.is_professional": True, "user.years_experience": 1.0},
        "pass",
    ),
    (
        "professional-only",
        {**PRO, "user.is_professional": True, "user.years_experience": 0.99},
        "fail",
    ),
    (
        "professional-only",
        {**PRO, **POOR, "user.is_professional": True, "user.financial_assets": 2_999_999.0},
        "fail",
    ),
    ("risk-level", {"product.risk_level": "R5"}, "pass"),
    ("risk-level", {"user.risk_level": "C4"}, "pass"),
    ("risk-level", {"user.risk_level": "C3"}, "fail"),
    ("lowest-class", {"user.is_lowest_class": True, "product.risk_level": "R1"}, "pass"),
    ("lowest-class", {"user.is_lowest_class": True}, "fail"),
    ("questionnaire-valid", {"user.questionnaire_date": date(2024, 6, 2)}, "pass"),
    ("questionnaire-valid", {"user.questionnaire_date": date(2024, 6, 1)}, "fail"),
    ("questionnaire-valid", {"user.questionnaire_date": date(2025, 5, 31)}, "pass"),
    ("questionnaire-valid", {"user.questionnaire_date": date(2025, 6, 1)}, "fail"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_boundary(case: Case) -> None:
    rule, changes, verdict = case
    if rule == "professional-only" and {"user.financial_assets", "user.annual_income"} <= {
        *changes
    }:
        # the lower limits of conversion may fall below those of a private fund
        assert FUND.judge(changes)[1][rule] == verdict
        return
    FUND.check(case)


def test_every_rule_is_tested_on_both_sides() -> None:
    FUND.check_complete(CASES)


def test_missing_is_never_a_pass() -> None:
    FUND.check_missing()


def test_income_of_conversion() -> None:
    """The lower income is enough for a customer whom the firm has accepted."""
    converted = {**PRO, "user.is_professional": True, "user.years_experience": 1.0}
    for income, verdict in [(300_000.0, "pass"), (299_999.99, "fail")]:
        changes = {**converted, "user.financial_assets": 0.0, "user.annual_income": income}
        assert FUND.judge(changes)[1]["professional-only"] == verdict
