"""The regression and its calibration against scikit-learn, and where there is little to learn."""

import numpy as np
import pytest
from scipy.optimize import check_grad
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from suitably.profiles.churn.calibrated_logistic import CalibratedLogistic, _logistic, fit_logistic


def examples(seed: int, number: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(number, 3)) * [1, 10, 0.1] + [0, 5, -3]
    score = features @ [1, -0.1, 4] + 12
    return features, rng.random(number) < 1 / (1 + np.exp(-score))


@pytest.mark.parametrize("penalty", [1e-5, 0.01, 0.5])
def test_scikit_learn_finds_the_same_slopes(penalty: float) -> None:
    features, happened = examples(1)
    found = fit_logistic(features, happened, penalty)
    standard = (features - features.mean(axis=0)) / features.std(axis=0)
    model = LogisticRegression(C=1 / (penalty * 400), tol=1e-10, max_iter=10_000).fit(
        standard, happened
    )
    slopes = model.coef_[0] / features.std(axis=0)
    np.testing.assert_allclose(found[1:], slopes, rtol=1e-4)
    intercept = model.intercept_[0] - slopes @ features.mean(axis=0)
    np.testing.assert_allclose(found[0], intercept, rtol=1e-4)


def test_the_gradient_is_the_slope_of_the_loss() -> None:
    features, happened = examples(2)
    design = np.column_stack([np.ones(len(features)), features / 10])
    ridge = np.array([0.0, 1.0, 1.0, 1.0])
    for place in np.random.default_rng(0).normal(size=(5, 4)):
        error = check_grad(
            lambda at: _logistic(at, design, happened, ridge)[0],
            lambda at: _logistic(at, design, happened, ridge)[1],
            place,
        )
        assert error < 1e-3


def test_scikit_learn_calibrates_alike() -> None:
    features, happened = examples(3)
    newer, newer_happened = examples(4, 300)
    model = CalibratedLogistic.fit(features, happened, newer, newer_happened)
    inside = np.clip(newer, features.min(axis=0), features.max(axis=0))
    scores = model.coefficients[0] + inside @ model.coefficients[1:]
    least = 1 / 302
    curve = IsotonicRegression(y_min=least, y_max=1 - least, out_of_bounds="clip")
    curve.fit(scores, newer_happened)
    np.testing.assert_allclose(model.predict(newer), curve.predict(scores), atol=1e-9)
    other = examples(5)[0]
    inside = np.clip(other, features.min(axis=0), features.max(axis=0))
    scores = model.coefficients[0] + inside @ model.coefficients[1:]
    np.testing.assert_allclose(model.predict(other), curve.predict(scores), atol=1e-9)


def test_nothing_is_extrapolated() -> None:
    features, happened = examples(6)
    model = CalibratedLogistic.fit(features, happened, features, happened)
    low, high = features.min(axis=0), features.max(axis=0)
    beyond = np.array([low - 1e9, high + 1e9])
    assert model.predict(beyond).tolist() == model.predict(np.array([low, high])).tolist()


def test_classes_that_a_feature_tells_apart_have_finite_slopes() -> None:
    features = np.arange(40.0)[:, None]
    happened = features[:, 0] >= 20
    model = CalibratedLogistic.fit(features, happened, features, happened)
    assert np.isfinite(model.coefficients).all()
    assert model.predict(features[[0, 39]]).tolist() == [1 / 42, 41 / 42]


def test_features_without_variance() -> None:
    features, happened = np.ones((40, 2)), np.arange(40) < 10
    model = CalibratedLogistic.fit(features, happened, features, happened)
    np.testing.assert_allclose(model.predict(features[:1]), [0.25])


def test_one_that_says_the_same_of_everybody() -> None:
    model = CalibratedLogistic.constant(2, 0.3)
    assert model.predict(np.array([[1.0, 2.0], [-9.0, 0.0]])).tolist() == [0.3, 0.3]
    assert np.isnan(CalibratedLogistic.constant(2, np.nan).predict(np.zeros((1, 2)))).all()
