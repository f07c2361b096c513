"""How many purchases an active customer of the BG/NBD model is expected to make."""

import numpy as np
from scipy.special import betainccinv, betaincinv, hyp2f1

from suitably.profiles.lifetime.distinct import distinct_rows
from suitably.profiles.lifetime.likelihood import Floats
from suitably.profiles.lifetime.quadrature import log_times, unit_nodes

__all__ = ["while_active"]

_CHANCES = 200
_USUAL = 20.0
"""Up to which r, a and b the nodes and SciPy's ₂F₁ are good to nine digits."""
_LONGEST = 1e300
_WORTHLESS = 40.0
"""What is discounted by exp(−40) or less is left out."""
_BLOCK = 65_536
"""Customers worked out at a time."""


def while_active(
    t: Floats,
    x: Floats,
    age: Floats,
    r: float,
    alpha: Floats,
    a: Floats,
    b: Floats,
    rate: Floats | float = 0.0,
) -> Floats:
    """Return the purchases expected in the next `t` of a customer who is active now.

    Each is discounted from the moment at which it is expected. After a time s, the expected rate
    of purchases is (r+x)/(α+T) · ₂F₁(r+x+1, a; a+b+x; −s/(α+T)), the derivative of formula (10) of
    Fader, Hardie and Lee (2005). Its integral is taken over the logarithm of 1 + s/(α+T), where it
    is smooth; unlike the formula itself it loses no digits where a is near 1, or t or the rate is
    small.

    Args:
        t: Time ahead.
        x: Number of repeat purchases.
        age: Time observed.
        r: Shape of the gamma distribution of rates.
        alpha: Its rate.
        a: First parameter of the beta distribution of the chance to leave.
        b: Second one.
        rate: Discount per unit of time, compounded at every moment: after s, exp(−rate · s).
    """
    joint = np.broadcast_arrays(t, x, age, alpha, a, b, rate)
    columns = [np.asarray(column, np.float64).ravel() for column in joint]
    first, place = distinct_rows(*columns)
    found = np.zeros(len(first))
    for start in range(0, len(first), _BLOCK):
        rows = first[start : start + _BLOCK]
        found[start : start + _BLOCK] = _expected(r, *(column[rows] for column in columns))
    return found[place].reshape(joint[0].shape)


def _expected(
    r: float, t: Floats, x: Floats, age: Floats, alpha: Floats, a: Floats, b: Floats, rate: Floats
) -> Floats:
    with np.errstate(all="ignore"):
        t = np.minimum(t, np.where(rate > 0, _WORTHLESS / rate, _LONGEST))
        usual = (np.maximum(np.maximum(a, b), r) <= _USUAL) & (t > 0)
        found = np.full(len(t), np.nan)
        rows = np.flatnonzero(usual)
        found[rows] = _by_time(r, *(one[rows] for one in (t, x, age, alpha, a, b, rate)))
        rows = np.flatnonzero(~np.isfinite(found) & (t > 0))
        for part in np.array_split(rows, len(rows) // 256 + 1):
            found[part] = _by_chance(r, *(one[part] for one in (t, x, age, alpha, a, b, rate)))
        most = (r + x) * (t / (alpha + age))  # of somebody who cannot leave
    found = np.where(t > 0, found, 0.0)
    bounded: Floats = np.minimum(np.maximum(found, 0.0), np.nan_to_num(most, nan=np.inf))
    return bounded


def _by_time(
    r: float, t: Floats, x: Floats, age: Floats, alpha: Floats, a: Floats, b: Floats, rate: Floats
) -> Floats:
    """Integrate the discounted rate of purchases over the time ahead.

    Of the two forms of ₂F₁ by Pfaff, take the one that stays finite as time goes on.
    """
    ahead, step, since = log_times(t, alpha + age)
    done = -np.expm1(-ahead)
    x, a, b, rate = (one[:, None] for one in (x, a, b, rate))
    early = a <= 1 + r + x
    first, second = np.where(early, a, 1 + r + x), np.where(early, a + b - r - 1, b + x)
    fading = np.exp(ahead * (1 - first) - rate * since)
    rates = (r + x) * fading * hyp2f1(first, second, a + b + x, done)
    total: Floats = (rates * step).sum(axis=1)
    return total


def _by_chance(
    r: float, t: Floats, x: Floats, age: Floats, alpha: Floats, a: Floats, b: Floats, rate: Floats
) -> Floats:
    """Average over the chance p to leave: (1 − (1 + pt/(α+T))^−(r+x)) / p, p from beta(a, b+x).

    It costs more and has fewer digits, but nothing in it can overflow. Discounting is by parts.
    """
    first, place = distinct_rows(a, b, x)
    chances, weights = _chances(a[first], (b + x)[first])
    log_p = np.log(chances)[place]

    def until(s: Floats) -> Floats:
        far = np.logaddexp(0, log_p + np.log(s / (alpha + age))[:, None])
        averaged: Floats = (-np.expm1(-(r + x)[:, None] * far) * np.exp(-log_p) * weights).sum(
            axis=1
        )
        return averaged

    total = np.exp(-rate * t) * until(t)
    if rate.any():
        ahead, step, since = log_times(t, alpha + age)
        growing = np.exp(ahead) * (alpha + age)[:, None] * step * np.exp(-rate[:, None] * since)
        for node in range(since.shape[1]):
            total = total + rate * growing[:, node] * until(since[:, node])
    return total


def _chances(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return quantiles of beta distributions, (distributions, nodes), and their weights.

    They crowd together at both ends, where the distribution may have a pole.
    """
    nodes, weights = unit_nodes(_CHANCES)
    low, high = np.split(nodes, 2)
    p = np.concatenate(
        [
            betaincinv(a[:, None], b[:, None], low**2 * (3 - 2 * low)),
            betainccinv(a[:, None], b[:, None], (1 - high) ** 2 * (1 + 2 * high)),
        ],
        axis=1,
    )
    return np.maximum(p, np.finfo(float).tiny), weights * 6 * nodes * (1 - nodes)
