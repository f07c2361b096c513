"""Balances: values worked out by hand and year by year, columns, and bad input."""

from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import suitably
from suitably.data import Dataset
from suitably.profiles import BalanceValue, LifetimeValue
from suitably.testing import BuilderContract
from suitably.testing.bank import SmallBank

LOG = pd.DataFrame({"user_id": [1], "product_id": ["a"]})


class TestBalanceValueContract(BuilderContract):
    def bank(self) -> SmallBank:
        bank = super().bank()
        users = [
            {**row, "stays": 0.1 * i, "rate": 0.02 * i, "income": [None, -5.0, 1e4 * i][i % 3]}
            for i, row in enumerate(bank.users)
        ]
        return bank.but(users=users)

    def make(self) -> Any:
        return BalanceValue("income", 0.02, "stays", "rate", years=5)

    def made(self) -> list[Any]:
        return [self.make(), BalanceValue(), BalanceValue(years=3)]

    def bad(self) -> list[Any]:
        wrong = [
            {"balance": 3},
            {"margin": -0.1},
            {"retention": 1.1},
            {"discount": np.inf},
            {"years": 0},
            {"years": 1.5},
            {"retention": 1, "discount": 0},
        ]
        return [BalanceValue(**{"balance": "income", **one}) for one in wrong]


def value(balance: Any, **params: Any) -> Any:
    users = pd.DataFrame({"user_id": [1], "balance": [balance]})
    data = Dataset(users, None, LOG)
    return BalanceValue(**params).fit(data).transform(data)["balance_value"][0]


@pytest.mark.parametrize(
    ("params", "right"),
    [
        # 100 a year at the end of each: 90/1.05 + 81/1.1025 + …, in all 100 × .9 / .15.
        ({"retention": 0.9, "discount": 0.05}, 600.0),
        ({"retention": 0.9, "discount": 0.05, "years": 2}, 90 / 1.05 + 81 / 1.1025),
        ({"retention": 0.8, "discount": 0.0}, 400.0),
        ({"retention": 0.5, "discount": 0.0, "years": 3}, 87.5),
        ({"retention": 1.0, "discount": 0.25}, 400.0),
        ({"retention": 1.0, "discount": 0.0, "years": 7}, 700.0),
        ({"retention": 0.0, "discount": 0.0}, 0.0),
    ],
)
def test_worked_out_by_hand(params: dict[str, Any], right: float) -> None:
    assert value(10_000.0, margin=0.01, **params) == pytest.approx(right, rel=1e-12)


@settings(max_examples=100, deadline=None)
@given(
    balance=st.floats(0, 1e9),
    retention=st.floats(0, 1),
    discount=st.floats(0, 2),
    years=st.integers(1, 40),
)
def test_year_by_year(balance: float, retention: float, discount: float, years: int) -> None:
    share = Fraction(retention) / (1 + Fraction(discount))
    right = Fraction(balance) * Fraction(0.02) * sum(share**t for t in range(1, years + 1))
    params = {"retention": retention, "discount": discount, "years": years}
    found = value(balance, margin=0.02, **params)
    assert found == pytest.approx(float(right), rel=1e-9)
    assert found >= 0


def test_a_number_for_each_and_what_is_missing() -> None:
    users = pd.DataFrame(
        {
            "user_id": [1, 2, 3, 4, 5],
            "balance": [1000.0, -50.0, np.nan, 1000.0, 1000.0],
            "stays": [0.5, 0.5, 0.5, np.nan, 1.0],
            "rate": [0.0, 0.0, 0.0, 0.0, 0.0],
        }
    )
    data = Dataset(users, None, LOG)
    builder = BalanceValue(margin=0.1, retention="stays", discount="rate")
    found = builder.fit(data).transform(data)["balance_value"]
    assert found.tolist()[:2] == [100.0, 0.0]
    assert found.isna().tolist() == [False, False, True, True, True]
    assert builder.reads == ("balance", "stays", "rate")
    assert builder.provenance("balance_value") == "derived"


@pytest.mark.parametrize(
    ("column", "cells", "words"),
    [
        ("balance", ["a"], r"users\.balance: must hold numbers"),
        ("balance", [True], r"users\.balance: must hold numbers"),
        ("other", [1.0], "users: no column 'balance'"),
    ],
)
def test_balances_that_cannot_be_read(column: str, cells: list[Any], words: str) -> None:
    users = pd.DataFrame({"user_id": [1], column: cells})
    with pytest.raises(suitably.DataError, match=words):
        BalanceValue().fit(Dataset(users, None, LOG))


def test_a_share_above_one() -> None:
    users = pd.DataFrame({"user_id": [1], "balance": [5.0], "stays": [90.0]})
    with pytest.raises(suitably.DataError, match=r"users\.stays: .*from 0 to 1 \(row 0: 90\)"):
        BalanceValue(retention="stays").fit(Dataset(users, None, LOG))


def test_a_rule_reads_it_beside_the_value_of_purchases() -> None:
    """Both kinds of value fit into one pipeline, and new balances into an update."""
    users = pd.DataFrame({"user_id": [1, 2], "balance": [1000.0, 0.0]})
    log = pd.DataFrame(
        {
            "user_id": [1, 1, 2],
            "product_id": ["a", "a", "b"],
            "timestamp": ["2024-01-01", "2024-01-20", "2024-01-05"],
            "value": [5.0, 6.0, 7.0],
        }
    )
    policy = suitably.Policy.from_toml(
        '[policy]\nid = "x"\nversion = "1"\n[[rules]]\nid = "rich"\n'
        'require = "user.balance_value > 10"\n'
    )
    builders = [BalanceValue(), LifetimeValue(penalty=1.0)]
    pipeline = suitably.Pipeline(builders, policy, suitably.ranking.Popularity())
    pipeline.fit(Dataset(users, None, log), "2024-02-01")
    profile = pipeline.trace(1).profile
    assert profile["balance_value"] == pytest.approx(10 * 0.9 / 0.2)
    assert profile["lifetime_value"] > 0
    assert [len(pipeline.recommend([user], exclude_owned=False).to_frame()) for user in (1, 2)] == [
        2,
        0,
    ]
    pipeline.update(users=pd.DataFrame({"user_id": [2], "balance": [2000.0]}))
    assert len(pipeline.recommend([2], exclude_owned=False).to_frame()) == 2
