"""Scales of a factorisation by the size of its matrix: how many factors, how large is noise."""

import numpy as np
from scipy import sparse

__all__ = ["chance_norm", "default_factors", "noise_norm"]

_FEWEST, _MOST = 64, 256
_NUMBERS = 2**27


def default_factors(shape: tuple[int, ...], small: bool) -> int:
    """Return how many factors suit a matrix: 64 on small data.

    Else the power of two nearest, by ratio, to the root of the number of products, from 64 to 256;
    fewer where the vectors of users and products would hold more than 2²⁷ numbers.

    Args:
        shape: Users and products.
        small: Whether the data is too small to tell.

    Example:
        >>> [default_factors((20_000, products), False) for products in (3_000, 10_000, 40_000)]
        [64, 128, 256]
        >>> default_factors((1_000_000, 1_000_000), False)
        64
    """
    if small:
        return _FEWEST
    users, products = shape
    found = 2 ** round(np.log2(max(products, 1)) / 2)
    room = 2 ** int(np.log2(_NUMBERS / (users + products)))
    return int(min(max(_FEWEST, min(found, _MOST)), max(room, 1)))


def noise_norm(weights: sparse.csr_array) -> float:
    """Return about how large singular values are of chance alone: √(Σw²/users) + √(Σw²/products).

    Source:
        Bandeira and van Handel, "Sharp Nonasymptotic Bounds on the Norm of Random Matrices with
        Independent Entries", Annals of Probability 44, 2016.
    """
    values = weights.data.astype(np.float64)
    return chance_norm(float(values @ values), *weights.shape)


def chance_norm(square: float, users: int, products: int) -> float:
    """Return the same from the sum of the squares of all weights."""
    return float(np.sqrt(square / users) + np.sqrt(square / products))
