"""Pareto/NBD against the published fit, its own formulas by other ways, and simulation."""

import itertools
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize
from scipy.special import gammaln, hyp2f1

import suitably
from suitably.profiles import ParetoNBD, ParetoNBDParams
from suitably.profiles.lifetime.pareto_nbd import _Problem

PUBLISHED = ParetoNBDParams(0.553, 10.578, 0.606, 11.669)


def cdnow() -> pd.DataFrame:
    """2,357 customers of CDNOW, weeks 1 to 39 of 1997; Fader, Hardie and Lee (2005)."""
    rows = pd.read_csv(Path(__file__).with_name("cdnow.csv"))
    return rows.loc[rows.index.repeat(rows["customers"])]


def with_params(*params: float) -> ParetoNBD:
    model = ParetoNBD()
    model.params_ = ParetoNBDParams(*params)
    return model


def log_likelihood(x: float, tx: float, age: float, *params: float) -> float:
    problem = _Problem(*(np.array([float(one)]) for one in (x, tx, age)), np.ones(1), None)
    return problem(np.log(params))[0]


def test_the_published_fit_is_found() -> None:
    """Table 2 of Fader, Hardie and Lee (2005); the data here have weeks to two decimals."""
    rows = cdnow()
    model = ParetoNBD().fit(rows["frequency"], rows["recency"], rows["T"])
    assert model.params_ == pytest.approx(PUBLISHED, abs=0.002)
    assert [round(one, 2) for one in model.params_] == [round(one, 2) for one in PUBLISHED]
    each = (rows[name].to_numpy(float) for name in ("frequency", "recency", "T"))
    problem = _Problem(*each, np.ones(len(rows)), None)
    assert problem(np.log(PUBLISHED))[0] == pytest.approx(-9594.98, abs=0.01)
    value, slope = problem(np.log(model.params_))
    assert value == pytest.approx(-9594.98, abs=0.01)
    assert np.abs(slope).max() < 1e-3


def test_the_unit_of_time_and_the_order_do_not_matter() -> None:
    rows = cdnow()
    weeks = ParetoNBD().fit(rows["frequency"], rows["recency"], rows["T"]).params_
    mixed = rows.sample(frac=1, random_state=1)
    days = ParetoNBD().fit(mixed["frequency"], mixed["recency"] * 7, mixed["T"] * 7).params_
    assert days == pytest.approx((weeks.r, weeks.alpha * 7, weeks.s, weeks.beta * 7), rel=1e-4)


@pytest.mark.parametrize(
    ("history", "params", "likelihood", "alive"),
    [
        ((0, 0, 38.86), PUBLISHED, -0.5210462940808904, 0.29528660461689415),
        ((2, 30.43, 38.86), PUBLISHED, -9.554283245150407, 0.8691675591530112),
        ((26, 30.86, 31), PUBLISHED, -39.131671540302776, 0.9979187310551583),
        ((500, 10, 501), PUBLISHED, 1088.4537963132925, 0.0),
        ((1000, 1000, 1000), PUBLISHED, -1014.9379082683691, 1.0),
        ((3, 0.5, 400), (12, 0.2, 0.3, 90), -14.981707070993858, 1.5964045493536493e-38),
        ((40, 30, 31), (60, 5, 20, 2), -141.4003046393477, 0.15690016459149336),
        ((3, 1, 1000), (0.5, 4, 1e4, 1e5), -6.267353829949243, 3.767928308272689e-51),
        ((0, 0, 1000), (1e4, 1e5, 0.5, 4), -0.9691200925151408, 1.0169715914577725e-44),
    ],
)
def test_against_sixty_digits(
    history: tuple[float, ...], params: tuple[float, ...], likelihood: float, alive: float
) -> None:
    """By mpmath: the two ₂F₁ of formulas (18) and (19), alpha at least beta or below it."""
    assert log_likelihood(*history, *params) == pytest.approx(likelihood, rel=1e-10)
    found = float(with_params(*params).p_alive(*history))
    assert found == pytest.approx(alive, rel=1e-9, abs=1e-200)


shape, scale = st.floats(0.1, 8), st.floats(0.3, 30)
shapes = st.tuples(shape, scale, shape, scale)


@settings(max_examples=60, deadline=None)
@given(params=shapes, x=st.integers(0, 12), early=st.floats(0, 0.95), age=st.floats(1, 80))
def test_the_likelihood_is_that_of_the_note(
    params: tuple[float, float, float, float], x: int, early: float, age: float
) -> None:
    """In plain floating point, where that is good enough: two branches, each a difference."""
    r, alpha, s, beta = params
    tx = age * early if x else 0.0
    big, small, second = (alpha, beta, s + 1) if alpha >= beta else (beta, alpha, r + x)
    whole = r + s + x

    def one(y: float) -> float:
        function = hyp2f1(whole, second, whole + 1, (big - small) / (big + y))
        return float(function) * ((big + tx) / (big + y)) ** whole

    log_scale = -whole * math.log(big + tx)
    here = -(r + x) * math.log(alpha + age) - s * math.log(beta + age)
    left = s / whole * (one(tx) - one(age))
    active = math.exp(here - log_scale)
    shared = float(gammaln(r + x) - gammaln(r)) + r * math.log(alpha) + s * math.log(beta)
    right = shared + log_scale + math.log(active + left)
    assert log_likelihood(x, tx, age, *params) == pytest.approx(right, rel=1e-7, abs=1e-7)
    found = float(with_params(*params).p_alive(x, tx, age))
    assert found == pytest.approx(active / (active + left), rel=1e-6, abs=1e-9)


