"""Coverage: who is served, how much of the catalogue is ever shown, and how evenly."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["abstention_rate", "catalogue_coverage", "coverage", "gini"]


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


def abstention_rate(lengths: NDArray[np.int64], k: int | None = None) -> NDArray[np.float64]:
    """1 for every user whose list is empty, or with a depth shorter than that, else 0.

    Args:
        lengths: int64 (users,), products in each list.
        k: How many products were asked for; None: one.

    Example:
        >>> abstention_rate(np.array([3, 0, 1])), abstention_rate(np.array([3, 0, 1]), k=3)
        (array([0., 1., 0.]), array([0., 1., 1.]))
    """
    return (lengths < (1 if k is None else k)).astype(np.float64)


def catalogue_coverage(products: NDArray[np.int64], size: int, k: int | None = None) -> float:
    """Share of the products on offer that occur in at least one list.

    Args:
        products: int64 (users, depth) or any other shape, codes of the products in all lists
            together, from 0 to `size` − 1; any other: not on offer.
        size: How many products were on offer.
        k: How many products from the top of each list count; None: all.

    Raises:
        ValueError: `size` is not positive.

    Example:
        >>> catalogue_coverage(np.array([0, 2, 2]), size=4)
        0.5
    """
    return int(np.count_nonzero(_exposure(products, size, k))) / size


def gini(products: NDArray[np.int64], size: int, k: int | None = None) -> float:
    """Gini coefficient of how often each product on offer is listed: 0 evenly, near 1 one alone.

    Σ (2i − n − 1) x(i) / (n Σ x), over the n counts in ascending order; NaN where nothing is
    listed.

    Args:
        products: As in `catalogue_coverage`.
        size: How many products were on offer.
        k: How many products from the top of each list count; None: all.

    Raises:
        ValueError: `size` is not positive.

    Source:
        Gini (1912); Adomavicius and Kwon, IEEE TKDE 24(5), 2012, on lists.

    Example:
        >>> gini(np.array([0, 1, 2, 3]), size=4), gini(np.array([2, 2, 2, 2]), size=4)
        (0.0, 0.75)
    """
    counts = np.sort(_exposure(products, size, k))
    if not counts[-1]:
        return float("nan")
    weights = 2 * np.arange(1, size + 1) - size - 1
    return int(weights @ counts) / (size * int(counts.sum()))


def _exposure(products: NDArray[np.int64], size: int, k: int | None) -> NDArray[np.int64]:
    if size <= 0:
        raise ValueError(f"size={size}: must be 1 or more")
    shown = products if k is None else products[:, :k]
    return np.bincount(shown[(shown >= 0) & (shown < size)], minlength=size).astype(np.int64)
