"""One logarithmic scale for the scores of any ranker."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.ranking.protocol import Factors, Scorer, Scores

__all__ = ["on_scale", "raw_score", "widened"]

_STEEPNESS = 10.0
_TILE = 2**15


def on_scale(scorer: Scorer) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Put a ranker's scores on the common scale: float32 (users, products), bool (products,)."""
    block = _summed(scorer) if isinstance(scorer, Factors) else _filled(scorer)
    known = np.ones(block.shape[1], bool) if scorer.known is None else np.asarray(scorer.known)
    scaled = np.zeros(block.shape, np.float32)
    columns = np.flatnonzero(known)
    if not len(columns):
        return scaled, known
    step = max(1, _TILE // len(columns))
    for start in range(0, len(block), step):
        part = slice(start, start + step)
        raw = np.ascontiguousarray(block[part][:, columns], np.float64)
        size = np.abs(raw).mean(axis=1, keepdims=True)
        size[size == 0] = 1
        with np.errstate(invalid="ignore", over="ignore"):
            found = np.arcsinh(_STEEPNESS * (raw / size))
        scaled[part] = found.min(axis=1, keepdims=True)
        scaled[part, columns] = found
    return scaled, known


def _filled(scorer: Scores) -> NDArray[Any]:
    """Return scores as they are given, a pair without one the lowest of its user's."""
    block = np.asarray(scorer.block)
    if scorer.pairs is None:
        return block
    lowest = np.where(scorer.pairs, block, np.inf).min(axis=1, keepdims=True, initial=np.inf)
    filled: NDArray[Any] = np.where(scorer.pairs, block, np.where(lowest < np.inf, lowest, 0))
    return filled


def raw_score(scorer: Scorer, product: int) -> float:
    """Return what a ranker says of one user and one product, before any scale."""
    if isinstance(scorer, Scores):
        return float(np.asarray(scorer.block)[0, product])
    one, other = scorer.users[0], scorer.products[product]
    return float(np.asarray(one, np.float64) @ np.asarray(other, np.float64))


def _summed(scorer: Factors) -> NDArray[np.float64]:
    """Multiply factors without BLAS, in factor order: a score must not depend on the block."""
    users, products = scorer.users, np.ascontiguousarray(scorer.products.T, np.float64)
    total = np.zeros((len(users), products.shape[1]))
    step = max(1, _TILE // max(1, products.shape[1]))
    for start in range(0, len(users), step):
        part = total[start : start + step]
        for mine, theirs in zip(users[start : start + step].T, products, strict=True):
            part += mine.astype(np.float64)[:, None] * theirs
    return total


def widened(scores: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Return products that came after the ranker was fitted its lowest score, user by user."""
    more = width - scores.shape[1]
    if not more:
        return scores
    lowest = scores.min(axis=1, keepdims=True) if scores.shape[1] else np.zeros((len(scores), 1))
    return np.hstack([scores, np.broadcast_to(lowest, (len(scores), more))]).astype(np.float32)
