"""When a customer of the Pareto/NBD model left: what is averaged over the time since a purchase."""

from typing import NamedTuple

import numpy as np

from suitably.profiles.lifetime.likelihood import Floats
from suitably.profiles.lifetime.quadrature import log_span, unit_nodes

__all__ = ["Leaving", "leaving"]

_NODES = 20
_FAINT = 28.0
"""What is exp(−28) of the most, 7·10⁻¹³, is left out."""
_BLOCK = 2048
"""Histories worked out at a time, so that their nodes stay in the cache."""


class Leaving(NamedTuple):
    """Of customers who left between their last purchase and the end of observation.

    Attributes:
        log_odds: float64 (histories,), of having left; −∞ where there was no time to.
        log_alpha: float64 (histories,), mean of log(α + y) over the time y at which they left.
        log_beta: float64 (histories,), mean of log(β + y).
        by_alpha: float64 (histories,), mean of 1 / (α + y).
        by_beta: float64 (histories,), mean of 1 / (β + y).
    """

    log_odds: Floats
    log_alpha: Floats
    log_beta: Floats
    by_alpha: Floats
    by_beta: Floats


def leaving(
    x: Floats, tx: Floats, age: Floats, r: float, alpha: Floats, s: float, beta: Floats
) -> Leaving:
    """Work out the odds that customers have left, and when.

    Who leaves at a time y after the last purchase has the likelihood s (α+y)^−(r+x) (β+y)^−(s+1),
    who has not left at T that of (α+T)^−(r+x) (β+T)^−s, times what both share. The integral of the
    first from t_x to T has a closed form, the difference of two ₂F₁ of Fader and Hardie's note. It
    is taken by Gauss's rule instead, over log(1 + (y − t_x)/m), m the smaller of α + t_x and
    β + t_x: the integrand's logarithm is concave there, so that it is known where it becomes faint,
    nothing cancels, and the derivatives by the parameters, which ₂F₁ has in no closed form, are
    averages over the same nodes.

    Args:
        x: (histories,), numbers of repeat purchases.
        tx: (histories,), times of the last one.
        age: (histories,), times observed.
        r: Shape of the gamma distribution of rates of purchase.
        alpha: Its rate; a number, or (histories,).
        s: Shape of the gamma distribution of rates of leaving.
        beta: Its rate; likewise.

    Source:
        P. S. Fader and B. G. S. Hardie, A Note on Deriving the Pareto/NBD Model and Related
        Expressions (2005), formulas (18) to (20).
    """
    columns = [np.asarray(one) for one in np.broadcast_arrays(x, tx, age, alpha, beta)]
    found = np.empty((5, len(columns[0])))
    with np.errstate(all="ignore"):
        for start in range(0, found.shape[1], _BLOCK):
            rows = slice(start, start + _BLOCK)
            found[:, rows] = _block(r, s, *(column[rows] for column in columns))
    return Leaving(*found)


def _block(
    r: float, s: float, x: Floats, tx: Floats, age: Floats, alpha: Floats, beta: Floats
) -> Leaving:
    first, second, silent = alpha + tx, beta + tx, age - tx
    swap = second < first
    near, far = np.where(swap, second, first), np.where(swap, first, second)
    power, other = np.where(swap, s + 1, r + x), np.where(swap, r + x, s + 1)
    nodes, weights = unit_nodes(_NODES)
    end = _end(silent, near, far, power, other)
    ahead = nodes * end[:, None]  # log((near + since) / near)
    grown = np.exp(ahead)
    wider = 1 + (grown - 1) * (near / far)[:, None]  # (far + since) / far
    beyond = np.log(wider)
    share = weights * np.exp((1 - power)[:, None] * ahead - other[:, None] * beyond)
    total = share.sum(axis=1)
    log_odds = np.log(s) + np.log(near) + np.log(end * total) - np.log(second)
    log_odds = log_odds + (r + x) * log_span(silent, first) + s * log_span(silent, second)
    logs = np.log(near) + end * (share @ nodes) / total, np.log(far) + _dot(share, beyond) / total
    inverse = _dot(share, 1 / grown) / total / near, _dot(share, 1 / wider) / total / far
    pairs = [(np.where(swap, b, a), np.where(swap, a, b)) for a, b in (logs, inverse)]
    return Leaving(log_odds, *pairs[0], *pairs[1])


def _dot(a: Floats, b: Floats) -> Floats:
    found: Floats = np.einsum("ij,ij->i", a, b)
    return found


def _end(silent: Floats, near: Floats, far: Floats, power: Floats, other: Floats) -> Floats:
    """Return up to where the integrand counts, as a logarithm of 1 + y/near."""
    whole = log_span(silent, near)
    falling = power - 1 + other * (near / far)  # at least as fast as at the beginning
    until = np.where(falling > 0, _FAINT / falling, np.inf)
    # Where it rises first, it does so by no more than exp(whole).
    later = log_span(np.expm1((_FAINT + whole) / other) * far, near)
    found: Floats = np.fmin(whole, np.fmin(until, later))
    return found
