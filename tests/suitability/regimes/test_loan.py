"""Consumer loans: affordability, and how a lender changes a ratio."""

from datetime import date, datetime
from importlib import resources
from typing import Any

import pyarrow as pa
import pytest

import suitably as st
from suitability.regimes.baseline import Baseline

LOAN = Baseline(
    "consumer-loan",
    datetime(2025, 6, 1),
    {
        "annual_income": 120_000.0,
        "annual_income_date": date(2025, 3, 1),
        "monthly_debt_payment": 1_000.0,
        "monthly_living_costs": 3_000.0,
        "monthly_property_fee": 200.0,
        "in_arrears": False,
        "birth_date": date(1990, 4, 3),
        "legal_capacity": "full",
    },
    {
        "regime": "loan",
        "purpose": "consumption",
        "monthly_payment": 2_000.0,
        "term_months": 24.0,
    },
    frozenset({"user.monthly_property_fee"}),  # asked of loans for a home only
)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("user.monthly_debt_payment", -1.0),
        ("user.annual_income", -120_000.0),
        ("user.legal_capacity", "FULL"),
        ("product.purpose", "Home"),
        ("product.monthly_payment", -0.01),
    ],
)
def test_a_fault_of_the_data_is_refused(field: str, value: Any) -> None:
    with pytest.raises(st.DataError, match=field.replace(".", r"\.")):
        LOAN.judge({field: value})


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
            "monthly_living_costs": [0.0] * len(incomes),
            **{
                name: [LOAN.user[name]] * len(incomes)
                for name in (
                    "annual_income_date",
                    "monthly_property_fee",
                    "in_arrears",
                    "birth_date",
                    "legal_capacity",
                )
            },
        }
    )
    products = pa.table(
        {
            "product_id": ["at", "above"],
            "regime": ["loan"] * 2,
            "purpose": ["consumption"] * 2,
            "term_months": [24.0] * 2,
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
