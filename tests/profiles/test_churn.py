"""Churn: the contract, features and windows in plain Python, and what cannot be learned."""

import math
import warnings
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import suitably
from suitably import DataError, Dataset, SuitabilityWarning
from suitably.data import simulate_bank
from suitably.profiles import Churn
from suitably.profiles.churn.return_features import return_features
from suitably.testing import BuilderContract
from suitably.testing.bank import AS_OF, SmallBank, bought
from support.calibration import calibration_error, what_came

LESS = "ignore::suitably.SuitabilityWarning"


def returning(bank: SmallBank) -> SmallBank:
    """Give five users events over three years, so that some come back and some do not."""
    days = [(0, range(3, 1100, 40)), (1, range(700, 1100, 50)), (2, range(20, 1000, 90)),
            (3, range(400, 900, 100)), (4, (1, 350, 351, 800))]  # fmt: skip
    events = [
        {**row, "event": ["buy", "view"][day % 3 == 0], "value": 10.0}
        for user, each in days
        for day in each
        for row in bought((user, day % 5), days=day)
    ]
    return bank.but(events=sorted(events, key=lambda row: row["timestamp"]))


@pytest.mark.filterwarnings(LESS)
class TestChurn(BuilderContract):
    def make(self) -> Any:
        return Churn(horizon_days=120, min_examples=2)

    def made(self) -> list[Any]:
        return [self.make(), Churn(), Churn(30, ["buy"], "contract_end", 3)]

    def bad(self) -> list[Any]:
        days = [{"horizon_days": days} for days in (0, -1, 1.5, True, "90", None)]
        return [Churn(**one) for one in (*days, {"events": "buy"}, {"min_examples": 0})]

    def bank(self) -> SmallBank:
        return returning(super().bank())

    def test_it_learned_to_tell_users_apart(self) -> None:
        builder = self.fitted()
        chances = builder.transform(self.bank().dataset())["p_churn"].to_pylist()
        assert len(builder.levels_) > 1
        assert len(set(chances[:5])) > 1
        assert chances[5:] == [None, None]


@pytest.mark.filterwarnings(LESS)
class TestWithTooFewExamples(BuilderContract):
    def make(self) -> Any:
        return Churn(events=("view",))


@pytest.mark.filterwarnings(LESS)
class TestWithContracts(BuilderContract):
    def make(self) -> Any:
        return Churn(horizon_days=120, ends="contract_end", min_examples=2)

    def bank(self) -> SmallBank:
        bank = returning(super().bank())
        ends = [None, AS_OF + timedelta(days=60), None, AS_OF, None, AS_OF - timedelta(days=9)]
        ends = [*ends, AS_OF + timedelta(days=121)]
        rows = zip(bank.users, ends, strict=True)
        return bank.but(users=[{**row, "contract_end": end} for row, end in rows])


def row_by_row(days_ago: list[float], horizon: float) -> list[float]:
    """The features of one user, from the days before the moment on which they were active."""
    silent, tenure = (math.log(1 + days / horizon) for days in (min(days_ago), max(days_ago)))
    often = math.log(len(days_ago))
    recent = [sum(days <= times * horizon for days in days_ago) for times in (1, 2)]
    return [silent, silent**2, tenure, often, *(math.log(1 + n) for n in recent), often * silent]


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 900)), unique=True), st.integers(1, 400)
)
def test_features_in_plain_python(days: list[tuple[int, int]], horizon: int) -> None:
    users = np.array([user for user, _ in days], np.int32)
    ago = np.array([float(day) for _, day in days])
    known, found = return_features(users, ago, 5, horizon)
    assert known.tolist() == sorted({user for user, _ in days})
    wanted = [row_by_row([day for mine, day in days if mine == user], horizon) for user in known]
    np.testing.assert_allclose(found, np.array(wanted).reshape(-1, 7), atol=1e-12)


