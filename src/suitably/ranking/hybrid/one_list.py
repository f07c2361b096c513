"""Whether a hybrid tells users apart at all."""

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.errors import SuitabilityWarning
from suitably.ranking.interactions import WeightedInteractions

__all__ = ["warn_of_one_list"]

_FIRST = 10
_SAMPLE = 200
_FEWEST = 30
_ALIKE = 0.95


def warn_of_one_list(
    able: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    vectors: tuple[NDArray[np.float32], NDArray[np.float32]],
    history: WeightedInteractions,
) -> None:
    """Warn where almost everyone's first products are the same.

    Features that outweigh what tells users apart give everyone the same list.

    Args:
        able: Which users and which products have vectors.
        vectors: Those of users and of products, whose products are scores.
        history: What was bought.
    """
    users, products = (np.flatnonzero(one) for one in able)
    if len(users) < _FEWEST or len(products) < _FEWEST:
        return
    users = users[np.linspace(0, len(users) - 1, min(len(users), _SAMPLE)).astype(np.int64)]
    scores = vectors[0][users] @ vectors[1][products].T
    first = np.argpartition(-scores, _FIRST - 1, axis=1)[:, :_FIRST]
    votes = np.bincount(first.ravel(), minlength=len(products))
    common = np.sort(votes)[::-1][:_FIRST].sum() / first.size
    if common < _ALIKE:
        return
    bought = np.diff(sparse.csc_array(history.weights).indptr)[products]
    best = np.isin(np.argsort(-votes, kind="stable")[:_FIRST], np.argsort(-bought)[:_FIRST])
    warnings.warn(
        f"LightFM: {common:.0%} of everyone's first {_FIRST} products are the same ones, "
        f"{best.sum()} of them among the {_FIRST} most bought: features and histories hardly "
        f"tell customers apart; compare with Popularity, or use other features or more epochs",
        SuitabilityWarning,
        stacklevel=5,
    )
