"""Peers, each at the thread setting that is best on this machine; two also as installed."""

import os
import warnings
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from itertools import product
from time import perf_counter
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.ranking.ready import Ready
from benchmarks.ranking.world import K, Lists, World

__all__ = ["PEERS", "given_implicit"]

SAMPLE, TRIES = 10_000, 3
Call = Callable[[int, int], object]
Setting = Callable[[Call, int], tuple[int, str]]


def given_implicit(world: World) -> Any:
    """Give implicit's model with these factors."""
    from implicit.cpu.als import AlternatingLeastSquares

    with warnings.catch_warnings():
        # It warns of BLAS threads, which are set here as they serve it best.
        warnings.simplefilter("ignore", RuntimeWarning)
        model = AlternatingLeastSquares(factors=world.users.shape[1])
    model.user_factors, model.item_factors = world.users, world.products
    return model


def implicit(world: World, setting: Setting, owned_filtered: bool) -> Ready:
    """`recommend` for all at once, the rows of ownership sliced as it wants them."""
    model = given_implicit(world)
    owned = world.owned_matrix()

    def call(users: int, threads: int) -> object:
        model.num_threads = threads
        rows = np.arange(users)
        mine = owned[rows] if owned_filtered else None
        return model.recommend(rows, mine, N=K, filter_already_liked_items=owned_filtered)

    def lists(found: tuple[np.ndarray, np.ndarray]) -> Lists:
        return Lists(found[0], found[1])

    threads, note = setting(call, len(world.users))
    what = "owned filtered" if owned_filtered else "no filter"
    title = f"implicit {version('implicit')} recommend, {what}, {note}"
    return Ready(lambda: call(len(world.users), threads), lists, title)


def rectools(world: World, setting: Setting) -> Ready:
    """RecTools' ranker with its viewed filter, without the frames that its models wrap it in."""
    from rectools.models.rank import (  # type: ignore[import-not-found]
        Distance,
        ImplicitRanker,
    )

    owned = world.owned_matrix()
    ranker = ImplicitRanker(Distance.DOT, world.users, world.products)

    def call(users: int, threads: int) -> object:
        ranker.num_threads = threads
        rows = np.arange(users)
        return ranker.rank(rows, k=K, filter_pairs_csr=owned[rows])

    def lists(found: tuple[object, np.ndarray, np.ndarray]) -> Lists:
        _, products, scores = found
        shape = (-1, K)
        return Lists(products.reshape(shape).astype(np.int32), scores.reshape(shape))

    threads, note = setting(call, len(world.users))
    title = f"RecTools {version('rectools')}, viewed filter, {note}"
    return Ready(lambda: call(len(world.users), threads), lists, title)


def faiss_flat(world: World) -> Ready:
    """Exact search by inner product, which leaves out nothing."""
    import faiss  # type: ignore[import-not-found]

    index = faiss.IndexFlatIP(world.products.shape[1])
    index.add(world.products)

    def call(users: int, threads: int) -> object:
        faiss.omp_set_num_threads(threads)
        return index.search(world.users[:users], K)

    def lists(found: tuple[np.ndarray, np.ndarray]) -> Lists:
        return Lists(found[1].astype(np.int32), found[0])

    threads, note = _best(call, len(world.users))
    title = f"faiss {version('faiss-cpu')} IndexFlatIP, no filter, {note}"
    return Ready(lambda: call(len(world.users), threads), lists, title)


def _best(call: Call, users: int) -> tuple[int, str]:
    """Try the library's threads with BLAS threads; leave BLAS at the best."""
    sample = min(users, SAMPLE)
    several = (1, os.cpu_count() or 1)
    times = {}
    for threads, blas in product(several, several):
        with threadpool_limits(blas, user_api="blas"):
            call(sample, threads)
            times[threads, blas] = min(_seconds(call, sample, threads) for _ in range(TRIES))
    threads, blas = min(times, key=lambda setting: times[setting])
    threadpool_limits(blas, user_api="blas")
    return threads, f"best of 4 settings: {threads} threads, BLAS {blas}"


def _as_installed(call: Call, users: int) -> tuple[int, str]:
    """Leave all threads to the libraries' own choice."""
    return 0, "threads as installed"


def _seconds(call: Call, users: int, threads: int) -> float:
    start = perf_counter()
    call(users, threads)
    return perf_counter() - start


PEERS: dict[str, Callable[[World], Ready]] = {
    "implicit": partial(implicit, setting=_best, owned_filtered=True),
    "implicit-installed": partial(implicit, setting=_as_installed, owned_filtered=True),
    "rectools": partial(rectools, setting=_best),
    "rectools-installed": partial(rectools, setting=_as_installed),
    "implicit-unfiltered": partial(implicit, setting=_best, owned_filtered=False),
    "faiss": faiss_flat,
}
