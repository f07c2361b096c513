"""Lists for everybody by a local Spark with one worker per core, beside the same in one process.

`python -m benchmarks.spark --users 50000` runs it at another size. Needs pyspark and Java.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

import suitably as st
from benchmarks.runner import Row, paired, table
from benchmarks.workload import AS_OF, POLICY, frames

USERS, PRODUCTS, FACTORS, OWNED, K = 1_000_000, 5_000, 64, 10, 10
SAMPLE = 1_000
# Partitions per core: few, since each costs a task, but the last one must not be long.
TASKS = 4

ONE_PROCESS = """
import sys, time
start = time.perf_counter()
import suitably
suitably.load(sys.argv[1]).recommend(k=int(sys.argv[2])).to_arrow()
print(time.perf_counter() - start)
"""


def run() -> list[Row]:
    if importlib.util.find_spec("pyspark") is None:
        print("spark: pyspark is not installed, nothing measured", file=sys.stderr)
        return []
    return measure(USERS)


def measure(users: int, rounds: int = 3) -> list[Row]:
    """Measure the first job, with everything read and bound, and those that follow it."""
    with tempfile.TemporaryDirectory(prefix="suitably-") as folder:
        model, asked = Path(folder, "model"), Path(folder, "users.parquet")
        _saved(users, model)
        pd.DataFrame({"user_id": np.arange(users)}).to_parquet(asked)
        alone = subprocess.run(
            [sys.executable, "-c", ONE_PROCESS, str(model), str(K)],
            capture_output=True,
            text=True,
            check=True,
        )
        pipeline = st.load(model)
        spark = _session()
        try:
            everybody = spark.read.parquet(str(asked)).repartition(TASKS * (os.cpu_count() or 1))
            everybody = everybody.cache()
            everybody.count()

            def ours() -> None:
                lists = st.engines.spark.recommend(model, everybody, k=K)
                lists.write.format("noop").mode("overwrite").save()

            start = time.perf_counter()
            ours()
            first = time.perf_counter() - start
            _check(pipeline, st.engines.spark.recommend(model, everybody, k=K))
            size = f"{users:,} x {PRODUCTS:,} x {FACTORS} factors, {os.cpu_count()} cores"
            warm = paired(
                f"Spark, warm, {size}",
                ours,
                lambda: pipeline.recommend(k=K).to_arrow(),
                "peer: recommend() in one process, loaded and bound; ours includes the driver's "
                "check of the model",
                rounds=rounds,
            )
        finally:
            spark.stop()
    peer = float(alone.stdout)
    note = "peer: import, load and recommend() in a new process; ours without Spark's own start"
    return [Row(f"Spark, first job, {size}", peer, first, "s", first / peer, note), warm]


def _saved(users: int, model: Path) -> None:
    """Fit for the shapes, not for quality: one iteration on purchases drawn at random."""
    customers, shelf = frames(users, PRODUCTS)
    rng = np.random.default_rng(0)
    log = pa.table(
        {
            "user_id": np.repeat(np.arange(users), OWNED),
            "product_id": (rng.random(users * OWNED) ** 2 * PRODUCTS).astype(np.int64),
            "timestamp": np.full(users * OWNED, np.datetime64(AS_OF) - np.timedelta64(1, "D")),
        }
    )
    ranker = st.ranking.ALS(factors=FACTORS, iterations=1, regularization=1.0)
    pipeline = st.Pipeline(policy=st.Policy.from_toml(POLICY), ranker=ranker)
    pipeline.fit(st.Dataset(customers, shelf, log), AS_OF).save(model)


def _session() -> Any:
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    # The workers are Spark's children: they find the package where this process does.
    builder = SparkSession.builder.master(f"local[{os.cpu_count()}]").appName("benchmark")
    spark = builder.config("spark.ui.enabled", "false").getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    return spark


def _check(pipeline: st.Pipeline, lists: Any) -> None:
    """Compare the lists of some customers, to the last bit."""
    some = np.random.default_rng(1).choice(pipeline.user_ids, SAMPLE, replace=False)
    found = lists.where(lists.user_id.isin([int(user) for user in some])).toArrow()
    wanted = pipeline.recommend(np.sort(some), k=K).to_arrow().select(found.column_names)
    order = [("user_id", "ascending"), ("rank", "ascending")]
    if not found.sort_by(order).cast(wanted.schema).equals(wanted):
        raise AssertionError("Spark's lists are not those of one process")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spark", description=__doc__)
    parser.add_argument("--users", type=int, default=USERS)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print(table(measure(given.users, given.rounds)))
