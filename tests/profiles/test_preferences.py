"""Preferences: what users choose, against sums by hand and a slow twin."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as any_

import suitably as st
from suitably.data.frames import read_frame
from suitably.profiles import Preferences
from suitably.profiles.preferences.product_traits import cheapness
from suitably.testing import BuilderContract
from suitably.testing.bank import SmallBank, seven_users
from support.frames import KINDS, convert

CHANNELS = ["app", "branch", None, "web"]


class PreferencesContract(BuilderContract):
    def bank(self) -> SmallBank:
        bank = super().bank()
        products = [
            {**row, "term_months": [3, 24, None, 120][i % 4], "fee_rate": 0.001 * (i * i % 7),
             "sustainable": [True, None, False][i % 3], "currency": "EUR"}
            for i, row in enumerate(bank.products)
        ]  # fmt: skip
        events = [{**row, "channel": CHANNELS[i % 4]} for i, row in enumerate(bank.events)]
        return bank.but(products=products, events=events)


class TestEverythingByMoney(PreferencesContract):
    def make(self) -> Any:
        return Preferences(channel="channel", sustainability="sustainable", weight="money",
                           novelty="category", half_life_days=50, period_days=7,
                           rates={"EUR": 1.5})  # fmt: skip

    def bad(self) -> list[Any]:
        wrong = {"weight": "value", "novelty": "issuer", "half_life_days": 0, "period_days": 7.0,
                 "term_limits": (60, 12), "fee": 3, "channel": "", "rates": {"EUR": 0}}  # fmt: skip
        made = [Preferences(**{name: value}) for name, value in wrong.items()]
        made += [Preferences(term_limits=one) for one in ((1,), "ab", ("a", "b"), (0, 3), 12)]
        return [*made, Preferences(novelty="category", category=None)]


class TestByCount(PreferencesContract):
    def make(self) -> Any:
        return Preferences()

    def made(self) -> list[Any]:
        return [self.make(), Preferences(term_limits=[1, 2], half_life_days=None)]


class TestOfABareCatalogue(BuilderContract):
    """Without terms, fees and channels: what is made from them is null."""

    def make(self) -> Any:
        return Preferences(period_days=1)


# --- sums by hand ---------------------------------------------------------------------------

PRODUCTS = pd.DataFrame({
    "product_id": ["a", "b", "c", "d"],
    "category": ["fund", "fund", "bond", None],
    "term_months": [12, 13, 61, 60],
    "fee_rate": [0.01, 0.03, 0.02, 0.05],
    "green": [1.0, 0.5, 0.0, None],
})  # fmt: skip
LOG = pd.DataFrame(
    [(1, "a", "2024-01-01", 10.0, "app"), (1, "c", "2024-01-31", 30.0, "web"),
     (1, "c", "2024-01-31", 30.0, "app"), (1, "d", "2024-03-01", 100.0, None),
     (2, "d", "2024-01-01", 7.0, "app"),
     (3, "b", "2024-01-01", 50.0, "web"), (3, "b", "2024-01-02", -50.0, "web"),
     (3, "a", "2024-01-02", 20.0, "app"),
     (5, "c", "2024-01-01", -4.0, "app")],
    columns=["user_id", "product_id", "timestamp", "value", "channel"],
)  # fmt: skip
USERS = pd.DataFrame({"user_id": [1, 2, 3, 4, 5]})


def profiles(log: Any = LOG, products: Any = PRODUCTS, users: Any = USERS, **arguments: Any) -> Any:
    data = st.Dataset(users, products, log)
    builder = Preferences(**{"half_life_days": None, **arguments}).fit(data)
    rows = read_frame(builder.transform(data), "profiles")[0].to_pylist()
    return {row.pop("user_id"): row for row in rows}


def test_by_count() -> None:
    found = profiles(channel="channel", sustainability="green")
    assert found[1] == {
        "category_share": [("bond", pytest.approx(2 / 3)), ("fund", pytest.approx(1 / 3))],
        "term_share": [("long", 0.5), ("medium", 0.25), ("short", 0.25)],
        "preferred_term": "long",
        # Of a, c, c, d only the fund has peers with other fees: (0.02 − 0.01) / 0.01.
        "fee_sensitivity": pytest.approx(1.0),
        "novelty_appetite": pytest.approx(2 / 3),  # c and d, of three after the first
        "ticket_size": 42.5,
        "acquisition_channel_share": [("app", pytest.approx(2 / 3)), ("web", pytest.approx(1 / 3))],
        "sustainability_share": pytest.approx(1 / 3),
    }
    assert found[2] == {
        "category_share": None, "term_share": [("medium", 1.0)], "preferred_term": "medium",
        "fee_sensitivity": None, "novelty_appetite": None, "ticket_size": 7.0,
        "acquisition_channel_share": [("app", 1.0)], "sustainability_share": None,
    }  # fmt: skip
    nothing = dict.fromkeys(found[1])
    assert found[4] == nothing
    assert found[5] == nothing  # a refund alone is no choice


def test_what_went_back_counts_no_longer() -> None:
    for weight in ("count", "money"):
        found = profiles(weight=weight, channel="channel")[3]
        assert found["category_share"] == [("fund", 1.0)]
        assert found["fee_sensitivity"] == pytest.approx(1.0)
        assert found["acquisition_channel_share"] == [("app", 1.0)]
        assert found["ticket_size"] == 35.0  # of what was asked for, 50 and 20
    half = LOG.assign(value=LOG.value.where(LOG.value != -50, -25))
    assert dict(profiles(half)[3]["term_share"]) == pytest.approx({"medium": 1 / 3, "short": 2 / 3})
    by_money = profiles(half, weight="money")[3]["term_share"]
    assert dict(by_money) == pytest.approx({"medium": 25 / 45, "short": 20 / 45})
    more = LOG.assign(value=LOG.value.where(LOG.value != -50, -80))
    assert profiles(more)[3] == profiles()[3] | {"ticket_size": 35.0}


def test_cents_that_went_back_leave_exactly_nothing() -> None:
    cents = [0.1, 0.2, -0.3]
    log = pd.DataFrame({"user_id": 1, "product_id": ["a", "a", "a"], "value": cents})
    assert profiles(log)[1]["category_share"] is None


def test_by_money_and_age() -> None:
    # Periods of 30 days from 1970 on: 2024-01-01 is in number 657, 2024-03-01 in 659.
    days = (pd.to_datetime(LOG.timestamp) - pd.Timestamp("1970-01-01")).dt.days // 30
    assert days.tolist()[:4] == [657, 658, 658, 659]
    found = profiles(weight="money", half_life_days=30, channel="channel")[1]
    assert dict(found["term_share"]) == pytest.approx(
        {"short": 2.5 / 132.5, "long": 30 / 132.5, "medium": 100 / 132.5}
    )
    assert dict(found["acquisition_channel_share"]) == pytest.approx(
        {"app": 17.5 / 32.5, "web": 15 / 32.5}
    )
    # First ones weigh 1/4, 1/2, 1; all 1/4, 1/2, 1/2, 1; the very first 1/4 is left out.
    assert found["novelty_appetite"] == pytest.approx(1.5 / 2)
    assert found["ticket_size"] == pytest.approx((2.5 + 15 + 15 + 100) / 2.25)


def test_of_equal_terms_the_shorter() -> None:
    log = LOG[:3].assign(product_id=["c", "b", "a"])
    assert profiles(log)[1]["preferred_term"] == "short"
    assert profiles(log[:2])[1]["preferred_term"] == "medium"


def test_fees_are_judged_against_the_catalogue_of_a_category() -> None:
    fees = np.array([0.1, 0.2, 0.3, 5.0, 0.7, np.nan, 9.0])
    groups = np.array([0, 0, 0, 1, -1, 0, 0], np.int32)
    listed = np.array([True] * 6 + [False])
    step = np.sqrt(1.5)  # of three at equal distances
    expected = [step, 0, -step, np.nan, np.nan, np.nan, np.nan]
    assert cheapness(fees, groups, listed) == pytest.approx(expected, nan_ok=True, abs=1e-12)
    alike = cheapness(np.full(3, 0.1 + 0.2), np.zeros(3, np.int32), np.ones(3, bool))
    assert np.isnan(alike).all()
    computed = np.array([0.3, 0.1 + 0.2, 0.3])  # which differ in the last digit
    assert np.isnan(cheapness(computed, np.zeros(3, np.int32), np.ones(3, bool))).all()
    everything = profiles(category=None)[1]
    z = (PRODUCTS.fee_rate.mean() - PRODUCTS.fee_rate) / PRODUCTS.fee_rate.std(ddof=0)
    assert everything["fee_sensitivity"] == pytest.approx((z[0] + 2 * z[2] + z[3]) / 4)
    assert "category_share" not in everything


def test_new_is_a_category_or_a_product() -> None:
    assert profiles(novelty="category")[1]["novelty_appetite"] == 0.5  # c, of c and c
    assert profiles(LOG[LOG.user_id == 1][1:3])[1]["novelty_appetite"] == 0.0


def test_data_without_times_or_values() -> None:
    bare = LOG.drop(columns="timestamp")
    assert profiles(bare, half_life_days=1) == profiles()
    found = profiles(LOG[LOG.value > 0].drop(columns="value"))
    assert found[1] == profiles()[1] | {"ticket_size": None}
    with pytest.raises(st.DataError, match=r"no values.*weight='money'"):
        profiles(LOG.drop(columns="value"), weight="money")


def test_columns_that_are_lacking() -> None:
    found = profiles(products=None)[1]
    assert found == dict.fromkeys(found) | {
        "novelty_appetite": pytest.approx(2 / 3), "ticket_size": 42.5}  # fmt: skip
    with pytest.raises(st.DataError, match=r"no column 'kind' for Preferences"):
        profiles(category="kind")
    with pytest.raises(st.DataError, match=r"no column 'term'.*did you mean term_months"):
        profiles(term="term")
    with pytest.raises(st.DataError, match=r"no column 'esg'"):
        profiles(sustainability="esg")
    with pytest.raises(st.DataError, match=r"interactions: no column 'chanel'"):
        profiles(channel="chanel")


def test_columns_of_another_type() -> None:
    with pytest.raises(st.DataError, match=r"products.fee_rate: Preferences needs numbers, not te"):
        profiles(products=PRODUCTS.assign(fee_rate="1 %"))
    with pytest.raises(st.DataError, match=r"products.green: 1 values are not from 0 to 1"):
        profiles(products=PRODUCTS.assign(green=[0, 1, 2, None]), sustainability="green")
    with pytest.raises(st.DataError, match=r"products.category: .* booleans or numbers"):
        profiles(sustainability="category")
    with pytest.raises(st.DataError, match=r"fee_rate: 1 values are infinite"):
        profiles(products=PRODUCTS.assign(fee_rate=[0.1, np.inf, 0.2, 0.3]))
    with pytest.raises(st.DataError, match=r"products.category: holds .*list"):
        profiles(products=PRODUCTS.assign(category=[["x"]] * 4))
    flags = PRODUCTS.assign(green=pd.Series([True, None, False, None], dtype="boolean"))
    assert profiles(products=flags, sustainability="green")[1]["sustainability_share"] == (
        pytest.approx(1 / 3)
    )


def test_disposals_are_no_choices() -> None:
    sold = pd.DataFrame([(1, "b", "2024-03-02", 9.0, "web")], columns=LOG.columns)
    log = pd.concat([LOG.assign(event="buy"), sold.assign(event="sell")])
    data = st.Dataset(USERS, PRODUCTS, log, disposed_events=["sell"])
    found = Preferences(half_life_days=None).fit(data).transform(data)
    assert dict(found.category_share[0]) == dict(profiles()[1]["category_share"])


def test_several_currencies_ask_for_rates() -> None:
    log = LOG.assign(currency=["USD" if one == "c" else "EUR" for one in LOG.product_id])
    with pytest.raises(st.DataError, match="several currencies"):
        profiles(log)
    found = profiles(log, rates={"EUR": 1, "USD": 0.5}, weight="money")[1]
    assert dict(found["category_share"]) == pytest.approx({"bond": 0.75, "fund": 0.25})


def test_fields_are_those_asked_for() -> None:
    builder = Preferences(category=None, term=None, fee=None)
    assert builder.fields == ("novelty_appetite", "ticket_size")
    assert Preferences().fields == (
        "category_share", "term_share", "preferred_term", "fee_sensitivity", "novelty_appetite",
        "ticket_size")  # fmt: skip
    assert Preferences(weight="money").provenance("category_share").sources == (
        "interactions.value", "products.category")  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_any_frame(kind: str) -> None:
    tables = [pa.Table.from_pandas(f, preserve_index=False) for f in (USERS, PRODUCTS, LOG)]
    wanted = st.Dataset(*tables)
    data = st.Dataset(*(convert(table, kind) for table in tables))
    found, expected = (Preferences(weight="money").fit(d).transform(d) for d in (data, wanted))
    rows = read_frame(found, "profiles")[0].to_pylist()
    for row in rows:  # some versions of polars have lists of structs for maps
        for field in ("category_share", "term_share"):
            row[field] = row[field] and [_pair(entry) for entry in row[field]]
    assert rows == expected.to_pylist()


def _pair(entry: Any) -> tuple[str, float]:
    return tuple(entry.values()) if isinstance(entry, dict) else entry


def test_a_state_that_holds_more_is_refused() -> None:
    view = st.Dataset(USERS, PRODUCTS, LOG).view()
    builder = Preferences()
    with pytest.raises(st.DataError, match="later events"):
        builder.finalise(builder.accumulate(view), np.datetime64("2020-01-01", "us"))


def test_the_products_count_as_they_stand_last(tmp_path: Path) -> None:
    bank = seven_users()
    pipeline = bank.fitted(profiles=[Preferences()], fallback=None)
    pipeline.save(tmp_path / "model")
    loaded = st.load(tmp_path / "model")
    new = [{**row, "category": "new"} for row in bank.products]
    for each in (pipeline, loaded):
        each.update(products=bank.but(products=new).frames()[1])
    rebuilt = bank.but(products=new).fitted(profiles=[Preferences()], fallback=None)
    for user in pipeline.user_ids:
        expected = rebuilt.trace(user).profile
        assert loaded.trace(user).profile == pipeline.trace(user).profile == expected
    assert dict(loaded.trace("u0").profile["category_share"]) == {"new": 1.0}


def test_rules_and_lists_read_the_shares() -> None:
    rule = """[policy]
