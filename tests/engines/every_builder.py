"""A bank with something for every builder, for engines that make profiles part by part."""

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import suitably as st
from suitably.profiles import (
    Activity,
    BalanceValue,
    Churn,
    FieldInfo,
    FromFunction,
    Holdings,
    Lifecycle,
    LifetimeValue,
    Preferences,
    RecencyFrequencyValue,
    RiskAppetite,
    Tags,
    Tier,
)

AS_OF = datetime(2024, 6, 1, 12)
KINDS: dict[str, Any] = {
    "owned_events": ("buy",),
    "disposed_events": ("sell",),
    "rejected_events": ("dismiss",),
    "other_events": ("view", "letter", "complaint", "tag_added", "tag_removed", "marriage"),
}
_KINDS = ("buy", "sell", "dismiss", *KINDS["other_events"])
_SHARES = (0.55, 0.08, 0.02, 0.15, 0.08, 0.03, 0.05, 0.03, 0.01)


def frames() -> list[pa.Table]:
    """Return users, products and a log in which every seventh user did nothing."""
    rng = np.random.default_rng(2)
    count, users, products = 900, 60, 9
    who = rng.integers(0, users, count)
    # Half stay, and the others are not heard of again from some day on.
    span = np.where(np.arange(users) % 2, 1.0, rng.uniform(0.1, 0.9, users))[who]
    days = 800 * (1 - span * rng.random(count))
    kinds = rng.choice(_KINDS, count, p=_SHARES)
    trade = np.isin(kinds, ["buy", "sell", "dismiss"])
    log = pa.table({
        "user_id": [f"u{u}" for u in who],
        "product_id": [f"p{p}" if t else None
                       for p, t in zip(rng.integers(0, products, count), trade, strict=True)],
        "timestamp": [AS_OF - timedelta(seconds=60 + int(86_400 * d)) for d in days],
        "value": pa.array(np.round(rng.lognormal(4, 1, count), 2), mask=~trade),
        "event": kinds.tolist(),
        "channel": rng.choice(["app", "web"], count).tolist(),
        "page": rng.choice(["home", "funds", "order"], count).tolist(),
        "tag": [rng.choice(["green", "cautious"]) if "tag" in kind else None for kind in kinds],
        "currency": rng.choice(["EUR", "USD"], count, p=[0.9, 0.1]).tolist(),
    })  # fmt: skip
    log = log.filter(pa.array(who % 7 > 0))
    people = pa.table({
        "user_id": [f"u{u}" for u in range(users)],
        "risk_level": [["C1", "C2", "C3", None][u % 4] for u in range(users)],
        "questionnaire_date": [date(2023, 9, 1 + u % 28) for u in range(users)],
        "liquid_assets": [float(100 * u) for u in range(users)],
        "net_worth": [float(9_000 - 100 * u) for u in range(users)],
        "financial_assets": [None if u % 5 == 0 else 4_000.0 * u for u in range(users)],
        "balance": [50.0 * u - 100 for u in range(users)],
    })  # fmt: skip
    catalogue = pa.table({
        "product_id": [f"p{p}" for p in range(products)],
        "issuer": [f"i{p % 4}" for p in range(products)],
        "category": [["fund", "wealth", "insurance"][p % 3] for p in range(products)],
        "risk_level": [f"C{1 + p % 3}" for p in range(products)],
        "term_months": [[6.0, 24.0, 90.0, None][p % 4] for p in range(products)],
        "liquidity_days": [float(p) for p in range(products)],
        "fee_rate": [0.001 * (1 + p) for p in range(products)],
    })  # fmt: skip
    return [people, catalogue, log]


def per_purchase(users: pa.Table, as_of: Any) -> dict[str, Any]:
    """Return the mean purchase, where there are any."""
    counts = pc.if_else(pc.greater(users["frequency"], 0), users["frequency"], None)
    return {"per_purchase": pc.divide(users["monetary"], counts)}


def every_builder() -> list[Any]:
    """Return one of each, with as many of its fields as there can be at once."""
    rates = {"EUR": 1.0, "USD": 0.9}
    return [
        RecencyFrequencyValue(rates=rates),
        Lifecycle(),
        RiskAppetite(
            scale=["C1", "C2", "C3"],
            capacity=("liquid_assets", "net_worth"),
            capacity_limits=[0.1, 0.4],
            rates=rates,
        ),
        Preferences(channel="channel", rates=rates),
        Holdings(rates=rates),
        Activity(
            channel="channel",
            page="page",
            contact_events=["letter"],
            complaint_events=["complaint"],
            refused_events=["dismiss"],
            funnel={"seen": ["view"], "bought": ["buy"]},
        ),
        Tier(held=True, rates=rates),
        Tags(life_events=["marriage"]),
        BalanceValue(),
        LifetimeValue(rates=rates, penalty=0.01),
        Churn(horizon_days=60, min_examples=10),
        FromFunction(
            per_purchase,
            {"per_purchase": FieldInfo("derived", "money")},
            of=[RecencyFrequencyValue(rates=rates)],
        ),
    ]


def fitted() -> tuple[list[Any], pa.Table]:
    """Return every builder, fitted in one process, and what it makes of everybody there."""
    builders = every_builder()
    return builders, st.profiles.build(builders, st.Dataset(*frames(), **KINDS), AS_OF)
