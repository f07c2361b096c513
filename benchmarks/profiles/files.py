"""Profiles of a log on disk, out of core: one builder beside its peers, and all of them.

`RecencyFrequencyValue` stands beside polars' streaming engine and DuckDB; all builders at once have
no peer. Each contender runs in a process of its own, which has a peak of memory of its own. With
`SUITABLY_BENCH_EVENTS=50000000` the log has fifty million events, some 900 MB as Parquet.
"""

import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import polars as pl
import pyarrow.parquet as pq

import suitably as st
from benchmarks.profiles.lines import builders
from benchmarks.profiles.log import AS_OF, draw
from benchmarks.runner import Row

__all__ = ["from_files"]

USERS, PRODUCTS, MEGA = 1_000_000, 500, 1_000_000
_PIECE = 5_000_000  # events drawn at a time
_OURS = f"""
import suitably as st
builder = st.profiles.RecencyFrequencyValue()
st.engines.files.profiles([builder], None, None, log, out, as_of="{AS_OF}")
"""
_POLARS = f"""
import datetime
import polars as pl
moment = datetime.datetime.fromisoformat("{AS_OF}")
when = pl.col("timestamp")
found = pl.scan_parquet(log).filter(when < moment).group_by("user_id").agg(
    frequency=pl.len(), last=when.max(), monetary=pl.col("value").sum())
days = (moment - pl.col("last")).dt.total_milliseconds() / 86_400_000
found.with_columns(recency_days=days).drop("last").sink_parquet(out)
"""
_DUCKDB = f"""
import duckdb
connection = duckdb.connect()
connection.execute("SET memory_limit = '2GB'")
connection.execute(f'''COPY (
    SELECT user_id, count(*) AS frequency, sum(value) AS monetary,
        epoch_ms(TIMESTAMP '{AS_OF}' - max(timestamp)) / 86400000.0 AS recency_days
    FROM '{{log}}' WHERE timestamp < TIMESTAMP '{AS_OF}' GROUP BY user_id) TO '{{out}}'
    (FORMAT parquet)''')
"""
_EVERY = f"""
from benchmarks.profiles.files import every_builder
from benchmarks.profiles.log import OTHER
import suitably as st
users, products = (log.replace("log.", f"{{one}}.") for one in ("users", "products"))
kinds = dict(disposed_events=["sell"], other_events=OTHER)
st.engines.files.profiles(every_builder(), users, products, log, out, "{AS_OF}", **kinds)
"""
_FRAME = """
import resource, sys, time
log, out = sys.argv[1:]
start = time.perf_counter()
{}
took = time.perf_counter() - start
print(took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
_CONTENDERS = {"polars, streaming": _POLARS, "DuckDB": _DUCKDB, "ours": _OURS}
_SAMPLE = (100_000, 20_000)  # events and users, for what builders learn


def every_builder() -> list[Any]:
    """Return the builders, those that learn something fitted on a sample."""
    sample = draw(*_SAMPLE).dataset()
    made = [
        *builders().values(),
        st.profiles.LifetimeValue(penalty=0.1),  # nobody leaves in a log that is drawn evenly
        st.profiles.Churn(),
    ]
    return [builder.fit(sample, AS_OF) for builder in made]


def from_files() -> list[Row]:
    """Time and weigh them in turns; the answers are compared."""
    events = int(os.environ.get("SUITABLY_BENCH_EVENTS", 5 * MEGA))
    rounds = 3 if events <= 10 * MEGA else 1
    times: dict[str, list[float]] = {name: [] for name in _CONTENDERS}
    peaks: dict[str, float] = {}
    with TemporaryDirectory(prefix="suitably-") as folder:
        log = Path(folder, "log.parquet")
        _write(log, events)
        for turn in range(rounds):
            names = list(_CONTENDERS)
            for name in names if turn % 2 == 0 else reversed(names):
                took, peaks[name] = _run(_CONTENDERS[name], log, Path(folder, f"{name}.parquet"))
                times[name].append(took)
        _same(Path(folder))
        log.unlink()
        _write_every(Path(folder), events)
        every = _run(_EVERY, log, Path(folder, "every.parquet"))
    size = f"RecencyFrequencyValue from Parquet, {events / MEGA:g}M events"
    rows = []
    for peer in list(_CONTENDERS)[:-1]:
        ratio = median(a / b for a, b in zip(times["ours"], times[peer], strict=True))
        sides = (median(times[peer]), median(times["ours"]))
        rows.append(Row(size, *sides, "s", ratio, f"peer: {peer}; with reading and writing"))
        weights = (peaks[peer], peaks["ours"])
        rows.append(Row(f"{size}, peak", *weights, "GB", weights[1] / weights[0], f"peer: {peer}"))
    name = f"every builder from Parquet, {events / MEGA:g}M events"
    note = "with reading, writing and a fit on a sample"
    rows += [Row(name, None, *one, None, note) for one in zip(every, ("s", "GB"), strict=True)]
    return rows


def _write(log: Path, events: int) -> None:
    with duckdb.connect() as connection:
        connection.execute("SET memory_limit = '2GB'")
        connection.execute("SELECT setseed(0.5)")
        connection.execute(f"""COPY (
            SELECT (random() * {USERS - 1})::BIGINT AS user_id,
                (random() * {PRODUCTS - 1})::BIGINT AS product_id,
                TIMESTAMP '2023-01-01' + to_seconds((random() * 63000000)::BIGINT) AS timestamp,
                round(exp(4 + 2 * random()), 2) AS value
            FROM range({events})) TO '{log}' (FORMAT parquet)""")


def _write_every(folder: Path, events: int) -> None:
    """Write a log of events of every kind, and the frames of users and products beside it."""
    with pq.ParquetWriter(folder / "log.parquet", draw(1, 1).log.schema) as writer:
        for seed, start in enumerate(range(0, events, _PIECE)):
            piece = draw(min(_PIECE, events - start), USERS, seed)
            writer.write_table(piece.log)
    pq.write_table(piece.users, folder / "users.parquet")
    pq.write_table(piece.products, folder / "products.parquet")


def _run(script: str, log: Path, out: Path) -> tuple[float, float]:
    """Give seconds, imports included, and the peak of resident memory in 10⁹ bytes (Linux)."""
    code = _FRAME.format(script)
    command = [sys.executable, "-c", code, str(log), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    took, peak = done.stdout.split()[-2:]  # after DuckDB's bar of progress
    return float(took), int(peak) * 1024 / 1e9


def _same(folder: Path) -> None:
    columns = ["user_id", "frequency", "recency_days", "monetary"]
    first, *rest = (
        pl.read_parquet(folder / f"{name}.parquet", columns=columns).sort("user_id").to_numpy()
        for name in _CONTENDERS
    )
    for other in rest:
        assert first.shape == other.shape, "answers differ in users"
        assert abs(first - other).max() < 1e-6, "answers differ"
