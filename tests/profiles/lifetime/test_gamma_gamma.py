"""Gamma-Gamma against published values, its likelihood by SciPy, and simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import suitably
from suitably.profiles.lifetime import GammaGamma, GammaGammaParams


def with_params(*params: float) -> GammaGamma:
    model = GammaGamma()
    model.params_ = GammaGammaParams(*params)
    return model


def test_published_values() -> None:
    model = with_params(6.25, 3.74, 15.45)
    found = model.expected_value([2, 0], [22.35, 0.0])
    assert found == pytest.approx([24.6678, 35.2418], abs=6e-5)


def test_nothing_is_expected_of_an_infinite_mean() -> None:
    model = with_params(6.25, 0.79, 15.44)
    with pytest.raises(suitably.DataError, match=r"q=0\.79.*0 repeat.*not finite"):
        model.expected_value([1, 0], [30.0, 0.0])
    right = 6.25 * (15.44 + 30) / (6.25 + 0.79 - 1)
    assert float(model.expected_value(1, 30)) == pytest.approx(right)


@settings(max_examples=100, deadline=None)
@given(
    params=st.tuples(st.floats(0.1, 20), st.floats(1.05, 20), st.floats(0.01, 1e6)),
    x=st.integers(0, 1000),
    m=st.floats(1e-3, 1e9),
)
def test_between_the_own_mean_and_that_of_all(
    params: tuple[float, float, float], x: int, m: float
) -> None:
    p, q, v = params
    found = float(with_params(*params).expected_value(x, m))
    mean = p * v / (q - 1)
    low, high = sorted((mean, m if x else mean))
    assert low * (1 - 1e-9) <= found <= high * (1 + 1e-9)


def simulated(customers: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    rates = rng.gamma(3.7, 1 / 15.0, customers)
    x = rng.integers(0, 8, customers)
    return x, np.where(x > 0, rng.gamma(6.0 * np.maximum(x, 1), 1 / rates) / np.maximum(x, 1), 0)


def test_what_was_simulated_is_recovered() -> None:
    found = GammaGamma().fit(*simulated(50_000, seed=1)).params_
    assert found == pytest.approx((6.0, 3.7, 15.0), rel=0.1)


def test_the_unit_of_money_does_not_matter() -> None:
    x, m = simulated(2_000, seed=2)
    small, large = GammaGamma().fit(x, m).params_, GammaGamma().fit(x, m * 1e6).params_
    assert (large.p, large.q, large.v / 1e6) == pytest.approx(small, rel=1e-4)


@pytest.mark.parametrize(
    ("x", "m", "words"),
    [
        ([0, 0], [0, 0], "nobody bought twice"),
        ([1, 2], [0, 5], r"no amount above 0 \(position 0\)"),
        ([1, 2], [-1, 5], r"monetary: 1 of 2"),
        ([2, 3, 2], [5, 5, 5], "no maximum"),
    ],
)
def test_what_cannot_be_fitted_says_why(x: list, m: list, words: str) -> None:
    with pytest.raises(suitably.DataError, match=words):
        GammaGamma().fit(x, m)


def test_a_penalty_gives_a_maximum() -> None:
    assert np.isfinite(GammaGamma(penalty=0.1).fit([2, 3, 2], [5, 5, 5]).params_).all()


def test_before_a_fit() -> None:
    with pytest.raises(suitably.NotFittedError, match=r"GammaGamma.*fit"):
        GammaGamma().expected_value(1, 2)
