"""BG/NBD against published values, its own likelihood summed in plain Python, and simulation."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from scipy.special import gammaln

import suitably
from suitably.profiles.lifetime import BetaGeo, BetaGeoParams
from suitably.profiles.lifetime.beta_geo import _Problem
from suitably.profiles.lifetime.expected import while_active

PUBLISHED = BetaGeoParams(0.243, 4.414, 0.793, 2.426)
CDNOW = BetaGeoParams(0.2426, 4.4136, 0.7929, 2.4259)


NODES = np.polynomial.legendre.leggauss(1000)


def cdnow() -> pd.DataFrame:
    """2,357 customers of CDNOW, weeks 1 to 39 of 1997; Fader, Hardie and Lee (2005)."""
    rows = pd.read_csv(Path(__file__).with_name("cdnow.csv"))
    return rows.loc[rows.index.repeat(rows["customers"])]


def with_params(params: BetaGeoParams) -> BetaGeo:
    model = BetaGeo()
    model.params_ = params
    return model


def log_likelihood(params: BetaGeoParams, x: float, tx: float, age: float) -> float:
    r, alpha, a, b = params
    problem = _Problem(*(np.array([one]) for one in (x, tx, age)), np.ones(1), None)
    return problem(np.log([r, alpha, a, b]))[0]


def test_the_published_fit_is_found() -> None:
    rows = cdnow()
    assert len(rows) == 2357
    params = BetaGeo().fit(rows["frequency"], rows["recency"], rows["T"]).params_
    assert params.r == pytest.approx(0.242593, abs=2e-6)
    assert params.alpha == pytest.approx(4.413532, abs=2e-5)
    assert params.a == pytest.approx(0.792886, abs=2e-5)
    assert params.b == pytest.approx(2.425752, abs=1e-4)


def test_the_unit_of_time_does_not_matter() -> None:
    rows = cdnow()
    days = BetaGeo().fit(rows["frequency"], rows["recency"] * 7, rows["T"] * 7).params_
    assert days.alpha / 7 == pytest.approx(4.413532, abs=2e-5)
    assert days.r == pytest.approx(0.242593, abs=2e-6)


def test_the_order_of_customers_does_not_matter() -> None:
    rows = cdnow()
    mixed = rows.sample(frac=1, random_state=1)
    found = [BetaGeo().fit(f["frequency"], f["recency"], f["T"]).params_ for f in (rows, mixed)]
    assert found[0] == found[1]


def test_published_values_of_one_customer() -> None:
    model = with_params(PUBLISHED)
    assert float(model.expected_purchases(39, 2, 30.43, 38.86)) == pytest.approx(1.226028, abs=6e-7)
    assert float(model.p_alive(2, 30.43, 38.86)) == pytest.approx(0.726579, abs=6e-7)
    assert log_likelihood(PUBLISHED, 2, 30.43, 38.86) == pytest.approx(-9.458606, abs=6e-7)
    assert log_likelihood(PUBLISHED, 0, 0, 38.86) == pytest.approx(-0.554713, abs=6e-7)
    found = model.p_alive([5, 10, 20], 30, 39)
    assert found == pytest.approx([0.705627, 0.571552, 0.196820], abs=6e-7)


def test_expected_of_somebody_new() -> None:
    model = with_params(PUBLISHED)
    found = model.expected_purchases([39, 2], 0, 0, 0)
    assert found == pytest.approx([1.196723, 0.103390], abs=6e-7)


@pytest.mark.parametrize(
    ("x", "tx", "age"),
    [(0, 0, 0), (0, 0, 38.86), (2, 30.43, 38.86), (26, 30.86, 31.0), (500, 10.0, 501.0),
     (1000, 1000.0, 1000.0)],
)  # fmt: skip
def test_closed_form_at_the_edges(x: float, tx: float, age: float) -> None:
    r, alpha, a, b = CDNOW
    right = 1.0
    if x:
        odds = math.log(a / (b + x - 1)) + (r + x) * math.log((alpha + age) / (alpha + tx))
        right = 1 / (1 + math.exp(odds)) if odds < 700 else 0.0
    found = with_params(CDNOW)
    assert float(found.p_alive(x, tx, age)) == pytest.approx(right, rel=1e-12, abs=1e-300)
    ahead = float(found.expected_purchases(52, x, tx, age))
    assert np.isfinite(ahead)
    assert ahead >= 0


positive = st.floats(0.05, 20)


@settings(max_examples=150, deadline=None)
@given(
    params=st.tuples(positive, positive, positive, positive),
    x=st.integers(0, 2000),
    early=st.floats(0, 1),
    age=st.floats(0, 5000),
    t=st.floats(0, 5000),
)
def test_never_negative_never_nan(
    params: tuple[float, float, float, float], x: int, early: float, age: float, t: float
) -> None:
    model = with_params(BetaGeoParams(*params))
    tx = age * early if x else 0.0
    alive = float(model.p_alive(x, tx, age))
    more = [float(model.expected_purchases(step * t, x, tx, age)) for step in (0, 0.5, 1)]
    assert 0 <= alive <= 1
    assert more[0] == 0
    assert all(np.isfinite(more))
    # What is expected grows with the horizon, and never beyond the rate of one who cannot leave.
    assert more[1] <= more[2] + 1e-8 * (1 + more[2])  # both have nine digits
    r, alpha, _, _ = params
    assert more[2] <= (r + x) / (alpha + age) * t * (1 + 1e-7) + 1e-9


@settings(max_examples=150, deadline=None)
@given(
    params=st.tuples(*[st.floats(0.2, 60)] * 4),
    x=st.integers(0, 500),
    t=st.floats(0.01, 1000),
)
def test_expected_while_active_by_integration(
    params: tuple[float, float, float, float], x: int, t: float
) -> None:
    """The mean of (1 − (1 + pt/(α+T))^−(r+x)) / p over the chance p to leave, given the history."""
    r, alpha, a, b = params
    nodes, weights = NODES
    chance = stats.beta.ppf((nodes + 1) / 2, a, b + x)
    right = -np.expm1(-(r + x) * np.log1p(chance * t / (alpha + 30))) / chance
    right = np.where(chance > 0, right, (r + x) * t / (alpha + 30)) @ weights / 2
    args = (np.asarray(float(one)) for one in (t, x, 30, alpha, a, b))
    t_, x_, age, alpha_, a_, b_ = args
    found = float(while_active(t_, x_, age, r, alpha_, a_, b_))
    assert found == pytest.approx(float(right), rel=2e-4)


@pytest.mark.parametrize("x", [0, 1, 3])
@pytest.mark.parametrize(("a", "b"), [(1.0, 2.4), (0.6, 0.4), (1.0 - 1e-9, 0.7), (0.3, 0.7)])
def test_removable_poles(x: int, a: float, b: float) -> None:
    tx = 10.0 if x else 0.0
    at = with_params(BetaGeoParams(0.5, 4.0, a, b)).expected_purchases(30, x, tx, 40)
    around = [
        float(with_params(BetaGeoParams(0.5, 4.0, a + h, b)).expected_purchases(30, x, tx, 40))
        for h in (-0.002, 0.002)
    ]
    assert float(at) == pytest.approx(sum(around) / 2, rel=1e-4)


@settings(max_examples=40, deadline=None)
@given(
    place=st.lists(st.floats(-2, 2), min_size=10, max_size=10),
    seed=st.integers(0, 2**32 - 1),
    covariates=st.booleans(),
)
def test_the_gradient_is_that_of_the_likelihood(
    place: list[float], seed: int, covariates: bool
) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 6, 12).astype(float)
    age = rng.uniform(0.1, 3, 12)
    tx = np.where(x > 0, rng.uniform(0, 1, 12) * age, 0.0)
    z = rng.normal(size=(12, 2)) if covariates else None
    problem = _Problem(x, tx, age, np.full(12, 1 / 12), z)
    start = np.array(place if covariates else place[:4])
    steps = optimize.approx_fprime(start, lambda p: problem(p)[0], 1e-6)
    assert problem(start)[1] == pytest.approx(steps, rel=1e-3, abs=1e-4)


@settings(max_examples=40, deadline=None)
@given(place=st.tuples(*[st.floats(-3, 3)] * 4), x=st.integers(0, 30), tx=st.floats(0, 1))
def test_the_likelihood_is_that_of_the_article(
    place: tuple[float, float, float, float], x: int, tx: float
) -> None:
    r, alpha, a, b = np.exp(place)
    last, age = (tx if x else 0.0), 1.5

    def beta(p: float, q: float) -> float:
        return float(gammaln(p) + gammaln(q) - gammaln(p + q))

    shared = float(gammaln(r + x) - gammaln(r)) + r * math.log(alpha)
    active = beta(a, b + x) - beta(a, b) + shared - (r + x) * math.log(alpha + age)
    right = active
    if x:
        left = beta(a + 1, b + x - 1) - beta(a, b) + shared - (r + x) * math.log(alpha + last)
        right = float(np.logaddexp(active, left))
    found = log_likelihood(BetaGeoParams(r, alpha, a, b), x, last, age)
    assert found == pytest.approx(right, rel=1e-9, abs=1e-9)


def simulated(customers: int, params: BetaGeoParams, seed: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    r, alpha, a, b = params
    rates, leave = rng.gamma(r, 1 / alpha, customers), rng.beta(a, b, customers)
    age = rng.uniform(20, 60, customers)
    x, tx, now = np.zeros(customers), np.zeros(customers), np.zeros(customers)
    active = np.ones(customers, bool)
    while active.any():
        now = now + rng.exponential(1, customers) / rates
        active &= now <= age
        x, tx = x + active, np.where(active, now, tx)
        active &= rng.random(customers) >= leave
    return x, tx, age


def test_what_was_simulated_is_recovered() -> None:
    right = BetaGeoParams(0.8, 6.0, 1.2, 3.0)
    found = BetaGeo().fit(*simulated(60_000, right, seed=3)).params_
    assert np.log(found) == pytest.approx(np.log(right), abs=0.12)


def test_covariates_move_the_rate() -> None:
    rng = np.random.default_rng(5)
    z = rng.normal(size=(40_000, 1))
    slow, fast = BetaGeoParams(0.8, 12.0, 1.0, 3.0), BetaGeoParams(0.8, 3.0, 1.0, 3.0)
    parts = [simulated(40_000, params, seed=6) for params in (slow, fast)]
    x, tx, age = (np.where(z[:, 0] > 0, f, s) for s, f in zip(*parts, strict=True))
    model = BetaGeo(penalty=1.0).fit(x, tx, age, np.sign(z))
    assert model.coefficients_ is not None
    assert model.coefficients_[0, 0] == pytest.approx(math.log(2), abs=0.1)
    found = model.expected_purchases(10, 1, 19, 20, [[-1.0], [1.0]])
    assert found[1] > 1.2 * found[0]
    with pytest.raises(suitably.DataError, match="with covariates"):
        model.p_alive(1, 5, 20)


@pytest.mark.parametrize(
    ("x", "tx", "age", "words"),
    [
        ([0, 0, 0], [0, 0, 0], [5, 9, 7], "nobody bought twice"),
        ([3, 4, 3, 5], [9.9, 9.9, 9.8, 9.9], [10, 10, 10, 10], "no maximum"),
        ([], [], [], "no customers"),
        ([1.0, -1], [1, 1], [2, 2], r"frequency: 1 of 2 .*position 1"),
        ([1, np.nan], [1, 1], [2, 2], r"frequency: 1 of 2"),
        ([1, 1], [3, 1], [2, 2], r"later than T \(position 0\)"),
        ([0, 1], [1, 1], [2, 2], r"must be 0 where frequency is 0 \(position 0\)"),
        ([1, 1, 1], [1, 1], [2, 2], "different lengths"),
        (["a", "b"], [1, 1], [2, 2], "frequency: must hold numbers"),
        ([1e16, 1], [1, 1], [2, 2], r"beyond what can be counted \(position 0\)"),
        ([1, 1], [1, 1], [2, 1e305], r"T: 1 of 2 .*position 1"),
        ([2], [30], [38], "no maximum"),
        ([1], [0], [0], "no maximum"),
        ([0] * 100 + [1], [0] * 100 + [100], [100] * 101, "no maximum: alpha runs away"),
        ([10**6], [10], [10], "no maximum: r runs away"),
    ],
)
def test_what_cannot_be_fitted_says_why(x: list, tx: list, age: list, words: str) -> None:
    with pytest.raises(suitably.DataError, match=words):
        BetaGeo().fit(x, tx, age)


def test_a_penalty_gives_a_maximum() -> None:
    found = BetaGeo(penalty=0.1).fit([3, 4, 3, 5], [9.9, 9.9, 9.8, 9.9], [10, 10, 10, 10])
    assert np.isfinite(found.params_).all()


def test_before_a_fit() -> None:
    with pytest.raises(suitably.NotFittedError, match=r"BetaGeo.*fit"):
        BetaGeo().p_alive(1, 1, 2)
    with pytest.raises(suitably.DataError, match="above 0"):
        with_params(BetaGeoParams(0.2, -1, 1, 1)).p_alive(1, 1, 2)
    with pytest.raises(ValueError, match="penalty"):
        BetaGeo(penalty=-1).fit([1], [1], [2])
