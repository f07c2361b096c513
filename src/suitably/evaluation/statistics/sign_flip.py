"""The sign-flip permutation test as a statistic: exact for few users, by simulation for many."""

import numpy as np

from suitably.evaluation.statistics.judged import Found, judged, test_based
from suitably.evaluation.statistics.protocol import Estimate, PairedSample, Statistic
from suitably.evaluation.statistics.sign_test import EXACT, exact_p_value, monte_carlo_p_value
from suitably.evaluation.statistics.user_means import UserMeans, user_means

__all__ = ["sign_flip"]


def sign_flip(resamples: int = 9_999, seed: int = 0) -> Statistic:
    """Return the test that flips the signs of users' differences; its interval is based on it.

    Up to 20 differences that are not 0 all flips are enumerated; beyond, as many as asked for are
    drawn at random.

    Args:
        resamples: How many flips are drawn.
        seed: Of the draws.

    Raises:
        ValueError: `resamples` is not positive.

    Example:
        >>> sample = PairedSample(np.zeros(8), np.arange(1.0, 9.0), np.arange(8))
        >>> sign_flip()(sample, 0.05).p_value
        0.0078125
    """
    if resamples < 1:
        raise ValueError(f"resamples={resamples!r}: must be positive")

    def find(means: UserMeans, alpha: float) -> Found:
        if means.differing <= EXACT:
            p_value = exact_p_value(means.differences)
        else:
            rng = np.random.default_rng(seed)
            p_value = monte_carlo_p_value(means.differences, resamples, rng)
        return Found(*test_based(means, p_value, alpha), p_value)

    def statistic(sample: PairedSample, alpha: float) -> Estimate:
        return judged(user_means(sample), alpha, "sign flips", find)

    return statistic
