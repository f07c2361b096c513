"""European Union, MiFID II with ESMA's guidelines."""

from datetime import date, datetime

import pyarrow as pa
import pytest

import suitably as st
from suitability.regimes.baseline import Baseline, Case

AS_OF = datetime(2025, 6, 1)
USER = {
    "risk_level": "Balanced",
    "questionnaire_date": date(2025, 1, 10),
    "risk_review": False,
    "knowledge_passed": ["bonds", "equity"],
    "years_experience": 4.0,
    "horizon_months": 60,
    "loss_capacity": 0.25,
    "financial_assets": 40_000.0,
    "client_category": "retail",
}
PRODUCT = {
    "risk_level": 4,
    "complex": False,
    "knowledge_topic": "equity",
    "lock_up_months": 12,
    "max_loss": 0.5,
    "min_amount": 1_000.0,
    "negative_target_market": ["professional"],
}
FUND = Baseline(
    "eu-mifid",
    AS_OF,
    USER,
    PRODUCT,
    frozenset({"user.knowledge_passed", "product.knowledge_topic"}),  # asked of complex ones only
)
MOST = {"Conservative": 2, "Income": 3, "Balanced": 5, "Aggressive": 7}
COMPLEX = {"product.complex": True}
CASES: list[Case] = [
    ("information-given", {}, "pass"),
    *[
        ("information-given", {f"user.{name}": None}, "fail")
        for name in [
            *("risk_level", "questionnaire_date", "years_experience"),
            *("horizon_months", "loss_capacity", "financial_assets"),
        ]
    ],
    *[
        ("risk-tolerance", {"user.risk_level": level, "product.risk_level": sri}, verdict)
        for level, most in MOST.items()
        for sri, verdict in [(1, "pass"), (most, "pass"), (most + 1, "fail"), (7, "fail")]
        if sri <= 7 and (verdict == "pass" or sri > most)
    ],
    ("risk-tolerance", {"product.risk_level": None}, "unknown"),
    ("knowledge", {}, None),
    ("knowledge", {**COMPLEX}, "pass"),
    ("knowledge", {**COMPLEX, "product.knowledge_topic": "derivatives"}, "fail"),
    ("knowledge", {**COMPLEX, "product.knowledge_topic": "Equity"}, "fail"),
    ("knowledge", {**COMPLEX, "product.knowledge_topic": None}, "unknown"),
    ("knowledge", {**COMPLEX, "user.knowledge_passed": []}, "fail"),
    ("knowledge", {**COMPLEX, "user.knowledge_passed": None}, "unknown"),
    ("knowledge", {"product.complex": None}, "unknown"),
    ("capacity-for-loss", {"product.min_amount": 20_000.0}, "pass"),
    ("capacity-for-loss", {"product.min_amount": 20_000.01}, "fail"),
    ("capacity-for-loss", {"user.loss_capacity": 0.0}, "fail"),
    ("capacity-for-loss", {"user.loss_capacity": 0.0, "product.max_loss": 0.0}, "pass"),
    ("horizon", {"product.lock_up_months": 60}, "pass"),
    ("horizon", {"product.lock_up_months": 61}, "fail"),
    ("answers-reviewed", {"user.risk_review": False}, "pass"),
    ("answers-reviewed", {"user.risk_review": True}, "fail"),
    ("answers-reviewed", {"user.risk_review": None}, "unknown"),
    ("bold-without-experience", {}, None),
    (
        "bold-without-experience",
        {"user.risk_level": "Aggressive", "user.years_experience": 1.0},
        "pass",
    ),
    (
        "bold-without-experience",
        {
            "user.risk_level": "Aggressive",
            "user.years_experience": 0.99,
            "product.risk_level": 1,  # a lower level does not resolve the contradiction
        },
        "fail",
    ),
    ("assessment-current", {"user.questionnaire_date": date(2024, 6, 2)}, "pass"),
    ("assessment-current", {"user.questionnaire_date": date(2024, 6, 1)}, "fail"),
    ("assessment-current", {"user.questionnaire_date": date(2025, 5, 31)}, "pass"),
    ("assessment-current", {"user.questionnaire_date": date(2025, 6, 1)}, "fail"),
    ("negative-target-market", {"product.negative_target_market": []}, "pass"),
    ("negative-target-market", {"product.negative_target_market": ["retail"]}, "fail"),
    ("negative-target-market", {"user.client_category": "professional"}, "fail"),
    ("negative-target-market", {"product.negative_target_market": None}, "unknown"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_boundary(case: Case) -> None:
    FUND.check(case)


def test_every_rule_is_tested_on_both_sides() -> None:
    FUND.check_complete(CASES)


def test_missing_is_never_a_pass() -> None:
    FUND.check_missing()


def test_the_positive_target_market_keeps_nobody_out() -> None:
    """Outside it is flagged and reported; only the negative one is a hard exclusion."""
    assert "target_market" not in {field.name for field in st.Policy.load("eu-mifid").reads}


def test_what_a_model_says_of_the_level_is_not_read() -> None:
    row = {**USER, "risk_level": None, "predicted_risk_level": "Aggressive"}
    users = pa.table({"user_id": ["u"], **{name: [value] for name, value in row.items()}})
    products = pa.table({"product_id": ["p"], **{name: [v] for name, v in PRODUCT.items()}})
    eligibility = st.Policy.load("eu-mifid").evaluate(users, products, AS_OF)
    assert not eligibility.mask().any()


@pytest.mark.parametrize("sri", [0, 8])
def test_an_indicator_off_the_scale_is_refused(sri: int) -> None:
    with pytest.raises(st.DataError, match="risk_level"):
        FUND.judge({"product.risk_level": sri})
