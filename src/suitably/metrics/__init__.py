"""What is a good list? Kernels on arrays, one family a file, and metrics by name."""

import suitably.metrics.catalogue  # noqa: F401  # registers what comes with the library
from suitably.metrics.accuracy import (
    auc,
    average_precision,
    dcg,
    hit_rate,
    mrr,
    ndcg,
    precision,
    recall,
)
from suitably.metrics.beyond_accuracy import (
    calibration,
    concentration,
    intra_list_diversity,
    novelty,
    profile_calibration,
    serendipity,
)
from suitably.metrics.business import (
    cac,
    contribution,
    conversion,
    expected_revenue,
    ltv_to_cac,
    retention,
    revenue_per_user,
)
from suitably.metrics.convention import LENSKIT, RECTOOLS, TREC, Convention, find_convention
from suitably.metrics.coverage import abstention_rate, catalogue_coverage, coverage, gini
from suitably.metrics.metric_input import Hits, MetricInput
from suitably.metrics.protocol import ListMetric, UserMetric
from suitably.metrics.ratio import Ratio, linearised
from suitably.metrics.registry import Metric, MetricSpec, parse_metric, parse_metrics, register
from suitably.metrics.returns import roi, sharpe, volatility
from suitably.metrics.suitability import (
    over_conservatism,
    rejection_rate,
    risk_excess,
    risk_match,
    violation_rate,
    violation_rate_at,
)

__all__ = [
    "LENSKIT",
    "RECTOOLS",
    "TREC",
    "Convention",
    "Hits",
    "ListMetric",
    "Metric",
    "MetricInput",
    "MetricSpec",
    "Ratio",
    "UserMetric",
    "abstention_rate",
    "auc",
    "average_precision",
    "cac",
    "calibration",
    "catalogue_coverage",
    "concentration",
    "contribution",
    "conversion",
    "coverage",
    "dcg",
    "expected_revenue",
    "find_convention",
    "gini",
    "hit_rate",
    "intra_list_diversity",
    "linearised",
    "ltv_to_cac",
    "mrr",
    "ndcg",
    "novelty",
    "over_conservatism",
    "parse_metric",
    "parse_metrics",
    "precision",
    "profile_calibration",
    "recall",
    "register",
    "rejection_rate",
    "retention",
    "revenue_per_user",
    "risk_excess",
    "risk_match",
    "roi",
    "serendipity",
    "sharpe",
    "violation_rate",
    "violation_rate_at",
    "volatility",
]
