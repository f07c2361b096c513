"""An internet bank follows its customers from newcomer to lapsed, and keeps whom it would lose.

Four years of a simulated bank: the stage and the value of every customer, who is about to leave,
and which offer to stay is suitable for them. Run it with `python examples/internet_bank.py`.
"""

import warnings

import pandas as pd

import suitably as st

AS_OF = "2024-07-01"
POLICIES = ["cn-nfra-2025", "cn-csrc-amac", "cn-insurance", "qualified-investor"]
ORDER = ["newcomer", "growth", "mature", "decline", "lapsed"]

bank = st.data.simulate_bank(users=2_000, products=80, seed=3)
builders = [
    st.profiles.RecencyFrequencyValue(),
    st.profiles.Lifecycle(),
    st.profiles.Tier(),
    st.profiles.Holdings(),
    st.profiles.LifetimeValue(horizon_days=365, margin=0.01, penalty=1.0),
    st.profiles.Churn(horizon_days=180),
]

profiles = st.profiles.build(builders, bank, AS_OF).set_index("user_id")
print(f"{len(profiles):,} customers, as of {AS_OF}.\n")

print("Stages of life, and what a customer of each is worth in the coming year:\n")
stages = profiles.groupby("lifecycle_stage").agg(
    customers=("frequency", "size"),
    purchases=("frequency", "mean"),
    silent_days=("recency_days", "median"),
    p_churn=("p_churn", "mean"),
    value=("lifetime_value", "mean"),
)
print(stages.reindex(ORDER).round(2).to_string())

print(
    "\nOf those who joined in each year, the share that is still active after 1, 2 and 3 years:\n"
)
curves = st.profiles.retention(bank, AS_OF, by="year", silent_days=365)
for cohort, curve in curves.groupby("cohort"):
    kept = [
        f"{curve[curve['days'] <= days]['retained'].iloc[-1]:.0%}"
        for days in (365, 730, 1_095)
        if curve["days"].max() >= days
    ]
    print(f"  {pd.Timestamp(cohort):%Y}: {', '.join(kept) or 'too early to tell'}")

# Value at risk is a figure for the bank's own ranking of whom to call. No rule reads it.
at_risk = profiles[profiles["lifecycle_stage"].isin(["mature", "growth", "decline"])].assign(
    at_risk=lambda frame: frame["p_churn"] * frame["lifetime_value"]
)
calls = at_risk.sort_values(["at_risk", "frequency"], ascending=False).head(5)

pipeline = st.Pipeline(
    profiles=builders,
    policy=[st.Policy.load(name) for name in POLICIES],
    ranker=st.ranking.Popularity(),
)
with warnings.catch_warnings():  # of inner windows in which hardly anybody left
    warnings.simplefilter("ignore", st.SuitabilityWarning)
    pipeline.fit(bank, AS_OF)

print("\nWhom to call, and a product that may be offered to stay:\n")
offers = pipeline.recommend(calls.index, k=1)
listed = offers.to_frame().set_index("user_id")["product_id"]
names = bank.products.groupby("product_id")["name"].last()
missing = offers.abstentions()
for user, customer in calls.iterrows():
    print(
        f"  {user}: {customer['lifecycle_stage']} since {customer['stage_since']:%B %Y}, "
        f"{customer['tier']}, leaves with {customer['p_churn']:.0%}, "
        f"value at risk {customer['at_risk']:,.0f}"
    )
    if user in listed:
        product = listed[user]
        print(f"    {names[product]}: {offers.explain(user, product).text['en']}")
    else:
        why = missing[(missing["user_id"] == user) & (missing["reason"] != "policy:governs")]
        print(f"    nothing may be offered: {', '.join(why['reason'])}")

print("\nThe card that the adviser sees:\n")
card = st.profiles.card(builders, bank, calls.index[0], AS_OF)
for builder, lines in card.groups.items():
    print(f"  {builder}")
    for name, value, origin, _ in lines:
        print(f"    {name:24} {value:32.32} {origin.split(':')[0]}")
