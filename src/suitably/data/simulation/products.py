"""Simulated catalogue: funds, wealth products, insurance, deposits and loans."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suitably.data.simulation.product_kinds import CATEGORIES, KINDS, LEVELS, TICKETS
from suitably.data.simulation.timeline import DAY, END, FUTURE, MONTHS, START, Days

__all__ = ["Catalogue", "draw_catalogue"]

_ISSUERS = tuple(f"issuer-{n:02d}" for n in range(1, 26))
_TASTES = 8


@dataclass(frozen=True)
class Catalogue:
    """The products as a frame, and what the preference model knows of them.

    Attributes:
        frame: What the bank shows of its products, one a row.
        level: int64 (products,), risk level as a position in `LEVELS`.
        category: int64 (products,), position in `CATEGORIES`.
        ticket: int64 (products,), position in `TICKETS` of what a customer must have at hand.
        tastes: float64 (products, tastes), hidden qualities.
        appeal: float64 (products,), hidden popularity, log scale.
        drift: float64 (products, months), novelty and fashion, log scale; −inf when not on sale.
        repeatable: bool (products,), may be bought again.
        amount: float64 (products,), the smallest purchase, in yuan.
    """

    frame: pd.DataFrame
    level: NDArray[np.int64]
    category: NDArray[np.int64]
    ticket: NDArray[np.int64]
    tastes: NDArray[np.float64]
    appeal: NDArray[np.float64]
    drift: NDArray[np.float64]
    repeatable: NDArray[np.bool_]
    amount: NDArray[np.float64]


def draw_catalogue(n: int, rng: np.random.Generator) -> Catalogue:
    """Draw `n` products; the first is a demand deposit that everyone can afford at any time."""
    shares = np.array([kind.share for kind in KINDS])
    kind = rng.choice(len(KINDS), n, p=shares / shares.sum())
    kind[0] = 0
    level = (rng.random(n)[:, None] > np.cumsum(_of(kind, "levels"), axis=1)[:, :-1]).sum(axis=1)
    ticket = _pick(kind, "tickets", rng)
    ticket[0] = 0
    term = _pick(kind, "terms", rng)
    sale_start, sale_end = _windows(_of(kind, "window"), rng)
    category = np.array([CATEGORIES.index(k.category) for k in KINDS])[kind]
    loan = category == CATEGORIES.index("loan")
    amount = np.array(TICKETS)[ticket]
    frame = _frame(kind, level, amount, term, sale_start, sale_end, rng)

    centres = rng.normal(size=(len(KINDS), _TASTES))
    tastes = 0.6 * centres[kind] + 0.8 * rng.normal(size=(n, _TASTES))
    return Catalogue(
        frame=frame,
        level=level,
        category=category,
        ticket=np.where(loan, 0, ticket),  # a loan is paid out, not paid in
        tastes=tastes,
        appeal=rng.normal(scale=0.8, size=n),
        drift=_drift(sale_start, sale_end, rng),
        repeatable=frame["repeatable"].to_numpy(),
        amount=amount,
    )


def _of(kind: NDArray[np.int64], field: str) -> NDArray[Any]:
    return np.array([getattr(k, field) for k in KINDS])[kind]


def _pick(kind: NDArray[np.int64], field: str, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw one of the values that the product's kind allows."""
    options = [getattr(k, field) for k in KINDS]
    widest = max(map(len, options))
    table = np.array([[o[i % len(o)] for i in range(widest)] for o in options])
    counts = np.array([len(o) for o in options])[kind]
    picked: NDArray[np.int64] = table[kind, (rng.random(len(kind)) * counts).astype(np.int64)]
    return picked


def _windows(months: NDArray[np.int64], rng: np.random.Generator) -> tuple[Days, Days]:
    """Draw from when to when (exclusive) each product is on sale, in whole months."""
    n = len(months)
    recorded = int((END.astype("datetime64[M]") - START.astype("datetime64[M]")).astype(int))
    # Two open-ended products in three are older than the records.
    older = -rng.integers(0, 60, n)
    start = np.where(rng.random(n) < 2 / 3, older, rng.integers(0, recorded, n))
    start = np.where(months > 0, rng.integers(-3, recorded, n), start)
    start[0] = -12
    length = np.maximum(months + rng.integers(-2, 3, n), 1)
    origin = START.astype("datetime64[M]")
    begins = (origin + start).astype("datetime64[D]")
    ends = (origin + start + length).astype("datetime64[D]")
    return begins, np.where(months > 0, ends, FUTURE)


