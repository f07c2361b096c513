"""A log of purchases, sales, visits, letters and tags, and the frames that go with it."""

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

import suitably as st

__all__ = ["AS_OF", "FUNNEL", "OTHER", "Frames", "draw"]

AS_OF = "2025-01-01"
OTHER = ("view", "ask", "letter", "tag_added", "tag_removed")
FUNNEL = {"seen": ["view"], "asked": ["ask"], "bought": ["buy"]}
_START, _DAYS = np.datetime64("2023-01-01", "us"), 731
_SHARES = {"buy": 0.55, "sell": 0.05, "view": 0.25, "ask": 0.1, "letter": 0.03}
_SHARES |= {"tag_added": 0.015, "tag_removed": 0.005}
_PRODUCTS = 500


class Frames(NamedTuple):
    """Users, products and log, as a caller has them."""

    users: pa.Table
    products: pa.Table
    log: pa.Table

    def dataset(self) -> st.Dataset:
        """Check them and put them in order."""
        return st.Dataset(*self, disposed_events=["sell"], other_events=OTHER)


def draw(events: int, users: int, seed: int = 0) -> Frames:
    """Draw a log in no order: amounts in cents, moments in microseconds."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(len(_SHARES), events, p=list(_SHARES.values())).astype(np.int8)
    names = list(_SHARES)
    traded, tagged = kind < 2, kind >= names.index("tag_added")
    value = np.round(np.exp(4 + 2 * rng.random(events)), 2)
    log = pa.table(
        {
            "user_id": rng.integers(0, users, events),
            "product_id": rng.integers(0, _PRODUCTS, events),
            "timestamp": _START + rng.integers(0, _DAYS * 86_400_000_000, events),
            "value": pa.array(value, mask=~traded),
            "event": _texts(names, kind),
            "channel": _texts(["app", "branch", "web"], rng.integers(0, 3, events)),
            "tag": _texts([f"tag {n}" for n in range(12)], rng.integers(0, 12, events), ~tagged),
        }
    )
    shelf = pa.table(
        {
            "product_id": np.arange(_PRODUCTS),
            "category": _texts(list("ABCDEF"), rng.integers(0, 6, _PRODUCTS)),
            "issuer": _texts([f"issuer {n:02}" for n in range(20)], rng.integers(0, 20, _PRODUCTS)),
            "risk_level": _texts([f"R{n}" for n in range(1, 6)], rng.integers(0, 5, _PRODUCTS)),
            "term_months": rng.integers(1, 120, _PRODUCTS),
            "liquidity_days": rng.integers(0, 60, _PRODUCTS),
            "fee_rate": rng.uniform(0, 0.02, _PRODUCTS),
        }
    )
    people = pa.table(
        {"user_id": np.arange(users), "financial_assets": np.round(rng.lognormal(9, 2, users), 2)}
    )
    return Frames(people, shelf, log)


def _texts(words: list[str], codes: Any, missing: Any = None) -> pa.Array:
    return pa.array(words).take(pa.array(codes, mask=missing))
