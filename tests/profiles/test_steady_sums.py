"""Sums that do not depend on the order of rows, against exact fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as any_

import suitably as st
from engines import every_builder
from suitably.profiles import Holdings, LifetimeValue, Preferences
from suitably.profiles.steady_sums import steady_run_sums, steady_sums

NUMBERS = any_.floats(-1e9, 1e9, allow_subnormal=True) | any_.floats(1e-9, 1.0)


@given(any_.lists(NUMBERS, min_size=1, max_size=40), any_.randoms(use_true_random=False))
def test_any_order_gives_the_same_sum(values: list[float], draw: np.random.Generator) -> None:
    (found,) = steady_run_sums(np.array(values), np.array([0]))
    exact = float(sum(map(Fraction, values)))
    assert abs(found - exact) <= 2.0**-52 * max(map(abs, values)) + 2.0**-52 * abs(exact)
    draw.shuffle(values)
    assert steady_run_sums(np.array(values), np.array([0])).tolist() == [found]


def test_runs_apart() -> None:
    values = np.array([1e-300, 2e-300, 1e300, -1e300, 0.0, 0.1, np.nan, 5.0, np.inf, 1.0])
    found = steady_run_sums(values, np.array([0, 2, 4, 5, 8]))
    np.testing.assert_array_equal(found, [3e-300, 0.0, 0.0, np.nan, np.nan])
    assert steady_run_sums(np.zeros(0), np.zeros(0, int)).tolist() == []
    sums = steady_sums(4, np.array([1, 1, 3]), np.array([0.5, 0.25, -2.0]))
    assert sums.tolist() == [0.0, 0.75, 0.0, -2.0]


def test_many_of_one_size_do_not_overflow() -> None:
    values = np.full(1_000_000, 0.7)
    assert steady_run_sums(values, np.array([0])) == pytest.approx([700_000.0], rel=1e-12)


def test_the_order_of_the_catalogue_has_no_say() -> None:
    """A product that an update brings stands last, where a rebuild may have it first."""
    users, products, log = every_builder.frames()
    rates = {"EUR": 1.0, "USD": 0.9}
    made = [
        Preferences(rates=rates),
        Holdings(rates=rates),
        LifetimeValue(rates=rates, penalty=0.1),
    ]
    turned = products.take(np.arange(products.num_rows)[::-1])
    found = [
        st.profiles.build(made, st.Dataset(users, one, log, **every_builder.KINDS), "2024-06-01")
        for one in (products, turned)
    ]
    assert found[0].equals(found[1])
