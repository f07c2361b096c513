"""A shop sells on instalments: a grade for everybody, terms by grade, and care for the indebted.

A scorecard made from past loans gives each customer a grade, which is an input like any other. The
shop sets limits and fees per grade, never per person; the rules of `consumer-loan` judge whether a
customer can afford the payments, and a house rule keeps away from who is over-indebted. All of it
is simulated here. Run it with `python examples/consumer_credit.py`; with matplotlib it writes
`consumer_credit.png` in the current folder.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import minimize

import suitably as st

AS_OF = pd.Timestamp("2025-06-01")
GRADES = ["A", "B", "C", "D"]
FEES = {"A": 0.00, "B": 0.04, "C": 0.09}  # of the price; grade D pays at the till
LIMITS = {"A": 12_000, "B": 6_000, "C": 2_400}
GOODS = {
    "fridge": (3_600, "kitchen"),
    "phone": (2_400, "gadget"),
    "television": (5_400, "gadget"),
    "oven": (1_800, "kitchen"),
    "bicycle": (2_000, "sport"),
    "sofa": (9_000, "home"),
}
HOUSE = """
[policy]
id = "shop"
version = "1"
governs = "product.regime == 'loan'"

[fields]
"user.credit_grade" = { type = "text", values = ["A", "B", "C", "D"] }
"product.grade" = { type = "text", values = ["A", "B", "C"] }
"user.annual_income" = { type = "number", min = 0 }
"user.monthly_debt_payment" = { type = "number", min = 0 }

[[rules]]
id = "grade-terms"
article = "House: the terms of a grade are those of everybody of that grade"
require = "product.grade == user.credit_grade"
because = { en = "These are terms of grade {product.grade}.", zh = "限{product.grade}级。" }

[[rules]]
id = "special-care"
article = "House: no new debt for who pays over 40 % of income on old debt"
require = "user.annual_income > 0 and 12 * user.monthly_debt_payment / user.annual_income <= 0.4"
because = { en = "You pay much on debt: our advisers help for free.", zh = "可免费咨询。" }
"""

rng = np.random.default_rng(0)
N = 600
income = np.exp(rng.normal(11.2, 0.45, N))
debt = income / 12 * rng.beta(1.2, 5.0, N)
years = rng.gamma(2.0, 3.0, N)
users = pd.DataFrame(
    {
        "user_id": [f"c{n:03d}" for n in range(N)],
        "annual_income": income.round(-2),
        "annual_income_date": AS_OF - pd.to_timedelta(rng.integers(10, 420, N), unit="D"),
        "monthly_debt_payment": debt.round(),
        "monthly_living_costs": (income / 12 * rng.uniform(0.35, 0.65, N)).round(),
        "monthly_property_fee": 0.0,
        "in_arrears": rng.random(N) < 0.04,
        "birth_date": AS_OF - pd.to_timedelta(rng.integers(17 * 366, 72 * 365, N), unit="D"),
        "legal_capacity": "full",
    }
)

# Past loans: who could not pay them back, by the same facts as they were then.
facts = np.column_stack([np.ones(N), np.log(income / 70_000), 12 * debt / income, np.log1p(years)])
truth = facts @ np.array([-1.9, -0.9, 4.0, -0.7])
bad = rng.random(N) < 1 / (1 + np.exp(-truth))


def loss(weights: np.ndarray) -> float:
    """Logistic regression with a slight penalty."""
    return float(
        np.logaddexp(0, np.where(bad, -1, 1) * (facts @ weights)).sum() + weights @ weights
    )


weights = minimize(loss, np.zeros(4)).x
points = 600 - 20 / np.log(2) * (facts @ weights)  # 20 points halve the odds
cuts = np.quantile(points, [0.15, 0.4, 0.7])
users["credit_grade"] = np.array(GRADES[::-1], object)[np.searchsorted(cuts, points)]
print(f"The scorecard, from past loans of which {bad.mean():.0%} went bad:\n")
card = users.assign(points=points, bad=bad).groupby("credit_grade")
print(
    card.agg(customers=("points", "size"), points=("points", "mean"), bad=("bad", "mean")).round(2)
)

# An offer is a product on the terms of a grade; what is above the grade's limit is no offer.
offers = [
    {"product_id": f"{name}-{grade}", "goods": name, "category": kind, "grade": grade,
     "fee_rate": fee, "term_months": 12, "monthly_payment": round(price * (1 + fee) / 12, 2),
     "regime": "loan", "purpose": "consumption"}
    for name, (price, kind) in GOODS.items() for grade, fee in FEES.items()
    if price <= LIMITS[grade]
]  # fmt: skip
products = pd.DataFrame(offers)

# What was bought on instalments before, on the terms of each customer's grade.
sold = []
for user, grade in zip(users["user_id"], users["credit_grade"], strict=True):
    shelf = products.loc[products["grade"] == grade, "product_id"].to_numpy()
    for choice in rng.choice(shelf, 2, replace=False) if len(shelf) else ():
        sold.append((user, choice, AS_OF - pd.Timedelta(days=int(rng.integers(1, 700)))))
log = pd.DataFrame(sold, columns=["user_id", "product_id", "timestamp"])

policies = [st.Policy.load("consumer-loan"), st.Policy.from_toml(HOUSE)]
data = st.Dataset(users, products, log)
pipeline = st.Pipeline(policy=policies, ranker=st.ranking.EASE()).fit(data, AS_OF)
lists = pipeline.recommend(k=3)
frame = lists.to_frame()
print(f"\n{frame['user_id'].nunique()} of {N} customers are offered something on instalments.")
print("What keeps the others, and other offers, away:\n")
barred = lists.abstentions().groupby("reason")["user_id"].nunique().sort_values(ascending=False)
print(barred.head(6).rename("customers").to_string())

eligibility = pipeline.eligibility()
unlike = st.suitability.personal_terms(eligibility, "goods", ["fee_rate"], grade="credit_grade")
across = st.suitability.personal_terms(eligibility, "goods", ["fee_rate"])
print(f"\nGoods at other fees for some of the same grade: {len(unlike)}.")
print(f"Where the grade is not published as a reason, the same check finds {len(across)}.")
assert not len(unlike)

ratio = 12 * users["monthly_debt_payment"] / users["annual_income"]
indebted = users.loc[ratio > 0.4, "user_id"]
assert not frame["user_id"].isin(indebted).any()
first = indebted.iloc[0]
grade = users.set_index("user_id").loc[first, "credit_grade"]
said = [v for v in pipeline.why_not(first, products["product_id"].iloc[0]) if v.verdict == "fail"]
print(f"\n{len(indebted)} customers are over-indebted, and nobody offers them more debt.")
print(f"One of them, of grade {grade}, is told:", *(v.text["en"] for v in said), sep="\n  ")

if find_spec("matplotlib"):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    listed = users["user_id"].isin(frame["user_id"])
    share = listed.groupby(users["credit_grade"]).mean().reindex(GRADES)
    share.plot.bar(ylabel="share of customers with an offer", xlabel="grade", rot=0)
    picture = Path("consumer_credit.png")
    plt.savefig(picture, dpi=120, bbox_inches="tight")
    plt.close()
    print(f"\nThe share of each grade that is offered anything: {picture}")
