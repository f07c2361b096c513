"""What it costs to keep every decision of a batch: lists with an audit trail, beside lists without.

The number of customers and of rounds are environment variables: SUITABLY_USERS, 200,000 by default,
and SUITABLY_ROUNDS.
"""

import os
import resource
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import suitably as st
from benchmarks.runner import Row, paired, seconds
from benchmarks.workload import fitted_pipeline

USERS = int(os.environ.get("SUITABLY_USERS", "200000"))
ROUNDS = int(os.environ.get("SUITABLY_ROUNDS", "3"))
PRODUCTS, K, EVENTS_A_USER = 5_000, 10, 5


def run() -> list[Row]:
    pipeline = fitted_pipeline(USERS, PRODUCTS, EVENTS_A_USER)
    plain, seam = pipeline.with_audit(None), pipeline.with_audit(_Forgets())
    size = f"{USERS:,} x {PRODUCTS:,}, k = {K}"
    peer = "peer: the same lists, not recorded"
    with TemporaryDirectory() as folder:
        path = Path(folder, "decisions.sqlite")
        trail = st.governance.AuditTrail(path)
        recorded = pipeline.with_audit(trail)
        plain.recommend(k=K)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        cold = seconds(lambda: recorded.recommend(k=K))
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        kept = path.stat().st_size + Path(f"{path}-wal").stat().st_size
        note = (
            f"pseudonyms worked out; memory's peak {grown:+.0f} MiB, {kept / USERS:.0f} bytes each"
        )
        rows = [Row(f"audited, first call, {size}", None, cold, "s", None, note)]
        rows.append(_against(f"audited, {size}", recorded, plain, peer))
        rows.append(_against(f"told to a log that forgets, {size}", seam, plain, peer))
        start = perf_counter()
        assert trail.verify().ok
        took = perf_counter() - start
        blocks = trail.head[0] - 2
        rows.append(Row(f"verify, {blocks:,} blocks", None, took, "s", None, "all of them read"))
        rows += _receipts(trail)
    return rows


class _Forgets:
    """What the pipeline itself does to tell what it decided."""

    def record(self, block: Any) -> None:
        pass


def _against(name: str, ours: st.Pipeline, peer: st.Pipeline, note: str) -> Row:
    return paired(name, _lists(ours), _lists(peer), note, ROUNDS)


def _lists(pipeline: st.Pipeline) -> Callable[[], Any]:
    return lambda: pipeline.recommend(k=K)


def _receipts(trail: st.governance.AuditTrail) -> list[Row]:
    receipt, anchor = trail.receipt(USERS - 1), trail.head[1]
    made = seconds(lambda: trail.receipt(USERS - 1))
    checked = seconds(lambda: [st.governance.check_receipt(receipt, anchor) for _ in range(100)])
    return [
        Row("a receipt, of the latest decision", None, made, "s", None, ""),
        Row("check of a receipt", None, checked / 100 * 1000, "ms", None, "without the trail"),
    ]
