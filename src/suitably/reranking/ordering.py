"""Relevance by min-max scaling within each list, and lists in another order."""

import numpy as np
from numpy.typing import NDArray

from suitably.ranking.topk.lists import Lists

__all__ = ["relevance", "reordered"]


def relevance(lists: Lists, weight: float) -> NDArray[np.float64]:
    """Scale each list's scores to 0 to `weight`: float64 (users, depth), −inf past the end.

    Scores of different rankers have no common unit, and equal scores say nothing: they give 0.
    """
    scores, filled = lists.scores, lists.filled
    low = np.where(filled, scores, np.float32(np.inf)).min(axis=1, initial=np.inf)
    high = np.where(filled, scores, np.float32(-np.inf)).max(axis=1, initial=-np.inf)
    differ = high > low
    base = np.where(differ, low, 0).astype(np.float64)[:, None]
    span = np.where(differ, high.astype(np.float64) - low, 1)[:, None]
    scaled = (scores - base) / span
    scaled *= weight
    scaled[~differ] = 0
    np.putmask(scaled, ~filled, -np.inf)
    return scaled


def reordered(lists: Lists, places: NDArray[np.int64]) -> Lists:
    """Return the products at some places, in that order.

    Args:
        lists: The lists.
        places: int64 (users, depth), each place once; those of a list's products first.
    """
    depth = places.shape[1]
    lengths = np.minimum(lists.lengths, depth)
    filled = np.arange(depth) < lengths[:, None]
    rows = np.arange(len(places))[:, None]
    products = np.where(filled, lists.products[rows, places], np.int32(-1))
    scores = np.where(filled, lists.scores[rows, places], np.float32(0))
    return Lists(products, scores, lengths)
