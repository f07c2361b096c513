"""Uplift beside causalml and econml on simulated campaigns, whose true effects are known.

Peers run in an environment of their own, named in `SUITABLY_UPLIFT_PYTHON`.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.runner import Row

SIZES, SEEDS = (20_000, 100_000), (0, 1, 2)
PYTHON = "SUITABLY_UPLIFT_PYTHON"
PEERS = (
    "causalml-t",
    "causalml-x",
    "causalml-dr",
    "econml-dr",
    "econml-linear-dr",
    "econml-forest",
)
"""All with LightGBM as it comes; the forest is `CausalForestDML` of 500 trees."""


def run() -> list[Row]:
    return measure(SIZES, SEEDS, PEERS)


def measure(sizes: Sequence[int], seeds: Sequence[int], peers: Sequence[str]) -> list[Row]:
    """Let everybody learn from half of a campaign, and order the other half.

    Each contender runs in a process of its own on one core; what counts is the processor's time
    from fields to effects, imports left out. The Qini is that of the true effects, over the one of
    their own order, so that 1 is the best there is.
    """
    rows = []
    for size in sizes:
        found: dict[str, list[dict[str, float]]] = {}
        for seed in seeds:
            with TemporaryDirectory() as folder:
                truth = _write(Path(folder), size, seed)
                for name in ("ours", *peers):
                    python = sys.executable if name == "ours" else os.environ.get(PYTHON)
                    if python:
                        one = _contend(python, name, Path(folder))
                        effect = np.load(Path(folder) / "effect.npy")
                        one["qini"] = true_qini(effect, truth) / true_qini(truth, truth)
                        found.setdefault(name, []).append(one)
                        print(size, seed, name, one, file=sys.stderr, flush=True)
        rows += _rows(size, found)
    return rows


def true_qini(effect: np.ndarray, truth: np.ndarray) -> float:
    """Give the area between the true gains in the order of an effect and those of a random one."""
    gains = np.cumsum(truth[np.argsort(-effect, kind="stable")]) / len(truth)
    return float(gains.mean() - gains[-1] / 2)


def _write(folder: Path, size: int, seed: int) -> np.ndarray:
    """Write a campaign: as a frame for us, as one matrix for peers. Give the test half's effects.

    The matrix is what our own trees see, made for the peers at no cost; what is missing is the
    median, since not all of them take NaN.
    """
    import suitably as st
    from suitably.data.frames import read_frame
    from suitably.decisions.uplift.fields import Fields

    campaign = st.data.simulate_bank(2 * size, 50, seed=seed).campaign("2024-07-01", seed=seed)
    frame = campaign.frame
    learn = np.random.default_rng(seed).random(len(frame)) < 0.5
    frame[learn].to_parquet(folder / "learn.parquet")
    frame[~learn].to_parquet(folder / "order.parquet")
    own = ("user_id", "probability", "approached", "bought")
    table, _ = read_frame(frame, "frame")
    values = Fields.learn(table, [c for c in frame if c not in own]).encode(table).values
    values = np.where(np.isnan(values), np.nanmedian(values, axis=0), values).astype(np.float64)
    np.savez(
        folder / "peers.npz",
        learn=values[learn],
        order=values[~learn],
        approached=frame["approached"].to_numpy()[learn].astype(np.int64),
        bought=frame["bought"].to_numpy()[learn].astype(np.int64),
        probability=frame["probability"].to_numpy()[learn],
    )
    return campaign.truth()[~learn]


def _contend(python: str, name: str, folder: Path) -> dict[str, float]:
    command = [python, str(Path(__file__).with_name("uplift_contender.py")), name, str(folder)]
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "LOKY_MAX_CPU_COUNT": "1"}
    done = subprocess.run(
        command, env=os.environ | threads, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr[-2_000:]}")
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _rows(size: int, found: dict[str, list[dict[str, float]]]) -> list[Row]:
    ours, rows = found["ours"], []
    note = f"mean of {len(ours)} campaigns, one core"
    for name, theirs in found.items():
        peer = None if name == "ours" else theirs
        for what, unit in (("qini", "of the best"), ("seconds", "s of one processor")):
            mine = [one[what] for one in ours]
            other = None if peer is None else [one[what] for one in peer]
            ratio: Any = None
            if other is not None:
                ratio = median(a / b for a, b in zip(mine, other, strict=True))
            title = f"{what}, {size:,} customers" + ("" if peer is None else f", {name}")
            rows.append(Row(title, other and mean(other), mean(mine), unit, ratio, note))
    return rows
