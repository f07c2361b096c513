"""Pruned lists against a brute force and against lists over everything: not a bit differs."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import suitably
from ranking.test_topk import VALUES, brute, read
from suitably.ranking import Factors, Lists
from suitably.ranking.topk import engine, pruning
from suitably.ranking.topk.pruning import NormOrder
from suitably.ranking.topk.rounding import lengths
from suitably.utils import bitset

SMALL = {"_LEAST": 1, "_LEAST_ALONE": 1, "_FIRST": 4, "_SHARE": 1, "_DEPTHS": 1}
SMALL |= {"_TRIED": 1, "_WORTH": 1}


@pytest.fixture(autouse=True)
def small() -> Iterator[None]:
    """Prune few products too, a few users at a time."""
    with ExitStack() as stack:
        for name, value in SMALL.items():
            stack.enter_context(patch.object(pruning, name, value))
        for name, value in (("_TOGETHER", 5), ("_WORTH_ORDERING", 1)):
            stack.enter_context(patch.object(engine, name, value))
        yield


def unpruned() -> Any:
    return patch.object(engine._Factored, "order", lambda self, users: None)


def everything(scorer: Factors, words: Any, k: int) -> Lists:
    with unpruned():
        return engine.top_k(Factors(scorer.users, scorer.products), words, k)


def same(one: Lists, other: Lists) -> bool:
    return all(
        getattr(one, name).tobytes() == getattr(other, name).tobytes()
        for name in ("products", "scores", "lengths")
    )


@st.composite
def tasks(draw: st.DrawFn) -> tuple[Factors, Any, int]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    users, products = draw(st.integers(1, 12)), draw(st.integers(1, 150))
    factors = draw(st.integers(1, 12))
    left, right = (rng.normal(size=(n, factors)) for n in (users, products))
    how = draw(st.sampled_from(["tail", "equal", "awkward", "twice", "close", "huge", "tiny"]))
    if how == "equal":
        right /= np.sqrt((right**2).sum(axis=1, keepdims=True))
    if how in ("tail", "twice"):
        right *= rng.lognormal(0, 2, (products, 1))
    if how == "awkward":
        left, right = (rng.choice(VALUES, (n, factors)) for n in (users, products))
    if how == "twice":
        right = right[rng.integers(0, max(1, products // 3), products)]
    if how == "close":  # the user's own direction, so that the bound is all but reached
        right = left[:1] * (1 + 1e-7 * rng.normal(size=(products, 1)))
    left *= {"huge": 1e17, "tiny": 1e-20}.get(how, 1.0)
    right *= {"huge": 1e17, "tiny": 1e-20}.get(how, 1.0)
    left[rng.random(users) < draw(st.sampled_from([0, 0.3]))] = 0
    kind = draw(st.sampled_from([np.float32, np.float64]))
    allowed = rng.random((users, products)) < draw(st.sampled_from([0.0, 0.05, 0.5, 1.0]))
    if draw(st.booleans()):
        allowed[:, rng.random(products) < 0.7] = False
    scorer = Factors(left.astype(kind), right.astype(kind))
    return scorer, allowed, draw(st.integers(1, 12))


@given(task=tasks(), given_order=st.booleans())
def test_pruned_lists_are_exact(task: tuple[Factors, Any, int], given_order: bool) -> None:
    scorer, allowed, k = task
    words = bitset.pack(allowed)
    order = NormOrder.of(scorer.products) if given_order else None
    found = engine.top_k(Factors(scorer.users, scorer.products, order=order), words, k)
    assert read(found) == brute(scorer, allowed, k)
    assert same(found, everything(scorer, words, k))


@given(task=tasks())
def test_without_numba_too(task: tuple[Factors, Any, int]) -> None:
    scorer, allowed, k = task
    with patch.object(engine, "compiled", lambda: None):
        assert read(engine.top_k(scorer, bitset.pack(allowed), k)) == brute(scorer, allowed, k)


@given(task=tasks())
def test_a_length_is_bounded_from_above(task: tuple[Factors, Any, int]) -> None:
    scorer, *_ = task
    bounds = np.outer(lengths(scorer.users), lengths(scorer.products))
    for user, row in enumerate(brute(scorer, np.ones(bounds.shape, bool), bounds.shape[1])):
        assert all(abs(float(score)) <= bounds[user, product] for product, score in row)


def test_few_products_are_multiplied_where_a_few_are_long() -> None:
    """One in a hundred is ten times as long: the others cannot come near."""
    rng = np.random.default_rng(0)
    right = rng.normal(size=(4000, 8)).astype(np.float32)
    right /= np.sqrt((right**2).sum(axis=1, keepdims=True))
    right[::100] *= 10
    left = right[::100][:20] / 10
    words = bitset.pack(np.ones((20, 4000), bool))
    seen: list[int] = []
    tile = engine._Factored.tile

    def counted(self: Any, rows: Any, words: Any, columns: Any) -> Any:
        seen.append(len(words) * len(columns))
        return tile(self, rows, words, columns)

    with patch.object(engine._Factored, "tile", counted):
        found = engine.top_k(Factors(left, right), words, 1)
    assert found.products[:, 0].tolist() == list(range(0, 2000, 100))
    assert sum(seen) <= 20 * 4000 // 10


def test_vectors_of_one_length_are_given_up_on_early() -> None:
    rng = np.random.default_rng(0)
    right = rng.normal(size=(6000, 16)).astype(np.float32)
    right /= np.sqrt((right**2).sum(axis=1, keepdims=True))
    left = rng.normal(size=(10, 16)).astype(np.float32)
    scorer = Factors(left, right, order=NormOrder.of(right))
    words = bitset.pack(np.ones((10, 6000), bool))
    with patch.object(pruning, "_TRIED", 1 / 32), patch.object(pruning, "_WORTH", 1 / 2):
        source, lists = engine._Factored(scorer), Lists.empty(10, 3)
        assert pruning.prune(source, scorer.order, words, lists).tolist() == list(range(10))
        assert same(engine.top_k(scorer, words, 3), everything(scorer, words, 3))


def test_the_order_of_products() -> None:
    order = NormOrder.of(np.array([[3.0, 4.0], [0.0, 0.0], [5.0, 12.0], [4.0, 3.0]]))
    assert order is not None
    assert order.products.tolist() == [2, 0, 3, 1]
    assert order.longest == pytest.approx(13, rel=2e-3)
    among = bitset.pack(np.array([[True, True, True, False]]))[0]
    assert order.first(3, among, whole=False).tolist() == [0, 2]
    assert order.first(3, among, whole=True).tolist() == [0, 2, 3]
    ones = np.ones(4)
    assert order.reach(np.array([6.0, 4.9, 0.0, -np.inf]), ones).tolist() == [1, 3, 4, 4]
    assert order.reach(np.array([1.0]), np.zeros(1)).tolist() == [0]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_refused_as_ever(bad: float) -> None:
    right = np.ones((40, 2))
    right[7, 1] = bad
    assert NormOrder.of(right) is None
    left = np.ones((3, 2))
    words = bitset.pack(np.ones((3, 40), bool))
    with pytest.raises(suitably.DataError, match="finite"):
        engine.top_k(Factors(left, right), words, 2)
    left[1] = bad
    right[7, 1] = 1
    with pytest.raises(suitably.DataError, match="finite"):
        engine.top_k(Factors(left, right), words, 2)
    words[1] = 0  # nothing is asked of them
    found = engine.top_k(Factors(left, right), words, 2)
    assert found.products.tolist() == [[0, 1], [-1, -1], [0, 1]]


def test_few_products_have_no_order() -> None:
    with patch.object(pruning, "_LEAST", 5):
        assert NormOrder.of(np.ones((4, 2))) is None
        assert NormOrder.of(np.ones((5, 2))) is not None


def test_lists_of_a_pipeline_do_not_change() -> None:
    """One user, some and all, under rules: the same as when everything is multiplied."""
    bank = suitably.data.simulate_bank(users=120, products=60, seed=3)
    pipeline = suitably.Pipeline(policy="cn-csrc-amac", ranker=suitably.ranking.IALS(factors=6))
    pipeline.fit(bank)
    users = list(pipeline.user_ids)
    asked = [[users[7]], users[:50], users]
    pruned: list[pd.DataFrame] = [pipeline.recommend(some, k=4).to_frame() for some in asked]
    with (
        patch.object(pruning, "_LEAST", 10**9),
        unpruned(),
    ):
        pipeline.fit(bank)
        for some, found in zip(asked, pruned, strict=True):
            pd.testing.assert_frame_equal(pipeline.recommend(some, k=4).to_frame(), found)
