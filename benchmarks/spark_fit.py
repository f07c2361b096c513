"""Fit 20 million interactions of 2 million customers on a local Spark of two workers.

`python -m benchmarks.spark_fit --users 200000` runs it at another size. Needs pyspark and Java.
The driver is two processes: this one, and a JVM of 2 GB; the memory of both is reported.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import suitably as st

USERS, EACH, PRODUCTS, FACTORS, SAMPLE = 2_000_000, 10, 1_000, 32, 200_000
DRIVER, FACES = "2g", 40
AS_OF = "2024-06-01T00:00:00Z"
RULES = """
[policy]
id = "benchmark"
version = "1"
[[rules]]
id = "risk-level"
require = "product.risk_level <= user.risk_level"
[[rules]]
id = "on-sale"
require = "product.sale_start <= as_of"
[[rules]]
id = "concentration"
require = "held(product.issuer) <= 0.9 * portfolio()"
"""


class Peak:
    """The most memory that this process, its JVM and its Python workers had, looked at often."""

    def __init__(self) -> None:
        self.most: dict[str, int] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.2):
            found: dict[str, int] = {"all": 0}
            for process in _family(os.getpid()):
                try:
                    name, size = _size_of(process)
                except OSError:
                    continue
                own = process == os.getpid()
                kind = "this process" if own else "JVM" if name == "java" else "worker"
                found[kind] = max(found.get(kind, 0), size)
                found["all"] += size
            for kind, size in found.items():
                self.most[kind] = max(self.most.get(kind, 0), size)


def _family(pid: int) -> list[int]:
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        try:
            for task in Path(f"/proc/{one}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except OSError:
            continue
    return found


def _size_of(pid: int) -> tuple[str, int]:
    """Return name and private memory: mapped files, which the system may drop, do not count."""
    lines = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    return lines["Name"].strip(), int(lines.get("RssAnon", "0").split()[0]) << 10


def session(heap: str) -> Any:
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    builder = SparkSession.builder.master("local[2]").appName("benchmark")
    settings = {
        "spark.driver.memory": heap,
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "16",
        # Instants in the zone of the session, in which nothing is asked of a calendar.
        "spark.sql.session.timeZone": "UTC",
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    return spark


def frames(spark: Any, users: int) -> tuple[Any, Any, Any]:
    """Make customers of tastes in blocks, by Spark itself: nothing of them is in this process."""
    from pyspark.sql import functions as f

    people = spark.range(users, numPartitions=16).select(
        f.col("id").alias("user_id"), (f.pmod(f.hash("id"), f.lit(6))).alias("risk_level"),
        *(f.pmod(f.hash("id", f.lit(i)), f.lit(1_000)).alias(f"field_{i}") for i in range(3)),
    )  # fmt: skip
    goods = spark.range(PRODUCTS).select(
        f.col("id").alias("product_id"),
        (f.pmod(f.hash("id"), f.lit(5)) + 1).alias("risk_level"),
        f.expr("timestamp '2020-01-01'").alias("sale_start"),
        f.pmod(f.col("id"), f.lit(37)).cast("string").alias("issuer"),
    )
    number = (f.xxhash64("id").bitwiseAND(f.lit(2**52 - 1)) / 2**52).alias("number")
    rows = spark.range(users * EACH, numPartitions=16).select("id", number)
    user = (f.col("id") / EACH).cast("long")
    face = f.pmod(f.hash(user), f.lit(FACES))
    place = (f.pow("number", f.lit(3)) * PRODUCTS).cast("long")
    bought = f.pmod(place + face * (PRODUCTS // FACES), f.lit(PRODUCTS))
    days = f.pmod(f.hash("id"), f.lit(700)) + 1
    moment = f.expr("timestamp '2024-06-01'") - f.make_dt_interval(days)
    log = rows.select(
        user.alias("user_id"), bought.alias("product_id"), moment.alias("timestamp"),
        f.lit(100.0).alias("value"),
    )  # fmt: skip
    return people, goods, log


def measure(users: int, sample: int, heap: str) -> None:
    spark = session(heap)
    with tempfile.TemporaryDirectory(prefix="suitably-", dir=os.environ.get("TMPDIR")) as folder:
        for name, frame in zip(("users", "products", "log"), frames(spark, users), strict=True):
            frame.write.parquet(f"{folder}/{name}")
        read = [spark.read.parquet(f"{folder}/{name}") for name in ("users", "products", "log")]
        pipeline = st.Pipeline(
            [st.profiles.RecencyFrequencyValue()],
            st.Policy.from_toml(RULES),
            st.ranking.ALS(factors=FACTORS, regularization=30.0),
        )
        start = time.perf_counter()
        with Peak() as peak, warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            made = st.engines.spark.fit(
                pipeline, *read, AS_OF, f"{folder}/model", sample, time_zone="UTC"
            )
        seconds = time.perf_counter() - start
        size = sum(path.stat().st_size for path in Path(folder, "model").iterdir())
        print(f"{made}, {made.events:,} events: {seconds:.0f} s, model {size / 2**20:,.0f} MB")
        for kind, most in peak.most.items():
            print(f"  {kind}: at most {most / 2**20:,.0f} MB")
    spark.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spark_fit", description=__doc__)
    parser.add_argument("--users", type=int, default=USERS)
    parser.add_argument("--sample", type=int, default=SAMPLE)
    parser.add_argument("--heap", default=DRIVER, help="of the JVM")
    given = parser.parse_args()
    measure(given.users, given.sample, given.heap)
