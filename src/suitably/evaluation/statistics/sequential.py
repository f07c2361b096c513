"""Sequential looks: an interval that holds however often it is looked at."""

import math

from suitably.evaluation.statistics.protocol import Estimate

__all__ = ["confidence_sequence", "sequential_half_width"]


def sequential_half_width(
    error: float, n: int, tuned_for: int = 5_000, alpha: float = 0.05
) -> float:
    """Return how far an asymptotic confidence sequence reaches on either side.

    Args:
        error: The standard error so far.
        n: Users so far.
        tuned_for: At how many users it is narrowest.
        alpha: One less the coverage, over all looks together.

    Source:
        Waudby-Smith et al., "Time-uniform central limit theory and asymptotic confidence
        sequences", Annals of Statistics 52 (2024).

    Example:
        >>> round(sequential_half_width(0.014142843, 20_000), 4)
        0.0442
    """
    if not 0 < error < math.inf or n < 1 or tuned_for < 1 or not 0 < alpha < 1:
        raise ValueError(
            "error must be finite and above 0, n and tuned_for positive, alpha between 0 and 1"
        )
    log = -2 * math.log(alpha)
    rho = (log + math.log(1 + log)) / tuned_for
    scaled = n * rho
    inside = 2 * (scaled + 1) / (n * scaled) * math.log(math.sqrt(scaled + 1) / alpha)
    return error * math.sqrt(n) * math.sqrt(inside)


def confidence_sequence(
    estimate: Estimate, error: float, tuned_for: int = 5_000, alpha: float = 0.05
) -> tuple[float, float]:
    """Return the ends of the sequence about an estimate, of as many users as it is of.

    Example:
        >>> found = Estimate(20_000, 0, 1.0, 1.05, 0.05)
        >>> low, high = confidence_sequence(found, error=0.014142843)
        >>> 0 < low < 0.05 < high
        True
    """
    reach = sequential_half_width(error, estimate.n, tuned_for, alpha)
    return estimate.difference - reach, estimate.difference + reach
