"""The one top-k engine: exact, over what a user may be offered and does not own.

A float32 product rounds with the shape of the block, so it only draws up a short list, with a
margin for its error. The final score is a float64 sum in factor order without BLAS, rounded to
float32: the same for any batch, order of users and number of threads. Order: score, then the
product's place in the catalogue.
"""

import numpy as np
from numpy.typing import NDArray

from suitably.errors import DataError
from suitably.ranking.lists import Lists
from suitably.ranking.protocol import Scorer, Scores

__all__ = ["check_factors", "top_k"]

_EPSILON = float(np.finfo(np.float32).eps)
_TINY = float(np.finfo(np.float32).tiny)


def top_k(scorer: Scorer, allowed: NDArray[np.bool_], k: int) -> Lists:
    """Give each user's best allowed products.

    Args:
        scorer: Scores of the block's users over the products.
        allowed: bool (users, products): eligible, not owned, known to the ranker.
        k: The most products in a list; fewer is a legitimate answer.

    Returns:
        Lists whose product codes are columns of `allowed`.
    """
    columns = np.flatnonzero(allowed.any(axis=0))
    depth = min(k, allowed.shape[1])
    if not len(columns):
        return Lists.empty(len(allowed), depth)
    allowed = allowed[:, columns]
    rough, margin = _rough(scorer, columns)
    if not (np.isfinite(rough) & np.isfinite(margin) | ~allowed).all():
        raise DataError("the ranker's scores are not all finite: they cannot be ordered")
    np.putmask(rough, ~allowed, -np.inf)
    rows, places = _short_list(rough, margin, allowed, min(depth, len(columns)))
    scores = _exact(scorer, rows, columns[places])
    return _lists(rows, columns[places], scores, len(allowed), depth)


def check_factors(name: str, *arrays: NDArray[np.floating]) -> None:
    """Refuse NaN and infinite numbers in what a ranker has learned.

    Raises:
        DataError: There are some; they would corrupt everybody's order.
    """
    for array in arrays:
        bad = int(array.size - np.isfinite(array).sum())
        if bad:
            raise DataError(f"{name}: {bad} of {array.size} learned numbers are not finite")


def _rough(
    scorer: Scorer, columns: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give scores good enough for a short list, and the margin that covers their error."""
    if isinstance(scorer, Scores):
        with np.errstate(over="ignore"):
            scores = np.asarray(scorer.block[:, columns], np.float32)
        return scores, np.zeros((len(scores), 1), np.float32)
    users = np.ascontiguousarray(scorer.users, np.float32)
    products = np.ascontiguousarray(scorer.products[columns], np.float32)
    factors = users.shape[1]
    longest = np.sqrt(np.einsum("pf,pf->p", products, products, dtype=np.float64).max(initial=0))
    lengths = np.sqrt(np.einsum("uf,uf->u", users, users, dtype=np.float64))
    # Rounding of the product, of factors cast to float32, of the final score, and underflow.
    margin = 2 * (factors + 4) * (_EPSILON * lengths * longest + _TINY)
    with np.errstate(over="ignore", invalid="ignore"):
        return users @ products.T, margin.astype(np.float32)[:, None]


def _short_list(
    rough: NDArray[np.float32], margin: NDArray[np.float32], allowed: NDArray[np.bool_], depth: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find every place that may belong to the top: row and column, row by row."""
    if depth < rough.shape[1]:
        # From the small end: many equal −inf in front of the pivot slow the selection down a lot.
        kth = -np.partition(-rough, depth - 1, axis=1)[:, depth - 1, None]
        possible = (rough >= kth - margin) & allowed
    else:
        possible = allowed
    rows, places = np.nonzero(possible)
    return rows, places


def _exact(
    scorer: Scorer, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Sum in float64, factor after factor, and round once."""
    if isinstance(scorer, Scores):
        return np.asarray(scorer.block[rows, columns], np.float32)
    total = np.zeros(len(rows))
    for factor in range(scorer.users.shape[1]):
        user = scorer.users[rows, factor].astype(np.float64)
        total += user * scorer.products[columns, factor]
    return total.astype(np.float32)


def _lists(
    rows: NDArray[np.int64],
    products: NDArray[np.int64],
    scores: NDArray[np.float32],
    users: int,
    depth: int,
) -> Lists:
    order = np.lexsort((products, -scores, rows))
    starts = np.searchsorted(rows, np.arange(users + 1))
    rank = np.arange(len(rows)) - starts[rows]
    top = rank < depth
    chosen, row, place = order[top], rows[top], rank[top]
    lists = Lists.empty(users, depth)
    lists.products[row, place] = products[chosen]
    lists.scores[row, place] = scores[chosen]
    lists.lengths[:] = np.minimum(np.diff(starts), depth)
    return lists
