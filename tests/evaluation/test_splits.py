"""TimeSplit: what is known at the cut, and what counts after it."""

import dataclasses

import numpy as np
import pandas as pd
import polars as pl
import pytest

from suitably.data import Dataset
from suitably.data.splits import Split
from suitably.errors import DataError
from suitably.evaluation import LeaveLastOut, NewProducts, NewUsers, RollingSplit, TimeSplit
from suitably.evaluation.splits import read_splits
from suitably.pipeline.pipeline import Pipeline
from suitably.ranking import Popularity
from suitably.suitability.policy import Policy


def dataset(rows, products=None, **more):
    log = pd.DataFrame(rows, columns=["user_id", "product_id", "timestamp"])
    return Dataset(None, products, log, **more)


def pairs(split):
    return list(zip(split.relevant["user_id"], split.relevant["product_id"], strict=True))


def test_the_window_begins_at_the_cut_and_ends_before_its_end():
    data = dataset(
        [
            (1, "a", "2020-12-31 23:59:59.999999"),
            (2, "a", "2021-01-01 00:00:00"),
            (3, "a", "2021-01-10 23:59:59.999999"),
            (4, "a", "2021-01-11 00:00:00"),
        ]
    )
    split = TimeSplit(at="2021-01-01", horizon_days=10).on(data)
    assert isinstance(split, Split)
    assert (split.at, split.end) == (pd.Timestamp("2021-01-01"), pd.Timestamp("2021-01-11"))
    assert pairs(split) == [(2, "a"), (3, "a")]


def test_what_was_owned_is_not_relevant_unless_repeatable():
    products = pd.DataFrame({"product_id": ["b", "a", "c"], "repeatable": [True, False, None]})
    rows = [(1, p, t) for t in ("2020-06-01", "2021-02-01") for p in "abc"]
    split = TimeSplit("2021-01-01", 100).on(dataset(rows, products))
    assert pairs(split) == [(1, "b")]


def test_a_pair_bought_twice_in_the_window_counts_once():
    split = TimeSplit("2021-01-01", 100).on(dataset([(1, "a", f"2021-01-0{d}") for d in (2, 3)]))
    assert pairs(split) == [(1, "a")]


def test_only_events_that_mean_ownership_count():
    log = pd.DataFrame(
        {
            "user_id": [1, 1, 2, 2],
            "product_id": ["a", "a", "a", "b"],
            "event": ["view", "buy", "view", "buy"],
            "timestamp": ["2020-06-01", "2021-02-01", "2021-02-01", "2021-02-01"],
        }
    )
    split = TimeSplit("2021-01-01", 100).on(Dataset(None, None, log, owned_events=["buy"]))
    assert pairs(split) == [(1, "a"), (2, "b")]


def test_a_product_launched_after_the_cut_is_not_relevant():
    products = pd.DataFrame(
        {"product_id": ["a", "b"], "product_timestamp": ["2020-01-01", "2021-01-01"]}
    )
    rows = [(1, "a", "2021-02-01"), (1, "b", "2021-02-01")]
    assert pairs(TimeSplit("2021-01-01", 100).on(dataset(rows, products))) == [(1, "a")]


def test_a_purchase_not_yet_recorded_at_the_cut_is_not_owned_yet():
    log = pd.DataFrame(
        {
            "user_id": [1, 1],
            "product_id": ["a", "a"],
            "timestamp": ["2020-12-01", "2021-02-01"],
            "recorded_at": ["2021-01-05", "2021-02-01"],
        }
    )
    assert pairs(TimeSplit("2021-01-01", 100).on(Dataset(None, None, log))) == [(1, "a")]


def test_aware_data_want_an_aware_cut_and_naive_data_a_naive_one():
    aware = dataset([(1, "a", "2021-01-05T00:30:00+00:00")])
    split = TimeSplit("2021-01-05T01:30:00+01:00", 1).on(aware)
    assert split.at.tzinfo is not None
    assert pairs(split) == [(1, "a")]
    with pytest.raises(DataError, match=r"at=2021-01-05: is a bare date.*time_zone="):
        TimeSplit("2021-01-05", 1).on(aware)
    with pytest.raises(DataError, match="naive"):
        TimeSplit("2021-01-05T00:00:00", 1).on(aware)
    with pytest.raises(DataError, match="aware"):
        TimeSplit("2021-01-05T00:00:00Z", 1).on(dataset([(1, "a", "2021-01-05")]))


