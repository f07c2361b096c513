"""Customers, products and twelve rules with realistic cardinalities, for several benchmarks."""

import numpy as np
import pandas as pd

import suitably as st

AS_OF = pd.Timestamp("2024-06-01")
LEVELS, SHARES = ["C1", "C2", "C3", "C4", "C5"], [0.1, 0.3, 0.3, 0.2, 0.1]
PLACES, PLACE_SHARES = ["CN", "HK", "SG", "UK", "any"], [0.5, 0.1, 0.1, 0.1, 0.2]

POLICY = """
[policy]
id = "benchmark"
version = "1"
[scales]
investor = ["C1", "C2", "C3", "C4", "C5"]
product = ["R1", "R2", "R3", "R4", "R5"]
[fields]
"user.risk_level" = "investor"
"product.risk_level" = "product"
[[rules]]
id = "risk-level"
require = "rank(product.risk_level) <= rank(user.risk_level)"
[[rules]]
id = "adult"
require = "age(user.birth_date) >= 18"
[[rules]]
id = "questionnaire"
require = "user.questionnaire_date < as_of < user.questionnaire_date + months(24)"
[[rules]]
id = "affordable"
require = "product.min_amount <= 0.5 * user.liquid_assets"
[[rules]]
id = "premium"
applies = "not missing(product.annual_premium)"
require = "product.annual_premium <= 0.2 * user.annual_income"
[[rules]]
id = "special-care"
applies = "age(user.birth_date) >= 65"
require = "rank(product.risk_level) <= 3"
[[rules]]
id = "on-sale"
require = "product.sale_start <= as_of < product.sale_end"
[[rules]]
id = "term"
applies = "product.term_months > 60"
require = "age(user.birth_date) + product.term_months / 12 <= 80"
[[rules]]
id = "lowest-class"
applies = "user.is_lowest_class"
require = "product.risk_level == 'R1'"
[[rules]]
id = "jurisdiction"
require = "user.jurisdiction == product.jurisdiction or product.jurisdiction == 'any'"
[[rules]]
id = "complex"
applies = "product.complex"
require = "rank(user.risk_level) >= 2 and user.liquid_assets >= 10000"
[[rules]]
id = "debt"
applies = "not missing(product.monthly_payment)"
require = "user.annual_income * 0.4 >= product.monthly_payment * 12"
"""


def frames(users: int, products: int, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw customers and products: ages, incomes, amounts and dates make most customers unique."""
    rng = np.random.default_rng(seed)
    day = np.timedelta64(1, "D")
    customers = pd.DataFrame(
        {
            "user_id": np.arange(users),
            "risk_level": rng.choice(LEVELS, users, p=SHARES),
            "birth_date": np.datetime64("1935-01-01") + rng.integers(0, 27_000, users) * day,
            "annual_income": rng.lognormal(11.5, 0.8, users).round(2),
            "liquid_assets": rng.lognormal(11, 1.3, users).round(2),
            "questionnaire_date": np.datetime64("2022-01-01") + rng.integers(0, 870, users) * day,
            "jurisdiction": rng.choice(["CN", "HK", "SG", "UK"], users, p=[0.7, 0.15, 0.1, 0.05]),
            "is_lowest_class": rng.random(users) < 0.03,
        }
    )
    customers.loc[rng.random(users) < 0.03, "annual_income"] = np.nan
    customers.loc[rng.random(users) < 0.05, "risk_level"] = None
    shelf = pd.DataFrame(
        {
            "product_id": np.arange(products),
            "risk_level": rng.choice(["R1", "R2", "R3", "R4", "R5"], products),
            "min_amount": rng.lognormal(8.5, 1.5, products).round(-1),
            "annual_premium": rng.lognormal(9, 1, products).round(0),
            "monthly_payment": rng.lognormal(7, 1, products).round(0),
            "term_months": rng.choice([0, 3, 6, 12, 36, 60, 120, 180, 240], products),
            "sale_start": np.datetime64("2020-01-01") + rng.integers(0, 1_700, products) * day,
            "complex": rng.random(products) < 0.3,
            "jurisdiction": rng.choice(PLACES, products, p=PLACE_SHARES),
        }
    )
    shelf["sale_end"] = shelf["sale_start"] + pd.to_timedelta(
        rng.integers(200, 3_000, products), "D"
    )
    shelf.loc[rng.random(products) < 0.8, "annual_premium"] = np.nan
    shelf.loc[rng.random(products) < 0.8, "monthly_payment"] = np.nan
    return customers, shelf


def fitted_pipeline(users: int, products: int, events_a_user: int) -> st.Pipeline:
    """Return a pipeline under the policy, on purchases at random."""
    people, shelf = frames(users, products)
    rng = np.random.default_rng(1)
    log = pd.DataFrame(
        {
            "user_id": rng.integers(0, users, events_a_user * users),
            "product_id": rng.integers(0, products, events_a_user * users),
            "timestamp": AS_OF - pd.Timedelta(days=1),
        }
    )
    ranker = st.ranking.ALS(factors=64, iterations=1)  # what was learned does not matter here
    pipeline = st.Pipeline(policy=st.Policy.from_toml(POLICY), ranker=ranker)
    return pipeline.fit(st.Dataset(people, shelf, log), AS_OF)
