"""What it costs to watch: a batch taken in by a monitor, beside recommending it.

The number of customers, products and rounds are environment variables: SUITABLY_USERS, 200,000 by
default, SUITABLY_PRODUCTS, 5,000, and SUITABLY_ROUNDS. Both are times of the processor, all cores
added up, so that other work on the machine counts less.
"""

import os
from statistics import median
from time import process_time

import pandas as pd

import suitably as st
from benchmarks.runner import Row
from benchmarks.workload import AS_OF, fitted_pipeline

USERS = int(os.environ.get("SUITABLY_USERS", "200000"))
PRODUCTS = int(os.environ.get("SUITABLY_PRODUCTS", "5000"))
ROUNDS = int(os.environ.get("SUITABLY_ROUNDS", "5"))
K, EVENTS_A_USER = 10, 5
_DAYS = pd.date_range(AS_OF.normalize(), periods=1000)


def run() -> list[Row]:
    pipeline = fitted_pipeline(USERS, PRODUCTS, EVENTS_A_USER)
    rows = []
    for batch in (USERS, 10_000, 1):
        listed, watched, shares = _timed(pipeline, min(batch, USERS))
        note = f"recommending: {1000 * listed:.4g} ms; {100 * median(shares):.2g} % of it"
        name = f"watch {batch:,} x {PRODUCTS:,}, k = {K}"
        rows.append(Row(name, None, 1000 * watched, "ms", None, note))
    monitor = st.monitoring.Monitor(pipeline)
    recs = pipeline.recommend(pipeline.user_ids[:1000], k=K)
    for day in range(400):
        monitor.observe(recs, at=AS_OF + pd.Timedelta(days=day))
    start = process_time()
    monitor.alarms()
    took = process_time() - start
    rows.append(Row(f"alarms, {len(monitor)} series on 400 days", None, took, "s", None, ""))
    return rows


def _timed(pipeline: st.Pipeline, size: int) -> tuple[float, float, list[float]]:
    """Return seconds of recommending and of watching, and their ratios, round by round."""
    monitor = st.monitoring.Monitor(pipeline)
    calls = max(1, 8000 // size)
    listed, watched, shares = [], [], []
    for day in range(ROUNDS + 1):
        start = process_time()
        made = [
            pipeline.recommend(pipeline.user_ids[call * size : (call + 1) * size], k=K)
            for call in range(calls)
        ]
        middle = process_time()
        for recs in made:
            monitor.observe(recs, at=_DAYS[day])
        assert monitor.set_aside == 0  # all are counted
        end = process_time()
        if day:  # the first round hashes the customers' ids, once for a model
            listed.append((middle - start) / calls)
            watched.append((end - middle) / calls)
            shares.append(watched[-1] / listed[-1])
    return median(listed), median(watched), shares
