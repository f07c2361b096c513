"""Whether a customer comes back: what is known of that at a moment, from the days of activity."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["FEATURES", "return_features"]

FEATURES = 7
Floats = NDArray[np.float64]


def return_features(
    users: NDArray[np.int32], ago: Floats, count: int, horizon: float
) -> tuple[NDArray[np.int64], Floats]:
    """Summarise the days on which each user was active.

    With recency the days since the last active day, tenure those since the first, both measured in
    horizons, and frequency the number of active days, the features are log(1 + recency), its
    square, log(1 + tenure), log frequency, log(1 + active days in the last horizon), the same in
    the last two, and log frequency × log(1 + recency).

    Args:
        users: (days,), whose each active day is, in any order.
        ago: (days,), how many days before the moment it began, above 0 or equal.
        count: Number of users.
        horizon: Length of the horizon, in days.

    Returns:
        Positions of the users who were ever active, ascending; float64 (those, `FEATURES`).

    Source:
        Recency, frequency and tenure are what the Pareto/NBD model needs to know of a history:
        D. C. Schmittlein, D. G. Morrison and R. Colombo, Counting Your Customers, Management
        Science 33 (1987). The counts in recent horizons let the rate change.

    Example:
        >>> known, found = return_features(
        ...     np.array([2, 2], np.int32), np.array([100.0, 300.0]), 3, horizon=100)
        >>> known, found.round(3)
        (array([2]), array([[0.693, 0.48 , 1.386, 0.693, 0.693, 0.693, 0.48 ]]))
    """
    number = np.bincount(users, minlength=count)
    latest, first = np.full(count, np.inf), np.zeros(count)
    np.minimum.at(latest, users, ago)
    np.maximum.at(first, users, ago)
    recent = [
        np.bincount(users[ago <= times * horizon], minlength=count).astype(np.float64)
        for times in (1, 2)
    ]
    known = np.flatnonzero(number)
    silent, tenure = (np.log1p(days[known] / horizon) for days in (latest, first))
    often = np.log(number[known])
    columns = [silent, silent**2, tenure, often, *(np.log1p(one[known]) for one in recent)]
    return known, np.column_stack([*columns, often * silent])
