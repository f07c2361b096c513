"""An exchange and a crowdfunding platform: what their tables of cases cannot say."""

from datetime import date, datetime

import pyarrow as pa
import pytest

import suitably as st
from suitability.regimes.baseline import Baseline

AS_OF = datetime(2025, 6, 1)
CRYPTO = Baseline(
    "crypto-onboarding",
    AS_OF,
    {
        "birth_date": date(1999, 9, 9),
        "jurisdiction": "CH",
        "vulnerable": False,
        "knowledge_passed": ["basics"],
        "knowledge_passed_at": {"basics": date(2025, 1, 10)},
        "years_experience": 0.5,
        "loss_capacity": 0.25,
        "liquid_assets": 4_000.0,
        "amount_to_invest": 60.0,
        "crypto_suitable": True,
        "crypto_suitable_date": date(2025, 1, 1),
        "investor_type": "restricted",
        "investor_statement_date": date(2025, 1, 1),
        "warning_shown_at": datetime(2025, 5, 1, 12),
        "rmmi_invested_12m": 0.0,
        "net_assets": 20_000.0,
    },
    {
        "regime": "crypto",
        "jurisdictions": ["CH", "DE", "GB"],
        "knowledge_topic": "basics",
        "complex": False,
        "max_loss": 1.0,
        "min_amount": 50.0,
    },
    frozenset(
        {
            "user.years_experience",  # asked of complex products only
            "user.amount_to_invest",  # either stands in for the other
            "product.min_amount",
            "user.crypto_suitable",  # asked in the EU, the rest in the UK
            "user.crypto_suitable_date",
            "user.investor_type",
            "user.investor_statement_date",
            "user.warning_shown_at",
            "user.rmmi_invested_12m",
            "user.net_assets",
        }
    ),
)
FUNDING = Baseline(
    "crowdfunding",
    AS_OF,
    {
        "birth_date": date(1999, 9, 9),
        "is_sophisticated": False,
        "knowledge_passed": ["start-ups"],
        "knowledge_passed_at": {"start-ups": date(2025, 1, 10)},
        "loss_simulated_at": date(2025, 1, 10),
        "net_worth": 100_000.0,
        "loss_capacity": 0.2,
        "invested_12m": 1_000.0,
        "horizon_months": 60.0,
        "amount_to_invest": 600.0,
    },
    {
        "regime": "crowdfunding",
        "knowledge_topic": "start-ups",
        "sale_start": date(2025, 5, 1),
        "sale_end": date(2025, 7, 1),
        "recommended_holding_months": 36.0,
        "amount_remaining": 80_000.0,
        "min_amount": 500.0,
    },
    # Either amount stands in for the other; who simulated a loss may be sophisticated or not.
    frozenset({"user.amount_to_invest", "product.min_amount", "user.is_sophisticated"}),
)
UK = {"user.jurisdiction": "GB"}
EU = {"user.jurisdiction": "DE"}


@pytest.mark.parametrize("base", [CRYPTO, FUNDING], ids=lambda base: base.policy)
def test_missing_is_never_a_pass(base: Baseline) -> None:
    base.check_missing()


@pytest.mark.parametrize("base", [CRYPTO, FUNDING], ids=lambda base: base.policy)
def test_without_any_amount_nothing_is_offered(base: Baseline) -> None:
    assert not base.judge({"user.amount_to_invest": None, "product.min_amount": None})[0]


@pytest.mark.parametrize(
    ("place", "field"),
    [
        (EU, "crypto_suitable"),
        (EU, "crypto_suitable_date"),
        (UK, "investor_type"),
        (UK, "investor_statement_date"),
        (UK, "warning_shown_at"),
        (UK, "rmmi_invested_12m"),
        (UK, "net_assets"),
    ],
)
def test_what_a_place_asks_for_is_asked_there(place: dict[str, str], field: str) -> None:
    assert CRYPTO.judge(place)[0]
    assert not CRYPTO.judge({**place, f"user.{field}": None})[0]


@pytest.mark.parametrize("share", [-0.6, 1.5, 10.0])
@pytest.mark.parametrize("base", [CRYPTO, FUNDING], ids=lambda base: base.policy)
def test_a_share_that_is_none_is_refused(base: Baseline, share: float) -> None:
    with pytest.raises(st.DataError, match=r"user\.loss_capacity"):
        base.judge({"user.loss_capacity": share})


def test_nobody_reads_of_their_own_vulnerability() -> None:
    rule = next(r for r in st.Policy.load("crypto-onboarding").rules if r.id == "not-vulnerable")
    assert "vulnerab" not in rule.because["en"]
    assert "弱势" not in rule.because["zh"]
    users = pa.table({"user_id": ["u"], **{k: [v] for k, v in CRYPTO.user.items()}})
    users = users.set_column(users.column_names.index("vulnerable"), "vulnerable", [[True]])
    products = pa.table({"product_id": ["p"], **{k: [v] for k, v in CRYPTO.product.items()}})
    found = st.Policy.load("crypto-onboarding").evaluate(users, products, AS_OF)
    (verdict,) = [v for v in found.verdicts("u", "p") if v.verdict == "fail"]
    assert "vulnerab" not in verdict.text["en"]
    assert "vulnerable" in verdict.adviser_text["en"]
    assert "弱势" in verdict.adviser_text["zh"]
