"""Several comparisons at once: p-values adjusted so that one in many is no find."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["benjamini_hochberg", "holm"]


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return p-values adjusted for the chance of any false find, in the order given.

    NaN, where nothing was tested, stays NaN and does not count.

    Source:
        Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of
        Statistics 6 (1979).

    Example:
        >>> holm([0.01, 0.04, float("nan"), 0.03]).tolist()
        [0.03, 0.06, nan, 0.06]
    """
    found, order, tested = _ordered(p_values)
    factors = np.arange(len(order), 0, -1)
    found[order] = np.minimum(np.maximum.accumulate(tested * factors), 1.0)
    return found


def benjamini_hochberg(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return p-values adjusted for the share of false finds among all, in the order given.

    Source:
        Benjamini and Hochberg, JRSS B 57 (1995).

    Example:
        >>> benjamini_hochberg([0.01, 0.04, 0.03]).tolist()
        [0.03, 0.04, 0.04]
    """
    found, order, tested = _ordered(p_values)
    factors = len(order) / np.arange(1, len(order) + 1)
    adjusted = np.minimum.accumulate((tested * factors)[::-1])[::-1]
    found[order] = np.minimum(adjusted, 1.0)
    return found


def _ordered(
    p_values: ArrayLike,
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    given = np.array(p_values, np.float64)
    if given.ndim != 1 or ((given < 0) | (given > 1)).any():
        raise ValueError("p_values: must be a list of numbers from 0 to 1, or NaN")
    known = np.flatnonzero(~np.isnan(given))
    order = known[np.argsort(given[known], kind="stable")]
    return given, order, given[order]