def test_of_very_many_users_some_are_learned_from(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(user, day) for user, day in two_sorts() if user % 3 == 0]
    users = pa.table({"user_id": list(range(60))})
    few = Churn(90, min_examples=5).fit(Dataset(users, None, log_of(rows)), "2024-09-20")
    monkeypatch.setattr("suitably.profiles.churn.churn._LEARNED_FROM", 20)
    some = Churn(90, min_examples=5).fit(Dataset(users, None, log_of(two_sorts())), "2024-09-20")
    for name in few.learned:
        np.testing.assert_array_equal(getattr(few, name), getattr(some, name))


def log_of(rows: list[tuple[int, int]], start: date = date(2022, 1, 1)) -> pa.Table:
    return pa.table(
        {
            "user_id": pa.array([user for user, _ in rows], pa.int64()),
            "product_id": pa.array(["a"] * len(rows), pa.string()),
            "timestamp": pa.array([start + timedelta(days=day) for _, day in rows], pa.date32()),
        }
    )


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 500)), min_size=1, max_size=40),
    st.integers(3, 100),
)
def test_windows_in_plain_python(rows: list[tuple[int, int]], horizon: int) -> None:
    """The same examples by views cut at the beginnings of windows, and a look at what came."""
    as_of = date(2022, 1, 1) + timedelta(days=501)
    data = Dataset(pa.table({"user_id": list(range(5))}), None, log_of(rows))
    builder = Churn(horizon_days=horizon)
    view = data.view(as_of)
    found = builder._windows(view, builder.accumulate(view))

    days = {user: sorted({501 - day for mine, day in rows if mine == user}) for user in range(5)}
    step = horizon // 3
    wanted = []
    for window in range(12):
        cut = horizon + window * step
        if cut > max(501 - day for _, day in rows) - step:
            break
        before = {user: [day - cut for day in ago if day > cut] for user, ago in days.items()}
        known = [user for user, ago in before.items() if ago]
        features = [row_by_row(before[user], horizon) for user in known]
        silent = [not any(cut - horizon < day <= cut for day in days[user]) for user in known]
        wanted.append((features, silent))
    assert len(found) == len(wanted)
    for (features, silent), (plain, quiet) in zip(found, wanted, strict=True):
        np.testing.assert_allclose(features, np.array(plain).reshape(-1, 7), atol=1e-12)
        assert silent.tolist() == quiet


def two_sorts(count: int = 60) -> list[tuple[int, int]]:
    """Half of the users buy every twenty days until day 1000, the others until 300 to 900."""
    return [
        (user, day)
        for user in range(count)
        for day in range(user % 7, 1000, 20)
        if user % 2 or day < 300 + 10 * user
    ]


def test_who_stopped_is_told_from_who_did_not() -> None:
    data = Dataset(None, None, log_of(two_sorts()))
    chances = Churn(90).fit(data, "2024-09-20").transform(data)["p_churn"].to_numpy()
    assert chances[1::2].max() < 0.1 < 0.9 < chances[0::2].min()
    assert ((chances > 0) & (chances < 1)).all()


def test_silence_makes_it_more_likely() -> None:
    data = Dataset(None, None, log_of(two_sorts()))
    builder = Churn(90).fit(data, "2024-09-20")
    chances = [
        builder.transform(data, date(2024, 9, 20) + timedelta(days=days))["p_churn"][1].as_py()
        for days in (0, 40, 80, 160, 320)
    ]
    assert chances == sorted(chances)
    assert chances[0] < 0.1 < 0.9 < chances[-1]


def test_the_future_is_not_learned_from() -> None:
    whole = Dataset(pa.table({"user_id": list(range(60))}), None, log_of(two_sorts()))
    rows = [(user, day) for user, day in two_sorts() if day < 700]
    cut = Dataset(pa.table({"user_id": list(range(60))}), None, log_of(rows))
    moment = date(2022, 1, 1) + timedelta(days=700)
    states = [Churn(90).fit(data, moment).state() for data in (whole, cut)]
    for name, value in states[0].items():
        np.testing.assert_array_equal(value, states[1][name])


