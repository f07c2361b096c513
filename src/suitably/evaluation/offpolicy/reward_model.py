"""A model of rewards for doubly robust estimators: means per product and rank, cross-fitted."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["FOLDS", "mean_rewards"]

FOLDS = 5
_PRIOR = 20.0  # impressions' worth of the mean of the rank, so that one click does not count as all


def mean_rewards(
    products: NDArray[np.int64],
    ranks: NDArray[np.int64],
    rewards: NDArray[np.float64],
    folds: NDArray[np.int64],
    shape: tuple[int, int],
) -> NDArray[np.float64]:
    """Return the mean reward per product and rank, learned from the other folds.

    Means are shrunk towards that of the rank, by 20 impressions' worth. Rows of a fold are not
    judged by what was learned from them, so that the model's errors are honest ones.

    Args:
        products: int64 (n,).
        ranks: int64 (n,).
        rewards: float64 (n,).
        folds: int64 (n,), below `FOLDS`.
        shape: How many products and ranks there are.

    Returns:
        float64 (folds, products, ranks).

    Example:
        >>> one, other = np.array([0, 0]), np.array([0, 1])
        >>> means = mean_rewards(one, one, np.array([1.0, 0.0]), other, shape=(1, 1))
        >>> means[:2, 0, 0].tolist()
        [0.0, 1.0]
    """
    cells = (products * shape[1] + ranks) + folds * (shape[0] * shape[1])
    size = FOLDS * shape[0] * shape[1]
    counts = np.bincount(cells, minlength=size).reshape(FOLDS, *shape)
    sums = np.bincount(cells, rewards, minlength=size).reshape(FOLDS, *shape)
    counts, sums = counts.sum(axis=0) - counts, sums.sum(axis=0) - sums
    shown = counts.sum(axis=1, keepdims=True)
    prior = sums.sum(axis=1, keepdims=True) / np.maximum(shown, 1)
    found: NDArray[np.float64] = (sums + _PRIOR * prior) / (counts + _PRIOR)
    return found
