"""Segments by k-means: alike whatever the order, described in words, stable where they are."""

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as any_

import suitably as st
from suitably.data.frames import read_frame
from suitably.profiles import Preferences, RecencyFrequencyValue, Segments, Strata, adjusted_rand
from suitably.profiles.segments.k_means import k_means, nearest_centres
from suitably.profiles.segments.standard_grid import StandardGrid
from suitably.testing.params import ParamsContract
from support.frames import KINDS, convert


class TestParameters(ParamsContract):
    def make(self) -> Any:
        return Segments(k=3)

    def made(self) -> list[Any]:
        return [self.make(), Segments(fields=["x"]), Strata(["a", "b"], {"a": [1, 2]}, user="id")]


# Three groups as plain as can be: 30, 20 and 10 users around (0, 0), (10, 0) and (0, 10).
CENTRES = {"1": (0.0, 0.0), "2": (10.0, 0.0), "3": (0.0, 10.0)}
SIZES = {"1": 30, "2": 20, "3": 10}
TRUTH = [name for name, size in SIZES.items() for _ in range(size)]


def groups(seed: int = 0, shift: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    near = rng.normal(scale=0.5, size=(len(TRUTH), 2)) + [CENTRES[name] for name in TRUTH]
    return pd.DataFrame({"user_id": np.arange(len(TRUTH)), "x": near[:, 0] + shift,
                         "y": near[:, 1], "note": "text"})  # fmt: skip


def test_groups_are_found_the_largest_first() -> None:
    segments = Segments(k=3).fit(groups())
    assert segments.labels.columns.tolist() == ["user_id", "segment"]
    assert segments.labels.segment.tolist() == TRUTH
    described = segments.describe()
    assert described.segment.tolist() == ["1", "2", "3"]
    assert described["size"].tolist() == [30, 20, 10]
    assert described.share.tolist() == [0.5, 20 / 60, 10 / 60]
    assert segments.parts_ == ("x", "y")  # text is left out
    centres = segments.centres_ * groups()[["x", "y"]].std(ddof=0).to_numpy()
    centres += groups()[["x", "y"]].mean().to_numpy()
    assert np.abs(centres - list(CENTRES.values())).max() < 0.5


def test_the_description_says_what_differs() -> None:
    shares = [{"fund": 1.0}, {"fund": 0.5, "bond": 0.5}, None, {}]
    frame = pd.DataFrame({"user_id": range(4), "days": [1.0, 3, 100, 102], "alike": [7, 7, 7, 7],
                          "loyal": [True, True, False, False], "share": shares})  # fmt: skip
    described = Segments(k=2, fields=["days", "alike", "loyal", "share"]).fit(frame).describe()
    first = described.iloc[described.description.str.contains("lower days").argmax()]
    assert first.description == (
        "much higher loyal (1, others 0); much lower days (2, others 101); "
        "much higher share.fund (0.75, others 0)"
    )
    spread = np.sqrt((50.5**2 + 48.5**2 + 48.5**2 + 50.5**2) / 4)
    assert first["difference.days"] == round(-99 / spread, 3)
    assert first["difference.alike"] == 0
    assert first["difference.loyal"] == 2
    # Of the others, one has an empty map, where every share is 0, and one none.
    assert first["difference.share.bond"] == round(0.25 / np.std([0, 0.5, 0]), 3)


def test_one_segment_has_no_others() -> None:
    described = Segments(k=1).fit(groups()).describe()
    assert described.description.tolist() == ["like the others"]
    assert described["difference.x"].isna().all()


@given(any_.permutations(range(60)), any_.integers(0, 3))
def test_the_order_of_users_moves_nobody(order: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.lognormal(size=(60, 5)), columns=list("abcde"))
    frame["a"] = rng.integers(0, 3, 60)
    frame.loc[::7, "b"] = np.nan
    frame.insert(0, "user_id", range(60))
    plain, mixed = (Segments(k=6, starts=3).fit(f) for f in (frame, frame.iloc[order]))
    labels = mixed.labels.sort_values("user_id", ignore_index=True)
    pd.testing.assert_frame_equal(labels, plain.labels)
    pd.testing.assert_frame_equal(mixed.describe(), plain.describe())
    pd.testing.assert_frame_equal(mixed.stability(resamples=2), plain.stability(resamples=2))


def test_equal_distances_are_settled_by_the_grid() -> None:
    """Users just between two centres: what tells them apart is below the grid, so none is moved."""
    for noise in (0, 1e-12, -1e-12):
        moved = pd.DataFrame({"user_id": range(6), "x": [0, 0, 1, 1, 0.5 + noise, 0.5 - noise]})
        labels = Segments(k=2).fit(moved).labels.segment
        assert labels[4] == labels[5]


def test_distances_on_the_grid_are_exact() -> None:
    """More fields than SciPy compares one by one: there it multiplies matrices."""
    rng = np.random.default_rng(0)
    rows = rng.integers(-(10**6), 10**6, (200, 12)).astype(float)
    centres = rng.integers(-(10**6), 10**6, (9, 12)).astype(float)
    exact = [[sum(int(a - b) ** 2 for a, b in zip(row, centre, strict=True)) for centre in centres]
             for row in rows]  # fmt: skip
    assert nearest_centres(rows, centres).tolist() == np.argmin(exact, axis=1).tolist()
    twice = np.concatenate([centres, centres])
    assert nearest_centres(rows, twice).max() < 9  # of equals the first


def test_the_best_of_all_partitions() -> None:
    """Small enough to try them all: the squared distance left is the least there is."""
    rows = np.array([[0.0], [1000], [1010], [4000], [4100], [9000]])
    counts = np.array([3, 1, 2, 1, 1, 1])

    def left(labels: Any) -> float:
        total = 0.0
        for label in set(labels):
            mine = np.array(labels) == label
            mean = np.average(rows[mine, 0], weights=counts[mine])
            total += float((counts[mine] * (rows[mine, 0] - mean) ** 2).sum())
        return total

    least = min(left(p) for p in product(range(3), repeat=6) if len(set(p)) == 3)
    centres = k_means(rows, counts, 3, (0,), starts=10)
    assert left(tuple(nearest_centres(rows, centres))) == pytest.approx(least)


def test_an_empty_centre_begins_anew() -> None:
    """However few starts, k different profiles are k segments."""
    rng = np.random.default_rng(1)
    for seed in range(20):
        frame = pd.DataFrame({"user_id": range(12), "x": rng.permutation(12) ** 3.0})
        labels = Segments(k=11, starts=1, seed=seed).fit(frame).labels
        assert labels.segment.nunique() == 11
        assert sorted(labels.segment)[0] == "01"


def test_missing_numbers_draw_in_no_direction() -> None:
    frame = groups().assign(z=np.nan, user_id=lambda f: f.user_id.astype(str))
    frame.loc[[0, 35, 55], "y"] = np.nan
    frame.loc[7, ["x", "y"]] = np.nan
    segments = Segments(k=3, fields=["x", "y", "z"]).fit(frame)
    labels = segments.labels.segment
    assert pd.isna(labels[7])
    assert segments.describe()["size"].sum() == 59
    assert labels[35] == "2"
    assert segments.describe()["difference.z"].isna().all()


def test_others_are_assigned_to_what_was_learned() -> None:
    segments = Segments(k=3).fit(groups())
    new = pd.DataFrame({"user_id": [1, 2, 3, 4], "x": [9.0, 0.5, 1e12, np.nan],
                        "y": [1.0, 12.0, 0.0, np.nan], "w": 1})  # fmt: skip
    assert segments.predict(new).segment.tolist()[:3] == ["2", "3", "2"]
    assert pd.isna(segments.predict(new).segment[3])
    assert segments.labels.segment.tolist() == TRUTH
    with pytest.raises(st.DataError, match="profiles: no field 'y'"):
        segments.predict(new.drop(columns="y"))


def test_ids_may_be_called_otherwise() -> None:
    frame = groups().rename(columns={"user_id": "customerID"})
    frame["customerID"] = [f"c{i}" for i in frame.customerID]
    segments = Segments(k=3, user="customerID").fit(frame)
    assert segments.labels.customerID.tolist() == frame.customerID.tolist()
    assert segments.export(user_ids=True).columns.tolist() == ["customerID", "segment"]


def test_maps_are_compared_key_by_key() -> None:
    frame = pd.DataFrame({"user_id": range(6),
                          "share": [[("a", 1.0)], {"a": 0.9, "b": 0.1}, {"b": 1.0}, {"b": 1.0},
                                    {"a": 1.0}, {"b": 0.8, "a": 0.2}]})  # fmt: skip
    frame["share"] = [dict(one) for one in frame.share]
    segments = Segments(k=2).fit(frame)
    assert segments.parts_ == ("share.a", "share.b")
    assert adjusted_rand(segments.labels.segment, [0, 0, 1, 1, 0, 1]) == 1
    new = pd.DataFrame({"user_id": [1, 2], "share": [{"c": 1.0, "a": 1.0}, {"b": 2.0}]})
    assert segments.predict(new).segment.nunique() == 2
    assert segments.predict(new.assign(share=None)).segment.isna().all()
    assert Segments(k=2, fields=["share.a"]).fit(frame).parts_ == ("share.a",)
    wide = frame.assign(share=[{f"k{i}": 1.0 for i in range(201)}] * 6)
    with pytest.raises(st.DataError, match=r"profiles.share: 201 keys are more than the 200"):
        Segments(k=2).fit(wide)


@pytest.mark.parametrize("kind", KINDS)
def test_any_frame(kind: str) -> None:
    table = pa.Table.from_pandas(groups(), preserve_index=False)
    shares = [[("a", 1.0)] if name == "1" else [("b", 1.0)] for name in TRUTH]
    table = table.append_column("m", pa.array(shares, pa.map_(pa.string(), pa.float64())))
    segments = Segments(k=3).fit(convert(table, kind))
    assert segments.parts_ == ("x", "y", "m.a", "m.b")
    for frame in (segments.labels, segments.describe(), segments.stability(resamples=1),
                  segments.export(user_ids=True)):  # fmt: skip
        wanted = {"pandas": pd.DataFrame, "pyarrow": pa.Table, "duckdb": pa.Table}
        assert type(frame).__name__ == "DataFrame" or isinstance(frame, wanted[kind])
        assert ("polars" in type(frame).__module__) == (kind in ("polars", "lazy"))
    found = read_frame(segments.labels, "labels")[0]
    assert found["segment"].to_pylist() == TRUTH


def test_profiles_as_builders_give_them() -> None:
    bank = st.data.simulate_bank(users=300, products=40)
    preferences = Preferences(weight="money", rates={"CNY": 1, "USD": 1})  # all is in yuan
    builders = (RecencyFrequencyValue(), preferences)
    frames = [builder.fit(bank, "2024-01-01").transform(bank) for builder in builders]
    profiles = frames[0].merge(frames[1], on="user_id")
    fields = ["recency_days", "frequency", "category_share", "novelty_appetite"]
    segments = Segments(k=4, fields=fields).fit(profiles)
    assert segments.describe()["size"].sum() == 300
    assert {part.partition(".")[0] for part in segments.parts_} == set(fields)
    assert segments.stability(resamples=5).adjusted_rand.between(-0.5, 1).all()


# --- stability ------------------------------------------------------------------------------


def test_plain_groups_are_stable_and_noise_is_not() -> None:
    stable = Segments(k=3).fit(groups()).stability(resamples=5)
    assert stable.columns.tolist() == ["compared", "number", "users", "adjusted_rand"]
    assert stable.adjusted_rand.tolist() == [1.0] * 5
    assert stable.number.tolist() == [1, 2, 3, 4, 5]
    assert set(stable.compared) == {"resample"}
    assert set(stable.users) == {60}
    noise = pd.DataFrame(np.random.default_rng(0).random((200, 6)), columns=list("abcdef"))
    found = Segments(k=8).fit(noise.assign(user_id=range(200))).stability(resamples=5)
    assert found.adjusted_rand.max() < 0.9


def test_periods_are_compared_by_those_in_both() -> None:
    segments = Segments(k=3).fit(groups())
    moved = groups(seed=1, shift=100.0)  # the same groups elsewhere
    half = groups(seed=2).iloc[::2]
    other = groups().assign(user_id=lambda frame: frame.user_id + 1000)
    found = segments.stability(periods=[moved, half, other], resamples=0)
    assert found.compared.tolist() == ["period"] * 3
    assert found.number.tolist() == [1, 2, 3]
    assert found.users.tolist() == [60, 30, 0]
    assert found.adjusted_rand.tolist()[:2] == [1.0, 1.0]
    assert pd.isna(found.adjusted_rand[2])
    crossed = groups().assign(x=groups().y, y=groups().x).iloc[::-1]
    crossed["user_id"] = crossed.user_id.to_numpy()[::-1]
    theirs = Segments(k=3).fit(crossed).labels.sort_values("user_id").segment
    found = segments.stability(periods=[crossed], resamples=0)
    assert found.adjusted_rand[0] == adjusted_rand(TRUTH, theirs) < 1
    with pytest.raises(st.DataError, match="user_id: holds string, but int64 at the fit"):
        segments.stability(periods=[groups().assign(user_id=lambda f: f.user_id.astype(str))])


def test_the_seed_decides() -> None:
    noise = pd.DataFrame(np.random.default_rng(0).random((80, 4)), columns=list("abcd"))
    noise["user_id"] = range(80)
    first, again, other = (Segments(k=6, starts=1, seed=s).fit(noise) for s in (0, 0, 5))
    pd.testing.assert_frame_equal(first.labels, again.labels)
    assert adjusted_rand(first.labels.segment, other.labels.segment) < 1


# --- bad input ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"k": 0}, r"Segments\(k=0\): must be a positive integer"),
        ({"k": 2.0}, "k=2.0"),
        ({"starts": True}, "starts=True"),
        ({"seed": -1}, "seed=-1"),
        ({"fields": "x"}, "fields='x'"),
        ({"fields": []}, "one field or more"),
        ({"fields": ["x", "x"]}, "each once"),
        ({"fields": [1]}, "must be a list of names"),
    ],
)
def test_parameters_out_of_range(parameters: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Segments(**parameters).fit(groups())


def test_more_segments_than_profiles() -> None:
    with pytest.raises(st.DataError, match="60 different profiles of 60 users cannot be 61 segm"):
        Segments(k=61).fit(groups())
    alike = groups().assign(x=0.1, y=7)
    with pytest.raises(st.DataError, match="1 different profiles of 60 users cannot be 2 segments"):
        Segments(k=2).fit(alike)
    computed = groups().assign(x=[0.3, 0.1 + 0.2] * 30, y=7)  # which differ in the last digit
    with pytest.raises(st.DataError, match="1 different profiles"):
        Segments(k=2).fit(computed)
    assert Segments(k=1).fit(alike).describe()["difference.x"].isna().all()
    with pytest.raises(st.DataError, match="0 different profiles"):
        Segments(k=2, fields=["x"]).fit(groups().assign(x=None))


def test_frames_that_will_not_do() -> None:
    with pytest.raises(st.DataError, match="profiles: the frame is empty"):
        Segments().fit(groups()[:0])
    with pytest.raises(st.DataError, match="profiles: expected a pandas, polars"):
        Segments().fit([1, 2])
    with pytest.raises(st.DataError, match="profiles: no column 'user_id'"):
        Segments().fit(groups().drop(columns="user_id"))
    with pytest.raises(st.DataError, match="1 are missing, 0 are repeated"):
        Segments().fit(groups().assign(user_id=[*map(str, range(59)), None]))
    with pytest.raises(st.DataError, match="0 are missing, 59 are repeated"):
        Segments().fit(groups().assign(user_id=1))
    with pytest.raises(st.DataError, match="note: holds text, where numbers are compared"):
        Segments(fields=["x", "note"]).fit(groups())
    with pytest.raises(st.DataError, match="profiles: no field 'z'"):
        Segments(fields=["z"]).fit(groups())
    with pytest.raises(st.DataError, match="no field for Segments holds numbers"):
        Segments().fit(groups()[["user_id", "note"]])
    with pytest.raises(st.DataError, match=r"profiles.x: 1 values are infinite"):
        Segments().fit(groups().assign(x=[np.inf] + [0.0] * 59))
    with pytest.raises(st.DataError, match=r"profiles.x: 1e\+300 is too large to be compared"):
        Segments().fit(groups().assign(x=[1e300] + [0.0] * 59))


def test_used_before_the_fit_and_after_one_that_failed() -> None:
    segments = Segments(k=2)
    for use in (segments.describe, segments.export, segments.stability, lambda: segments.labels,
                lambda: segments.predict(groups())):  # fmt: skip
        with pytest.raises(st.NotFittedError, match=r"Segments: call fit\(profiles\) first"):
            use()
    segments.fit(groups())
    with pytest.raises(st.DataError):
        segments.fit(groups()[:1])
    with pytest.raises(st.NotFittedError):
        segments.describe()
    with pytest.raises(ValueError, match=r"Segments.stability\(resamples=-1\)"):
        Segments(k=2).fit(groups()).stability(resamples=-1)


@given(any_.lists(any_.floats(-1e9, 1e9), min_size=1, max_size=30))
def test_the_grid_is_standard(values: list[float]) -> None:
    column = np.array(values)[:, None]
    grid = StandardGrid.of(column, ["x"])
    found = grid.on(column) / 1000
    deviation = np.std(column)
    if grid.deviations[0] and deviation > 1e-6 * np.abs(column).max():
        assert found == pytest.approx((column - column.mean()) / deviation, abs=1e-3)
    if len(set(values)) == 1:
        assert not found.any()