def test_nobody_after_the_cut_is_an_empty_frame_with_its_types():
    split = TimeSplit("2022-01-01", 10).on(dataset([(1, "a", "2021-01-05")]))
    assert len(split.relevant) == 0
    assert list(split.relevant.columns) == ["user_id", "product_id"]
    assert split.relevant["user_id"].dtype == "int64"


def test_relevant_is_of_the_kind_of_the_data():
    log = pl.DataFrame({"user_id": [1], "product_id": ["a"], "timestamp": ["2021-01-05"]})
    assert isinstance(
        TimeSplit("2021-01-01", 9).on(Dataset(None, None, log)).relevant, pl.DataFrame
    )


def test_data_without_timestamps_are_refused():
    data = Dataset(None, None, pd.DataFrame({"user_id": [1], "product_id": ["a"]}))
    with pytest.raises(DataError, match="no timestamps"):
        TimeSplit("2021-01-01", 10).on(data)


@pytest.mark.parametrize("days", [0, -1, 1.5, True, "10", None])
def test_a_horizon_is_a_positive_number_of_days(days):
    with pytest.raises(ValueError, match="must be a positive integer"):
        TimeSplit("2021-01-01", days)


def test_is_frozen_and_refuses_what_is_no_moment():
    split = TimeSplit(at="soon", horizon_days=1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        split.at = "later"
    with pytest.raises(DataError, match="at="):
        split.on(dataset([(1, "a", "2021-01-05")]))


def log_of(rows):
    frame = pd.DataFrame(rows, columns=["user_id", "product_id", "timestamp"])
    return Dataset(None, None, frame.assign(timestamp=pd.to_datetime(frame["timestamp"])))


class TestRolling:
    def test_cuts_and_windows(self):
        days = pd.date_range("2021-01-01", periods=200)
        data = Dataset(
            None, None, pd.DataFrame({"user_id": 1, "product_id": range(200), "timestamp": days})
        )
        splits = RollingSplit("2021-02-01", 30, count=3, horizon_days=20, gap_days=5).on(data)
        assert [str(s.at.date()) for s in splits] == ["2021-02-01", "2021-03-03", "2021-04-02"]
        assert [s.begins - s.at for s in splits] == [pd.Timedelta(days=5)] * 3
        assert [s.end - s.begins for s in splits] == [pd.Timedelta(days=20)] * 3
        for split in splits:
            bought = data.interactions.set_index("product_id")["timestamp"]
            times = bought[split.relevant["product_id"]]
            assert ((times >= split.begins) & (times < split.end)).all()
            assert len(times) == 20

    @pytest.mark.parametrize("name", ["every_days", "count", "horizon_days", "gap_days"])
    @pytest.mark.parametrize("value", [0, -1, 1.5, True, None])
    def test_arguments(self, name, value):
        given = {"every_days": 30, "count": 2, "horizon_days": 30, "gap_days": 0, name: value}
        if name == "gap_days" and value == 0 and value is not False:
            RollingSplit("2021-01-01", **given)
            return
        with pytest.raises(ValueError, match=name):
            RollingSplit("2021-01-01", **given)

    def test_past_the_calendar(self):
        data = log_of([(1, "a", "2021-01-01")])
        with pytest.raises(DataError, match="after the year 9999"):
            RollingSplit("2021-01-01", 3_000_000, count=2, horizon_days=1).on(data)


class TestOthers:
    ROWS = (
        ("ann", "a", "2021-01-01"),
        ("ann", "b", "2021-03-01"),
        ("bob", "a", "2021-02-01"),
        ("bob", "c", "2021-04-01"),
        ("bob", "d", "2021-05-01"),
        ("cat", "e", "2021-05-02"),
        ("cat", "a", "2021-05-03"),
        ("dan", "a", "2021-01-02"),
    )

    def test_leave_last_out(self):
        """Of ann, bob and cat, who bought twice, the later two; cat had bought nothing by then."""
        split = LeaveLastOut(share=0.6).on(log_of(self.ROWS))
        assert split.at == pd.Timestamp("2021-05-01")
        assert split.relevant.to_numpy().tolist() == [["bob", "d"]]

    def test_leave_last_out_of_nobody(self):
        with pytest.raises(DataError, match="nobody has two"):
            LeaveLastOut().on(log_of(self.ROWS[-1:]))
        with pytest.raises(ValueError, match="share=1"):
            LeaveLastOut(1)

    def test_new_users(self):
        split = NewUsers("2021-03-15", 90).on(log_of(self.ROWS))
        assert sorted(split.relevant.to_numpy().tolist()) == [["cat", "a"], ["cat", "e"]]

    def test_new_products(self):
        split = NewProducts("2021-03-15", 90).on(log_of(self.ROWS))
        assert sorted(split.relevant["product_id"]) == ["c", "d", "e"]


@pytest.mark.parametrize(
    "splitter",
    [
        TimeSplit("2021-06-01", 30),
        RollingSplit("2021-06-01", 10, count=1, horizon_days=20, gap_days=3),
        LeaveLastOut(0.5),
        NewUsers("2021-06-01", 30),
        NewProducts("2021-06-01", 30),
    ],
)
def test_nothing_at_or_after_the_cut_reaches_a_pipeline(splitter):
    """Poison after the cut – events, levels, products – changes no list."""
    rng = np.random.default_rng(0)
    days = pd.Timestamp("2021-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 170, 400)), "D")
    log = pd.DataFrame(
        {
            "user_id": rng.integers(0, 40, 400),
            "product_id": rng.choice(list("abcdefgh"), 400),
            "timestamp": days,
        }
    ).drop_duplicates(["user_id", "product_id"])
    users = pd.DataFrame({"user_id": range(40), "level": 1, "user_timestamp": "2020-01-01"})
    products = pd.DataFrame(
        {"product_id": list("abcdefgh"), "risk": 1, "product_timestamp": "2020-01-01"}
    )
    made = splitter.on(Dataset(users, products, log))
    cut = (made[0] if isinstance(made, list) else made).at
    poison = log.assign(timestamp=cut, product_id="h").drop_duplicates("user_id")
    later = users.assign(level=0, user_timestamp=str(cut))
    new = pd.DataFrame({"product_id": ["z"], "risk": 0, "product_timestamp": str(cut)})
    poisoned = Dataset(
        pd.concat([users, later]), pd.concat([products, new]), pd.concat([log, poison])
    )
    policy = Policy.from_toml(
        '[policy]\nid = "x"\n[[rules]]\nid = "a"\nrequire = "product.risk <= user.level"\n'
    )
    lists = []
    for data in (Dataset(users, products, log), poisoned):
        pipeline = Pipeline(policy=policy, ranker=Popularity()).fit(data, as_of=cut)
        lists.append(pipeline.recommend(range(40), k=8).to_frame())
    pd.testing.assert_frame_equal(*lists)


class TestReadSplits:
    DATA = log_of([("ann", "a", "2021-01-01"), ("ann", "b", "2021-03-01")])

    def test_one_twice_is_an_error(self):
        one, other = TimeSplit("2021-02-01", 20), TimeSplit("2021-02-01", 20)
        with pytest.raises(ValueError, match="0 and 1 are the same"):
            read_splits([one, other], self.DATA)
        assert len(read_splits([one, TimeSplit("2021-02-01", 21)], self.DATA)) == 2

    def test_several_of_one_are_several(self):
        rolling = RollingSplit("2021-01-05", 10, count=3, horizon_days=5)
        assert len(read_splits([rolling, TimeSplit("2021-02-01", 20)], self.DATA)) == 4

    def test_windows_that_the_log_does_not_cover(self):
        notes = [one.note for one in read_splits(
            [TimeSplit("2021-02-01", 20), TimeSplit("2021-02-01", 90), TimeSplit("2022-01-01", 9)],
            self.DATA)]  # fmt: skip
        assert notes[0] == ""
        assert "ends at 2021-05-02" in notes[1]
        assert "begins after the last event" in notes[2]

    def test_a_window_up_to_the_last_event_is_covered(self):
        end = TimeSplit("2021-02-01", 28).on(self.DATA)
        assert end.end == pd.Timestamp("2021-03-01")
        assert end.note == ""
