"""Coverage and violations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from suitably.metrics import catalogue_coverage, coverage, violation_rate


def test_coverage_counts_users_with_a_list():
    np.testing.assert_array_equal(coverage(np.array([0, 1, 10])), [0, 1, 1])


def test_catalogue_coverage_counts_each_product_once():
    assert catalogue_coverage(np.array([3, 3, 1, -1]), size=5) == pytest.approx(2 / 5)
    assert catalogue_coverage(np.array([], dtype=int), size=5) == 0
    with pytest.raises(ValueError, match="size=0"):
        catalogue_coverage(np.array([1]), size=0)


def test_violations_are_a_share_of_the_list_as_shown():
    passes = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 0, 0]], dtype=bool)
    rates = violation_rate(passes, np.array([3, 2, 1, 0]))
    np.testing.assert_allclose(rates, [2 / 3, 0, 1, 0])


@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=8)), st.data())
def test_violations_agree_with_counting(passes, data):
    users, depth = passes.shape
    lengths = np.array(data.draw(st.lists(st.integers(0, depth), min_size=users, max_size=users)))
    expected = [
        sum(not flag for flag in row[:n]) / n if n else 0.0
        for row, n in zip(passes.tolist(), lengths.tolist(), strict=True)
    ]
    np.testing.assert_allclose(violation_rate(passes, lengths), expected)
