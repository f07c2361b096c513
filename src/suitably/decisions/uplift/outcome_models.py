"""Models of a target on encoded fields, boosted and linear, and their cross-fitting."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from suitably.decisions.uplift.fields import Encoded
from suitably.utils.extras import import_extra
from suitably.utils.parallel import one_blas_thread, parallel
from suitably.utils.thread_limits import limited

__all__ = ["Boosting", "CrossFitted", "Linear", "Model", "cross_fitted", "require_sklearn"]

Floats = NDArray[np.float64]
Model: TypeAlias = Callable[[Encoded], Floats]
"""Rows in; float64 (rows,), or (rows, 2) without and with approach, out."""


def require_sklearn() -> None:
    """Refuse to go on without scikit-learn.

    Raises:
        ImportError: The extra `suitably[decisions]` is not installed.
    """
    import_extra("sklearn", "Uplift:", "scikit-learn", "decisions")


@dataclass(frozen=True)
class Boosting:
    """Settings of scikit-learn's histogram gradient boosting: small trees, heavy ridges.

    Attributes:
        binary: Whether the target is 0 or 1: a classifier then, of whose probability it is.
        trees: How many.
        leaves: Of a tree, at most.
        rate: Learning rate.
        ridge: L2 penalty of the leaves.
        least: Rows of a leaf.
    """

    binary: bool
    trees: int
    leaves: int
    rate: float = 0.2
    ridge: float = 10.0
    least: int = 50

    def fit(self, encoded: Encoded, target: Floats, seed: int) -> Model:
        """Return what predicts the target."""
        if _is_constant(encoded, target):
            return _constant(target)
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        make: Any = HistGradientBoostingClassifier if self.binary else HistGradientBoostingRegressor
        model = make(
            max_iter=self.trees,
            max_leaf_nodes=self.leaves,
            learning_rate=self.rate,
            l2_regularization=self.ridge,
            min_samples_leaf=self.least,
            max_bins=63,
            early_stopping=False,
            random_state=seed,
        )
        # Folds run on threads of ours; OpenMP's beside them would wait for each other.
        with limited(1, "openmp"):
            model.fit(encoded.values, target)

        def predict(rows: Encoded) -> Floats:
            if not len(rows.values):
                return np.zeros(0)
            with limited(1, "openmp"):
                if self.binary:
                    return np.asarray(model.predict_proba(rows.values)[:, 1], np.float64)
                return np.asarray(model.predict(rows.values), np.float64)

        return predict


@dataclass(frozen=True)
class Linear:
    """Settings of a ridge or a logistic regression on smooth columns.

    Attributes:
        binary: Whether it is logistic.
        penalty: On the squared coefficients, over the sum of losses; the constant is free.
    """

    binary: bool
    penalty: float

    def fit(self, encoded: Encoded, target: Floats) -> Model:
        """Return what predicts the target."""
        if _is_constant(encoded, target):
            return _constant(target)
        from sklearn.linear_model import LogisticRegression, Ridge

        model: Any = Ridge(self.penalty, solver="cholesky")
        if self.binary:
            model = LogisticRegression(C=1 / self.penalty, max_iter=200)
        with one_blas_thread():
            model.fit(encoded.smooth, target)

        def predict(rows: Encoded) -> Floats:
            if not len(rows.smooth):
                return np.zeros(0)
            if self.binary:
                return np.asarray(model.predict_proba(rows.smooth)[:, 1], np.float64)
            return np.asarray(model.predict(rows.smooth), np.float64)

        return predict


def _is_constant(encoded: Encoded, target: Floats) -> bool:
    return not encoded.values.shape[1] or not len(target) or bool((target == target[0]).all())


def _constant(target: Floats) -> Model:
    level = float(target.mean()) if len(target) else 0.0
    return lambda rows: np.full(len(rows.values), level)


@dataclass(frozen=True)
class CrossFitted:
    """A model per fold.

    Attributes:
        fitted: float64 (n,) or (n, 2): each row of the fit by the model that has not seen it.
        models: One per fold.
    """

    fitted: Floats
    models: Sequence[Model]

    def predict(self, rows: Encoded) -> Floats:
        """Return the mean of the folds' models."""
        found: Floats = np.mean(list(parallel(lambda model: model(rows), self.models)), axis=0)
        return found


def cross_fitted(
    fit: Callable[[NDArray[np.bool_]], Model], encoded: Encoded, folds: NDArray[np.int64]
) -> CrossFitted:
    """Fit a model without each fold, and predict each row by the model that has not seen it.

    Args:
        fit: Given the rows to learn from, bool (n,), returns a model.
        encoded: All rows.
        folds: int64 (n,), from 0.
    """

    def one(fold: int) -> tuple[Model, Floats]:
        model = fit(folds != fold)
        return model, model(encoded.take(folds == fold))

    found = list(parallel(one, list(range(int(folds.max()) + 1))))
    fitted = np.empty((len(folds), *found[0][1].shape[1:]))
    for fold, (_, predicted) in enumerate(found):
        fitted[folds == fold] = predicted
    return CrossFitted(fitted, [model for model, _ in found])
