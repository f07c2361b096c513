"""United Kingdom, United States and India."""

from datetime import date, datetime

import pytest

from suitability.regimes.baseline import Baseline, Case

AS_OF = datetime(2025, 6, 1)
VALIDITY = [
    (date(2024, 6, 2), "pass"),
    (date(2024, 6, 1), "fail"),
    (date(2025, 5, 31), "pass"),
    (date(2025, 6, 1), "fail"),
]
UK = Baseline(
    "uk-cobs",
    AS_OF,
    {
        "risk_level": 4,
        "questionnaire_date": date(2025, 1, 10),
        "knowledge_passed": ["equity"],
        "horizon_months": 60,
        "loss_capacity": 0.25,
        "financial_assets": 40_000.0,
        "liquid_assets": 15_000.0,
        "client_category": "retail",
    },
    {
        "risk_level": 3,
        "complex": False,
        "knowledge_topic": "equity",
        "lock_up_months": 12,
        "max_loss": 0.5,
        "min_amount": 1_000.0,
        "negative_target_market": ["professional"],
    },
    frozenset({"user.knowledge_passed", "product.knowledge_topic"}),
)
UK_CASES: list[Case] = [
    ("information-given", {}, "pass"),
    *[
        ("information-given", {f"user.{name}": None}, "fail")
        for name in [
            *("risk_level", "questionnaire_date", "horizon_months"),
            *("loss_capacity", "financial_assets", "liquid_assets"),
        ]
    ],
    ("knowledge", {"product.complex": True}, "pass"),
    ("knowledge", {"product.complex": True, "user.knowledge_passed": ["bonds"]}, "fail"),
    ("affordable", {"product.min_amount": 15_000.0}, "pass"),
    ("affordable", {"product.min_amount": 15_000.01}, "fail"),
    ("capacity-for-loss", {"product.min_amount": 10_000.0, "product.max_loss": 1.0}, "pass"),
    ("capacity-for-loss", {"product.min_amount": 10_000.01, "product.max_loss": 1.0}, "fail"),
    ("risk-attitude", {"product.risk_level": 4}, "pass"),
    ("risk-attitude", {"product.risk_level": 5}, "fail"),
    ("risk-attitude", {"user.risk_level": 7, "product.risk_level": 7}, "pass"),
    ("risk-attitude", {"user.risk_level": 1, "product.risk_level": 1}, "pass"),
    ("horizon", {"product.lock_up_months": 60}, "pass"),
    ("horizon", {"product.lock_up_months": 61}, "fail"),
    *[("information-current", {"user.questionnaire_date": d}, v) for d, v in VALIDITY],
    ("negative-target-market", {}, "pass"),
    ("negative-target-market", {"product.negative_target_market": ["retail"]}, "fail"),
]
US = Baseline(
    "us-finra",
    AS_OF,
    {
        "risk_level": "moderate",
        "annual_income": 90_000.0,
        "net_worth": 250_000.0,
        "liquid_assets": 30_000.0,
        "horizon_months": 60,
        "years_experience": 4.0,
        "knowledge_passed": ["options"],
    },
    {
        "regime": "public",
        "risk_level": "moderately conservative",
        "complex": False,
        "knowledge_topic": "options",
        "lock_up_months": 0,
        "min_amount": 1_000.0,
    },
    frozenset({"user.knowledge_passed", "product.knowledge_topic"}),
)
PRIVATE = {"product.regime": "private"}
US_CASES: list[Case] = [
    ("profile-known", {}, "pass"),
    *[
        ("profile-known", {f"user.{name}": None}, "fail")
        for name in [
            *("risk_level", "annual_income", "net_worth"),
            *("liquid_assets", "horizon_months", "years_experience"),
        ]
    ],
    ("risk-tolerance", {"product.risk_level": "moderate"}, "pass"),
    ("risk-tolerance", {"product.risk_level": "moderately aggressive"}, "fail"),
    ("time-horizon", {"product.lock_up_months": 60}, "pass"),
    ("time-horizon", {"product.lock_up_months": 61}, "fail"),
    ("liquidity", {"product.min_amount": 30_000.0}, "pass"),
    ("liquidity", {"product.min_amount": 30_000.01}, "fail"),
    ("experience", {"product.complex": True, "user.years_experience": 1.0}, "pass"),
    ("experience", {"product.complex": True, "user.years_experience": 0.99}, "fail"),
    ("experience", {"product.complex": True, "user.knowledge_passed": []}, "fail"),
    ("accredited-investor", {}, None),
    ("accredited-investor", {**PRIVATE, "user.annual_income": 200_000.01}, "pass"),
    ("accredited-investor", {**PRIVATE, "user.annual_income": 200_000.0}, "fail"),
    ("accredited-investor", {**PRIVATE, "user.net_worth": 1_000_000.01}, "pass"),
    ("accredited-investor", {**PRIVATE, "user.net_worth": 1_000_000.0}, "fail"),
    ("accredited-investor", {**PRIVATE, "user.net_worth": None}, "unknown"),
]
INDIA = Baseline(
    "in-sebi",
    AS_OF,
    {
        "risk_level": "Moderate",
        "questionnaire_date": date(2025, 1, 10),
        "horizon_months": 36,
        "liquid_assets": 50_000.0,
    },
    {"risk_level": "Low to Moderate", "lock_up_months": 0, "min_amount": 500.0},
)
INDIA_CASES: list[Case] = [
    ("risk-profiled", {}, "pass"),
    ("risk-profiled", {"user.risk_level": None}, "fail"),
    ("risk-profiled", {"user.questionnaire_date": None}, "fail"),
    ("risk-level", {"product.risk_level": "Moderate"}, "pass"),
    ("risk-level", {"product.risk_level": "Moderately High"}, "fail"),
    ("risk-level", {"user.risk_level": "Very High", "product.risk_level": "Very High"}, "pass"),
    ("risk-level", {"user.risk_level": "Low"}, "fail"),
    ("horizon", {"product.lock_up_months": 36}, "pass"),
    ("horizon", {"product.lock_up_months": 37}, "fail"),
    ("affordable", {"product.min_amount": 50_000}, "pass"),
    ("affordable", {"product.min_amount": 50_000.01}, "fail"),
    *[("profile-current", {"user.questionnaire_date": d}, v) for d, v in VALIDITY],
]
REGIMES = [(UK, UK_CASES), (US, US_CASES), (INDIA, INDIA_CASES)]


@pytest.mark.parametrize(
    ("base", "case"),
    [
        pytest.param(base, case, id=f"{base.policy} {case}")
        for base, cases in REGIMES
        for case in cases
    ],
)
def test_boundary(base: Baseline, case: Case) -> None:
    base.check(case)


@pytest.mark.parametrize(("base", "cases"), REGIMES, ids=lambda x: getattr(x, "policy", ""))
def test_every_rule_is_tested_on_both_sides(base: Baseline, cases: list[Case]) -> None:
    base.check_complete(cases)


@pytest.mark.parametrize("base", [UK, US, INDIA], ids=lambda base: base.policy)
def test_missing_is_never_a_pass(base: Baseline) -> None:
    base.check_missing()


def test_six_levels_from_2021() -> None:
    asked = {"user.questionnaire_date": date(2020, 12, 1)}
    before = INDIA.judge({**asked, "as_of": datetime(2020, 12, 31, 23, 59)})
    assert before == (False, {"policy:effective": "fail"})
    assert INDIA.judge({**asked, "as_of": datetime(2021, 1, 1)})[0]
