"""The best products of one user, who costs more in calls than in work: in few calls."""

from collections.abc import Callable
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.errors import DataError
from suitably.ranking.protocol import Factors, Scorer
from suitably.ranking.topk.engine import compiled, compiled_singles, top_k

__all__ = ["best_of_one", "by_factor"]

_CELLS = 2**14  # of products and factors, that are scored exactly sooner than roughly before that
_LAID_OUT = 2**16  # of the whole catalogue
_MOST = 2**10  # products that are put in order as a whole


def by_factor(products: NDArray[Any]) -> NDArray[np.float64] | None:
    """Lay the vectors of few products out factor by factor: (factors, products); None for many."""
    if products.size > _LAID_OUT or not products.shape[1]:
        return None
    return np.ascontiguousarray(products.T, np.float64)


def best_of_one(scorer: Scorer, allowed: int, octets: int, k: int) -> tuple[list[int], list[float]]:
    """Return the codes and scores of one user's list: the same as `top_k` finds.

    Args:
        scorer: The user's scores over the products.
        allowed: Of which bit j says whether product j is allowed.
        octets: How many bytes hold a bit for each product.
        k: The most products in a list.

    Raises:
        DataError: A score that is asked for is not finite.
    """
    several = allowed.bit_count()
    if not several or not k:
        return [], []
    words = np.frombuffer(allowed.to_bytes(octets, "little"), np.uint8)
    factors = scorer.by_factor if isinstance(scorer, Factors) else None
    few = several <= _MOST if factors is None else several * len(factors) <= _CELLS
    if (factors is None and isinstance(scorer, Factors)) or not few:
        lists = top_k(scorer, words.view("<u8")[None], k)
        length = lists.lengths.item()
        return lists.products[0, :length].tolist(), lists.scores[0, :length].tolist()
    loops = compiled_singles() if compiled.cache_info().currsize else None
    if loops is not None:
        return _compiled(loops, scorer, words, min(k, several))
    columns = np.unpackbits(words, bitorder="little").nonzero()[0]
    if isinstance(scorer, Factors):
        assert factors is not None
        return _best(_summed(scorer.users, factors, columns), columns, k)
    return _best(scorer.block[0].take(columns).astype(np.float32, copy=False), columns, k)


def _compiled(
    loops: tuple[Callable[..., bool], Callable[..., bool]],
    scorer: Scorer,
    words: NDArray[np.uint8],
    depth: int,
) -> tuple[list[int], list[float]]:
    listed, scores = np.empty(depth, np.int64), np.empty(depth, np.float32)
    if isinstance(scorer, Factors):
        sound = loops[0](words, scorer.users, scorer.products, listed, scores)
    else:
        sound = loops[1](words, np.asarray(scorer.block, np.float32), listed, scores)
    if not sound:
        raise _not_finite()
    return listed.tolist(), scores.tolist()


def _best(
    found: NDArray[np.float32], columns: NDArray[np.int64], k: int
) -> tuple[list[int], list[float]]:
    """Put scores of some products in order; what is not a number or infinite stands at an end."""
    order = np.negative(found).argsort(kind="stable")
    if not (isfinite(found.item(order.item(0))) and isfinite(found.item(order.item(-1)))):
        raise _not_finite()
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
        sums: NDArray[np.float64]
        if len(columns) == 1:  # a single column lies side by side
            sums = np.add.accumulate(terms, axis=0)[-1]
        else:
            sums = np.add.reduce(terms, axis=0)
        return sums.astype(np.float32)


def _not_finite() -> DataError:
    return DataError("the ranker's scores are not all finite: they cannot be ordered")
