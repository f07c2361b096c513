"""A fund platform's real customers, their risk levels, and what the filter changes.

Needs the FAR-Trans data: give its folder as the argument, or set SUITABLY_DATA.
Run it with `python examples/fund_platform.py [FOLDER]`.
"""

import sys

import pandas as pd

import suitably as st

data = st.data.far_trans(sys.argv[1] if len(sys.argv) > 1 else None)
split = data.split(40)
print(f"{data}\nThe cut: {split.at.date()}. What a customer states counts; predictions do not.\n")

filtered = st.Pipeline(policy="far-trans", ranker=st.ranking.ALS()).fit(data, as_of=split.at)
unfiltered = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.ALS())
unfiltered.fit(data, as_of=split.at)

eligibility = filtered.eligibility()
stated = data.users.query("user_timestamp < @split.at").groupby("user_id").last()
levels = stated["risk_level"].reindex(eligibility.user_ids).fillna("none stated")
asked = split.relevant["user_id"].unique()

print("What the filter changes, by stated level (customers who bought in the test window):\n")
rows = []
without = unfiltered.recommend(asked, product_ids=split.candidates).to_frame()
without["suitable"] = eligibility.passes(without["user_id"], without["product_id"])
with_rules = filtered.recommend(asked, product_ids=split.candidates).to_frame()
for level in ["Conservative", "Income", "Balanced", "Aggressive", "none stated"]:
    ids = [user for user in asked if levels[user] == level]
    before = without[without["user_id"].isin(ids)]
    after = with_rules[with_rules["user_id"].isin(ids)]
    rows.append(
        {
            "level": level,
            "customers": len(ids),
            "unsuitable without rules": f"{1 - before['suitable'].mean():.0%}",
            "products per list": round(len(after) / len(ids), 1),
            "customers served": f"{after['user_id'].nunique() / len(ids):.0%}",
        }
    )
print(pd.DataFrame(rows).to_string(index=False))

print("\nIs ALS better than popularity, on what customers suitably bought?\n")
popularity = st.Pipeline(policy="far-trans", ranker=st.ranking.Popularity())
test = st.ABTest(control=popularity, treatment=filtered, relevant="suitable", primary="ndcg@10")
print(test.run(data, split=split))
