"""The best products of one user, who costs more in calls than in work: in few calls."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.errors import DataError
from suitably.ranking.protocol import Factors, Scorer
from suitably.ranking.topk.engine import top_k
from suitably.utils import bitset
from suitably.utils.bitset import BitRows

__all__ = ["best_of_one", "by_factor"]

_CELLS = 2**14  # of products and factors, that are scored exactly sooner than roughly before that
_LAID_OUT = 2**16  # of the whole catalogue
_MOST = 2**10  # products that are put in order as a whole


def by_factor(products: NDArray[Any]) -> NDArray[np.float64] | None:
    """Lay the vectors of few products out factor by factor: (factors, products); None for many."""
    if products.size > _LAID_OUT or not products.shape[1]:
        return None
    return np.ascontiguousarray(products.T, np.float64)


def best_of_one(
    scorer: Scorer, allowed: BitRows, several: int, k: int
) -> tuple[list[int], list[float]]:
    """Return the codes and scores of one user's list: the same as `top_k` finds.

    Args:
        scorer: The user's scores over the products.
        allowed: Words (1, products / 64).
        several: How many products are allowed.
        k: The most products in a list.

    Raises:
        DataError: A score that is asked for is not finite.
    """
    if not several:
        return [], []
    found: NDArray[np.float32] | None = None
    if isinstance(scorer, Factors):
        factors = scorer.by_factor
        if factors is not None and several * len(factors) <= _CELLS:
            columns = bitset.members(allowed[0], factors.shape[1])
            found = _summed(scorer.users, factors, columns)
    elif several <= _MOST:
        columns = bitset.members(allowed[0], scorer.block.shape[1])
        found = scorer.block[0].take(columns).astype(np.float32, copy=False)
    if found is None:
        lists = top_k(scorer, allowed, k)
        length = lists.lengths.item()
        return lists.products[0, :length].tolist(), lists.scores[0, :length].tolist()
    if np.count_nonzero(np.isfinite(found)) < several:
        raise DataError("the ranker's scores are not all finite: they cannot be ordered")
    best = np.negative(found).argsort(kind="stable")[:k]
    return columns.take(best).tolist(), found.take(best).tolist()


def _summed(
    users: NDArray[Any], factors: NDArray[np.float64], columns: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Sum in float64, factor after factor, and round once to float32: see `exact`.

    What is added up across rows of memory is added in order, unlike what lies side by side.
    """
    terms = factors.take(columns, axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        terms *= users.astype(np.float64).T
        # A single column lies side by side.
        if len(columns) == 1:
            return np.add.accumulate(terms, axis=0)[-1].astype(np.float32)
        return np.add.reduce(terms, axis=0).astype(np.float32)
