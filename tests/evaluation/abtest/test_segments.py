"""Segments: none published with fewer users than asked, the pool included."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from suitably.evaluation.abtest.segments import pool_small

rows = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 30)), min_size=1, max_size=80)


@given(rows, st.integers(2, 8))
def test_every_published_segment_has_enough_users(pairs, minimum):
    labels = np.array([f"s={label}" for label, _ in pairs], dtype=object)
    users = np.array([user for _, user in pairs])
    pooled = pool_small(labels, users, minimum)
    assert len(pooled) == len(labels)
    names = set(pooled)
    for name in names - {"all"}:
        assert len(set(users[pooled == name])) >= minimum
    assert names == {"all"} or "all" not in names


def test_large_ones_stay_and_small_ones_are_pooled():
    labels = np.array(["s=a"] * 5 + ["s=b"] * 3 + ["s=c"] * 2, dtype=object)
    pooled = pool_small(labels, np.arange(10), 4)
    assert pooled.tolist() == ["s=a"] * 5 + ["s=(others)"] * 5


def test_one_small_segment_takes_the_next_with_it():
    labels = np.array(["s=a"] * 6 + ["s=b"] * 5 + ["s=c"], dtype=object)
    pooled = pool_small(labels, np.arange(12), 4)
    assert pooled.tolist() == ["s=a"] * 6 + ["s=(others)"] * 6
