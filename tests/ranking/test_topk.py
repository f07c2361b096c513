"""The engine against an independent brute force, one pair at a time."""

from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import suitably
from suitably.ranking import Factors, Lists, Scores
from suitably.ranking.topk import engine as topk
from suitably.ranking.topk.engine import check_factors
from suitably.ranking.topk.rounding import longest
from suitably.utils import bitset

HALVES = [2.0**-24, 2.0**-53, -(2.0**-53), 2.0**-54, -(2.0**-54)]
VALUES = [0.0, -0.0, 1.0, -1.0, 0.1, 0.3, 1 / 3, 1e-8, 1 + 1e-7, 1e10, -1e10, 1e-20, 16777217.0]


def top_k(scorer: Any, allowed: Any, k: int) -> Lists:
    """Draw up lists compiled, by NumPy, and in small tiles: the same every time."""
    words = bitset.pack(np.asarray(allowed, bool))
    found = []
    for loop, size in ((topk.compiled, 1), (lambda: None, 1), (topk.compiled, 10**9)):
        with (
            patch.object(topk, "compiled", loop),
            patch.object(topk, "_size", lambda words, size=size: min(size, 3)),
            patch.object(topk, "_WORTH_COMPILING", 0),
        ):
            found.append(topk.top_k(scorer, words, k))
    first, *others = found
    for other in others:
        for name in ("products", "scores", "lengths"):
            assert np.array_equal(getattr(first, name), getattr(other, name))
    return first


def brute(scorer: Any, allowed: Any, k: int) -> list[list[tuple[int, np.float32]]]:
    """Add up in float64, factor after factor; round once; sort by score, then place."""
    lists = []
    for user, row in enumerate(allowed):
        scored = []
        for product, legal in enumerate(row):
            if not legal:
                continue
            if isinstance(scorer, Scores):
                score = np.float32(scorer.block[user, product])
            else:
                total = 0.0
                for a, b in zip(scorer.users[user], scorer.products[product], strict=True):
                    total += float(a) * float(b)
                score = np.float32(total)
            scored.append((product, score))
        scored.sort(key=lambda pair: (-pair[1], pair[0]))
        lists.append(scored[:k])
    return lists


def read(lists: Lists) -> list[list[tuple[int, np.float32]]]:
    assert lists.products.dtype == np.int32
    assert lists.scores.dtype == np.float32
    assert lists.lengths.dtype == np.int32
    for codes, scores, length in zip(lists.products, lists.scores, lists.lengths, strict=True):
        assert (codes[length:] == -1).all()
        assert (scores[length:] == 0).all()
    rows = zip(lists.products, lists.scores, lists.lengths, strict=True)
    return [list(zip(c[:n].tolist(), s[:n], strict=True)) for c, s, n in rows]


@st.composite
def matrices(draw: st.DrawFn) -> tuple[Any, Any, int]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    users = draw(st.integers(1, 6))
    products = draw(st.one_of(st.integers(1, 12), st.integers(60, 200), st.just(330)))
    factors = draw(st.integers(1, 20))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    how = draw(st.sampled_from(["awkward", "normal", "close", "halfway"]))
    if how == "awkward":
        left, right = (rng.choice(VALUES, (n, factors)) for n in (users, products))
    else:
        left, right = (rng.normal(size=(n, factors)) for n in (users, products))
    if how == "halfway":  # between two numbers of float32: the order of the sum decides
        left, right = np.ones(left.shape), rng.choice(HALVES, right.shape)
        right[:, rng.integers(factors)] = 1
    if how == "close":
        right = right[:1] * (1 + 1e-8 * rng.normal(size=right.shape))
    allowed = rng.random((users, products)) < draw(st.sampled_from([0.0, 0.4, 1.0]))
    left, right = left.astype(dtype), right.astype(dtype)
    scorer = Factors(left, right, longest=draw(st.sampled_from([None, longest(right)])))
    k = draw(st.one_of(st.integers(1, 14), st.integers(30, 150)))
    if draw(st.booleans()):
        return Scores(left @ right.T), allowed, k
    return scorer, allowed, k


@given(given_=matrices())
def test_the_engine_is_exact(given_: tuple[Any, Any, int]) -> None:
    scorer, allowed, k = given_
    before = allowed.copy()
    found = top_k(scorer, allowed, k)
    assert read(found) == brute(scorer, allowed, k)
    assert (allowed == before).all()


def test_ties_keep_the_catalogue() -> None:
    scorer = Scores(np.array([[1, 2, 1, 2, 2]], np.float32))
    found = top_k(scorer, np.ones((1, 5), bool), 4)
    assert found.products.tolist() == [[1, 3, 4, 0]]


def test_scores_are_not_written_to() -> None:
    block = np.arange(6, dtype=np.float32).reshape(2, 3)
    kept = block.copy()
    block.setflags(write=False)
    top_k(Scores(block), np.array([[True, False, True], [False, False, False]]), 2)
    assert (block == kept).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_scores_that_cannot_be_ordered(bad: float) -> None:
    block = np.array([[1.0, bad, 3.0]])
    with pytest.raises(suitably.DataError, match="finite"):
        top_k(Scores(block), np.ones((1, 3), bool), 2)
    with pytest.raises(suitably.DataError, match="finite"):
        top_k(Factors(np.array([[1.0]]), block.T), np.ones((1, 3), bool), 2)
    with pytest.raises(suitably.DataError, match="1 of 3"):
        check_factors("X", block)


def test_a_score_beyond_float32_is_refused() -> None:
    huge = Factors(np.full((1, 1), 1e30), np.array([[1e30], [1.0]]))
    with pytest.raises(suitably.DataError, match="finite"):
        top_k(huge, np.ones((1, 2), bool), 2)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_may_not_be_recommended_need_not_be_ordered(bad: float) -> None:
    """The answer for one user must not depend on a pair of somebody else's in the block."""
    block = np.array([[1.0, bad, 3.0], [1.0, 2.0, 3.0]])
    allowed = np.array([[True, False, True], [True, True, True]])
    found = top_k(Scores(block), allowed, 3)
    assert found.products.tolist() == [[2, 0, -1], [2, 1, 0]]


def test_a_user_without_a_score_may_have_any_vector() -> None:
    factors = Factors(np.array([[np.nan, np.nan], [1.0, 0.0]]), np.array([[1.0, 0.0], [2.0, 0.0]]))
    found = top_k(factors, np.array([[False, False], [True, True]]), 2)
    assert found.products.tolist() == [[-1, -1], [1, 0]]


def test_small_scores_are_told_apart() -> None:
    left = np.full((1, 3), 1e-22, np.float32)
    right = np.array([[1e-22] * 3, [1.1e-22] * 3, [0.9e-22] * 3], np.float32)
    scorer = Factors(left, right)
    assert read(top_k(scorer, np.ones((1, 3), bool), 2)) == brute(scorer, np.ones((1, 3)), 2)


def test_nothing_allowed_and_no_products() -> None:
    scorer = Factors(np.ones((2, 1)), np.ones((3, 1)))
    assert top_k(scorer, np.zeros((2, 3), bool), 5).lengths.tolist() == [0, 0]
    assert top_k(Factors(np.ones((2, 1)), np.ones((0, 1))), np.zeros((2, 0), bool), 5).depth == 0
    assert len(top_k(scorer, np.zeros((0, 3), bool), 5).products) == 0
