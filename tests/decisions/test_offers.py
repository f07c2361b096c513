"""Offers: products through channels, and frames that are none."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import suitably as st

PRODUCTS = {"product_id": ["bond", "etf"], "risk_level": ["R1", "R3"], "margin": [20.0, None]}
CHANNELS = {"channel": ["letter", "call"], "cost": [1.5, 9], "capacity": [None, 10.0]}


def test_a_row_per_offer_with_the_columns_of_both():
    made = st.decisions.offers(pa.table(PRODUCTS), pa.table(CHANNELS))
    assert made.to_pydict() == {
        "offer_id": ["bond/letter", "bond/call", "etf/letter", "etf/call"],
        "product_id": ["bond", "bond", "etf", "etf"],
        "channel": ["letter", "call", "letter", "call"],
        "cost": [1.5, 9.0, 1.5, 9.0],
        "risk_level": ["R1", "R1", "R3", "R3"],
        "margin": [20.0, 20.0, None, None],
        "capacity": [None, 10.0, None, 10.0],
    }


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame, lambda d: pl.LazyFrame(d), pa.table])
def test_any_frame_in_and_the_callers_kind_out(kind):
    made = st.decisions.offers(kind(PRODUCTS), pd.DataFrame(CHANNELS))
    wanted = {pd.DataFrame: pd.DataFrame, pa.table: pa.Table}.get(kind, pl.DataFrame)
    assert isinstance(made, wanted)
    assert made.shape == (4, 7)


def test_whole_numbers_are_ids_too_and_stay_so():
    made = st.decisions.offers(pd.DataFrame({"product_id": [7, 8]}), pd.DataFrame(CHANNELS))
    assert made.product_id.tolist() == [7, 7, 8, 8]
    assert made.offer_id[0] == "7/letter"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"cost": [1.0, None]}, r"'call' has no cost.*row 1"),
        ({"cost": [1.0, float("nan")]}, r"'call' has no cost.*row 1"),
        ({"cost": [-0.5, 1]}, r"'letter' costs less than 0.*row 0"),
        ({"cost": [1.0, np.inf]}, "row 1 is infinite"),
        ({"cost": ["1", "2"]}, "must hold numbers, not text"),
        ({"channel": ["call", "call"]}, r"'call' is there twice \(row 1\)"),
        ({"channel": ["call", None]}, "row 1 has no name"),
        ({"channel": [1, 2]}, "must hold text"),
        ({"capacity": [1.5, None]}, r"'letter' has no whole number.*1\.5"),
        ({"capacity": [-1, None]}, "'letter' has a capacity below 0"),
        ({"response": [1.0, -0.1]}, "'call' has a response below 0"),
        ({"response": [np.inf, 1]}, "row 0 is infinite"),
        ({"margin": [1, 2]}, "'margin', and channels have one too"),
        ({"offer_id": [1, 2]}, "'offer_id', which every offer has"),
    ],
)
def test_channels_that_are_none(changed, said):
    with pytest.raises(st.DataError, match=said):
        st.decisions.offers(pd.DataFrame(PRODUCTS), pd.DataFrame(CHANNELS | changed))


@pytest.mark.parametrize("left", ["channel", "cost"])
def test_channels_without_a_column(left):
    with pytest.raises(st.DataError, match=f"no column '{left}'"):
        st.decisions.offers(pd.DataFrame(PRODUCTS), pd.DataFrame(CHANNELS).drop(columns=left))


@pytest.mark.parametrize(
    ("products", "said"),
    [
        ({"product": ["a"]}, "no column 'product_id'"),
        ({"product_id": ["a", "b", "a"]}, r"'a' is there twice \(row 2\)"),
        ({"product_id": ["a", None]}, "row 1 has no id"),
        ({"product_id": ["a"], "cost": [1.0]}, "'cost', and channels have one too"),
        ({"product_id": ["a"], "offer_id": [1.0]}, "'offer_id', and every offer has one too"),
    ],
)
def test_products_that_are_none(products, said):
    with pytest.raises(st.DataError, match=said):
        st.decisions.offers(pd.DataFrame(products), pd.DataFrame(CHANNELS))


def test_no_channels_at_all():
    with pytest.raises(st.DataError, match="channels: the frame is empty"):
        st.decisions.offers(pd.DataFrame(PRODUCTS), pd.DataFrame(CHANNELS)[:0])


def test_ids_that_cannot_be_told_apart():
    products = pd.DataFrame({"product_id": ["a", "a/b"]})
    channels = pd.DataFrame({"channel": ["b/c", "c"], "cost": [1, 1]})
    with pytest.raises(st.DataError, match="two have the same id"):
        st.decisions.offers(products, channels)


def test_rules_judge_an_offer_as_a_product():
    policy = st.Policy.from_toml(
        'policy = {id = "quiet", version = "1"}\n[[rules]]\nid = "no-calls"\n'
        'require = "not contains(user.quiet_channels, product.channel) and product.cost < 5"\n'
    )
    made = st.decisions.offers(pa.table(PRODUCTS), pa.table(CHANNELS))
    users = pa.table({"user_id": ["u", "v"], "quiet_channels": [["call"], ["letter"]]})
    columns = st.Columns(product="offer_id")
    eligibility = policy.evaluate(users, made, "2026-01-01", columns=columns)
    assert eligibility.mask().tolist() == [[True, False, True, False], [False] * 4]
