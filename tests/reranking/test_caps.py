"""Caps by hand, and against one list at a time."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reranking.contract import GroupRerankerContract, taken_from
from suitably.reranking import Caps
from suitably.testing.blocks import block, by_user, context, lists_of


class TestCaps(GroupRerankerContract):
    def made(self) -> list[Any]:
        return [Caps(), Caps("category", 1), Caps("issuer", 3, {"i0": 0, "i1": 1, "elsewhere": 2})]

    def make(self) -> Any:
        return Caps("category", 1, {"b": 2})

    def bad(self) -> list[Any]:
        wrong = [0, -1, 1.5, "2", True, None]
        exceptions = [Caps(exceptions={"i0": most}) for most in (-1, 0.5, "1", True, None)]
        return [*(Caps(most=most) for most in wrong), *exceptions]  # type: ignore[arg-type]

    def unknown(self) -> list[Any]:
        return [Caps("nowhere")]


def test_by_hand() -> None:
    found = context(2, issuer=["a", "a", "b", None, "a", None])
    lists = lists_of([0, 1, 4, 2, 3, 5], [4, 2])
    assert by_user(Caps(most=1).rerank(lists, found, 6)) == [[0, 2, 3, 5], [4, 2]]
    assert by_user(Caps(most=2).rerank(lists, found, 3)) == [[0, 1, 2], [4, 2]]
    assert by_user(Caps(most=9, exceptions={"a": 0}).rerank(lists, found, 6)) == [[2, 3, 5], [2]]


def test_groups_of_any_type() -> None:
    for issuers in ([7, 7, 8], [True, True, False], pa.array(["a", "a", "b"]).dictionary_encode()):
        found = context(1, issuer=issuers)
        assert by_user(Caps(most=1).rerank(lists_of([0, 1, 2]), found, 3)) == [[0, 2]]
    found = context(1, issuer=[7, 7, 8])
    assert by_user(Caps(exceptions={7: 0}).rerank(lists_of([0, 1, 2]), found, 3)) == [[2]]


@given(seed=st.integers(0, 9999), most=st.integers(1, 3), k=st.integers(1, 8))
def test_against_one_list_at_a_time(seed: int, most: int, k: int) -> None:
    lists, found = block(seed, 4, shuffled=True)
    exceptions = {"i0": 0, "i1": 1}
    issuers = taken_from(found, "issuer")
    expected = []
    for codes in by_user(lists):
        kept: list[int] = []
        for code in codes:
            others = [issuers[other] for other in kept]
            cap = exceptions.get(issuers[code], most)
            if issuers[code] is None or others.count(issuers[code]) < cap:
                kept.append(code)
        expected.append(kept[:k])
    assert by_user(Caps("issuer", most, exceptions).rerank(lists, found, k)) == expected


@pytest.mark.parametrize("exceptions", [None, {}, {"a": 1, "b": 0}, {7: 2}])
def test_state(exceptions: Any) -> None:
    caps = Caps("issuer", 3, exceptions)
    assert Caps.from_state(caps.state()).get_params() == caps.get_params()
    with pytest.raises(ValueError, match="shorter"):
        Caps.from_state({"by": "issuer", "most": 3, "groups": ["a", "b"], "caps": [1]})
