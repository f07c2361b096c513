"""The adjusted Rand index: how far two partitions agree, beyond what chance would do."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["adjusted_rand", "agreement"]


def adjusted_rand(one: Any, other: Any) -> float:
    """Return the adjusted Rand index of two partitions of the same users.

    With n users, of whom n_ij are in class i of one partition and j of the other, a_i and b_j in
    either, and C(x) = x (x − 1) / 2:
    `(Σ C(n_ij) − Σ C(a_i) Σ C(b_j) / C(n)) / (½ (Σ C(a_i) + Σ C(b_j)) − Σ C(a_i) Σ C(b_j) / C(n))`.
    It is 1 for the same partition under whatever names, about 0 for unrelated ones, and may be
    below 0. Where both are one class, or both all classes of one, it is 1.

    Args:
        one: A label for each user: numbers or texts.
        other: Likewise, in the same order.

    Raises:
        ValueError: They are not of one length, or empty.

    Source:
        Hubert and Arabie, "Comparing partitions", Journal of Classification 2 (1985), equation 5.

    Example:
        >>> adjusted_rand([0, 0, 1, 1], ["b", "b", "a", "a"])
        1.0
        >>> round(adjusted_rand([0, 0, 1, 2], [0, 0, 1, 1]), 6)
        0.571429
    """
    labels = [np.asarray(side) for side in (one, other)]
    lengths = [len(side) if side.ndim == 1 else 0 for side in labels]
    if lengths[0] != lengths[1] or not lengths[0]:
        raise ValueError(
            f"adjusted_rand: needs two labels for each user, got {lengths[0]} and {lengths[1]}"
        )
    codes = [np.unique(side, return_inverse=True)[1] for side in labels]
    return agreement(codes[0], codes[1], np.ones(lengths[0], np.int64))


def agreement(
    one: NDArray[np.integer[Any]], other: NDArray[np.integer[Any]], counts: NDArray[np.int64]
) -> float:
    """Return the adjusted Rand index of partitions by code, each row standing for several users.

    Args:
        one: int (rows,), from 0 on.
        other: int (rows,), likewise.
        counts: int64 (rows,), how many users each row stands for.
    """
    width = int(other.max()) + 1
    pairs, places = np.unique(one.astype(np.int64) * width + other, return_inverse=True)
    joint = np.zeros(len(pairs), np.int64)
    np.add.at(joint, places, counts)
    sides = [np.zeros(int(side.max()) + 1, np.int64) for side in (one, other)]
    for sizes, side in zip(sides, (one, other), strict=True):
        np.add.at(sizes, side, counts)
    # Python's integers: products of numbers of pairs are beyond 64 bits from 100,000 users on.
    both, first, second = (_pairs(sizes) for sizes in (joint, *sides))
    every = _pairs(np.array([counts.sum()]))
    most = (first + second) * every - 2 * first * second
    return 1.0 if most == 0 else 2 * (both * every - first * second) / most


def _pairs(sizes: NDArray[np.int64]) -> int:
    return sum(int(size) * (int(size) - 1) // 2 for size in sizes)
