"""Tuning: what it finds, what it never looks at, how it goes on, and what it refuses."""

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import suitably
from suitably.evaluation import TimeSplit, tune
from suitably.ranking import EASE, Blend, Popularity
from suitably.ranking.protocol import Scores
from suitably.reranking import Diversity

pytest.importorskip("optuna")


@dataclass
class Lucky:
    """Ranks the product of a number first; the number 3 cannot be learned."""

    number: int = 0
    other: float = 1.0

    def get_params(self):
        return {"number": self.number, "other": self.other}

    def fit(self, context):
        self.products = context.data.product_ids
        if self.number == 3:
            raise suitably.DataError("three is out of luck")
        SEEN.append((self.number, context.as_of))
        return self

    def scorer(self, user_ids):
        row = (self.products == f"p{self.number}").astype(np.float32)
        return Scores(np.tile(row, (len(user_ids), 1)))

    def can_score(self, user_ids):
        return np.ones(len(user_ids), bool)


SEEN: list[Any] = []
CATALOGUE = pd.DataFrame({"product_id": [f"p{n}" for n in range(10)], "category": list("ab") * 5})


@pytest.fixture(autouse=True)
def nothing_seen():
    SEEN.clear()


@pytest.fixture
def log():
    """Twenty users: all begin with p9, then buy p4 in 2021 and p1 in 2022."""
    rows = []
    for n in range(20):
        rows += [(n, "p9", "2020-06-01"), (n, "p4", "2021-02-01"), (n, "p1", "2022-02-01")]
    frame = pd.DataFrame(rows, columns=["user_id", "product_id", "timestamp"])
    return frame.assign(timestamp=pd.to_datetime(frame["timestamp"]))


@pytest.fixture
def data(log):
    return suitably.Dataset(None, CATALOGUE, log)


def pipeline(ranker=None, **parts):
    return suitably.Pipeline(
        policy=suitably.Policy.unrestricted(), ranker=ranker or Lucky(), **parts
    )


SPACE = {"ranker.number": (0, 9)}
QUIET = {"progress": False}


def test_it_finds_what_was_bought_before_as_of(data):
    """p4 is right in 2021; the p1 of 2022 lies after as_of."""
    given = pipeline()
    found = tune(given, data, SPACE, 25, "ndcg@1", as_of="2021-06-01", **QUIET)
    assert found.params == {"ranker.number": 4}
    assert found.value == 1
    assert found.pipeline.as_of_ == pd.Timestamp("2021-06-01")
    assert found.pipeline.ranker.number == 4
    assert not given.is_fitted
    assert given.ranker.number == 0


def test_nothing_after_as_of_is_looked_at(data, log):
    past = suitably.Dataset(None, CATALOGUE, log[log["timestamp"] < "2021-06-01"])
    full, alone = (
        tune(pipeline(), d, SPACE, 6, "ndcg@2", as_of="2021-06-01", **QUIET) for d in (data, past)
    )
    assert full.params == alone.params
    assert full.trials.drop(columns="seconds").equals(alone.trials.drop(columns="seconds"))
    moments = {moment for _, moment in SEEN}
    assert moments == {np.datetime64("2020-12-03", "us"), np.datetime64("2021-06-01", "us")}


def test_without_as_of_the_window_ends_with_the_data(data):
    found = tune(pipeline(), data, {"ranker.number": [4, 1, 5]}, 12, "ndcg@1", **QUIET)
    assert found.params == {"ranker.number": 1}
    assert found.pipeline.as_of_ > pd.Timestamp("2022-02-01")


def test_splits_of_the_callers_own(data):
    splits = [TimeSplit("2021-01-01", 60), TimeSplit("2022-01-01", 60).on(data)]
    found = tune(pipeline(), data, {"ranker.number": [4, 1, 5]}, 8, "ndcg@1", split=splits, **QUIET)
    assert found.value == 0.5
    by_number = found.trials.groupby("ranker.number")["value"].first()
    assert by_number.reindex([1, 4, 5]).fillna(0).tolist() in ([0.5, 0.5, 0], [0.5, 0, 0])


def test_the_frame_of_trials(data):
    found = tune(pipeline(), data, SPACE, 30, "ndcg@1", as_of="2021-06-01", **QUIET)
    trials = found.trials
    assert list(trials.columns) == [
        "trial", "state", "value", "seconds", "ranker.number", "error"
    ]  # fmt: skip
    assert trials["trial"].tolist() == list(range(30))
    failed = trials[trials["ranker.number"] == 3]
    assert len(failed)
    assert set(failed["state"]) == {"failed"}
    assert failed["value"].isna().all()
    assert set(failed["error"]) == {"DataError: three is out of luck"}
    rest = trials[trials["ranker.number"] != 3]
    assert set(rest["state"]) == {"complete"}
    assert rest["error"].isna().all()
    assert ((rest["ranker.number"] == 4) == (rest["value"] == 1)).all()


