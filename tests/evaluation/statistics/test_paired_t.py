"""Paired differences against published data, SciPy, statsmodels and coverage by simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from suitably.evaluation import paired_difference

# Student (1908): hours of sleep gained by ten patients under two drugs.
FIRST = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SECOND = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


def test_sleep():
    found = paired_difference(FIRST, SECOND)
    assert found.n == 10
    assert found.t == pytest.approx(4.0621277, abs=5e-8)
    assert found.p_value == pytest.approx(0.00283289, abs=5e-9)
    assert (found.low, found.high) == pytest.approx((0.700114, 2.459886), abs=5e-7)
    assert found.difference == pytest.approx(1.58)
    assert (found.control, found.treatment) == pytest.approx((0.75, 2.33))


def test_swapping_the_arms_turns_the_sign():
    one, other = paired_difference(FIRST, SECOND), paired_difference(SECOND, FIRST)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
    assert one.p_value == pytest.approx(other.p_value)


values = st.floats(-100, 100, allow_nan=False).map(lambda x: round(x, 3))


@given(st.lists(st.tuples(values, values), min_size=3, max_size=30), st.floats(0.01, 0.5))
def test_agrees_with_scipy(pairs, alpha):
    control, treatment = np.array(pairs).T
    if np.ptp(treatment - control) < 1e-3:
        return
    found = paired_difference(control, treatment, alpha=alpha)
    expected = stats.ttest_rel(treatment, control)
    interval = expected.confidence_interval(1 - alpha)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=1e-9)


def test_agrees_with_statsmodels():
    weightstats = pytest.importorskip("statsmodels.stats.weightstats")
    rng = np.random.default_rng(3)
    control, treatment = rng.gamma(0.5, size=(2, 200))
    expected = weightstats.DescrStatsW(treatment - control)
    for alpha in (0.01, 0.05, 0.3):
        found = paired_difference(control, treatment, alpha=alpha)
        assert (found.low, found.high) == pytest.approx(expected.tconfint_mean(alpha), rel=1e-12)
        t, p_value, _ = expected.ttest_mean(0)
        assert (found.t, found.p_value) == pytest.approx((t, p_value), rel=1e-10)


def test_users_of_several_splits_are_averaged_first():
    users = [7, 7, 7, 9, 4, 4]
    control, treatment = [1, 2, 3, 0, 1, 0], [4, 5, 3, 2, 1, 1]
    found = paired_difference(control, treatment, clusters=users)
    assert found == paired_difference([0.5, 2, 0], [1, 4, 2])
    assert found.n == 3


def test_repeating_users_adds_no_evidence():
    tiled = paired_difference(
        np.tile(FIRST, 5), np.tile(SECOND, 5), clusters=np.tile(np.arange(10), 5)
    )
    once = paired_difference(FIRST, SECOND)
    assert (tiled.low, tiled.high) == pytest.approx((once.low, once.high))
    assert paired_difference(np.tile(FIRST, 5), np.tile(SECOND, 5)).p_value < once.p_value / 100


def test_the_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    user = rng.normal(size=(2_000, 15, 1))
    noise = rng.normal(size=(2_000, 15, 4, 2))
    effect = rng.normal(0.3, 1, size=(2_000, 15, 1))
    clusters = np.repeat(np.arange(15), 4)
    covered = 0
    for world in range(2_000):
        a = (user[world] + noise[world, :, :, 0]).ravel()
        b = (user[world] + effect[world] + noise[world, :, :, 1]).ravel()
        found = paired_difference(a, b, clusters)
        covered += found.low <= 0.3 <= found.high
    assert covered / 2_000 == pytest.approx(0.95, abs=0.015)


class TestDegenerate:
    def test_nobody(self):
        found = paired_difference([], [])
        assert found.n == 0
        assert np.isnan([found.control, found.difference, found.low, found.p_value]).all()

    def test_one_user_has_a_difference_and_no_interval(self):
        found = paired_difference([1.0], [3.0])
        assert (found.n, found.difference, found.p_value) == (1, 2, 1)
        assert np.isnan([found.low, found.high]).all()
        assert not found.evaluable

    def test_no_difference_at_all(self):
        """No spread is no certainty: without bounds there is no interval."""
        found = paired_difference(np.arange(6), np.arange(6))
        assert (found.difference, found.t, found.p_value) == (0, 0, 1)
        assert np.isnan([found.low, found.high]).all()
        assert found.evaluable
        assert "nothing bounds" in found.reason

    @pytest.mark.parametrize(("n", "share"), [(6, 0.5407), (40, 0.9119), (1000, 0.9963)])
    def test_no_difference_of_a_bounded_metric(self, n, share):
        """Clopper and Pearson's lower limit of n of n, by SciPy; the others may differ by all."""
        found = paired_difference(np.full(n, 0.5), np.full(n, 0.5), bounds=(0, 1))
        expected = stats.binomtest(n, n).proportion_ci(0.95, "exact").low
        assert expected == pytest.approx(share, abs=5e-5)
        assert (found.low, found.high) == pytest.approx((expected - 1, 1 - expected))

    def test_the_same_gain_of_a_bounded_metric(self):
        """All of forty users gain a half: 91 % of users do, and 9 % may lose all."""
        found = paired_difference(np.zeros(40), np.full(40, 0.5), bounds=(0, 1))
        share = 0.025 ** (1 / 40)
        ends = 0.5 * share - (1 - share), 0.5 * share + (1 - share)
        assert (found.low, found.high) == pytest.approx(ends)
        assert found.method == "Clopper-Pearson, times the range"

    @pytest.mark.parametrize("n", [2, 3, 5])
    def test_the_same_difference_for_a_few_is_no_certainty(self, n):
        found = paired_difference(np.arange(n), np.arange(n) - 0.5, bounds=(-1, 10))
        assert (found.difference, found.p_value) == (-0.5, 2 / 2**n)
        assert np.isnan([found.low, found.high]).all()
        assert found.t == -np.inf
        assert not found.evaluable

    def test_the_same_difference_for_many_without_bounds(self):
        found = paired_difference(np.arange(6), np.arange(6) - 0.5)
        assert (found.difference, found.p_value) == (-0.5, 2 / 2**6)
        assert np.isnan([found.low, found.high]).all()
        assert found.evaluable

    def test_a_difference_that_only_rounding_spreads_is_the_same(self):
        control = np.array([0.1, 0.2, 0.3])
        found = paired_difference(control, control + 0.1)
        assert np.ptp(control + 0.1 - control) > 0
        assert found.difference == pytest.approx(0.1)
        assert found.p_value == 2 / 2**3


