"""Suitability of what was recommended, by the verdict of a judging policy."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["violation_rate"]


def violation_rate(passes: NDArray[np.bool_], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of each user's list that the policy does not pass; unknown is not a pass.

    An empty list violates nothing: 0.

    Args:
        passes: bool (users, depth), whether the product at that rank passes every rule; anything
            past the end of a list is ignored.
        lengths: int64 (users,), products in each list, at most depth.

    Returns:
        float64 (users,).

    Example:
        >>> violation_rate(np.array([[True, False], [True, True]]), np.array([2, 1]))
        array([0.5, 0. ])
    """
    inside = np.arange(passes.shape[1]) < lengths[:, None]
    violations = (inside & ~passes).sum(axis=1)
    rates: NDArray[np.float64] = np.divide(
        violations, lengths, out=np.zeros(len(lengths)), where=lengths > 0
    )
    return rates
