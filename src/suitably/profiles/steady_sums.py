"""Sums of any numbers that are the same, to the last digit, in whatever order rows come."""

import numpy as np
from numpy.typing import NDArray

from suitably.utils.runs import reduce_runs, run_starts

__all__ = ["steady_run_sums", "steady_sums"]

_BITS = 62  # an integer of 64 has one for the sign, and one is left in reserve
_EXPONENT = 1_000  # a power of two up to there is a float


def steady_run_sums(values: NDArray[np.float64], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Add up the values of each run, as integers of a unit that suits the run: float64 (runs,).

    The unit is a power of two: the greatest size in the run, over what as many of that size need
    not to overflow. Whatever is that small beside the greatest, about 2⁻⁶⁰ of it, is rounded. A run
    with a value that is not finite has no sum: NaN.

    Example:
        >>> steady_run_sums(np.array([0.1, 0.2, 0.3, 1e300]), np.array([0, 3])).tolist()
        [0.6, 1e+300]
    """
    lengths = np.diff(np.append(starts, len(values)))
    greatest: NDArray[np.float64] = reduce_runs(np.maximum, np.abs(values), starts)
    finite = np.isfinite(greatest)
    shift = _BITS - np.frexp(lengths)[1] - np.frexp(np.where(finite, greatest, 0.0))[1]
    if np.abs(shift).max(initial=0) <= _EXPONENT:  # then a factor does, in half the time
        scaled = values * np.repeat(np.ldexp(1.0, shift), lengths)
    else:
        scaled = np.ldexp(values, np.repeat(shift, lengths))
    if not finite.all():
        scaled = np.where(np.repeat(finite, lengths), scaled, 0.0)
    whole = np.rint(scaled, out=scaled).astype(np.int64)
    sums = np.ldexp(reduce_runs(np.add, whole, starts).astype(np.float64), -shift)
    return np.where(finite, sums, np.nan)


def steady_sums(
    count: int, users: NDArray[np.integer], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return each user's sum: float64 (users,), 0 of nothing; `users` (rows,) are ascending.

    Example:
        >>> steady_sums(3, np.array([0, 0, 2]), np.array([0.25, 1.0, 3.0])).tolist()
        [1.25, 0.0, 3.0]
    """
    sums, starts = np.zeros(count), run_starts(users)
    sums[users[starts]] = steady_run_sums(values, starts)
    return sums