id = "mostly"
version = "1"
[[rules]]
id = "used-to-it"
require = "lookup(user.category_share, product.category, 0) > 0.4"
"""
    bank = seven_users().but(policies=(rule,))
    profile = Preferences(half_life_days=None)
    calibration = st.reranking.Calibration(target="category_share", weight=0.9)
    pipeline = bank.fitted(profiles=[profile], rerankers=[calibration], fallback=None)
    assert pipeline.trace("u1").profile["category_share"] == {"a": 1.0}
    assert [v.verdict for v in pipeline.why_not("u1", "p5")] == ["fail"]
    assert [v.verdict for v in pipeline.why_not("u1", "p4")] == ["pass"]
    assert [v.verdict for v in pipeline.why_not("u6", "p4")] == ["unknown"]
    assert set(pipeline.recommend(["u1"]).to_frame()["product_id"].to_pylist()) == {"p4"}


# --- the slow twin --------------------------------------------------------------------------

EVENTS = any_.lists(
    any_.tuples(
        any_.integers(0, 3),
        any_.integers(0, 5),
        any_.integers(0, 900),
        any_.integers(-300, 10_000).map(lambda cents: cents / 100),
        any_.sampled_from(["app", "web", None]),
    ),
    min_size=1,
    max_size=25,
)
CATALOGUE = {
    "product_id": list(range(6)),
    "category": ["x", "y", "x", None, "y", "x"],
    "term_months": [1, 12, 30, 60, 100, None],
    "fee_rate": [0.01, 0.02, 0.05, 0.01, None, 0.03],
}
START = datetime(2020, 1, 1)


def view_of(events: list[Any], factor: int = 1) -> Any:
    log = [
        {"user_id": u, "product_id": p, "timestamp": START + timedelta(days=day),
         "value": value * factor, "channel": channel}
        for u, p, day, value, channel in events
    ]  # fmt: skip
    schema = pa.schema({"user_id": pa.int64(), "product_id": pa.int64(),
                        "timestamp": pa.timestamp("us"), "value": pa.float64(),
                        "channel": pa.string()})  # fmt: skip
    table = pa.Table.from_pylist(log, schema)
    users = pa.table({"user_id": list(range(4))})
    return st.Dataset(users, pa.table(CATALOGUE), table).view("2024-01-01")


def slowly(events: list[Any], weight: str, half_life: float, period: int) -> list[dict[str, Any]]:
    """The formulas of the docstring, event by event."""
    out = []
    for user in range(4):
        mine = sorted((e for e in events if e[0] == user), key=lambda e: e[2])
        bought = [e for e in mine if e[3] >= 0]
        epoch = (START - datetime(1970, 1, 1)).days
        number = [(epoch + day) // period for _, _, day, _, _ in bought]
        decay = [2 ** (-(max(number) - n) * period / half_life) for n in number]
        weights = []
        for event, lasting in zip(bought, decay, strict=True):
            spent = sum(round(e[3] * 100) for e in bought if e[1] == event[1])
            back = sum(round(-e[3] * 100) for e in mine if e[1] == event[1] and e[3] < 0)
            left = max(0.0, (spent - back) / spent) if spent else 1.0
            weights.append(lasting * left * (event[3] if weight == "money" else 1))
        months = [CATALOGUE["term_months"][e[1]] for e in bought]
        terms = [None if m is None else "short" if m <= 12 else "medium" if m <= 60 else "long"
                 for m in months]  # fmt: skip
        categories = [CATALOGUE["category"][e[1]] for e in bought]
        out.append({
            "category_share": _share(categories, weights),
            "term_share": _share(terms, weights),
            "fee_sensitivity": _mean([_below(e[1]) for e in bought], weights),
            "novelty_appetite": _new([e[1] for e in bought], decay),
            "ticket_size": _mean([e[3] for e in bought], decay),
            "acquisition_channel_share": _share([e[4] for e in bought], weights),
        })  # fmt: skip
    return out


def _share(kinds: list[Any], weights: list[float]) -> Any:
    sums: dict[str, float] = {}
    for kind, weight in zip(kinds, weights, strict=True):
        if kind is not None and weight > 0:
            sums[kind] = sums.get(kind, 0) + weight
    return {kind: total / sum(sums.values()) for kind, total in sums.items()} or None


def _mean(values: list[Any], weights: list[float]) -> float | None:
    known = [(v, w) for v, w in zip(values, weights, strict=True) if v is not None and w > 0]
    return sum(v * w for v, w in known) / sum(w for _, w in known) if known else None


def _below(product: int) -> float | None:
    category, fee = CATALOGUE["category"][product], CATALOGUE["fee_rate"][product]
    if category is None or fee is None:
        return None
    peers = [f for c, f in zip(CATALOGUE["category"], CATALOGUE["fee_rate"], strict=True)
             if c == category and f is not None]  # fmt: skip
    spread = np.std(peers)
    return (np.mean(peers) - fee) / spread if len(set(peers)) > 1 else None


def _new(products: list[int], decay: list[float]) -> float | None:
    if len(products) < 2:
        return None
    new = [p not in products[:i] for i, p in enumerate(products)]
    fresh = sum(w for w, is_new in zip(decay[1:], new[1:], strict=True) if is_new)
    return fresh / sum(decay[1:])


@given(EVENTS, any_.sampled_from(["count", "money"]), any_.sampled_from([20.0, 400.0]),
       any_.sampled_from([1, 7, 30]))  # fmt: skip
def test_as_the_slow_twin(events: Any, weight: str, half_life: float, period: int) -> None:
    builder = Preferences(weight=weight, half_life_days=half_life, period_days=period,
                          channel="channel")  # fmt: skip
    view = view_of(events)
    found = builder.finalise(builder.accumulate(view), view.as_of).to_pylist()
    for row, wanted in zip(found, slowly(events, weight, half_life, period), strict=True):
        for field, value in wanted.items():
            cell = dict(row[field]) if isinstance(row[field], list) else row[field]
            assert cell == (value if value is None else pytest.approx(value, abs=1e-9)), field


@given(EVENTS, any_.sampled_from(["count", "money"]))
def test_shares_sum_up_to_one(events: Any, weight: str) -> None:
    builder = Preferences(weight=weight, channel="channel", half_life_days=1)
    view = view_of(events)
    table = builder.finalise(builder.accumulate(view), view.as_of)
    for field in ("category_share", "term_share", "acquisition_channel_share"):
        for row in table[field].to_pylist():
            assert row is None or sum(dict(row).values()) == pytest.approx(1)
            assert row is None or all(0 < share <= 1 for _, share in row)
    for share in table["novelty_appetite"].to_pylist():
        assert share is None or 0 <= share <= 1
    assert not any(np.isinf(table[f].drop_null().to_numpy()).any() for f in table.column_names
                   if pa.types.is_floating(table[f].type))  # fmt: skip


@given(EVENTS, any_.sampled_from([2, 64]))
def test_a_common_factor_changes_no_share(events: Any, factor: int) -> None:
    """All money times one number, or all events later by whole periods, prefer the same."""
    builder = Preferences(weight="money", channel="channel", period_days=7)
    shares = [f for f in builder.fields if f != "ticket_size"]
    later = [(u, p, day + 7 * factor, value, channel) for u, p, day, value, channel in events]
    plain, more, moved = (
        builder.finalise(builder.accumulate(view), view.as_of).select(shares)
        for view in (view_of(events), view_of(events, factor), view_of(later))
    )
    assert moved.equals(plain)
    for field in shares:
        pairs = zip(plain[field].to_pylist(), more[field].to_pylist(), strict=True)
        for one, other in pairs:
            assert type(one) is type(other)
            if isinstance(one, list):
                assert dict(one) == pytest.approx(dict(other))
            elif isinstance(one, float):
                assert one == pytest.approx(other)


@given(EVENTS, any_.integers(0, 24))
def test_parts_in_either_order(events: Any, cut: int) -> None:
    builder, view = Preferences(channel="channel", weight="money"), view_of(events)
    early = np.arange(len(view.events)) < cut
    a, b = (
        builder.accumulate(replace(view, events=view.events.take(mask))) for mask in (early, ~early)
    )
    whole = builder.finalise(builder.accumulate(view), view.as_of)
    assert builder.finalise(builder.merge(a, b), view.as_of).equals(whole)
    assert builder.finalise(builder.merge(b, a), view.as_of).equals(whole)
