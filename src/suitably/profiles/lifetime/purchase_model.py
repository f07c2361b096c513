"""What models of repeat purchases have in common: how they are fitted and what they are asked."""

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from suitably.data.values import MAX_INTEGER
from suitably.errors import DataError, NotFittedError
from suitably.profiles.lifetime.distinct import distinct_rows
from suitably.profiles.lifetime.history_likelihood import HistoryLikelihood
from suitably.profiles.lifetime.likelihood import Floats, checked, maximise, usable
from suitably.utils.params import Parameterized, check_positive

__all__ = ["PurchaseModel"]


class PurchaseModel(Parameterized):
    """What `BetaGeo` and `ParetoNBD` share: four positive parameters, some moved by covariates.

    A subclass has `_alive` and `_while_active`, and names what else differs.

    Args:
        penalty: Weight of a quadratic penalty on the logarithms of the parameters, with time in
            mean lengths of observation, and on the coefficients.

    Attributes:
        params_: Parameters; may be set instead of fitted.
        params_type: Type of `params_`: a named tuple of the four.

    Example:
        >>> from suitably.profiles import BetaGeo, ParetoNBD
        >>> issubclass(BetaGeo, PurchaseModel), issubclass(ParetoNBD, PurchaseModel)
        (True, True)
    """

    params_type: ClassVar[type[Any]]

    params_: Any
    coefficients_: Floats | None = None
    center_: Floats | None = None
    scale_: Floats | None = None

    _likelihood: ClassVar[type[HistoryLikelihood]]
    _runaway: ClassVar[tuple[str, ...]]
    """For each parameter, what it means that it runs away."""
    _in_time: ClassVar[tuple[int, ...]]
    """Which parameters are in the unit of time of the data."""

    def __init__(self, penalty: float = 0.0) -> None:
        self.penalty = penalty

    def fit(
        self,
        frequency: ArrayLike,
        recency: ArrayLike,
        T: ArrayLike,
        covariates: ArrayLike | None = None,
    ) -> Self:
        """Estimate the parameters from what customers did.

        Args:
            frequency: (customers,), number of repeat purchases: periods with one, less the first.
            recency: (customers,), time from the first purchase to the last; 0 without a repeat.
            T: (customers,), time from the first purchase to the end of observation.
            covariates: (customers, covariates), what does not change with time.

        Raises:
            DataError: Not such numbers, or the likelihood has no maximum; the message says why.
        """
        check_positive(self, "penalty", zero=True)
        x, tx, age = (one.ravel() for one in _history(frequency, recency, T))
        z = self._standardise(covariates, len(x))
        name = type(self).__name__
        if not len(x):
            raise DataError(f"{name}: there are no customers to fit")
        if not x.any() and not self.penalty:
            raise DataError(f"{name}: nobody bought twice, so no rate can be told")
        unit = float(age.mean()) or 1.0
        if z is None:
            first, which = distinct_rows(x, tx, age)
            x, tx, age = x[first], tx[first], age[first]
            weights = np.bincount(which).astype(np.float64)
        else:
            weights = np.ones(len(x))
        likelihood = self._likelihood(x, tx / unit, age / unit, weights / weights.sum(), z)
        penalty = self.penalty / weights.sum()

        def objective(place: Floats) -> tuple[float, Floats]:
            value, gradient = likelihood(place)
            return value - penalty * float(place @ place), gradient - 2 * penalty * place

        moved = len(self._likelihood.moved)
        start = np.zeros(4 if z is None else 4 + moved * z.shape[1])
        place = maximise(objective, start, 4, self._runaway)
        found = np.exp(place[:4])
        found[list(self._in_time)] *= unit
        self.params_ = self.params_type(*found.tolist())
        self.coefficients_ = None if z is None else place[4:].reshape(moved, -1)
        return self

    def p_alive(
        self,
        x: ArrayLike,
        tx: ArrayLike,
        T: ArrayLike,
        covariates: ArrayLike | None = None,
    ) -> Floats:
        """Return the probability that a customer has not left: float64, as the arguments broadcast.

        Args:
            x: Number of repeat purchases.
            tx: Time of the last one.
            T: Time observed.
            covariates: Likewise, (customers, covariates), where the model was fitted with some.

        Raises:
            DataError: Numbers that no history has, such as a last purchase after the end.
        """
        x, tx, age = _history(x, tx, T)
        return self._alive(x, tx, age, *self._parameters(covariates))

    def expected_purchases(
        self,
        t: ArrayLike,
        x: ArrayLike,
        tx: ArrayLike,
        T: ArrayLike,
        covariates: ArrayLike | None = None,
        rate: ArrayLike = 0.0,
    ) -> Floats:
        """Return the expected number of purchases in the next `t`: float64, not negative.

        Args:
            t: How far ahead, in the unit of time of the data.
            x: Number of repeat purchases.
            tx: Time of the last one.
            T: Time observed.
            covariates: As for `p_alive`.
            rate: Discount per unit of time: a purchase expected after s counts exp(−rate · s).

        Raises:
            DataError: Numbers that no history has.
        """
        x, tx, age = _history(x, tx, T)
        ahead, rate = checked(t=t, rate=rate)
        params = self._parameters(covariates)
        alive = self._alive(x, tx, age, *params)
        return np.asarray(alive * self._while_active(ahead, x, age, *params, rate))

    @staticmethod
    def _alive(x: Floats, tx: Floats, age: Floats, *params: Any) -> Floats:
        """Return the probability that customers have not left."""
        raise NotImplementedError

    @staticmethod
    def _while_active(t: Floats, x: Floats, age: Floats, *params_and_rate: Any) -> Floats:
        """Return the discounted purchases expected of customers who have not left."""
        raise NotImplementedError

    def _parameters(self, covariates: ArrayLike | None) -> list[Any]:
        """Return the parameters, (customers,) each that covariates move."""
        name = type(self).__name__
        if not hasattr(self, "params_"):
            raise NotFittedError(f"{name}: call fit(frequency, recency, T), or set params_")
        params: list[Any] = usable(tuple(self.params_), name)
        if self.coefficients_ is None or self.center_ is None or self.scale_ is None:
            if covariates is not None:
                raise DataError(f"{name}: was fitted without covariates")
            return params
        if covariates is None:
            raise DataError(f"{name}: was fitted with covariates; give them here too")
        z = (_covariates(covariates, None) - self.center_) / self.scale_
        moved = self._likelihood.moved.items()
        for (i, sign), one in zip(moved, self.coefficients_, strict=True):
            params[i] = params[i] * np.exp(sign * (z @ one))
        return params

    def _standardise(self, covariates: ArrayLike | None, customers: int) -> Floats | None:
        self.center_ = self.scale_ = None
        if covariates is None:
            return None
        z = _covariates(covariates, customers)
        spread = z.std(axis=0) if len(z) else np.ones(z.shape[1])
        self.center_ = z.mean(axis=0) if len(z) else np.zeros(z.shape[1])
        self.scale_ = np.where(spread > 0, spread, 1.0)
        return (z - self.center_) / self.scale_


def _history(x: ArrayLike, tx: ArrayLike, age: ArrayLike) -> tuple[Floats, Floats, Floats]:
    x, tx, age = checked(frequency=x, recency=tx, T=age)
    for name, bad in (
        ("frequency: is beyond what can be counted", x > MAX_INTEGER),
        ("recency: the last purchase is later than T", tx > age),
        ("recency: must be 0 where frequency is 0", (x == 0) & (tx > 0)),
    ):
        if bad.any():
            raise DataError(f"{name} (position {np.flatnonzero(bad.ravel())[0]})")
    return x, tx, age


def _covariates(covariates: ArrayLike, customers: int | None) -> Floats:
    z = np.atleast_2d(np.asarray(covariates, np.float64))
    if z.ndim != 2 or (customers is not None and len(z) != customers):
        raise DataError(f"covariates: of shape {z.shape}, must be (customers, covariates)")
    if not np.isfinite(z).all():
        raise DataError("covariates: must be finite numbers")
    return z
