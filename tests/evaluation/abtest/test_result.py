"""What a result gives: frames, records for JSON, short texts, and a plot."""

import importlib
import json
from dataclasses import replace

import numpy as np
import pytest

from suitably.evaluation import ABTest, Estimate, Guardrail, TimeSplit
from suitably.evaluation.abtest.records import COLUMNS

SPLIT = TimeSplit(at="2021-01-01", horizon_days=180)


@pytest.fixture
def result(bank):
    metrics = ["dcg@10", "catalogue_coverage"]
    test = ABTest(bank.poor(), bank.good(), metrics, segments="segment", min_segment=5)
    return test.run(bank.data, split=SPLIT)


def test_columns_are_defined_once(result):
    assert list(result.to_frame().columns) == list(COLUMNS)
    printed = str(result).splitlines()[1].split()
    assert printed == list(COLUMNS)


def test_n_counts_users_or_splits_where_there_is_no_interval(result):
    frame = result.to_frame().set_index(["metric", "segment"])
    assert frame["n"].to_dict() == {
        ("dcg@10", "all"): 40,
        ("dcg@10", "segment=Mass"): 30,
        ("dcg@10", "segment=Premium"): 10,
        ("catalogue_coverage", "all"): 1,
        ("violation_rate", "all"): 40,
        ("violation_rate", "segment=Mass"): 30,
        ("violation_rate", "segment=Premium"): 10,
        ("coverage", "all"): 40,
        ("coverage", "segment=Mass"): 30,
        ("coverage", "segment=Premium"): 10,
    }


def test_it_can_be_sent(result, bank):
    text = json.dumps(result.to_dict(), allow_nan=False)
    found = json.loads(text)
    assert found["decision"] == "ship"
    assert found["rows"][0]["metric"] == "dcg@10"
    assert found["rows"][0]["result"]["n"] == 40
    assert found["comparison"]["splits"][0]["at"] == "2021-01-01T00:00:00"
    assert found["guardrails"][0]["guardrail"]["metric"] == "violation_rate"
    overall = next(row for row in found["rows"] if row["metric"] == "catalogue_coverage")
    assert overall["result"]["low"] is None
    assert not any(user in text for user in bank.bought)


def test_one_is_short_and_the_other_whole(result, bank):
    assert repr(result).startswith("ABResult(ship: The treatment changes dcg@10 by +")
    assert "\n" not in repr(result)
    assert str(result).startswith("SHIP: The treatment changes dcg@10 by +")
    assert "dcg@10*" in str(result)
    assert "violation_rate" in str(result)
    assert not any(user in str(result) + repr(result) for user in bank.bought)


def test_parts_have_short_reprs(result):
    assert repr(result.comparison) == "Comparison(1 split, judged by risk 1, trec)"
    assert repr(Guardrail("coverage", ">=", 0.9)) == "Guardrail('coverage>=0.9')"
    assert repr(Guardrail("recall@10", hard=True)) == "Guardrail('recall@10', hard=True)"
    estimate = Estimate(1200, 0, 0.25, 0.5, 0.25, 0.125, 0.375, 0.001)
    assert repr(estimate) == "Estimate(+0.25 [+0.125, +0.375], 0.25 to 0.5, n=1,200)"


class TestPlot:
    @pytest.fixture
    def plain(self):
        matplotlib = pytest.importorskip("matplotlib")
        with matplotlib.rc_context({"backend": "agg"}):
            yield pytest.importorskip("matplotlib.pyplot")

    def test_a_row_per_interval(self, result, plain):
        axes = result.plot()
        labels = [text.get_text() for text in axes.get_yticklabels()]
        assert labels[:2] == ["dcg@10 ★", "dcg@10, segment=Mass"]
        assert len(labels) == len(result.rows) - 1, "catalogue_coverage has no interval"
        assert "95 % interval" in axes.get_xlabel()
        drawn = {line.get_xdata()[0] for line in axes.get_lines() if len(line.get_xdata()) == 1}
        assert result.rows[0].result.difference in drawn

    def test_some_metrics_on_axes_of_one_s_own(self, result, plain):
        _, axes = plain.subplots()
        assert result.plot(["coverage"], ax=axes) is axes
        assert len(axes.get_yticks()) == 3

    def test_by_split_and_as_a_file(self, result, plain, tmp_path):
        axes = result.plot(by="split")
        assert [text.get_text() for text in axes.get_yticklabels()] == ["dcg@10, split 0"]
        path = tmp_path / "splits.svg"
        axes.figure.savefig(path)
        assert "<svg" in path.read_text(encoding="utf-8")
        with pytest.raises(ValueError, match="by='week'"):
            result.plot(by="week")

    def test_refuses_what_it_cannot_draw(self, result):
        with pytest.raises(ValueError, match="did you mean coverage"):
            result.plot(["coverag"])
        with pytest.raises(ValueError, match="none of them has an interval"):
            result.plot(["catalogue_coverage"])

    def test_without_matplotlib_the_extra_is_named(self, result, monkeypatch):
        real = importlib.import_module

        def absent(name, *more):
            if name.startswith("matplotlib"):
                raise ImportError("No module named 'matplotlib'")
            return real(name, *more)

        monkeypatch.setattr(importlib, "import_module", absent)
        with pytest.raises(ImportError, match=r"suitably\[viz\]"):
            result.plot()


def test_what_is_better_goes_by_the_metric_s_direction(result):
    row = replace(result.rows[0], result=Estimate(9, 0, 1, 0, -1, -2, -0.5), higher_is_better=False)
    assert row.direction == 1
    assert replace(row, higher_is_better=True).direction == -1
    assert replace(row, result=Estimate(9, 0, 1, 1, 0, -1, 1)).direction == 0
    assert replace(row, result=Estimate(0, 0, np.nan, np.nan, np.nan)).direction == 0
