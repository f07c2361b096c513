"""Gamma-Gamma: how much a customer spends in a purchase."""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import digamma, gammaln

from suitably.errors import DataError, NotFittedError
from suitably.profiles.lifetime.likelihood import Floats, checked, maximise, usable
from suitably.utils.params import Parameterized, check_positive

__all__ = ["GammaGamma", "GammaGammaParams"]

_NAMES = (
    "p runs away: a customer's purchases are all of one size",
    "q runs away: all customers spend the same on average",
    "v runs away: all customers spend the same on average",
)


class GammaGammaParams(NamedTuple):
    """Parameters of a Gamma-Gamma model.

    Attributes:
        p: Shape of the gamma distribution of a customer's amounts.
        q: Shape of the gamma distribution of its rate over customers.
        v: Scale of that, in the unit of money of the data.

    Example:
        >>> GammaGammaParams(p=6.25, q=3.74, v=15.45).v
        15.45
    """

    p: float
    q: float
    v: float


class GammaGamma(Parameterized):
    """Model the amount of a purchase, independent of how often a customer buys.

    Args:
        penalty: Weight of a quadratic penalty on the logarithms of the parameters, with money
            measured in mean amounts; 0 is plain maximum likelihood.

    Attributes:
        params_: Parameters; may be set instead of fitted.

    Source:
        P. S. Fader and B. G. S. Hardie, The Gamma-Gamma Model of Monetary Value (2013), formulas
        (1a) and (5).

    Example:
        >>> model = GammaGamma()
        >>> model.params_ = GammaGammaParams(6.25, 3.74, 15.45)
        >>> model.expected_value([2, 0], [22.35, 0]).round(4)
        array([24.6678, 35.2418])
    """

    params_: GammaGammaParams

    def __init__(self, penalty: float = 0.0) -> None:
        self.penalty = penalty

    def fit(self, frequency: ArrayLike, monetary: ArrayLike) -> Self:
        """Estimate the parameters from customers with a repeat purchase.

        Args:
            frequency: (customers,), number of repeat purchases; those without one are left out.
            monetary: (customers,), mean amount of these, above 0 where there is one.

        Raises:
            DataError: An amount that is not above 0, nobody with a repeat purchase, or no maximum.
        """
        check_positive(self, "penalty", zero=True)
        x, m = checked(frequency=frequency, monetary=monetary)
        _refuse_free(x, m)
        x, m = x[x > 0], m[x > 0]
        if not len(x):
            raise DataError("GammaGamma: nobody bought twice, so no amount is known to repeat")
        unit = float(m.mean())
        m = m / unit
        counts, place = np.unique(x, return_inverse=True)
        log_m = np.log(m)
        penalty = self.penalty / len(x)

        def objective(place_: Floats) -> tuple[float, Floats]:
            p, q, v = np.exp(place_)
            total = np.log(x * m + v)
            shape, by_shape = gammaln(p * counts + q) - gammaln(p * counts), digamma(p * counts + q)
            value = shape[place] - gammaln(q) + q * np.log(v) + (p * x - 1) * log_m
            value = value + p * x * np.log(x) - (p * x + q) * total
            by_p = counts * (by_shape - digamma(p * counts))
            by_p = by_p[place] + x * (log_m + np.log(x) - total)
            by_q = by_shape[place] - digamma(q) + np.log(v) - total
            by_v = q / v - (p * x + q) / (x * m + v)
            gradient = np.array([by_p.mean() * p, by_q.mean() * q, by_v.mean() * v])
            held = penalty * float(place_ @ place_)
            return float(value.mean()) - held, gradient - 2 * penalty * place_

        p, q, v = np.exp(maximise(objective, np.zeros(3), 3, _NAMES)).tolist()
        self.params_ = GammaGammaParams(p, q, v * unit)
        return self

    def expected_value(self, x: ArrayLike, m: ArrayLike) -> Floats:
        """Return the amount expected of a customer's next purchase: float64, above 0.

        Args:
            x: Number of repeat purchases.
            m: Mean amount of these; not read where there is none.

        Raises:
            DataError: The population's mean, which stands in without a repeat purchase, is not
                finite (q is at most 1); or amounts that are not above 0.
        """
        if not hasattr(self, "params_"):
            raise NotFittedError("GammaGamma: call fit(frequency, monetary), or set params_")
        p, q, v = usable(tuple(self.params_), "GammaGamma")
        (x,), m = checked(x=x), np.asarray(m, np.float64)
        x, m = checked(x=x, m=np.where(x > 0, m, 0.0))
        _refuse_free(x, m)
        below = p * x + q <= 1
        if below.any():
            raise DataError(
                f"GammaGamma: with p={p:g} and q={q:g} the mean amount of customers with "
                f"{x[below].flat[0]:g} repeat purchases is not finite, so nothing is expected of "
                f"them (position {np.flatnonzero(below.ravel())[0]})"
            )
        rest = p * x + q - 1
        return np.asarray(m * (p * x / rest) + p * v / rest)


def _refuse_free(x: Floats, m: Floats) -> None:
    free = (x > 0) & (m <= 0)
    if free.any():
        raise DataError(
            f"monetary: {int(free.sum())} customers with a repeat purchase have no amount above 0 "
            f"(position {np.flatnonzero(free.ravel())[0]})"
        )
