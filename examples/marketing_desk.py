"""A bank's marketing desk in its four modules: data, analysis, decision, execution.

A simulated bank with three channels and 20,000 yuan to spend. The log becomes profiles and a record
of contacts; scores become probabilities, held against a quarter that was never learned from; the
plan says whom to approach with what, through which channel, and what the next 10,000 would earn;
three customers in ten are kept aside, and the ledger tells what the campaign brought beyond what
would have come anyway. Run it with `python examples/marketing_desk.py`; where matplotlib is
installed it writes `marketing-desk.png` in the current folder.
"""

import importlib.util

import numpy as np
import pandas as pd

import suitably as st

AS_OF = pd.Timestamp("2024-06-01")
BUDGET, STEP = 20_000, 10_000
rng = np.random.default_rng(0)

# --- data: what the bank knows ------------------------------------------------------------------
bank = st.data.simulate_bank(users=2_500, products=60, seed=7)
ids = np.array(bank.user_ids)
letters = pd.DataFrame(
    {
        "user_id": rng.choice(ids, 3_000),
        "product_id": None,
        "value": np.nan,
        "timestamp": AS_OF - pd.to_timedelta(rng.integers(1, 120, 3_000), "D"),
        "event": rng.choice(["contact", "refusal", "complaint"], 3_000, p=[0.92, 0.06, 0.02]),
    }
)
# What a sale earns: ten years of fees on 120,000 yuan.
products = bank.products.assign(margin=(10 * 120_000 * bank.products.fee_rate).round(2))
quiet = [["call"] if row % 9 == 0 else [] for row in range(len(bank.users))]
data = st.Dataset(
    bank.users.assign(quiet_channels=quiet),
    products,
    pd.concat([bank.interactions, letters]),
    owned_events=["buy"],
    other_events=["contact", "refusal", "complaint"],
)
agreed = rng.random(len(ids)) < 0.8
consent = st.governance.Consent(
    pd.DataFrame(
        {
            "user_id": [*ids, *ids[agreed]],
            "purpose": ["personalisation"] * len(ids) + ["marketing"] * int(agreed.sum()),
            "granted_at": pd.Timestamp("2021-01-01"),
            "withdrawn_at": pd.NaT,
        }
    )
)
print(f"DATA        {data}")
print(f"            {int(agreed.sum()):,} of {len(ids):,} customers agree to be approached")

# --- analysis: who would want what, and how likely a purchase is --------------------------------
pipeline = st.Pipeline(
    profiles=[
        st.profiles.Activity(
            contact_events=["contact"],
            refused_events=["refusal"],
            complaint_events=["complaint"],
        )
    ],
    policy=["cn-csrc-amac", "cn-nfra-2025"],
    ranker=st.ranking.EASE(),
    consent=consent,
).fit(data, AS_OF)
propensity = st.decisions.Propensity(pipeline, horizon_days=90).fit(data, AS_OF)
chances = propensity.predict()
print(
    f"ANALYSIS    {len(chances):,} suitable pairs of {len(ids) * len(products):,}; the likeliest "
    f"purchase has a probability of {chances.probability.max():.0%}, the median one of "
    f"{chances.probability.median():.2%}"
)
before = propensity.calibration(data, AS_OF - pd.Timedelta(days=90))
print(
    f"            last quarter, foretold from what was known before it: {before.expected:.0f} "
    f"purchases expected, {before.observed} came; calibration slope {before.slope:.2f}"
)

# --- decision: whom, with what, through which channel, within the budget ------------------------
channels = pd.DataFrame(
    {
        "channel": ["message", "letter", "call"],
        "cost": [0.5, 12.0, 60.0],
        "response": [0.3, 0.6, 1.0],
        "capacity": [None, 900, 700],
    }
)


def campaign(budget: float) -> st.decisions.Campaign:
    """Return the desk's campaign under a budget."""
    return st.decisions.Campaign(
        pipeline,
        channels,
        value="margin",
        budget=budget,
        contact_policy="contact",
        propensity=propensity,
        holdout=0.3,
        salt="2024-q3",
    )


desk = campaign(BUDGET)
plan = desk.plan(as_of=AS_OF)
offers = plan.to_frame()
print(f"DECISION    {plan}")
for channel, part in offers.groupby("channel"):
    print(
        f"            {channel}: {len(part):,} offers at {part.cost.sum():,.0f}, expected to earn "
        f"{part.net.sum():,.0f} beyond their cost"
    )

curve = {}
for budget in range(0, BUDGET + 2 * STEP + 1, STEP):
    found = campaign(budget).plan(as_of=AS_OF).to_frame()
    curve[budget] = found.groupby("channel").net.sum().reindex(channels.channel, fill_value=0.0)
earned = pd.DataFrame(curve).T
print("            what the next 10,000 earns, by channel:")
for budget in earned.index[1:]:
    gain = earned.loc[budget] - earned.loc[budget - STEP]
    parts = ", ".join(f"{name} {one:+,.0f}" for name, one in gain.items())
    print(f"            up to {budget:>6,}: {gain.sum():+7,.0f}  ({parts})")

refused: dict[str, str] = {}
for user in plan.universe.user_ids(np.arange(200)).to_pylist():
    for verdict in plan.why_not(user, products.product_id[0], "call"):
        if verdict.verdict != "pass":
            refused.setdefault(verdict.rule, verdict.text["en"])
for rule in ("after-complaint", "weekly-cap", "campaign:priced-out"):
    if rule in refused:
        print(f"            not called: {refused[rule]}")

# --- execution: sent, answered, and what it brought ---------------------------------------------
# What would have come anyway is the bank's own log; in this made-up world the approach moves one
# customer in eight besides.
end = AS_OF + pd.Timedelta(days=90)
anyway = bank.interactions[bank.interactions.timestamp.between(AS_OF, end, inclusive="left")]
moved = offers[rng.random(len(offers)) < 1 / 8][["user_id", "product_id"]]
answers = moved.assign(timestamp=AS_OF + pd.Timedelta(days=20), event="buy")
log = pd.concat([anyway[["user_id", "product_id", "timestamp", "event"]], answers])
log = log.astype({"user_id": str, "product_id": str})
result = desk.result(log, plan, horizon_days=90, purchase_events=["buy"])
print(f"EXECUTION   {len(moved):,} of {len(offers):,} approached buy who would not have")
print(f"            {result.reason}")

if importlib.util.find_spec("matplotlib"):
    import matplotlib.pyplot as plt

    _, (left, right) = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
    before.plot(left)
    left.set_title("Expected and bought, last quarter")
    right.stackplot(earned.index, earned.T.to_numpy(), labels=list(earned.columns))
    right.set_xlabel("budget, yuan")
    right.set_ylabel("expected to be earned beyond cost")
    right.legend(loc="upper left", frameon=False)
    right.set_title("What a budget earns, by channel")
    plt.savefig("marketing-desk.png", dpi=120)
    print("            the picture is in marketing-desk.png")
