"""Metrics and conventions by name."""

import numpy as np
import pytest

from suitably.metrics import (
    LENSKIT,
    Hits,
    Metric,
    UserMetric,
    find_convention,
    parse_metric,
    parse_metrics,
)


@pytest.mark.parametrize(
    ("text", "metric"),
    [
        ("ndcg@10", Metric("ndcg", 10)),
        ("hit_rate@1", Metric("hit_rate", 1)),
        ("coverage", Metric("coverage")),
        ("violation_rate", Metric("violation_rate")),
    ],
)
def test_reads_a_name_and_writes_it_back(text, metric):
    assert parse_metric(text) == metric
    assert metric.label == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ngcd@10", "no such metric; did you mean ndcg"),
        ("NDCG@10", "did you mean ndcg"),
        ("roi@10", "no such metric; there are catalogue_coverage, coverage, dcg"),
        ("", "no such metric"),
        ("@10", "no such metric"),
        ("ndcg", "needs a depth, such as ndcg@10"),
        ("ndcg@0", "k='0' must be a positive integer"),
        ("ndcg@-1", "must be a positive integer"),
        ("ndcg@1.5", "must be a positive integer"),
        ("ndcg@010", "must be a positive integer"),
        ("ndcg@ 10", "must be a positive integer"),
        ("ndcg@", "must be a positive integer"),
        ("ndcg@10@20", "must be a positive integer"),
        ("ndcg@١٠", "must be a positive integer"),
        ("coverage@10", "of the whole list, write it without @"),
        (7, "must be text"),
        (None, "must be text"),
    ],
)
def test_refuses_what_is_no_metric(text, message):
    with pytest.raises(ValueError, match=message):
        parse_metric(text)


@pytest.mark.parametrize("k", [0, -3, 2.0, True, "10"])
def test_refuses_a_depth_that_is_no_positive_integer(k):
    with pytest.raises(ValueError, match="must be a positive integer"):
        Metric("dcg", k)


@pytest.mark.parametrize(
    ("metrics", "message"),
    [([], "empty"), ("ndcg@10", "must be a list"), (["dcg@5", "dcg@5"], "asked for twice")],
)
def test_refuses_lists_that_say_nothing_or_the_same_twice(metrics, message):
    with pytest.raises(ValueError, match=message):
        parse_metrics(metrics)


def test_conventions_by_name():
    assert find_convention("lenskit") is LENSKIT
    assert find_convention(LENSKIT) is LENSKIT
    with pytest.raises(ValueError, match="did you mean trec"):
        find_convention("trek")


class Lucky:
    label, k, higher_is_better = "lucky", None, True

    def per_user(self, hits, convention):
        return hits.lengths.astype(float)


def test_a_metric_of_ones_own_needs_no_registration():
    own = Lucky()
    assert isinstance(own, UserMetric)
    assert parse_metrics([own, "dcg@5"])[0] is own


def test_whole_list_metrics_are_not_made_of_hits():
    hits = Hits(np.zeros((1, 1), bool), np.array([1]), np.array([1]))
    with pytest.raises(ValueError, match="not made of hits alone"):
        Metric("violation_rate").per_user(hits)
