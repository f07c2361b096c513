"""Another team's neural model, made suitable: vectors from Parquet, ranked under the bank's rules.

The data scientists train a two-tower model elsewhere and leave a file of vectors for customers and
one for products. `Precomputed` takes them in: who may be offered what, lists, reasons and tests
are the library's, the taste is theirs. Here a small factorisation stands in for the two towers.
Run it with `python examples/two_tower.py`.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import suitably as st

bank = st.data.simulate_bank(users=400, products=40, seed=0)
visible = bank.view()


def train(length: int) -> tuple[pa.Table, pa.Table]:
    """Learn vectors from who bought what, as a model of another system would."""
    bought = np.zeros((len(visible.user_ids), len(visible.product_ids)))
    bought[visible.events.users, visible.events.products] = 1.0
    left, sizes, right = np.linalg.svd(bought, full_matrices=False)
    root = np.sqrt(sizes[:length])
    towers = {"users": (visible.user_ids, left[:, :length] * root)}
    towers["products"] = (visible.product_ids, right[:length].T * root)
    return tuple(
        pa.table({"id": pa.array(ids), "vector": list(vectors.astype(np.float32))})
        for ids, vectors in towers.values()
    )


with TemporaryDirectory() as folder:
    for name, table in zip(("users", "products"), train(length=8), strict=True):
        pq.write_table(table, Path(folder) / f"{name}.parquet")

    # From here on it is what a bank would write.
    ranker = st.ranking.Precomputed(
        users=pq.read_table(Path(folder) / "users.parquet"),
        products=pq.read_table(Path(folder) / "products.parquet"),
    )
pipeline = st.Pipeline(policy="cn-csrc-amac", ranker=ranker).fit(bank)

lists = pipeline.recommend(k=3)
frame = lists.to_frame()
print(frame.head(6).to_string(index=False))

user = frame["user_id"].iloc[0]
print("\nWhy is it there?")
print(lists.explain(user, frame["product_id"].iloc[0]).text["en"])

# What the towers like best, whether or not it may be offered.
scores = pipeline.ranker_.scorer(np.array([user], object))
best = visible.product_ids[np.argsort(-(scores.products @ scores.users[0]), kind="stable")]
barred = next(
    (product, verdict)
    for product in best
    for verdict in pipeline.why_not(user, product, k=3)
    if verdict.verdict == "fail" and ":" not in verdict.rule  # a rule's, not the list's
)
print(f"\nWhy is {barred[0]}, which they like for {user}, not in the list?")
print(barred[1].text["en"])
