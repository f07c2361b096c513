"""Estimators by hand and by published values, weights of slates, and intervals by simulation."""

import numpy as np
import pytest

from suitably.errors import DataError
from suitably.evaluation.offpolicy import (
    ESTIMATORS,
    Rounds,
    beta_ips,
    clipped_ips,
    dm,
    dr,
    dros,
    effective_size,
    importance_weights,
    ips,
    sndr,
    snips,
    switch,
)
from suitably.evaluation.offpolicy.estimators import difference, estimator
from suitably.evaluation.offpolicy.evidence import interval

# Four slates of three, of which obp gives the values in the tests.
LOGGED = np.array([[0.5, 0.4, 0.25], [0.2, 0.5, 0.5], [0.3, 0.3, 0.4], [0.6, 0.25, 0.5]])
TARGET = np.array([[0.8, 0.5, 0.25], [0.1, 0.3, 0.6], [0.5, 0.4, 0.4], [0.3, 0.5, 0.2]])
REWARDS = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]], float)


def rounds(weights, rewards, expected=0.0, predicted=0.0, ranks=None):
    given = (np.broadcast_to(one, len(weights)) for one in (weights, rewards, expected, predicted))
    return Rounds(*(one.astype(float) for one in given), ranks)


@pytest.mark.parametrize(
    ("kind", "plain", "normalised"),
    [
        ("standard", 1.3455555556, 1.0802854594),
        ("independent", 1.425, 1.2715729948),
        ("cascade", 1.4055555556, 1.1736303049),
    ],
)
def test_slates_as_obp_has_them(kind, plain, normalised):
    weights = importance_weights(TARGET, LOGGED, kind)
    shown = rounds(weights.ravel(), REWARDS.ravel(), ranks=np.tile([0, 1, 2], 4))
    assert ips(shown).sum() / 4 == pytest.approx(plain, abs=1e-10)
    assert snips(shown).sum() / 4 == pytest.approx(normalised, abs=1e-10)


def test_a_dependence_that_there_is_not():
    with pytest.raises(DataError, match="cascade, standard, independent"):
        importance_weights(TARGET, LOGGED, "none")


def test_by_hand():
    """Weights 2, 0 and 4; rewards 1, 1 and 3; a model says 0.5 of each, and 1 of the policy."""
    shown = rounds([2, 0, 4], [1, 1, 3], [1, 1, 1], [0.5, 0.5, 0.5])
    assert ips(shown).tolist() == [2, 0, 12]
    assert clipped_ips(shown, limit=3).tolist() == [2, 0, 9]
    assert snips(shown).mean() == pytest.approx(14 / 6)
    assert dm(shown).tolist() == [1, 1, 1]
    assert dr(shown).tolist() == [2, 1, 11]
    assert sndr(shown).mean() == pytest.approx(1 + (2 * 0.5 + 4 * 2.5) / 6)
    assert switch(shown, limit=2).tolist() == [2, 1, 1]
    assert dros(shown, limit=4).tolist() == pytest.approx([1 + 8 / 8 * 0.5, 1, 1 + 16 / 20 * 2.5])
    assert effective_size(shown.weights) == pytest.approx(36 / 20)


def test_the_control_variate_is_the_regression_on_the_weights():
    """The intercept at a mean weight of 1, by NumPy's least squares through that point."""
    rng = np.random.default_rng(0)
    shown = rounds(rng.gamma(1, size=50), rng.random(50))
    apart = shown.weights - 1
    slope = np.linalg.lstsq(apart[:, None], ips(shown), rcond=None)[0][0]
    assert beta_ips(shown).mean() == pytest.approx((ips(shown) - slope * apart).mean())


def test_limits_reach_those_that_have_one():
    shown = rounds([2, 0, 40], [1, 1, 3])
    assert estimator("clipped_ips", 3)(shown).tolist() == [2, 0, 9]
    assert estimator("ips", 3)(shown).tolist() == [2, 0, 120]


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_arms_that_weigh_alike_do_not_differ(name):
    rng = np.random.default_rng(1)
    one = rounds(rng.gamma(1, size=30), rng.random(30), rng.random(30), rng.random(30))
    assert not difference(name, one, one).any()


