"""Training by `implicit`, its hazards guarded."""

from collections.abc import Callable
from typing import Any

import numpy as np
from implicit.recommender_base import ModelFitError
from numpy.typing import NDArray
from scipy import sparse

from suitably.errors import DataError
from suitably.ranking.topk.engine import check_factors
from suitably.utils.parallel import one_blas_thread

__all__ = ["bounded", "trained"]

_LARGEST = 2.0**20


def bounded(weights: sparse.csr_array) -> tuple[sparse.csr_array, float]:
    """Scale enormous weights down for training in single precision, which squares them.

    Beside such a weight what has none is next to nothing in any case.

    Returns:
        CSR float32, at most 2^20, and what the weights were multiplied by, which is to be done to
        what they are weighed against.
    """
    scale = min(1.0, _LARGEST / float(np.abs(weights.data).max(initial=1.0)))
    return (weights * scale).astype(np.float32), scale


def trained(
    name: str, make: Callable[[], Any], weights: sparse.csr_array
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Train a model and give the vectors of users and products.

    Args:
        name: The ranker's, for errors.
        make: Gives one of `implicit`'s models for the processor: on a machine with a graphics
            card its own choice would be another, with other answers.
        weights: CSR (users, products), every row and column with something in it. `implicit`
            takes stored zeros for purchases, so there must be none.

    Raises:
        DataError: Training ran away, and left numbers that are not finite.
    """
    matrix = sparse.csr_matrix(weights.astype(np.float32))
    matrix.eliminate_zeros()
    matrix.sort_indices()
    try:
        # What is not finite is refused below, with a message.
        with one_blas_thread(), np.errstate(all="ignore"):
            model = make()
            model.fit(matrix, show_progress=False)
    except ModelFitError:
        raise DataError(
            f"{name}: training gave numbers that are not finite; "
            "try smaller event weights, a smaller learning rate or another regularization"
        ) from None
    check_factors(name, model.user_factors, model.item_factors)
    return model.user_factors, model.item_factors