def test_the_frame_is_of_the_data_s_kind(log):
    data = suitably.Dataset(None, None, pl.from_pandas(log))
    found = tune(pipeline(), data, SPACE, 4, "ndcg@3", as_of="2021-06-01", **QUIET)
    assert isinstance(found.trials, pl.DataFrame)


def test_the_same_seed_gives_the_same_trials(data):
    space = {"ranker.number": (0, 9), "ranker.other": (0.1, 10.0, "log")}
    first, again, other = (
        tune(pipeline(), data, space, 14, "ndcg@3", as_of="2021-06-01", seed=seed, **QUIET)
        for seed in (3, 3, 4)
    )
    drop = {"columns": "seconds"}
    assert first.trials.drop(**drop).equals(again.trials.drop(**drop))
    assert not first.trials.drop(**drop).equals(other.trials.drop(**drop))
    assert first.trials["ranker.other"].between(0.1, 10).all()


def test_the_number_of_jobs_changes_nothing(data, tmp_path):
    """Neither the trials drawn blindly, side by side, nor those after them, split by split."""
    space = {"ranker.number": (0, 9), "ranker.other": (0.1, 10.0, "log")}
    splits = [TimeSplit("2021-01-01", 60), TimeSplit("2022-01-01", 60)]
    found = [
        tune(pipeline(), data, space, 14, "ndcg@3", split=splits, n_jobs=n_jobs,
             storage=tmp_path / f"{n_jobs}.sqlite", **QUIET)
        for n_jobs in (1, 2, -1)
    ]  # fmt: skip
    plain = [one.trials.drop(columns="seconds") for one in found]
    assert "failed" in set(plain[0]["state"])
    assert plain[0].equals(plain[1])
    assert plain[0].equals(plain[2])
    assert found[0].params == found[1].params


def test_a_metric_that_reads_fields(data):
    class Category:
        label, k, higher_is_better = "share of b", 1, True
        needs = ("products", "product_fields")

        def measure(self, seen):
            is_b = np.array([c == "b" for c in seen.product_fields["category"].to_pylist()])
            return is_b[seen.products[:, 0]].astype(float)

    space = {"ranker.number": [2, 4, 1, 6]}
    found = tune(pipeline(), data, space, 8, Category(), as_of="2021-06-01", **QUIET)
    assert found.params == {"ranker.number": 1}
    assert found.value == 1


def test_it_goes_on_where_it_was_stopped(data, tmp_path, monkeypatch):
    space = {"ranker.number": (0, 9), "ranker.other": (0.1, 10.0, "log")}
    common = {"as_of": "2021-06-01", **QUIET}
    whole = tune(pipeline(), data, space, 14, "ndcg@3", **common)
    storage = tmp_path / "trials.sqlite"
    fit = Lucky.fit

    def stopped(self, context):
        if len(SEEN) == 5:
            raise KeyboardInterrupt
        return fit(self, context)

    SEEN.clear()
    with monkeypatch.context() as patch:
        patch.setattr(Lucky, "fit", stopped)
        with pytest.raises(KeyboardInterrupt):
            tune(pipeline(), data, space, 14, "ndcg@3", storage=storage, **common)
    SEEN.clear()
    found = tune(pipeline(), data, space, 14, "ndcg@3", storage=storage, **common)
    drop = {"columns": "seconds"}
    assert found.trials.drop(**drop).equals(whole.trials.drop(**drop))
    SEEN.clear()
    again = tune(pipeline(), data, space, 14, "ndcg@3", storage=storage, **common)
    assert len(SEEN) == 1, "only the best is fitted"
    assert again.params == found.params
    with pytest.raises(ValueError, match="holds another search"):
        tune(pipeline(), data, space, 20, "ndcg@5", storage=storage, **common)


def test_paths_into_lists_and_blends(data):
    blend = Blend([EASE(), Popularity()], weights=[1, 1])
    given = pipeline(blend, rerankers=[Diversity(by="category")])
    space = {
        "ranker.rankers.1.half_life_days": [30.0, None],
        "ranker.weights": [[1.0, 0.5], [1.0, 2.0]],
        "rerankers.0.weight": (0.0, 0.5),
    }
    found = tune(given, data, space, 3, "recall@5", as_of="2021-06-01", **QUIET)
    best = found.pipeline
    assert best.ranker.rankers[1].half_life_days == found.params["ranker.rankers.1.half_life_days"]
    assert best.ranker.weights in ([1.0, 0.5], [1.0, 2.0])
    assert best.rerankers[0].weight == found.params["rerankers.0.weight"]
    assert blend.rankers[1].half_life_days is None
    assert blend.weights == [1, 1]


