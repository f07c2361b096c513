"""Five minutes: three customers, five products, four rules, and who is offered what.

Run it with `python examples/quickstart.py`.
"""

import pandas as pd

import suitably as st

POLICY = """
[policy]
id = "quickstart"
version = "1"

[scales]
appetite = ["cautious", "balanced", "bold"]

[fields]
"user.risk_level" = "appetite"
"product.risk_level" = "appetite"

[[rules]]
id = "risk-level"
article = "House rules, 1"
require = "product.risk_level <= user.risk_level"
because = { en = "{product.risk_level} is above the customer's {user.risk_level}" }

[[rules]]
id = "adult"
article = "House rules, 2"
require = "age(user.birth_date) >= 18"

[[rules]]
id = "questionnaire"
article = "House rules, 3"
require = "user.asked_on < as_of < user.asked_on + months(12)"
because = { en = "the questionnaire of {user.asked_on} does not count on {as_of}" }

[[rules]]
id = "affordable"
article = "House rules, 4"
require = "product.min_amount <= 0.1 * user.savings"
because = { en = "the least amount is {product.min_amount}, a tenth of the savings is less" }
"""

users = pd.DataFrame(
    {
        "user_id": ["ada", "ben", "eve"],
        "birth_date": pd.to_datetime(["1955-03-01", "1990-07-15", "1985-01-30"]),
        "risk_level": ["cautious", "bold", "bold"],
        "asked_on": pd.to_datetime(["2024-02-01", "2024-05-01", "2022-11-01"]),
        "savings": [80_000.0, 3_000.0, 60_000.0],
    }
)
products = pd.DataFrame(
    {
        "product_id": ["deposit", "bond fund", "mixed fund", "equity fund", "leveraged note"],
        "risk_level": ["cautious", "cautious", "balanced", "bold", "bold"],
        "min_amount": [100, 500, 250, 100, 5_000],
    }
)
interactions = pd.DataFrame(
    {
        "user_id": ["ada", "ben", "ben", "eve", "eve", "eve"],
        "product_id": ["deposit", "deposit", "equity fund", "equity fund", "mixed fund", "deposit"],
        "timestamp": pd.to_datetime(
            ["2023-01-05", "2023-02-01", "2023-06-09", "2023-03-02", "2023-03-02", "2023-09-12"]
        ),
    }
)

data = st.Dataset(users, products, interactions)
pipeline = st.Pipeline(
    profiles=[st.profiles.RecencyFrequencyValue()],
    policy=st.Policy.from_toml(POLICY),
    ranker=st.ranking.Popularity(),
)
pipeline.fit(data, as_of="2024-06-01")

recommendations = pipeline.recommend(k=3, exclude_owned=False)
print("What each customer may be offered, most popular first:\n")
print(recommendations.to_frame().to_string(index=False))

print("\nWhy fewer than three (a product that several rules keep out counts for each):\n")
print(recommendations.abstentions().to_string(index=False))

print("\nWhy not the equity fund for Ada?\n")
for verdict in pipeline.why_not("ada", "equity fund"):
    print(f"  {verdict.verdict:7} {verdict.rule:13} {verdict.text['en']}")

print("\nWho may be offered what, rule by rule:\n")
print(pipeline.eligibility().counts().to_string(index=False))
