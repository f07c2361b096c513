"""Evidence against a level by betting: anytime-valid, whatever day a change begins."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BETS", "Evidence", "log_factor", "start_weights", "weigh"]

BETS: NDArray[np.float64] = 0.5 ** np.arange(1, 9, dtype=np.float64)
"""The stakes that are mixed in equal parts: ½ for large changes of few users, 1/256 for small."""

_SIDES = 2


@dataclass(frozen=True)
class Evidence:
    """How strongly each day's figures, with all before, speak against a level.

    Attributes:
        log: float64 (days, 2, …), the logarithm of the e-value that the mean is above, or below.
        since: int64 (days, 2, …), as of that day the most likely first day of the change.
    """

    log: NDArray[np.float64]
    since: NDArray[np.int64]


def weigh(
    sums: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> Evidence:
    """Weigh, day by day, whether the mean of values in [0, 1] has left an interval.

    For y = x − m ≥ −1 and a stake λ in [0, 1), exp(λy − ψ(λ)y²) with ψ(λ) = −ln(1 − λ) − λ is at
    most 1 + λy, whose mean is at most 1 where that of y is at most 0. So the product over all users
    since a day is a supermartingale, and so is its mean over stakes and days: of day s with weight
    w_s, of which A_t = (A_{t−1} + w_t) · L_t is the part that has begun, and the rest is 1 − Σ w_s.
    While the level holds, the chance that it ever reaches 1/α is at most α (Ville's inequality).

    Args:
        sums: float64 (days, 3, …), of each day how many values there were, their sum, and that of
            their squares. A day without values changes nothing.
        low: float64 (…), the least mean that is no change.
        high: float64 (…), the greatest.
        weights: float64 (days, …), of the days on which a change may begin; their sum at most 1.

    Returns:
        Evidence that the mean is above `high` (side 0) and below `low` (side 1).

    Source:
        Fan, Grama and Liu, "Exponential inequalities for martingales with applications", Electronic
        Journal of Probability 20 (2015), Lemma 4.1; Waudby-Smith and Ramdas, "Estimating means of
        bounded random variables by betting", Journal of the Royal Statistical Society B 86 (2024);
        Shin, Ramdas and Rinaldo, "E-detectors", New England Journal of Statistics in Data Science
        (2024), on mixtures over the day of the change.

    Example:
        >>> day = np.array([100.0, 50.0, 50.0])  # 50 of a hundred users, where 20 to 30 are usual
        >>> found = weigh(np.stack([day, day]), np.array(0.2), np.array(0.3), start_weights(2))
        >>> found.log[:, 0].round(2).tolist(), found.since[:, 0].tolist()
        ([2.29, 6.36], [0, 0])
    """
    days, batch = len(sums), sums.shape[2:]
    shape = (days, _SIDES, *batch)
    log, since = np.zeros(shape), np.zeros(shape, np.int64)
    # Stakes first, then sides: what has begun, the best single start, and which day that is.
    begun = np.full((len(BETS), _SIDES, *batch), -np.inf)
    best = np.zeros((len(BETS), _SIDES, *batch))
    start = np.zeros(best.shape, np.int64)
    waiting = np.ones(batch)
    with np.errstate(divide="ignore"):
        for day in range(days):
            won = log_factor(sums[day], low, high)
            waiting = np.maximum(waiting - weights[day], 0.0)
            begun = np.logaddexp(begun, np.log(weights[day])) + won
            start = np.where(best <= 0, day, start)
            best = np.maximum(best, 0.0) + won
            mixed = np.logaddexp.reduce(begun, axis=0) - math.log(len(BETS))
            log[day] = np.logaddexp(mixed, np.log(waiting))
            chosen = best.argmax(axis=0)[None]
            since[day] = np.take_along_axis(start, chosen, axis=0)[0]
    return Evidence(log, since)


def log_factor(
    sums: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what a day's sums multiply the evidence by: logarithms, float64 (stakes, 2, …)."""
    n, total, squares = sums
    above, below = total - n * high, n * low - total
    above_squared = squares - 2 * high * total + n * high**2
    below_squared = squares - 2 * low * total + n * low**2
    stakes = BETS.reshape(-1, *[1] * n.ndim)
    losses = -np.log1p(-stakes) - stakes
    sides = [
        stakes * gain - losses * np.maximum(spread, 0.0)
        for gain, spread in ((above, above_squared), (below, below_squared))
    ]
    return np.stack(sides, axis=1)


def start_weights(days: int) -> NDArray[np.float64]:
    """Return the weights 1/(s(s + 1)) of the days s = 1, 2, …: all there can be add up to 1.

    Example:
        >>> start_weights(3).round(4).tolist()
        [0.5, 0.1667, 0.0833]
    """
    s = np.arange(1, days + 1, dtype=np.float64)
    return 1 / (s * (s + 1))
