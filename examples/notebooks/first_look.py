# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A first look
#
# A walk through a bank that does not exist: who its customers are, what they may be offered,
# what they would want, and whether one ranker is better than another. The customers are drawn from
# a model, so the figures are evidence of nothing but the steps.

# %%
import suitably as st

bank = st.data.simulate_bank(users=2_000, products=150, seed=0)
bank

# %% [markdown]
# ## Who is this?
#
# A row for each time something about a customer changed; the last one before the moment asked
# counts.

# %%
bank.users[
    ["user_id", "user_timestamp", "risk_level", "questionnaire_date", "horizon_months"]
].head()

# %% [markdown]
# What they did becomes fields of a profile, each with its provenance.

# %%
builder = st.profiles.RecencyFrequencyValue().fit(bank, as_of="2024-06-01")
profile = builder.transform(bank)
profile["rfv_segment"].value_counts()

# %% [markdown]
# ## What may they be offered?
#
# A policy is a file of sentences. This one is built in.

# %%
policy = st.Policy.load("cn-csrc-amac")
for rule in policy.rules:
    print(f"{rule.id:20} {rule.require}")

# %% [markdown]
# `failed` and `unknown` count pairs of a customer and a product; `only` counts those that this rule
# alone keeps out.

# %%
pipeline = st.Pipeline(profiles=[builder], policy=policy, ranker=st.ranking.EASE())
pipeline.fit(bank, as_of="2024-06-01")
pipeline.eligibility().counts()

# %% [markdown]
# ## What would they want?
#
# Only what every rule lets pass is ranked.

# %%
lists = pipeline.recommend(k=5)
who = lists.to_frame()["user_id"].iloc[0]
lists.for_user(who).round(3)

# %%
lists.explain(who, lists.for_user(who)["product_id"].iloc[0]).text["en"]

# %% [markdown]
# And a fund that they may not be offered:

# %%
may = pipeline.eligibility()
funds = bank.products.query("regime == 'csrc'")["product_id"].unique()
barred = next(fund for fund in funds if not may.passes([who], [fund])[0])
for verdict in pipeline.why_not(who, barred):
    print(f"{verdict.verdict:5} {verdict.text['en']}")

# %% [markdown]
# A customer may get fewer than five, or none. Each has a reason:

# %%
lists.abstentions().groupby("reason")["count"].agg(customers="size", products="sum")

# %% [markdown]
# ## Is it better?
#
# Both pipelines see what lies before the cut, and are compared on what the same customers suitably
# bought in the half year that follows.

# %%
test = st.ABTest(
    control=st.Pipeline(policy=policy, ranker=st.ranking.Popularity()),
    treatment=pipeline,
    metrics=["ndcg@10"],
    primary="ndcg@10",
    relevant="suitable",
)
split = st.evaluation.TimeSplit(at="2024-06-01", horizon_days=180)
result = test.run(bank, split=split)
print(result.reason)

# %%
result.to_frame().round(4)

# %% [markdown]
# Since this bank's model is known, one can ask it directly: the expected purchases of a list of
# five, as the model has them.

# %%
truth = bank.truth("2024-06-01")
users = {user: row for row, user in enumerate(bank.user_ids)}
products = {product: column for column, product in enumerate(bank.product_ids)}


def expected(recommended):
    """Return the expected purchases per list of five, summed over what it holds."""
    frame = recommended.to_frame()
    rows, columns = frame["user_id"].map(users), frame["product_id"].map(products)
    return float(truth[rows, columns].sum() / len(recommended))


popular = test.control.clone().fit(bank, as_of="2024-06-01")
for name, ranked in (("popularity", popular), ("EASE", pipeline)):
    print(f"{name:10} {expected(ranked.recommend(k=5)):.3f}")
