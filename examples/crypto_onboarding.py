"""An exchange that opens its products step by step, and teaches where it does not offer.

A newcomer sees nothing but the first lesson. Each check that is passed opens what it covers; a year
of experience opens what is complex; and the loss that a customer can bear limits all of it.
Run it with `python examples/crypto_onboarding.py`.
"""

import pandas as pd

import suitably as st

LESSONS = {
    "basics": "What a crypto-asset is, and how all of it can be lost (10 minutes)",
    "staking": "Why staked coins cannot be sold at once (15 minutes)",
    "leverage": "How a position is closed against your will (30 minutes)",
}

products = pd.DataFrame(
    {
        "product_id": ["bitcoin plan", "ether", "staked ether", "bitcoin futures"],
        "regime": "crypto",
        "jurisdictions": [["DE", "FR"]] * 4,
        "knowledge_topic": ["basics", "basics", "staking", "leverage"],
        "complex": [False, False, False, True],
        "max_loss": [1.0, 1.0, 1.0, 2.0],  # futures may lose twice what was put in
        "min_amount": [25.0, 50.0, 200.0, 500.0],
        "repeatable": True,
    }
)


def person(name: str, since: str, passed: list[str], years: float, savings: float) -> dict:
    """Give what the exchange knows of a customer from a day on."""
    return {
        "user_id": name,
        "user_timestamp": pd.Timestamp(since),
        "birth_date": pd.Timestamp("1996-04-12"),
        "jurisdiction": "DE",
        "vulnerable": False,
        "knowledge_passed": passed,
        "knowledge_passed_at": dict.fromkeys(passed, pd.Timestamp(since)),
        "crypto_suitable": True,  # the exchange's own assessment, and its date
        "crypto_suitable_date": pd.Timestamp(since),
        "years_experience": years,
        "loss_capacity": 0.1,  # a tenth of what is at hand may be lost
        "liquid_assets": savings,
    }


users = pd.DataFrame(
    [
        person("Mia", "2025-03-01", [], 0.0, 6_000.0),
        person("Mia", "2025-03-08", ["basics"], 0.0, 6_000.0),
        person("Mia", "2025-04-20", ["basics", "staking"], 0.1, 6_000.0),
        person("Noah", "2025-01-15", ["basics", "staking", "leverage"], 2.0, 7_000.0),
        person("Zoe", "2024-06-01", ["basics", "staking", "leverage"], 3.0, 40_000.0),
    ]
)
for field in ("investor_type", "investor_statement_date", "warning_shown_at",
              "rmmi_invested_12m", "net_assets"):  # fmt: skip
    users[field] = None  # asked of customers in the UK, and there are none yet
trades = pd.DataFrame(
    [
        ("Zoe", "bitcoin plan", "2024-02-01"),
        ("Zoe", "ether", "2024-05-01"),
        ("Zoe", "staked ether", "2024-06-01"),
        ("Zoe", "bitcoin futures", "2024-09-01"),
        ("Noah", "bitcoin plan", "2024-03-01"),
        ("Noah", "ether", "2024-04-01"),
        ("Noah", "staked ether", "2024-08-01"),
    ],
    columns=["user_id", "product_id", "timestamp"],
).astype({"timestamp": "datetime64[us]"})
data = st.Dataset(users, products, trades)


def as_of(day: str) -> st.Pipeline:
    """Give the exchange as it stood at the start of a day."""
    pipeline = st.Pipeline(
        profiles=[], policy=st.Policy.load("crypto-onboarding"), ranker=st.ranking.Popularity()
    )
    return pipeline.fit(data, as_of=day)


def show(pipeline: st.Pipeline, name: str) -> None:
    """Print what a customer is offered, and a lesson or a reason for everything else."""
    offered = pipeline.recommend([name], k=4).to_frame()["product_id"].tolist()
    print(f"  offered: {', '.join(offered) or 'nothing yet'}")
    lessons = {}
    for product in products["product_id"]:
        barred = [v for v in pipeline.why_not(name, product) if v.verdict == "fail"]
        checks = [v.inputs["product.knowledge_topic"] for v in barred if v.rule.startswith("know")]
        for topic in checks:
            lessons.setdefault(topic, []).append(product)
        for verdict in barred if not checks else []:
            print(f"  not {product}: {verdict.text['en']}")
    for topic, opens in list(lessons.items())[:1]:  # one step at a time
        print(f"  next lesson: {LESSONS[topic]}")
        print(f"               opens {', '.join(opens)}")


print("Mia is new. She opens her account, and learns as she goes.\n")
for day, event in [
    ("2025-03-02", "She has passed nothing, so she is taught, not sold to"),
    ("2025-03-09", "A week later: the check on the basics is passed"),
    ("2025-05-01", "In May: the check on staking is passed"),
]:
    print(f"{day}  {event}.")
    show(as_of(day), "Mia")
    print()

today = as_of("2025-05-01")
print("Noah passed every check, but a tenth of his 7,000 is 700: futures may lose 1,000.")
show(today, "Noah")
print("\nZoe passed every check too, and can bear the loss.")
show(today, "Zoe")

print("\nWhy some lists are shorter than four (a product counts for every rule it fails):\n")
print(today.recommend(k=4).abstentions().to_string(index=False))
