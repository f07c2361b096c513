"""Is a difference more than chance? A statistic a file, all of one protocol."""

from suitably.evaluation.statistics.paired_t import paired_difference, paired_t
from suitably.evaluation.statistics.protocol import Estimate, Statistic

__all__ = ["Estimate", "Statistic", "paired_difference", "paired_t"]
