"""The default statistic: what `ABTest` decides by, unless it is told otherwise."""

from suitably.evaluation.statistics.clustered import clustered_differences, several_windows
from suitably.evaluation.statistics.judged import judged
from suitably.evaluation.statistics.protocol import Estimate, PairedSample
from suitably.evaluation.statistics.ratio import delta_ratio
from suitably.evaluation.statistics.skewness import cautious_student
from suitably.evaluation.statistics.user_means import user_means

__all__ = ["default_statistic"]


def default_statistic(sample: PairedSample, alpha: float) -> Estimate:
    """Compare by what suits the sample.

    Student's paired t over users' averages, widened where skewed differences alone may have kept
    its interval from 0 (`cautious_student`); where there are several windows, an interval that is
    robust over users and windows (`clustered`); for a ratio the delta method (`delta_ratio`); and
    for fewer than 20 users whose values differ the exact test of signs flipped.

    Example:
        >>> import numpy as np
        >>> gains = np.array([1.0, 2, 3, 4, 5, 6, 7])
        >>> found = default_statistic(PairedSample(np.zeros(7), gains, np.arange(7)), 0.05)
        >>> found.method, found.p_value
        ('exact sign flips', 0.015625)
    """
    if sample.denominators is not None:
        return delta_ratio(sample, alpha)
    if several_windows(sample):
        find = clustered_differences(sample)
        return judged(
            user_means(sample), alpha, "clustered by user and window", find, exact_for_few=True
        )
    return judged(user_means(sample), alpha, "paired t", cautious_student, exact_for_few=True)
