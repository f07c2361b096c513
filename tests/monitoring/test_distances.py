"""Figures of drift and concentration, by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from suitably.monitoring import gini, psi, top_share, wasserstein

counts = st.lists(st.integers(0, 50), min_size=3, max_size=3).map(lambda n: np.array(n, float))


def test_psi_by_hand() -> None:
    before, now = np.array([0.2, 0.3, 0.5]), np.array([0.3, 0.3, 0.4])
    expected = 0.1 * math.log(1.5) - 0.1 * math.log(0.8)
    assert psi(before, now) == pytest.approx(expected)
    assert psi(before, before) == 0


def test_psi_of_an_empty_bin_is_finite() -> None:
    expected = (0.5 - 1e-4) * math.log(0.5 / 1e-4) + (0.5 - 1) * math.log(0.5)
    assert psi(np.array([0.0, 1.0]), np.array([0.5, 0.5])) == pytest.approx(expected)


def test_wasserstein_by_hand() -> None:
    edges = np.array([0.0, 1.0, 3.0])
    # All of the first bin moves to the second: from a mean of 0.5 to one of 2, no other way back.
    assert wasserstein(np.array([1.0, 0]), np.array([0, 1.0]), edges) == pytest.approx(1.5)
    # F − G rises to 1/2 at 1, falls to −1/2 at 2, and ends at 0: ¼ + ¼ + ¼.
    edges = np.array([0.0, 1.0, 2.0, 3.0])
    before, now = np.array([1.0, 0, 1.0]), np.array([0, 2.0, 0])
    assert wasserstein(before, now, edges) == pytest.approx(0.25 + 0.25 + 0.25)


@given(counts, counts)
def test_wasserstein_is_that_of_points_spread_in_the_bins(before: object, now: object) -> None:
    p, q = np.asarray(before, float), np.asarray(now, float)
    if not p.sum() or not q.sum():
        assert math.isnan(wasserstein(p, q, np.arange(4.0)))
        return
    fine = (np.arange(3000) + 0.5) / 1000
    slow = stats.wasserstein_distance(fine, fine, np.repeat(p, 1000), np.repeat(q, 1000))
    assert wasserstein(p, q, np.arange(4.0)) == pytest.approx(slow, abs=2e-3)


def test_gini_and_top_share_by_hand() -> None:
    assert gini(np.array([1.0, 3.0])) == pytest.approx(0.25)
    assert gini(np.array([2.0, 2.0])) == 0
    assert top_share(np.array([5.0, 3, 1, 1]), 0.5) == 0.8
    assert math.isnan(gini(np.zeros(3)))
    assert math.isnan(top_share(np.zeros(3)))


@given(counts)
def test_gini_is_the_mean_difference(some: object) -> None:
    n = np.asarray(some, float)
    if n.sum():
        slow = np.abs(n[:, None] - n).mean() / (2 * n.mean())
        assert gini(n) == pytest.approx(slow)
