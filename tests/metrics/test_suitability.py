"""Violations by level, rejections, and how the list's risk compares with the user's."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suitably.metrics import (
    over_conservatism,
    rejection_rate,
    risk_excess,
    risk_match,
    violation_rate,
    violation_rate_at,
)

FIELDS = pa.table({"risk_level": ["R1", "R3", "R5"]})


def test_violations_by_level_add_up():
    passes = np.array([[1, 0, 0, 0], [1, 1, 0, 1]], bool)
    products, lengths = np.array([[0, 1, 2, 2], [0, 1, 2, -1]]), np.array([4, 3])
    by_level = {
        level: violation_rate_at(passes, lengths, products, FIELDS, level=level)
        for level in ("R1", "R3", "R5")
    }
    np.testing.assert_allclose(by_level["R1"], 0)
    np.testing.assert_allclose(by_level["R3"], [1 / 4, 0])
    np.testing.assert_allclose(by_level["R5"], [2 / 4, 1 / 3])
    np.testing.assert_allclose(sum(by_level.values()), violation_rate(passes, lengths))
    with pytest.raises(ValueError, match=r"level='R9': no product has it"):
        violation_rate_at(passes, lengths, products, FIELDS, level="R9")


def test_rejections_are_a_share_of_the_list():
    rejected = np.array([[1, 0, 1], [1, 0, 0], [0, 0, 0]], bool)
    lengths = np.array([3, 1, 0])
    np.testing.assert_allclose(rejection_rate(rejected, lengths, 3), [2 / 3, 1, 0])
    np.testing.assert_allclose(rejection_rate(rejected, lengths, 2), [1 / 2, 1, 0])


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_below_at_and_above_add_up(seed, k):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 5, 6)
    products = np.where(np.arange(4) < lengths[:, None], rng.integers(0, 5, (6, 4)), -1)
    users, levels = rng.integers(0, 4, 6), rng.integers(0, 4, 5)
    parts = [
        metric(products, lengths, users, levels, k)
        for metric in (over_conservatism, risk_match, risk_excess)
    ]
    for user in range(6):
        known = [levels[p] for p in products[user, :k] if p >= 0 and levels[p] > 0]
        if not users[user] or not known:
            assert np.isnan([part[user] for part in parts]).all()
            continue
        sides = [np.sign(level - users[user]) for level in known]
        expected = [sides.count(side) / len(sides) for side in (-1, 0, 1)]
        np.testing.assert_allclose([part[user] for part in parts], expected)
        assert sum(part[user] for part in parts) == pytest.approx(1)
