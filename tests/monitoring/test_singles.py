"""What waits of a single answer: numbers, and nothing whose size grows with the customers."""

import gc
import weakref

import pandas as pd

import suitably as st
from suitably.monitoring import Monitor


def test_masks_of_all_users_do_not_wait() -> None:
    log = pd.DataFrame(
        {
            "user_id": [f"u{i}" for i in range(50)],
            "product_id": [f"p{i % 7}" for i in range(50)],
            "timestamp": pd.Timestamp("2025-01-01"),
        }
    )
    granted = pd.DataFrame(
        {
            "user_id": ["u0"],
            "purpose": "personalisation",
            "granted_at": pd.Timestamp("2024-01-01"),
            "withdrawn_at": pd.NaT,
        }
    )
    free = st.Policy.unrestricted()
    pipeline = st.Pipeline(policy=free, ranker=st.ranking.Popularity())
    pipeline = pipeline.fit(st.Dataset(None, None, log)).with_consent(
        st.governance.Consent(granted)
    )
    monitor = Monitor(pipeline)
    masks = []
    for user in ("u0", "u1", "u2"):
        recs = pipeline.recommend([user], k=3)
        monitor.observe(recs)
        if recs.generator.opt_out is not None:
            masks.append(weakref.ref(recs.generator.opt_out))
    del recs
    gc.collect()
    assert len(masks) == 2
    assert [mask() for mask in masks] == [None, None]
    frame = monitor.to_frame().set_index("series")
    assert frame.loc["opted-out", ["users", "mean"]].tolist() == [3, 2 / 3]
