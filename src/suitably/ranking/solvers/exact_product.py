"""Products of matrices that round nothing, and so are alike for any block, BLAS and machine."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["cut"]

_DIGITS = 53


def cut(vectors: NDArray[Any]) -> NDArray[np.float64]:
    """Round vectors to so many digits that their products are exact: float64.

    A product of matrices rounds as the shape of the block has it, unless nothing is rounded at
    all: vectors are cut to as many binary digits as leave every sum exact in double precision,
    (53 − log₂ factors) / 2 after the first of the largest component. That is about what single
    precision holds.

    Example:
        >>> (cut(np.array([[1.0, 2.0]])) @ cut(np.array([[3.0, 0.5]])).T).tolist()
        [[4.0]]

    Source:
        The idea of cutting factors so that a BLAS product is exact: Ozaki, Ogita, Oishi and Rump,
        "Error-free transformations of matrix multiplication by using fast routines of matrix
        multiplication and its applications", Numerical Algorithms 59 (2012), section 3.
    """
    vectors = np.ascontiguousarray(vectors, np.float64)
    if not vectors.size:
        return vectors
    digits = (_DIGITS - int(np.ceil(np.log2(vectors.shape[1])))) // 2
    _, exponents = np.frexp(np.abs(vectors).max(axis=1, keepdims=True))
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        # What is not finite stays so, and is found by who orders the scores.
        whole = np.rint(np.ldexp(vectors, digits - exponents))
        return np.asarray(np.ldexp(whole, exponents - digits))
