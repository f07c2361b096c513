"""Exact pruning: lists beside the bare product of all vectors, and beside multiplying all of them.

A fitted iALS of a long-tailed world, at three sizes, and vectors of one length, where nothing can
be pruned. Every answer is held against that without pruning.
"""

from collections.abc import Callable
from functools import partial
from unittest.mock import patch

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import suitably as st
from benchmarks.runner import Row, in_turns, paired
from suitably.ranking import Factors, Lists
from suitably.ranking.topk import engine
from suitably.ranking.topk.pruning import NormOrder
from suitably.ranking.topk.rounding import longest
from suitably.testing.ranker import context_of
from suitably.utils import bitset

__all__ = ["run"]

K, FACTORS, SWEEPS, LISTS, GENRES = 10, 64, 4, 10_000, 200
SIZES = ((20_000, 5_000, 400_000), (50_000, 100_000, 1_500_000), (200_000, 1_000_000, 5_000_000))
SAMPLE = 512  # users of whom all products are multiplied, where there are many
ROUNDS = 3

Vectors = NDArray[np.float32]


def run() -> list[Row]:
    rows = []
    for users, products, events in SIZES:
        data = st.Dataset(None, None, _world(users, products, events))
        ranker = st.ranking.IALS(factors=FACTORS, iterations=SWEEPS).fit(context_of(data))
        left, right = ranker.user_factors_[:LISTS], ranker.product_factors_
        del data, ranker
        rows += _measure(f"{products:,} products, fitted iALS", left, right)
        right = right / np.maximum(np.sqrt(np.vecdot(right, right)), 1e-30)[:, None]
        rows += _measure(f"{products:,} products, vectors of one length", left, right)
    return rows


def _measure(what: str, users: Vectors, products: Vectors) -> list[Row]:
    """Compare with the bare product, and with the engine that multiplies everything."""
    order = NormOrder.of(products)
    length = longest(products)
    some = min(LISTS, max(SAMPLE, SAMPLE * 100_000 // len(products)))
    whole = Factors(users[:some], products, longest=length)
    pruned = Factors(users, products, longest=length, order=order)
    part = Factors(users[:some], products, longest=length, order=order)
    one, alone = (Factors(users[:1], products, longest=length, order=o) for o in (order, None))
    _same(_lists(part)(), _everything(whole)())
    bare = partial(_bare, users[:some], products)
    ours, peer = in_turns([_lists(pruned), bare], ROUNDS)
    scale = len(users) / some
    ratio = float(np.median([a / (b * scale) for a, b in zip(ours, peer, strict=True)]))
    times = float(np.median(peer)) * scale, float(np.median(ours))
    note = f"peer: users @ products.T, {some:,} users times {scale:.3g}; target .3 at a million"
    return [
        Row(f"{len(users):,} lists of {K}, {what}", *times, "s", ratio, note),
        paired(
            f"{some:,} lists of {K}, {what}",
            _lists(part),
            _everything(whole),
            "peer: the engine without pruning; target 1.1 at 5,000",
            ROUNDS,
        ),
        paired(f"one list of {K}, {what}", _lists(one), _everything(alone), "peer: the same", 15),
    ]


def _lists(scorer: Factors) -> Callable[[], Lists]:
    words = bitset.pack(np.ones((1, len(scorer.products)), bool)).repeat(len(scorer.users), axis=0)
    return lambda: engine.top_k(scorer, words, K)


def _everything(scorer: Factors) -> Callable[[], Lists]:
    """Give the lists without pruning."""
    lists = _lists(scorer)

    def call() -> Lists:
        with patch.object(engine._Factored, "order", lambda self, users: None):
            return lists()

    return call


def _same(one: Lists, other: Lists) -> None:
    for name in ("products", "scores", "lengths"):
        if getattr(one, name).tobytes() != getattr(other, name).tobytes():
            raise AssertionError(f"pruned {name} differ")


def _bare(users: Vectors, products: Vectors) -> None:
    """Multiply everything, into room that is there, and keep nothing."""
    step = max(1, 2**26 // len(products))
    room = np.empty((step, len(products)), np.float32)
    for start in range(0, len(users), step):
        part = users[start : start + step]
        np.matmul(part, products.T, out=room[: len(part)])


def _world(users: int, products: int, events: int) -> pd.DataFrame:
    """Draw who bought what: a few genres a user, Zipf's law within them, every product once."""
    rng = np.random.default_rng(0)
    genre = np.sort(rng.integers(0, GENRES, products))
    ends = np.searchsorted(genre, np.arange(GENRES + 1))
    weight = np.cumsum(1 / rng.permutation(np.arange(1, products + 1)) ** 0.9)
    weight = np.append(0, weight)
    taste = rng.dirichlet(np.full(GENRES, 0.05), users).astype(np.float32)
    several = np.maximum(5, rng.lognormal(0, 0.8, users) / np.exp(0.32) * events / users)
    buyers = np.repeat(np.arange(users), np.minimum(several, 200).astype(int))
    bought = np.empty(len(buyers), np.int64)
    for start in range(0, len(buyers), 2**18):
        part = slice(start, start + 2**18)
        shares = np.cumsum(taste[buyers[part]], axis=1)
        chosen = np.minimum((shares < rng.random((len(shares), 1))).sum(axis=1), GENRES - 1)
        low, high = weight[ends[chosen]], weight[ends[chosen + 1]]
        at = np.searchsorted(weight, low + rng.random(len(low)) * (high - low), "right") - 1
        bought[part] = np.clip(at, 0, products - 1)
    first = rng.integers(0, users, products)
    log = {
        "user_id": np.append(buyers, first),
        "product_id": np.append(bought, np.arange(products)),
    }
    return pd.DataFrame(log).drop_duplicates()
