"""Return, volatility and Sharpe ratio of lists, by hand."""

import numpy as np
import pytest

from suitably.metrics import roi, sharpe, volatility

RETURNS = np.array([[0.10, -0.05, 0.03], [0.02, 0.02, 0.02], [np.nan, 0.04, 0.0], [-1, 0, 0]])
LISTS = np.array([[0, 1], [1, -1], [2, -1], [-1, -1], [3, 1]])


def test_return_is_compounded_by_product_and_averaged():
    first = (1.10 * 0.95 * 1.03) ** (1 / 3) - 1
    expected = [(first + 0.02) / 2, 0.02, np.nan, np.nan, (-1 + 0.02) / 2]
    np.testing.assert_allclose(roi(LISTS, RETURNS), expected)
    np.testing.assert_allclose(roi(LISTS, RETURNS, 1)[0], first)


def test_one_period_is_the_published_formula():
    gained, days = 0.12, 173
    monthly = (1 + gained) ** (30 / days) - 1
    assert roi(np.array([[0]]), np.array([[monthly]]))[0] == pytest.approx(monthly)


def test_volatility_is_that_of_the_list_held_in_equal_parts():
    held = [(0.10 + 0.02) / 2, (-0.05 + 0.02) / 2, (0.03 + 0.02) / 2]
    found = volatility(LISTS, RETURNS)
    assert found[0] == pytest.approx(np.std(held, ddof=1))
    assert found[1] == 0
    assert np.isnan(found[2:4]).all()
    assert sharpe(LISTS, RETURNS)[0] == pytest.approx(np.mean(held) / np.std(held, ddof=1))
    more = sharpe(LISTS, RETURNS, risk_free=0.01)[0]
    assert more == pytest.approx((np.mean(held) - 0.01) / np.std(held, ddof=1))


def test_a_return_that_never_varies_has_no_sharpe_ratio():
    assert np.isnan(sharpe(np.array([[0]]), np.full((1, 4), 0.1)))[0]


def test_one_period_has_no_volatility():
    for metric in (volatility, sharpe):
        with pytest.raises(ValueError, match="two periods or more, and there is 1"):
            metric(np.array([[0]]), np.array([[0.1]]))
