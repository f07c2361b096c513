"""Is a difference more than chance? A statistic a file, all of one protocol."""

from suitably.evaluation.statistics.assignment import Assignment
from suitably.evaluation.statistics.bootstrap import bootstrap, resampled_means
from suitably.evaluation.statistics.clustered import clustered, effective_windows
from suitably.evaluation.statistics.cuped import Balance, balance, cuped
from suitably.evaluation.statistics.default import default_statistic
from suitably.evaluation.statistics.multiplicity import benjamini_hochberg, holm
from suitably.evaluation.statistics.paired_t import paired_difference, paired_t
from suitably.evaluation.statistics.power import (
    minimum_detectable_effect,
    more_users,
    non_inferior,
    power,
    sample_size,
    sample_size_of_shares,
    superior,
)
from suitably.evaluation.statistics.protocol import Estimate, PairedSample, Statistic
from suitably.evaluation.statistics.ratio import delta_ratio
from suitably.evaluation.statistics.sequential import confidence_sequence, sequential_half_width
from suitably.evaluation.statistics.shares import (
    ShareDifference,
    clopper_pearson,
    newcombe,
    wilson,
)
from suitably.evaluation.statistics.sign_flip import sign_flip
from suitably.evaluation.statistics.simulation import AAResult, aa_simulation
from suitably.evaluation.statistics.two_samples import (
    Moments,
    TwoSampleEstimate,
    mean_difference,
    ratio_difference,
    srm,
)
from suitably.evaluation.statistics.wilcoxon import wilcoxon

__all__ = [
    "AAResult",
    "Assignment",
    "Balance",
    "Estimate",
    "Moments",
    "PairedSample",
    "ShareDifference",
    "Statistic",
    "TwoSampleEstimate",
    "aa_simulation",
    "balance",
    "benjamini_hochberg",
    "bootstrap",
    "clopper_pearson",
    "clustered",
    "confidence_sequence",
    "cuped",
    "default_statistic",
    "delta_ratio",
    "effective_windows",
    "holm",
    "mean_difference",
    "minimum_detectable_effect",
    "more_users",
    "newcombe",
    "non_inferior",
    "paired_difference",
    "paired_t",
    "power",
    "ratio_difference",
    "resampled_means",
    "sample_size",
    "sample_size_of_shares",
    "sequential_half_width",
    "sign_flip",
    "srm",
    "superior",
    "wilcoxon",
    "wilson",
]
