"""Estimated probability of being approached: logistic regression, cross-fitted."""

import numpy as np
from numpy.typing import NDArray

from suitably.decisions.uplift.fields import Encoded
from suitably.decisions.uplift.outcome_models import Linear, cross_fitted

__all__ = ["estimated_probability"]


def estimated_probability(
    encoded: Encoded, approached: NDArray[np.bool_], folds: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return each row's probability by the model that has not seen its fold: float64 (n,)."""
    linear = Linear(binary=True, penalty=1.0)
    target = approached.astype(np.float64)
    found = cross_fitted(lambda rows: linear.fit(encoded.take(rows), target[rows]), encoded, folds)
    return found.fitted
