"""Results on disk: what is loaded is what was saved, and nothing else is taken for one."""

import json
from pathlib import Path

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


def users_of(folder):
    """Return the only file of measurements."""
    (found,) = folder.glob("users-*.parquet")
    return found


@pytest.fixture
def older(bank):
    return ABTest(bank.good(), bank.good()).run(bank.data, SPLIT)


def test_saved_over_an_older_one(result, older, tmp_path):
    older.save(tmp_path)
    result.save(tmp_path)
    assert ABResult.load(tmp_path).decision == "ship"
    assert {path.name for path in tmp_path.iterdir()} == {"result.json", users_of(tmp_path).name}


@pytest.mark.parametrize("writes", [0, 1])
def test_a_save_that_ends_early_leaves_the_older_one_whole(
    result, older, tmp_path, monkeypatch, writes
):
    older.save(tmp_path)
    replace, left = Path.replace, [None] * writes

    def ends(self, target):
        if not left:
            raise OSError("no space left on device")
        left.pop()
        return replace(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", ends)
        with pytest.raises(OSError, match="no space"):
            result.save(tmp_path)
    loaded = ABResult.load(tmp_path)
    assert loaded.to_dict() == older.to_dict()
    pd.testing.assert_frame_equal(loaded.per_user(), older.per_user(), check_exact=True)
    result.save(tmp_path)
    assert ABResult.load(tmp_path).to_dict() == result.to_dict()
    users_of(tmp_path)


def test_measurements_of_another_result_are_refused(result, older, tmp_path):
    result.save(tmp_path / "one")
    older.save(tmp_path / "other")
    users_of(tmp_path / "one").write_bytes(users_of(tmp_path / "other").read_bytes())
    with pytest.raises(ArtifactError, match=r"not those that result\.json was saved with"):
        ABResult.load(tmp_path / "one")


@pytest.mark.parametrize("name", ["../users-1.parquet", "/etc/users-1.parquet", "other", 7])
def test_measurements_lie_in_the_folder(result, tmp_path, name):
    result.save(tmp_path)
    path = tmp_path / "result.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "users": name}))
    with pytest.raises(ArtifactError):
        ABResult.load(tmp_path)


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
        users_of(tmp_path).unlink()
    with pytest.raises(ArtifactError):
        ABResult.load(tmp_path)


def test_a_by_that_there_is_not(result):
    with pytest.raises(ValueError, match="by='arm'"):
        result.to_frame(by="arm")
