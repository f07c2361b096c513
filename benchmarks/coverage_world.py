"""Customers and products with every field that a built-in policy reads: the bank's, or made up."""

from typing import Any

import numpy as np
import pandas as pd

import suitably as st

__all__ = ["AS_OF", "complete", "world"]

AS_OF = "2026-03-31"
"""Fifteen months after the simulated bank's end: its dates are moved, so rules are in force."""
_MOVED = pd.DateOffset(months=15)
_TOLERANCE = ["Conservative", "Income", "Balanced", "Aggressive", "Aggressive"]
_FINRA = ["conservative", "moderately conservative", "moderate", "moderately aggressive",
          "aggressive"]  # fmt: skip
_SEBI = ["Low", "Low to Moderate", "Moderate", "Moderately High", "Very High"]
_SCALES: dict[str, tuple[list[Any], list[Any]]] = {
    "eu-mifid": (_TOLERANCE, [1, 2, 4, 6, 7]),
    "uk-cobs": ([1, 3, 4, 6, 7], [1, 2, 4, 6, 7]),
    "us-finra": (_FINRA, _FINRA),
    "in-sebi": (_SEBI, _SEBI),
}
_REGIMES = {"crypto-onboarding": "crypto", "crowdfunding": "crowdfunding"}
_PLACES = {"crypto-onboarding": ["HK", "DE", "GB"], "uk-cobs": ["GB"], "eu-mifid": ["DE"]}


def world(name: str, users: int, products: int) -> tuple[st.Dataset, list[str]]:
    """Return the data on which a policy is judged, and the fields that it lacks."""
    bank = st.data.simulate_bank(users, products, seed=0)
    people, shelf, log = (_moved(f) for f in (bank.users, bank.products, bank.interactions))
    _levels(name, people, shelf)
    lacking = complete(name, people, shelf)
    return st.Dataset(people, shelf, log), lacking


def complete(name: str, people: pd.DataFrame, shelf: pd.DataFrame) -> list[str]:
    """Make up what a policy reads and the bank does not know; return what is all missing."""
    rng = np.random.default_rng(1)
    _customers(name, people, rng)
    _products(name, shelf, rng)
    lacking = []
    for field in st.Policy.load(name).reads:
        frame = people if field.side == "user" else shelf
        if field.name.isidentifier() and field.name not in frame:  # others may be absent
            frame[field.name] = None
            lacking.append(str(field))
    return sorted(set(lacking))


def _moved(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.copy()
    for column in frame.select_dtypes("datetime").columns:
        frame[column] = frame[column] + _MOVED
    return frame


def _levels(name: str, people: pd.DataFrame, shelf: pd.DataFrame) -> None:
    if name not in _SCALES:
        return
    for frame, letter, scale in zip((people, shelf), "CR", _SCALES[name], strict=True):
        levels = {f"{letter}{place}": level for place, level in enumerate(scale, 1)}
        mapped = frame["risk_level"].map(levels)
        frame["risk_level"] = mapped.astype("Int64") if isinstance(scale[0], int) else mapped


def _customers(name: str, people: pd.DataFrame, rng: np.random.Generator) -> None:
    """Make up what the bank does not know of a customer; versions of one need not agree."""
    n = len(people)
    now = pd.Timestamp(AS_OF)

    def days(longest: int) -> Any:
        return now - pd.to_timedelta(rng.integers(1, longest, n), "D")

    people["client_category"] = "retail"
    people["premium_budget"] = 0.2 * people["annual_income"]
    people["risk_review"] = rng.random(n) < 0.05
    people["invested_12m"] = rng.choice([0.0, 500.0, 2_000.0], n)
    people["is_sophisticated"] = rng.random(n) < 0.1
    people["loss_simulated_at"] = days(500)
    people["knowledge_passed_at"] = [
        dict.fromkeys(topics, moment)
        for topics, moment in zip(people["knowledge_passed"], days(900), strict=True)
    ]
    people["jurisdiction"] = rng.choice(_PLACES.get(name, ["CN"]), n)
    people["crypto_suitable"] = rng.random(n) < 0.7
    people["crypto_suitable_date"] = days(500)
    people["investor_type"] = rng.choice(
        ["restricted", "high_net_worth", "sophisticated", "none"], n, p=[0.7, 0.1, 0.1, 0.1]
    )
    people["investor_statement_date"] = days(500)
    people["warning_shown_at"] = days(60)
    people["rmmi_invested_12m"] = rng.choice([0.0, 1_000.0, 5_000.0], n)
    people["net_assets"] = people["net_worth"].clip(lower=0.0)
    people["confirmed_at"] = days(1_500)
    people["household_financial_assets"] = people["financial_assets"]
    people["household_net_financial_assets"] = 0.9 * people["financial_assets"]
    people["household_income"] = 1.3 * people["annual_income"]
    people["average_income_3y"] = 0.95 * people["annual_income"]
    people["net_worth_without_residence"] = people["financial_assets"]
    people["annual_income_last"] = 0.95 * people["annual_income"]
    people["joint_income"] = 1.3 * people["annual_income"]
    people["joint_income_last"] = 1.3 * people["annual_income_last"]
    people["income_expected_again"] = rng.random(n) < 0.9
    people["licensed"] = rng.random(n) < 0.01
    people["liabilities"] = 60.0 * people["monthly_debt_payment"]
    people["unwilling_to_lose"] = rng.random(n) < 0.1
    people["sustainability_preference"] = rng.random(n) < 0.2
    people["risk_level_date"] = people["questionnaire_date"]


def _products(name: str, shelf: pd.DataFrame, rng: np.random.Generator) -> None:
    n = len(shelf)
    regime = _REGIMES.get(name)
    if regime is not None:
        shelf["regime"] = regime
        shelf["sale_end"] = pd.Timestamp(AS_OF) + pd.DateOffset(months=2)
        shelf["min_amount"] = rng.choice([50.0, 500.0, 2_000.0], n)
        shelf["knowledge_topic"] = shelf["knowledge_topic"].fillna("equity")
    shelf["jurisdictions"] = [["CN", "HK", "DE", "GB"]] * n
    level = shelf["seller_rating"].str[1].to_numpy(int) - 1
    shelf["max_loss"] = 1.0 if regime == "crypto" else 0.15 * level
    shelf["amount_remaining"] = rng.choice([0.0, 10_000.0, 200_000.0], n)
    holding = np.array([0.0, 6.0, 24.0, 36.0, 60.0])[level]
    shelf["recommended_holding_months"] = np.maximum(shelf["lock_up_months"], holding)
    shelf["negative_target_market"] = [[]] * n
    shelf["equivalence_group"] = shelf["sub_category"]
    shelf["total_cost"] = shelf["fee_rate"]
    shelf["sustainable"] = rng.random(n) < 0.3
    shelf["restricted"] = shelf["regime"] == "private"
    shelf["risk_level_date"] = pd.Timestamp(AS_OF) - pd.DateOffset(days=20)
