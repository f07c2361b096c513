"""Metrics and conventions by name."""

import numpy as np
import pytest

from suitably.metrics import (
    LENSKIT,
    Hits,
    ListMetric,
    Metric,
    UserMetric,
    find_convention,
    parse_metric,
    parse_metrics,
    register,
)
from suitably.metrics.catalogue import ACCURACY
from suitably.metrics.registry import REGISTRY


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
        ("xyz@10", "no such metric; there are abstention_rate, auc"),
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


def test_what_is_registered_is_both_kinds_of_metric():
    for name, spec in REGISTRY.items():
        metric = Metric(name, 5 if spec.at_k else None)
        assert isinstance(metric, ListMetric)
        assert isinstance(metric, UserMetric)
        assert metric.needs == spec.needs


@pytest.fixture
def registry(monkeypatch):
    """Forget what a test registers."""
    for name in ("mean_fee", "total_fee"):
        monkeypatch.setitem(REGISTRY, name, REGISTRY["coverage"])
        monkeypatch.delitem(REGISTRY, name)


def test_parameters_say_what_a_metric_needs(registry):
    def mean_fee(products, product_fields, k):
        return np.zeros(len(products))

    register("mean_fee", mean_fee, higher_is_better=False)
    metric = parse_metric("mean_fee@3")
    assert metric.needs == ("products", "product_fields")
    assert not metric.higher_is_better
    assert metric.is_per_user
    with pytest.raises(ValueError, match="needs a depth, such as mean_fee@10"):
        parse_metric("mean_fee")
    with pytest.raises(ValueError, match="did you mean mean_fee"):
        parse_metric("mean_fees@3")


@pytest.mark.parametrize(
    ("name", "function", "message"),
    [
        ("ndcg", lambda hits: hits, "is registered already"),
        ("Total fee", lambda hits: hits, "lower-case letters"),
        ("total@fee", lambda hits: hits, "lower-case letters"),
        ("total_fee", lambda fees: fees, "asks for 'fees', which no metric sees"),
        ("total_fee", lambda product_field: 0, "did you mean product_fields"),
    ],
)
def test_refuses_to_register(registry, name, function, message):
    with pytest.raises(ValueError, match=message):
        register(name, function)
    assert "total_fee" not in REGISTRY


def test_an_object_may_not_need_what_no_metric_sees():
    class Odd:
        label, k, higher_is_better, needs = "odd", None, True, ("weather",)

        def measure(self, seen):
            return np.zeros(len(seen))

    with pytest.raises(ValueError, match="metric 'odd': needs 'weather', which no metric sees"):
        parse_metrics([Odd()])


@pytest.mark.parametrize(
    ("text", "options", "k"),
    [
        ("concentration[by:category]@10", {"by": "category"}, 10),
        ("concentration@3", {}, 3),
        ("concentration", {}, None),
        ("sharpe[risk_free:0.002]", {"risk_free": 0.002}, None),
        ("expected_revenue[with_commission:true]@5", {"with_commission": True}, 5),
        ("conversion[start:view,stage:click]@5", {"start": "view", "stage": "click"}, 5),
    ],
)
def test_options_are_read_and_written_back(text, options, k):
    metric = parse_metric(text)
    assert (dict(metric.options), metric.k, metric.label) == (options, k, text)
    assert metric == Metric(metric.name, k, options)
    assert hash(metric) == hash(Metric(metric.name, k))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("concentration[of:issuer]@3", "has no option 'of'; .*by"),
        ("ndcg[by:issuer]@3", "has no option 'by'$"),
        ("concentration[by]@3", "'by' must be option:value"),
        ("concentration[]@3", "'' must be option:value"),
        ("concentration[by:a,by:b]@3", "'by:b' must be option:value, each once"),
        ("sharpe[risk_free:much]", "'risk_free:much' must hold a float"),
        ("sharpe[risk_free:0.50]", r"write it 'sharpe\[risk_free:0.5\]'"),
        ("expected_revenue[with_commission:yes]@5", "must hold a bool"),
        ("concentration@3[by:issuer]", "must be a positive integer"),
        ("concentration]@3", "must be a name such as ndcg@10, or name"),
    ],
)
def test_options_that_are_none(text, message):
    with pytest.raises(ValueError, match=message):
        parse_metric(text)


def test_an_option_keeps_its_type():
    with pytest.raises(ValueError, match="by=3 must be of type str"):
        Metric("concentration", 3, {"by": 3})
    assert Metric("sharpe", None, {"risk_free": 1}).label == "sharpe[risk_free:1]"


def test_an_option_needs_a_default(registry):
    def mean_fee(products, *, by):
        return np.zeros(len(products))

    with pytest.raises(ValueError, match="option 'by' must have a default"):
        register("mean_fee", mean_fee)


def test_ranges_hold_for_any_convention():
    assert Metric("recall", 10).range == (0, 1)
    assert Metric("novelty", 10).range is None
    low, high = Metric("dcg", 3).range
    assert low == 0
    assert high == pytest.approx(LENSKIT.most(3))
    assert high >= find_convention("trec").most(3)
    assert np.isfinite(Metric("dcg", 10**9).range[1])


def test_accuracy_has_a_suitable_variant_of_each():
    for name in (*ACCURACY, "auc"):
        plain, suitable = REGISTRY[name], REGISTRY[f"suitable_{name}"]
        assert suitable.needs[0] == "suitable_hits"
        assert (suitable.unit, suitable.bounds, suitable.depth) == (
            plain.unit, plain.bounds, plain.depth
        )  # fmt: skip


def test_a_ratio_is_asked_for_its_parts():
    with pytest.raises(ValueError, match=r"metric 'ndcg@3': is no ratio"):
        Metric("ndcg", 3).ratio(None)
    assert Metric("cac", 3).is_ratio
