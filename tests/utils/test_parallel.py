"""Jobs: answers in order, errors as they are, and cores shared out between them."""

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from suitably.utils import parallel
from suitably.utils.parallel import cores, run_jobs


def blas_threads():
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


@pytest.fixture
def eight_cores(monkeypatch):
    monkeypatch.setattr(parallel.os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(parallel.os, "cpu_count", lambda: 8)


@pytest.mark.parametrize("n_jobs", [1, 2, 5, -1])
def test_answers_come_in_the_order_of_the_parts(n_jobs):
    def slow_at_first(n):
        if n_jobs == 2 and n == 0:
            assert later.wait(10), "the second job runs beside the first"
        later.set()
        return n * n

    later = threading.Event()
    if n_jobs == 1:
        later.set()
    assert list(run_jobs(slow_at_first, range(6), n_jobs)) == [0, 1, 4, 9, 16, 25]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_error_is_the_job_s_own(n_jobs):
    def fails(n):
        if n == 2:
            raise KeyError("three is out of luck")
        return n

    with pytest.raises(KeyError, match="three is out of luck"):
        list(run_jobs(fails, range(4), n_jobs))
    assert parallel._share.get() is None


def test_each_job_has_its_share_of_the_cores(eight_cores):
    found = list(run_jobs(lambda _: (cores(), max(blas_threads())), range(4), n_jobs=4))
    assert {share for share, _ in found} == {2}
    assert max(threads for _, threads in found) <= 2
    assert cores() == 8


def test_limits_are_lifted_afterwards():
    np.ones((2, 2)) @ np.ones((2, 2))
    before = blas_threads()
    list(run_jobs(lambda n: n, range(2), n_jobs=2))
    assert blas_threads() == before


def test_jobs_within_jobs_start_no_more_threads(eight_cores):
    def outer(_):
        here = threading.get_ident()
        return set(run_jobs(lambda _: threading.get_ident(), range(3), n_jobs=-1)) == {here}

    assert all(run_jobs(outer, range(2), n_jobs=2))


def test_threads_within_threads_start_no_more(eight_cores):
    assert set(parallel.parallel(lambda _: cores(), range(4))) == {1}


@pytest.mark.parametrize("n_jobs", [0, -2, 1.5, True, "2", None])
def test_a_number_of_jobs_that_is_none(n_jobs):
    with pytest.raises(ValueError, match="n_jobs="):
        list(run_jobs(lambda n: n, range(2), n_jobs))
