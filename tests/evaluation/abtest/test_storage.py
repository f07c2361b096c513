"""Results on disk: what is loaded is what was saved, and nothing else is taken for one."""

import json

import numpy as np
import pandas as pd
import pytest

from suitably.errors import ArtifactError
from suitably.evaluation import ABResult, ABTest, TimeSplit
from suitably.evaluation.statistics import Estimate

SPLIT = TimeSplit(at="2021-01-01", horizon_days=180)


@pytest.fixture
def result(bank):
    metrics = ["dcg@10", "catalogue_coverage"]
    guardrails = ["coverage>=0.5", "gap(dcg@10, segment)<=0.5"]
    test = ABTest(
        bank.poor(),
        treatments={"one": bank.good(), "two": bank.poor()},
        metrics=metrics,
        guardrails=guardrails,
        segments="segment",
        min_segment=5,
    )
    return test.run(bank.data, split=[SPLIT, TimeSplit("2022-01-01", 9)])


def test_the_same_comes_back(result, tmp_path):
    result.save(tmp_path / "result")
    loaded = ABResult.load(tmp_path / "result")
    assert loaded.to_dict() == result.to_dict()
    assert str(loaded) == str(result)
    assert loaded.comparison.splits == result.comparison.splits
    for by in (None, "split", "apart"):
        pd.testing.assert_frame_equal(loaded.to_frame(by), result.to_frame(by), check_exact=True)
    pd.testing.assert_frame_equal(loaded.per_user(), result.per_user(), check_exact=True)
    assert (
        loaded.to_html(tmp_path / "a.html").read_text()
        == result.to_html(tmp_path / "b.html").read_text()
    )


def test_numbers_of_numpy_from_a_statistic_of_one_s_own(bank, tmp_path):
    def own(sample, alpha):
        ends = np.float32(-0.25), np.float32(0.25), np.float32(np.nan)
        return Estimate(np.int64(len(sample)), np.int64(0), 0.0, 0.0, np.float32(0), *ends)

    result = ABTest(bank.poor(), bank.good(), statistic=own).run(bank.data, SPLIT)
    result.save(tmp_path)
    pd.testing.assert_frame_equal(ABResult.load(tmp_path).to_frame(), result.to_frame())


def test_saved_over_an_older_one(result, bank, tmp_path):
    ABTest(bank.good(), bank.good()).run(bank.data, SPLIT).save(tmp_path)
    result.save(tmp_path)
    assert ABResult.load(tmp_path).decision == "ship"


@pytest.mark.parametrize("damage", ["nothing", "no json", "not json", "version", "no users"])
def test_what_is_no_result(result, tmp_path, damage):
    result.save(tmp_path)
    path = tmp_path / "result.json"
    if damage in ("nothing", "no json"):
        path.unlink()
    if damage == "not json":
        path.write_text("{")
    if damage == "version":
        path.write_text(json.dumps({**json.loads(path.read_text()), "version": 99}))
    if damage in ("nothing", "no users"):
        (tmp_path / "users.parquet").unlink()
    with pytest.raises(ArtifactError):
        ABResult.load(tmp_path)


def test_a_by_that_there_is_not(result):
    with pytest.raises(ValueError, match="by='arm'"):
        result.to_frame(by="arm")
