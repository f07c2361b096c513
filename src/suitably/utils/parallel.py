"""Threads: how many there are, how jobs share them, and BLAS kept to its part of them."""

import os
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from threading import get_ident
from typing import Any

from joblib import Parallel, delayed

from suitably.utils.fork import ForkLock, is_forked
from suitably.utils.thread_limits import limited

__all__ = [
    "at_most",
    "check_jobs",
    "cores",
    "one_blas_thread",
    "openmp_threads",
    "parallel",
    "run_jobs",
]

_lock = ForkLock()
_inside: Counter[int] = Counter()  # by thread
_limits: Any = None
_most: int | None = None
_share: ContextVar[int | None] = ContextVar("share", default=None)


def cores() -> int:
    """Return the number of cores that this process, or this job of `run_jobs`, may use."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    found = there or 1
    return min(found, _most or found, _share.get() or found)


@contextmanager
def at_most(number: int) -> Iterator[None]:
    """Leave the other cores to the other workers of an engine; the process has one such caller."""
    global _most
    before, _most = _most, max(1, number)
    try:
        with limited(_most, "blas"):
            yield
    finally:
        _most = before


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep BLAS to one thread per product, since threads of ours share the cores already.

    The limit is the whole process's: it is set by the first of several callers and lifted by the
    last, whatever their order.
    """
    global _limits
    me = get_ident()
    with _lock:
        if not _inside:
            _limits = limited(1, "blas")
        _inside[me] += 1
    try:
        yield
    finally:
        with _lock:
            _inside[me] -= 1
            if not _inside[me]:
                del _inside[me]
            _lift()


def _lift() -> None:
    """Lift the limit once no thread is left inside."""
    global _limits
    if not _inside and _limits is not None:
        _limits.restore_original_limits()
        _limits = None


def _after_fork() -> None:
    """Forget the threads that are gone: a fork within another's product is not limited for ever."""
    for thread in _inside.keys() - {get_ident()}:
        del _inside[thread]
    _lift()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def openmp_threads() -> int:
    """Return how many threads to let OpenMP use: one in a fork, which would wait for others."""
    return 1 if is_forked() else cores()


def parallel(
    call: Callable[[Any], Any], parts: Sequence[Any], ahead: int | None = None
) -> Iterator[Any]:
    """Call for every part, on as many threads as there are cores; answers in their order.

    Args:
        call: What to do with a part.
        parts: The parts.
        ahead: How many answers may wait to be taken, or be worked out; None: any number.
    """
    threads = cores()
    if len(parts) < 2 or threads < 2:
        yield from map(call, parts)
        return
    with ThreadPoolExecutor(threads, initializer=_share.set, initargs=(1,)) as pool:
        if ahead is None:
            yield from pool.map(call, parts)
            return
        some = iter(parts)
        waiting = deque(pool.submit(call, part) for part in islice(some, ahead))
        try:
            while waiting:
                yield waiting.popleft().result()
                waiting.extend(pool.submit(call, part) for part in islice(some, 1))
        finally:
            for job in waiting:
                job.cancel()


def run_jobs(call: Callable[[Any], Any], parts: Sequence[Any], n_jobs: int = 1) -> Iterator[Any]:
    """Call for every part, several at a time; answers in the order of the parts, as they come.

    For few and long jobs, such as fits; `parallel` is for many short ones. Jobs are threads: they
    share the data instead of copying it, need nothing pickled, and spend their time in NumPy,
    SciPy, BLAS and compiled loops, all of which let other threads run. Each job has its share of
    the cores, for BLAS and for the threads of `parallel` (which run the loops that numba compiles)
    alike. Jobs that start jobs of their own run these one after another.

    Args:
        call: What to do with a part. An error is raised to the caller as it is.
        parts: What each job gets.
        n_jobs: How many run at a time; −1: as many as there are cores.

    Raises:
        ValueError: `n_jobs` is neither a positive integer nor −1.
    """
    check_jobs(n_jobs)
    workers = min(cores() if n_jobs == -1 else n_jobs, len(parts))
    if workers < 2 or _share.get() is not None:
        yield from map(call, parts)
        return
    share = max(1, cores() // workers)

    def job(part: Any) -> Any:
        token = _share.set(share)
        try:
            return call(part)
        finally:
            _share.reset(token)

    with limited(share, "blas"):
        jobs = Parallel(n_jobs=workers, backend="threading", return_as="generator")
        yield from jobs(delayed(job)(part) for part in parts)


def check_jobs(n_jobs: Any) -> None:
    """Refuse a number of jobs that is none.

    Raises:
        ValueError: It is neither a positive integer nor −1.
    """
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, int) or (n_jobs < 1 and n_jobs != -1):
        raise ValueError(f"n_jobs={n_jobs!r}: must be a positive integer, or -1 for all cores")
