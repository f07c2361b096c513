"""A crowdfunding platform: projects that close, a cap on what a year may cost, and duties.

Nobody is shown a project that is closed, full, not understood, or above what the backer can lose in
a year. Warnings, consent and the days to think it over bar nothing: they are flags beside the list.
Run it with `python examples/crowdfunding.py`.
"""

import pandas as pd

import suitably as st

AS_OF = pd.Timestamp("2025-06-01")

backers = pd.DataFrame(
    {
        "user_id": ["Ana", "Bilal", "Chen", "Dora"],
        "birth_date": pd.to_datetime(["1991-02-03", "1974-11-30", "1988-08-08", "2001-05-17"]),
        "knowledge_passed": [
            ["lending", "start-ups"],
            ["lending", "start-ups"],
            ["lending"],
            ["lending"],
        ],
        "knowledge_passed_at": [
            {"lending": pd.Timestamp("2024-02-01"), "start-ups": pd.Timestamp("2024-09-01")},
            {"lending": pd.Timestamp("2024-03-01"), "start-ups": pd.Timestamp("2024-05-01")},
            {"lending": pd.Timestamp("2025-01-01")},
            {"lending": pd.Timestamp("2022-10-01")},  # too long ago
        ],
        "is_sophisticated": False,
        "loss_simulated_at": pd.to_datetime(["2025-02-01"] * 4),
        "horizon_months": 48,
        "net_worth": [60_000.0, 400_000.0, 90_000.0, 8_000.0],
        "loss_capacity": [0.04, 0.02, 0.10, 0.05],
    }
)
projects = pd.DataFrame(
    {
        "product_id": ["bakery loan", "solar roof", "battery lab", "game studio", "city farm"],
        "regime": "crowdfunding",
        "knowledge_topic": ["lending", "lending", "start-ups", "start-ups", "start-ups"],
        "sale_start": pd.to_datetime(["2025-03-01"] * 2 + ["2024-05-01"] + ["2025-03-01"] * 2),
        "sale_end": pd.to_datetime(
            ["2025-07-01", "2025-06-15", "2025-08-01", "2025-06-01", "2025-09-01"]
        ),
        "recommended_holding_months": [12, 36, 48, 48, 24],
        "amount_remaining": [12_000.0, 30_000.0, 80_000.0, 5_000.0, 50.0],
        "min_amount": [100.0, 250.0, 500.0, 100.0, 100.0],
        "repeatable": [True, True, True, False, False],
    }
)
pledges = pd.DataFrame(
    [
        ("Ana", "solar roof", "2025-03-20", 1_950.0),
        ("Ana", "battery lab", "2024-05-20", 500.0),  # more than a year ago: does not count
        ("Bilal", "solar roof", "2025-04-11", 2_000.0),
        ("Bilal", "bakery loan", "2025-05-05", 1_000.0),
        ("Chen", "bakery loan", "2025-05-06", 300.0),
        ("Chen", "solar roof", "2025-05-21", 250.0),
        ("Bilal", "city farm", "2025-05-25", 500.0),
        ("Ana", "game studio", "2025-05-28", 100.0),
    ],
    columns=["user_id", "product_id", "timestamp", "value"],
).astype({"timestamp": "datetime64[us]"})

# What the cap counts: pledges of the 12 months before the day asked about.
year = pledges[pledges["timestamp"].between(AS_OF - pd.DateOffset(months=12), AS_OF, "left")]
spent = year.groupby("user_id")["value"].sum()
backers["invested_12m"] = backers["user_id"].map(spent).fillna(0.0)

pipeline = st.Pipeline(
    profiles=[], policy=st.Policy.load("crowdfunding"), ranker=st.ranking.Popularity()
).fit(st.Dataset(backers, projects, pledges), as_of=AS_OF)
recommendations = pipeline.recommend(k=5)

print(f"The platform on {AS_OF.date()}: five projects, four backers.")
for backer in backers.itertuples():
    cap = backer.loss_capacity * backer.net_worth
    print(
        f"\n{backer.user_id} may put {cap:,.0f} a year into projects; "
        f"{backer.invested_12m:,.0f} is used."
    )
    listed = recommendations.to_frame().query("user_id == @backer.user_id")["product_id"].tolist()
    print(f"  shown: {', '.join(listed) or 'no project'}")
    for project in projects["product_id"]:
        for verdict in pipeline.why_not(backer.user_id, project):
            if verdict.verdict == "fail" or verdict.rule == "pipeline:owned":
                print(f"  not {project}: {verdict.text['en']}")

print("\nDuties bar nothing. With 5,000 each, beside what would be listed:\n")
duties = pipeline.recommend(k=5, amount=5_000.0).flags(texts=True)
for duty in duties.groupby("rule").head(2).sort_values("rule", ascending=False).itertuples():
    print(f"  {duty.user_id}, {duty.product_id}: {duty.en}")

print("\nThe same, counted (a project counts for every rule it fails):\n")
print(recommendations.abstentions().to_string(index=False))

print("\nWhat each rule keeps out, and what it alone keeps out:\n")
print(pipeline.eligibility().counts().to_string(index=False))

print("\nSix weeks later two more projects are closed, though nothing but the day has changed:\n")
later = pipeline.recommend(["Bilal", "Chen"], k=5, as_of="2025-07-15")
print(later.to_frame().to_string(index=False))
print(later.abstentions().query("user_id == 'Chen'").to_string(index=False))
