"""What is asked about: two banks, a log with several kinds of event, and the rules."""

import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import suitably as st

CUT, SOON, LATER, END = "2024-07-01", "2024-12-15", "2026-03-01", "2025-01-01"
SHELVES = ["cn-nfra-2025", "cn-csrc-amac", "qualified-investor", "consumer-loan"]
HOUSE = """
[policy]
id = "house"
version = "7"
title = { en = "House", zh = "内部" }
governs = "product.regime in ['csrc', 'nfra', 'loan'] and not missing(product.category)"
effective = 2020-01-01
expires = 2031-01-01
[scales]
investor = ["C1", "C2", "C3", "C4", "C5"]
product = ["R1", "R2", "R3", "R4", "R5"]
[fields]
"user.risk_level" = "investor"
"product.risk_level" = "product"
"user.vulnerable" = "boolean"
[[rules]]
id = "level"
article = "1"
require = "rank(product.risk_level) <= rank(user.risk_level) + 1"
because = { en = "{product.risk_level} is above {user.risk_level} on {as_of}.", zh = "{as_of}" }
[[rules]]
id = "fresh"
require = "user.questionnaire_date < as_of < user.questionnaire_date + months(30)"
[[rules]]
id = "on-sale"
require = "product.sale_start <= as_of and as_of < product.sale_end"
[[rules]]
id = "affordable"
applies = "product.min_amount > 0"
require = "product.min_amount / user.liquid_assets <= 0.5 or user.net_worth >= 1000000"
because = "{product.min_amount} is too much."
[[rules]]
id = "age"
applies = "not missing(product.term_months)"
require = "age(user.birth_date) + product.term_months / 12 <= max(85, abs(-80)) + min(1, 2)"
[[rules]]
id = "market"
require = "user.client_category in product.target_market"
[[rules]]
id = "not-for"
require = "not contains(product.negative_target_market, user.client_category)"
effective = 2023-06-01
[[rules]]
id = "knowledge"
applies = "product.complex and not user.is_professional"
require = "product.knowledge_topic in user.knowledge_passed or user.years_experience >= 3"
[[rules]]
id = "care"
applies = "user.vulnerable"
require = "product.risk_level in ['R1', 'R2'] and product.lock_up_months <= user.horizon_months"
expires = 2025-06-01
"""


@cache
def bank() -> Any:
    return st.data.simulate_bank(users=2_000, products=200, seed=0)


@cache
def far() -> Any:
    fallback = Path(__file__).parents[3] / "shared" / "data"
    return st.data.far_trans(Path(os.environ.get("SUITABLY_DATA", fallback)) / "far_trans")


@cache
def visits() -> Any:
    """Return the bank with views beside purchases, which alone make a product owned."""
    log = bank().interactions
    rng = np.random.default_rng(1)
    views = log.iloc[np.sort(rng.choice(len(log), len(log) // 2, replace=False))].copy()
    shelf = bank().products
    early = shelf["product_id"][shelf["product_timestamp"] < "2021-01-01"]
    views["product_id"] = rng.choice(early.to_numpy(object), len(views))
    views["event"] = rng.choice(["view", "ask"], len(views))
    everything = pd.concat([log, views.assign(value=0.0)], ignore_index=True)
    everything = everything.astype({"user_id": str, "product_id": str})
    return st.Dataset(bank().users, bank().products, everything, owned_events=["buy"])


def house() -> Any:
    return st.Policy.from_toml(HOUSE)


def rules(name: str) -> Any:
    """Return a policy or several, by what the scenarios call them."""
    free = st.Policy.unrestricted
    made = {"unrestricted": free, "house": house, "shelves": lambda: SHELVES}
    return made[name]() if name in made else st.Policy.load(name)
