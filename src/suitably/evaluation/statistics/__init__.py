"""Is a difference more than chance? A statistic a file, all of one protocol."""

from suitably.evaluation.statistics.paired_t import paired_difference, paired_t
from suitably.evaluation.statistics.protocol import Estimate, PairedSample, Statistic

__all__ = ["Estimate", "PairedSample", "Statistic", "paired_difference", "paired_t"]
