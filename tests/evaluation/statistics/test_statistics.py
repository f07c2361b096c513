"""Statistics against published values, brute force and each other."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from suitably.evaluation.statistics import (
    Estimate,
    Moments,
    PairedSample,
    aa_simulation,
    balance,
    benjamini_hochberg,
    bootstrap,
    clopper_pearson,
    clustered,
    confidence_sequence,
    cuped,
    default_statistic,
    delta_ratio,
    holm,
    mean_difference,
    minimum_detectable_effect,
    more_users,
    newcombe,
    non_inferior,
    paired_t,
    power,
    ratio_difference,
    resampled_means,
    sample_size,
    sample_size_of_shares,
    sequential_half_width,
    sign_flip,
    srm,
    superior,
    wilcoxon,
    wilson,
)
from suitably.evaluation.statistics.clustered import _few_windows, _shared_time
from suitably.evaluation.statistics.paired_t import student
from suitably.evaluation.statistics.sign_test import exact_p_value, monte_carlo_p_value
from suitably.evaluation.statistics.skewness import cautious_student, corrected_for_skewness
from suitably.evaluation.statistics.user_means import user_means

# Student (1908): hours of sleep gained by ten patients under two drugs.
FIRST = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
SECOND = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])


def paired(control, treatment, users=None, **more):
    control, treatment = np.asarray(control, float), np.asarray(treatment, float)
    users = np.arange(len(control)) if users is None else np.asarray(users)
    return PairedSample(control, treatment, users, **more)


SLEEP = paired(FIRST, SECOND)
_METHODS = ("bca", "percentile", "bayesian")


class TestSleep:
    def test_wilcoxon(self):
        found = wilcoxon(SLEEP, 0.05)
        assert found.p_value == pytest.approx(0.00390625)
        assert 0 < found.low < found.difference < found.high

    def test_sign_flips(self):
        found = sign_flip()(SLEEP, 0.05)
        assert found.p_value == pytest.approx(0.00390625)
        assert 0 < found.low < found.high

    def test_the_default_takes_the_exact_test_for_so_few(self):
        found = default_statistic(SLEEP, 0.05)
        assert (found.method, found.p_value) == ("exact sign flips", pytest.approx(0.00390625))


differences = st.lists(st.integers(-8, 8).map(float), min_size=1, max_size=9)


class TestSignFlips:
    @given(differences)
    def test_against_enumeration(self, given_):
        values = np.array(given_)
        signs = np.array(list(itertools.product([-1, 1], repeat=len(values))))
        expected = (np.abs(signs @ values) >= abs(values.sum()) - 1e-9).mean()
        assert exact_p_value(values) == pytest.approx(expected)

    def test_against_scipy(self):
        values = SECOND - FIRST
        found = stats.permutation_test(
            (values,), np.mean, permutation_type="samples", n_resamples=np.inf
        )
        assert exact_p_value(values) == pytest.approx(found.pvalue)

    def test_drawn_ones_come_near(self):
        values = np.random.default_rng(0).normal(0.2, 1, 60)
        found = monte_carlo_p_value(values, 20_000, np.random.default_rng(1))
        t = stats.ttest_1samp(values, 0).pvalue
        assert found == pytest.approx(t, abs=0.02)

    @given(differences.filter(lambda some: np.count_nonzero(some) > 1), st.floats(0.02, 0.4))
    def test_the_interval_says_what_the_test_says(self, given_, alpha):
        sample = paired(np.zeros(len(given_)), given_)
        found = sign_flip()(sample, alpha)
        if np.isfinite(found.low) and abs(found.p_value - alpha) > 1e-9:
            assert (found.low > 0 or found.high < 0) == (found.p_value < alpha)


class TestWilcoxon:
    @settings(max_examples=15)
    @given(st.lists(st.integers(-30, 30).map(float), min_size=6, max_size=12, unique=True))
    def test_against_all_averages_of_pairs(self, values):
        ordered = sorted(one for one in values if one)
        n = len(ordered)
        if n < 6:
            return
        averages = sorted(
            (a + b) / 2 for a, b in itertools.combinations_with_replacement(ordered, 2)
        )
        signs = np.array(list(itertools.product([0, 1], repeat=n)))
        sums = signs @ np.arange(1, n + 1)  # of the ranks that are positive
        left = max(w for w in range(n * n) if (sums <= w).mean() <= 0.025)
        found = wilcoxon(paired(np.zeros(len(values)), values), 0.05)
        assert found.low == pytest.approx(averages[left], abs=1e-9)
        assert found.high == pytest.approx(averages[-1 - left], abs=1e-9)
        assert found.p_value == pytest.approx(stats.wilcoxon(ordered).pvalue)

    def test_equal_gains_of_a_few_are_no_interval_without_width(self):
        found = wilcoxon(paired(np.zeros(100), [0.1] * 8 + [0.0] * 92), 0.05)
        assert 0 < found.low < found.difference < found.high


class TestFewUsers:
    """Whatever the statistic, few users whose values differ ship nothing."""

    @pytest.mark.parametrize("alike", [0, 995])
    @pytest.mark.parametrize("gains", [[0.1, 0.3], [0.1, 0.1001], [0.1, 0.2, 0.3, 0.15, 0.25]])
    @pytest.mark.parametrize(
        "statistic", [default_statistic, wilcoxon, sign_flip(), *map(bootstrap, _METHODS)]
    )
    def test_too_few_for_any_test(self, statistic, gains, alike):
        found = statistic(paired(np.zeros(len(gains) + alike), gains + [0.0] * alike), 0.05)
        assert not found.evaluable
        assert np.isnan([found.low, found.high]).all()
        assert found.p_value == pytest.approx(2.0 ** (1 - len(gains)))

    @pytest.mark.parametrize("method", _METHODS)
    def test_a_bootstrap_of_a_few_is_the_exact_test(self, method):
        found = bootstrap(method)(SLEEP, 0.05)
        assert (found.method, found.p_value) == ("exact sign flips", pytest.approx(0.00390625))

    @pytest.mark.parametrize("n", [2, 3, 5])
    def test_a_ratio_whose_gains_are_equal_but_for_rounding(self, n):
        below = np.ones((2, n))
        base = np.arange(1, n + 1) / 10
        found = delta_ratio(paired(base, base + 0.3, denominators=below), 0.05)
        assert not found.evaluable
        assert np.isnan([found.low, found.high]).all()

    def test_a_ratio_whose_gains_are_equal_for_all(self):
        base = np.random.default_rng(0).random(500)
        found = delta_ratio(paired(base, base + 0.3, denominators=np.ones((2, 500))), 0.05)
        assert found.evaluable
        assert np.isnan([found.low, found.high]).all()
        assert found.difference == pytest.approx(0.3)

    def test_a_ratio_in_which_those_who_do_not_gain_round_to_a_difference(self):
        """R + (0 − 3 R) · n / 3 n is 0 in numbers that have no end."""
        above, below = np.zeros((2, 100)), np.full((2, 100), 3.0)
        above[1, :6] = 1.0
        found = delta_ratio(paired(*above, denominators=below), 0.05)
        assert (found.method, found.p_value) == ("exact sign flips", 2 / 2**6)

    def test_a_ratio_that_five_users_of_a_thousand_gain_in(self):
        above = np.ones((2, 1000))
        above[1, :5] += [0.1, 0.2, 0.3, 0.4, 0.5]
        found = delta_ratio(paired(*above, denominators=np.ones((2, 1000))), 0.05)
        assert not found.evaluable


class TestDefault:
    def test_two_users_with_equal_differences(self):
        found = default_statistic(paired([0, 0], [1, 1], bounds=(0, 1)), 0.05)
        assert not found.evaluable
        assert np.isnan(found.low)

    @pytest.mark.parametrize("differing", range(1, 6))
    def test_too_few_whose_values_differ(self, differing):
        gains = np.zeros(500)
        gains[:differing] = 1 + np.arange(differing)
        found = default_statistic(paired(np.zeros(500), gains, bounds=(0, 10)), 0.05)
        assert not found.evaluable
        users = "1 user" if differing == 1 else f"{differing} users"
        assert f"the values of {users} differ" in found.reason

    def test_six_may_tell(self):
        gains = np.append(np.zeros(500), np.arange(1.0, 7.0))
        found = default_statistic(paired(np.zeros(506), gains), 0.05)
        assert found.p_value == 2 / 2**6
        assert found.low > 0

    def test_many_are_student_s(self):
        rng = np.random.default_rng(0)
        sample = paired(rng.random(50), rng.random(50))
        found, expected = default_statistic(sample, 0.05), paired_t(sample, 0.05)
        assert (found.low, found.high) == (expected.low, expected.high)

    @pytest.mark.parametrize("start", [0.0, 30.0, 90.0])
    def test_several_windows_are_clustered(self, start):
        rng = np.random.default_rng(0)
        gains = rng.normal(size=120)
        spans = np.array([[0.0, 90.0], [start, start + 90.0]])
        windows = np.repeat([0, 1], 60)
        sample = paired(np.zeros(120), gains, np.arange(120) % 60, windows=windows, spans=spans)
        found = default_statistic(sample, 0.05)
        assert found.method == "clustered by user and window"
        alone = default_statistic(replace(sample, windows=None), 0.05)
        assert found.high - found.low >= alone.high - alone.low - 1e-12

    def test_a_ratio(self):
        rng = np.random.default_rng(0)
        sample = paired(*rng.random((2, 40)), denominators=1 + rng.random((2, 40)))
        assert default_statistic(sample, 0.05).method == "delta ratio"


class TestClustered:
    def brute(self, gains, users, windows, spans):
        """Sum over all pairs of rows, by the time their windows share: of others, of one user."""
        counts = np.bincount(users)
        n = len(counts)
        means = np.bincount(users, gains) / counts
        influence = (gains - means.mean()) / counts[users] / n
        totals = [0.0, 0.0]
        for i, j in itertools.product(range(len(gains)), repeat=2):
            one, other = spans[windows[i]], spans[windows[j]]
            common = max(0.0, min(one[1], other[1]) - max(one[0], other[0]))
            alike = common / min(one[1] - one[0], other[1] - other[0])
            totals[int(users[i] == users[j])] += influence[i] * influence[j] * alike
        return totals

    @given(st.integers(0, 1000))
    def test_against_all_pairs_of_rows(self, seed):
        rng = np.random.default_rng(seed)
        starts = np.sort(rng.choice(200, 4, replace=False)).astype(float)
        spans = np.stack([starts, starts + rng.integers(20, 90, 4)], axis=1)
        users, windows = np.repeat(np.arange(9), 4), np.tile(np.arange(4), 9)
        kept = rng.random(36) < 0.8
        users, windows = users[kept], windows[kept]
        _, users = np.unique(users, return_inverse=True)
        used, windows = np.unique(windows, return_inverse=True)
        if users.max() < 8 or len(used) < 4:
            return
        gains = rng.normal(size=len(users)) + rng.normal(size=4)[windows]
        sample = paired(np.zeros(len(users)), gains, users, windows=windows, spans=spans)
        found = clustered(sample, 0.05)
        means = np.bincount(users, gains) / np.bincount(users)
        between = means.var(ddof=1) / len(means)
        weights = np.bincount(windows, 1 / np.bincount(users)[users] / len(means))
        factor, freedom = _few_windows(weights, _shared_time(spans))
        others, own = self.brute(gains, users, windows, spans)
        added = max(0.0, factor * others)
        limit = stats.chi2.ppf(0.1, freedom) / freedom
        most = max(0.0, factor * ((others + own) / limit - own))
        both = min(8, (between + most) ** 2 / (between**2 / 8 + most**2 / freedom))
        reach = stats.t.isf(0.025, both) * np.sqrt(between + added)
        assert found.freedom == pytest.approx(both, rel=1e-9)
        assert (found.high - found.low) / 2 == pytest.approx(reach, rel=1e-9)

    @pytest.mark.parametrize("every", [30.0, 90.0])
    def test_few_windows_show_what_their_shocks_add(self, every):
        """What is seen of shocks about their mean, times the factor, is what they add to it."""
        rng = np.random.default_rng(0)
        spans = np.array([[every * n, every * n + 90] for n in range(5)])
        shares, weights = _shared_time(spans), np.full(5, 0.2)
        shocks = rng.multivariate_normal(np.zeros(5), shares, 40_000)
        sums = (shocks - shocks.mean(axis=1, keepdims=True)) * weights
        seen = np.einsum("rw,wv,rv->r", sums, shares, sums)
        factor, freedom = _few_windows(weights, shares)
        assert factor * seen.mean() == pytest.approx((shocks @ weights).var(), rel=0.03)
        assert 2 * seen.mean() ** 2 / seen.var() == pytest.approx(freedom, rel=0.05)

    def test_windows_apart_have_as_many_degrees_as_there_are_less_one(self):
        spans = np.array([[90.0 * n, 90.0 * n + 90] for n in range(7)])
        factor, freedom = _few_windows(np.full(7, 1 / 7), _shared_time(spans))
        assert (factor, freedom) == pytest.approx((7 / 6, 6))

    @pytest.mark.parametrize(("count", "fewest", "most"), [(2, 1, 1.1), (3, 2, 4), (20, 39, 39)])
    def test_few_windows_that_seem_to_move_little_may_move_more(self, count, fewest, most):
        """Moves of a tenth add as much as users to two windows at most, and little to twenty."""
        spans = np.array([[90.0 * n, 90.0 * n + 90] for n in range(count)])
        windows, users = np.tile(np.arange(count), 40), np.repeat(np.arange(40), count)
        gains = np.linspace(-1, 1.5, 40)[users] + 0.1 * (-1.0) ** windows
        found = clustered(paired(0 * gains, gains, users, windows=windows, spans=spans), 0.05)
        assert fewest <= found.freedom <= most

    def test_one_window_is_student_s(self):
        sample = paired(FIRST, SECOND, windows=np.zeros(10, int), spans=np.array([[0.0, 90.0]]))
        found, expected = clustered(sample, 0.05), paired_t(SLEEP, 0.05)
        assert found.high - found.low >= expected.high - expected.low

    def test_what_does_not_say_when(self):
        with pytest.raises(ValueError, match="needs the windows"):
            clustered(SLEEP, 0.05)


class TestRatio:
    def test_against_the_bootstrap(self):
        rng = np.random.default_rng(0)
        below = rng.poisson(3, (2, 800)) + 1.0
        above = below * rng.random((2, 800))
        above[1] += 0.1
        sample = paired(*above, denominators=below)
        found = delta_ratio(sample, 0.05)
        drawn = rng.integers(0, 800, (3000, 800))
        ratios = above[:, drawn].sum(axis=2) / below[:, drawn].sum(axis=2)
        error = (found.high - found.low) / 2 / stats.t.isf(0.025, 799)
        assert error == pytest.approx((ratios[1] - ratios[0]).std(), rel=0.08)
        assert found.control == pytest.approx(above[0].sum() / below[0].sum())

    def test_a_mean_is_a_ratio_by_ones(self):
        arms = np.random.default_rng(0).random((2, 30))
        sample = paired(*arms, denominators=np.ones((2, 30)))
        found, expected = delta_ratio(sample, 0.05), paired_t(paired(*arms), 0.05)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high))

    def test_several_windows_are_clustered_too(self):
        """By ones it is the mean of all rows, and that of users who have as many rows each."""
        rng = np.random.default_rng(0)
        users, windows = np.repeat(np.arange(40), 3), np.tile(np.arange(3), 40)
        gains = rng.normal(size=120) + np.array([0.0, 1.0, -2.0])[windows]
        spans = np.array([[0.0, 90.0], [45.0, 135.0], [90.0, 180.0]])
        values = rng.normal(size=120), gains
        ratio = paired(*values, users, windows=windows, spans=spans, denominators=np.ones((2, 120)))
        found = delta_ratio(ratio, 0.05)
        expected = clustered(paired(*values, users, windows=windows, spans=spans), 0.05)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
        assert found.freedom == pytest.approx(expected.freedom)

    def test_windows_that_move_a_ratio_widen_its_interval(self):
        rng = np.random.default_rng(0)
        users, windows = np.repeat(np.arange(200), 4), np.tile(np.arange(4), 200)
        below = rng.poisson(3, (2, 800)) + 1.0
        moves = np.array([[0.0], [1.0]]) * np.array([1.0, -1.0, 1.0, -1.0])[windows]
        above = below * (rng.random((2, 800)) + moves)
        spans = np.array([[90.0 * n, 90.0 * n + 90] for n in range(4)])
        sample = paired(*above, users, denominators=below)
        alone = delta_ratio(sample, 0.05)
        found = delta_ratio(replace(sample, windows=windows, spans=spans), 0.05)
        assert found.difference == alone.difference
        assert found.high - found.low > 5 * (alone.high - alone.low)

    def test_nothing_to_divide_by(self):
        found = delta_ratio(paired([1, 2], [1, 2], denominators=np.zeros((2, 2))), 0.05)
        assert np.isnan([found.difference, found.low]).all()

    @pytest.mark.parametrize("values", [[], [np.nan]])
    def test_nobody(self, values):
        found = delta_ratio(paired(values, values, denominators=np.ones((2, len(values)))), 0.05)
        assert (found.n, found.evaluable) == (0, False)
        assert found.reason == "no user has both values"

    def test_without_denominators(self):
        with pytest.raises(ValueError, match="no denominators"):
            delta_ratio(SLEEP, 0.05)


class TestBootstrap:
    @pytest.mark.parametrize("method", ["bca", "percentile", "bayesian"])
    @pytest.mark.parametrize("users", [300, 6_000])
    def test_standard_errors_are_the_analytic_ones(self, method, users):
        """Shifted copies of one stream would come out many times too narrow."""
        values = np.random.default_rng(0).exponential(size=(users, 2))
        means = resampled_means(values, 2_000, seed=1, bayesian=method == "bayesian")
        expected = values.std(axis=0) / np.sqrt(users)
        assert means.std(axis=0) == pytest.approx(expected, rel=0.08)
        assert means.mean(axis=0) == pytest.approx(values.mean(axis=0), abs=4 * expected.max() / 40)

    def test_columns_are_of_the_same_users(self):
        values = np.random.default_rng(0).normal(size=(500, 1))
        means = resampled_means(np.hstack([values, -values]), 200, seed=1)
        assert means[:, 0] == pytest.approx(-means[:, 1], abs=1e-6)

    @pytest.mark.parametrize(("method", "scipy_s"), [("bca", "BCa"), ("percentile", "percentile")])
    def test_against_scipy(self, method, scipy_s):
        gains = np.random.default_rng(0).exponential(size=400) - 0.9
        found = bootstrap(method, resamples=8_000)(paired(np.zeros(400), gains), 0.05)
        rng = np.random.default_rng(1)
        expected = stats.bootstrap(
            (gains,), np.mean, n_resamples=8_000, method=scipy_s, rng=rng
        ).confidence_interval
        width = expected.high - expected.low
        assert (found.low, found.high) == pytest.approx(tuple(expected), abs=0.05 * width)

    def test_the_same_for_a_seed(self):
        gains = np.random.default_rng(0).normal(size=200)
        one, other = (bootstrap(seed=5)(paired(np.zeros(200), gains), 0.05) for _ in range(2))
        assert one == other

    def test_arguments(self):
        with pytest.raises(ValueError, match="must be one of bca"):
            bootstrap("normal")
        with pytest.raises(ValueError, match="100 or more"):
            bootstrap(resamples=10)


class TestCuped:
    def test_against_least_squares(self):
        """The effect of the arm in a regression with it and the covariates, by statsmodels.

        Pooled slopes within the arms are the regression's; its standard error differs by Welch's.
        """
        api = pytest.importorskip("statsmodels.api")
        rng = np.random.default_rng(0)
        before = rng.normal(size=(400, 2))
        arm = np.repeat([0.0, 1.0], 200)
        after = 0.2 * arm + before @ [1.0, -2.0] + rng.normal(size=400)
        found = cuped(after[:200], after[200:], before[:200], before[200:])
        model = api.OLS(after, api.add_constant(np.column_stack([arm, before]))).fit()
        assert found.difference == pytest.approx(model.params[1])
        assert found.high - found.low == pytest.approx(np.diff(model.conf_int()[1])[0], rel=0.02)

    def test_it_covers(self):
        """Two thousand experiments without an effect, within five standard errors of 95 %."""
        rng = np.random.default_rng(0)
        inside = 0
        for _ in range(2_000):
            before = rng.exponential(size=(2, 100))
            after = before + rng.normal(size=(2, 100))
            found = cuped(*after, *before)
            inside += found.low <= 0 <= found.high
        assert abs(inside / 2_000 - 0.95) < 5 * np.sqrt(0.95 * 0.05 / 2_000)

    @pytest.mark.parametrize(
        ("one", "before"),
        [([1.0, np.nan], [1.0, 2.0]), ([1.0, 2.0, 3.0], [1.0, 2.0]), ([1.0, 2.0], [1.0, np.inf])],
    )
    def test_what_cannot_be_used(self, one, before):
        with pytest.raises(ValueError, match="finite"):
            cuped(one, [1.0, 2.0], before, [1.0, 2.0])

    def test_balance(self):
        rng = np.random.default_rng(0)
        one, other = rng.normal(size=(300, 2)), rng.normal([0, 0.5], size=(300, 2))
        alike, shifted = balance(one, other)
        assert abs(alike.standardised) < 0.2
        assert shifted.standardised == pytest.approx(0.5, abs=0.2)
        assert shifted.p_value < 1e-4

    def test_balance_of_constants(self):
        """Groups that are all of one kind are alike, or could not be less so."""
        one, other = np.zeros((300, 3)), np.tile([0.0, 1.0, -1.0], (300, 1))
        alike, more, less = balance(one, other)
        assert (alike.standardised, alike.p_value) == (0.0, 1.0)
        assert (more.standardised, more.p_value) == (np.inf, 0.0)
        assert (less.standardised, less.p_value) == (-np.inf, 0.0)

    def test_balance_of_constants_but_for_rounding(self):
        (found,) = balance([0.3] * 50, [0.1 + 0.2] * 40)
        assert (found.standardised, found.p_value) == (0.0, 1.0)


p_values = st.lists(st.floats(0, 1), min_size=1, max_size=12)


class TestSeveral:
    @given(p_values)
    def test_against_statsmodels(self, given_):
        multitest = pytest.importorskip("statsmodels.stats.multitest")
        for ours, theirs in ((holm, "holm"), (benjamini_hochberg, "fdr_bh")):
            expected = multitest.multipletests(given_, method=theirs)[1]
            assert ours(given_) == pytest.approx(expected)

    def test_what_was_not_tested_stays_apart(self):
        assert holm([0.02, np.nan, 0.01]).tolist() == [
            0.02,
            pytest.approx(np.nan, nan_ok=True),
            0.02,
        ]
        assert holm([]).tolist() == []

    @pytest.mark.parametrize("bad", [[1.5], [-0.1], [[0.1]]])
    def test_what_is_no_p_value(self, bad):
        with pytest.raises(ValueError, match="p_values"):
            holm(bad)


class TestPower:
    def test_published_sizes(self):
        assert sample_size(0.2, design="two-sample") == pytest.approx(393.4057, abs=1e-4)
        assert sample_size(0.5, design="two-sample") == pytest.approx(63.7656, abs=1e-4)
        assert sample_size(0.2) == pytest.approx(198.1508, abs=1e-4)
        assert sample_size_of_shares(0.10, 0.12) == pytest.approx(3840.847, abs=1e-3)
        found = sample_size_of_shares(0.10, 0.12, method="arcsine")
        assert found == pytest.approx(3834.596, abs=1e-3)

    def test_each_from_the_others(self):
        n = sample_size(0.3, 0.9)
        assert power(n, 0.3) == pytest.approx(0.9)
        assert minimum_detectable_effect(n, 0.9) == pytest.approx(0.3)

    def test_against_simulation(self):
        rng = np.random.default_rng(0)
        gains = rng.normal(0.3, 1, (4000, 60))
        found = (stats.ttest_1samp(gains, 0, axis=1).pvalue < 0.05).mean()
        assert power(60, 0.3) == pytest.approx(found, abs=0.03)

    def test_more_users_are_enough(self):
        rng = np.random.default_rng(0)
        gains = rng.normal(0.05, 1, 400)
        found = paired_t(paired(np.zeros(400), gains), 0.05)
        more = more_users(found)
        effect = found.difference / gains.std(ddof=1)
        assert power(400 + more, effect) == pytest.approx(0.8, abs=0.01)

    def test_nothing_to_show(self):
        assert more_users(Estimate(9, 0, 1.0, 1.0, 0.0, low=-1, high=1)) is None
        assert more_users(Estimate(9, 0, 1.0, 2.0, 1.0)) is None
        assert more_users(Estimate(9, 0, 1.0, 2.0, 1.0, low=0.9, high=1.1)) == 0

    def test_margins(self):
        found = Estimate(99, 0, 0.5, 0.51, 0.01, low=-0.01, high=0.03)
        assert non_inferior(found, 0.02)
        assert not non_inferior(found, 0.005)
        assert not superior(found)
        with pytest.raises(ValueError, match="margin=0"):
            non_inferior(found, 0)


class TestTwoSamples:
    CONTROL = Moments(2023, 1073, 2073, 4038, 10098, 2648)
    TREATMENT = Moments(1977, 1133, 2121, 3920, 9698, 2730)

    def test_means(self):
        found = mean_difference(self.CONTROL, self.TREATMENT)
        assert found.difference == pytest.approx(0.0426901458, abs=1e-10)
        assert found.p_value == pytest.approx(0.11773178, abs=1e-8)

    def test_ratios(self):
        found = ratio_difference(self.CONTROL, self.TREATMENT)
        assert found.difference == pytest.approx(0.0233050055, abs=1e-10)
        assert found.p_value == pytest.approx(0.0762375998, abs=1e-9)

    def test_sizes(self):
        assert srm([2023, 1977], correction=True)[1] == pytest.approx(0.476766724, abs=1e-9)
        statistic, p_value = srm([821_588, 815_482])
        assert statistic == pytest.approx(22.7743688, abs=1e-7)
        assert p_value == pytest.approx(1.82179e-6, rel=1e-5)
        assert srm([100, 300], [0.25, 0.75])[1] == 1

    @pytest.mark.parametrize("counts", [[5], [-1, 2], [0, 0]])
    def test_no_sizes(self, counts):
        with pytest.raises(ValueError, match="counts"):
            srm(counts)

    def test_against_scipy(self):
        rng = np.random.default_rng(0)
        one, other = rng.exponential(size=80), rng.exponential(size=120)
        groups = [Moments(len(x), x.sum(), (x**2).sum()) for x in (one, other)]
        expected = stats.ttest_ind(other, one, equal_var=False)
        found = mean_difference(*groups)
        assert found.p_value == pytest.approx(expected.pvalue)
        ends = expected.confidence_interval(0.95)
        assert (found.low, found.high) == pytest.approx((ends.low, ends.high))


class TestShares:
    def test_published(self):
        found = newcombe((200, 4000), (250, 4000))
        assert abs(found.z) == pytest.approx(2.4262484, abs=1e-7)
        assert found.p_value == pytest.approx(0.0152558, abs=1e-7)
        assert (found.low, found.high) == pytest.approx((0.0023979, 0.0226479), abs=5e-8)
        assert wilson(38, 10_000) == pytest.approx((0.00276990, 0.00521118), abs=5e-9)

    @given(st.integers(0, 40), st.integers(1, 40), st.floats(0.01, 0.3))
    def test_exact_against_scipy(self, successes, n, alpha):
        successes = min(successes, n)
        expected = stats.binomtest(successes, n).proportion_ci(1 - alpha, "exact")
        assert clopper_pearson(successes, n, alpha) == pytest.approx((expected.low, expected.high))

    @pytest.mark.parametrize(("successes", "n"), [(2, 1), (-1, 3), (0, 0)])
    def test_no_share(self, successes, n):
        with pytest.raises(ValueError, match="must be a count"):
            wilson(successes, n)


class TestSequential:
    def test_published(self):
        """Two arms of 10,000: means 1 and 1.05, sums of squares 20,000 and 21,025."""
        spread = [(20_000 - 10_000 * 1.0**2) / 9_999, (21_025 - 10_000 * 1.05**2) / 9_999]
        error = np.sqrt(sum(spread) / 10_000)
        found = Estimate(20_000, 0, 1.0, 1.05, 0.05)
        low, high = confidence_sequence(found, error)
        assert (low, high) == pytest.approx((0.0057737, 0.0942263), abs=2e-6)
        fixed = stats.norm.isf(0.025) * error
        assert (0.05 - fixed, 0.05 + fixed) == pytest.approx((0.0222789, 0.0777211), abs=2e-6)

    def test_wider_than_a_fixed_one_whenever_it_is_looked_at(self):
        for n in (10, 1_000, 5_000, 10**6):
            assert sequential_half_width(1.0, n) > stats.norm.isf(0.025)


@pytest.mark.parametrize("error", [0.0, -1.0, np.nan, np.inf])
def test_no_sequence_without_width(error):
    with pytest.raises(ValueError, match="error must be finite and above 0"):
        sequential_half_width(error, 100)


@pytest.mark.parametrize("n", [2, 3, 7, 1000])
@pytest.mark.parametrize("ratio", [False, True])
def test_two_groups_without_spread_but_for_rounding(n, ratio):
    groups = []
    for value in (0.1, 0.7):
        total, squares = sum([value] * n), sum([value * value] * n)
        more = (3.0 * n, 9.0 * n, 3.0 * total) if ratio else ()
        groups.append(Moments(n, total, squares, *more))
    with pytest.raises(ValueError, match="without spread"):
        (ratio_difference if ratio else mean_difference)(*groups)


def test_a_group_of_one():
    with pytest.raises(ValueError, match="a group of 1 users"):
        mean_difference(Moments(1, 1.0, 1.0), Moments(10, 5.0, 4.0))


def test_an_arm_against_itself():
    rng = np.random.default_rng(0)
    sample = paired(rng.random(300), rng.random(300) + 0.5)
    found = aa_simulation(sample, paired_t, runs=600, seed=1)
    assert abs(found.better + found.worse - 0.05) < 5 * np.sqrt(0.05 * 0.95 / 600)
    assert found.high > found.better


class TestSkewness:
    def test_hall_s_interval_by_its_definition(self):
        """Its ends are where the transformed studentised mean meets Student's quantiles."""
        values = np.random.default_rng(0).exponential(size=40)
        means = user_means(paired(np.zeros(40), values))
        found = corrected_for_skewness(means, 0.1)
        skewness = stats.skew(values)
        for end, sign in ((found.low, 1), (found.high, -1)):
            u = (values.mean() - end) / values.std(ddof=1)
            moved = u + skewness * u**2 / 3 + skewness**2 * u**3 / 27 + skewness / 240
            assert np.sqrt(40) * moved == pytest.approx(sign * stats.t.isf(0.05, 39))

    def test_symmetric_values_are_student_s(self):
        values = np.array([-3.0, -1.0, 1.0, 3.0] * 10) + 0.7
        means = user_means(paired(np.zeros(40), values))
        assert corrected_for_skewness(means, 0.05) == student(means, 0.05)

    def test_what_is_clear_stays_student_s(self):
        values = np.random.default_rng(0).exponential(size=400)
        sample = paired(np.zeros(400), values)
        found, expected = default_statistic(sample, 0.05), paired_t(sample, 0.05)
        assert (found.low, found.high, found.p_value) == (
            *(expected.low, expected.high),
            expected.p_value,
        )

    def test_it_ships_seldom_where_losses_are_rare_and_large(self):
        """Two thousand equal arms of a hundred users: one in twenty loses all the others gained."""
        rng = np.random.default_rng(0)
        plain = cautious = 0
        for _ in range(2_000):
            gains = np.where(rng.random(100) < 0.05, -1.0, 0.05 / 0.95)
            means = user_means(paired(np.zeros(100), gains))
            if means.all_the_same:
                continue
            plain += student(means, 0.05).low > 0
            cautious += cautious_student(means, 0.05).low > 0
        assert plain / 2_000 > 0.06
        assert cautious / 2_000 < 0.02
