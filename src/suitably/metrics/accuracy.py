"""Accuracy: were the products that the user then chose in the list, and how high?

Every kernel takes `Hits` and a depth k, and returns float64 (users,). Sums run in the order of
rank, so that a perfect list scores exactly 1 and no value depends on who else is in the block.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from suitably.metrics.convention import TREC, Convention
from suitably.metrics.metric_input import Hits

__all__ = [
    "auc",
    "average_precision",
    "dcg",
    "hit_rate",
    "mrr",
    "ndcg",
    "precision",
    "recall",
]

Values = NDArray[np.float64]


def dcg(hits: Hits, k: int, convention: Convention = TREC) -> Values:
    """Discounted cumulative gain: the discounts of the ranks that were hits, summed.

    Unlike nDCG it weighs all users' hits alike, so it keeps the order of rankers as estimators of
    reward, which normalising can invert.

    Source:
        Järvelin and Kekäläinen (2002); Jeunen et al., KDD 2024, on normalising.

    Example:
        >>> hits = Hits(np.array([[True, False, True]]), np.array([3]), np.array([2]))
        >>> dcg(hits, 3)
        array([1.5])
    """
    ranks = hits.by_rank[:k]
    gains = np.zeros(len(hits))
    for rank, discount in zip(ranks, convention.discounts(len(ranks)), strict=True):
        gains += rank * discount
    return gains


def ndcg(hits: Hits, k: int, convention: Convention = TREC) -> Values:
    """DCG as a share of the best that a list of k products could reach.

    Source:
        Järvelin and Kekäläinen (2002).

    Example:
        >>> hits = Hits(np.array([[True, False, True]]), np.array([3]), np.array([2]))
        >>> ndcg(hits, 3).round(4)
        array([0.9197])
    """
    if convention.ideal == "k":
        return _share(dcg(hits, k, convention), np.full(len(hits), convention.most(k)))
    reach = np.minimum(hits.relevant, k)
    best = np.append(0.0, np.cumsum(convention.discounts(int(reach.max(initial=0)))))
    return _share(dcg(hits, k, convention), best[reach])


def recall(hits: Hits, k: int, convention: Convention = TREC) -> Values:
    """Share of what there was to find that is among the first k.

    Example:
        >>> hits = Hits(np.array([[True, False, True]]), np.array([3]), np.array([2]))
        >>> recall(hits, 2)
        array([0.5])
    """
    return _share(_found(hits, k), _bases(hits, k, convention.recall_over))


def precision(hits: Hits, k: int, convention: Convention = TREC) -> Values:
    """Share of k places that were hits; a list shorter than k wastes the rest.

    Under the convention of LensKit, the share of the products listed instead.

    Example:
        >>> hits = Hits(np.array([[True, False, True]]), np.array([3]), np.array([2]))
        >>> precision(hits, 4)
        array([0.5])
    """
    places = np.full(len(hits), float(k))
    if convention.precision_over == "min(k, listed)":
        places = np.minimum(hits.lengths, k).astype(np.float64)
    return _share(_found(hits, k), places)


def hit_rate(hits: Hits, k: int, convention: Convention = TREC) -> Values:
    """1 where any of the first k was a hit, else 0.

    Example:
        >>> hits = Hits(np.array([[True, False, True]]), np.array([3]), np.array([2]))
        >>> hit_rate(hits, 1)
        array([1.])
    """
    del convention
    return (_found(hits, k) > 0).astype(np.float64)


def average_precision(hits: Hits, k: int, convention: Convention = TREC) -> Values:
    """Precision at every hit among the first k, summed, over what there was to find.

    Its mean over users is the MAP.

    Source:
        Buckley and Voorhees (2000), SIGIR, pp. 33-40.

    Example:
        >>> hits = Hits(np.array([[True, False, True]]), np.array([3]), np.array([2]))
        >>> average_precision(hits, 3).round(4)
        array([0.8333])
    """
    found, total = np.zeros((2, len(hits)))
    for place, rank in enumerate(hits.by_rank[:k], start=1):
        found += rank
        total += rank * (found / place)
    return _share(total, _bases(hits, k, convention.ap_over))


def mrr(hits: Hits, k: int, convention: Convention = TREC) -> Values:
    """One over the rank of the first hit among the first k, 0 without one.

    Example:
        >>> hits = Hits(np.array([[True, False, True]]), np.array([3]), np.array([2]))
        >>> mrr(hits, 3)
        array([1.])
    """
    del convention
    top = hits.top(k)
    if not top.shape[1]:
        return np.zeros(len(hits))
    return np.where(top.any(axis=1), 1.0 / (top.argmax(axis=1) + 1.0), 0.0)


def auc(hits: Hits, size: int, k: int | None = None) -> Values:
    """Chance that a relevant product stands above one that is not, over all that was on offer.

    What is not among the first k stands below what is, and side by side with the rest of it: such
    a pair counts half, so that .5 is what a list without information reaches at any k.

    Args:
        hits: Relevance along the lists.
        size: How many products were on offer.
        k: How many products from the top count; None: the whole list.

    Returns:
        float64 (users,), NaN where everything on offer, or nothing, was relevant.

    Source:
        Hanley and McNeil (1982), Radiology 143(1): the area under the ROC curve is the statistic
        of Mann and Whitney over its largest value.

    Example:
        >>> hits = Hits(np.array([[True, False, True]]), np.array([3]), np.array([2]))
        >>> auc(hits, size=4)
        array([0.75])
    """
    top = hits.top(k)
    depth = np.minimum(hits.lengths, top.shape[1])
    found = top.sum(axis=1)
    others_listed = depth - found
    others = np.maximum(size - hits.relevant, others_listed)
    place = np.arange(top.shape[1])
    above = np.where(top, place - (np.cumsum(top, axis=1) - top), 0).sum(axis=1)
    won = found * others - above
    tied = (hits.relevant - found) * (others - others_listed)
    pairs = (hits.relevant * others).astype(np.float64)
    areas = np.full(len(hits), np.nan)
    np.divide(won + 0.5 * tied, pairs, out=areas, where=pairs > 0)
    return areas


def _bases(
    hits: Hits, k: int, over: Literal["relevant", "min(k, relevant)"]
) -> NDArray[np.float64]:
    bases = hits.relevant if over == "relevant" else np.minimum(hits.relevant, k)
    return bases.astype(np.float64)


def _share(part: NDArray[np.float64] | NDArray[np.int64], whole: NDArray[np.float64]) -> Values:
    """Divide, with 0 where there was nothing to find."""
    shares: Values = np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
    return shares


def _found(hits: Hits, k: int) -> Values:
    """Count the hits among the first k."""
    found = np.zeros(len(hits))
    for rank in hits.by_rank[:k]:
        found += rank
    return found
