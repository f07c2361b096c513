"""A small world for campaigns: a bank, a pipeline, and chances that everybody can check."""

from typing import Any

import numpy as np
import pandas as pd

import suitably as st

__all__ = ["CHANNELS", "MARGINS", "chances_of", "fitted", "universe_of"]

CHANNELS = pd.DataFrame({"channel": ["letter", "call"], "cost": [1.0, 6.0], "response": [0.5, 1.0]})
USERS = 60
MARGINS = {f"p{place}": 20.0 + 15 * place for place in range(6)}


def fitted(consent: Any = None, **changed: Any) -> st.Pipeline:
    """Return a pipeline of which a rule lets risky products through to few."""
    rng = np.random.default_rng(7)
    names = [f"u{place:02d}" for place in range(USERS)]
    users = pd.DataFrame(
        {
            "user_id": names,
            "level": rng.integers(1, 4, USERS),
            "vulnerable": rng.random(USERS) < 0.2,
            "contacts_7d": rng.integers(0, 4, USERS),
        }
    )
    products = pd.DataFrame(
        {
            "product_id": [*MARGINS],
            "margin": [*MARGINS.values()],
            "risk": [1, 1, 2, 2, 3, 3],
        }
    )
    log = pd.DataFrame(
        {
            "user_id": rng.choice(names, 150),
            "product_id": rng.choice([*MARGINS], 150),
            "timestamp": pd.Timestamp("2026-01-01")
            + pd.to_timedelta(rng.integers(0, 80, 150), "D"),
        }
    )
    policy = st.Policy.from_toml(
        '[policy]\nid = "levels"\nversion = "1"\n[[rules]]\nid = "level"\n'
        'require = "product.risk <= user.level"\n'
    )
    data = st.Dataset(users, products, log)
    ranker = st.ranking.Popularity()
    return st.Pipeline(policy=policy, ranker=ranker, consent=consent, **changed).fit(
        data, as_of="2026-04-01"
    )


def universe_of(pipeline: st.Pipeline) -> pd.DataFrame:
    """Return every pair that a list could hold."""
    return pipeline.recommend(k=len(MARGINS)).to_frame()[["user_id", "product_id"]]


def chances_of(pipeline: st.Pipeline, seed: int = 0) -> pd.DataFrame:
    """Return a probability for every user and product, eligible or not."""
    rng = np.random.default_rng(seed)
    pairs = pd.MultiIndex.from_product(
        [pipeline.user_ids, [*MARGINS]], names=["user_id", "product_id"]
    ).to_frame(index=False)
    return pairs.assign(probability=np.round(rng.beta(1, 6, len(pairs)), 4))