def test_an_update_moves_what_is_known_and_not_what_was_learned(tmp_path: Path) -> None:
    early, late = (
        log_of([(user, day) for user, day in two_sorts() if low <= day < low + 900])
        for low in (0, 900)
    )
    users = pa.table({"user_id": list(range(60))})
    pipeline = suitably.Pipeline(
        profiles=[Churn(90)],
        policy=suitably.Policy.unrestricted(),
        ranker=suitably.ranking.Popularity(),
    )
    pipeline.fit(Dataset(users, None, early))
    learned = pipeline.profiles[0].state()
    pipeline.save(tmp_path / "model")
    loaded = suitably.load(tmp_path / "model")
    before = [loaded.trace(user).profile["p_churn"] for user in range(60)]
    whole = Dataset(users, None, log_of(two_sorts())).view(pipeline.update(late).as_of_)
    loaded.update(late)
    builder = pipeline.profiles[0]
    rebuilt = builder.finalise(builder.accumulate(whole), whole.as_of)["p_churn"].to_pylist()
    assert [loaded.trace(user).profile["p_churn"] for user in range(60)] == rebuilt != before
    for name in builder.learned:
        np.testing.assert_array_equal(builder.state()[name], learned[name])


def test_a_rule_takes_it_as_missing() -> None:
    data = Dataset(pa.table({"user_id": list(range(60))}), None, log_of(two_sorts()))
    policy = suitably.Policy.from_toml(
        '[policy]\nid = "p"\nversion = "1"\n[[rules]]\nid = "stays"\nrequire = "user.p_churn < 2"\n'
    )
    pipeline = suitably.Pipeline(
        profiles=[Churn(90)], policy=policy, ranker=suitably.ranking.Popularity()
    ).fit(data)
    assert len(pipeline.recommend().to_frame()) == 0
    assert Churn().provenance("p_churn") == "imputed"
    assert Churn().provenance("p_churn").unit == "share"


def test_other_events_are_activity_where_they_are_named() -> None:
    bought_once = log_of([(user, 0) for user in range(60)])
    seen = log_of(two_sorts())
    log = pa.concat_tables(
        [
            bought_once.append_column("event", pa.array(["buy"] * 60)),
            seen.set_column(1, "product_id", pa.nulls(len(seen), pa.string())).append_column(
                "event", pa.array(["visit"] * len(seen))
            ),
        ]
    )
    data = Dataset(None, None, log, other_events=["visit"])
    named = Churn(90, ["visit"]).fit(data, "2024-09-20").transform(data)["p_churn"]
    plain = Dataset(None, None, seen)
    assert named.equals(Churn(90).fit(plain, "2024-09-20").transform(plain)["p_churn"])
    with pytest.raises(DataError, match="no interaction is of kind"):
        Churn(90, ["call"]).fit(data)


