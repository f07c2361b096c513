"""Sign flips: if the arms do not differ, each difference was as likely to be its opposite."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["EXACT", "FEW_DIFFERING", "exact_p_value", "monte_carlo_p_value"]

FEW_DIFFERING = 20
"""Below so many users whose values differ the exact test decides, whatever the statistic."""
EXACT = 20
"""Up to so many differences that are not 0 all flips are enumerated: a million sums."""
_CELLS = 2**22


def exact_p_value(differences: NDArray[np.float64]) -> float:
    """Return the two-sided p-value over all flips of signs; differences of 0 do not matter.

    Args:
        differences: float64 (users,), at most `EXACT` of them not 0.

    Source:
        Fisher, The Design of Experiments (1935), section 21; Student's sleep data give 4 / 1024.

    Example:
        >>> exact_p_value(np.array([1.0, 2.0, 0.0, 3.0]))
        0.25
    """
    sizes = np.abs(differences[differences != 0])
    if not len(sizes):
        return 1.0
    sums = np.zeros(1)
    for size in sizes:
        sums = np.concatenate([sums - size, sums + size])
    seen = abs(float(differences.sum()))
    return float((np.abs(sums) >= seen - _slack(sizes)).mean())


def monte_carlo_p_value(
    differences: NDArray[np.float64], resamples: int, rng: np.random.Generator
) -> float:
    """Return the two-sided p-value over random flips, the one that was seen counted among them.

    Source:
        Phipson and Smyth, "Permutation P-values Should Never Be Zero", 2010.
    """
    sizes = np.abs(differences[differences != 0])
    seen = abs(float(differences.sum())) - _slack(sizes)
    step = max(1, _CELLS // max(1, len(sizes)))
    beyond = 0
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        bits = np.unpackbits(np.frombuffer(rng.bytes(-(-rows * len(sizes) // 8)), np.uint8))
        signs = bits[: rows * len(sizes)].reshape(rows, len(sizes))
        # A sum with signs is twice that of the chosen ones less that of all.
        sums = 2 * (signs @ sizes) - sizes.sum()
        beyond += int((np.abs(sums) >= seen).sum())
    return (1 + beyond) / (1 + resamples)


def _slack(sizes: NDArray[np.float64]) -> float:
    """Return how far apart sums of the same differences can be by rounding alone."""
    return float(len(sizes) * np.finfo(np.float64).eps * sizes.sum())