def gamma_density(rate: float, shape: float, by: float) -> float:
    log = shape * math.log(by) - float(gammaln(shape)) + (shape - 1) * math.log(rate) - by * rate
    return math.exp(log)


@pytest.mark.parametrize(
    ("x", "tx", "age", "params"),
    [
        (0, 0.0, 20.0, (1.5, 12.0, 1.8, 15.0)),
        (3, 9.0, 20.0, (1.5, 12.0, 1.8, 15.0)),
        (3, 9.0, 20.0, (2.0, 30.0, 1.2, 8.0)),
        (8, 19.0, 20.0, (1.2, 6.0, 2.5, 40.0)),
    ],
)
def test_all_three_by_integration_over_both_rates(
    x: int, tx: float, age: float, params: tuple[float, float, float, float]
) -> None:
    """What a customer of known rates does, averaged over the rates: the model's definition."""
    r, alpha, s, beta = params
    ahead = 13.0

    def over_rates(of: object) -> float:
        return integrate.dblquad(
            lambda mu, rate: of(rate, mu)  # type: ignore[operator]
            * gamma_density(rate, r, alpha) * gamma_density(mu, s, beta),
            0, 60 / (alpha + tx), 0, 60 / beta, epsabs=0, epsrel=1e-9,
        )[0]  # fmt: skip

    def active(rate: float, mu: float) -> float:
        return rate**x * math.exp(-(rate + mu) * age)

    def left(rate: float, mu: float) -> float:
        gone = math.exp(-(rate + mu) * tx) - math.exp(-(rate + mu) * age)
        return rate**x * mu / (rate + mu) * gone

    def more(rate: float, mu: float) -> float:
        return active(rate, mu) * rate * -math.expm1(-mu * ahead) / mu

    here, gone, then = over_rates(active), over_rates(left), over_rates(more)
    model = with_params(*params)
    assert log_likelihood(x, tx, age, *params) == pytest.approx(math.log(here + gone), rel=1e-7)
    assert float(model.p_alive(x, tx, age)) == pytest.approx(here / (here + gone), rel=1e-7)
    found = float(model.expected_purchases(ahead, x, tx, age))
    assert found == pytest.approx(then / (here + gone), rel=1e-7)


@settings(max_examples=60, deadline=None)
@given(
    params=shapes,
    x=st.integers(0, 50),
    age=st.floats(0, 500),
    t=st.floats(0.01, 2000),
    rate=st.sampled_from([0.0, 1e-4, 0.01, 1.0]),
)
def test_discounted_purchases_by_integration(
    params: tuple[float, float, float, float], x: int, age: float, t: float, rate: float
) -> None:
    """Who is active now buys at (r+x)/(α+T) as long as they stay, (1 + h/(β+T))^−s of them at h."""
    r, alpha, s, beta = params
    edges = [0.0, *(t * 10.0**-k for k in range(6, -1, -1))]
    right = (r + x) / (alpha + age) * sum(
        integrate.quad(
            lambda h: (1 + h / (beta + age)) ** -s * math.exp(-rate * h), low, high, epsrel=1e-10
        )[0]
        for low, high in itertools.pairwise(edges)
    )  # fmt: skip
    model = with_params(*params)
    found = float(model.expected_purchases(t, x, age if x else 0, age, rate=rate))
    alive = float(model.p_alive(x, age if x else 0, age))
    assert found == pytest.approx(right * alive, rel=1e-7)


@pytest.mark.parametrize("s", [1 - 1e-9, 1.0, 1 + 1e-9])
def test_where_the_closed_form_divides_by_nothing(s: float) -> None:
    around = [with_params(0.5, 4, 1 + h, 9).expected_purchases(30, 2, 8, 40) for h in (-1e-3, 1e-3)]
    at = float(with_params(0.5, 4, s, 9).expected_purchases(30, 2, 8, 40))
    assert at == pytest.approx(float(sum(around)) / 2, rel=1e-5)


def test_who_bought_once_may_have_left_and_who_just_bought_has_not() -> None:
    model = with_params(*PUBLISHED)
    once = model.p_alive(0, 0, [0, 1, 10, 100, 1e6])
    assert once[0] == 1
    assert (np.diff(once) < 0).all()
    assert model.p_alive([0, 3, 9], [0, 5, 5], [0, 5, 5]).tolist() == [1, 1, 1]
    assert model.p_alive([[1], [2]], [[3], [3]], [4, 5, 6]).shape == (2, 3)


