"""Expected purchases, discounted or not, where formulas in floating point break down."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import suitably
from suitably.profiles import BetaGeo, BetaGeoParams, GammaGamma, GammaGammaParams
from suitably.profiles.lifetime.distinct import distinct_rows
from suitably.profiles.lifetime.expected import while_active

WEEKLY = (0.243, 4.414, 0.793, 2.426)


def expected(t: float, x: float, age: float, params: tuple[float, ...], rate: float = 0.0) -> float:
    r, *rest = params
    return float(while_active(*map(np.asarray, (t, x, age)), r, *map(np.asarray, rest), rate))


@pytest.mark.parametrize(
    ("t", "x", "age", "params", "right"),
    [
        (52, 500, 501, (0.2426, 4.4136, 0.7929, 2.4259), 49.4964523181484),
        (0.001, 2, 5000, (0.5, 4.0, 1.0, 2.0), 4.99600284800141e-7),
        (36_500, 3, 100, (0.24, 4.4, 0.8, 2.4), 49.6530132280693),
        (1000, 40, 30, (3.0, 5.0, 12.0, 0.2), 4.65454545454545),
        # Shapes so large that the closed form in floating point gives 1e184, or below 0.
        (141, 32, 1, (992.0, 36.3, 1.0005, 0.139), 154.544101592279),
        (1180, 32, 0, (777.0, 1.14, 0.00177, 0.0197), 823878.613192166),
    ],
)
def test_against_fifty_digits(
    t: float, x: float, age: float, params: tuple[float, ...], right: float
) -> None:
    """By mpmath: (r+x)·t/(α+T) · ₃F₂(r+x+1, a, 1; a+b+x, 2; −t/(α+T))."""
    assert expected(t, x, age, params) == pytest.approx(right, rel=1e-6)
    if max(params[0], *params[2:]) <= 20:
        assert expected(t, x, age, params) == pytest.approx(right, rel=1e-9)


@pytest.mark.parametrize(
    ("t", "x", "age", "params", "rate", "right"),
    [
        (365, 2, 38.86, WEEKLY, 0.01, 3.08343517445504),
        (365, 0, 0, WEEKLY, 0.0003, 4.07500937080271),
        (3650, 20, 200, (0.5, 7.0, 1.0, 2.0), 0.002, 21.7176828781909),
        (500, 3, 10, (60.0, 5.0, 3.0, 2.0), 0.004, 3.48016136795779),
    ],
)
def test_discounted_against_fifty_digits(
    t: float, x: float, age: float, params: tuple[float, ...], rate: float, right: float
) -> None:
    """By mpmath: the integral of (r+x)/(α+T) · ₂F₁(r+x+1, a; a+b+x; −s/(α+T)) · exp(−rate·s)."""
    assert expected(t, x, age, params, rate) == pytest.approx(right, rel=1e-6)


def test_discounted_as_simulated() -> None:
    rng = np.random.default_rng(0)
    r, alpha, a, b = 2.0, 30.0, 1.5, 6.0
    x, age, t, rate, draws = 4, 90.0, 200.0, 0.005, 200_000
    rates, leave = rng.gamma(r + x, 1 / (alpha + age), draws), rng.beta(a, b + x, draws)
    total, now, active = np.zeros(draws), np.zeros(draws), np.ones(draws, bool)
    while active.any():
        now = now + rng.exponential(1, draws) / rates
        active &= now <= t
        total += np.where(active, np.exp(-rate * now), 0)
        active &= rng.random(draws) >= leave
    found = expected(t, x, age, (r, alpha, a, b), rate)
    assert abs(found - total.mean()) < 4 * total.std() / math.sqrt(draws)


positive = st.floats(-5, 5).map(math.exp)
anything = st.floats(0, 1e300)


@settings(max_examples=150, deadline=None)
@given(
    params=st.tuples(positive, positive, positive, positive),
    x=st.integers(0, 3000),
    age=st.floats(0, 5000),
    t=st.floats(0, 20_000),
    rate=st.floats(0, 3),
)
def test_a_discount_only_takes_off(
    params: tuple[float, float, float, float], x: int, age: float, t: float, rate: float
) -> None:
    free, less = expected(t, x, age, params), expected(t, x, age, params, rate)
    assert 0 <= less <= free * (1 + 1e-5)
    assert less >= free * math.exp(-rate * t) * (1 - 1e-5)


@settings(max_examples=60, deadline=None)
@given(
    params=st.tuples(*[st.floats(-11, 11).map(math.exp)] * 4),
    x=st.one_of(st.integers(0, 2**53), st.integers(0, 50)),
    early=st.floats(0, 1),
    age=anything,
    t=anything,
    rate=anything,
)
def test_no_numbers_break_it(
    params: tuple[float, float, float, float],
    x: int,
    early: float,
    age: float,
    t: float,
    rate: float,
) -> None:
    model = BetaGeo()
    model.params_ = BetaGeoParams(*params)
    tx = age * early if x else 0.0
    found = float(model.expected_purchases(t, x, tx, age, rate=rate))
    assert np.isfinite(found)
    assert found >= 0
    assert 0 <= float(model.p_alive(x, tx, age)) <= 1


@settings(max_examples=100, deadline=None)
@given(
    params=st.tuples(*[st.floats(-200, 200).map(math.exp)] * 3),
    x=st.one_of(st.integers(0, 2**53), st.integers(0, 50)),
    m=st.floats(1e-300, 1e300),
)
def test_no_amount_breaks_it(params: tuple[float, float, float], x: int, m: float) -> None:
    model = GammaGamma()
    model.params_ = GammaGammaParams(*params)
    if params[0] * x + params[1] <= 1:
        with pytest.raises(suitably.DataError, match="not finite"):
            model.expected_value(x, m)
        return
    found = float(model.expected_value(x, m))
    assert np.isfinite(found)
    assert found >= 0


def test_parameters_that_cannot_be_used() -> None:
    for params in ((1e101, 1, 1, 1), (math.nan, 1, 1, 1), (0, 1, 1, 1)):
        model = BetaGeo()
        model.params_ = BetaGeoParams(*params)
        with pytest.raises(suitably.DataError, match=r"BetaGeo\.params_: must be above 0"):
            model.p_alive(1, 1, 2)


def test_both_ways_agree_where_one_takes_over() -> None:
    """Below 20 the rate is integrated over time, above it the chance to leave is averaged."""
    for x in (0, 3, 40):
        near = [expected(300, x, 60, (r, 9.0, 0.8, 2.0), 0.001) for r in (20 - 1e-9, 20 + 1e-9)]
        assert near[0] == pytest.approx(near[1], rel=1e-6)


def test_many_are_worked_out_as_one_by_one() -> None:
    rng = np.random.default_rng(1)
    x, age = rng.integers(0, 5, 500).astype(float), rng.integers(0, 9, 500) * 10.0
    sides = [np.full(500, one) for one in WEEKLY[1:]]
    found = while_active(np.full(500, 52.0), x, age, WEEKLY[0], *sides)
    assert found.tolist() == [expected(52, *one, WEEKLY) for one in zip(x, age, strict=True)]


@settings(max_examples=50, deadline=None)
@given(rows=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=20))
def test_distinct_rows(rows: list[tuple[int, int]]) -> None:
    columns = [np.array([row[i] for row in rows], float) for i in range(2)]
    first, place = distinct_rows(*columns)
    assert [rows[i] for i in first] == sorted(set(rows))
    assert [rows[first[i]] for i in place] == rows


def test_purchases_without_an_end() -> None:
    """Without an end, a customer makes 1/p purchases: (a+b−1)/(a−1) on average over p."""
    found = expected(1e9, 0, 0, (15.0, 1.0, 15.0, 19.0))
    assert found == pytest.approx(33 / 14, rel=1e-9)
