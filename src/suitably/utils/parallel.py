"""Threads: how many there are, and one of them per matrix product while many users are served."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import Any

from threadpoolctl import threadpool_limits

__all__ = ["at_most", "cores", "one_blas_thread", "parallel"]

_lock = Lock()
_inside = 0
_limits: threadpool_limits | None = None
_most: int | None = None


def cores() -> int:
    """Return the number of cores that this process may use."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(there or 1, _most or there or 1)


@contextmanager
def at_most(number: int) -> Iterator[None]:
    """Leave the other cores to the other workers of an engine; the process has one such caller."""
    global _most
    before, _most = _most, max(1, number)
    try:
        with threadpool_limits(limits=_most, user_api="blas"):
            yield
    finally:
        _most = before


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep BLAS to one thread per product, since threads of ours share the cores already.

    The limit is the whole process's: it is set by the first of several callers and lifted by the
    last, whatever their order.
    """
    global _inside, _limits
    with _lock:
        if not _inside:
            _limits = threadpool_limits(limits=1, user_api="blas")
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside and _limits is not None:
                _limits.restore_original_limits()
                _limits = None


def parallel(call: Callable[[Any], Any], parts: Sequence[Any]) -> Iterator[Any]:
    """Call for every part, on as many threads as there are cores; answers in their order."""
    threads = cores()
    if len(parts) < 2 or threads < 2:
        yield from map(call, parts)
        return
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(call, parts)
