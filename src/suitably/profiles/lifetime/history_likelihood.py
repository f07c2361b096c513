"""The mean log-likelihood of purchase histories, whatever the model, with covariates or without."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from suitably.profiles.lifetime.likelihood import Floats

__all__ = ["HistoryLikelihood"]


class HistoryLikelihood:
    """A mean log-likelihood and its gradient, in the logarithms of four parameters.

    A subclass has `terms`, and says which parameters covariates move.

    Args:
        x: (histories,), numbers of repeat purchases.
        tx: (histories,), times of the last one.
        age: (histories,), times observed.
        weights: (histories,), which sum to 1.
        z: (histories, covariates), or None.

    Attributes:
        moved: By its position, the sign of a covariate's coefficient in the logarithm of a
            parameter that covariates move.
    """

    moved: ClassVar[Mapping[int, float]]

    def __init__(
        self, x: Floats, tx: Floats, age: Floats, weights: Floats, z: Floats | None
    ) -> None:
        self.x: Floats = x
        self.tx: Floats = tx
        self.age: Floats = age
        self.weights: Floats = weights
        self.z: Floats | None = z
        # Functions of the number of purchases alone are worked out once for each number.
        self.counts, self.place = np.unique(x, return_inverse=True)

    def __call__(self, place: Floats) -> tuple[float, Floats]:
        """Return the value and the gradient at four logarithms and the coefficients."""
        params = list(np.exp(place[:4]))
        if self.z is not None:
            on = place[4:].reshape(len(self.moved), -1)
            for (i, sign), one in zip(self.moved.items(), on, strict=True):
                params[i] = params[i] * np.exp(sign * (self.z @ one))
        value, sides = self.terms(*params)
        gradient = [float(self.weights @ side) for side in sides]
        if self.z is not None:
            for i, sign in self.moved.items():
                gradient += (sign * (self.z.T @ (self.weights * sides[i]))).tolist()
        return float(self.weights @ value), np.array(gradient)

    def terms(self, *params: Floats) -> tuple[Floats, tuple[Floats, Floats, Floats, Floats]]:
        """Return log-likelihoods, and their derivatives by the logarithm of each parameter.

        Args:
            params: Each a number, or (histories,) where covariates move it.
        """
        raise NotImplementedError

    def of_counts(self, function: np.ufunc, shape: Floats) -> Floats:
        """Return f(shape + x) − f(shape): float64 (histories,); `shape` is a number."""
        found: Floats = (function(shape + self.counts) - function(shape))[self.place]
        return found
