"""What rounding alone makes of equal values: no difference."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["noise", "without_noise"]

_ULPS = 4


def noise(*values: ArrayLike, terms: ArrayLike = 1) -> NDArray[np.float64]:
    """Return how far apart equal values can come out by rounding alone.

    Args:
        *values: The values, all of one shape.
        terms: How many were averaged for each.

    Example:
        >>> bool(abs(0.1 + 0.2 - 0.3) < noise(0.1 + 0.2, 0.3) < 1e-14)
        True
    """
    sizes = np.max([np.abs(np.asarray(value, np.float64)) for value in values], axis=0)
    reach: NDArray[np.float64] = _ULPS * np.finfo(np.float64).eps * np.asarray(terms) * sizes
    return reach


def without_noise(
    control: ArrayLike, treatment: ArrayLike, terms: ArrayLike = 1
) -> NDArray[np.float64]:
    """Return treatment less control, 0 where the two differ by no more than rounding.

    Example:
        >>> without_noise([0.3, 0.5], [0.1 + 0.2, 0.75])
        array([0.  , 0.25])
    """
    a, b = np.asarray(control, np.float64), np.asarray(treatment, np.float64)
    found = b - a
    settled: NDArray[np.float64] = np.where(np.abs(found) <= noise(a, b, terms=terms), 0.0, found)
    return settled
