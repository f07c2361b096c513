"""A/A simulation: how often a statistic finds a difference where there is none."""

from dataclasses import dataclass, replace

import numpy as np

from suitably.evaluation.statistics.protocol import PairedSample, Statistic
from suitably.evaluation.statistics.shares import clopper_pearson
from suitably.utils.record import Record

__all__ = ["AAResult", "aa_simulation"]


@dataclass(frozen=True)
class AAResult(Record):
    """What an A/A simulation found.

    Attributes:
        runs: How many.
        better: The share of runs whose interval lies above 0: each would have shipped.
        worse: The share whose interval lies below.
        high: The upper end of the exact 95 % interval of `better`.
    """

    runs: int
    better: float
    worse: float
    high: float


def aa_simulation(
    sample: PairedSample,
    statistic: Statistic,
    alpha: float = 0.05,
    runs: int = 1_000,
    seed: int = 0,
) -> AAResult:
    """Measure how often a statistic finds a difference between an arm and itself.

    In every run each user's measurements of the two arms are swapped or not, by the toss of a coin:
    whatever users are like, the arms then do not differ. Swapping all rows of a user together
    keeps what windows have in common.

    Args:
        sample: Of a real comparison.
        statistic: As `ABTest` takes it.
        alpha: Of its intervals.
        runs: How many.
        seed: Of the coins.

    Example:
        >>> from suitably.evaluation.statistics.paired_t import paired_t
        >>> rng = np.random.default_rng(0)
        >>> sample = PairedSample(rng.random(200), rng.random(200) + 1, np.arange(200))
        >>> found = aa_simulation(sample, paired_t, runs=200)
        >>> found.better < 0.06
        True
    """
    rng = np.random.default_rng(seed)
    _, users = np.unique(np.asarray(sample.users), return_inverse=True)
    count = int(users.max(initial=-1)) + 1
    better = worse = 0
    for _ in range(runs):
        swapped = rng.integers(0, 2, count, dtype=np.int8).astype(bool)[users]
        control = np.where(swapped, sample.treatment, sample.control)
        treatment = np.where(swapped, sample.control, sample.treatment)
        denominators = sample.denominators
        if denominators is not None:
            denominators = np.where(swapped, denominators[::-1], denominators)
        found = statistic(
            replace(sample, control=control, treatment=treatment, denominators=denominators), alpha
        )
        better += found.low > 0
        worse += found.high < 0
    return AAResult(runs, better / runs, worse / runs, clopper_pearson(better, runs)[1])
