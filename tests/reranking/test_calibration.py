"""Calibration against the divergence computed term by term."""

import math
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import suitably
from reranking.contract import GroupRerankerContract, taken_from
from suitably.reranking import Calibration
from suitably.testing.blocks import MAP, block, by_user, context, lists_of

ALPHA = 0.01


class TestCalibration(GroupRerankerContract):
    def made(self) -> list[Any]:
        return [
            Calibration(),
            Calibration("issuer", weight=0.8),
            Calibration("issuer", target="exposure", weight=1),
        ]

    def make(self) -> Any:
        return Calibration(weight=0.9)

    def bad(self) -> list[Any]:
        return [Calibration(weight=weight) for weight in (-0.1, 1.1, float("nan"), "big")]

    def unknown(self) -> list[Any]:
        return [Calibration("nowhere"), Calibration(target="nowhere")]


def divergence(shares: dict[Any, float], groups: list[Any]) -> float:
    """KL(p, q̃) of a profile and a list, as the source has it."""
    total = 0.0
    for group, p in shares.items():
        q = (1 - ALPHA) * groups.count(group) / len(groups) + ALPHA * p
        total += p * math.log(p / q) if p > 0 else 0
    return total


def profile(groups: list[Any]) -> dict[Any, float]:
    known = [group for group in groups if group is not None]
    return {group: known.count(group) / len(known) for group in known}


def check(
    reranker: Calibration, lists: Any, back: list[list[int]], groups: list[Any], shares: Any, k: int
) -> None:
    """Each place taken has the highest objective there is; where it is alone, it is the one."""
    for user, codes in enumerate(by_user(lists)):
        scores = lists.scores[user, : len(codes)].astype(float).tolist()
        low, span = min(scores, default=0), max(scores, default=0) - min(scores, default=0)
        relevance = {c: (s - low) / (span or 1) for c, s in zip(codes, scores, strict=True)}
        assert len(back[user]) == min(k, len(codes))
        taken: list[int] = []
        for code in back[user]:
            values = {
                other: (1 - reranker.weight) * relevance[other]
                - reranker.weight * divergence(shares[user], [groups[c] for c in [*taken, other]])
                for other in codes
                if other not in taken
            }
            assert values[code] >= max(values.values()) - 1e-9
            taken.append(code)


@given(
    seed=st.integers(0, 9999),
    k=st.integers(1, 8),
    weight=st.sampled_from([0.0, 0.3, 0.5, 0.9, 1.0]),
    shuffled=st.booleans(),
)
def test_holdings_against_the_divergence(seed: int, k: int, weight: float, shuffled: bool) -> None:
    lists, found = block(seed, 3, shuffled=shuffled)
    groups = taken_from(found, "category")
    shares = [profile([groups[code] for code in found.owned[[user]].indices]) for user in range(3)]
    reranker = Calibration(weight=weight)
    check(reranker, lists, by_user(reranker.rerank(lists, found, k)), groups, shares, k)


@given(seed=st.integers(0, 9999), k=st.integers(1, 8))
def test_a_target_against_the_divergence(seed: int, k: int) -> None:
    lists, found = block(seed, 3)
    shares = []
    for pairs in found.user_fields["exposure"].to_pylist():
        total = sum(amount for _, amount in pairs or [])
        shares.append({group: amount / total for group, amount in pairs or [] if total})
    reranker = Calibration("issuer", target="exposure", weight=0.7)
    back = by_user(reranker.rerank(lists, found, k))
    check(reranker, lists, back, taken_from(found, "issuer"), shares, k)


def test_by_hand() -> None:
    """Two thirds a, one third b: with the shares alone a list goes a, b, a."""
    found = context(2, [[4, 5, 6], []], category=["a", "a", "a", "b", "a", "a", "b", "c", None])
    lists = lists_of([7, 8, 0, 1, 2, 3], [7, 8, 0, 1, 2, 3])
    back = by_user(Calibration(weight=1).rerank(lists, found, 6))
    assert back[0][:3] == [0, 3, 1]
    assert back[1] == [7, 8, 0, 1, 2, 3], "who holds nothing keeps the order"
    half = by_user(Calibration(weight=0.5).rerank(lists, found, 2))
    # At first a gains .5·.6 + .5·(2/3)·ln(1 + .99/(.01·2/3)) = 1.97, 7 gains .5: a, 0 before 1.
    assert half[0][0] == 0


def test_shares_of_any_sum_and_groups_that_nothing_is_in() -> None:
    shares = [[("a", 200.0), ("b", 100.0), ("gone", 50.0)], [("a", 4.0), ("b", 2.0), ("gone", 1.0)]]
    found = context(2, category=["c", "a", "a", "b"], user_wanted=pa.array(shares, MAP))
    back = by_user(
        Calibration(target="wanted", weight=1).rerank(lists_of(*[[0, 1, 2, 3]] * 2), found, 4)
    )
    assert back == [[1, 3, 2, 0]] * 2


def test_targets_from_pandas_and_structs() -> None:
    structs = pa.array([{"a": 0.0, "b": 1.0}, None])
    found = context(2, category=["a", "b"], user_wanted=structs)
    back = Calibration(target="wanted").rerank(lists_of([0, 1], [0, 1]), found, 2)
    assert by_user(back) == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pa.array([[("a", -1.0)]], MAP), "1 values of 'wanted' for Calibration are negative"),
        (pa.array([[("a", float("inf"))]], MAP), "1 values are infinite"),
        (pa.array(["a"]), "holds string, not maps from text to number"),
        (pa.array([True]), "holds bool, not maps"),
        (pa.array([["a"]]), "not maps"),
        (pa.array([[{"k": 1, "v": 1.0}]]), "not maps"),
    ],
)
def test_bad_targets(values: pa.Array, message: str) -> None:
    found = context(1, category=["a", "b"], user_wanted=values)
    with pytest.raises(suitably.DataError, match=message):
        Calibration(target="wanted").rerank(lists_of([0, 1]), found, 2)


def test_a_share_next_to_nothing() -> None:
    shares = pa.array([[("a", 1.0), ("b", 1e-320)]], MAP)
    found = context(1, category=["b", "a"], user_wanted=shares)
    back = Calibration(target="wanted", weight=1).rerank(lists_of([0, 1]), found, 2)
    assert by_user(back) == [[1, 0]]
