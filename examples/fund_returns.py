"""A fund platform: are lists that fit better also worth more, dearer, or merely riskier?

Two pipelines under one policy are compared on what customers then bought, and on what the products
in their lists did in the window after the cut. Prices are drawn: the riskier a product, the more
they move. What a list returned in one window says nothing of the next; its interval is over
customers, who all lived through the same market.
Run it with `python examples/fund_returns.py`.
"""

import numpy as np
import pandas as pd

import suitably as st

CUT, DAYS = pd.Timestamp("2024-07-01"), 180

bank = st.data.simulate_bank(users=1_500, products=120, seed=0)
policy = st.Policy.load("cn-csrc-amac")


def drawn_prices(products: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Draw a price a month for each product; levels R1 to R5 move by 0.5 to 4 % a month."""
    rng = np.random.default_rng(seed)
    known = products.drop_duplicates("product_id")
    moves = known["risk_level"].map({"R1": 0.005, "R2": 0.01, "R3": 0.02, "R4": 0.03, "R5": 0.04})
    days = pd.date_range(CUT, periods=DAYS // 30 + 1, freq="30D")
    steps = rng.normal(0.002, 1.0, (len(known), len(days))) * moves.fillna(0.01).to_numpy()[:, None]
    levels = 100 * np.exp(np.cumsum(steps, axis=1))
    return pd.DataFrame(
        {
            "product_id": known["product_id"].repeat(len(days)).to_numpy(),
            "timestamp": np.tile(days, len(known)),
            "price": levels.ravel(),
        }
    )


test = st.ABTest(
    control=st.Pipeline(policy=policy, ranker=st.ranking.Popularity()),
    treatment=st.Pipeline(policy=policy, ranker=st.ranking.EASE()),
    metrics=[
        "suitable_ndcg@10",  # did they buy, of what they may be offered?
        "roi@10",  # what it returned, a month, compounded
        "volatility@10",  # how much it moved, held in equal parts
        "sharpe@10",
        "over_conservatism@10",  # how much of it lies below the customer's level
        "concentration@10",  # by issuer
        "conversion@10",  # bought, of all that was shown
    ],
    guardrails=["volatility@10", "concentration@10<=0.25"],
    primary="suitable_ndcg@10",
    prices=drawn_prices(bank.products),
)
result = test.run(bank, st.evaluation.TimeSplit(at=CUT, horizon_days=DAYS))

shown = ["metric", "n", "control", "treatment", "difference", "low", "high"]
print(result.to_frame()[shown].round(4).to_string(index=False, na_rep=""))
print()
print(f"{result.decision}: {result.reason}")
for outcome in result.guardrails:
    print(f"  {outcome.verdict}: {outcome.text}")
