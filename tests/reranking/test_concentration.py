"""The limit by hand, and its promise: whatever part of the list is bought, it holds."""

from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import suitably
from reranking.contract import GroupRerankerContract, taken_from
from suitably.reranking import ConcentrationLimit
from suitably.testing.blocks import MAP, block, by_user, context, lists_of

MONEY = {"exposure": "exposure", "amount": "min_amount"}


class TestConcentrationLimit(GroupRerankerContract):
    def made(self) -> list[Any]:
        return [
            ConcentrationLimit(),
            ConcentrationLimit("category", 0.5, least=2),
            ConcentrationLimit(share=0.3, **MONEY),
            ConcentrationLimit(share=0.4, least=150, **MONEY),
        ]

    def make(self) -> Any:
        return ConcentrationLimit("category", 0.4)

    def bad(self) -> list[Any]:
        shares = [ConcentrationLimit(share=share) for share in (0, -0.1, 1.1, float("nan"))]
        least = [ConcentrationLimit(least=least) for least in (-1, float("nan"), float("inf"))]
        halves = [ConcentrationLimit(exposure="exposure"), ConcentrationLimit(amount="min_amount")]
        return [*shares, *least, *halves]

    def unknown(self) -> list[Any]:
        return [
            ConcentrationLimit("nowhere"),
            ConcentrationLimit(exposure="nowhere", amount="min_amount"),
            ConcentrationLimit(exposure="exposure", amount="nowhere"),
        ]


def test_by_hand() -> None:
    """Three of A and nine others are held."""
    issuers = ["A"] * 6 + ["B"] * 9 + ["C", None]
    found = context(1, [[0, 1, 2, *range(6, 15)]], issuer=issuers)
    lists = lists_of([3, 4, 16, 5, 15])
    for share, expected in (
        (0.30, [16, 15]),  # 4/13 = .308
        (4 / 13, [3, 16, 15]),  # at the limit is within it
        (0.35, [3, 16, 15]),  # 4/13; 5/14 = .357
        (0.36, [3, 4, 16, 15]),  # 5/14; 6/15 = .4
        (0.40, [3, 4, 16, 5, 15]),
        (0.01, [16, 15]),  # a first product of C is always possible
        (1, [3, 4, 16, 5, 15]),
    ):
        assert by_user(ConcentrationLimit(share=share).rerank(lists, found, 5)) == [expected]


def test_a_customer_who_holds_nothing() -> None:
    found = context(1, [[]], issuer=["A", "A", "A", "B", None, None])
    lists = lists_of([0, 1, 2, 3, 4, 5])
    assert by_user(ConcentrationLimit().rerank(lists, found, 6)) == [[0, 3, 4, 5]]
    assert by_user(ConcentrationLimit(least=2).rerank(lists, found, 6)) == [[0, 1, 3, 4, 5]]
    assert by_user(ConcentrationLimit(least=0).rerank(lists, found, 6)) == [[4, 5]]


def test_nothing_listed_makes_a_position_look_smaller() -> None:
    """2 of 8 held are A: another alone would be 3/9 = 33 %, however much else is offered."""
    found = context(1, [list(range(8))], issuer=["A", "A", *"BCDEFG", *"HIJKLMN", "A"])
    lists = lists_of([8, 9, 10, 11, 12, 13, 14, 15])
    back = by_user(ConcentrationLimit(share=0.3).rerank(lists, found, 8))
    assert back == [[8, 9, 10, 11, 12, 13, 14]]


