"""Loops that have just been compiled give what they give when they are read from a cache."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FITS = """
import hashlib
import suitably as st
bank = st.data.simulate_bank(users=300, products=80, seed=0)
for ranker in (st.ranking.EASE(neighbours=20), st.ranking.IALS(factors=8, iterations=2)):
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=ranker).fit(bank)
    scores = pipeline.recommend(k=5).to_frame()["score"]
    print(hashlib.sha256(scores.to_numpy().tobytes()).hexdigest())
"""


def test_a_cache_changes_no_bit(tmp_path: Path) -> None:
    pytest.importorskip("numba")
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    said = [
        subprocess.run(
            [sys.executable, "-c", FITS],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(2)
    ]
    assert said[0] == said[1]
    assert len(said[0].split()) == 2
