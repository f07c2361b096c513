"""A payment app that knows its customers by small daily events, and offers wealth carefully.

Eight weeks of payments, views and top-ups become profiles: how often somebody comes, by which
channel, at which time of day, what they chose so far. The profile picks when and where to speak;
the rules decide what may be offered at all. Run it with `python examples/wallet.py`.
"""

import numpy as np
import pandas as pd

import suitably as st

AS_OF = "2025-06-01"
# name: stated level, emergency savings, visits a day, channel, usual hour, what was bought before
PEOPLE = {
    "Ada": ("C3", 9_000, 3.0, "app", 8, ["money fund", "bond fund", "bond fund"]),
    "Ben": ("C1", 400, 6.0, "qr code", 19, []),
    "Cem": ("C4", 30_000, 0.5, "web", 22, ["equity fund", "equity fund", "theme fund"]),
    "Dot": (None, 2_500, 2.0, "app", 12, ["money fund"]),
}

products = pd.DataFrame(
    {
        "product_id": ["money fund", "bond fund", "equity fund", "theme fund"],
        "category": ["cash", "bonds", "equity", "equity"],
        "risk_level": ["R1", "R2", "R3", "R4"],
        "fee_rate": [0.001, 0.006, 0.012, 0.018],
        "term_months": [0, 12, 60, 60],
        "min_amount": [1.0, 10.0, 10.0, 100.0],
        "repeatable": True,
    }
)
users = pd.DataFrame(
    {
        "user_id": list(PEOPLE),
        "risk_level": [person[0] for person in PEOPLE.values()],
        "liquid_assets": [float(person[1]) for person in PEOPLE.values()],
    }
)

POLICY = """
[policy]
id = "wallet"
version = "1"

[scales]
investor = ["C1", "C2", "C3", "C4"]
product = ["R1", "R2", "R3", "R4"]

[fields]
"user.risk_level" = "investor"
"product.risk_level" = "product"

[[rules]]
id = "risk-level"
require = "rank(product.risk_level) <= rank(user.risk_level)"

[[rules]]
id = "something-put-by"
require = "product.category == 'cash' or user.liquid_assets >= 1000"

[[rules]]
id = "met-it-before"
applies = "product.category == 'equity'"
require = "not missing(user.funnel_stage) and user.active_days_30d >= 5"
"""


def events() -> pd.DataFrame:
    """Draw eight weeks: a Poisson number of visits a day, near each person's usual hour."""
    rng = np.random.default_rng(7)
    rows = []
    days = pd.date_range("2025-04-06", "2025-05-31", freq="D")
    for name, (_, _, rate, channel, hour, bought) in PEOPLE.items():
        for day in days:
            for _ in range(rng.poisson(rate)):
                moment = day + pd.Timedelta(hours=hour, minutes=int(rng.integers(-50, 50)))
                kind, page = [("pay", "till"), ("view", "funds"), ("top_up", "wallet")][
                    rng.choice(3, p=[0.7, 0.2, 0.1])
                ]
                rows.append((name, None, moment, kind, channel, page, np.nan))
        for weeks, product in enumerate(bought):
            moment = days[0] + pd.Timedelta(weeks=2 * weeks + 1, hours=hour)
            rows.append((name, product, moment, "buy", channel, "order", 50.0 * (weeks + 1)))
    names = ["user_id", "product_id", "timestamp", "event", "channel", "page", "value"]
    return pd.DataFrame(rows, columns=names)


log = events()
data = st.Dataset(
    users, products, log, owned_events=["buy"], other_events=["pay", "view", "top_up"]
)
builders = [
    st.profiles.Activity(
        channel="channel", page="page", funnel={"seen": ["view"], "bought": ["buy"]}
    ),
    st.profiles.Preferences(),
    st.profiles.Lifecycle(),
]

print(f"{len(log):,} events of {len(PEOPLE)} people become profiles.\n")
profiles = st.profiles.build(builders, data, AS_OF)
shown = ["user_id", "sessions_30d", "active_days_30d", "main_channel", "funnel_stage",
         "lifecycle_stage"]  # fmt: skip
print(profiles[shown].to_string(index=False))

print("\nFrom looking at funds to buying one:\n")
print(st.profiles.funnel(data, AS_OF, {"seen": ["view"], "bought": ["buy"]}).to_string(index=False))

pipeline = st.Pipeline(
    profiles=builders, policy=st.Policy.from_toml(POLICY), ranker=st.ranking.Popularity()
).fit(data, AS_OF)
print("\nWhat each may be offered, and where to speak to them:\n")
for name in PEOPLE:
    offered = pipeline.recommend([name], k=4).to_frame()["product_id"].tolist()
    profile = pipeline.trace(name).profile
    where = f"{profile['main_channel']}, {profile['main_daypart']}"
    print(f"  {name}: {', '.join(offered) or 'nothing'} ({where})")
    for product in products["product_id"]:
        failed = [v for v in pipeline.why_not(name, product) if v.verdict != "pass"]
        if failed:
            print(f"       not {product}: {'; '.join(v.rule for v in failed)}")

print("\nOne more payment changes a profile at once, and equals a rebuild:")
news = pd.DataFrame([("Cem", None, pd.Timestamp("2025-06-01 09:00"), "pay", "app", "till", np.nan)],
                    columns=log.columns)  # fmt: skip
before = pipeline.trace("Cem").profile["active_days_30d"]
pipeline.update(news)
after = pipeline.trace("Cem").profile["active_days_30d"]
rebuilt = st.profiles.build(
    builders,
    st.Dataset(users, products, pd.concat([log, news]), owned_events=["buy"],
               other_events=["pay", "view", "top_up"]),
    pipeline.as_of_,
).set_index("user_id")  # fmt: skip
assert after == rebuilt.loc["Cem", "active_days_30d"]
print(f"  Cem was active on {before} of 30 days, and now on {after}.")
