"""Limits on threads: one look at the libraries, and another as soon as one loads."""

import os
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_info

from suitably.utils import thread_limits
from suitably.utils.thread_limits import limited

_LATER = """
import numpy
from suitably.utils.thread_limits import limited
with limited(1, "blas"):
    pass
import scipy.linalg
from threadpoolctl import threadpool_info
def of_blas():
    return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]
before = of_blas()
with limited(1, "blas"):
    assert set(of_blas()) == {1}, of_blas()
assert of_blas() == before
print(len(before))
"""


def of_blas() -> list[int]:
    return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]


def test_a_limit_holds_and_is_lifted() -> None:
    before = of_blas()
    with limited(1, "blas"):
        assert set(of_blas()) == {1}
    assert of_blas() == before
    held = limited(1, "blas")
    held.restore_original_limits()
    assert of_blas() == before


def test_one_look_serves_until_a_library_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    looks, count = [], [(3, 0)]

    def look() -> ThreadpoolController:
        looks.append(count[0])
        return ThreadpoolController()

    monkeypatch.setattr(thread_limits, "_seen", None)
    monkeypatch.setattr(thread_limits, "ThreadpoolController", look)
    monkeypatch.setattr(thread_limits, "_loaded", lambda: count[0])
    for found in ((3, 0), (3, 0), (4, 0), (4, 1), (4, 1)):
        count[0] = found
        with limited(1, "blas"):
            pass
    assert looks == [(3, 0), (4, 0), (4, 1)]


def test_without_a_count_every_limit_looks_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[Any] = []
    monkeypatch.setattr(thread_limits, "_asker", lambda: None)
    monkeypatch.setattr(
        thread_limits, "ThreadpoolController", lambda: looks.append(0) or ThreadpoolController()
    )
    before = of_blas()
    for _ in range(2):
        with limited(1, "blas"):
            assert set(of_blas()) == {1}
    assert of_blas() == before
    assert len(looks) == 2


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the loader counts on Linux")
def test_the_loader_counts() -> None:
    first = thread_limits._loaded()
    assert first is not None
    assert first[0] > 0
    assert thread_limits._loaded() == first
    found: list[Any] = []
    asked = [
        threading.Thread(target=lambda: found.append(thread_limits._loaded())) for _ in range(8)
    ]
    for one in asked:
        one.start()
    for one in asked:
        one.join()
    assert found == [first] * 8


def test_a_library_that_loads_later_is_limited_too() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LATER], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_goes_on_with_the_look_of_its_parent() -> None:
    with limited(1, "blas"):
        pass
    child = os.fork()
    if not child:
        code = 1
        try:
            with limited(1, "blas"):
                sound = set(of_blas()) == {1} and bool((np.ones((4, 4)) @ np.ones(4) == 4).all())
            code = 0 if sound else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
