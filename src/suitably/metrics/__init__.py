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
from suitably.metrics.convention import LENSKIT, RECTOOLS, TREC, Convention, find_convention
from suitably.metrics.coverage import catalogue_coverage, coverage
from suitably.metrics.protocol import Hits, ListMetric, MetricInput, UserMetric
from suitably.metrics.registry import Metric, MetricSpec, parse_metric, parse_metrics, register
from suitably.metrics.suitability import violation_rate

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
    "register",
    "violation_rate",
]
