"""China, NFRA Order 7/2025: every boundary on both sides."""

from datetime import date, datetime

import pytest

from suitability.regimes.baseline import Baseline, Case

USER = {
    "risk_level": "C3",
    "questionnaire_date": date(2026, 1, 15),
    "assessments_today": 1,
    "assessments_12m": 2,
    "birth_date": date(1985, 5, 20),
    "legal_capacity": "full",
    "guardian_consent": False,
    "annual_income": 200_000.0,
    "liquid_assets": 100_000.0,
}
PRODUCT = {
    "regime": "nfra",
    "category": "wealth",
    "risk_level": "R2",
    "issuer_rating": "R2",
    "seller_rating": "R2",
    "min_amount": 10_000.0,
    "single_premium": None,
    "annual_premium": None,
    "term_months": 12,
}
WEALTH = Baseline(
    "cn-nfra-2025",
    datetime(2026, 3, 2),
    USER,
    PRODUCT,
    frozenset(
        {
            "user.guardian_consent",  # asked of limited capacity only
            "product.single_premium",  # asked of insurance only
            "product.annual_premium",
            "product.term_months",
        }
    ),
)
SINGLE = {"product.category": "insurance", "product.single_premium": 100_000.0}
ANNUAL = {
    "product.category": "insurance",
    "product.annual_premium": 20_000.0,
    "product.term_months": 120,
}
HIGH = {"user.risk_level": "C5", "product.risk_level": "R4"}
BORN = date(1961, 3, 2)  # 65 on the day asked about
WARD = {"user.legal_capacity": "limited", "user.guardian_consent": True}
LOW = {"product.risk_level": "R1", "product.issuer_rating": "R1", "product.seller_rating": "R1"}
CASES: list[Case] = [
    ("information-given", {}, "pass"),
    ("information-given", {"user.risk_level": None}, "fail"),
    ("information-given", {"user.questionnaire_date": None}, "fail"),
    ("information-given", {"user.annual_income": None}, "fail"),
    ("information-given", {"user.liquid_assets": None}, "fail"),
    # the higher of the ratings counts, whoever gave it
    ("risk-level", {"product.risk_level": "R3"}, "pass"),
    ("risk-level", {"product.issuer_rating": "R3", "product.seller_rating": "R1"}, "pass"),
    ("risk-level", {"product.risk_level": "R4"}, "fail"),
    ("risk-level", {"product.issuer_rating": "R4", "product.seller_rating": "R1"}, "fail"),
    ("risk-level", {"product.issuer_rating": "R1", "product.seller_rating": "R4"}, "fail"),
    ("risk-level", {"product.issuer_rating": None}, "unknown"),
    ("risk-level", {"product.seller_rating": None}, "unknown"),
    ("risk-level", {"user.risk_level": "C1", **LOW}, "pass"),
    ("risk-level", {"user.risk_level": "C1"}, "fail"),
    ("risk-level", {"user.risk_level": "C5", "product.seller_rating": "R5"}, "pass"),
    ("ability-to-pay", {"product.min_amount": 100_000.0}, "pass"),
    ("ability-to-pay", {"product.min_amount": 100_000.01}, "fail"),
    ("questionnaire-valid", {"user.questionnaire_date": datetime(2025, 3, 2, 0, 0, 0, 1)}, "pass"),
    ("questionnaire-valid", {"user.questionnaire_date": date(2025, 3, 2)}, "fail"),
    ("questionnaire-valid", {"user.questionnaire_date": date(2026, 3, 1)}, "pass"),
    ("questionnaire-valid", {"user.questionnaire_date": date(2026, 3, 2)}, "fail"),
    ("questionnaire-valid", {"user.questionnaire_date": date(2026, 3, 3)}, "fail"),
    ("assessments-a-day", {"user.assessments_today": 2}, "pass"),
    ("assessments-a-day", {"user.assessments_today": 3}, "fail"),
    ("assessments-a-day", {"user.assessments_today": None}, "unknown"),
    ("assessments-a-year", {"user.assessments_12m": 8}, "pass"),
    ("assessments-a-year", {"user.assessments_12m": 9}, "fail"),
    ("legal-capacity", {"user.legal_capacity": "full"}, "pass"),
    ("legal-capacity", {"user.legal_capacity": "none"}, "fail"),
    ("legal-capacity", {"user.legal_capacity": "none", "user.guardian_consent": True}, "fail"),
    ("legal-capacity", {"user.legal_capacity": "Full"}, "fail"),
    ("legal-capacity", {"user.legal_capacity": None}, "unknown"),
    ("limited-capacity", {}, None),
    ("limited-capacity", {**WARD, **LOW}, "pass"),
    ("limited-capacity", {**WARD, **LOW, "user.guardian_consent": False}, "fail"),
    ("limited-capacity", {**WARD, **LOW, "user.guardian_consent": None}, "unknown"),
    ("limited-capacity", {**WARD}, "fail"),
    ("limited-capacity", {**WARD, **LOW, "product.seller_rating": "R2"}, "fail"),
    ("special-care", {**HIGH, "user.birth_date": date(1961, 3, 3)}, None),  # 65 tomorrow
    ("special-care", {**HIGH, "user.birth_date": BORN}, "fail"),
    ("special-care", {"user.birth_date": date(1940, 1, 1), "product.risk_level": "R3"}, "pass"),
    ("special-care", {"user.birth_date": BORN, "product.risk_level": "R3"}, "pass"),
    ("special-care", {"user.birth_date": None}, "unknown"),
    ("premium-known", {}, None),
    ("premium-known", {**SINGLE}, "pass"),
    ("premium-known", {**ANNUAL}, "pass"),
    ("premium-known", {"product.category": "insurance"}, "fail"),
    ("single-premium", {**SINGLE, "product.single_premium": 800_000.0}, "pass"),
    ("single-premium", {**SINGLE, "product.single_premium": 800_000.01}, "fail"),
    ("single-premium", {"product.single_premium": 9e9}, None),  # not insurance
    ("annual-premium", {**ANNUAL, "product.annual_premium": 40_000.0}, "pass"),
    ("annual-premium", {**ANNUAL, "product.annual_premium": 40_000.01}, "fail"),
    ("annual-premium", {**ANNUAL, "user.annual_income": 0.0}, "fail"),
    ("annual-premium", {**ANNUAL, "user.annual_income": None}, "unknown"),
    # 40 years old: 34 years of payment come to 74, 35 to 75
    ("payment-years", {**ANNUAL, "product.term_months": 34 * 12}, "pass"),
    ("payment-years", {**ANNUAL, "product.term_months": 35 * 12 - 1}, "pass"),
    ("payment-years", {**ANNUAL, "product.term_months": 35 * 12}, "fail"),
    ("payment-years", {**ANNUAL, "product.term_months": None}, "unknown"),
    ("payment-years", {**SINGLE, "product.term_months": 600}, None),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_boundary(case: Case) -> None:
    WEALTH.check(case)


def test_every_rule_is_tested_on_both_sides() -> None:
    WEALTH.check_complete(CASES)


def test_missing_is_never_a_pass() -> None:
    WEALTH.check_missing()


def test_in_force_from_february_2026() -> None:
    eligible, verdicts = WEALTH.judge({"as_of": datetime(2026, 1, 31, 23, 59, 59, 999_999)})
    assert not eligible
    assert verdicts == {"policy:effective": "fail"}
    assert WEALTH.judge({"as_of": datetime(2026, 2, 1)})[0]


@pytest.mark.parametrize("regime", ["csrc", "NFRA", "nfra ", ""])
def test_governs_its_own_regime_only(regime: str) -> None:
    assert WEALTH.judge({"product.regime": regime}) == (False, {"policy:governs": "fail"})


BUDGET = Baseline(
    "cn-nfra-2025-budget",
    datetime(2026, 3, 2),
    {"premium_budget": 10_000.0},
    {
        "regime": "nfra",
        "category": "insurance",
        "single_premium": None,
        "annual_premium": 9_000.0,
    },
    frozenset({"product.single_premium"}),
)
BUDGET_CASES: list[Case] = [
    ("annual-premium-budget", {"product.annual_premium": 14_999.99}, "pass"),
    ("annual-premium-budget", {"product.annual_premium": 15_000.0}, "fail"),
    ("annual-premium-budget", {"product.annual_premium": None}, "unknown"),
    ("annual-premium-budget", {"user.premium_budget": None}, "unknown"),
    ("annual-premium-budget", {"product.single_premium": 1.0}, None),
    ("single-premium-budget", {"product.single_premium": 14_999.99}, "pass"),
    ("single-premium-budget", {"product.single_premium": 15_000.0}, "fail"),
    ("single-premium-budget", {}, None),
]


@pytest.mark.parametrize("case", BUDGET_CASES, ids=str)
def test_budget_boundary(case: Case) -> None:
    BUDGET.check(case)


def test_budget_is_tested_on_both_sides() -> None:
    BUDGET.check_complete(BUDGET_CASES)
    BUDGET.check_missing()


def test_budget_governs_insurance_only() -> None:
    assert not BUDGET.judge({"product.category": "wealth"})[0]
