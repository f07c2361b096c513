"""How many purchases an active customer of the BG/NBD model is expected to make."""

from functools import cache

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy.special import betaincinv, hyp2f1

from suitably.profiles.lifetime.likelihood import Floats

__all__ = ["while_active"]

_NEAR = 1e-4
_LONG = 32
"""From so many purchases on, ₂F₁ is summed here: SciPy's loses it for some of these."""
_TERMS = 4000


def while_active(
    t: Floats, x: Floats, age: Floats, r: float, alpha: Floats, a: Floats, b: Floats
) -> Floats:
    """Return the purchases expected in the next `t` of a customer who is active now.

    The formula has removable poles at a = 1 and, without a repeat, at a + b = 1; there the mean of
    both sides is its value up to the square of the distance.
    """
    t, x, age, alpha, a, b = np.broadcast_arrays(t, x, age, alpha, a, b)
    pole = (np.abs(a - 1) < _NEAR) | (np.abs(a + b + x - 1) < _NEAR)
    if not pole.any():
        return _expected(t, x, age, r, alpha, a, b)
    shift = np.where(pole, 2 * _NEAR, 0.0)
    below, above = (_expected(t, x, age, r, alpha, a + s, b) for s in (-shift, shift))
    return (below + above) / 2


def _expected(
    t: Floats, x: Floats, age: Floats, r: float, alpha: Floats, a: Floats, b: Floats
) -> Floats:
    """Of the two forms of the formula by Euler, take the one that stays finite as z nears 1."""
    z = t / (alpha + age + t)
    c = a + b + x - 1
    euler = a <= 1 + r + x
    power = np.where(euler, a - 1, r + x) * np.log((alpha + age) / (alpha + age + t))
    first, second = np.where(euler, c - r - x, r + x), np.where(euler, a - 1, b + x)
    with np.errstate(all="ignore"):
        function = np.where(x < _LONG, hyp2f1(first, second, c, z), 0.0)
        long = (x >= _LONG) & euler
        function[long] = _series(first[long], second[long], c[long], z[long])
        found = np.where(t > 0, c / (a - 1) * (1 - np.exp(power) * function), 0.0)
    rest = ~np.isfinite(found) | ((x >= _LONG) & ~euler)
    if rest.any():
        found[rest] = _integrated(r, *(one[rest] for one in (t, x, age, alpha, a, b)))
    return found


def _series(first: Floats, second: Floats, c: Floats, z: Floats) -> Floats:
    """Sum ₂F₁ where c is so large that the terms fall fast."""
    total, term = np.ones_like(z), np.ones_like(z)
    for n in range(_TERMS):
        term = term * (first + n) * (second + n) / ((c + n) * (n + 1)) * z
        total = total + term
        if not (np.abs(term) > 1e-17 * np.abs(total)).any():
            return total
    return np.full_like(z, np.nan)


@cache
def _nodes(count: int) -> tuple[Floats, Floats]:
    nodes, weights = leggauss(count)
    return nodes, weights


def _integrated(
    r: float, t: Floats, x: Floats, age: Floats, alpha: Floats, a: Floats, b: Floats
) -> Floats:
    """Average over the chance p to leave: (1 − (1 + pt/(α+T))^−(r+x)) / p, p from beta(a, b+x)."""
    nodes, weights = _nodes(400)
    tiny = np.finfo(float).tiny
    p = np.maximum(betaincinv(a[:, None], (b + x)[:, None], (nodes + 1) / 2), tiny)
    rate = (r + x)[:, None] * np.log1p(p * (t / (alpha + age))[:, None])
    averaged: Floats = (-np.expm1(-rate) / p) @ weights / 2
    return averaged
