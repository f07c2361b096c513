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
# # Offline A/B: a comparison to start from
#
# Two pipelines, one log, one decision. Replace the simulated bank by a `Dataset` of your own, and
# the two pipelines by yours. The customers here are drawn from a model, so the figures are evidence
# of nothing but the steps.

# %%
import suitably as st

bank = st.data.simulate_bank(users=3_000, products=120, seed=1)
bank

# %% [markdown]
# ## Two pipelines
#
# Unfitted ones are fitted as of each cut, on what was visible strictly before it. What both learn
# alike is learned once.

# %%
policy = st.Policy.load("cn-csrc-amac")
control = st.Pipeline(policy=policy, ranker=st.ranking.Popularity())
treatment = st.Pipeline(policy=policy, ranker=st.ranking.EASE())

# %% [markdown]
# ## Cuts in time
#
# Four cuts, two months apart, with a window of three months after each. Windows overlap, and the
# intervals are widened for it.

# %%
splits = st.evaluation.RollingSplit("2024-01-01", every_days=60, count=4, horizon_days=90)

# %% [markdown]
# ## The test
#
# The first metric decides. Guardrails keep the treatment from buying it with something else; a
# violation rate of 0 is always one of them.

# %%
test = st.ABTest(
    control,
    treatment,
    metrics=["dcg@10", "suitable_recall@10", "intra_list_diversity@10"],
    guardrails=["abstention_rate", "concentration@10<=0.6"],
    segments="risk_level",
)
result = test.run(bank, splits)
result

# %%
result.to_frame().query("segment == 'all'").round(4)

# %% [markdown]
# ## Where it wins and where it does not
#
# A segment that loses significantly keeps a treatment from being shipped, whatever others win.

# %%
result.to_frame().query("metric == 'dcg@10'")[
    ["segment", "n", "control", "treatment", "difference", "low", "high"]
].round(4)

# %% [markdown]
# Cut by cut, each alone:

# %%
result.to_frame(by="split").query("metric == 'dcg@10'")[["split", "n", "difference", "low", "high"]]

# %% [markdown]
# ## Is the interval to be trusted?
#
# Swap the arms for each customer by the toss of a coin: now they do not differ. How often would the
# statistic ship one of them?

# %%
from suitably.evaluation.statistics import PairedSample, aa_simulation, default_statistic  # noqa: E402

rows = result.per_user().query("metric == 'dcg@10' and split == 0")
users = rows["user_id"].astype("category").cat.codes.to_numpy().astype(int)
sample = PairedSample(rows["control"].to_numpy(), rows["treatment"].to_numpy(), users)
aa_simulation(sample, default_statistic, runs=500).to_dict()

# %% [markdown]
# ## Keep it
#
# `result.to_html(path)` writes a page to send, without ids; `result.save(folder)` keeps everything,
# and `st.evaluation.ABResult.load(folder)` brings it back.

# %%
result.reason
