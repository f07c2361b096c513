"""Reliability against counts by hand, and calibration on windows that were never fitted on."""

import json

import numpy as np
import pytest

import suitably as st
from suitably.decisions import Calibration, Propensity


def test_by_hand():
    # Expected 0.5 + 0.5 | 0.25 × 4: two bins of one purchase each, the low ones first.
    chances = np.array([0.5, 0.25, 0.25, 0.5, 0.25, 0.25])
    bought = np.array([1, 0, 1, 1, 0, 1], bool)
    found = Calibration.of(chances, bought, bins=2)
    assert [(b.bin, b.pairs, b.expected, b.observed, b.ratio) for b in found.bins] == [
        (1, 4, 1.0, 2, 2.0),
        (2, 2, 1.0, 2, 2.0),
    ]
    # Garwood's interval of a count of 2, from published tables: 0.2422 to 7.2247.
    assert found.bins[0].low == pytest.approx(0.2422, abs=1e-4)
    assert found.bins[0].high == pytest.approx(7.2247, abs=1e-4)
    assert (found.pairs, found.expected, found.observed, found.ratio) == (6, 2.0, 4, 2.0)


def test_pairs_of_one_probability_stay_together():
    found = Calibration.of(np.full(50, 0.2), np.arange(50) < 10)
    assert [(one.bin, one.pairs, one.observed) for one in found.bins] == [(1, 50, 10)]
    assert np.isnan(found.slope)


def test_the_slope_is_that_of_statsmodels():
    sm = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(0)
    chances = rng.beta(1, 20, 5_000)
    bought = rng.random(5_000) < chances**1.2
    found = Calibration.of(chances, bought)
    x = np.log(chances / (1 - chances))
    theirs = sm.Logit(bought.astype(float), sm.add_constant(x)).fit(disp=0).params
    np.testing.assert_allclose([found.intercept, found.slope], theirs, rtol=1e-6)


def test_no_purchase_observed_or_expected():
    found = Calibration.of(np.full(4, 0.1), np.zeros(4, bool))
    assert (found.bins[0].observed, found.bins[0].low) == (0, 0.0)
    with pytest.raises(st.DataError, match="no purchase is expected"):
        Calibration.of(np.zeros(3), np.zeros(3, bool))


@pytest.fixture(scope="module")
def bank():
    return st.data.simulate_bank(users=800, products=60, seed=3)


@pytest.fixture(scope="module")
def made():
    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=st.ranking.EASE())
    return Propensity(pipeline, windows=2)


def test_of_a_later_window(bank, made, tmp_path):
    made.fit(bank, "2024-06-01")
    found = made.calibration(bank)
    frame = found.to_frame()
    assert list(frame.bin) == list(range(1, 11))
    predicted = made.predict()
    assert found.pairs == len(predicted) == frame.pairs.sum()
    assert found.expected == pytest.approx(predicted.probability.sum())
    split = st.evaluation.TimeSplit("2024-06-01", 90).on(bank)
    joined = predicted.merge(split.relevant, on=["user_id", "product_id"])
    assert found.observed == len(joined) == frame.observed.sum()
    assert frame.expected.max() / frame.expected.min() < 1.5
    assert json.loads(json.dumps(found.to_dict()))["observed"] == found.observed
    page = found.to_html(tmp_path / "page.html").read_text("utf-8")
    assert "u000" not in page
    assert "slope" in page


def test_several_moments_are_pooled_each_fitted_anew(bank, made):
    at = ["2024-03-01", "2024-06-01"]
    both = made.calibration(bank, at)
    each = [made.calibration(bank, one) for one in at]
    assert both.observed == sum(one.observed for one in each)
    assert both.expected == pytest.approx(sum(one.expected for one in each))
    early = Propensity(made.pipeline, windows=2).fit(bank, at[0])
    assert each[0] == early.calibration(bank)


def test_a_window_that_is_not_covered(bank, made):
    with pytest.warns(st.SuitabilityWarning, match="ends at"):
        made.calibration(bank, "2024-12-01")
    with pytest.raises(st.DataError, match="begins after"):
        made.calibration(bank, "2025-06-01")
    with pytest.raises(st.NotFittedError):
        Propensity(made.pipeline).calibration(bank)


def test_a_picture(bank, made):
    pytest.importorskip("matplotlib").use("agg")
    made.fit(bank, "2024-06-01")
    axes = made.calibration(bank).plot()
    assert axes.get_xlabel() == "share expected to be bought"
