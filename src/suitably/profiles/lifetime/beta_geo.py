"""BG/NBD: how often customers without a contract buy, and whether they left after a purchase."""

from typing import Any, ClassVar, NamedTuple

import numpy as np
from scipy.special import digamma, expit, gammaln

from suitably.profiles.lifetime.expected import while_active
from suitably.profiles.lifetime.history_likelihood import HistoryLikelihood
from suitably.profiles.lifetime.likelihood import Floats
from suitably.profiles.lifetime.purchase_model import PurchaseModel

__all__ = ["BetaGeo", "BetaGeoParams"]


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


class _Problem(HistoryLikelihood):
    """The likelihood of BG/NBD in log r, log alpha, log a, log b."""

    moved: ClassVar = {1: -1.0, 2: 1.0, 3: 1.0}

    def terms(self, *params: Any) -> tuple[Floats, tuple[Floats, Floats, Floats, Floats]]:
        r, alpha, a, b = params
        x, again = self.x, self.x > 0
        late, last = np.log(alpha + self.age), np.log(alpha + self.tx)
        lost = np.log(a) - np.log(b + np.maximum(x - 1, 0)) + (r + x) * (late - last)
        left = np.where(again, expit(lost), 0.0)  # the probability that the customer has left
        value = self.of_counts(gammaln, r) + r * np.log(alpha) - (r + x) * late
        value = value + self._of_chance(gammaln, a, b) + np.where(again, np.logaddexp(0, lost), 0)
        by_r = self.of_counts(digamma, r) + np.log(alpha) - late + left * (late - last)
        by_alpha = r / alpha - (r + x) * (
            (1 - left) / (alpha + self.age) + left / (alpha + self.tx)
        )
        both, second = self._shared(a + b), self._shared(b)
        by_a = both + left / a
        by_b = both - second - left / (b + np.maximum(x - 1, 0))
        return value, (by_r * r, by_alpha * alpha, by_a * a, by_b * b)

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


class BetaGeo(PurchaseModel):
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

    params_type: ClassVar = BetaGeoParams
    _likelihood: ClassVar = _Problem
    _in_time: ClassVar = (1,)
    _runaway: ClassVar = (
        "r runs away: every customer buys at the same rate, or nobody buys again",
        "alpha runs away: there are too few repeat purchases to tell a rate",
        "a runs away: nobody seems to leave, everybody leaves at once, or all are equally likely "
        "to",
        "b runs away: nobody seems to leave, or all are equally likely to",
    )

    @staticmethod
    def _alive(x: Floats, tx: Floats, age: Floats, *params: Any) -> Floats:
        r, alpha, a, b = params
        again = np.maximum(x - 1, 0.0)
        with np.errstate(over="ignore"):  # what has been silent for ever has left
            silent = np.log1p((age - tx) / (alpha + tx))
            odds = np.log(a) - np.log(b + again) + (r + x) * silent
        alive: Floats = np.where(x > 0, expit(-odds), 1.0)
        return alive

    @staticmethod
    def _while_active(t: Floats, x: Floats, age: Floats, *params_and_rate: Any) -> Floats:
        return while_active(t, x, age, *params_and_rate)
