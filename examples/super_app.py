"""An app that sells credit and wealth products: is a personal list better than the popular one?

The app shows everybody the products that most people take. The challenger ranks for each customer,
under the same rules. Four windows of a simulated log decide – on hits, conversion and revenue, with
no rule broken, and no segment left behind. Run it with `python examples/super_app.py`.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import suitably as st

bank = st.data.simulate_bank(users=4_000, products=120, seed=7)
rules = [st.Policy.load("cn-csrc-amac"), st.Policy.load("consumer-loan")]
popular = st.Pipeline(policy=rules, ranker=st.ranking.Popularity())
personal = st.Pipeline(policy=rules, ranker=st.ranking.EASE())
free = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.EASE())

windows = st.evaluation.RollingSplit(
    first="2024-01-01", every_days=60, count=4, horizon_days=90, gap_days=7
)
test = st.ABTest(
    control=popular,
    treatments={"personal": personal, "personal, no rules": free},
    metrics=["dcg@10", "recall@10", "conversion@10", "revenue_per_user@10"],
    guardrails=["abstention_rate", "gap(recall@10, annual_income)<=0.2"],
    policy=rules,
    segments="risk_level",
)
result = test.run(bank, windows)

print(result.decision, "–", result.reason)
for name in ("personal", "personal, no rules"):
    print(f"\n{name}: {result.decisions[name]}\n  {result.reasons[name]}")
frame = result.to_frame()
overall = frame[frame["segment"] == "all"].drop(columns=["segment", "omitted"])
print("\nAll customers:\n")
print(overall.round(4).to_string(index=False))
print("\nBy the customer's level, the personal list:\n")
by_level = frame[(frame["arm"] == "personal") & (frame["metric"] == "dcg@10")]
columns = ["segment", "n", "control", "treatment", "low", "high"]
print(by_level[columns].round(4).to_string(index=False))
print("\nWindow by window:\n")
window = result.to_frame(by="split").query("metric == 'dcg@10' and arm == 'personal'")
print(window[["split", "n", "difference", "low", "high"]].round(4).to_string(index=False))
with TemporaryDirectory() as folder:
    page = result.to_html(Path(folder, "super_app.html"))
    print(f"\nA page to send: {page.stat().st_size / 1024:.0f} KiB, without a customer's id")
