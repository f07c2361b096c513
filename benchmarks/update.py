"""Taking in one per cent of new events, beside fitting again on everything."""

from statistics import median

import numpy as np
import pandas as pd

import suitably as st
from benchmarks.runner import Row, seconds

USERS, PRODUCTS, EVENTS = 100_000, 2_000, 1_000_000
ROUNDS = 5


def run() -> list[Row]:
    log = events(EVENTS + ROUNDS * EVENTS // 100)
    users = pd.DataFrame({"user_id": np.arange(USERS)})
    products = pd.DataFrame({"product_id": np.arange(PRODUCTS)})
    pipeline = st.Pipeline(
        profiles=[st.profiles.RecencyFrequencyValue()],
        policy=st.Policy.unrestricted(),
        ranker=st.ranking.ALS(),
    )
    data = st.Dataset(users, products, log[:EVENTS])
    # Each new batch is timed beside a refit, so that whatever slows the machine slows both.
    refits, updates = [], []
    for start in range(EVENTS, len(log), EVENTS // 100):
        refits.append(seconds(lambda: pipeline.clone().fit(data)))
        if not pipeline.is_fitted:
            pipeline.fit(data)
        news = log[start : start + EVENTS // 100]
        updates.append(seconds(lambda news=news: pipeline.update(news)))
    rebuilt = pipeline.clone().fit(st.Dataset(users, products, log), pipeline.as_of_)
    owned, wanted = (p.recommend(exclude_owned=True).abstentions() for p in (pipeline, rebuilt))
    assert owned.equals(wanted), "an update and a rebuild disagree on what is owned"
    ratio = median(a / b for a, b in zip(updates, refits, strict=True))
    note = f"peer: a fit of ALS, 64 factors, on {EVENTS:,} events; ours: 1 % more taken in"
    name = f"update, {USERS:,} x {PRODUCTS:,}"
    return [Row(name, median(refits), median(updates), "s", ratio, note)]


def events(number: int) -> pd.DataFrame:
    """Draw purchases in order of time, some products far more often than others."""
    rng = np.random.default_rng(0)
    moments = np.sort(rng.integers(0, 300 * 86_400, number))
    return pd.DataFrame(
        {
            "user_id": rng.integers(0, USERS, number),
            "product_id": rng.zipf(1.3, number) % PRODUCTS,
            "timestamp": pd.Timestamp("2024-01-01") + pd.to_timedelta(moments, unit="s"),
            "value": 1.0,
        }
    )
