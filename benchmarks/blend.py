"""What a blend's lists cost, against those of its members one after another."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

import suitably
from benchmarks.runner import Row, paired
from suitably.ranking import EASE, IALS, Blend, ItemKNN, Popularity

USERS, K = 10_000, 20
# Products, and purchases in all; from 40,000 products on a dense EASE has no room.
SIZES = {300: 100_000, 5_000: 200_000, 40_000: 400_000}
DENSE = 10_000


def run() -> list[Row]:
    return [row for products, events in SIZES.items() for row in _measured(products, events)]


def _measured(products: int, events: int) -> list[Row]:
    data = long_tailed(USERS, products, events)
    fashion = [Popularity(half_life_days=days) for days in (7, 30)]
    item_based = [EASE(), ItemKNN()] if products < DENSE else [ItemKNN()]
    latent = IALS(factors=64, iterations=2)
    rows = []
    for name, members in (
        ("item-based and popularity", [*item_based, *fashion]),
        ("with latent factors", [latent, *item_based, *fashion]),
        ("latent factors and popularity", [latent, fashion[1]]),
    ):
        blend = _pipeline(Blend(members, weights=np.ones(len(members))), data)
        alone = [_pipeline(member, data) for member in members]
        ids = data.user_ids
        for count in (1, 100, USERS):
            rounds = 5 if count == USERS else 15
            times = max(1, 20 // count)
            asked = [ids[start : start + count] for start in range(times)]
            rows.append(
                paired(
                    f"blend, {name}, {products:,} products, {count:,} users",
                    _lists([blend], asked),
                    _lists(alone, asked),
                    "recommend of the blend, over that of its members in turn; wanted 1.5",
                    rounds,
                )
            )
    return rows


def long_tailed(users: int, products: int, events: int, seed: int = 0) -> suitably.Dataset:
    """Purchases by latent tastes and a popularity after Zipf, over a year."""
    rng = np.random.default_rng(seed)
    fame = 1 / (1 + np.arange(products)) ** 0.8
    shelf = rng.integers(0, 20, products)
    taste = rng.integers(0, 20, users)
    who = rng.choice(users, events, p=rng.dirichlet(np.full(users, 2.0)))
    what = rng.choice(products, events, p=fame / fame.sum())
    mine = np.flatnonzero(rng.random(events) < 0.6)
    for one in range(20):
        asked = mine[taste[who[mine]] == one]
        there = np.flatnonzero(shelf == one)
        if len(there):
            what[asked] = rng.choice(there, len(asked), p=fame[there] / fame[there].sum())
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 365, events), unit="D")
    log = pd.DataFrame({"user_id": who, "product_id": what, "timestamp": days})
    people, shelves = (
        pd.DataFrame({name: np.arange(size)})
        for name, size in (("user_id", users), ("product_id", products))
    )
    return suitably.Dataset(people, shelves, log)


def _lists(pipelines: Sequence[suitably.Pipeline], asked: Sequence[Any]) -> Callable[[], None]:
    def call() -> None:
        for pipeline in pipelines:
            for ids in asked:
                pipeline.recommend(ids, k=K)

    return call


def _pipeline(ranker: Any, data: suitably.Dataset) -> suitably.Pipeline:
    return suitably.Pipeline(policy=suitably.Policy.unrestricted(), ranker=ranker).fit(data)
