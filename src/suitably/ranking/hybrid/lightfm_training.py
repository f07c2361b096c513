"""The only place that needs the package `lightfm`: training, and nothing else of it."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.errors import DataError
from suitably.ranking.topk.engine import check_factors
from suitably.utils.extras import import_extra

__all__ = ["LOSSES", "train"]

LOSSES = ("warp", "bpr")


def train(
    weights: sparse.csr_array,
    users: sparse.csr_array,
    products: sparse.csr_array,
    *,
    loss: str,
    factors: int,
    epochs: int,
    learning_rate: float,
    regularization: float,
    seed: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Train a vector for every user and product, and one for each of their features.

    Args:
        weights: CSR (users, products), above 0 where stored.
        users: Their features: CSR (users, features).
        products: Theirs: CSR (products, features).
        loss: One of `LOSSES`.
        factors: Length of the vectors.
        epochs: Passes over what is stored.
        learning_rate: The first step of adagrad.
        regularization: L2 penalty on all vectors.
        seed: For the first vectors, the order of pairs and the products drawn against them.

    Returns:
        For users and for products float32 (rows + features, 1 + factors): bias, then vector.

    Raises:
        DataError: Training diverges.
        ImportError: The extra `suitably[lightfm]` is not installed.
    """
    pairs = sparse.coo_matrix(weights)
    # Weights of 1 at most, whatever their unit, so that none makes a step too long.
    pairs.data = pairs.data / pairs.data.max()
    bought = sparse.coo_matrix((np.ones_like(pairs.data), pairs.coords), shape=pairs.shape)
    lightfm = import_extra("lightfm", "LightFM: training", "lightfm", "lightfm")
    model = lightfm.LightFM(
        no_components=factors,
        loss=loss,
        learning_rate=learning_rate,
        user_alpha=regularization,
        item_alpha=regularization,
        random_state=seed,
    )
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # divergence is found, and said
            model.fit(
                bought,
                user_features=_beside_identity(users),
                item_features=_beside_identity(products),
                sample_weight=pairs,  # in the same order, as it must be
                epochs=epochs,
                num_threads=1,  # with more, the order of updates is a race
            )
    except ValueError as error:
        if "finite" not in str(error):
            raise
        raise DataError("LightFM: training diverges; try a smaller learning_rate") from error
    learned = (
        np.column_stack([model.user_biases, model.user_embeddings]),
        np.column_stack([model.item_biases, model.item_embeddings]),
    )
    check_factors("LightFM", *learned)
    return learned


def _beside_identity(features: sparse.csr_array) -> sparse.csr_matrix:
    """Put a column for each row's own vector before its features."""
    own = sparse.eye_array(features.shape[0], dtype=np.float32)
    both = sparse.csr_matrix(sparse.hstack([own, features], format="csr", dtype=np.float32))
    both.indices, both.indptr = both.indices.astype(np.int32), both.indptr.astype(np.int32)
    return both
