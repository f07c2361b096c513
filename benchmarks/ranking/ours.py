"""The whole pipeline around given factors, through the public door."""

from time import perf_counter
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import suitably as st
from benchmarks.ranking.ready import Ready
from benchmarks.ranking.shelf import AS_OF, Shelf, shelf
from benchmarks.ranking.world import K, Lists, World
from suitably.ranking.protocol import Factors, FitContext

__all__ = ["GivenFactors", "fitted", "ours"]


class GivenFactors:
    """A ranker that learns nothing: it holds factors by position, which are also the ids."""

    def __init__(
        self, users: NDArray[np.float32] | None = None, products: NDArray[np.float32] | None = None
    ) -> None:
        self.users = users
        self.products = products

    def fit(self, context: FitContext) -> Self:
        return self

    def scorer(self, user_ids: NDArray[Any]) -> Factors:
        assert self.users is not None
        assert self.products is not None
        return Factors(self.users[user_ids], self.products)

    def can_score(self, user_ids: NDArray[Any]) -> NDArray[np.bool_]:
        return np.ones(len(user_ids), bool)

    def state(self) -> dict[str, Any]:
        return {"users": self.users, "products": self.products}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        return cls(state["users"], state["products"])


def fitted(world: World, goods: Shelf) -> st.Pipeline:
    """Fit a pipeline on what everybody owns."""
    users, several = world.owned.shape
    log = pd.DataFrame(
        {
            "user_id": np.repeat(np.arange(users), several),
            "product_id": world.owned.ravel().astype(np.int64),
            "timestamp": np.datetime64("2024-01-01"),
        }
    )
    ranker = GivenFactors(world.users, world.products)
    pipeline = st.Pipeline(profiles=[], policy=goods.policy, ranker=ranker)
    return pipeline.fit(st.Dataset(goods.users, goods.products, log), as_of=AS_OF)


def ours(world: World, kind: str) -> Ready:
    """Fit, and ask once as of the moment fitted as of and once as of another one."""
    goods = shelf(kind, len(world.users), len(world.products))
    start = perf_counter()
    pipeline = fitted(world, goods)
    fit = perf_counter()
    pipeline.recommend(k=K)
    first = perf_counter()
    pipeline.recommend(k=K, as_of=AS_OF + pd.Timedelta(days=1))
    other = perf_counter()
    took = {"fit": fit - start, "first list": first - fit, "list as of a new moment": other - first}
    return Ready(lambda: pipeline.recommend(k=K), _lists, f"suitably, {goods.title}", took)


def _lists(found: st.Recommendations) -> Lists:
    return Lists(found.lists.products, found.lists.scores)
