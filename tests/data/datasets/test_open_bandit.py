from dataclasses import FrozenInstanceError

import numpy as np
import pandas as pd
import pytest

from suitably.data.datasets.open_bandit import open_bandit
from suitably.errors import DataError


@pytest.fixture
def folder(tmp_path):
    for policy, hashed in (("random", "r"), ("bts", "b")):
        (tmp_path / policy).mkdir()
        items = pd.DataFrame({"item_id": [1, 0], "item_feature_0": [0.5, -0.5]})
        items.assign(item_feature_1=hashed).to_csv(tmp_path / policy / "item_context.csv")
        log(policy).to_csv(tmp_path / policy / "all.csv.xz")
    return tmp_path


def log(policy):
    return pd.DataFrame(
        {
            "timestamp": ["2019-11-24 00:00:01.5+00:00", "2019-11-24 00:00:02+00:00"],
            "item_id": [1, 0],
            "position": [3, 1],
            "click": [0, 1],
            "propensity_score": [0.5, 0.25],
            "user_feature_0": ["z", "a"],
            "user_feature_1": ["q", "q"],
            "user-item_affinity_0": [0.0, 1.0],
            "user-item_affinity_1": [2.0, 0.0],
        }
    )


def test_the_log_is_read_as_arrays(folder):
    read = open_bandit(folder)
    assert (len(read), read.n_actions, read.policy) == (2, 2, "random")
    assert read.actions.tolist() == [1, 0]
    assert read.rewards.tolist() == [0.0, 1.0]
    assert read.propensities.tolist() == [0.5, 0.25]
    assert read.positions.tolist() == [3, 1]
    assert read.timestamps[0] == np.datetime64("2019-11-24T00:00:01.500000")
    assert read.context_names == ("user_feature_0", "user_feature_1")
    assert read.context.tolist() == [[1, 0], [0, 0]]
    assert read.context_values == (("a", "z"), ("q",))
    assert read.affinities.tolist() == [[0.0, 2.0], [1.0, 0.0]]
    assert repr(read) == "BanditLog('random': 2 impressions, 2 actions, 1 clicks)"


@pytest.mark.parametrize(("policy", "hashed"), [("random", "r"), ("bts", "b")])
def test_a_log_comes_with_its_own_item_context_in_order_of_actions(folder, policy, hashed):
    items = open_bandit(folder, policy=policy).item_context
    assert items["item_id"].tolist() == [0, 1]
    assert items["item_feature_0"].tolist() == [-0.5, 0.5]
    assert set(items["item_feature_1"]) == {hashed}


def test_a_log_cannot_be_changed(folder):
    read = open_bandit(folder)
    with pytest.raises(ValueError, match="read-only"):
        read.rewards[0] = 1.0
    with pytest.raises(FrozenInstanceError):
        read.policy = "bts"


@pytest.mark.parametrize("policy", ["BTS", "", None, "uniform"])
def test_an_unknown_policy_is_refused(folder, policy):
    with pytest.raises(ValueError, match='must be "random" or "bts"'):
        open_bandit(folder, policy=policy)


@pytest.mark.parametrize(
    ("column", "value"),
    [("propensity_score", 0.0), ("propensity_score", 1.1), ("propensity_score", np.nan),
     ("click", 2), ("item_id", 2), ("item_id", -1)],
)  # fmt: skip
def test_senseless_actions_and_probabilities_are_refused(folder, column, value):
    bad = log("random").astype({column: float if column == "propensity_score" else int})
    bad.loc[1, column] = value
    bad.to_csv(folder / "random" / "all.csv.xz")
    with pytest.raises(DataError, match=rf"{column}: 1 of 2 rows"):
        open_bandit(folder)


def test_missing_files_and_columns_are_named(folder):
    log("random").drop(columns="click").to_csv(folder / "random" / "all.csv.xz")
    with pytest.raises(DataError, match="click"):
        open_bandit(folder)
    (folder / "bts" / "item_context.csv").unlink()
    with pytest.raises(DataError, match="item_context"):
        open_bandit(folder, policy="bts")


def test_an_unreadable_moment_is_refused(folder):
    log("random").assign(timestamp=["2019-11-24", "yesterday"]).to_csv(
        folder / "random" / "all.csv.xz"
    )
    with pytest.raises(DataError, match="timestamp: 1 of 2 rows"):
        open_bandit(folder)
