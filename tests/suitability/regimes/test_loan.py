"""Consumer loans: affordability, and how a lender changes a ratio."""

from datetime import date, datetime
from importlib import resources

import pyarrow as pa
import pytest

import suitably as st
from suitability.regimes.baseline import Baseline, Case

LOAN = Baseline(
    "consumer-loan",
    datetime(2025, 6, 1),
    {
        "annual_income": 120_000.0,
        "monthly_debt_payment": 1_000.0,
        "birth_date": date(1990, 4, 3),
        "legal_capacity": "full",
    },
    {"regime": "loan", "category": "loan", "monthly_payment": 2_000.0},
)
MORTGAGE = {"product.category": "mortgage", "user.monthly_debt_payment": 0.0}
CASES: list[Case] = [
    ("adult", {"user.birth_date": date(2007, 6, 1)}, "pass"),
    ("adult", {"user.birth_date": date(2007, 6, 2)}, "fail"),
    ("adult", {"user.birth_date": date(2025, 6, 2)}, "unknown"),  # not born yet
    ("legal-capacity", {}, "pass"),
    ("legal-capacity", {"user.legal_capacity": "limited"}, "fail"),
    ("legal-capacity", {"user.legal_capacity": "none"}, "fail"),
    # 55 % of 10,000 a month
    ("total-debt", {"product.monthly_payment": 4_500.0}, "pass"),
    ("total-debt", {"product.monthly_payment": 4_500.01}, "fail"),
    ("total-debt", {"user.monthly_debt_payment": 3_500.0}, "pass"),
    ("total-debt", {"user.monthly_debt_payment": 3_500.01}, "fail"),
    ("total-debt", {"user.annual_income": 0.0}, "fail"),
    ("total-debt", {"user.annual_income": -120_000.0}, "fail"),
    ("total-debt", {"user.annual_income": None}, "unknown"),
    ("total-debt", {"user.monthly_debt_payment": None}, "unknown"),
    ("mortgage-payment", {}, None),
    ("mortgage-payment", {**MORTGAGE, "product.monthly_payment": 5_000.0}, "pass"),
    ("mortgage-payment", {**MORTGAGE, "product.monthly_payment": 5_000.01}, "fail"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_boundary(case: Case) -> None:
    LOAN.check(case)


def test_every_rule_is_tested_on_both_sides() -> None:
    LOAN.check_complete(CASES)


def test_missing_is_never_a_pass() -> None:
    LOAN.check_missing()


def test_the_boundary_is_exact_for_every_round_income() -> None:
    """A ratio that is 55 % on paper is not above 55 % in binary."""
    incomes = [240 * n for n in range(1, 2_001)]
    users = pa.table(
        {
            "user_id": incomes,
            "annual_income": [float(income) for income in incomes],
            "monthly_debt_payment": [11.0 * (income // 240) - 1 for income in incomes],
            "birth_date": [date(1990, 4, 3)] * len(incomes),
            "legal_capacity": ["full"] * len(incomes),
        }
    )
    products = pa.table(
        {
            "product_id": ["at", "above"],
            "regime": ["loan"] * 2,
            "category": ["loan"] * 2,
            "monthly_payment": [1.0, 1.01],
        }
    )
    mask = st.Policy.load("consumer-loan").evaluate(users, products, datetime(2025, 6, 1)).mask()
    assert mask[:, 0].all()
    assert not mask[:, 1].any()


def test_a_lender_changes_a_ratio_by_editing_the_text() -> None:
    file = resources.files("suitably.suitability") / "regimes" / "consumer-loan.toml"
    text = file.read_text(encoding="utf-8")
    stricter = st.Policy.from_toml(
        text.replace("<= 0.55", "<= 0.4").replace('"consumer-loan"', '"our-loans"')
    )
    assert stricter.fingerprint != st.Policy.load("consumer-loan").fingerprint
    users = pa.table({"user_id": ["u"], **{k: [v] for k, v in LOAN.user.items()}})
    for payment, expected in [(3_000.0, True), (3_000.01, False)]:
        product = {**LOAN.product, "monthly_payment": payment}
        products = pa.table({"product_id": ["p"], **{k: [v] for k, v in product.items()}})
        eligibility = stricter.evaluate(users, products, LOAN.as_of)
        assert eligibility.mask().item() is expected
