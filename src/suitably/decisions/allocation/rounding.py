"""Systematic rounding: shares of offers become offers, at random by key, as often as shared."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["rounded"]

_DUST = 1e-7


def rounded(
    shares: NDArray[np.float64], keys: NDArray[np.uint64], per_user: int
) -> NDArray[np.bool_]:
    """Return which offers to make.

    A user's shares are laid end to end, and the offers hit by points one apart are made, the first
    of them at a fraction given by the key (Madow 1949). A product of several channels is one
    stretch of at most one, so it is hit once at most.

    Args:
        shares: float64 (products, channels, users), at most one per product, `per_user` in all.
        keys: uint64 (users,).
        per_user: The most offers that one user gets.

    Returns:
        bool (products, channels, users).
    """
    depth, width, users = shares.shape
    first = (keys >> np.uint64(11)).astype(np.float64) * 2.0**-53
    made = np.zeros(shares.shape, bool)
    end = np.zeros(users)
    hits = np.floor(end - first)
    count = np.zeros(users, np.int64)
    for place in range(depth):
        free = count < per_user
        for channel in range(width):
            share = shares[place, channel]
            end = end + np.where(share < _DUST, 0.0, share)
            hit = np.floor(end - first + 2.0**-30)
            one = free & (hit > hits)
            made[place, channel] = one
            free = free & ~one
            count += one
            hits = np.maximum(hits, hit)
    return made
