"""The bootstrap of users' mean differences: percentiles, bias-corrected ones, or Bayesian."""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from suitably.evaluation.statistics.judged import Found, judged
from suitably.evaluation.statistics.protocol import Estimate, PairedSample, Statistic
from suitably.evaluation.statistics.user_means import UserMeans, user_means
from suitably.utils.parallel import parallel

__all__ = ["bootstrap", "resampled_means"]

Method = Literal["bca", "percentile", "bayesian"]
_METHODS = ("bca", "percentile", "bayesian")
_POISSON_FROM = 5_000  # users from which Poisson counts stand in for draws with replacement
_CELLS = 2**20


def bootstrap(method: Method = "bca", resamples: int = 1_000, seed: int = 0) -> Statistic:
    """Return a statistic whose interval comes from users drawn anew.

    Fewer than 20 users whose values differ are too few to stand for others: the exact test of
    signs flipped judges them.

    Args:
        method: `"percentile"`; `"bca"`, bias-corrected and accelerated by the differences'
            skewness; or `"bayesian"`, with weights from a Dirichlet distribution.
        resamples: How often users are drawn.
        seed: Of the draws.

    Raises:
        ValueError: Another method, or fewer than 100 resamples.

    Source:
        Efron, "Better Bootstrap Confidence Intervals", JASA 82 (1987); Rubin, "The Bayesian
        Bootstrap", Annals of Statistics 9 (1981).

    Example:
        >>> gains = np.random.default_rng(0).exponential(size=200) - 0.8
        >>> sample = PairedSample(np.zeros(200), gains, np.arange(200))
        >>> found = bootstrap("bca", seed=1)(sample, alpha=0.05)
        >>> found.low < found.difference < found.high
        True
    """
    if method not in _METHODS:
        raise ValueError(f"method={method!r:.40}: must be one of {', '.join(_METHODS)}")
    if resamples < 100:
        raise ValueError(f"resamples={resamples!r}: must be 100 or more")

    def find(means: UserMeans, alpha: float) -> Found:
        differences = means.differences
        draws = np.sort(
            resampled_means(differences[:, None], resamples, seed, method == "bayesian")[:, 0]
        )
        ends = np.array([alpha / 2, 1 - alpha / 2])
        if method == "bca":
            ends = _corrected(ends, draws, differences)
        low, high = np.quantile(draws, ends)
        least = 1 / resamples
        beyond = max(least, float(min((draws <= 0).mean(), (draws >= 0).mean())))
        return Found(float(low), float(high), min(1.0, 2 * beyond))

    def statistic(sample: PairedSample, alpha: float) -> Estimate:
        return judged(user_means(sample), alpha, f"bootstrap, {method}", find, exact_for_few=True)

    return statistic


def resampled_means(
    values: NDArray[np.float64], resamples: int, seed: int, bayesian: bool = False
) -> NDArray[np.float64]:
    """Return the means of resampled users, all columns of a resample from the same users.

    Users are drawn with replacement; from 5,000 on each counts as often as a Poisson variable of
    mean 1 says, which comes to the same and costs a third. Every block of resamples has a stream of
    its own, so that the answer does not depend on the number of threads.

    Args:
        values: float64 (users, columns).
        resamples: How many.
        seed: Of the draws.
        bayesian: Whether users are weighed by exponential variables instead.

    Returns:
        float64 (resamples, columns).

    Source:
        Chamandy et al., "Estimating Uncertainty for Massive Data Streams", Google (2012), for
        Poisson counts.

    Example:
        >>> means = resampled_means(np.arange(100.0)[:, None], 2_000, seed=0)
        >>> means.shape, bool(abs(means.std() - np.arange(100).std() / 10) < 0.2)
        ((2000, 1), True)
    """
    users = len(values)
    # About the mean, so that float32 sums lose nothing that matters.
    middle = values.mean(axis=0)
    apart = np.ascontiguousarray((values - middle), np.float32)
    apart = np.column_stack([apart, np.ones(users, np.float32)])
    size = max(1, _CELLS // max(1, users))
    blocks = [min(size, resamples - start) for start in range(0, resamples, size)]
    streams = np.random.SeedSequence(seed).spawn(len(blocks))
    draw = _exponential if bayesian else _poisson if users >= _POISSON_FROM else _multinomial

    def block(place: int) -> NDArray[np.float64]:
        weights = draw(np.random.default_rng(streams[place]), blocks[place], users)
        sums = (weights @ apart).astype(np.float64)
        found: NDArray[np.float64] = middle + sums[:, :-1] / sums[:, -1:]
        return found

    return np.concatenate(list(parallel(block, list(range(len(blocks))))))


Draw = Callable[[np.random.Generator, int, int], NDArray[np.float32]]


def _multinomial(rng: np.random.Generator, rows: int, users: int) -> NDArray[np.float32]:
    chosen = rng.integers(0, users, (rows, users), dtype=np.int64)
    chosen += np.arange(rows)[:, None] * users
    counts = np.bincount(chosen.ravel(), minlength=rows * users)
    return counts.reshape(rows, users).astype(np.float32)


def _exponential(rng: np.random.Generator, rows: int, users: int) -> NDArray[np.float32]:
    return rng.standard_exponential((rows, users), dtype=np.float32)


def _poisson(rng: np.random.Generator, rows: int, users: int) -> NDArray[np.float32]:
    """Draw by 16 bits a count: probabilities are right to one in 65,536."""
    drawn = rng.integers(0, 2**16, (rows, users), dtype=np.uint16)
    # Every number has its place, and to say so spares the check.
    found: NDArray[np.float32] = _POISSON.take(drawn, mode="clip")
    return found


def _poisson_table() -> NDArray[np.float32]:
    edges = np.round(stats.poisson.cdf(np.arange(9), 1) * 2**16).astype(np.int64)
    counts = np.searchsorted(edges, np.arange(2**16), side="right")
    return counts.astype(np.float32)


_POISSON = _poisson_table()


def _corrected(
    ends: NDArray[np.float64], draws: NDArray[np.float64], differences: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return which quantiles of the draws to take: bias and acceleration of a mean (BCa)."""
    share = float((draws < differences.mean()).mean())
    bias = float(stats.norm.ppf(np.clip(share, 1 / len(draws), 1 - 1 / len(draws))))
    # The jackknife of a mean has a closed form: its acceleration is skewness / (6 √n).
    apart = differences - differences.mean()
    squares = float((apart**2).sum())
    acceleration = float((apart**3).sum()) / (6 * squares**1.5) if squares else 0.0
    z = bias + stats.norm.ppf(ends)
    found: NDArray[np.float64] = stats.norm.cdf(bias + z / (1 - acceleration * z))
    return found
