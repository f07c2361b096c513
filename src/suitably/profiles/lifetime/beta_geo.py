"""BG/NBD: how often customers without a contract buy, and whether they still do."""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import digamma, expit, gammaln

from suitably.data.values import MAX_INTEGER
from suitably.errors import DataError, NotFittedError
from suitably.profiles.lifetime.distinct import distinct_rows
from suitably.profiles.lifetime.expected import while_active
from suitably.profiles.lifetime.likelihood import Floats, checked, maximise, usable
from suitably.utils.params import Parameterized, check_positive

__all__ = ["BetaGeo", "BetaGeoParams"]

_NAMES = (
    "r runs away: every customer buys at the same rate, or nobody buys again",
    "alpha runs away: there are too few repeat purchases to tell a rate",
    "a runs away: nobody seems to leave, everybody leaves at once, or all are equally likely to",
    "b runs away: nobody seems to leave, or all are equally likely to",
)


class BetaGeoParams(NamedTuple):
    """Parameters of a BG/NBD model.

    Attributes:
        r: Shape of the gamma distribution of purchase rates.
        alpha: Its rate, in the unit of time of the data.
        a: First parameter of the beta distribution of the probability of leaving.
        b: Second one.

    Example:
        >>> BetaGeoParams(r=0.243, alpha=4.414, a=0.793, b=2.426).alpha
        4.414
    """

    r: float
    alpha: float
    a: float
    b: float


class BetaGeo(Parameterized):
    """Model repeat purchases: a rate per customer, and a chance to leave after each purchase.

    While active, a customer buys at a Poisson rate of their own, drawn from a gamma distribution;
    after every purchase they leave for good with a probability of their own, drawn from a beta
    distribution. What is asked is worked out in logarithms, so that no history is too long for it.

    Covariates move alpha, a and b by exp(−z·γ), exp(z·γ) and exp(z·γ), as Fader and Hardie (2007)
    propose; they are standardised to fit.

    Args:
        penalty: Weight of a quadratic penalty on the coefficients and on the logarithms of the
            parameters, with time measured in mean lengths of observation; it is taken off the
            log-likelihood of all customers, so that it fades as there are more of them. 0 is plain
            maximum likelihood.

    Attributes:
        params_: Parameters; may be set instead of fitted.
        coefficients_: float64 (3, covariates): on alpha, a and b; None without covariates.
        center_: float64 (covariates,), what was taken off them.
        scale_: float64 (covariates,), what they were divided by.

    Source:
        P. S. Fader, B. G. S. Hardie and K. L. Lee, "Counting Your Customers" the Easy Way,
        Marketing Science 24 (2005), formulas (3), (6) and (10); P. S. Fader and B. G. S. Hardie,
        Incorporating time-invariant covariates into the Pareto/NBD and BG/NBD models (2007).

    Example:
        >>> model = BetaGeo()
        >>> model.params_ = BetaGeoParams(0.243, 4.414, 0.793, 2.426)
        >>> round(float(model.p_alive(2, 30.43, 38.86)), 6)
        0.726579
        >>> round(float(model.expected_purchases(39, 2, 30.43, 38.86)), 4)
        1.226
    """

    params_: BetaGeoParams
    coefficients_: Floats | None = None
    center_: Floats | None = None
    scale_: Floats | None = None

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
        if not len(x):
            raise DataError("BetaGeo: there are no customers to fit")
        if not x.any() and not self.penalty:
            raise DataError("BetaGeo: nobody bought twice, so no rate can be told")
        unit = float(age.mean()) or 1.0
        if z is None:
            first, which = distinct_rows(x, tx, age)
            x, tx, age = x[first], tx[first], age[first]
            weights = np.bincount(which).astype(np.float64)
        else:
            weights = np.ones(len(x))
        problem = _Problem(x, tx / unit, age / unit, weights / weights.sum(), z)
        penalty = self.penalty / weights.sum()

        def objective(place: Floats) -> tuple[float, Floats]:
            value, gradient = problem(place)
            return value - penalty * float(place @ place), gradient - 2 * penalty * place

        start = np.zeros(4 if z is None else 4 + 3 * z.shape[1])
        place = maximise(objective, start, 4, _NAMES)
        r, alpha, a, b = np.exp(place[:4]).tolist()
        self.params_ = BetaGeoParams(r, alpha * unit, a, b)
        self.coefficients_ = None if z is None else place[4:].reshape(3, -1)
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
        r, alpha, a, b = self._parameters(covariates)
        alive = self._alive(x, tx, age, r, alpha, a, b)
        expected = alive * while_active(ahead, x, age, r, alpha, a, b, rate)
        return np.asarray(expected)

    @staticmethod
    def _alive(
        x: Floats, tx: Floats, age: Floats, r: float, alpha: Floats, a: Floats, b: Floats
    ) -> Floats:
        again = np.maximum(x - 1, 0.0)
        with np.errstate(over="ignore"):  # what has been silent for ever has left
            silent = np.log1p((age - tx) / (alpha + tx))
            odds = np.log(a) - np.log(b + again) + (r + x) * silent
        alive: Floats = np.where(x > 0, expit(-odds), 1.0)
        return alive

    def _parameters(self, covariates: ArrayLike | None) -> tuple[float, Floats, Floats, Floats]:
        if not hasattr(self, "params_"):
            raise NotFittedError("BetaGeo: call fit(frequency, recency, T), or set params_")
        r, alpha, a, b = usable(tuple(self.params_), "BetaGeo")
        sides = (np.asarray(alpha), np.asarray(a), np.asarray(b))
        if self.coefficients_ is None or self.center_ is None or self.scale_ is None:
            if covariates is not None:
                raise DataError("BetaGeo: was fitted without covariates")
            return r, *sides
        if covariates is None:
            raise DataError("BetaGeo: was fitted with covariates; give them here too")
        z = (_covariates(covariates, None) - self.center_) / self.scale_
        on_alpha, on_a, on_b = (z @ one for one in self.coefficients_)
        return r, sides[0] * np.exp(-on_alpha), sides[1] * np.exp(on_a), sides[2] * np.exp(on_b)

    def _standardise(self, covariates: ArrayLike | None, customers: int) -> Floats | None:
        self.center_ = self.scale_ = None
        if covariates is None:
            return None
        z = _covariates(covariates, customers)
        spread = z.std(axis=0) if len(z) else np.ones(z.shape[1])
        self.center_ = z.mean(axis=0) if len(z) else np.zeros(z.shape[1])
        self.scale_ = np.where(spread > 0, spread, 1.0)
        return (z - self.center_) / self.scale_