@settings(max_examples=40, deadline=None)
@given(
    place=st.lists(st.floats(-2, 2), min_size=8, max_size=8),
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


anything = st.floats(0, 1e300)


@settings(max_examples=150, deadline=None)
@given(
    params=st.tuples(*[st.floats(-200, 200).map(math.exp)] * 4),
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
    model = with_params(*params)
    tx = age * early if x else 0.0
    found = model.expected_purchases([0, t / 2, t], x, tx, age)
    less = float(model.expected_purchases(t, x, tx, age, rate=rate))
    assert np.isfinite(found).all()
    assert found[0] == 0
    assert found[1] <= found[2] * (1 + 1e-9)
    assert 0 <= less <= found[2] * (1 + 1e-9)
    assert 0 <= float(model.p_alive(x, tx, age)) <= 1


def simulated(customers: int, params: ParetoNBDParams, seed: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    r, alpha, s, beta = params
    rates = rng.gamma(r, 1 / alpha, customers)
    gone = rng.exponential(1, customers) / rng.gamma(s, 1 / beta, customers)
    age = rng.uniform(20, 60, customers)
    x, tx, now = np.zeros(customers), np.zeros(customers), np.zeros(customers)
    active = np.ones(customers, bool)
    while active.any():
        now = now + rng.exponential(1, customers) / rates
        active &= now <= np.minimum(age, gone)
        x, tx = x + active, np.where(active, now, tx)
    return x, tx, age


def test_what_was_simulated_is_recovered() -> None:
    """Within four standard errors, by the curvature of the likelihood at the fit."""
    right = ParetoNBDParams(0.8, 6.0, 1.2, 25.0)
    history = simulated(10_000, right, seed=3)
    found = np.log(ParetoNBD().fit(*history).params_)
    problem = _Problem(*history, np.ones(10_000), None)
    steps = 1e-4 * np.eye(4)
    curvature = np.array([problem(found + h)[1] - problem(found - h)[1] for h in steps]) / -2e-4
    errors = np.sqrt(np.diag(np.linalg.inv(curvature)))
    assert errors.max() < 0.3
    assert (np.abs(found - np.log(right)) < 4 * errors).all()


def test_covariates_move_both_rates() -> None:
    slow, fast = ParetoNBDParams(0.8, 12, 1.5, 60), ParetoNBDParams(0.8, 3, 1.5, 15)
    parts = [simulated(6_000, params, seed=6) for params in (slow, fast)]
    z = np.random.default_rng(5).choice([-1.0, 1.0], (6_000, 1))
    x, tx, age = (np.where(z[:, 0] > 0, f, s) for s, f in zip(*parts, strict=True))
    model = ParetoNBD(penalty=1.0).fit(x, tx, age, z)
    assert model.coefficients_ is not None
    assert model.coefficients_[:, 0] == pytest.approx(np.log([2, 2]), abs=0.25)
    found = model.expected_purchases(10, 1, 19, 20, [[-1.0], [1.0]])
    assert found[1] > found[0]
    with pytest.raises(suitably.DataError, match="with covariates"):
        model.p_alive(1, 5, 20)


@pytest.mark.parametrize(
    ("x", "tx", "age", "words"),
    [
        ([0, 0, 0], [0, 0, 0], [5, 9, 7], "ParetoNBD: nobody bought twice"),
        ([3, 4, 3, 5], [9.9, 9.9, 9.8, 9.9], [10, 10, 10, 10], "no maximum"),
        ([], [], [], "ParetoNBD: there are no customers"),
        ([1.0, -1], [1, 1], [2, 2], r"frequency: 1 of 2 .*position 1"),
        ([1, 1], [3, 1], [2, 2], r"later than T \(position 0\)"),
        ([0, 1], [1, 1], [2, 2], r"must be 0 where frequency is 0 \(position 0\)"),
        ([2], [30], [38], "no maximum"),
        ([1], [0], [0], "no maximum"),
        ([10**6], [10], [10], "no maximum: r runs away"),
    ],
)
def test_what_cannot_be_fitted_says_why(x: list, tx: list, age: list, words: str) -> None:
    with pytest.raises(suitably.DataError, match=words):
        ParetoNBD().fit(x, tx, age)


def test_a_penalty_gives_a_maximum() -> None:
    found = ParetoNBD(penalty=0.1).fit([3, 4, 3, 5], [9.9, 9.9, 9.8, 9.9], [10, 10, 10, 10])
    assert np.isfinite(found.params_).all()


def test_before_a_fit() -> None:
    with pytest.raises(suitably.NotFittedError, match=r"ParetoNBD.*fit"):
        ParetoNBD().p_alive(1, 1, 2)
    with pytest.raises(suitably.DataError, match=r"ParetoNBD\.params_: must be above 0"):
        with_params(0.2, -1, 1, 1).p_alive(1, 1, 2)
    with pytest.raises(ValueError, match="penalty"):
        ParetoNBD(penalty=-1).fit([1], [1], [2])
