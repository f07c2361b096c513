"""Revenue, conversion, retention and the cost of customers, by hand; and ratios of sums."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suitably.metrics import (
    LENSKIT,
    Hits,
    Ratio,
    cac,
    contribution,
    conversion,
    expected_revenue,
    linearised,
    ltv_to_cac,
    retention,
    revenue_per_user,
)

HITS = Hits(
    np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0], [0, 0, 0]], bool),
    np.array([3, 3, 2, 0]),
    np.array([2, 1, 1, 1]),
)
LISTS = np.array([[0, 1, 2], [1, 2, 0], [2, 1, -1], [-1, -1, -1]])
PRODUCTS = pa.table(
    {"revenue": [100.0, 50.0, 30.0], "commission": [40.0, 0.0, 30.0], "fee_rate": [0.01, 0.02, 0.0]}
)
NEWCOMERS = np.array([True, True, False, True])


class TestByHand:
    def test_expected_revenue_leaves_commission_out(self):
        found = expected_revenue(HITS, LISTS, PRODUCTS, 3)
        np.testing.assert_allclose(found, [60 + 0 / 2, 0, 50 / math.log2(3), 0])
        full = expected_revenue(HITS, LISTS, PRODUCTS, 3, with_commission=True)
        np.testing.assert_allclose(full, [100 + 30 / 2, 0, 50 / math.log2(3), 0])
        top = expected_revenue(HITS, LISTS, PRODUCTS, 2, LENSKIT)
        np.testing.assert_allclose(top, [60, 0, 50, 0])

    def test_expected_revenue_is_missing_where_a_hit_has_none(self):
        products = pa.table({"revenue": [None, 50.0, 30.0], "commission": [0.0, 0.0, 0.0]})
        found = expected_revenue(HITS, LISTS, products, 3)
        np.testing.assert_allclose(found, [np.nan, 0, 50 / math.log2(3), 0])

    def test_commission_must_be_said(self):
        with pytest.raises(ValueError, match="reads 'commission' of products, which have no such"):
            expected_revenue(HITS, LISTS, PRODUCTS.drop_columns(["commission"]), 3)

    def test_revenue_and_contribution_per_user(self):
        spent = np.array([[1000.0, 0, 500], [0, 0, 0], [0, 2000, np.nan], [np.nan] * 3])
        revenue = revenue_per_user(spent, LISTS, PRODUCTS, 3)
        np.testing.assert_allclose(revenue.numerator, [10, 0, 40, 0])
        assert revenue.value == 50 / 4
        users = pa.table({"contact_cost": [1.0, 1.0, 1.0, 1.0]})
        net = contribution(spent, LISTS, HITS.lengths, PRODUCTS, users, 3)
        np.testing.assert_allclose(net.numerator, [9, -1, 39, 0])
        assert net.value == 47 / 4

    def test_an_amount_that_is_missing_is_not_nothing(self):
        spent = np.array([[np.nan, 0, 0], [0, 0, 0], [0, 0, np.nan], [np.nan] * 3])
        revenue = revenue_per_user(spent, LISTS, PRODUCTS, 3)
        np.testing.assert_allclose(revenue.numerator, [np.nan, 0, 0, 0])
        assert revenue.value == 0

    def test_conversion_along_the_funnel(self):
        events = {"view": np.array([[1, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 0]], bool)}
        shown = conversion(HITS, events, 3)
        np.testing.assert_array_equal(shown.numerator, [2, 0, 1, 0])
        np.testing.assert_array_equal(shown.denominator, [3, 3, 2, 0])
        assert shown.value == 3 / 8
        viewed = conversion(HITS, events, 3, start="view")
        assert viewed.value == 2 / 4
        assert conversion(HITS, events, 3, stage="view").value == 4 / 8
        with pytest.raises(
            ValueError, match="'clik': no such stage; there are shown, acquired, view"
        ):
            conversion(HITS, events, 3, stage="clik")

    def test_retention_is_of_users_of_before(self):
        assert retention(HITS, NEWCOMERS, 3).value == 1
        assert retention(HITS, ~NEWCOMERS, 3).value == 1 / 3

    def test_cost_and_value_of_newcomers(self):
        users = pa.table(
            {"acquisition_cost": [10.0, 20.0, 99.0, 40.0], "lifetime_value": [90.0, 7.0, 7.0, 7.0]}
        )
        # The fourth has no list and costs nothing; the first alone is won.
        assert cac(HITS, NEWCOMERS, users, 3).value == 30
        assert ltv_to_cac(HITS, NEWCOMERS, users, 3).value == 90 / 30
        nobody = cac(HITS, np.zeros(4, bool), users, 3)
        assert np.isnan(nobody.value)


def test_a_ratio_is_of_sums_over_those_who_have_both():
    ratio = Ratio(np.array([1.0, np.nan, 3.0]), np.array([1.0, 5.0, 0.0]))
    assert ratio.value == 4
    np.testing.assert_array_equal(ratio.per_user, [1, np.nan, np.nan])


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=30).filter(
        lambda pairs: sum(d for _, d in pairs) > 0
    )
)
def test_linearised_values_have_the_ratio_and_the_delta_method_s_variance(pairs):
    n, d = np.array(pairs, float).T
    values = linearised(n, d)
    ratio = n.sum() / d.sum()
    assert values.mean() == pytest.approx(ratio)
    units, mean = len(n), d.mean()
    cov = np.cov(n, d)
    delta = (cov[0, 0] - 2 * ratio * cov[0, 1] + ratio**2 * cov[1, 1]) / mean**2 / units
    assert values.var(ddof=1) / units == pytest.approx(delta, abs=1e-12)


def test_the_published_example_of_orders_per_session():
    """Two arms of 2,023 and 1,977 users by their sums; difference and p-value as published."""
    control = {"n": 2023, "o": 1073, "oo": 2073, "s": 4038, "ss": 10098, "os": 2648}
    treatment = {"n": 1977, "o": 1133, "oo": 2121, "s": 3920, "ss": 9698, "os": 2730}

    def moments(a):
        # Any users with these sums have these first and second moments; so do three mass points.
        ratio = a["o"] / a["s"]
        mean = a["s"] / a["n"]
        spread = (a["oo"] - 2 * ratio * a["os"] + ratio**2 * a["ss"]) / mean**2
        return ratio, spread / (a["n"] - 1) / a["n"]

    (r1, v1), (r2, v2) = moments(control), moments(treatment)
    assert r2 - r1 == pytest.approx(0.0233050055, abs=1e-9)
    z = (r2 - r1) / math.sqrt(v1 + v2)
    assert math.erfc(z / math.sqrt(2)) == pytest.approx(0.0762375998, abs=2e-4)


def test_nothing_below_the_line_is_no_ratio():
    assert np.isnan(linearised(np.ones(3), np.zeros(3))).all()
