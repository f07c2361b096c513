"""Maximal marginal relevance against its definition, one user at a time."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reranking.contract import GroupRerankerContract, taken_from
from suitably.reranking import Diversity, kernels
from suitably.testing.blocks import block, by_user, context, lists_of, rows, same
from support.banks import bought, popular
from support.frames import rows_of


class TestDiversity(GroupRerankerContract):
    def made(self) -> list[Any]:
        return [Diversity(), Diversity("issuer", 0.7), Diversity(weight=1), Diversity(weight=0)]

    def make(self) -> Any:
        return Diversity(weight=0.8)

    def bad(self) -> list[Any]:
        return [Diversity(weight=weight) for weight in (-0.1, 1.1, float("nan"), "big")]

    def unknown(self) -> list[Any]:
        return [Diversity("nowhere")]


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
    seed=st.integers(0, 9999),
    k=st.integers(1, 9),
    shuffled=st.booleans(),
    copies=st.sampled_from([1, 100]),
)
def test_the_definition(weight: float, seed: int, k: int, shuffled: bool, copies: int) -> None:
    """In small blocks and in large ones, which take the compiled path."""
    lists, found = block(seed, 3, shuffled=shuffled)
    many = np.tile(np.arange(3), copies)
    back = Diversity(weight=weight).rerank(lists.take(many), rows(found, many), k)
    kinds = taken_from(found, "category")
    expected = [
        by_hand(codes, lists.scores[user, : len(codes)].astype(float).tolist(), kinds, weight, k)
        for user, codes in enumerate(by_user(lists))
    ]
    assert by_user(back) == expected * copies


def test_by_hand() -> None:
    lists = lists_of([0, 1, 2, 3], scores=[[4, 3, 2, 0]])
    found = Diversity(weight=0.5).rerank(lists, context(1, category=["a", "a", "b", None]), 3)
    # After 0 (kind a): 1 gains .375 - .5, 2 gains .25, 3 gains 0; then 3 beats 1.
    assert by_user(found) == [[0, 2, 3]]


def test_without_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    lists, found = block(7, 300)
    compiled = Diversity().rerank(lists, found, 5)
    monkeypatch.setattr(kernels, "_compiled", lambda: None)
    assert same(Diversity().rerank(lists, found, 5), compiled)


def test_the_pool_is_deeper_than_k() -> None:
    pairs = [(0, 0), (1, 0), (2, 0), (3, 0), (0, 2), (1, 2), (2, 2), (0, 4), (1, 4), (0, 1)]
    world = popular().but(events=bought(*pairs))
    pipeline = world.fitted(rerankers=[Diversity(weight=0.9)])
    recs = pipeline.recommend(["u0"], k=2, exclude_owned=False)
    assert [row["product_id"] for row in rows_of(recs.to_frame())] == ["p0", "p1"]
    plain = world.fitted().recommend(["u0"], k=2, exclude_owned=False)
    assert [row["product_id"] for row in rows_of(plain.to_frame())] == ["p0", "p2"]
