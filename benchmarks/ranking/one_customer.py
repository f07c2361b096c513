"""One customer through the whole pipeline, and through implicit's `recommend`, call by call."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.ranking.process import ROOT
from benchmarks.ranking.world import K, World
from benchmarks.runner import Row

__all__ = ["one_customer_rows"]

CALLS, WARM = 1_000, 600
TARGET = 2.0


def one_customer_rows(folder: Path, kinds: Sequence[str]) -> list[Row]:
    """Measure each kind of eligibility in a process of its own."""
    rows = []
    for kind in kinds:
        command = [sys.executable, "-m", "benchmarks.ranking.one_customer", kind, str(folder)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, check=True)
        found = json.loads(done.stdout)
        note = (
            f"implicit recommend(u, user_items[u]), BLAS {found['blas']} is its best; "
            f"ours as it comes; median of {CALLS:,} alternating calls; target {TARGET}"
        )
        name = f"one customer, {found['products']:,} products, {found['title']}"
        rows.append(Row(name, found["peer"], found["ours"], "us", found["ratio"], note))
    return rows


def measure(kind: str, folder: Path) -> dict[str, object]:
    from benchmarks.ranking.ours import fitted
    from benchmarks.ranking.peers import given_implicit
    from benchmarks.ranking.shelf import shelf

    world = World.load(folder)
    goods = shelf(kind, len(world.users), len(world.products))
    pipeline = fitted(world, goods)
    model = given_implicit(world)
    owned = world.owned_matrix()
    users = np.random.default_rng(3).choice(len(world.users), CALLS + WARM).tolist()
    passes = {}
    for blas in sorted({1, os.cpu_count() or 1}):
        with threadpool_limits(blas, user_api="blas"):
            ours, peer = [], []
            for user in users:
                start = perf_counter()
                pipeline.recommend([user], k=K)
                middle = perf_counter()
                model.recommend(user, owned[user], N=K)
                ours.append(middle - start)
                peer.append(perf_counter() - middle)
            passes[blas] = median(ours[WARM:]) * 1e6, median(peer[WARM:]) * 1e6
    best = min(passes, key=lambda blas: passes[blas][1])
    usual = passes[max(passes)][0]
    return {
        "title": goods.title,
        "products": len(world.products),
        "blas": best,
        "ours": usual,
        "peer": passes[best][1],
        "ratio": usual / passes[best][1],
    }


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], Path(sys.argv[2]))))
