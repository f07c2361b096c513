"""House rules for an exchange and a crowdfunding platform."""

from datetime import date, datetime

import pytest

from suitability.regimes.baseline import Baseline, Case

AS_OF = datetime(2025, 6, 1)
CRYPTO = Baseline(
    "crypto-onboarding",
    AS_OF,
    {
        "birth_date": date(1999, 9, 9),
        "jurisdiction": "DE",
        "vulnerable": False,
        "knowledge_passed": ["basics"],
        "years_experience": 0.5,
        "loss_capacity": 0.25,
        "liquid_assets": 4_000.0,
    },
    {
        "regime": "crypto",
        "jurisdictions": ["DE", "FR"],
        "knowledge_topic": "basics",
        "complex": False,
        "max_loss": 1.0,
        "min_amount": 50.0,
    },
    frozenset({"user.years_experience"}),  # asked of complex products only
)
CRYPTO_CASES: list[Case] = [
    ("adult", {"user.birth_date": date(2007, 6, 1)}, "pass"),
    ("adult", {"user.birth_date": date(2007, 6, 2)}, "fail"),
    ("jurisdiction", {"user.jurisdiction": "FR"}, "pass"),
    ("jurisdiction", {"user.jurisdiction": "US"}, "fail"),
    ("not-vulnerable", {}, "pass"),
    ("not-vulnerable", {"user.vulnerable": True}, "fail"),
    ("knowledge-check", {"user.knowledge_passed": ["staking", "basics"]}, "pass"),
    ("knowledge-check", {"user.knowledge_passed": ["staking"]}, "fail"),
    ("knowledge-check", {"user.knowledge_passed": []}, "fail"),
    ("knowledge-check", {"user.knowledge_passed": ["staking", None]}, "unknown"),
    ("knowledge-check", {"product.knowledge_topic": None}, "unknown"),
    ("experience", {}, None),
    ("experience", {"product.complex": True, "user.years_experience": 1.0}, "pass"),
    ("experience", {"product.complex": True, "user.years_experience": 0.99}, "fail"),
    ("experience", {"product.complex": True, "user.years_experience": None}, "unknown"),
    ("loss-limit", {"product.min_amount": 1_000.0}, "pass"),
    ("loss-limit", {"product.min_amount": 1_000.01}, "fail"),
    ("loss-limit", {"product.min_amount": 400.0, "product.max_loss": 2.5}, "pass"),
    ("loss-limit", {"product.min_amount": 400.0, "product.max_loss": 2.51}, "fail"),
]
FUNDING = Baseline(
    "crowdfunding",
    AS_OF,
    {
        "birth_date": date(1999, 9, 9),
        "knowledge_passed": ["start-ups"],
        "annual_income": 60_000.0,
        "net_worth": 100_000.0,
        "loss_capacity": 0.1,
        "invested_12m": 1_000.0,
    },
    {
        "regime": "crowdfunding",
        "knowledge_topic": "start-ups",
        "sale_start": date(2025, 5, 1),
        "sale_end": date(2025, 7, 1),
        "amount_remaining": 80_000.0,
        "min_amount": 500.0,
    },
)
FUNDING_CASES: list[Case] = [
    ("adult", {"user.birth_date": date(2007, 6, 1)}, "pass"),
    ("adult", {"user.birth_date": date(2007, 6, 2)}, "fail"),
    ("open", {"product.sale_start": date(2025, 6, 1)}, "pass"),
    ("open", {"product.sale_start": datetime(2025, 6, 1, 0, 0, 0, 1)}, "fail"),
    ("open", {"product.sale_end": datetime(2025, 6, 1, 0, 0, 0, 1)}, "pass"),
    ("open", {"product.sale_end": date(2025, 6, 1)}, "fail"),
    ("open", {"product.sale_end": None}, "unknown"),
    ("not-full", {"product.amount_remaining": 500.0}, "pass"),
    ("not-full", {"product.amount_remaining": 499.99}, "fail"),
    ("knowledge-test", {}, "pass"),
    ("knowledge-test", {"product.knowledge_topic": "property"}, "fail"),
    # 5 % of 60,000
    ("income-cap", {"product.min_amount": 2_000.0}, "pass"),
    ("income-cap", {"product.min_amount": 2_000.01}, "fail"),
    ("income-cap", {"user.invested_12m": 2_500.0}, "pass"),
    ("income-cap", {"user.invested_12m": 2_500.01}, "fail"),
    ("loss-capacity-cap", {"user.net_worth": 15_000.0}, "pass"),
    ("loss-capacity-cap", {"user.net_worth": 14_999.99}, "fail"),
    ("loss-capacity-cap", {"user.loss_capacity": 0.0}, "fail"),
    ("loss-capacity-cap", {"user.net_worth": -50_000.0}, "fail"),
]
PLATFORMS = [(CRYPTO, CRYPTO_CASES), (FUNDING, FUNDING_CASES)]


@pytest.mark.parametrize(
    ("base", "case"),
    [
        pytest.param(base, case, id=f"{base.policy} {case}")
        for base, cases in PLATFORMS
        for case in cases
    ],
)
def test_boundary(base: Baseline, case: Case) -> None:
    base.check(case)


@pytest.mark.parametrize(("base", "cases"), PLATFORMS, ids=lambda x: getattr(x, "policy", ""))
def test_every_rule_is_tested_on_both_sides(base: Baseline, cases: list[Case]) -> None:
    base.check_complete(cases)


@pytest.mark.parametrize("base", [CRYPTO, FUNDING], ids=lambda base: base.policy)
def test_missing_is_never_a_pass(base: Baseline) -> None:
    base.check_missing()