class TestWhatCannotBeLearned:
    users = pa.table({"user_id": [0, 1, 2]})

    def test_nobody_came_back(self) -> None:
        data = Dataset(self.users, None, log_of([(0, 0), (1, 10), (1, 20)]))
        with pytest.warns(SuitabilityWarning, match=r"0 customers came back .* not told apart"):
            builder = Churn(90).fit(data, "2023-06-01")
        chances = builder.transform(data)["p_churn"].to_pylist()
        assert chances[0] == chances[1] == 25 / 26  # twice in each of twelve windows
        assert chances[2] is None

    def test_everybody_came_back(self) -> None:
        data = Dataset(self.users, None, log_of([(0, day) for day in range(0, 600, 10)]))
        with pytest.warns(SuitabilityWarning, match="12 customers came back and 0 did not"):
            builder = Churn(90).fit(data, "2023-08-01")
        assert builder.transform(data)["p_churn"][0].as_py() == 1 / 14

    def test_the_log_is_shorter_than_the_horizon(self) -> None:
        data = Dataset(self.users, None, log_of([(0, 0), (0, 50), (1, 60)]))
        with pytest.warns(SuitabilityWarning, match="in 0 windows of 90 days"):
            builder = Churn(90).fit(data)
        assert builder.transform(data)["p_churn"].null_count == 3

    def test_there_is_no_event_yet(self) -> None:
        data = Dataset(self.users, None, log_of([(0, 0)]))
        with pytest.warns(SuitabilityWarning, match="in 0 windows"):
            builder = Churn(90).fit(data, "2021-06-01")
        assert builder.transform(data)["p_churn"].null_count == 3

    def test_no_time(self) -> None:
        data = Dataset(None, None, pa.table({"user_id": [1], "product_id": ["a"]}))
        with pytest.raises(DataError, match="Churn: the interactions have no timestamps"):
            Churn().fit(data)

    def test_no_calendar(self) -> None:
        log = pa.table({"user_id": [1], "product_id": ["a"], "timestamp": ["2024-01-01T00:00Z"]})
        with pytest.raises(DataError, match="time zone"):
            Churn().fit(Dataset(None, None, log))

    def test_a_moment_before_what_the_state_holds(self) -> None:
        data = Dataset(None, None, log_of(two_sorts()))
        builder = Churn(90).fit(data, "2024-09-20")
        state = builder.accumulate(data.view("2024-09-20"))
        with pytest.raises(DataError, match="later events"):
            builder.finalise(state, np.datetime64("2022-06-01", "us"))


