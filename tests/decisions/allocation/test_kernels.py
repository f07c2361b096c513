"""Compiled loops and NumPy give the same to the last bit."""

from unittest.mock import patch

import numpy as np
import pytest
from tests.decisions.allocation.instances import ArraySource, random_instance

from suitably.decisions.allocation import allocate, shortlists, smoothing


@pytest.mark.parametrize("seed", range(3))
def test_the_same_plan_without_numba(seed):
    pytest.importorskip("numba")
    nets, offers, constraints, keys = random_instance(seed, 800, 6, 3)
    nets = nets.round(1)  # many are equal
    with_numba = allocate(ArraySource(nets), offers, constraints, keys, linear=0)
    with (
        patch.object(shortlists, "compiled", lambda: None),
        patch.object(smoothing, "compiled", lambda: None),
    ):
        without = allocate(ArraySource(nets), offers, constraints, keys, linear=0)
    for name in vars(without):
        np.testing.assert_array_equal(getattr(without, name), getattr(with_numba, name))


@pytest.mark.parametrize("width", [1, 3])
@pytest.mark.parametrize("per_user", [1, 2, 3, 9])
def test_demand_is_the_derivative(per_user, width):
    rng = np.random.default_rng(per_user)
    nets = rng.normal(0.5, 1, (5, width, 400))
    offers = rng.integers(-1, 8, nets.shape).astype(np.int32)
    nets[offers < 0] = -np.inf
    lists = shortlists.ShortLists(offers, nets, np.zeros(400))
    prices = rng.normal(0, 0.3, 8)
    _, counts = smoothing.demand(lists, prices, 0.2, per_user)
    for offer in range(8):
        ahead, behind = prices.copy(), prices.copy()
        ahead[offer] += 1e-5
        behind[offer] -= 1e-5
        up = smoothing.demand(lists, ahead, 0.2, per_user)[0]
        down = smoothing.demand(lists, behind, 0.2, per_user)[0]
        assert -counts[offer] == pytest.approx((up - down) / 2e-5, abs=1e-3)
    shares = smoothing.shares(lists, prices, 0.2, per_user)
    assert shares.min() >= 0
    assert shares.sum(axis=1).max() <= 1 + 1e-9
    assert shares.sum(axis=(0, 1)).max() <= per_user + 1e-9
    assert shares.sum() == pytest.approx(counts.sum())
