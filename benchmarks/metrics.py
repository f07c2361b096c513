"""Accuracy of 200,000 lists of ten, beside RecTools and pytrec_eval in one process.

RecTools and pytrec_eval need an environment of their own: where they are not installed here, the
lines run in the interpreter that `SUITABLY_RECTOOLS_PYTHON` names, if it has them.
"""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.runner import Row, paired
from suitably.evaluation import evaluate
from suitably.evaluation.ranked_frames import read_lists, read_relevant
from suitably.metrics import TREC, Metric, find_convention

USERS, PRODUCTS, K = 200_000, 5_000, 10
NAMES = ("ndcg", "recall", "map")
PEERS = ("rectools", "pytrec_eval")
PYTHON = "SUITABLY_RECTOOLS_PYTHON"
ROOT = Path(__file__).parents[1]


def run() -> list[Row]:
    if all(find_spec(peer) for peer in PEERS):
        return _lines()
    other = os.environ.get(PYTHON)
    if other is None:
        frames = _frames()
        note = f"SKIPPED {' and '.join(PEERS)}: not installed, and {PYTHON} names no interpreter"
        return [paired(_title("frames"), lambda: _ours(*frames), note=note)]
    done = subprocess.run(
        [other, "-m", "benchmarks.metrics"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [Row(**row) for row in json.loads(done.stdout.splitlines()[-1])]


def _lines() -> list[Row]:
    recs, relevant = _frames()
    theirs = [frame.rename(columns={"product_id": "item_id"}) for frame in (recs, relevant)]
    run_file, qrels = _dictionaries(recs), _dictionaries(relevant)

    means = _ours(recs, relevant)
    rectools, pytrec = _rectools(*theirs), _pytrec(run_file, qrels)
    _check(means, pytrec, "pytrec_eval")
    _check(_ours(recs, relevant, "rectools"), rectools, "RecTools")

    found = read_relevant(relevant)
    lists, _ = read_lists(recs, found, TREC)
    hits = lists.hits(found, found.user_ids, K)

    def kernels() -> Mapping[str, Any]:
        return {name: Metric(name, K).per_user(hits) for name in NAMES}

    return [
        paired(
            _title("frames"),
            lambda: _ours(recs, relevant, "rectools"),
            lambda: _rectools(*theirs),
            "RecTools' calc_metrics, which gives means alone; target .2",
        ),
        paired(
            _title("frames, a value per user"),
            lambda: evaluate(recs, relevant, _asked(), "rectools"),
            lambda: _rectools_per_user(*theirs),
            "RecTools' calc_per_user; target .2",
            rounds=3,
        ),
        paired(
            _title("frames"),
            lambda: _ours(recs, relevant),
            lambda: _pytrec(_dictionaries(recs), _dictionaries(relevant)),
            "pytrec_eval, which reads dictionaries, made of the frames; target .1",
            rounds=3,
        ),
        paired(
            _title("what each reads made before"),
            kernels,
            lambda: _pytrec(run_file, qrels),
            "pytrec_eval with its dictionaries made; ours with relevance laid out by rank; "
            "target .1",
            rounds=3,
        ),
    ]


def _title(given: str) -> str:
    return f"{', '.join(f'{name}@{K}' for name in NAMES)}, {USERS:,} users x {K}, {given}"


def _asked() -> list[str]:
    return [f"{name}@{K}" for name in NAMES]


def _ours(recs: Any, relevant: Any, convention: str = "trec") -> dict[str, float]:
    found = evaluate(recs, relevant, _asked(), find_convention(convention))
    return {name: float(found[f"{name}@{K}"].mean()) for name in NAMES}


def _rectools(recs: Any, relevant: Any) -> dict[str, float]:
    from rectools.metrics import MAP, NDCG, Recall, calc_metrics

    metrics = {"ndcg": NDCG(K), "recall": Recall(K), "map": MAP(K)}
    found: dict[str, float] = calc_metrics(metrics, recs, relevant)
    return found


def _rectools_per_user(recs: Any, relevant: Any) -> list[Any]:
    from rectools.metrics import MAP, NDCG, Recall

    return [metric(K).calc_per_user(recs, relevant) for metric in (NDCG, Recall, MAP)]


def _pytrec(run_file: Any, qrels: Any) -> dict[str, float]:
    import pytrec_eval

    measures = {"ndcg": f"ndcg_cut_{K}", "recall": f"recall_{K}", "map": f"map_cut_{K}"}
    judge = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut.10", "recall.10", "map_cut.10"})
    found = judge.evaluate(run_file).values()
    return {
        name: float(np.mean([values[measure] for values in found]))
        for name, measure in measures.items()
    }


def _check(ours: dict[str, float], theirs: dict[str, float], who: str) -> None:
    for name in NAMES:
        if abs(ours[name] - theirs[name]) > 1e-9:
            raise AssertionError(f"{name}: {ours[name]} of ours, {theirs[name]} of {who}")


def _frames(seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw lists, and one to five relevant products a user, of which two fifths are listed."""
    rng = np.random.default_rng(seed)
    steps = rng.integers(1, PRODUCTS // (2 * K), (USERS, K)).cumsum(axis=1)
    shown = (rng.integers(0, PRODUCTS, (USERS, 1)) + steps) % PRODUCTS
    users = np.repeat(np.arange(USERS), rng.integers(1, 6, USERS))
    listed = shown[users, rng.integers(0, K, len(users))]
    other = rng.integers(0, PRODUCTS, len(users))
    wanted = np.where(rng.random(len(users)) < 0.4, listed, other)
    recs = pd.DataFrame(
        {
            "user_id": np.repeat(np.arange(USERS), K),
            "product_id": shown.ravel(),
            "rank": np.tile(np.arange(1, K + 1), USERS),
        }
    )
    relevant = pd.DataFrame({"user_id": users, "product_id": wanted})
    return recs, relevant.drop_duplicates(ignore_index=True)


def _dictionaries(frame: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Lay a frame out as pytrec_eval reads it; the score of a rank falls with it."""
    users = frame["user_id"].astype(str).tolist()
    products = frame["product_id"].astype(str).tolist()
    ones = [1] * len(frame)
    values = [1.0 / rank for rank in frame["rank"].tolist()] if "rank" in frame else ones
    laid: dict[str, dict[str, Any]] = {}
    for user, product, value in zip(users, products, values, strict=True):
        laid.setdefault(user, {})[product] = value
    return laid


if __name__ == "__main__":
    print(json.dumps([asdict(row) for row in _lines()]))
