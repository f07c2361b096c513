"""No recommended pair is ineligible: not through a reranker, padding, a cache or a loaded model."""

import copy
import tempfile
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import suitably
from properties.twin import Twin
from suitably.ranking import Lists
from support.banks import World, popular
from support.frames import rows_of
from support.worlds import worlds


class Intruder:
    """Puts any products of the catalogue, and beyond, anywhere in the lists."""

    def __init__(self, seed: int = 0, in_place: bool = False) -> None:
        self.seed = seed
        self.in_place = in_place

    def get_params(self) -> dict[str, Any]:
        return {"seed": self.seed, "in_place": self.in_place}

    def rerank(self, lists: Lists, context: Any, k: int) -> Lists:
        rng = np.random.default_rng(self.seed)
        shape = lists.products.shape
        wild = rng.integers(-3, len(context.product_ids) + 3, shape).astype(np.int32)
        mixed = np.where(rng.random(shape) < 0.6, wild, lists.products)
        lengths = rng.integers(0, shape[1] + 3, shape[0]).astype(np.int32)
        if self.in_place:
            codes = rng.integers(0, len(context.product_ids), shape)
            lists.products[:] = codes
            lists.lengths[:] = shape[1]
            return lists
        return Lists(mixed, np.full(shape, 9, np.float32), lengths)


def assert_legal(frame: Any, twin: Twin, world: World, what: str) -> None:
    for row in rows_of(frame):
        user, product = row["user_id"], row["product_id"]
        assert product in twin.products, what
        assert twin.eligible(user, product), (what, user, product, twin.verdicts(user, product))
        assert not twin.owned(user, product), (what, user, product)


@given(world=worlds(), k=st.integers(1, 5), later=st.sampled_from([0, 1, 45, 400]))
def test_every_way_to_a_list(world: World, k: int, later: int) -> None:
    pipeline = world.fitted()
    at = world.as_of + timedelta(days=later)
    # Judged anew at the later moment, on the rows and the log held since the fit.
    held = Twin(world)
    held.as_of = at
    assert_legal(pipeline.recommend(k=k).to_frame(), Twin(world), world, "fitted moment")
    assert_legal(pipeline.recommend(k=k, as_of=at).to_frame(), held, world, "later moment")
    assert_legal(pipeline.recommend(k=k).to_frame(), Twin(world), world, "back from the cache")
    users = pa.record_batch({"user_id": pa.array(list(held.users))})
    for batch in pipeline.apply_arrow([users], k=k, as_of=at):
        assert_legal(pa.Table.from_batches([batch]), held, world, "apply_arrow")


@given(world=worlds(), k=st.integers(1, 4), later=st.sampled_from([0, 45]))
@settings(max_examples=15)
def test_a_loaded_model(world: World, k: int, later: int) -> None:
    at = world.as_of + timedelta(days=later)
    held = Twin(world)
    held.as_of = at
    with tempfile.TemporaryDirectory() as folder:
        world.fitted().save(Path(folder) / "model")
        loaded = suitably.load(Path(folder) / "model")
        assert_legal(loaded.recommend(k=k, as_of=at).to_frame(), held, world, "loaded")


@given(
    world=worlds(),
    k=st.integers(1, 4),
    seeds=st.lists(st.tuples(st.integers(0, 99), st.booleans()), min_size=1, max_size=3),
)
def test_a_reranker_that_adds(world: World, k: int, seeds: list[tuple[int, bool]]) -> None:
    rerankers = [Intruder(*seed) for seed in seeds]
    pipeline = world.fitted(rerankers=rerankers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", suitably.SuitabilityWarning)
        frame = pipeline.recommend(k=k).to_frame()
    assert_legal(frame, Twin(world), world, "reranked")
    found = [(row["user_id"], row["product_id"]) for row in rows_of(frame)]
    assert len(found) == len(set(found)), "a product twice in a list"


@given(world=worlds(policies=[popular().policies]), k=st.integers(1, 6))
def test_a_ranker_that_loves_what_is_barred(world: World, k: int) -> None:
    twin = Twin(world)
    frame = world.fitted(Contrary(twin)).recommend(k=k).to_frame()
    assert_legal(frame, twin, world, "contrary ranker")


class Contrary:
    """Gives the highest scores to what is ineligible or owned, and scores everything."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin

    def fit(self, context: Any) -> "Contrary":
        self._products = context.data.product_ids
        return copy.copy(self)

    def scorer(self, user_ids: Any) -> suitably.ranking.Scores:
        block = [
            [1.0 if p in self.twin.products and self.twin.eligible(u, p) else 1e6
             for p in self._products]
            for u in user_ids
        ]  # fmt: skip
        return suitably.ranking.Scores(np.array(block))

    def can_score(self, user_ids: Any) -> Any:
        return np.ones(len(user_ids), bool)


def test_the_intruder_is_noticed() -> None:
    pipeline = popular().fitted(rerankers=[Intruder(3)])
    with pytest.warns(suitably.SuitabilityWarning, match="dropped"):
        pipeline.recommend(k=3)
