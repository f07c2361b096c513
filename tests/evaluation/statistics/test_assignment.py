"""Assignment: test vectors that any service can reproduce, and shares that come out."""

import hashlib

import numpy as np
import pytest

import suitably as st
from suitably.evaluation.statistics import Assignment, srm

SPLIT = {"control": 0.5, "treatment": 0.5}


def by_the_rule(salt, user):
    digest = hashlib.sha256(f"suitably-assignment:1:{salt}:{user}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


@pytest.mark.parametrize(
    ("salt", "user", "number"),
    [
        ("autumn-2026", "u1", 1_626_687_713),
        ("autumn-2026", 42, 3_050_897_194),
        ("other", "客户", 1_147_752_535),
    ],
)
def test_vectors(salt, user, number):
    assert Assignment(salt, SPLIT).numbers([user]).tolist() == [number]
    assert by_the_rule(salt, user) == number


def test_shares_come_out():
    test = Assignment("a", {"control": 0.3, "treatment": 0.2})
    arms = test.arms(range(20_000))
    counts = [int((arms == name).sum()) for name in ("control", "treatment")]
    left = sum(one is None for one in arms)
    assert srm([*counts, left], [0.3, 0.2, 0.5])[1] > 1e-6


def test_salts_are_independent():
    ids = np.arange(20_000)
    one, other = (Assignment(salt, SPLIT).arms(ids) for salt in ("a", "b"))
    both = [int(((one == x) & (other == y)).sum()) for x in SPLIT for y in SPLIT]
    assert srm(both)[1] > 1e-6


def test_the_whole_is_assigned():
    arms = Assignment("a", {"x": 0.1, "y": 0.2, "z": 0.7}).arms(range(5_000))
    assert set(arms) == {"x", "y", "z"}


def test_who_else_is_asked_does_not_matter():
    test = Assignment("a", SPLIT)
    assert test.arms(["x", "y", "z"])[1] == test.arms(["y"])[0]


@pytest.mark.parametrize(
    ("salt", "shares", "message"),
    [("", SPLIT, "salt"), (None, SPLIT, "salt"), ("a", {}, "shares"),
     ("a", {"x": 0.7, "y": 0.5}, "shares"), ("a", {"x": 0.0}, "shares")],
)  # fmt: skip
def test_arguments(salt, shares, message):
    with pytest.raises(ValueError, match=message):
        Assignment(salt, shares)


def test_ids_that_are_none():
    with pytest.raises(st.DataError, match="user_ids"):
        Assignment("a", SPLIT).arms([1.5])
