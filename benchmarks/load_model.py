"""Loading 200 MB of factors: by the manifest alone, and every byte beside its plain sha256."""

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

import suitably as st
from benchmarks.runner import Row, paired

USERS, PRODUCTS, FACTORS, ROUNDS = 800_000, 2_000, 64, 9


def run() -> list[Row]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        _pipeline().save(path)
        files = sorted(path.glob("*-*.*"))
        size = sum(file.stat().st_size for file in files) / 1e6

        def hashed() -> None:
            for file in files:
                with file.open("rb") as opened:
                    hashlib.file_digest(opened, "sha256")

        what = f"{USERS:,} x {FACTORS} factors, {size:.0f} MB"
        return [
            paired(
                f'load(verify="manifest"), {what}',
                lambda: st.load(path, verify="manifest"),
                None,
                "target: .05 s",
                rounds=ROUNDS,
            ),
            paired(
                f'load(verify="full"), {what}',
                lambda: st.load(path),
                hashed,
                "peer: sha256 of the same files, and nothing else",
                rounds=ROUNDS,
            ),
        ]


def _pipeline() -> st.Pipeline:
    rng = np.random.default_rng(0)
    log = pd.DataFrame(
        {"user_id": np.arange(USERS), "product_id": rng.integers(0, PRODUCTS, USERS)}
    )
    ranker = st.ranking.ALS(factors=FACTORS, iterations=1)
    policy = st.Policy.unrestricted()
    return st.Pipeline(policy=policy, ranker=ranker, fallback=None).fit(st.Dataset(None, None, log))
