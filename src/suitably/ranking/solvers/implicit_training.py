"""Training by `implicit`, its hazards guarded.

It is imported where a model is trained and not before: it needs the system's OpenMP, which slim
images of containers lack, and most of the library does without.
"""

from importlib import import_module
from typing import Any

import numpy as np
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
    name: str, model_class: tuple[str, str], weights: sparse.csr_array, **parameters: Any
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Train a model and give the vectors of users and products.

    Args:
        name: The ranker's, for errors.
        model_class: Which of `implicit`'s models for the processor, by module and class: on a
            machine with a graphics card its own choice would be another, with other answers.
        weights: CSR (users, products), every row and column with something in it. `implicit`
            takes stored zeros for purchases, so there must be none.
        parameters: The model's own.

    Raises:
        DataError: Training ran away, and left numbers that are not finite.
        ImportError: `implicit` cannot be imported.
    """
    make, failed = _imported(name, *model_class)
    matrix = sparse.csr_matrix(weights.astype(np.float32))
    matrix.eliminate_zeros()
    matrix.sort_indices()
    try:
        # What is not finite is refused below, with a message.
        with one_blas_thread(), np.errstate(all="ignore"):
            model = make(**parameters)
            model.fit(matrix, show_progress=False)
    except failed:
        raise DataError(
            f"{name}: training gave numbers that are not finite; "
            "try smaller event weights, a smaller learning rate or another regularization"
        ) from None
    check_factors(name, model.user_factors, model.item_factors)
    return model.user_factors, model.item_factors


def _imported(name: str, module: str, model: str) -> tuple[Any, type[Exception]]:
    """Return a model's class, and what it raises where training ran away."""
    try:
        found = getattr(import_module(f"implicit.cpu.{module}"), model)
        return found, import_module("implicit.recommender_base").ModelFitError
    except ImportError as error:
        hint = (
            "; it is OpenMP of the system: apt-get install libgomp1, dnf install libgomp or "
            "apk add libgomp"
            if "libgomp" in str(error)
            else ""
        )
        raise ImportError(f"{name} trains with implicit, which fails: {error}{hint}") from error
