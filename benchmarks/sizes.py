"""Every ranker as users and products grow: seconds to fit and to list, memory, quality.

A process for each ranker and size, so that memory is that ranker's alone. `python -m benchmarks
sizes` runs all of them; `SUITABLY_BENCH_SIZES=1000,10000` and `SUITABLY_BENCH_RANKERS=EASE,IALS`
choose some. Figures are also written to `docs/sizes.csv`, from which the picture is drawn.
"""

import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import suitably as st
from benchmarks.long_tail import AS_OF, Purchases, purchases
from benchmarks.runner import Row

SIZES = (1_000, 10_000, 100_000, 1_000_000)
EVENTS_EACH = 30
LISTED, K = 10_000, 20
LIMIT = 1_800
RANKERS = (
    *("Popularity", "ItemKNN", "EASE", "Spectral", "ALS", "IALS", "BPR", "LogisticMF", "Blend"),
)
CSV = Path(__file__).parents[1] / "docs" / "sizes.csv"
FIELDS = ("ranker", "size", "events", "fit_s", "list_s", "fit_mb", "peak_mb", "ndcg", "refused")


def run() -> list[Row]:
    sizes = _chosen("SUITABLY_BENCH_SIZES", SIZES, int)
    rankers = _chosen("SUITABLY_BENCH_RANKERS", RANKERS, str)
    found = [_measured(name, size) for size in sizes for name in rankers]
    with CSV.open("w", newline="") as out:
        writer = csv.DictWriter(out, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: _rounded(value) for key, value in one.items()} for one in found)
    return [row for one in found for row in _rows(one)]


def fitted(name: str, size: int) -> dict[str, Any]:
    """Fit a ranker on as many users as products, list for some, and say what it took."""
    bought = purchases(size, size, size * EVENTS_EACH)
    data = dataset(bought)
    ranker = getattr(st.ranking, name)()
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=ranker, fallback=None)
    before = resident("VmRSS")
    said: dict[str, Any] = {"ranker": name, "size": size, "events": len(bought.users)}
    start = time.perf_counter()
    try:
        pipeline.fit(data, as_of=AS_OF)
    except st.DataError as error:
        return {**said, "refused": str(error)}
    middle = time.perf_counter()
    asked = np.random.default_rng(1).permutation(size)[:LISTED]
    recs = pipeline.recommend(asked, k=K)
    end = time.perf_counter()
    peak = resident("VmHWM")
    return {
        **said,
        "fit_s": middle - start,
        "list_s": end - middle,
        "fit_mb": (peak - before) / 1e6,
        "peak_mb": peak / 1e6,
        "ndcg": ndcg(recs.to_frame(), bought, asked),
    }


def ndcg(frame: pd.DataFrame, bought: Purchases, asked: np.ndarray) -> float:
    """Return nDCG of lists against what those asked bought afterwards; without any, left out."""
    later = pd.DataFrame({"user_id": bought.later_users, "product_id": bought.later_products})
    later = later[later["user_id"].isin(asked)].drop_duplicates()
    metric = f"ndcg@{K}"
    return float(st.evaluation.evaluate(frame, later, metrics=[metric])[metric].mean())


def dataset(bought: Purchases) -> st.Dataset:
    log = pd.DataFrame(
        {"user_id": bought.users, "product_id": bought.products, "timestamp": bought.times}
    )
    return st.Dataset(None, None, log)


def _measured(name: str, size: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.sizes", name, str(size)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=True)
    except subprocess.TimeoutExpired:
        said = f"took over {LIMIT} s"
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip().splitlines()[-1] if error.stderr else f"rc {error.returncode}"
    else:
        return dict(json.loads(done.stdout.splitlines()[-1]))
    return {"ranker": name, "size": size, "events": size * EVENTS_EACH, "refused": said}


def _rows(one: dict[str, Any]) -> list[Row]:
    size = f"{one['ranker']}, {one['size']:,} x {one['size']:,}"
    if "refused" in one:
        return [Row(size, None, float("nan"), "", None, one["refused"])]
    note = f"{one['events']:,} events; {LISTED:,} lists of {K}"
    named = (("fit", "fit_s", "s"), ("lists", "list_s", "s"), ("memory of the fit", "fit_mb", "MB"),
             ("memory in all", "peak_mb", "MB"), (f"nDCG@{K}", "ndcg", ""))  # fmt: skip
    return [Row(f"{size}, {what}", None, one[key], unit, None, note) for what, key, unit in named]


def _rounded(value: Any) -> Any:
    """Return three digits of a figure: what a shared machine tells."""
    return float(f"{value:.3g}") if isinstance(value, float) else value


def _chosen(variable: str, every: tuple[Any, ...], kind: type) -> list[Any]:
    given = os.environ.get(variable)
    return [kind(one) for one in given.split(",")] if given else list(every)


def resident(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * float(next(line for line in lines if line.startswith(name)).split()[1])


if __name__ == "__main__":
    print(json.dumps(fitted(sys.argv[1], int(sys.argv[2]))))
