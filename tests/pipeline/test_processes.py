"""Fitted pipelines in forked processes, in loky's workers and in threads: the same answers."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from joblib import Parallel, delayed

import suitably as st
from support.frames import convert, rows_of

RANKERS = ["ALS", "BPR", "LogisticMF", "IALS", "EASE", "Spectral", "ItemKNN", "Popularity"]
LOG = """
import multiprocessing as mp, sys
import numpy as np, pandas as pd, suitably as st
rng = np.random.default_rng(0)
log = pd.DataFrame({"user_id": rng.integers(0, 300, 3000), "product_id": rng.integers(0, 40, 3000)})
def lists(name):
    made = st.Pipeline(policy=st.Policy.unrestricted(), ranker=getattr(st.ranking, name)())
    return made.fit(st.Dataset(None, None, log)).recommend(k=3).to_frame()
def again(name, want):
    assert lists(name).equals(want), name
"""


def fitted(kind: str) -> st.Pipeline:
    rng = np.random.default_rng(0)
    log = {"user_id": rng.integers(0, 60, 600), "product_id": rng.integers(0, 20, 600)}
    made = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.ALS(factors=4))
    return made.fit(st.Dataset(None, None, convert(pa.table(log), kind)))


def lists(pipeline: st.Pipeline) -> Any:
    return rows_of(pipeline.recommend(k=3).to_frame())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_every_ranker_can_be_fitted_after_a_fork() -> None:
    """In a process of its own, where OpenMP's threads have surely been started before."""
    code = LOG + (
        "for name in sys.argv[1:]:\n"
        "    child = mp.get_context('fork').Process(target=again, args=(name, lists(name)))\n"
        "    child.start(); child.join(60)\n"
        "    assert child.exitcode == 0, (name, child.exitcode); child.kill()\n"
    )
    path = os.pathsep.join(map(str, sys.path))
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *RANKERS],
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "3"},
        check=True,
        timeout=300,
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_a_fitted_pipeline_serves_updates_and_is_saved_after_a_fork(
    kind: str, tmp_path: Path
) -> None:
    pipeline = fitted(kind)
    expected = lists(pipeline)
    child = os.fork()
    if not child:
        code = 1
        try:
            threading.Timer(60, os._exit, [2]).start()
            same = lists(pipeline) == expected
            pipeline.update(convert(pa.table({"user_id": [1], "product_id": [3]}), kind))
            pipeline.save(tmp_path / "model")
            code = 0 if same and lists(st.load(tmp_path / "model")) == lists(pipeline) else 1
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert lists(pipeline) == expected
    assert len(st.load(tmp_path / "model").user_ids) == 60


def test_a_fitted_pipeline_goes_to_other_processes() -> None:
    pipeline = fitted("pandas")
    found = Parallel(n_jobs=2, backend="loky")(delayed(lists)(pipeline) for _ in range(2))
    assert found == [lists(pipeline)] * 2


def test_a_fitted_pipeline_answers_several_threads() -> None:
    pipeline = fitted("pandas")
    expected = lists(pipeline)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: lists(pipeline), range(12))) == [expected] * 12
