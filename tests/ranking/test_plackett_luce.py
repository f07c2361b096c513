"""Plackett–Luce draws against enumeration, and the compiled loop against NumPy."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suitably.ranking import Lists
from suitably.ranking.topk import plackett_luce
from suitably.ranking.topk.plackett_luce import draw_lists, log_weights, uniforms


def pool_of(*scores: list[float]) -> Lists:
    depth = max(map(len, scores))
    products = np.full((len(scores), depth), -1, np.int32)
    values = np.zeros((len(scores), depth), np.float32)
    for row, some in enumerate(scores):
        products[row, : len(some)] = np.arange(len(some)) + 10
        values[row, : len(some)] = sorted(some, reverse=True)
    return Lists(products, values, np.array([len(some) for some in scores], np.int32))


def chances_of(weights: list[float], ranks: int) -> dict[tuple[int, ...], float]:
    """Enumerate every list and its probability."""
    found = {}
    for order in itertools.permutations(range(len(weights)), ranks):
        left, chance = sum(weights), 1.0
        for one in order:
            chance *= weights[one] / left
            left -= weights[one]
        found[order] = chance
    return found


def test_weights_by_hand() -> None:
    """Scores 3, 1, 2 have mean 2 and deviation √(2/3); a temperature of 2 halves the distances."""
    found = log_weights(pool_of([3, 1, 2]), temperature=2.0)
    assert found[0] == pytest.approx(np.array([0, -1, -2]) / np.sqrt(2 / 3) / 2)


def test_equal_scores_weigh_the_same() -> None:
    pool = pool_of([0.1, 0.1, 0.1], [0.7])
    assert log_weights(pool, 0.01).tolist() == [[0, 0, 0], [0, 0, 0]]


scores = st.lists(st.integers(-9, 9).map(float), min_size=2, max_size=5)


@given(scores=scores, temperature=st.sampled_from([0.3, 1.0, 5.0]), seed=st.integers(0, 99))
def test_propensities_are_those_of_enumeration(
    scores: list[float], temperature: float, seed: int
) -> None:
    pool = pool_of(scores)
    ranks = min(3, len(scores))
    values = np.sort(np.array(scores))[::-1]
    spread = values.std() or 1.0
    expected = chances_of(np.exp((values - values.mean()) / spread / temperature).tolist(), ranks)
    number = np.random.default_rng(seed).random((40, ranks))
    many = pool.take(np.zeros(40, np.int64))
    drawn = draw_lists(many, log_weights(many, temperature), number)
    for products, chances in zip(drawn.products, drawn.propensities, strict=True):  # type: ignore[arg-type]
        order = tuple((products - 10).tolist())
        assert chances.prod() == pytest.approx(expected[order], abs=1e-12)


def test_an_even_grid_of_numbers_draws_each_product_as_often_as_it_should() -> None:
    """No luck: a grid of the unit square meets each list in proportion, but for its edges."""
    side = 400
    grid = (np.arange(side) + 0.5) / side
    number = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    pool = pool_of([2.0, 1.0, 0.5, 0.0]).take(np.zeros(side**2, np.int64))
    weights = log_weights(pool, 1.0)
    drawn = draw_lists(pool, weights, number)
    expected = chances_of(np.exp(weights[0]).tolist(), 2)
    orders, counts = np.unique(drawn.products - 10, axis=0, return_counts=True)
    shares = dict(zip(map(tuple, orders.tolist()), counts / side**2, strict=True))
    assert shares.keys() == expected.keys()
    for order, share in shares.items():
        assert share == pytest.approx(expected[order], abs=4 / side)


@given(
    rows=st.lists(st.lists(st.integers(-5, 5).map(float), max_size=6), min_size=1, max_size=20),
    temperature=st.sampled_from([1e-4, 0.02, 1.0]),
    ranks=st.integers(1, 7),
    seed=st.integers(0, 9),
)
def test_compiled_and_plain_draw_the_same(
    rows: list[list[float]], temperature: float, ranks: int, seed: int
) -> None:
    pytest.importorskip("numba")
    pool = pool_of(*rows)
    number = np.random.default_rng(seed).random((len(rows), ranks))
    weights = log_weights(pool, temperature)
    one = draw_lists(pool, weights, number)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plackett_luce, "_compiled", lambda: None)
        assert np.array_equal(log_weights(pool, temperature), weights)
        other = draw_lists(pool, weights, number)
    for name in ("products", "scores", "lengths", "propensities"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    # And whoever else is in the block.
    for row in range(0, len(rows), 3):
        alone = pool.take(np.array([row]))
        found = draw_lists(alone, log_weights(alone, temperature), number[[row]])
        assert np.array_equal(found.products[0], one.products[row])
        assert np.array_equal(found.propensities[0], one.propensities[row])  # type: ignore[index]
    assert ((one.propensities > 0) == one.filled).all()  # type: ignore[operator]
    assert (np.sort(one.products, axis=1)[:, 1:] != np.sort(one.products, axis=1)[:, :-1])[
        np.sort(one.products, axis=1)[:, 1:] >= 0
    ].all()


def test_what_has_next_to_no_weight_is_still_ordered() -> None:
    """At a temperature of nearly 0 the order is the ranker's, down to the last product."""
    pool = pool_of([5.0, 4.0, 3.0, 2.0, 1.0])
    drawn = draw_lists(pool, log_weights(pool, 1e-6), np.full((1, 5), 0.999))
    assert drawn.products.tolist() == [[10, 11, 12, 13, 14]]
    assert drawn.propensities.tolist() == [[1, 1, 1, 1, 1]]  # type: ignore[union-attr]


def test_streams_by_the_published_generator() -> None:
    """SplitMix64 for the seed 1234567, as published with its reference implementation."""
    outputs = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    found = uniforms(np.array([1234567], np.uint64), 0, 4)
    assert found.tolist() == [[(output >> 11) / 2**53 for output in outputs]]
    assert uniforms(np.array([1234567], np.uint64), 2, 2).tolist() == [found[0, 2:].tolist()]


def test_no_pool_no_list() -> None:
    none: Any = Lists.empty(2, 0)
    drawn = draw_lists(none, log_weights(none, 1.0), np.zeros((2, 0)))
    assert drawn.products.shape == (2, 0)
    assert drawn.lengths.tolist() == [0, 0]
