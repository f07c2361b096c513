"""Pareto/NBD: how often customers without a contract buy, and whether they left at some time."""

from typing import Any, ClassVar, NamedTuple

import numpy as np
from scipy.special import digamma, expit, exprel, gammaln

from suitably.profiles.lifetime.history_likelihood import HistoryLikelihood
from suitably.profiles.lifetime.leaving import leaving
from suitably.profiles.lifetime.likelihood import Floats
from suitably.profiles.lifetime.purchase_model import PurchaseModel
from suitably.profiles.lifetime.quadrature import log_span, log_times

__all__ = ["ParetoNBD", "ParetoNBDParams"]

_WORTHLESS = 40.0
"""What is discounted, or has faded, by exp(−40) or less is left out."""
_BLOCK = 65_536
"""Customers worked out at a time."""


class ParetoNBDParams(NamedTuple):
    """Parameters of a Pareto/NBD model.

    Attributes:
        r: Shape of the gamma distribution of purchase rates.
        alpha: Its rate, in the unit of time of the data.
        s: Shape of the gamma distribution of rates of leaving.
        beta: Its rate, in the unit of time of the data.

    Example:
        >>> ParetoNBDParams(r=0.553, alpha=10.578, s=0.606, beta=11.669).s
        0.606
    """

    r: float
    alpha: float
    s: float
    beta: float


class _Problem(HistoryLikelihood):
    """The likelihood of Pareto/NBD in log r, log alpha, log s, log beta."""

    moved: ClassVar = {1: -1.0, 3: -1.0}

    def terms(self, *params: Any) -> tuple[Floats, tuple[Floats, Floats, Floats, Floats]]:
        r, alpha, s, beta = params
        x, age = self.x, self.age
        gone = leaving(x, self.tx, age, r, alpha, s, beta)
        left = expit(gone.log_odds)  # the probability that the customer has left
        stay = 1 - left
        late, ending = np.log(alpha + age), np.log(beta + age)
        value = self.of_counts(gammaln, r) + r * np.log(alpha) + s * np.log(beta)
        value = value - (r + x) * late - s * ending + np.logaddexp(0, gone.log_odds)
        by_r = self.of_counts(digamma, r) + np.log(alpha) - stay * late - left * gone.log_alpha
        by_alpha = r / alpha - (r + x) * (stay / (alpha + age) + left * gone.by_alpha)
        by_s = np.log(beta) - stay * ending + left * (1 / s - gone.log_beta)
        by_beta = s / beta - stay * s / (beta + age) - left * (s + 1) * gone.by_beta
        return value, (by_r * r, by_alpha * alpha, by_s * s, by_beta * beta)


class ParetoNBD(PurchaseModel):
    """Model repeat purchases: a rate per customer, and a rate of leaving at any time.

    While active, a customer buys at a Poisson rate of their own and leaves for good after an
    exponential time of their own; both rates are drawn from gamma distributions, independent of
    each other. Unlike in `BetaGeo`, who bought once may have left too.

    Covariates move alpha and beta by exp(−z·γ) each, as Fader and Hardie (2007) propose; they are
    standardised to fit.

    Args:
        penalty: Weight of a quadratic penalty on the coefficients and on the logarithms of the
            parameters, as `BetaGeo` has it.

    Attributes:
        params_: Parameters; may be set instead of fitted.
        coefficients_: float64 (2, covariates): on alpha and beta; None without covariates.
        center_: float64 (covariates,), what was taken off them.
        scale_: float64 (covariates,), what they were divided by.

    Source:
        D. C. Schmittlein, D. G. Morrison and R. Colombo, Counting Your Customers, Management
        Science 33 (1987); P. S. Fader and B. G. S. Hardie, A Note on Deriving the Pareto/NBD Model
        and Related Expressions (2005); the same, Incorporating time-invariant covariates into the
        Pareto/NBD and BG/NBD models (2007).

    Example:
        >>> model = ParetoNBD()
        >>> model.params_ = ParetoNBDParams(0.553, 10.578, 0.606, 11.669)
        >>> model.p_alive([0, 2], [0, 30.43], 38.86).round(4)
        array([0.2953, 0.8692])
        >>> round(float(model.expected_purchases(39, 2, 30.43, 38.86)), 4)
        1.4551
    """

    params_: ParetoNBDParams

    params_type: ClassVar = ParetoNBDParams
    _likelihood: ClassVar = _Problem
    _in_time: ClassVar = (1, 3)
    _runaway: ClassVar = (
        "r runs away: every customer buys at the same rate, or nobody buys again",
        "alpha runs away: there are too few repeat purchases to tell a rate",
        "s runs away: nobody seems to leave, or all do at the same rate",
        "beta runs away: nobody seems to leave, or all do at the same rate",
    )

    @staticmethod
    def _alive(x: Floats, tx: Floats, age: Floats, *params: Any) -> Floats:
        r, alpha, s, beta = params
        joint = np.broadcast_arrays(x, tx, age, alpha, beta)
        x, tx, age, alpha, beta = (np.ravel(one) for one in joint)
        odds = leaving(x, tx, age, r, alpha, s, beta).log_odds
        alive: Floats = expit(-odds).reshape(joint[0].shape)
        return alive

    @staticmethod
    def _while_active(t: Floats, x: Floats, age: Floats, *params_and_rate: Any) -> Floats:
        r, alpha, s, beta, rate = params_and_rate
        with np.errstate(over="ignore"):
            most = (r + x) * (t / (alpha + age))  # of somebody who cannot leave
            found = (r + x) / (alpha + age) * _time_active(t, s, beta + age, rate)
        bounded: Floats = np.minimum(found, np.nan_to_num(most, nan=np.inf))
        return bounded


def _time_active(t: Floats, s: float, scale: Floats, rate: Floats) -> Floats:
    """Return the discounted time for which customers who are active now stay so, of the next `t`.

    After a time h a share (1 + h/scale)^−s is still there. The integral from 0 to t is in closed
    form without a discount, written so that it loses no digits where s is near 1.
    """
    joint = np.broadcast_arrays(t, scale, rate)
    t, scale, rate = (np.asarray(one, np.float64).ravel() for one in joint)
    with np.errstate(all="ignore"):
        ahead = log_span(t, scale)
        found: Floats = np.where(t > 0, scale * (ahead * exprel((1 - s) * ahead)), 0.0)
        discounted = np.flatnonzero((rate > 0) & (t > 0))
        for start in range(0, len(discounted), _BLOCK):
            rows = discounted[start : start + _BLOCK]
            found[rows] = np.minimum(found[rows], _discounted(t[rows], s, scale[rows], rate[rows]))
    return found.reshape(joint[0].shape)


def _discounted(t: Floats, s: float, scale: Floats, rate: Floats) -> Floats:
    falling = s - 1 + rate * scale
    faint = np.where(falling > 0, np.expm1(_WORTHLESS / falling) * scale, np.inf)
    until = np.fmin(t, np.fmin(_WORTHLESS / rate, faint))
    ahead, step, since = log_times(until, scale)
    shares = np.exp((1 - s) * ahead - rate[:, None] * since)
    total: Floats = scale * (shares * step).sum(axis=1)
    return total
