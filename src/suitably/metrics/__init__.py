"""What is a good list? Kernels on arrays, one family a file, and metrics by name."""

from suitably.metrics.accuracy import (
    average_precision,
    dcg,
    hit_rate,
    mrr,
    ndcg,
    precision,
    recall,
)
from suitably.metrics.catalogue import catalogue_coverage, coverage
from suitably.metrics.convention import LENSKIT, RECTOOLS, TREC, Convention, find_convention
from suitably.metrics.hits import Hits
from suitably.metrics.names import Metric, UserMetric, parse_metric, parse_metrics
from suitably.metrics.suitability import violation_rate

__all__ = [
    "LENSKIT",
    "RECTOOLS",
    "TREC",
    "Convention",
    "Hits",
    "Metric",
    "UserMetric",
    "average_precision",
    "catalogue_coverage",
    "coverage",
    "dcg",
    "find_convention",
    "hit_rate",
    "mrr",
    "ndcg",
    "parse_metric",
    "parse_metrics",
    "precision",
    "recall",
    "violation_rate",
]
