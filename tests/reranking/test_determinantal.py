"""The greedy search against determinants computed one by one."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reranking.contract import GroupRerankerContract
from suitably.reranking import Determinantal, RerankContext
from suitably.testing.blocks import block, by_user, context, lists_of


class TestDeterminantal(GroupRerankerContract):
    def made(self) -> list[Any]:
        return [
            Determinantal(),
            Determinantal(by=["category", "issuer"], weight=0.6, alike=0.5),
            Determinantal(by="issuer", near="term_months", weight=1),
            Determinantal(by=(), near=["term_months", "min_amount"], weight=0.4),
        ]

    def make(self) -> Any:
        return Determinantal(by=["category", "regime"], near=["min_amount"])

    def bad(self) -> list[Any]:
        weights = [Determinantal(weight=weight) for weight in (-0.1, 1.1, float("nan"), "big")]
        likes = [Determinantal(alike=alike) for alike in (-0.1, 1, 2, float("nan"))]
        return [*weights, *likes, Determinantal(by=[]), Determinantal(by=(), near=())]

    def unknown(self) -> list[Any]:
        return [Determinantal("nowhere"), Determinantal(near="nowhere")]


def kernel(reranker: Determinantal, found: RerankContext) -> Any:
    """The similarities of the whole catalogue, pair by pair."""
    by = [reranker.by] if isinstance(reranker.by, str) else reranker.by
    near = [reranker.near] if isinstance(reranker.near, str) else reranker.near
    columns = []
    for name in by:
        values = found.product_fields[name].to_pylist()
        columns.append([[float(a is not None and a == b) for b in values] for a in values])
    for name in near:
        numbers = np.array(
            [np.nan if v is None else v for v in found.product_fields[name].to_pylist()]
        )
        spread = np.nanstd(numbers) if np.isfinite(numbers).any() else 0
        scaled = numbers / (spread or 1)
        columns.append(np.nan_to_num(np.exp(-((scaled[:, None] - scaled) ** 2) / 2)))
    similar = reranker.alike * np.mean(columns, axis=0)
    np.fill_diagonal(similar, 1)
    return similar


@given(
    seed=st.integers(0, 9999), which=st.integers(0, 3), k=st.integers(1, 8), shuffled=st.booleans()
)
def test_against_determinants(seed: int, which: int, k: int, shuffled: bool) -> None:
    """Each place taken has the highest objective there is; where it is alone, it is the one."""
    lists, found = block(seed, 3, shuffled=shuffled)
    reranker = TestDeterminantal().made()[which]
    similar = kernel(reranker, found)
    back = by_user(reranker.rerank(lists, found, k))
    for user, codes in enumerate(by_user(lists)):
        scores = lists.scores[user, : len(codes)].astype(float)
        span = np.ptp(scores) if len(codes) else 0
        relevance = dict(zip(codes, (scores - min(scores, default=0)) / (span or 1), strict=True))
        assert len(back[user]) == min(k, len(codes))
        taken: list[int] = []
        for code in back[user]:
            gains = {}
            for other in codes:
                if other not in taken:
                    both = [*taken, other]
                    volume = np.linalg.slogdet(similar[np.ix_(both, both)])[1]
                    volume -= np.linalg.slogdet(similar[np.ix_(taken, taken)])[1] if taken else 0
                    gains[other] = (1 - reranker.weight) * relevance[other]
                    gains[other] += reranker.weight * volume
            assert gains[code] >= max(gains.values()) - 1e-9
            taken.append(code)


def test_the_third_of_a_kind_costs_more_than_the_second() -> None:
    """By hand: log(1 - .9²) = -1.6607 for the second, log(1 - 2·.81/1.9) = -1.9145 the third."""
    found = context(1, category=["a", "a", "a", "b"])
    scores = [[1.0, 0.9, 0.8, 0.0]]
    second, third = np.log(1 - 0.81), np.log(1 - 2 * 0.81 / 1.9)
    # After 0: product 1 gains (1-w)·.9 + w·second, product 3 nothing; likewise for the third.
    for turn, gain, places in (
        (0.9 / (0.9 - second), None, (1, 3)),
        (0.8 / (0.8 - third), 1, (2, 3)),
    ):
        for weight, expected in ((turn - 0.01, places[0]), (turn + 0.01, places[1])):
            back = Determinantal(weight=weight).rerank(
                lists_of([0, 1, 2, 3], scores=scores), found, 3
            )
            assert back.products[0, 1 if gain is None else 2] == expected


def test_near_numbers_are_alike() -> None:
    found = context(1, term_months=[1.0, 1.1, 50.0, None])
    back = Determinantal(by=(), near="term_months", weight=1).rerank(
        lists_of([0, 1, 2, 3]), found, 4
    )
    assert by_user(back) == [[0, 3, 2, 1]]


def test_weight_0_keeps_the_order() -> None:
    lists, found = block(3, 5)
    assert by_user(Determinantal(weight=0).rerank(lists, found, 8)) == by_user(lists)


@pytest.mark.parametrize("alike", [0.999999999999, 0.0])
def test_a_whole_catalogue_of_one_kind(alike: float) -> None:
    found = context(1, category=pa.array(["a"] * 60))
    back = Determinantal(weight=1, alike=alike).rerank(lists_of(list(range(60))), found, 60)
    assert by_user(back) == [list(range(60))]


def test_infinite_numbers() -> None:
    from suitably import DataError

    with pytest.raises(DataError, match="1 values of 'term_months' for Determinantal are infinite"):
        Determinantal(near="term_months").rerank(
            lists_of([0]), context(1, category=["a"], term_months=[float("inf")]), 1
        )
