"""What nobody can go below: the matrix product alone, and the machine's peak."""

import os
from collections.abc import Callable
from time import perf_counter

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.ranking.ready import Ready
from benchmarks.ranking.world import Lists, World

__all__ = ["bare"]

BLOCKS = (128, 256, 512, 1_024, 2_048, 4_096)
SIDE, SAMPLE = 2_048, 20_000
TRIES, PEAK_TRIES = 3, 30


def bare(world: World) -> Ready:
    """Multiply block after block into the same memory and select nothing, at the best block."""
    threadpool_limits(os.cpu_count(), user_api="blas")
    right = world.products.T

    def product(users: int, size: int) -> None:
        out = np.empty((size, right.shape[1]), np.float32)
        for start in range(0, users, size):
            block = world.users[start : min(users, start + size)]
            np.matmul(block, right, out=out[: len(block)])

    users = len(world.users)
    sample = min(users, SAMPLE)
    size = min(BLOCKS, key=lambda size: _least(lambda: product(sample, size), TRIES))
    square = np.ones((SIDE, SIDE), np.float32)
    peak = 2 * SIDE**3 / _least(lambda: square @ square, PEAK_TRIES)
    work = 2 * world.users.size * len(world.products)
    note = f"bare float32 product, {os.cpu_count()} BLAS threads, blocks of {size}, no selection"
    took = {"side": SIDE, "peak gflops": peak / 1e9, "roofline": work / peak}
    return Ready(lambda: product(users, size), _none, note, took)


def _least(call: Callable[[], object], tries: int) -> float:
    call()
    times = []
    for _ in range(tries):
        start = perf_counter()
        call()
        times.append(perf_counter() - start)
    return min(times)


def _none(_: object) -> Lists:
    raise AssertionError("a bare product has no lists")
