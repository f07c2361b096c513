"""Tiers by assets: thresholds, what is missing, what is held, and what is refused."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import suitably
from suitably.data import Dataset
from suitably.errors import DataError
from suitably.profiles import Tier
from suitably.testing import BuilderContract
from suitably.testing.bank import SmallBank

TIERS = [("basic", 0), ("plus", 100), ("private", 1_000)]


class TestTierContract(BuilderContract):
    """By a column, and by what the log says is held, in both directions."""

    def make(self) -> Any:
        return Tier((("low", 0), ("middle", 6_000), ("high", 1e9)), "income", held=True)

    def made(self) -> list[Any]:
        return [self.make(), Tier(), Tier(TIERS, None, held=True, rates={"EUR": 1.5})]

    def bad(self) -> list[Any]:
        tiers: list[Any] = [
            (), None, "gold", {"gold": 1}, ["gold"], [("gold",)], [("gold", 1, 2)], [(1, 1)],
            [("", 1)], [("gold", -1)], [("gold", "1")], [("gold", True)], [("gold", None)],
            [("gold", float("nan"))], [("gold", float("inf"))], [("gold", 2), ("silver", 1)],
            [("gold", 1), ("silver", 1)], [("gold", 1), ("gold", 2)],
        ]  # fmt: skip
        others = [Tier(TIERS, None), Tier(TIERS, held=1), Tier(TIERS, 3), Tier(rates={"EUR": 0})]
        return [Tier(one, "income") for one in tiers] + others

    def bank(self) -> SmallBank:
        bank = super().bank()
        users = [{**row, "income": [None, 0.0, -5.0, 5_990.0][i % 4]} for i, row in
                 enumerate(bank.users)]  # fmt: skip
        return bank.but(users=users)


class TestByTheColumnAlone(TestTierContract):
    def make(self) -> Any:
        return Tier(TIERS, "income")


class TestByTheLogAlone(BuilderContract):
    def make(self) -> Any:
        return Tier(TIERS, None, held=True)


def tiers(known: Any, log: Any = None, **arguments: Any) -> list[str | None]:
    users = pa.table({"user_id": list("abcdefgh")[: len(known)], "financial_assets": known})
    log = {"user_id": ["a"], "product_id": ["p"], "value": [0.0]} if log is None else log
    kinds = {"disposed_events": ["sell"]} if "event" in log else {}
    data = Dataset(users, None, pa.table(log), **kinds)
    found = Tier(arguments.pop("tiers", TIERS), **arguments).fit(data).transform(data)
    assert found["tier"].type == pa.string()
    return list(found["tier"].to_pylist())


def test_a_threshold_belongs_to_its_tier() -> None:
    assets = [0.0, 99.99, 100.0, 999.999, 1_000.0, 1e15]
    assert tiers(assets) == ["basic", "basic", "plus", "plus", "private", "private"]


def test_missing_negative_and_below_the_first() -> None:
    assert tiers([None, -1.0, float("nan"), 5.0]) == [None, "basic", None, "basic"]
    some = [("plus", 100), ("private", 1_000)]
    assert tiers([None, -1.0, 99.0, 100.0], tiers=some) == [None, None, None, "plus"]
    assert tiers(pa.nulls(2)) == [None, None]
    assert tiers([7.0], tiers=[("all", 0)]) == ["all"]


def test_any_kind_of_number() -> None:
    assert tiers([99, 100]) == ["basic", "plus"]
    assert tiers(pa.array([Decimal("99.99"), Decimal("100.00")])) == ["basic", "plus"]
    with pytest.raises(DataError, match=r"users\.financial_assets: must hold numbers, not text"):
        tiers(["100", "5"])
    with pytest.raises(DataError, match=r"financial_assets.*infinite"):
        tiers([1.0, float("inf")])
    with pytest.raises(DataError, match="must hold numbers, not bool"):
        tiers([True])
    with pytest.raises(
        DataError, match=r"no column 'wealth' for Tier; it has \['financial_assets'\]"
    ):
        tiers([1.0], assets="wealth")


LOG = {
    "user_id": ["a", "a", "a", "b", "c", "d", "d"],
    "product_id": ["p", "q", "q", "p", "p", "p", "q"],
    "value": [90.0, 10.0, -25.0, 100.0, 40.0, 6.0, 5.0],
    "event": ["buy", "buy", "sell", "buy", "sell", "sell", "buy"],
}


def test_what_is_held_is_never_below_nothing() -> None:
    """By product: more sold than bought of one does not lower what is held of another."""
    wanted = [("nothing", 0), ("a little", 1), ("ninety", 90), ("hundred", 100)]
    found = tiers([1.0] * 5, LOG, tiers=wanted, assets=None, held=True)
    assert found == ["ninety", "hundred", "nothing", "a little", "nothing"]
    found = tiers([10.0, None, 95.0, 85.0, -5.0], LOG, tiers=wanted, held=True)
    assert found == ["hundred", None, "ninety", "ninety", "nothing"]


def test_net_debts_are_set_off_against_what_is_held() -> None:
    wanted = [("nothing", 0), ("fifty", 50), ("ninety", 90)]
    assert tiers([-40.0, -400.0, 0.0, 0.0], LOG, tiers=wanted, held=True) == [
        "fifty",
        "nothing",
        "nothing",
        "nothing",
    ]


def test_currencies() -> None:
    log = {**LOG, "currency": ["EUR", "USD", "USD", "EUR", "EUR", "EUR", "EUR"]}
    with pytest.raises(DataError, match="several currencies"):
        tiers([0.0] * 4, log, held=True)
    assert tiers([0.0] * 4, log) == ["basic"] * 4
    found = tiers([0.0] * 4, log, held=True, rates={"EUR": 20.0, "USD": 1.0})
    assert found == ["private", "private", "basic", "plus"]


def test_a_log_without_values() -> None:
    with pytest.raises(DataError, match="no values for Tier"):
        tiers([1.0], {"user_id": ["a"], "product_id": ["p"]}, held=True)
    assert tiers([1.0], {"user_id": ["a"], "product_id": ["p"]}) == ["basic"]


def test_rows_that_were_set_aside_leave_a_users_holdings_unknown() -> None:
    log = pd.DataFrame({"user_id": ["a", "b", "b"], "product_id": "p", "value": [1.0, 1.0, 1.0],
                        "timestamp": ["2024-01-01", "2024-01-01", "no date"]})  # fmt: skip
    data = Dataset(None, None, log, on_error="quarantine")
    found = Tier(TIERS, None, held=True).fit(data).transform(data)
    assert found["tier"].tolist()[0] == "basic"
    assert found["tier"].isna().tolist() == [False, True]


def test_provenance_names_what_counts() -> None:
    assert Tier().provenance("tier").sources == ("users.financial_assets",)
    both = ("users.income", "interactions.value")
    assert Tier(TIERS, "income", held=True).provenance("tier").sources == both
    assert Tier(TIERS, None, held=True).reads == ()


def test_a_rule_reads_the_tier_as_a_level(tmp_path: Path) -> None:
    """Saved and loaded, with a new row of the user, it is judged anew."""
    policy = suitably.Policy.from_toml("""
        [policy]
        id = "tiers"
        version = "1"
        [scales]
        tier = ["basic", "plus", "private"]
        [fields]
        "user.tier" = "tier"
        [[rules]]
        id = "plus-only"
        require = "rank(user.tier) >= 2"
    """)
    users = pa.table({"user_id": ["a", "b"], "financial_assets": [100.0, 5.0]})
    products = pa.table({"product_id": ["p", "q"]})
    log = pa.table({"user_id": ["a"], "product_id": ["p"], "value": [1.0]})
    pipeline = suitably.Pipeline([Tier(TIERS)], policy, suitably.ranking.Popularity())
    pipeline.fit(Dataset(users, products, log)).save(tmp_path / "model")
    loaded = suitably.load(tmp_path / "model")
    assert [loaded.why_not(user, "q")[0].verdict for user in "ab"] == ["pass", "fail"]
    assert loaded.profiles[0].get_params()["tiers"] == [list(tier) for tier in TIERS]
    loaded.update(users=pa.table({"user_id": ["b"], "financial_assets": [1_000.0]}))
    assert loaded.trace("b").profile["tier"] == "private"


EVENTS = st.lists(
    st.tuples(
        st.integers(0, 3), st.integers(0, 2), st.integers(-200, 1_500), st.booleans(),
    ),
    min_size=1, max_size=20,
)  # fmt: skip


@given(EVENTS, st.lists(st.none() | st.integers(-500, 1_500), min_size=4, max_size=4),
       st.randoms(use_true_random=False))  # fmt: skip
def test_by_brute_force(events: Any, assets: Any, random: Any) -> None:
    owners, products, values, sold = map(list, zip(*events, strict=True))
    log = pa.table({"user_id": owners, "product_id": products, "value": list(map(float, values)),
                    "event": ["sell" if one else "buy" for one in sold]})  # fmt: skip
    users = pa.table({"user_id": range(4), "wealth": pa.array(assets, pa.int64())})
    data = Dataset(users, None, log, disposed_events=["sell"])
    builder, view = Tier(TIERS, "wealth", held=True), data.view()
    whole = builder.finalise(builder.accumulate(view), None)
    held = np.zeros((4, 3))
    for owner, product, value, back in events:
        held[owner, product] += -abs(value) if back else value
    for owner in range(4):
        known = assets[owner]
        total = None if known is None else known + np.maximum(held[owner], 0).sum()
        wanted = None
        for name, threshold in TIERS if total is not None else ():
            if max(total, 0) >= threshold:
                wanted = name
        assert whole["tier"][owner].as_py() == wanted
    early = np.array([random.random() < 0.5 for _ in events])
    a, b = (builder.accumulate(replace(view, events=view.events.take(m))) for m in (early, ~early))
    assert builder.finalise(builder.merge(a, b), None).equals(whole)
    assert builder.finalise(builder.merge(b, a), None).equals(whole)


def test_the_column_of_the_later_state_counts() -> None:
    bank = TestTierContract().bank()
    richer = bank.but(users=[{**row, "income": 1e10} for row in bank.users])
    builder = Tier(TIERS, "income")
    a, b = (builder.accumulate(one.dataset().view()) for one in (bank, richer))
    assert builder.finalise(builder.merge(a, b), None)["tier"].to_pylist() == ["private"] * 7
