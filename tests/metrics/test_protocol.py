"""What metrics see, and how they are held to their word."""

import numpy as np
import pyarrow as pa
import pytest

from suitably.metrics import Hits, Metric, MetricInput
from suitably.metrics.metric_input import SEEN
from suitably.metrics.protocol import is_per_user, measure, needs_of

LENGTHS = np.array([2, 0])
PRODUCTS = np.array([[1, 0], [-1, -1]])
SEEN_BY_ALL = MetricInput(LENGTHS, PRODUCTS)


class Own:
    label, k, higher_is_better = "own", None, True
    needs = ("products", "product_fields")

    def __init__(self, values=None):
        self.values = values

    def measure(self, seen):
        return np.ones(len(seen)) if self.values is None else self.values


class Older:
    label, k, higher_is_better = "older", None, True

    def per_user(self, hits, convention):
        return hits.relevant.astype(float)


def test_what_nobody_gave_is_named():
    assert SEEN_BY_ALL.missing(("hits", "lengths", "events", "returns")) == ["hits", "returns"]
    given = {"lengths", "products", "convention", "events"}
    assert set(SEEN) - set(SEEN_BY_ALL.missing(SEEN)) == given
    with pytest.raises(ValueError, match="metric 'own': needs product_fields"):
        measure(Own(), SEEN_BY_ALL)
    with pytest.raises(ValueError, match="metric 'older': needs hits"):
        measure(Older(), SEEN_BY_ALL)


def test_one_that_sees_hits_alone_needs_no_more():
    hits = Hits(np.zeros((2, 2), bool), LENGTHS, np.array([3, 1]))
    assert needs_of(Older()) == ("hits", "convention")
    assert is_per_user(Older())
    seen = MetricInput(LENGTHS, PRODUCTS, hits=hits)
    assert measure(Older(), seen).tolist() == [3, 1]


@pytest.mark.parametrize(
    ("values", "message"),
    [(np.ones(3), r"gave \(3,\) for 2 users"), (0.5, r"gave \(\)"), ([1, np.inf], "infinite")],
)
def test_a_wrong_answer_is_refused(values, message):
    seen = MetricInput(LENGTHS, PRODUCTS, product_fields=pa.table({"fee": [1.0, 2.0]}))
    with pytest.raises(ValueError, match=message):
        measure(Own(values), seen)
    assert measure(Own(), seen).tolist() == [1, 1]


def test_a_figure_of_all_lists_is_one_number():
    seen = MetricInput(LENGTHS, PRODUCTS, size=4)
    assert measure(Metric("catalogue_coverage"), seen) == 0.5
    assert not is_per_user(Metric("catalogue_coverage"))
