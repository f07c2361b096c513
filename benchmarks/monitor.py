"""What it costs to watch: answers taken in by a monitor and counted, beside recommending them.

A round is a day: answers are drawn up, the monitor takes them in, and is asked at its end. The
number of customers, products and rounds are environment variables: SUITABLY_USERS, 200,000 by
default, SUITABLY_PRODUCTS, 5,000, and SUITABLY_ROUNDS. Both are times of the processor, all cores
added up, so that other work on the machine counts less; the share is the median of the rounds'.
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
BATCH, SINGLE, TOGETHER = 10_000, 8000, 100
_DAYS = pd.date_range(AS_OF.normalize(), periods=1000)


def run() -> list[Row]:
    pipeline = fitted_pipeline(USERS, PRODUCTS, EVENTS_A_USER)
    batch = min(BATCH, USERS)
    rows = [
        _row(pipeline, USERS, 1, "everybody at once"),
        _row(pipeline, USERS, 1, "everybody at once, as of a new day", new_day=True),
        _row(pipeline, batch, USERS // batch, "everybody, in batches"),
        _row(pipeline, batch, 1, "one batch a day"),
        _row(pipeline, batch, 1, "one batch a day, as of a new day", new_day=True),
        _row(pipeline, 1, min(SINGLE, USERS), "one by one"),
    ]
    recs = pipeline.recommend(pipeline.user_ids[:1000], k=K)
    monitor = st.monitoring.Monitor(pipeline)
    begun = process_time()
    monitor.observe(recs, at=AS_OF)
    monitor.alarms()
    took = 1000 * (process_time() - begun)
    rows.append(Row("the first answers of a model", None, took, "ms", None, "once for a model"))
    for day in range(1, 400):
        monitor.observe(recs, at=AS_OF + pd.Timedelta(days=day))
    start = process_time()
    monitor.alarms()
    took = process_time() - start
    rows.append(Row(f"alarms, {len(monitor)} series on 400 days", None, took, "s", None, ""))
    return rows


def _row(pipeline: st.Pipeline, size: int, calls: int, what: str, new_day: bool = False) -> Row:
    """Time rounds of calls for as many customers each, others every time."""
    monitor = st.monitoring.Monitor(pipeline)
    ids = pipeline.user_ids
    listed, watched, shares = [], [], []
    for day in range(ROUNDS + 1):
        as_of = _DAYS[day + 1] if new_day else None
        first = 0 if calls * size == len(ids) else day * calls * size % (len(ids) - calls * size)
        at, recommending, watching = _DAYS[day], 0.0, 0.0
        for start in range(first, first + calls * size, size * TOGETHER):
            starts = range(start, min(start + size * TOGETHER, first + calls * size), size)
            begun = process_time()
            made = [pipeline.recommend(ids[one : one + size], k=K, as_of=as_of) for one in starts]
            middle = process_time()
            for recs in made:
                monitor.observe(recs, at=at)
            recommending += middle - begun
            watching += process_time() - middle
        begun = process_time()
        assert monitor.set_aside == 0  # all are counted
        watching += process_time() - begun
        if day:  # the first round does what is done once for a model
            listed.append(recommending / calls)
            watched.append(watching / calls)
            shares.append(watched[-1] / listed[-1])
    note = f"recommending: {1000 * median(listed):.4g} ms; {100 * median(shares):.2g} % of it"
    name = f"watch {size:,} x {PRODUCTS:,}, k = {K}: {what}"
    return Row(name, None, 1000 * median(watched), "ms", None, note)
