"""The summary risk indicator of a packaged product, from its volatility and its issuer's credit."""

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["priips_sri"]

# Lower bounds, inclusive, of the market risk measures 2 to 7.
_MRM_FROM = np.array([0.005, 0.05, 0.12, 0.20, 0.30, 0.80])
# Indicator by credit risk measure 1 to 6 (rows) and market risk measure 1 to 7 (columns).
_SRI = np.array(
    [
        [1, 2, 3, 4, 5, 6, 7],
        [1, 2, 3, 4, 5, 6, 7],
        [3, 3, 3, 4, 5, 6, 7],
        [5, 5, 5, 5, 5, 6, 7],
        [5, 5, 5, 5, 5, 6, 7],
        [6, 6, 6, 6, 6, 6, 7],
    ]
)


def priips_sri(vev: Any, credit_class: Any) -> Any:
    """Return the summary risk indicator, 1 to 7, of packaged retail products.

    The volatility decides the market risk measure, whose lower bounds are inclusive: 0.5 %, 5 %,
    12 %, 20 %, 30 % and 80 % begin the measures 2 to 7. With the credit risk measure it decides
    the indicator.

    Args:
        vev: VaR-equivalent volatility as a share, 0.12 is 12 %: a number or an array.
        credit_class: Credit risk measure, a whole number 1 to 6: a number or an array. Shapes
            broadcast. None and NaN are missing, on either side.

    Returns:
        For two numbers an int, or None where one is missing. With an array an array: int64, or
        float64 with NaN for what is missing if anything is.

    Raises:
        ValueError: A volatility that is negative or infinite, a credit class that is not one of
            1 to 6, anything that is no number, or shapes that do not go together.

    Source:
        Delegated Regulation (EU) 2017/653, Annex II: market risk measure, Part 1; aggregation with
        credit risk, Part 3.

    Example:
        >>> priips_sri(0.12, 1)
        4
        >>> priips_sri([0.004, 0.05, 0.80], 3)
        array([3, 3, 7])
    """
    volatility, credit = _numbers(vev, "vev"), _numbers(credit_class, "credit_class")
    bad = volatility[(volatility < 0) | np.isinf(volatility)]
    if bad.size:
        raise ValueError(f"vev={bad[0]}: must be a share of 0 or more, 0.12 for 12 %")
    bad = credit[~np.isnan(credit) & ~np.isin(credit, range(1, 7))]
    if bad.size:
        raise ValueError(f"credit_class={bad[0]:g}: must be a whole number from 1 to 6")
    volatility, credit = np.broadcast_arrays(volatility, credit)
    known = ~np.isnan(volatility) & ~np.isnan(credit)
    market = np.searchsorted(_MRM_FROM, volatility, side="right")
    rows = np.where(known, credit, 1).astype(np.int64) - 1
    sri = _SRI[rows, np.where(known, market, 0)]
    if sri.ndim == 0:
        return int(sri) if known else None
    return sri if known.all() else np.where(known, sri, np.nan)


def _numbers(values: Any, name: str) -> NDArray[np.float64]:
    """Read numbers as float64 without turning text or booleans into them."""
    array = np.asarray(values)
    if array.dtype == object:
        missing = np.asarray(pd.isna(array))
        given = array[~missing].tolist() or [0.0]
        present = np.array([float(v) if isinstance(v, Decimal) else v for v in given])
        kind, array = present.dtype.kind, np.where(missing, np.nan, array)
    else:
        kind = array.dtype.kind
    if kind not in "iuf":
        raise ValueError(f"{name}={values!r}: must be a number or an array of numbers")
    return array.astype(np.float64)
