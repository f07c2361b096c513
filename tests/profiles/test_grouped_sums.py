"""Sums by user and keys: exact in any parts, against Python's own dictionaries."""

from collections import Counter
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as any_

import suitably as st
from suitably.profiles.grouped_sums import GroupedSums, coded, money_parts

WORDS = ["app", "branch", "café", None]
ROWS = any_.lists(
    any_.tuples(
        any_.integers(0, 4),
        any_.sampled_from([-(2**40), 0, 7, 2**40]),
        any_.sampled_from(WORDS),
        any_.floats(-1e6, 1e6).map(lambda x: round(x, 9)),
    ),
    max_size=30,
)


def state(rows: list, users: int = 5) -> GroupedSums:
    codes, words = coded(pa.array([row[2] for row in rows], pa.string()))
    keys = {
        "users": np.array([row[0] for row in rows], np.int32),
        "day": np.array([row[1] for row in rows], np.int64),
        "channel": codes,
    }
    money = money_parts("value", np.array([row[3] for row in rows], float))
    return GroupedSums.of(users, keys, {"events": np.ones(len(rows), np.int64), **money},
                          {"channel": words})  # fmt: skip


def expected(rows: list) -> tuple[Counter, dict]:
    counts, sums = Counter(), {}
    for user, day, word, value in rows:
        group = (user, day, word)
        counts[group] += 1
        sums[group] = sums.get(group, Fraction(0)) + Fraction(round(Fraction(value) * 10**9))
    return counts, sums


def groups(found: GroupedSums) -> list:
    texts = found.texts("channel").to_pylist()
    return list(zip(found.users.tolist(), found.keys["day"].tolist(), texts, strict=True))


@given(ROWS, any_.integers(0, 30))
def test_sums_of_any_parts(rows: list, cut: int) -> None:
    merged = state(rows[:cut], users=4 if all(row[0] < 4 for row in rows[:cut]) else 5)
    merged = merged.plus(state(rows[cut:]))
    counts, sums = expected(rows)
    found = groups(merged)
    assert dict(zip(found, merged.sums["events"].tolist(), strict=True)) == counts
    assert len(set(found)) == len(found)
    for group, value in zip(found, merged.money("value").tolist(), strict=True):
        assert value == float(sums[group] / 10**9)
    whole = state(rows)
    for name, array in whole.to_arrays().items():
        assert np.array_equal(array, merged.to_arrays()[name]), name
    again = GroupedSums.from_arrays(merged.to_arrays())
    assert groups(again) == found


@given(ROWS)
def test_by_fewer_keys_and_rows_of_a_user(rows: list) -> None:
    found = state(rows).by("channel")
    per = Counter((user, word) for user, _, word, _ in rows)
    texts = found.texts("channel").to_pylist()
    pairs = zip(found.users.tolist(), texts, strict=True)
    assert dict(zip(pairs, found.sums["events"].tolist(), strict=True)) == per
    starts = state(rows).starts
    for user in range(5):
        days = state(rows).keys["day"][starts[user] : starts[user + 1]]
        assert set(days.tolist()) == {row[1] for row in rows if row[0] == user}


def test_keys_too_wide_for_one_number_sort_alike() -> None:
    far = np.array([2**62, -(2**62), 0, 2**62])
    keys = {"users": np.zeros(4, np.int32), "day": far, "hour": np.array([1, 1, 1, 1])}
    found = GroupedSums.of(1, keys, {"events": np.ones(4, np.int64)})
    assert found.keys["day"].tolist() == [-(2**62), 0, 2**62]
    assert found.sums["events"].tolist() == [1, 1, 2]


def test_fewer_users_cannot_follow() -> None:
    with pytest.raises(st.DataError, match="2 users cannot follow 5"):
        state([]).plus(state([], users=2))


def test_money_beyond_exact_sums_is_refused() -> None:
    with pytest.raises(st.DataError, match="exactly"):
        money_parts("value", np.array([4.7e18]))
    large = GroupedSums.of(1, {"users": np.zeros(1, np.int32)}, money_parts("v", np.array([4e18])))
    with pytest.raises(st.DataError, match="v: a sum of 8e"):
        large.plus(large)


def test_a_state_read_from_files_in_another_order_still_merges() -> None:
    """A manifest lists arrays by name, and rows are in the order of users all the same."""
    keys = {"users": np.array([1, 0], np.int32), "days": np.array([3, 5])}
    state = GroupedSums.of(2, keys, {"events": np.ones(2, np.int64)})
    arrays = dict(sorted(state.to_arrays().items()))
    again = GroupedSums.from_arrays(arrays)
    assert list(again.keys) == ["users", "days"]
    assert again.plus(state).users.tolist() == [0, 1]
    assert again.plus(state).sums["events"].tolist() == [2, 2]