class TestRounding:
    """Equal values that were added up in another order do not differ."""

    @pytest.mark.parametrize("scale", [1e-200, 1.0, 1e12])
    @pytest.mark.parametrize("turned", [False, True])
    def test_the_same_values_in_other_splits(self, turned, scale):
        users = np.tile(np.arange(40), 3)
        first, second = (scale * np.repeat(1 / np.array(v), 40) for v in ([1, 2, 6], [2, 6, 1]))
        arms = (second, first) if turned else (first, second)
        found = paired_difference(*arms, clusters=users)
        assert (found.difference, found.p_value) == (0, 1)
        assert np.isnan([found.low, found.high]).all()
        assert found.control == found.treatment

    @given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=12), st.randoms())
    def test_any_order(self, terms, random):
        other = random.sample(terms, len(terms))
        found = paired_difference(terms * 5, other * 5, np.repeat(np.arange(5), len(terms)))
        if np.ptp(terms) < 2 * abs(np.mean(terms)):  # no cancellation
            assert found.difference == 0

    def test_small_differences_of_large_values_count(self):
        found = paired_difference(np.full(8, 1e14), 1e14 + np.arange(1, 9))
        assert found.difference == pytest.approx(4.5)
        assert found.p_value < 0.01

    def test_one_large_value_hides_no_small_difference(self):
        control, treatment = np.zeros(8), np.arange(8) * 1e-3
        control[0] = treatment[0] = 1e15
        assert paired_difference(control, treatment).t == pytest.approx(
            stats.ttest_rel(treatment, control).statistic
        )


class TestMissing:
    def test_is_refused_unless_asked(self):
        with pytest.raises(ValueError, match="1 of 3 pairs have a missing value"):
            paired_difference([1, np.nan, 3], [1, 2, 3])

    def test_leaves_out_the_pair_and_says_so(self):
        found = paired_difference([1, np.nan, 3, 4], [2, 2, np.nan, 9], missing="omit")
        assert (found.n, found.omitted) == (2, 2)
        assert found.difference == 3

    def test_all_missing(self):
        found = paired_difference([np.nan], [1], missing="omit")
        assert (found.n, found.omitted) == (0, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2], [1]), "must be pairs"),
        (([[1]], [[1]]), "must be pairs"),
        (([1, 2], [1, np.inf]), "must be finite"),
        (([1, 2], [1, 2], [0]), "one per pair"),
        (([1, 2], [1, 2], None, 0), "alpha=0"),
        (([1, 2], [1, 2], None, 1.0), "alpha=1.0"),
    ],
)
def test_refuses_what_is_no_pairing(arguments, message):
    with pytest.raises(ValueError, match=message):
        paired_difference(*arguments)
