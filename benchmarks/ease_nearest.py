"""EASE of each product's nearest beside EASE of all products: seconds, memory and quality.

Both are fitted on the same simulated purchases with a long tail; the lists of the same customers
are judged by what these bought afterwards. The nearest alone are then fitted on 41,000 products on
one core, where the matrix of all pairs would take 13 GB.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd

import suitably as st
from benchmarks.long_tail import AS_OF, Purchases, purchases
from benchmarks.runner import Row, in_turns
from benchmarks.sizes import K, dataset, ndcg, resident
from suitably.ranking import EASE, FitContext

SIZE, EVENTS = 10_000, 300_000
NEAREST = (100, 200)
LARGE = (100_000, 41_000, 1_000_000)


def run() -> list[Row]:
    bought = purchases(SIZE, SIZE, EVENTS)
    context = _context(bought)
    every = EASE()
    some = [EASE(neighbours=number) for number in NEAREST]
    times = in_turns([lambda one=one: one.fit(context) for one in (every, *some)], 3)
    size = f"{SIZE:,} products, {len(bought.users):,} purchases"
    exact = _quality(every, bought)
    rows = []
    for number, ranker, taken in zip(NEAREST, some, times[1:], strict=True):
        ratio = float(np.median(np.divide(taken, times[0])))
        found = _quality(ranker, bought)
        rows += [
            Row(f"EASE, {number} nearest, {size}", _mid(times[0]), _mid(taken), "s", ratio,
                "all products by one inversion"),
            Row(f"EASE, {number} nearest, nDCG@{K}", exact, found, "", found / exact,
                "all products by one inversion; the same customers' later purchases"),
        ]  # fmt: skip
    return [*rows, *_large()]


def _large() -> list[Row]:
    bought = purchases(*LARGE)
    context = _context(bought)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    Path("/proc/self/clear_refs").write_text("5")
    before = resident("VmRSS")
    try:
        taken = in_turns([lambda: EASE().fit(context)], 1)[0]
    finally:
        os.sched_setaffinity(0, cores)
    above = (resident("VmHWM") - before) / 1e6
    size = f"{LARGE[1]:,} products, {len(bought.users):,} purchases, one core"
    return [
        Row(f"EASE, {size}", None, _mid(taken), "s", None, "target: 40 s"),
        Row(f"EASE, {size}, memory above the data", None, above, "MB", None, "target: 1 GB"),
    ]


def _context(bought: Purchases) -> FitContext:
    view = dataset(bought).view(AS_OF)
    none = view.user_fields.select([])
    return FitContext(view, none, _everything(), view.as_of, 0)


def _everything() -> st.Eligibility:
    """Return an eligibility that bars nothing; EASE does not ask it."""
    users, products = pd.DataFrame({"user_id": [0]}), pd.DataFrame({"product_id": [0]})
    return st.Policy.unrestricted().evaluate(users, products, AS_OF)


def _quality(ranker: EASE, bought: Purchases) -> float:
    params = ranker.get_params()
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=EASE(**params), fallback=None)
    pipeline.fit(dataset(bought), as_of=AS_OF)
    return ndcg(pipeline.recommend(k=K).to_frame(), bought, np.arange(SIZE))


def _mid(values: list[float]) -> float:
    return float(np.median(values))
