"""What lists were worth as investments: return, volatility and Sharpe ratio, per month."""

import numpy as np
from numpy.typing import NDArray

from suitably.metrics.fields import MissingInputError, along, mean_along

__all__ = ["roi", "sharpe", "volatility"]

Values = NDArray[np.float64]
_NOISE = 1e-12


def roi(products: NDArray[np.int64], returns: NDArray[np.float64], k: int | None = None) -> Values:
    """Mean monthly return of the first k over the window, each compounded to 30 days.

    A product's return is Π(1 + r)^(1/periods) − 1 over its periods; where the window is one period
    that began at the cut, this is (1 + v)^(30/days) − 1 of what it gained in all, v. Products
    whose return is not known are left out of the mean.

    Args:
        products: int64 (users, depth), rows of `returns`; −1 for none.
        returns: float64 (products, periods), per month of 30 days.
        k: How many products from the top count; None: all.

    Returns:
        float64 (users,), a share per month, NaN where no return is known.

    Source:
        Sanz-Cruzado, Droukas and McCreadie, FAR-Trans, arXiv:2407.08692, for the compounding.

    Example:
        >>> returns = np.array([[0.1, -0.1], [0.02, 0.02]])
        >>> roi(np.array([[0, 1], [1, -1]]), returns).round(4)
        array([0.0075, 0.02  ])
    """
    with np.errstate(divide="ignore"):  # what lost everything has the logarithm −inf
        compounded = np.expm1(np.log1p(returns).mean(axis=1))
    return mean_along(along(compounded, products, k, np.nan))


def volatility(
    products: NDArray[np.int64], returns: NDArray[np.float64], k: int | None = None
) -> Values:
    """Standard deviation, over periods, of the monthly return of the first k held in equal parts.

    The parts are made equal again in each period. A product counts in the periods in which its
    return is known. The deviation is that of a sample (periods − 1 below the root).

    Args:
        products: int64 (users, depth), rows of `returns`; −1 for none.
        returns: float64 (products, periods), per month of 30 days.
        k: How many products from the top count; None: all.

    Returns:
        float64 (users,), a share per month, NaN where a period has no return.

    Raises:
        MissingInputError: Fewer than two periods.

    Source:
        Markowitz (1952), Journal of Finance 7(1).

    Example:
        >>> returns = np.array([[0.1, -0.1], [0.02, 0.02]])
        >>> volatility(np.array([[0, 1], [1, -1]]), returns).round(4)
        array([0.0707, 0.    ])
    """
    spread: Values = _portfolios(products, returns, k).std(axis=1, ddof=1)
    return spread


def sharpe(
    products: NDArray[np.int64],
    returns: NDArray[np.float64],
    k: int | None = None,
    *,
    risk_free: float = 0.0,
) -> Values:
    """Mean monthly return above the risk-free one over its standard deviation, of the first k.

    Both are over the periods of the window, of the first k held in equal parts; it is not
    annualised.

    Args:
        products: int64 (users, depth), rows of `returns`; −1 for none.
        returns: float64 (products, periods), per month of 30 days.
        k: How many products from the top count; None: all.
        risk_free: The risk-free return, a share per month.

    Returns:
        float64 (users,), NaN where a period has no return or the return never varies.

    Raises:
        MissingInputError: Fewer than two periods.

    Source:
        Sharpe (1994), Journal of Portfolio Management 21(1): the ex-post ratio.

    Example:
        >>> returns = np.array([[0.1, -0.1], [0.02, 0.04]])
        >>> sharpe(np.array([[0, 1], [1, -1]]), returns).round(4)
        array([0.2357, 2.1213])
    """
    portfolios = _portfolios(products, returns, k)
    spread = portfolios.std(axis=1, ddof=1)
    ratios = np.full(len(products), np.nan)
    steady = np.abs(portfolios).max(axis=1, initial=0.0) * _NOISE
    excess = portfolios.mean(axis=1) - risk_free
    np.divide(excess, spread, out=ratios, where=spread > steady)
    return ratios


def _portfolios(
    products: NDArray[np.int64], returns: NDArray[np.float64], k: int | None
) -> NDArray[np.float64]:
    """Return the mean return of each list in each period: float64 (users, periods)."""
    periods = returns.shape[1]
    if periods < 2:
        raise MissingInputError(
            f"needs returns of two periods or more, and there is {periods}: give prices through "
            f"the window, or returns with a period"
        )
    held = [mean_along(along(returns[:, period], products, k, np.nan)) for period in range(periods)]
    return np.stack(held, axis=1)
