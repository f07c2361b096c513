"""What a list of one customer costs over HTTP, beside a constant of equal size of the same server.

Client and server share the machine's cores. Requests go out in a closed loop, over one connection
and over eight; rounds of lists and of the constant take turns. SUITABLY_USERS, SUITABLY_PRODUCTS,
SUITABLY_RANKER (ALS, EASE, …), SUITABLY_REQUESTS and SUITABLY_ROUNDS choose the size.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import suitably as st
from benchmarks.runner import Row
from benchmarks.serving.client import Load, ask_all, post

USERS = int(os.environ.get("SUITABLY_USERS", "10000"))
PRODUCTS = int(os.environ.get("SUITABLY_PRODUCTS", "300"))
RANKER = os.environ.get("SUITABLY_RANKER", "ALS")
REQUESTS = int(os.environ.get("SUITABLY_REQUESTS", "2000"))
ROUNDS = int(os.environ.get("SUITABLY_ROUNDS", "5"))
MODEL = os.environ.get("SUITABLY_MODEL")
_ASKED = 2_000


def run() -> list[Row]:
    with TemporaryDirectory() as folder:
        model = Path(MODEL or f"{folder}/model")
        if MODEL is None:
            bank = st.data.simulate_bank(users=USERS, products=PRODUCTS, seed=0)
            ranker = getattr(st.ranking, RANKER)()
            st.Pipeline(policy="cn-csrc-amac", ranker=ranker).fit(bank).save(model)
        pipeline = st.load(model)
        draw = np.random.default_rng(0)
        asked = draw.choice(pipeline.user_ids, min(_ASKED, len(pipeline.user_ids)), replace=False)
        requests = [
            post("/v1/recommendations", json.dumps({"user_id": user, "k": 10}).encode())
            for user in asked.tolist()
        ]
        size = f"{len(pipeline.user_ids):,} x {len(pipeline.product_ids):,}, {pipeline.ranker_!r}"
        audited = Path(folder, "audited.toml")
        audited.write_text('[audit]\npath = "decisions.sqlite"\n')
        rows = []
        for name, config in (("", None), (", audited", audited)):
            with serving(model, _mean_bytes(pipeline, asked.tolist()), config) as port:
                for connections in (1, 8):
                    rows += _measured(f"{size}{name}", port, requests, connections)
        return rows


def _measured(name: str, port: int, requests: list[bytes], connections: int) -> list[Row]:
    constant = [post("/constant", b'{"user_id":"u000001","k":10}')] * REQUESTS
    lists = (requests * (1 + REQUESTS // len(requests)))[:REQUESTS]
    _asked(port, lists, connections), _asked(port, constant, connections)
    rounds = [
        (_asked(port, lists, connections), _asked(port, constant, connections))
        for _ in range(ROUNDS)
    ]
    ratio = float(np.median([ours.rate / floor.rate for ours, floor in rounds]))
    rate = float(np.median([ours.rate for ours, _ in rounds]))
    floor = float(np.median([floor.rate for _, floor in rounds]))
    half = float(np.median([ours.quantile(0.5) for ours, _ in rounds]))
    most = float(np.median([ours.quantile(0.99) for ours, _ in rounds]))
    floors = [floor.quantile(0.99) / floor.quantile(0.5) for _, floor in rounds]
    note = (
        f"{ratio:.2f} of a constant's {floor:,.0f}; p50 {half:.2f} ms, p99 {most:.2f} ms, "
        f"{most / half:.1f} times (constant: {np.median(floors):.1f} times)"
    )
    many = "s" * (connections > 1)
    return [Row(f"{name}, {connections} connection{many}", floor, rate, "requests/s", ratio, note)]


def _asked(port: int, requests: list[bytes], connections: int) -> Load:
    load = asyncio.run(ask_all(port, requests, connections))
    if load.failed:
        raise RuntimeError(f"{load.failed} of {len(requests)} requests failed")
    return load


def _mean_bytes(pipeline: st.Pipeline, asked: list[str]) -> int:
    lists = [json.dumps(pipeline.recommend([one]).to_dict()) for one in asked[:200]]
    return 150 + int(np.mean([len(text) for text in lists]))


@contextmanager
def serving(model: Path, size: int, config: Path | None = None) -> Iterator[int]:
    """Serve a model in a process of its own until the block ends; yield the port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "benchmarks.serving.server", str(model), str(port), str(size)]
    process = subprocess.Popen([*command, *([] if config is None else [str(config)])])
    try:
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(30)


if __name__ == "__main__":
    for row in run():
        print(row.name, f"{row.ours:,.0f} {row.unit}", row.note, sep=" | ")