class TestContracts:
    """Six users with versions of their contract, one without an end."""

    versions = (
        # renewed twice, then lapsed
        (1, "2020-01-01", "2021-01-01"), (1, "2020-12-20", "2022-01-01"),
        (1, "2022-01-02", "2023-01-01"),
        # renewed early, the second end is still to come
        (2, "2022-06-01", "2023-06-01"), (2, "2023-05-01", "2024-03-15"),
        # another field changed, then the end was brought forward, and it lapsed
        (3, "2022-01-01", "2023-12-31"), (3, "2022-03-01", "2023-12-31"),
        (3, "2023-01-01", "2023-02-01"),
        # renewed before its end came, which is still to come
        (4, "2023-03-01", "2024-02-10"), (4, "2024-01-01", "2025-02-10"),
        # its end was taken away
        (5, "2022-01-01", "2023-01-01"), (5, "2022-12-01", None),
        (6, "2022-01-01", "2024-02-01"),
    )  # fmt: skip
    moment = "2024-02-01"

    def data(self, **changes: Any) -> Dataset:
        users = pd.DataFrame(self.versions, columns=["user_id", "user_timestamp", "contract_end"])
        users["contract_end"] = pd.to_datetime(users.contract_end)
        log = pd.DataFrame(
            [(5, date(2023, 1, 1) + timedelta(days=day)) for day in range(0, 300, 10)],
            columns=["user_id", "timestamp"],
        ).assign(product_id="a")
        return Dataset(
            pa.Table.from_pandas(users.assign(**changes)), None, pa.Table.from_pandas(log)
        )

    def fitted(self, data: Dataset) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SuitabilityWarning)
            return Churn(90, ends="contract_end").fit(data, self.moment)

    def test_by_hand(self) -> None:
        data = self.data()
        builder = self.fitted(data)
        # Ended: three of user 1, one of 2, the last of 3, the first of 5, and 6 at this moment.
        share = 3 / 7
        assert builder.lapse_share_ == share
        chances = builder.transform(data)["p_churn"].to_pylist()
        assert chances[:4] == [1.0, share, 1.0, 0.0]
        assert chances[5] == 1.0
        # The one without an end is judged by activity: of which there are a few windows.
        assert 0 < chances[4] < 1

    def test_a_state_held_comes_to_the_end(self) -> None:
        data = self.data()
        builder = self.fitted(data)
        found = {
            moment: builder.transform(data, moment)["p_churn"].to_pylist()[3]
            for moment in ("2024-02-02", "2024-11-12", "2024-11-13", "2025-02-09", "2025-02-10")
        }
        assert list(found.values()) == [0.0, 0.0, 3 / 7, 3 / 7, 1.0]

    def test_without_an_ended_contract_nothing_is_guessed(self) -> None:
        data = self.data(contract_end=pd.Timestamp("2024-03-01"))
        with pytest.warns(SuitabilityWarning, match="no version of a user shows a contract"):
            builder = Churn(90, ends="contract_end").fit(data, self.moment)
        assert builder.transform(data)["p_churn"].null_count == 6
        later = builder.transform(data, "2024-04-01")["p_churn"].to_pylist()
        assert later == [1.0] * 6

    def test_of_one_version_each_renewals_cannot_be_seen(self) -> None:
        users = pa.table({"user_id": [5, 6], "contract_end": [date(2023, 1, 1), date(2024, 3, 1)]})
        log = log_of([(5, 0)])
        with pytest.warns(SuitabilityWarning, match="no version of a user"):
            builder = Churn(90, ends="contract_end").fit(Dataset(users, None, log), self.moment)
        found = builder.transform(Dataset(users, None, log))["p_churn"].to_pylist()
        assert found == [1.0, None]

    def test_contracts_with_an_end_are_not_learned_from(self) -> None:
        users = pa.table(
            {"user_id": list(range(80)),
             "contract_end": pa.array([None] * 60 + [date(2030, 1, 1)] * 20, pa.date32())}
        )  # fmt: skip
        steady = [(user, day) for user in range(60, 80) for day in range(0, 1000, 5)]
        builders = []
        for rows in (two_sorts(), two_sorts() + steady):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SuitabilityWarning)
                data = Dataset(users, None, log_of(rows))
                builders.append(Churn(90, ends="contract_end").fit(data, "2024-09-20"))
        assert builders[0].levels_.tolist() == builders[1].levels_.tolist()
        assert set(builders[1].transform(data)["p_churn"].to_pylist()[60:]) == {0.0}

    @pytest.mark.parametrize(
        ("ends", "what"),
        [(["soon"] * 3, "must hold dates"), ([1.5] * 3, "must hold dates"),
         (pa.array([datetime(2024, 1, 1)] * 3, pa.timestamp("us", "UTC")), "time zone")],
    )  # fmt: skip
    def test_a_column_of_another_type(self, ends: Any, what: str) -> None:
        users = pa.table({"user_id": [0, 1, 2], "contract_end": ends})
        data = Dataset(users, None, log_of([(0, 0)]))
        with pytest.raises(DataError, match=rf"users.contract_end: .*{what}"):
            Churn(ends="contract_end").fit(data)

    def test_a_column_of_nulls_is_nobody_with_an_end(self) -> None:
        users = pa.table({"user_id": list(range(60)), "contract_end": pa.nulls(60)})
        data = Dataset(users, None, log_of(two_sorts()))
        with pytest.warns(SuitabilityWarning, match="no version"):
            found = Churn(90, ends="contract_end").fit(data, "2024-09-20").transform(data)
        plain = Churn(90).fit(data, "2024-09-20").transform(data)
        assert found["p_churn"].equals(plain["p_churn"])


@pytest.mark.parametrize("as_of", ["2023-10-01", "2024-01-01", "2024-04-01", "2024-07-01"])
def test_calibrated_on_the_simulated_bank(as_of: str) -> None:
    chances, silent = what_came(simulate_bank(), Churn(), as_of)
    assert calibration_error(chances, silent) <= 0.03
    assert ((chances - silent) ** 2).mean() < 0.9 * silent.mean() * (1 - silent.mean())
