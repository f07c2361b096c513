"""Product-to-product similarity: cosines of vectors, and which rankers can say any."""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

__all__ = ["SimilarProducts", "cosines"]


@runtime_checkable
class SimilarProducts(Protocol):
    """A ranker that can say how alike products are: by their vectors, or as neighbours."""

    def product_similarities(self, product: int) -> NDArray[np.float32]:
        """Return how alike each product is to one, by position: float32 (products,).

        NaN where nothing is known, and everywhere for a product that came after the fit.
        """
        ...


def cosines(vectors: NDArray[np.floating], product: int) -> NDArray[np.float32]:
    """Return the cosine of each vector with one of them: float32 (products,), NaN for zeros.

    Example:
        >>> cosines(np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]), 0)
        array([1.        , 0.70710677,        nan], dtype=float32)
    """
    if product >= len(vectors):
        return np.full(len(vectors), np.nan, np.float32)
    exact = np.asarray(vectors, np.float64)
    # Without BLAS, whose sums depend on the number of threads.
    inner = np.einsum("pf,f->p", exact, exact[product])
    lengths = np.sqrt(np.einsum("pf,pf->p", exact, exact))
    with np.errstate(invalid="ignore", divide="ignore"):
        found: NDArray[np.float32] = (inner / (lengths * lengths[product])).astype(np.float32)
    return found
