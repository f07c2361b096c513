"""Amounts are added in one currency, or not at all."""

import numpy as np
import pandas as pd
import pytest

import suitably as st
from suitably.profiles.currency import check_rates, one_currency
from suitably.profiles.grouped_sums import GroupedSums, money_parts
from suitably.profiles.trades import Trades

LOG = pd.DataFrame({"user_id": [1, 1, 2], "product_id": ["a", "b", "b"], "value": [1.0, 2.0, 4.0]})
PRODUCTS = pd.DataFrame({"product_id": ["a", "b", "c"], "currency": ["EUR", "USD", "GBP"]})
MIXED = LOG.assign(currency=["EUR", "USD", "USD"])


def trades(log: pd.DataFrame = LOG, rates: object = None) -> Trades:
    return Trades.of(st.Dataset(None, PRODUCTS, log).view(), rates)


def test_amounts_in_several_currencies_ask_for_rates() -> None:
    with pytest.raises(st.DataError, match=r"several currencies \(EUR, USD\).*rates={'EUR': …, '"):
        trades(MIXED)
    found = trades(MIXED, {"EUR": 1, "USD": 0.5, "GBP": 2})
    assert (found.money.tolist(), found.currency) == ([1.0, 1.0, 2.0], "")
    with pytest.raises(st.DataError, match="amounts in USD, for which rates= has none"):
        trades(MIXED, {"EUR": 1, "GBP": 2})


def test_what_is_not_said_is_in_the_currency_of_the_frame() -> None:
    assert trades(LOG.assign(currency="CHF")).currency == "CHF"
    with pytest.raises(st.DataError, match="CHF, JPY"):
        trades(LOG.assign(currency=["CHF", None, "JPY"]))
    found = trades(LOG.assign(currency=["CHF", None, "JPY"]), {"CHF": 3, "JPY": 0.25})
    assert found.money.tolist() == [3.0, 2.0, 1.0]


def test_what_a_product_is_denominated_in_is_not_what_was_paid() -> None:
    assert trades().currency == ""
    missing = LOG.assign(currency=["CHF", "CHF", "JPY"], value=[1.0, 2.0, None])
    data = st.Dataset(None, None, missing.assign(event=["buy", "buy", "no"]),
                      owned_events=["buy"], rejected_events=["no"])  # fmt: skip
    assert Trades.of(data.view()).currency == "CHF"


def test_states_of_two_currencies_do_not_merge() -> None:
    def state(currency: str) -> GroupedSums:
        keys = {"users": np.zeros(1, np.int32)}
        money = money_parts("value", np.ones(1))
        return GroupedSums.of(1, keys, money, beside={"currency": np.array([currency])})

    assert state("").plus(state("EUR")).beside["currency"].tolist() == ["EUR"]
    with pytest.raises(st.DataError, match="EUR, USD"):
        state("USD").plus(state("EUR"))
    assert one_currency() == ""


def test_rules_of_money_held_ask_for_rates_too() -> None:
    rule = 'id = "r"\nrequire = "portfolio() <= 10"\n'
    policy = st.Policy.from_toml(f'[policy]\nid = "p"\nversion = "1"\n[[rules]]\n{rule}')
    pipeline = st.Pipeline(profiles=[], policy=policy, ranker=st.ranking.Popularity())
    with pytest.raises(st.DataError, match="EUR, USD"):
        pipeline.fit(st.Dataset(None, PRODUCTS, MIXED))
    pipeline.fit(st.Dataset(None, PRODUCTS, MIXED[:1]))
    with pytest.raises(st.DataError, match="EUR, USD"):
        pipeline.update(MIXED[1:].assign(user_id=1))
    assert pipeline.why_not(1, "c")[0].verdict == "pass"  # what was held goes on


@pytest.mark.parametrize("rates", [1, [1], {"EUR": 0}, {"EUR": True}, {"EUR": "1"}, {1: 1.0},
                                   {"EUR": float("nan")}, {"EUR": float("inf")}])  # fmt: skip
def test_rates_that_are_none(rates: object) -> None:
    class Builder:
        pass

    Builder.rates = rates
    with pytest.raises(ValueError, match="Builder"):
        check_rates(Builder())
