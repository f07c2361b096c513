"""A whole portfolio is judged, not one product at a time.

A product above a customer's level may still suit, where what is held already is calm; and one that
suits by itself may not, where too much lies with its issuer. How much is invested matters for both,
and so does what stands first in the list. Run it with `python examples/portfolio.py`.
"""

import pandas as pd

import suitably as st

AS_OF = "2025-06-01"
POLICY = st.Policy.from_toml("""
[policy]
id = "portfolio"
version = "1"
title = { en = "Suitability of the portfolio", zh = "组合适当性" }

[scales]
level = ["low", "moderate", "medium", "high", "very high"]

[fields]
"user.risk_level" = "level"
"product.risk_level" = "level"
"product.min_amount" = { type = "number", min = 0, unit = "money", currency = "EUR" }

[terms]
stake = "amount"
with_issuer = "(held(product.issuer) + amount) / (portfolio() + amount)"

[[rules]]
id = "portfolio-risk"
article = "House limit 1: the mean level of the portfolio, unless the product itself calms it"
require = "rank(product.risk_level) <= rank(user.risk_level) or portfolio_risk() <= rank(user.risk_level)"
because = { en = "With {term.stake:money} in it, your portfolio as a whole would be above your level, {user.risk_level}.", zh = "投入{term.stake:money}后，您的组合整体风险将高于您的等级{user.risk_level}。" }

[[rules]]
id = "not-far-above"
article = "House limit 2: no product more than two levels above the customer"
require = "rank(product.risk_level) <= rank(user.risk_level) + 2"
because = { en = "{product.risk_level} is more than two levels above {user.risk_level}.", zh = "{product.risk_level}高于{user.risk_level}两级以上。" }

[[rules]]
id = "one-issuer"
article = "House limit 3: at most 40 % of the portfolio with one issuer"
require = "term.with_issuer <= 0.4"
because = { en = "With {term.stake:money}, {term.with_issuer:percent} would lie with {product.issuer}; the limit is 40 %.", zh = "投入{term.stake:money}后，{product.issuer}占组合的{term.with_issuer:percent}，超过40%的上限。" }
""")  # fmt: skip  # noqa: E501

products = pd.DataFrame(
    [
        ("deposit", "low", "Alpenbank", 100.0),
        ("bond fund", "moderate", "Boreal", 500.0),
        ("mixed fund", "medium", "Boreal", 500.0),
        ("share fund", "high", "Cascade", 500.0),
        ("theme fund", "high", "Echo", 500.0),
        ("tech fund", "very high", "Cascade", 500.0),
        ("green bonds", "moderate", "Delta", 1_000.0),
    ],
    columns=["product_id", "risk_level", "issuer", "min_amount"],
).assign(repeatable=True)
customers = pd.DataFrame(
    {"user_id": ["Ines", "Jon", "Kim"], "risk_level": ["moderate", "moderate", "high"]}
)
trades = pd.DataFrame(
    [
        ("Ines", "deposit", "2024-01-10", 20_000.0),
        ("Ines", "bond fund", "2024-03-01", 20_000.0),
        ("Ines", "green bonds", "2024-06-01", 20_000.0),
        ("Jon", "share fund", "2024-02-01", 6_000.0),
        ("Jon", "deposit", "2024-02-01", 9_000.0),
        ("Jon", "bond fund", "2024-09-01", 5_000.0),
        ("Kim", "mixed fund", "2024-09-01", 5_000.0),
        ("Kim", "theme fund", "2024-09-01", 5_000.0),
        ("Kim", "share fund", "2024-11-01", 5_000.0),
        ("Kim", "tech fund", "2024-11-01", 5_000.0),
    ],
    columns=["user_id", "product_id", "timestamp", "value"],
).astype({"timestamp": "datetime64[us]"})

pipeline = st.Pipeline(policy=POLICY, ranker=st.ranking.Popularity()).fit(
    st.Dataset(customers, products, trades), as_of=AS_OF
)


def listed(name: str, amount: float, *, stepwise: bool = False) -> list[str]:
    """Return what a customer is shown who has so much to invest."""
    lists = pipeline.recommend([name], k=7, amount=amount, stepwise=stepwise)
    return lists.to_frame()["product_id"].tolist()


for amount in (2_000.0, 10_000.0):
    print(f"With {amount:,.0f} euro to invest:")
    for name in ("Ines", "Jon"):
        shown = listed(name, amount)
        print(f"  {name} is shown {', '.join(shown) or 'nothing'}")
        for product in products["product_id"]:
            if product not in shown:
                for verdict in pipeline.why_not(name, product, amount=amount):
                    if verdict.verdict == "fail":
                        print(f"    not {product}: {verdict.text['en']}")
    print()

print("6,000 for each product, first one by one, then as if what stands before it had been bought:")
for stepwise in (False, True):
    print(f"  Ines: {', '.join(listed('Ines', 6_000.0, stepwise=stepwise))}")