def test_by_money_by_hand() -> None:
    """A has 2,000 of 10,000; at 30 % it may take x with 2000 + x <= .3 (10000 + x): 1428.57."""
    maps = pa.array([[("A", 2000.0), ("B", 7000.0), ("gone", 1000.0)], [], None], MAP)
    found = context(
        3,
        issuer=["A", "A", "A", "B", "C", "C", None, "C"],
        min_amount=[1000.0, 500.0, 428.0, 1.0, 4285.0, 1.0, None, None],
        user_exposure=maps,
    )
    lists = lists_of(*[[0, 1, 2, 3, 4, 5, 6, 7]] * 3)
    back = ConcentrationLimit(share=0.3, **MONEY).rerank(lists, found, 8)
    # B is over; C may take 3000 / .7 = 4285.71; what has no amount cannot be judged.
    assert by_user(back) == [[0, 2, 4, 6], [0, 3, 4, 6], [6]]
    back = ConcentrationLimit(share=0.3, least=1000, **MONEY).rerank(lists, found, 8)
    # With a least amount, an empty map is a portfolio of 0: 1,000 of each group.
    assert by_user(back) == [[0, 2, 4, 6], [0, 3, 5, 6], [6]]


def limit(share: float, held: float, total: float, bought: float, least: float) -> bool:
    return held + bought <= max(least, share * (total + bought)) + 1e-6


@given(
    seed=st.integers(0, 9999),
    share=st.sampled_from([0.1, 0.25, 1 / 3, 0.5, 0.9]),
    money=st.booleans(),
    least=st.sampled_from([None, 0, 1, 2, 400]),
    k=st.integers(1, 8),
)
def test_against_one_list_at_a_time(
    seed: int, share: float, money: bool, least: float | None, k: int
) -> None:
    """The twin tries every part of the list that a customer may buy, after each product."""
    lists, found = block(seed, 3, depth=6)
    issuers, prices = taken_from(found, "issuer"), taken_from(found, "min_amount")
    maps = found.user_fields["exposure"].to_pylist()
    columns = MONEY if money else {}
    back = by_user(ConcentrationLimit(share=share, least=least, **columns).rerank(lists, found, k))
    for user, codes in enumerate(by_user(lists)):
        owned = [issuers[code] for code in found.owned[[user]].indices]
        held = dict(maps[user] or []) if money else {i: owned.count(i) for i in set(owned)}
        total = sum(held.values())
        floor = (0 if money else 1) if least is None else least
        beginner = money and least is None and total == 0
        kept: list[int] = []
        for code in codes:
            issuer, price = issuers[code], prices[code]
            mine = [c for c in kept if issuers[c] == issuer]
            if issuer is None:
                stays = True
            elif money and (maps[user] is None or price is None):
                stays = False
            elif beginner:
                stays = not mine
            else:
                stays = all(
                    limit(share, held.get(issuer, 0), total + sum(_cost(prices, rest, money)),
                          sum(_cost(prices, part, money)), floor)
                    for size in range(len(mine) + 2)
                    for part in combinations([*mine, code], size)
                    if part
                    for rest in ((), tuple(c for c in kept if c not in mine and prices[c]))
                )  # fmt: skip
            if stays:
                kept.append(code)
        assert back[user] == kept[:k]


def _cost(prices: list[Any], codes: tuple[int, ...], money: bool) -> list[float]:
    return [prices[code] if money else 1 for code in codes]


def test_negative_amounts() -> None:
    found = context(1, issuer=["A"], min_amount=[-1.0], user_exposure=pa.array([[]], MAP))
    with pytest.raises(suitably.DataError, match="1 values of 'min_amount' are negative"):
        ConcentrationLimit(**MONEY).rerank(lists_of([0]), found, 1)


def test_rounding_forbids_nothing() -> None:
    """29 of 100 is 29 %, though .29 * 100 is a little less in binary."""
    for percent in range(1, 100):
        issuers = ["A"] * percent + ["B"] * (100 - percent)
        found = context(1, [list(range(percent - 1)) + list(range(percent, 100))], issuer=issuers)
        back = ConcentrationLimit(share=percent / 100).rerank(lists_of([percent - 1]), found, 1)
        assert by_user(back) == [[percent - 1]]
        if percent > 1:
            less = np.nextafter(percent / 100, 0) - 1e-6
            back = ConcentrationLimit(share=less).rerank(lists_of([percent - 1]), found, 1)
            assert by_user(back) == [[]]