def _drift(start: Days, end: Days, rng: np.random.Generator) -> NDArray[np.float64]:
    """Novelty that fades over months, and fashion that wanders from month to month."""
    first = MONTHS[:-1].astype("datetime64[D]")
    age = (first - start[:, None]) / (30.4 * DAY)
    fashion = np.empty((len(start), len(first)))
    fashion[:, 0] = rng.normal(scale=0.5, size=len(start))
    for month in range(1, len(first)):
        step = rng.normal(scale=0.2, size=len(start))
        fashion[:, month] = 0.92 * fashion[:, month - 1] + step
    novelty = 1.2 * np.exp(-np.maximum(age, 0.0) / 4.0)
    on_sale = (first >= start[:, None]) & (first < end[:, None])
    return np.where(on_sale, novelty + fashion, -np.inf)


_HOLDING = (0, 3, 6, 12, 24)
"""For how many months a product of each level should be held at least."""
_CLASSES = ("P1", "P2", "P3", "P4", "P5")


def _frame(
    kind: NDArray[np.int64],
    level: NDArray[np.int64],
    amount: NDArray[np.float64],
    term: NDArray[np.int64],
    sale_start: Days,
    sale_end: Days,
    rng: np.random.Generator,
) -> pd.DataFrame:
    n = len(kind)
    sub = _of(kind, "sub_category").astype(object)
    category = _of(kind, "category").astype(object)
    regime = _of(kind, "regime").astype(object)
    loan, insurance = category == "loan", category == "insurance"
    purpose = np.full(n, None, object)
    purpose[loan] = "consumption"
    purpose[sub == "mortgage"] = "home"
    names = np.array(LEVELS, object)
    classes = np.array(_CLASSES, object)[level]
    classes[~insurance] = None
    # The seller rates one product in ten a level above its issuer; the stricter rating counts.
    issuer = np.where(rng.random(n) < 0.1, np.maximum(level - 1, 0), level)
    single = rng.random(n) < 0.4
    rate = 0.004 + 0.002 * rng.random(n)
    launch = sale_start - rng.integers(1, 15, n) * DAY
    return pd.DataFrame(
        {
            "product_id": _ids("p", n),
            "product_timestamp": launch.astype("datetime64[us]"),
            "name": sub + np.array([f"-{i + 1}" for i in range(n)], object),
            "category": category,
            "sub_category": sub,
            "regime": regime,
            "purpose": purpose,
            "issuer": np.array(_ISSUERS, object)[rng.integers(0, len(_ISSUERS), n)],
            "currency": np.where(rng.random(n) < 0.95, "CNY", "USD").astype(object),
            "risk_level": names[level],
            "issuer_rating": names[issuer],
            "seller_rating": names[level],
            "complex": rng.random(n) < _of(kind, "complexity"),
            "knowledge_topic": np.array([k.topic for k in KINDS], object)[kind],
            "min_amount": amount,
            "annual_premium": np.where(insurance & ~single, amount, np.nan),
            "single_premium": np.where(insurance & single, amount, np.nan),
            "monthly_payment": np.where(
                loan, np.round(amount * (1 / np.maximum(term, 1) + rate)), np.nan
            ),
            "fee_rate": np.round(_of(kind, "fee") * rng.uniform(0.6, 1.4, n), 5),
            "term_months": term,
            "lock_up_months": np.where(loan | insurance, 0, term),
            "recommended_holding_months": np.where(loan, 0, np.array(_HOLDING)[level]),
            "distributed": issuer != level,
            "insurance_class": classes,
            "uncertain_benefit": insurance & (level > 0),
            "payment_years": np.where(insurance, np.where(single, 1, 10), np.nan),
            "liquidity_days": np.where(term > 0, term * 30, 1 + level),
            "sale_start": sale_start.astype("datetime64[us]"),
            "sale_end": sale_end.astype("datetime64[us]"),
            "launch_date": launch.astype("datetime64[us]"),
            **_markets(regime, level),
            "repeatable": _of(kind, "repeatable"),
        }
    )


def _markets(regime: NDArray[Any], level: NDArray[np.int64]) -> dict[str, list[list[str]]]:
    """Positive and negative target markets as lists of client categories."""
    every = ["mass", "affluent", "private"]
    target = [
        ["private"] if r == "private" else every[1:] if risk >= 4 else list(every)
        for r, risk in zip(regime, level, strict=True)
    ]
    negative = [["mass"] if len(markets) < 3 else [] for markets in target]
    return {
        "target_market": target,
        "negative_target_market": negative,
        "jurisdictions": [["CN"] if r == "private" else ["CN", "HK"] for r in regime],
    }


def _ids(letter: str, n: int) -> NDArray[Any]:
    width = max(4, len(str(n)))
    return np.array([f"{letter}{i:0{width}d}" for i in range(1, n + 1)], object)