@pytest.mark.parametrize("name", sorted(set(ESTIMATORS) - {"beta_ips"}))
def test_the_linearised_variance_is_that_of_resampling(name):
    """The delta method against the bootstrap, within what 4,000 resamples can tell (3 %)."""
    rng = np.random.default_rng(2)
    n = 400
    one = rounds(rng.gamma(2, 0.5, size=n), rng.random(n), rng.random(n), rng.random(n))
    estimate = estimator(name)
    rows = rng.integers(0, n, (4000, n))
    means = [
        estimate(Rounds(*(values[some] for values in list(vars(one).values())[:4]))).mean()
        for some in rows
    ]
    said = estimate(one).std() / np.sqrt(n)
    assert said == pytest.approx(np.std(means), rel=0.08)


class TestInterval:
    def test_users_are_the_units(self):
        """A ratio of sums, by hand: sums 1, 2, 3 over slates 1, 1, 2."""
        mean, low, high = interval(np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 2.0]), 0.05)
        assert mean == 1.5
        error = np.sqrt((0.25 + 0.25 + 0) * 3 / 2) / 4
        assert high - low == pytest.approx(2 * 4.302652729911275 * error)

    @pytest.mark.parametrize("sums", [[], [1.0], [2.0, 2.0]])
    def test_never_without_width(self, sums):
        _, low, high = interval(np.array(sums), np.ones(len(sums)), 0.05)
        assert np.isnan([low, high]).all()


def simulated(rng, users):
    """One slate of one product per user: a log that explores, and greedy arms that mostly agree.

    Scores rank ten products per user; the log draws by them, softly; control shows the first, the
    treatment the second to every fifth user.
    """
    products = 10
    scores = rng.normal(size=(users, products))
    logged = np.exp(scores / 2)
    logged /= logged.sum(axis=1, keepdims=True)
    row = np.arange(users)
    shown = (logged.cumsum(axis=1) > rng.random((users, 1))).argmax(axis=1)
    chances = np.clip(0.15 + 0.05 * scores, 0.01, 0.9)
    best = np.argsort(-scores, axis=1)
    control = best[:, 0]
    treatment = np.where(rng.random(users) < 0.2, best[:, 1], control)
    rewards = (rng.random(users) < chances[row, shown]).astype(float)
    propensity = logged[row, shown]
    arms = [rounds((shown == arm) / propensity, rewards) for arm in (control, treatment)]
    truth = (chances[row, treatment] - chances[row, control]).mean()
    return arms, truth


def measure(runs, users=2000):
    """Return for each estimator the median width against two separate intervals, and coverage."""
    rng = np.random.default_rng(3)
    one = np.ones(users)
    widths, hits = {}, {}
    for _ in range(runs):
        arms, truth = simulated(rng, users)
        ends = [interval(snips(arm), one, 0.05)[1:] for arm in arms]
        apart = np.sqrt(sum((high - low) ** 2 for low, high in ends))
        for name in ("ips", "snips", "beta_ips"):
            _, low, high = interval(difference(name, *arms), one, 0.05)
            widths.setdefault(name, []).append((high - low) / apart)
            hits.setdefault(name, []).append(low <= truth <= high)
    return {name: (np.median(widths[name]), np.mean(hits[name])) for name in widths}


def test_the_difference_is_narrower_than_two_apart():
    """Two thousand users, 400 runs: coverage within five standard errors of 95 %."""
    found = measure(400)
    for name in ("snips", "beta_ips"):
        assert found[name][0] <= 0.5, found
    for _, coverage in found.values():
        assert abs(coverage - 0.95) < 5 * np.sqrt(0.95 * 0.05 / 400), found


@pytest.mark.long
def test_coverage_of_the_difference():
    found = measure(10_000, users=3000)
    print(found)
    for _, coverage in found.values():
        assert 0.94 <= coverage <= 0.96, found
