"""Bins of numbers against a search."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from suitably.monitoring.bins import Bins, number_bins

numbers = st.lists(st.floats(width=32), max_size=20).map(lambda some: np.array(some, np.float32))


@given(numbers, numbers)
def test_a_number_is_in_the_bin_that_a_search_finds(known: object, asked: object) -> None:
    bins, values = number_bins(np.asarray(known)), np.asarray(asked)
    inner = np.array(bins.edges[1:-1])
    found = np.searchsorted(inner, values.astype(np.float64), side="right")
    expected = np.where(np.isnan(values), len(bins.names) - 1, found)
    assert bins.codes(values).tolist() == expected.tolist()


def test_an_edge_is_in_the_upper_bin() -> None:
    values = np.array([[1.0, 2.0], [np.nan, np.inf]])
    assert Bins(edges=(0.0, 1.0, 2.0, 3.0)).codes(values).tolist() == [[1, 2], [3, 2]]
