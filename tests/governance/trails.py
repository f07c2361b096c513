"""A small pipeline that records what it decides."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import suitably as st

__all__ = ["POLICY", "USERS", "recorded", "trail_pipeline"]

POLICY = """
[policy]
id = "levels"
version = "7"
[[rules]]
id = "level"
require = "product.level <= user.level"
because = { en = "{product.level} is above {user.level}", zh = "过高" }
[[rules]]
id = "adult"
require = "age(user.birth_date) >= 18"
[[rules]]
id = "topic"
require = "missing(product.topic) or contains(user.topics, product.topic)"
[[rules]]
id = "region"
require = "user.region in ['north', 'süd']"
[[rules]]
id = "careful"
applies = "user.careful"
require = "product.level <= 2"
"""
USERS = [f"kunde-{n:03d}" for n in range(12)]


def trail_pipeline(audit: Any, **options: Any) -> st.Pipeline:
    """Fit a pipeline whose policy reads fields of every type."""
    count = len(USERS)
    people = pd.DataFrame(
        {
            "user_id": USERS,
            "level": [
                np.nan if n == 3 else float(1 + n % 4) + 0.5 * (n == 2) for n in range(count)
            ],
            "birth_date": pd.to_datetime(["1980-05-07"] * (count - 1) + ["2010-01-01"]),
            "topics": [["options", "funds"] if n % 2 else [] for n in range(count)],
            "region": ["north", "süd", None][0:1] * 4 + ["süd"] * 4 + [None] * 4,
            "careful": [n % 3 == 0 for n in range(count)],
        }
    )
    shelf = pd.DataFrame(
        {
            "product_id": [f"fund {n}" for n in range(6)],
            "level": [1, 2, 3, 4, 1, 2],
            "topic": [None, "options", None, "futures", None, None],
        }
    )
    rows = [(u, p) for u in range(count) for p in range(6) if (u * 5 + p) % 4 == 0]
    log = pd.DataFrame(
        {
            "user_id": [USERS[u] for u, _ in rows],
            "product_id": [f"fund {p}" for _, p in rows],
            "timestamp": "2024-01-01",
        }
    )
    given = {"policy": st.Policy.from_toml(POLICY), "ranker": st.ranking.Popularity()}
    pipeline = st.Pipeline(**{**given, "audit": audit, **options})
    return pipeline.fit(st.Dataset(people, shelf, log), as_of="2024-02-01")


def recorded(folder: Path, **options: Any) -> tuple[st.governance.AuditTrail, st.Pipeline]:
    """Return a trail of a few decisions, and the pipeline that made them."""
    audit = st.governance.AuditTrail(folder / "decisions.sqlite", key="a key of some length")
    pipeline = trail_pipeline(audit, **options)
    pipeline.recommend(k=3)
    pipeline.recommend([USERS[4], "nobody", USERS[0]], k=2, product_ids=["fund 0", "fund 5"])
    pipeline.recommend([USERS[4]], k=4, as_of="2024-03-01T12:30:00")
    return audit, pipeline