class _Problem:
    """The mean log-likelihood of histories and its gradient in log r, log alpha, log a, log b."""

    def __init__(
        self, x: Floats, tx: Floats, age: Floats, weights: Floats, z: Floats | None
    ) -> None:
        self.x, self.tx, self.age, self.weights, self.z = x, tx, age, weights, z
        self.again = x > 0
        # Functions of the number of purchases alone are worked out once for each number.
        self.counts, self.place = np.unique(x, return_inverse=True)

    def __call__(self, place: Floats) -> tuple[float, Floats]:
        r, alpha, a, b = np.exp(place[:4])
        if self.z is not None:
            on = place[4:].reshape(3, -1)
            alpha = alpha * np.exp(-(self.z @ on[0]))
            a, b = a * np.exp(self.z @ on[1]), b * np.exp(self.z @ on[2])
        x, again = self.x, self.again
        late, last = np.log(alpha + self.age), np.log(alpha + self.tx)
        lost = np.log(a) - np.log(b + np.maximum(x - 1, 0)) + (r + x) * (late - last)
        left = np.where(again, expit(lost), 0.0)  # the probability that the customer has left
        value = self._of_rate(gammaln, r) + r * np.log(alpha) - (r + x) * late
        value = value + self._of_chance(gammaln, a, b) + np.where(again, np.logaddexp(0, lost), 0)
        by_r = self._of_rate(digamma, r) + np.log(alpha) - late + left * (late - last)
        by_alpha = r / alpha - (r + x) * (
            (1 - left) / (alpha + self.age) + left / (alpha + self.tx)
        )
        both, second = self._shared(a + b), self._shared(b)
        by_a = both + left / a
        by_b = both - second - left / (b + np.maximum(x - 1, 0))
        sides = (by_alpha * alpha, by_a * a, by_b * b)
        gradient = [self.weights @ (by_r * r), *(self.weights @ side for side in sides)]
        if self.z is not None:
            signs = (-1.0, 1.0, 1.0)
            gradient += [
                one
                for sign, side in zip(signs, sides, strict=True)
                for one in sign * (self.z.T @ (self.weights * side))
            ]
        return float(self.weights @ value), np.array(gradient)

    def _of_rate(self, function: np.ufunc, r: float) -> Floats:
        """Return f(r + x) − f(r)."""
        found: Floats = (function(r + self.counts) - function(r))[self.place]
        return found

    def _of_chance(self, function: np.ufunc, a: Floats, b: Floats) -> Floats:
        """Return log B(a, b + x) − log B(a, b)."""
        if self.z is None:
            n = self.counts
            found = function(a + b) - function(b) + function(b + n) - function(a + b + n)
            return np.asarray(found)[self.place]
        x = self.x
        return np.asarray(function(a + b) - function(b) + function(b + x) - function(a + b + x))

    def _shared(self, one: Floats) -> Floats:
        """Return ψ(c) − ψ(c + x)."""
        if self.z is None:
            return np.asarray(digamma(one) - digamma(one + self.counts))[self.place]
        return np.asarray(digamma(one) - digamma(one + self.x))


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
