"""What a forked process finds: locks that are free, and no threads but its own."""

import os
import threading
from collections.abc import Callable

import pytest
from threadpoolctl import threadpool_info

from suitably.utils import parallel as module
from suitably.utils.fork import ForkLock, is_forked
from suitably.utils.parallel import cores, one_blas_thread, openmp_threads, parallel

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]


def in_fork(check: Callable[[], bool]) -> bool:
    """Return whether a check holds in a fork of this process, within ten seconds."""
    child = os.fork()
    if not child:
        code = 1
        try:
            threading.Timer(10, os._exit, [2]).start()
            code = 0 if check() else 1
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1] == 0


class Elsewhere:
    """Another thread that is inside something while this one goes on."""

    def __init__(self, inside: object) -> None:
        self._inside = inside
        self._in, self._leave = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        with self._inside:  # type: ignore[attr-defined]
            self._in.set()
            self._leave.wait()

    def __enter__(self) -> None:
        self._thread.start()
        self._in.wait()

    def __exit__(self, *_: object) -> None:
        self._leave.set()
        self._thread.join()


def acquired(lock: ForkLock) -> bool:
    with lock:
        return True


def test_a_lock_of_a_thread_that_is_gone_is_free() -> None:
    lock = ForkLock()
    with Elsewhere(lock):
        assert in_fork(lambda: acquired(lock))
    assert acquired(lock)


def test_a_lock_of_the_thread_that_forks_is_still_its_own() -> None:
    lock = ForkLock()

    def check() -> bool:
        other = threading.Thread(target=acquired, args=(lock,), daemon=True)
        other.start()
        other.join(0.1)
        return other.is_alive()

    with lock:
        assert in_fork(check)


def test_a_lock_keeps_others_out() -> None:
    lock, seen = ForkLock(), []
    with Elsewhere(lock):
        waiting = threading.Thread(target=lambda: seen.append(acquired(lock)))
        waiting.start()
        waiting.join(0.05)
        assert not seen
    waiting.join()
    assert seen == [True]


def blas_threads() -> list[int]:
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_a_limit_of_a_thread_that_is_gone_is_lifted() -> None:
    before = blas_threads()
    with Elsewhere(one_blas_thread()):
        assert module._limits is not None
        assert in_fork(lambda: module._limits is None and blas_threads() == before)
    assert blas_threads() == before


def test_a_limit_of_the_thread_that_forks_stays_until_it_leaves() -> None:
    before, limit = blas_threads(), one_blas_thread()
    with limit:

        def check() -> bool:
            limited = set(blas_threads()) <= {1}
            limit.__exit__(None, None, None)
            return limited and blas_threads() == before

        assert in_fork(check)
    assert blas_threads() == before


def test_threads_work_in_a_fork() -> None:
    list(parallel(lambda part: part, range(4)))
    assert in_fork(lambda: list(parallel(lambda part: part * 2, range(4))) == [0, 2, 4, 6])


def test_openmp_has_one_thread_in_a_fork() -> None:
    assert not is_forked()
    assert openmp_threads() == cores()
    assert in_fork(lambda: is_forked() and openmp_threads() == 1)
