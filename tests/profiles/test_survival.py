"""Kaplan-Meier against the published table of the 6-MP trial, by hand, and against statsmodels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.duration.survfunc import SurvfuncRight

from suitably import DataError
from suitably.profiles import kaplan_meier

# Weeks of remission under 6-MP: Freireich et al., Blood 21 (1963); MASS::gehan in R has them too.
WEEKS = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
RELAPSED = [True] * 9 + [False] * 12


def test_the_remissions_of_1963() -> None:
    curve = kaplan_meier(WEEKS, RELAPSED)
    assert curve.times.tolist() == [0, 6, 7, 10, 13, 16, 22, 23]
    assert curve.at_risk.tolist() == [21, 21, 17, 15, 12, 11, 7, 6]
    assert curve.lost.tolist() == [0, 3, 1, 1, 1, 1, 1, 1]
    shares = [1, 0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482]
    np.testing.assert_allclose(curve.retained, shares, atol=5e-5)
    errors = [0, 0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346]
    np.testing.assert_allclose(curve.error, errors, atol=5e-5)
    lows = [1, 0.620, 0.563, 0.503, 0.432, 0.368, 0.268, 0.188]
    highs = [1, 0.952, 0.923, 0.889, 0.849, 0.805, 0.747, 0.680]
    np.testing.assert_allclose(curve.low, lows, atol=5e-4)
    np.testing.assert_allclose(curve.high, highs, atol=5e-4)


def test_by_hand() -> None:
    curve = kaplan_meier([2, 4, 4, 5], [True, True, False, False])
    assert curve.times.tolist() == [0, 2, 4]
    assert curve.retained.tolist() == [1, 0.75, 0.5]
    # Greenwood: S² · Σ d / (n (n − d)) = ¼ · (1/12 + 1/6)
    np.testing.assert_allclose(curve.error[2] ** 2, 0.25 * (1 / 12 + 1 / 6))


def test_nobody_is_left() -> None:
    curve = kaplan_meier([1, 3], [True, True])
    assert curve.retained.tolist() == [1, 0.5, 0]
    assert np.isnan([curve.low[2], curve.high[2], curve.error[2]]).all()
    assert 0 < curve.low[1] < 0.5 < curve.high[1] < 1


def test_nobody_is_lost() -> None:
    curve = kaplan_meier([1, 3], [False, False])
    assert (curve.times.tolist(), curve.at_risk.tolist()) == ([0], [2])
    assert (curve.low.tolist(), curve.retained.tolist(), curve.high.tolist()) == ([1], [1], [1])


def test_lost_at_once() -> None:
    curve = kaplan_meier([0, 2], [True, False])
    assert (curve.times.tolist(), curve.retained.tolist()) == ([0], [0.5])


@given(st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=1, max_size=40))
def test_statsmodels_agrees(rows: list[tuple[int, bool]]) -> None:
    durations, lost = [float(days) + 1 for days, _ in rows], [gone for _, gone in rows]
    curve = kaplan_meier(durations, lost)
    if not any(lost):
        assert curve.retained.tolist() == [1]
        return
    wanted = SurvfuncRight(durations, lost)
    there = wanted.n_events > 0
    np.testing.assert_array_equal(curve.times[1:], wanted.surv_times[there])
    np.testing.assert_array_equal(curve.at_risk[1:], wanted.n_risk[there])
    np.testing.assert_allclose(curve.retained[1:], wanted.surv_prob[there], atol=1e-12)
    left = curve.at_risk[1:] > curve.lost[1:]
    errors = np.asarray(wanted.surv_prob_se)[there]
    np.testing.assert_allclose(curve.error[1:][left], errors[left], atol=1e-12)


@pytest.mark.parametrize(
    ("durations", "lost"),
    [([], []), ([1.0], []), ([[1.0]], [[True]]), ([-1.0], [True]), ([np.nan], [True]),
     ([np.inf], [False])],
)  # fmt: skip
def test_what_is_no_list_of_durations(durations: list[float], lost: list[bool]) -> None:
    with pytest.raises(DataError, match="kaplan_meier"):
        kaplan_meier(durations, lost)


@pytest.mark.parametrize("confidence", [0, 1, -0.5, float("nan")])
def test_a_confidence_that_is_none(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        kaplan_meier([1.0], [True], confidence)
