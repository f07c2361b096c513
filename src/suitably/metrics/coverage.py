"""Coverage: how many users are served, and how much of the catalogue is ever shown."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["catalogue_coverage", "coverage"]


def coverage(lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """1 for every user with at least one product in the list, else 0.

    Its mean is the share of users served; a strict policy may well lower it.

    Args:
        lengths: int64 (users,), products in each list.

    Example:
        >>> coverage(np.array([3, 0, 1]))
        array([1., 0., 1.])
    """
    return (lengths > 0).astype(np.float64)


def catalogue_coverage(products: NDArray[np.int64], size: int) -> float:
    """Share of the products on offer that occur in at least one list.

    Args:
        products: int of any shape, codes of the products in all lists together; negative: none.
        size: How many products were on offer.

    Raises:
        ValueError: `size` is not positive.

    Example:
        >>> catalogue_coverage(np.array([0, 2, 2]), size=4)
        0.5
    """
    if size <= 0:
        raise ValueError(f"size={size}: must be 1 or more")
    return len(np.unique(products[products >= 0])) / size
