"""The best products of one user, who costs more in calls than in work: in few calls."""

from collections.abc import Callable
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.errors import DataError
from suitably.ranking.protocol import Factors, Scorer
from suitably.ranking.topk.engine import compiled, every, reach, top_k
from suitably.ranking.topk.rounding import margins
from suitably.utils import bitset
from suitably.utils.bitset import BitRows

__all__ = ["best_of_one", "by_factor"]

_CELLS = 2**14  # of products and factors, that are scored exactly sooner than roughly before that
_LAID_OUT = 2**16  # of the whole catalogue
_MULTIPLIED = 2**12  # products, that are all multiplied sooner than those allowed are gathered
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
    if not several or not k:
        return [], []
    if isinstance(scorer, Factors):
        loop = compiled() if compiled.cache_info().currsize else None
        if loop is not None and len(scorer.products) <= _MULTIPLIED:
            listed = _compiled(loop, scorer, allowed, several, k)
            if listed is not None:
                return listed
        factors = scorer.by_factor
        if factors is not None and several * len(factors) <= _CELLS:
            columns = bitset.members(allowed[0], factors.shape[1])
            return _best(_summed(scorer.users, factors, columns), columns, k)
    elif several <= _MOST:
        columns = bitset.members(allowed[0], scorer.block.shape[1])
        found = scorer.block[0].take(columns).astype(np.float32, copy=False)
        return _best(found, columns, k)
    lists = top_k(scorer, allowed, k)
    length = lists.lengths.item()
    return lists.products[0, :length].tolist(), lists.scores[0, :length].tolist()


def _compiled(
    loop: Callable[..., None], scorer: Factors, allowed: BitRows, several: int, k: int
) -> tuple[list[int], list[float]] | None:
    """Multiply the user by all products, and select as for many users; None without a margin."""
    users, products, most = scorer.users, scorer.products, scorer.longest
    if most is None or not users.dtype == products.dtype == np.float32:
        return None
    margin, finite = margins(users, most)
    if not finite:
        return None
    width = len(products)
    depth = min(k, several)
    listed, lengths = np.empty((1, depth), np.int32), np.empty(1, np.int32)
    scores = np.empty((1, depth), np.float32)
    loop(
        *(users @ products.T, margin, every(width), allowed, users, products),
        *(reach(depth, several, width), listed, scores, lengths),
    )
    return listed[0].tolist(), scores[0].tolist()


def _best(
    found: NDArray[np.float32], columns: NDArray[np.int64], k: int
) -> tuple[list[int], list[float]]:
    """Put scores of some products in order; what is not a number or infinite stands at an end."""
    order = np.negative(found).argsort(kind="stable")
    if not (isfinite(found.item(order.item(0))) and isfinite(found.item(order.item(-1)))):
        raise DataError("the ranker's scores are not all finite: they cannot be ordered")
    best = order[:k]
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
