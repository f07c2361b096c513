"""Distances between distributions, and how evenly products are shown: figures, not alarms."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["gini", "psi", "top_share", "wasserstein"]

_LEAST = 1e-4


def psi(before: NDArray[np.float64], now: NDArray[np.float64]) -> float:
    """Return the population stability index, Σ (q − p) ln(q / p) over bins.

    Below .1 is usually read as stable and above .25 as another population. A share below .0001
    counts as .0001, else an empty bin would make it infinite.

    Args:
        before: Shares p of bins, or counts.
        now: Shares q, or counts.

    Source:
        Siddiqi, Credit Risk Scorecards (2006), chapter 8; Kullback and Leibler's J divergence.

    Example:
        >>> round(psi(np.array([0.5, 0.5]), np.array([0.75, 0.25])), 6)  # ln(3) / 4
        0.274653
    """
    if not before.sum() or not now.sum():
        return float("nan")
    p = np.maximum(before / before.sum(), _LEAST)
    q = np.maximum(now / now.sum(), _LEAST)
    return float(np.sum((q - p) * np.log(q / p)))


def wasserstein(
    before: NDArray[np.float64], now: NDArray[np.float64], edges: NDArray[np.float64]
) -> float:
    """Return how far, on average, values have moved: ∫ abs(F − G), in the values' own unit.

    Values are spread evenly within a bin, so that both distribution functions are straight lines
    between edges and the integral is exact.

    Args:
        before: Shares of bins, or counts.
        now: Likewise.
        edges: float64 (bins + 1,), ascending.

    Source:
        Vallender, "Calculation of the Wasserstein distance between probability distributions on the
        line", Theory of Probability and its Applications 18 (1974).

    Example:
        >>> wasserstein(np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.array([0.0, 1.0, 2.0]))
        1.0
    """
    if not before.sum() or not now.sum():
        return float("nan")
    gap = np.append(0.0, np.cumsum(now / now.sum() - before / before.sum()))
    left, right = gap[:-1], gap[1:]
    size = np.abs(left) + np.abs(right)
    crossing = left * right < 0
    with np.errstate(divide="ignore", invalid="ignore"):
        area = np.where(crossing, (left**2 + right**2) / (2 * size), size / 2)
    return float(np.sum(np.diff(edges) * np.where(size > 0, area, 0.0)))


def gini(counts: NDArray[np.float64]) -> float:
    """Return how unevenly products are listed: 0 all alike, towards 1 all places to one product.

    Args:
        counts: Places of each product of the catalogue, those never listed included.

    Example:
        >>> gini(np.array([1.0, 1.0, 1.0, 1.0])), gini(np.array([0.0, 0.0, 0.0, 4.0]))
        (0.0, 0.75)
    """
    total, n = counts.sum(), len(counts)
    if not total:
        return float("nan")
    ranks = np.arange(1, n + 1)
    return float(2 * np.sum(ranks * np.sort(counts)) / (n * total) - (n + 1) / n)


def top_share(counts: NDArray[np.float64], top: float = 0.1) -> float:
    """Return the share of list places that the most listed products have.

    Args:
        counts: Places of each product of the catalogue.
        top: Which share of the catalogue counts, one product at least.

    Example:
        >>> top_share(np.array([6.0, 2.0, 1.0, 1.0]), top=0.25)
        0.6
    """
    total = counts.sum()
    if not total:
        return float("nan")
    most = max(1, round(top * len(counts)))
    return float(np.sort(counts)[-most:].sum() / total)
