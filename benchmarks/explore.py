"""What it costs to draw lists by `Explore`, against the best lists of the same customers."""

from typing import Any, Self

import numpy as np
import pandas as pd

import suitably
from benchmarks.runner import Row, paired
from suitably.ranking import Explore, Factors, FitContext

USERS, PRODUCTS, FACTORS, K = 200_000, 5_000, 64, 10


class Drawn:
    """A ranker with factors from a generator: what they say does not matter to the time."""

    def fit(self, context: FitContext) -> Self:
        rng = np.random.default_rng(context.seed)
        self._users = rng.normal(size=(USERS, FACTORS)).astype(np.float32)
        self._products = rng.normal(size=(PRODUCTS, FACTORS)).astype(np.float32)
        return self

    def scorer(self, user_ids: Any) -> Factors:
        return Factors(self._users[user_ids], self._products)

    def can_score(self, user_ids: Any) -> Any:
        return np.ones(len(user_ids), bool)


def run() -> list[Row]:
    greedy, explore = (_pipeline(ranker) for ranker in (Drawn(), Explore(Drawn())))
    _check(explore)
    return [
        paired(
            f"lists drawn from the top 100, {USERS:,} users",
            lambda: explore.recommend(k=K),
            lambda: greedy.recommend(k=K),
            "recommend with Explore, over recommend without; wanted 1.3",
        )
    ]


def _check(explore: suitably.Pipeline) -> None:
    """Hold some propensities against a plain sum over the pool."""
    users = np.arange(0, USERS, USERS // 50)
    drawn = explore.recommend(users, k=K).lists
    pool = explore.greedy().recommend(users, k=100).lists
    assert drawn.propensities is not None
    for row in range(len(users)):
        scores = pool.scores[row].astype(np.float64)
        weights = np.exp((scores - scores.mean()) / scores.std())
        places = [pool.products[row].tolist().index(one) for one in drawn.products[row]]
        left = weights.sum() - np.cumsum(np.append(0, weights[places]))[:-1]
        assert np.allclose(drawn.propensities[row], weights[places] / left, rtol=1e-9)


def _pipeline(ranker: Any) -> suitably.Pipeline:
    rng = np.random.default_rng(0)
    sizes = {"user_id": USERS, "product_id": PRODUCTS}
    pairs = {name: rng.integers(0, size, USERS) for name, size in sizes.items()}
    users = pd.DataFrame({"user_id": np.arange(USERS)})
    products = pd.DataFrame({"product_id": np.arange(PRODUCTS)})
    data = suitably.Dataset(users, products, pd.DataFrame(pairs).drop_duplicates())
    return suitably.Pipeline(policy=suitably.Policy.unrestricted(), ranker=ranker).fit(data)