def test_choices_of_whole_parts(data):
    space = {"ranker": [Lucky(4), Popularity()]}
    found = tune(pipeline(), data, space, 6, "ndcg@1", as_of="2021-06-01", **QUIET)
    assert isinstance(found.pipeline.ranker, Lucky)
    assert found.value == 1


def test_a_function_as_space(data):
    def space(trial):
        first = trial.suggest_int("half", 0, 4)
        return {"ranker.number": 2 * first}

    found = tune(pipeline(), data, space, 15, "ndcg@1", as_of="2021-06-01", **QUIET)
    assert found.params == {"ranker.number": 4}
    assert "half" in found.trials.columns


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"space": {}}, "must map paths"),
        ({"space": [1]}, "must map paths"),
        ({"space": {"ranker.nubmer": (0, 1)}}, "did you mean number"),
        ({"space": {"rankre.number": (0, 1)}}, "did you mean ranker"),
        ({"space": {"ranker.number.deep": (0, 1)}}, "int has no parameters"),
        ({"space": {"rerankers.0.weight": (0, 1)}}, "no place in a list of 0"),
        ({"space": {"ranker.number": (1, 0)}}, "low must be below high"),
        ({"space": {"ranker.number": (0, 1, "log")}}, "above 0"),
        ({"space": {"ranker.number": (0, 1, "lin")}}, "must be"),
        ({"space": {"ranker.number": (0, np.inf)}}, "must be"),
        ({"space": {"ranker.number": []}}, "empty"),
        ({"space": {"ranker.number": [1, 1]}}, "twice"),
        ({"space": {"ranker.number": 5}}, "must be"),
        ({"space": lambda trial: {}}, "must give values"),
        ({"space": lambda trial: {"ranker.nubmer": 1}}, "did you mean number"),
        ({"trials": 0}, "trials=0: must be a positive integer"),
        ({"trials": True}, "trials=True"),
        ({"n_jobs": 0}, "n_jobs=0"),
        ({"metric": "ndgc@10"}, "did you mean ndcg"),
        ({"metric": "ndcg"}, "needs a depth"),
        ({"metric": "violation_rate"}, "none to search by"),
        ({"metric": "catalogue_coverage"}, "none to search by"),
        ({"metric": "suitable_ndcg@10"}, "none to search by"),
        ({"metric": "conversion@10"}, "none to search by"),
        ({"horizon_days": 0}, "positive integer"),
        ({"split": []}, "list is empty"),
        ({"split": 7}, "must be a split"),
        ({"split": TimeSplit("2021-01-01", 600)}, "after as_of"),
    ],
)
def test_bad_input(data, change, message):
    given = {"space": SPACE, "trials": 2, "metric": "ndcg@5", "as_of": "2021-06-01", **change}
    with pytest.raises(ValueError, match=message):
        tune(pipeline(), data, **given, **QUIET)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"as_of": "2020-11-01"}, "nothing lies before"),
        ({"as_of": "2021-01-15", "horizon_days": 10}, "nobody acquired anything"),
    ],
)
def test_a_window_without_anything(data, change, message):
    given = {"as_of": "2021-06-01", **change}
    with pytest.raises(suitably.DataError, match=message):
        tune(pipeline(), data, SPACE, 2, "ndcg@5", **given, **QUIET)


def test_data_without_timestamps(log):
    undated = suitably.Dataset(None, None, log.drop(columns="timestamp"))
    with pytest.raises(suitably.DataError, match="no timestamps"):
        tune(pipeline(), undated, SPACE, 2, "ndcg@5", **QUIET)
    with pytest.raises(suitably.DataError, match="expected a Dataset"):
        tune(pipeline(), log, SPACE, 2, "ndcg@5", **QUIET)


def test_every_trial_fails(data):
    with pytest.raises(suitably.SuitablyError, match=r"all 2 trials failed.*three is out of luck"):
        tune(pipeline(Lucky(3)), data, {"ranker.other": (0.0, 1.0)}, 2, "ndcg@5", **QUIET)


@pytest.mark.parametrize("shown", [True, False])
def test_the_bar_is_shown_where_bars_are(data, capfd, monkeypatch, shown):
    monkeypatch.setenv("SUITABLY_PROGRESS", str(int(shown)))
    tune(pipeline(), data, SPACE, 2, "ndcg@5", as_of="2021-06-01")
    assert ("trials" in capfd.readouterr().err) == shown


def test_without_optuna_the_extra_is_named(data, monkeypatch):
    real = importlib.import_module

    def absent(name, *more):
        if name == "optuna":
            raise ImportError("No module named 'optuna'")
        return real(name, *more)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(ImportError, match=r"suitably\[tune\]"):
        tune(pipeline(), data, SPACE, 2, "ndcg@5", **QUIET)
