"""Maximal marginal relevance against its definition, one user at a time."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import suitably
from suitably.ranking import Lists
from suitably.reranking import Diversity, RerankContext

ALL = suitably.Policy.unrestricted()


def context(kinds: list[str | None], users: int) -> RerankContext:
    return RerankContext(
        user_ids=np.arange(users),
        user_fields=pa.table({"x": pa.nulls(users)}),
        product_ids=np.arange(len(kinds)),
        product_fields=pa.table({"category": pa.array(kinds, pa.string())}),
    )


def by_hand(
    products: list[int], scores: list[float], kinds: list[str | None], weight: float, k: int
) -> list[int]:
    """Take the best of what is left, again and again."""
    low, high = min(scores, default=0), max(scores, default=0)
    relevance = [(s - low) / (high - low) if high > low else 0.0 for s in scores]
    left, taken = list(range(len(products))), []
    while left and len(taken) < k:
        seen = {kinds[products[place]] for place in taken} - {None}
        gains = [(1 - weight) * relevance[p] - weight * (kinds[products[p]] in seen) for p in left]
        taken.append(left.pop(gains.index(max(gains))))
    return [products[place] for place in taken]


@given(
    weight=st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]),
    seed=st.integers(0, 999),
    users=st.integers(1, 4),
    k=st.integers(1, 6),
)
def test_the_definition(weight: float, seed: int, users: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    kinds: list[Any] = [rng.choice(["a", "b", "c", None]) for _ in range(9)]
    lengths = rng.integers(0, 8, users).astype(np.int32)
    products = np.full((users, 8), -1, np.int32)
    scores = np.zeros((users, 8), np.float32)
    for user, length in enumerate(lengths):
        products[user, :length] = rng.permutation(9)[:length]
        scores[user, :length] = np.sort(rng.choice(np.arange(-4, 5) / 4, length))[::-1]
    lists = Lists(products.copy(), scores.copy(), lengths.copy())
    found = Diversity(weight=weight).rerank(lists, context(kinds, users), k)
    assert (lists.products == products).all(), "it wrote into what it was given"
    for user, length in enumerate(lengths):
        mine = products[user, :length].tolist(), scores[user, :length].astype(float).tolist()
        expected = by_hand(*mine, kinds, weight, k)
        got = found.products[user, : found.lengths[user]].tolist()
        assert got == expected
        of = dict(zip(*mine, strict=True))
        assert [of[p] for p in got] == found.scores[user, : len(got)].tolist()


def test_by_hand() -> None:
    lists = Lists(np.array([[0, 1, 2, 3]], np.int32), np.array([[4, 3, 2, 0]], np.float32),
                  np.array([4], np.int32))  # fmt: skip
    found = Diversity(weight=0.5).rerank(lists, context(["a", "a", "b", None], 1), 3)
    # After 0 (kind a): 1 gains .375 - .5, 2 gains .25, 3 gains 0; then 3 beats 1.
    assert found.products.tolist() == [[0, 2, 3]]


def test_bad_arguments() -> None:
    lists = Lists.empty(1, 2)
    for weight in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="weight"):
            Diversity(weight=weight).rerank(lists, context(["a"], 1), 1)
    with pytest.raises(suitably.DataError, match="no column 'kind'"):
        Diversity(by="kind").rerank(lists, context(["a"], 1), 1)


def test_nobody_and_nothing() -> None:
    assert Diversity().rerank(Lists.empty(0, 3), context(["a"], 0), 2).lengths.tolist() == []
    assert Diversity().rerank(Lists.empty(2, 0), context([], 2), 2).lengths.tolist() == [0, 0]


def test_the_pool_is_deeper_than_k() -> None:
    from properties.worlds import popular, rows_of

    world = popular(0).but(events=[
        {**popular(1).events[0], "user_id": f"u{u}", "product_id": f"p{p}"}
        for u, p in [(0, 0), (1, 0), (2, 0), (3, 0), (0, 2), (1, 2), (2, 2), (0, 4), (1, 4), (0, 1)]
    ])  # fmt: skip
    pipeline = world.fitted(rerankers=[Diversity(weight=0.9)])
    recs = pipeline.recommend(["u0"], k=2, exclude_owned=False)
    assert [row["product_id"] for row in rows_of(recs.to_frame())] == ["p0", "p1"]
    plain = world.fitted().recommend(["u0"], k=2, exclude_owned=False)
    assert [row["product_id"] for row in rows_of(plain.to_frame())] == ["p0", "p2"]
