"""Sums of money: exact, and refused where they could not be."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suitably.errors import DataError
from suitably.profiles.exact_sums import ExactSums

CENTS = st.lists(st.integers(-(10**7), 10**7), max_size=40)


@given(CENTS)
def test_cents_add_up_as_decimals_do(cents) -> None:
    values = np.array(cents, float) / 100
    found = ExactSums.of(np.zeros(len(cents), np.int32), values, users=1).floats()
    assert found[0] == float(sum((Decimal(c) for c in cents), Decimal(0)) / 100)


def test_large_sums_are_near() -> None:
    values = np.array([1e15, 12_345_678_901.23, -0.23])
    found = ExactSums.of(np.zeros(3, np.int32), values, users=1).floats()
    assert found[0] == pytest.approx(1_000_012_345_678_901.0, rel=2e-16)


@given(st.lists(st.floats(-1e15, 1e15), max_size=40), st.randoms(use_true_random=False))
def test_the_order_of_adding_does_not_matter(values, random) -> None:
    shuffled = random.sample(values, len(values))
    users = np.zeros(len(values), np.int32)
    one = ExactSums.of(users, np.array(values), users=2)
    cut = random.randint(0, len(values))
    parts = [np.array(shuffled[:cut]), np.array(shuffled[cut:])]
    a, b = (ExactSums.of(users[: len(part)], part, users=1) for part in parts)
    other = a.plus(b)
    assert one.whole[0] == other.whole[0]
    assert one.billionths[0] == other.billionths[0]


def test_a_longer_record_pads_the_shorter() -> None:
    short = ExactSums.of(np.array([0]), np.array([1.25]), users=1)
    long = ExactSums.of(np.array([2]), np.array([0.75]), users=3)
    assert short.plus(long).floats().tolist() == [1.25, 0.0, 0.75]
    assert long.plus(short).floats().tolist() == [1.25, 0.0, 0.75]


def test_refuses_what_cannot_be_added_exactly() -> None:
    with pytest.raises(DataError, match=r"5e\+18"):
        ExactSums.of(np.array([0]), np.array([5e18]), users=1)
    half = ExactSums.of(np.array([0]), np.array([4e18]), users=1)
    with pytest.raises(DataError, match="exact range"):
        half.plus(half)
