"""Shares and means of what users chose, each choice with a weight, and the weights' decay."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.profiles.steady_sums import steady_run_sums, steady_sums
from suitably.utils.runs import reduce_runs, run_starts
from suitably.utils.stable_order import stable_order

__all__ = ["by_user", "decay", "share_maps", "weighted_means"]


def decay(
    users: NDArray[np.int32], periods: NDArray[np.int32], days: int, half_life_days: float | None
) -> NDArray[np.float64]:
    """Return what a period's age leaves of a weight: `2^(−age / half-life)`, float64 (rows,).

    The age is that against the latest period of the same user. A later moment would multiply all
    weights of a user by one factor, which cancels in every share and mean; so weights do not run
    out, and a profile does not change by waiting.

    Args:
        users: int32 (rows,), ascending.
        periods: int32 (rows,), whole periods since 1970.
        days: The length of a period.
        half_life_days: After how many days a weight is halved; None: never.

    Example:
        >>> decay(np.array([0, 0, 1]), np.array([3, 5, 1]), days=30, half_life_days=60)
        array([0.5, 1. , 1. ])
    """
    if half_life_days is None or not len(users):
        return np.ones(len(users))
    starts = run_starts(users)
    latest = reduce_runs(np.maximum, periods, starts)
    ages = np.repeat(latest, np.diff(np.append(starts, len(users)))).astype(np.int64) - periods
    # One power for each age, so that equal ages weigh the same to the last bit.
    powers = np.exp2(-np.arange(ages.max() + 1) * (days / half_life_days))
    return np.asarray(powers[ages])


def share_maps(
    count: int,
    users: NDArray[np.int32],
    codes: NDArray[np.int32],
    weights: NDArray[np.float64],
    words: NDArray[np.str_],
) -> pa.Array:
    """Return each user's shares of what is known, from text to share, null where nothing is.

    Args:
        count: How many users there are.
        users: int32 (rows,), whose row it is.
        codes: int32 (rows,), what was chosen: positions in `words`, −1 for unknown.
        weights: float64 (rows,), from 0 on.
        words: What can be chosen; the entries of a map come in this order.

    Returns:
        Maps (users,) from text to float64, which sum up to 1.

    Example:
        >>> share_maps(2, np.array([0, 0]), np.array([1, 0]), np.array([3.0, 1.0]),
        ...            np.array(["bond", "fund"])).to_pylist()
        [[('bond', 0.25), ('fund', 0.75)], None]
    """
    rows = np.flatnonzero((codes >= 0) & (weights > 0))
    rows = rows[by_user(users[rows], codes[rows])]
    starts = run_starts(users[rows], codes[rows])
    owners, kinds = users[rows][starts], codes[rows][starts]
    sums = steady_run_sums(weights[rows], starts)
    totals = steady_sums(count, owners, sums)
    lengths = np.bincount(owners, minlength=count)
    ends = np.cumsum(lengths).astype(np.int32)
    offsets = pa.array(
        np.append(np.int32(0), ends), pa.int32(), mask=np.append(lengths == 0, np.False_)
    )
    keys = pa.array(words.tolist(), pa.string()).take(pa.array(kinds))
    return pa.MapArray.from_arrays(offsets, keys, pa.array(sums / totals[owners]))


def by_user(users: NDArray[np.int32], codes: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the order of rows by user and code, rows of one pair in the order they came.

    One sort of one number, which is quick where rows are in the order of users already.
    """
    width = int(codes.max(initial=0)) + 1
    return stable_order(users.astype(np.int64) * width + codes)


def weighted_means(
    count: int,
    users: NDArray[np.int32],
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return each user's mean of what is known: float64 (users,), NaN where nothing is.

    `users` (rows,) are ascending.

    Example:
        >>> weighted_means(2, np.array([0, 0]), np.array([1.0, 5.0]), np.array([3.0, 1.0]))
        array([ 2., nan])
    """
    rows = np.flatnonzero(~np.isnan(values) & (weights > 0))
    owners, weight = users[rows], weights[rows]
    starts, means = run_starts(owners), np.full(count, np.nan)
    sums = steady_run_sums(weight * values[rows], starts)
    means[owners[starts]] = sums / steady_run_sums(weight, starts)
    return means
