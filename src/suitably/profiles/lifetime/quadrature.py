"""Nodes at which functions of time are smooth enough for Gauss's rule."""

from functools import cache

import numpy as np
from numpy.polynomial.legendre import leggauss

from suitably.profiles.lifetime.likelihood import Floats

__all__ = ["log_span", "log_times", "unit_nodes"]

_NODES = 32


@cache
def unit_nodes(count: int) -> tuple[Floats, Floats]:
    """Return nodes and weights of Gauss and Legendre on the unit interval: float64 (count,)."""
    nodes, weights = leggauss(count)
    return (nodes + 1) / 2, weights / 2


def log_span(t: Floats, scale: Floats) -> Floats:
    """Return the logarithm of 1 + t/scale, also where the quotient overflows."""
    found: Floats = np.where(t < scale, np.log1p(t / scale), np.log(scale + t) - np.log(scale))
    return found


def log_times(t: Floats, scale: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the logarithms of 1 + s/scale of some times up to t, their weights, and the times.

    Args:
        t: (rows,).
        scale: (rows,).

    Returns:
        float64 (rows, nodes) each.
    """
    nodes, weights = unit_nodes(_NODES)
    end = log_span(t, scale)[:, None]
    ahead = nodes * end
    return ahead, weights * end, np.expm1(ahead) * scale[:, None]
