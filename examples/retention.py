"""Keeping customers: who is about to leave, whom an offer would keep, and what is worth its cost.

Those most likely to leave are not those whom an offer keeps: some are gone whatever happens, and
some leave because they were disturbed. A simulated bank learns from its spring campaign whom an
approach changes, and plans the autumn's for those at risk: suitable offers only, within a budget,
a tenth kept aside. Run it with `python examples/retention.py`; it writes `retention.png` in the
current folder, where matplotlib is installed.
"""

import importlib.util

import numpy as np
import pandas as pd

import suitably as st

AS_OF, BUDGET = "2024-09-01", 6_000
bank = st.data.simulate_bank(users=12_000, products=40, seed=3)
# What a sale earns over its life, in yuan.
products = bank.products.assign(margin=(300 + 60_000 * bank.products.fee_rate).round(2))
data = st.Dataset(bank.users, products, bank.interactions)

# --- who is about to leave ----------------------------------------------------------------------
churn = st.profiles.Churn(horizon_days=180).fit(data, AS_OF)
leaving = churn.transform(data, AS_OF)[["user_id", "p_churn"]].dropna()
at_risk = leaving[leaving.p_churn >= 0.7]
print(f"LEAVING     {len(at_risk):,} of {len(leaving):,} customers have a risk of 70 % or more")
print("            of half a year's silence")

# --- whom an approach changes -------------------------------------------------------------------
spring = bank.campaign("2024-03-01", horizon_days=60, probability=0.5)  # by the toss of a coin
learn = np.random.default_rng(0).random(len(spring.frame)) < 0.7
known, kept = spring.frame[learn], spring.frame[~learn]
uplift = st.decisions.Uplift().fit(known, "approached", "bought", probability=0.5)
average = uplift.average_effect()
print(
    f"CHANGED     the spring campaign added {average.difference:.1%} "
    f"[{average.low:.1%}, {average.high:.1%}] to the probability of a purchase"
)
order = st.decisions.qini(uplift.effect(kept), kept["approached"], kept["bought"], 0.5)
print(f"            the order by effect, on customers it was not learned from: {order}")

# --- what is suitable and worth its cost --------------------------------------------------------
autumn = bank.campaign(AS_OF, horizon_days=60, probability=0.5)
today = autumn.frame.drop(columns=["probability", "approached", "bought"])
effects = pd.DataFrame({"user_id": today["user_id"], "effect": uplift.effect(today)})
pipeline = st.Pipeline(policy=["cn-csrc-amac", "cn-nfra-2025"], ranker=st.ranking.EASE())
pipeline.fit(data, AS_OF)
channels = pd.DataFrame(
    {"channel": ["message", "call"], "cost": [0.5, 12.0], "capacity": [300, 600]}
)
campaign = st.decisions.Campaign(
    pipeline, channels, budget=BUDGET, uplift=effects, holdout=0.1, salt="2024-autumn"
)
plan = campaign.plan(user_ids=at_risk["user_id"].tolist(), as_of=AS_OF)
offers = plan.to_frame()
print(f"PLANNED     {len(offers):,} offers for {offers.cost.sum():,.0f} yuan of {BUDGET:,}")
print(f"            expected to earn {offers.net.sum():,.0f} yuan beyond their cost")
print(f"            {len(plan.holdout()):,} customers are kept aside, to compare with")

# --- was it right? only a simulation can say ----------------------------------------------------
truth = pd.Series(autumn.truth(), today["user_id"])
riskiest = at_risk[at_risk.user_id.isin(today["user_id"])].nlargest(len(offers), "p_churn")
print(
    f"TRUTH       an approach changes the planned by {truth[offers.user_id].mean():+.1%}, "
    f"as many of the riskiest by {truth[riskiest.user_id].mean():+.1%}"
)

if importlib.util.find_spec("matplotlib"):
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    curve = order.to_frame()
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    axes.fill_between(curve["share"], curve["low"], curve["high"], color="#0b6e4f", alpha=0.15)
    axes.plot(curve["share"], curve["gain"], color="#0b6e4f", label="by effect")
    axes.plot(curve["share"], curve["random"], color="#56606b", linestyle=":", label="at random")
    axes.set_xlabel("share of customers approached")
    axes.set_ylabel("purchases gained per customer")
    axes.legend(frameon=False)
    figure.savefig("retention.png", dpi=150)
    print("            the gain curve is in retention.png")
