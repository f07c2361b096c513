"""What is registered is on the page of metrics, and keeps to the range that it says."""

import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from suitably.metrics import LENSKIT, RECTOOLS, TREC, Metric
from suitably.metrics.catalogue import ACCURACY
from suitably.metrics.protocol import measure
from suitably.metrics.registry import REGISTRY
from suitably.testing import MetricContract

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
ENDS = {"1": 1.0, "ln 100": 4.605170185988092, "Σ d(r)": None}


def _rows():
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        names = {re.split("[@[]", name)[0] for name in re.findall(r"`([^`]+)`", cells[0])}
        if len(cells) == 5 and len(names) == 1:
            yield names.pop(), cells[2:]


ROWS = dict(_rows())


def test_every_metric_has_one_row():
    suitable = {f"suitable_{name}" for name in (*ACCURACY, "auc")}
    assert set(ROWS) | suitable == set(REGISTRY)
    assert len(list(_rows())) == len(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_unit_range_direction_and_needs_are_those_registered(name):
    (measured, better, reads), spec = ROWS[name], REGISTRY[name]
    unit, _, ends = measured.partition(", ")
    assert unit == spec.unit
    if ends:
        low, high = ends.split(" to ")
        bounds = spec.bounds(10) if callable(spec.bounds) else spec.bounds
        assert float(low) == bounds[0]
        assert ENDS[high] in (None, pytest.approx(bounds[1]))
    else:
        assert spec.bounds is None
    assert (better == "more") == spec.higher_is_better
    needs = set(spec.needs) - ({"convention"} if "convention" not in reads else set())
    assert set(reads.strip(" |").split(", ")) == needs


@pytest.mark.parametrize("name", ROWS)
def test_the_page_says_how_it_is_written(name):
    spec = REGISTRY[name]
    text = PAGE.read_text(encoding="utf-8")
    assert (f"`{name}@k`" in text) == spec.at_k
    assert (f"`{name}`" in text) == (spec.depth != "required")
    for option in spec.options:
        assert re.search(rf"`{option}`|\[{option}:|{option}:true", text)


@pytest.mark.parametrize("name", REGISTRY)
def test_values_keep_to_the_range(name):
    spec = REGISTRY[name]
    if spec.bounds is None or not spec.is_per_user:
        return
    options = {"level": "R1"} if name == "violation_rate_at" else {}
    for seed, convention in product(range(8), (TREC, LENSKIT, RECTOOLS)):
        seen = MetricContract().seen(seed, convention)
        for k in (1, 3, 10**9) if spec.at_k else (None,):
            metric = Metric(name, k, options)
            low, high = metric.range
            values = measure(metric, seen)
            known = values[~np.isnan(values)]
            assert (known >= low).all()
            assert (known <= high).all()


@pytest.mark.parametrize("name", ["dcg", "recall", "hit_rate", "mrr", "map"])
def test_a_deeper_look_finds_no_less(name):
    """All but those that measure against how deep one looks."""
    for seed in range(8):
        seen = MetricContract().seen(seed)
        values = [measure(Metric(name, k), seen) for k in range(1, 8)]
        assert (np.diff(values, axis=0) >= 0).all()
