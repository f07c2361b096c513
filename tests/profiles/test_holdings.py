"""What is held: by hand, against a slow twin in fractions, and against rules and ownership."""

from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import suitably
from suitably.data import Columns, Dataset
from suitably.model.positions import Positions
from suitably.profiles import Holdings
from suitably.testing import BuilderContract
from suitably.testing.bank import SmallBank, seven_users

START = datetime(2024, 1, 1)
PRODUCTS = [
    {"product_id": "a", "issuer": "X", "category": "fund", "risk_level": "R1", "term_months": 12,
     "liquidity_days": 1, "price": 2.0},
    {"product_id": "b", "issuer": "Y", "category": "fund", "risk_level": "R3", "term_months": 36,
     "liquidity_days": 30, "price": 0.5},
    {"product_id": "c", "issuer": "X", "category": "bond", "risk_level": "R2", "term_months": 24,
     "liquidity_days": 3, "price": None},
    {"product_id": "d", "issuer": None, "category": None, "risk_level": None, "term_months": None,
     "liquidity_days": None, "price": 8.0},
]  # fmt: skip


def data_of(*rows: Any, products: Any = PRODUCTS, quantities: bool = True, **how: Any) -> Dataset:
    """Return a log of rows (user, product, kind, day, value, quantity)."""
    names = ("user_id", "product_id", "event", "day", "value", "quantity")
    types = (pa.int64(), pa.string(), pa.string(), pa.int64(), pa.float64(), pa.float64())
    cells = list(zip(*rows, strict=True)) or [()] * len(names)
    log = {n: pa.array(c, t) for n, c, t in zip(names, cells, types, strict=True)}
    days = log.pop("day").to_pylist()
    if how.pop("dated", True):
        log["timestamp"] = pa.array([START + timedelta(days=d) for d in days], pa.timestamp("us"))
    if not quantities:
        del log["quantity"]
    if how.pop("paid_in_theirs", False):  # each amount is in the currency of its product
        theirs = {row["product_id"]: row["currency"] for row in products}
        log["currency"] = pa.array([theirs[one] for one in log["product_id"].to_pylist()])
    columns = Columns(quantity="quantity") if quantities else Columns()
    kinds = {"disposed_events": ["sell"], **how}
    users = pa.table({"user_id": [1, 2, 3]})
    return Dataset(users, pa.Table.from_pylist(products), pa.table(log), columns=columns, **kinds)


def held(*rows: Any, how: dict[str, Any] | None = None, **data: Any) -> list[dict[str, Any]]:
    """Return the fields of the three users, maps as dictionaries."""
    made = data_of(*rows, **data)
    found = Holdings(**(how or {})).fit(made).transform(made).to_pylist()
    return [{n: dict(v) if isinstance(v, list) else v for n, v in row.items()} for row in found]


BUYS = [(1, "a", "buy", 0, 60.0, 30.0), (1, "b", "buy", 1, 20.0, 40.0), (1, "c", "buy", 2, 20.0, 1)]


def test_by_hand() -> None:
    first, second, _ = held(*BUYS)
    assert first == {
        "user_id": 1,
        "held_value": 100.0,
        "held_products": 3,
        "exposure": {"X": 0.8, "Y": 0.2},
        "class_exposure": {"fund": 0.8, "bond": 0.2},
        "risk_exposure": {"R1": 0.6, "R2": 0.2, "R3": 0.2},
        "concentration": pytest.approx(0.36 + 0.04 + 0.04, abs=1e-15),
        "held_horizon_months": pytest.approx(0.6 * 12 + 0.2 * 36 + 0.2 * 24, abs=1e-12),
        "held_liquidity_days": pytest.approx(0.6 * 1 + 0.2 * 30 + 0.2 * 3, abs=1e-12),
    }
    nothing = {"held_value": 0.0, "held_products": 0, "concentration": None,
               "exposure": {}, "class_exposure": {}, "risk_exposure": {},
               "held_horizon_months": None, "held_liquidity_days": None}  # fmt: skip
    assert second == {"user_id": 2, **nothing}


def test_a_product_without_an_issuer_makes_that_map_unknown_and_no_other() -> None:
    products = [*PRODUCTS[:3], {**PRODUCTS[3], "category": "bond"}]
    user = held(*BUYS, (1, "d", "buy", 3, 100.0, 1), products=products)[0]
    assert user["class_exposure"] == {"fund": 0.4, "bond": 0.6}
    assert user["exposure"] is None
    assert user["risk_exposure"] is None
    assert user["held_horizon_months"] is None
    assert user["held_value"] == 200.0
    assert user["concentration"] is not None


def test_pieces_decide_before_money() -> None:
    at_a_loss = held((1, "a", "buy", 0, 60.0, 30.0), (1, "a", "sell", 1, 40.0, 30.0))[0]
    assert (at_a_loss["held_products"], at_a_loss["held_value"]) == (0, 0.0)
    assert at_a_loss["exposure"] == {}
    part = held((1, "a", "buy", 0, 60.0, 30.0), (1, "a", "sell", 1, 10.0, 5.0))[0]
    assert (part["held_products"], part["held_value"]) == (1, 50.0)


def test_what_has_brought_in_its_cost_has_an_unknown_worth() -> None:
    rows = [(1, "a", "buy", 0, 60.0, 30.0), (1, "a", "sell", 1, 60.0, 10.0)]
    user = held(*rows)[0]
    assert user["held_products"] == 1
    assert user["held_value"] is None
    assert user["exposure"] is None
    assert held(*rows, how={"price": "price"})[0]["held_value"] == 40.0


def test_prices_count_pieces() -> None:
    user = held(*BUYS[:2], how={"price": "price"})[0]
    assert user["held_value"] == 30 * 2.0 + 40 * 0.5
    assert user["exposure"] == {"X": 0.75, "Y": 0.25}
    unpriced = held(*BUYS, how={"price": "price"})[0]
    assert unpriced["held_value"] is None
    assert unpriced["exposure"] is None
    assert unpriced["held_products"] == 3
    worthless = [{**row, "price": 0.0} for row in PRODUCTS]
    user = held(*BUYS, how={"price": "price"}, products=worthless)[0]
    assert user["held_value"] == 0.0
    assert user["exposure"] is None
    assert user["concentration"] is None


def test_without_pieces_money_decides_and_never_falls_below_nothing() -> None:
    rows = [(1, "a", "buy", 0, 60.0, None), (1, "a", "sell", 1, 25.0, None)]
    assert held(*rows)[0]["held_value"] == 35.0
    more = [*rows, (1, "a", "sell", 2, 1000.0, None), (1, "b", "buy", 2, 5.0, None)]
    assert held(*more)[0]["exposure"] == {"Y": 1.0}
    refund = [(1, "a", "buy", 0, 60.0, None), (1, "a", "buy", 1, -60.0, None)]
    assert held(*refund)[0]["held_products"] == 0
    sign = [(1, "a", "buy", 0, 60.0, None), (1, "a", "sell", 1, -25.0, None)]
    assert held(*sign)[0]["held_value"] == 35.0


def test_a_log_without_amounts_has_products_to_weigh() -> None:
    log = pa.table({"user_id": [1, 1], "product_id": ["a", "b"]})
    data = Dataset(pa.table({"user_id": [1]}), pa.Table.from_pylist(PRODUCTS), log)
    by_money, by_count = (Holdings(weigh=w).fit(data).transform(data).to_pylist()[0]
                          for w in ("money", "products"))  # fmt: skip
    assert by_money["held_products"] == by_count["held_products"] == 2
    assert by_money["held_value"] is by_count["held_value"] is by_money["exposure"] is None
    assert by_count["exposure"] == [("X", 0.5), ("Y", 0.5)]
    assert by_count["concentration"] == 0.5
    assert by_count["held_horizon_months"] == 24.0


def test_columns_that_the_products_lack() -> None:
    products = [{"product_id": row["product_id"]} for row in PRODUCTS]
    user = held(*BUYS, products=products)[0]
    assert user["exposure"] is user["risk_exposure"] is user["held_liquidity_days"] is None
    assert user["held_value"] == 100.0
    with pytest.raises(suitably.DataError, match=r"no column 'sponsor' for issuer= of Holdings"):
        held(*BUYS, how={"issuer": "sponsor"})
    left_out = Holdings(issuer=None, term=None)
    assert "exposure" not in left_out.fields
    assert "held_horizon_months" not in left_out.fields
    assert held(*BUYS[:2], how={"issuer": "product_id"})[0]["exposure"] == {"a": 0.75, "b": 0.25}


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [("term_months", -1, r"products.term_months: 1 of 4 are below 0, as -1"),
     ("price", -0.5, r"products.price: 1 of 4 are below 0"),
     ("liquidity_days", float("inf"), "products.liquidity_days.*infinite|inf")],
)  # fmt: skip
def test_numbers_that_cannot_be(column: str, value: float, words: str) -> None:
    products = [*PRODUCTS[:3], {**PRODUCTS[3], column: value}]
    with pytest.raises(suitably.DataError, match=words):
        held(*BUYS, products=products, how={"price": "price"})


def test_refuses_other_types_and_prices_without_pieces() -> None:
    texts = [{**row, "term_months": "12"} for row in PRODUCTS]
    with pytest.raises(suitably.DataError, match=r"products.term_months: must hold numbers"):
        held(*BUYS, products=texts)
    fractions = [{**row, "issuer": 0.5} for row in PRODUCTS]
    with pytest.raises(suitably.DataError, match=r"products.issuer: holds fractions"):
        held(*BUYS, products=fractions)
    with pytest.raises(suitably.DataError, match=r"no\s+column of quantities"):
        held(*BUYS, quantities=False, how={"price": "price"})


def test_several_currencies_ask_for_rates() -> None:
    products = [{**row, "currency": c} for row, c in zip(PRODUCTS, ["EUR", "USD"] * 2, strict=True)]
    theirs = {"products": products, "paid_in_theirs": True}
    with pytest.raises(suitably.DataError, match=r"interactions: .*EUR, USD"):
        held(*BUYS, **theirs)
    rates = {"EUR": 1.0, "USD": 0.5}
    user = held(*BUYS, **theirs, how={"rates": rates})[0]
    assert user["held_value"] == 60 + 10 + 20
    priced = held(*BUYS[:2], products=products, how={"rates": rates, "price": "price"})[0]
    assert priced["held_value"] == 30 * 2.0 + 40 * 0.5 * 0.5
    with pytest.raises(suitably.DataError, match=r"products: .*EUR, USD"):  # the prices alone
        held(BUYS[0], products=products, how={"price": "price"})
    by_currency = held(*BUYS, **theirs, how={"rates": rates, "category": "currency"})[0]
    assert by_currency["class_exposure"] == {
        "EUR": pytest.approx(8 / 9),
        "USD": pytest.approx(1 / 9),
    }


def test_positions_may_go_by_currency() -> None:
    products = [{**row, "currency": "EUR"} for row in PRODUCTS]
    data = data_of(*BUYS, products=products, paid_in_theirs=True)
    builder = Positions(["held(currency)"]).fit(data)
    assert builder.transform(data).to_pylist()[0]["held(currency)"] == [("EUR", 100.0)]
    state = builder.accumulate(data.view())
    assert builder.merge(state, state).beside["currency"].tolist() == ["EUR"]


def test_without_timestamps_a_disposal_stands() -> None:
    rows = [(1, "a", "buy", 0, 60.0, None), (1, "a", "sell", 1, 25.0, None)]
    assert held(*rows, dated=False)[0]["held_value"] == 35.0
    log = pa.table({"user_id": [1, 1, 1], "product_id": ["a", "a", "b"],
                    "event": ["sell", "buy", "buy"]})  # fmt: skip
    data = Dataset(None, None, log, disposed_events=["sell"])
    found = Holdings(weigh="products").fit(data).transform(data).to_pylist()[0]
    assert found["held_products"] == 1


def test_of_whom_rows_were_set_aside_nothing_is_known() -> None:
    log = pd.DataFrame({"user_id": [1, 1, 2], "product_id": ["a", "b", "a"],
                        "value": [1.0, float("inf"), 2.0]})  # fmt: skip
    data = Dataset(None, pa.Table.from_pylist(PRODUCTS), log, on_error="quarantine")
    first, second = Holdings().fit(data).transform(data).to_pylist()
    assert all(value is None for name, value in first.items() if name != "user_id")
    assert second["held_value"] == 2.0


def test_rules_look_the_maps_up() -> None:
    rule = 'id = "r"\nrequire = "lookup(user.exposure, product.issuer, 0) <= 0.5"\n'
    policy = suitably.Policy.from_toml(f'[policy]\nid = "p"\nversion = "1"\n[[rules]]\n{rule}')
    pipeline = suitably.Pipeline([Holdings()], policy, suitably.ranking.Popularity())
    pipeline.fit(data_of(*BUYS, (2, "d", "buy", 0, 1.0, 1)))
    verdicts = [
        pipeline.why_not(*pair)[0].verdict for pair in ((1, "a"), (1, "b"), (3, "a"), (2, "a"))
    ]
    assert verdicts == ["fail", "pass", "pass", "unknown"]


@pytest.mark.parametrize(
    "how", [{"issuer": 3}, {"price": True}, {"weigh": "pieces"}, {"rates": {"EUR": -1}}]
)
def test_parameters_that_are_none(how: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"Holdings\("):
        Holdings(**how).check_params()


def test_provenance() -> None:
    builder = Holdings(price="price")
    assert builder.provenance("held_value") == "observed"
    assert builder.provenance("exposure").unit == "share"
    assert "products.issuer" in builder.provenance("exposure").sources
    assert "products.price" in builder.provenance("exposure").sources
    assert builder.provenance("held_horizon_months").unit == "months"
    assert Holdings(weigh="products").provenance("exposure").sources == (
        "interactions",
        "products.issuer",
    )


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_frames_of_other_kinds(kind: str) -> None:
    frames = pytest.importorskip(kind)
    make = frames.DataFrame
    log = make({"user_id": [1, 1], "product_id": ["a", "b"], "value": [3.0, 1.0]})
    products = make({"product_id": ["a", "b"], "issuer": ["X", "Y"]})
    data = Dataset(make({"user_id": [1, 2]}), products, log)
    found = Holdings().fit(data).transform(data)
    assert isinstance(found, make)
    assert list(found["held_value"]) == [4.0, 0.0]
    assert len(found["exposure"][0]) == 2
    assert len(found["exposure"][1]) == 0


# --- a slow, obvious twin -----------------------------------------------------------------------

CENTS = st.sampled_from([0.1, 0.2, 0.3, 1.0, 7.5, -0.3, 1e6])
ROWS = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from("abcd"), st.sampled_from(["buy", "buy", "sell"]),
              st.integers(0, 3), CENTS, st.sampled_from([None, 0.1, 0.2, 0.3, 1.0, -2.0])),
    min_size=1, max_size=14,
)  # fmt: skip


def exact(number: float) -> Fraction:
    return Fraction(str(number))


def twin(rows: list[Any], user: int, price: bool) -> dict[str, Any]:
    """Return a user's fields by the definition, in exact arithmetic."""
    worth: dict[str, Fraction | None] = {}
    for product in "abcd":
        mine = [row for row in rows if row[:2] == (user, product)]
        if not mine:
            continue
        signs = [1 if row[2] == "buy" else -1 for row in mine]
        sizes = [
            exact(r[4]) if s > 0 else abs(exact(r[4])) for r, s in zip(mine, signs, strict=True)
        ]
        money = sum(s * m for s, m in zip(signs, sizes, strict=True))
        counted = all(row[5] is not None for row in mine)
        pieces = sum(s * abs(exact(r[5] or 0)) for r, s in zip(mine, signs, strict=True))
        if (pieces if counted else money) <= 0:
            continue
        worth[product] = money if money > 0 else None
        if price and counted:
            each = PRODUCTS["abcd".index(product)]["price"]
            worth[product] = None if each is None else pieces * exact(each)
    fields: dict[str, Any] = {"held_products": len(worth)}
    known = None not in worth.values()
    total = sum(worth.values()) if known else None
    fields["held_value"] = total
    fields["concentration"] = None
    if worth and known:
        fields["concentration"] = sum(w * w for w in worth.values()) / total**2
    for field, column in (("exposure", "issuer"), ("risk_exposure", "risk_level")):
        groups = {p: PRODUCTS["abcd".index(p)][column] for p in worth}
        fields[field] = None
        if known and None not in groups.values():
            fields[field] = {
                g: sum(worth[p] for p in worth if groups[p] == g) / total
                for g in sorted(set(groups.values()))
            }
    terms = {p: PRODUCTS["abcd".index(p)]["term_months"] for p in worth}
    fields["held_horizon_months"] = None
    if worth and known and None not in terms.values():
        fields["held_horizon_months"] = sum(worth[p] * terms[p] for p in worth) / total
    return fields


def same(found: Any, wanted: Any) -> bool:
    if wanted is None or found is None:
        return found is wanted
    if isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(same(found[n], wanted[n]) for n in wanted)
    return abs(found - float(wanted)) <= 1e-9 * max(1.0, abs(float(wanted)))


@settings(max_examples=150)
@given(ROWS, st.booleans())
def test_agrees_with_the_definition(rows: list[Any], price: bool) -> None:
    found = held(*rows, how={"price": "price"} if price else {})
    for user in found:
        wanted = twin(rows, user["user_id"], price)
        assert {n: (user[n], w) for n, w in wanted.items() if not same(user[n], w)} == {}


@settings(max_examples=60)
@given(ROWS)
def test_agrees_with_ownership_where_there_are_no_amounts(rows: list[Any]) -> None:
    # A day has several events; those of one instant end with the disposal, as ownership has it.
    data = data_of(*rows)
    log = data.interactions.drop_columns("value")
    bare = Dataset(pa.table({"user_id": [1, 2, 3]}), pa.Table.from_pylist(PRODUCTS), log,
                   columns=Columns(quantity="quantity"), disposed_events=["sell"])  # fmt: skip
    view = bare.view()
    builder = Holdings()
    found = builder.finalise(builder.accumulate(view), view.as_of)["held_products"].to_pylist()
    assert found == np.diff(view.owned.indptr).tolist()


@settings(max_examples=60)
@given(ROWS)
def test_agrees_with_what_rules_hold_where_there_are_no_pieces(rows: list[Any]) -> None:
    data = data_of(*rows, quantities=False)
    asked = Positions(["portfolio()", "held(issuer)"]).fit(data).transform(data).to_pylist()
    mine = Holdings().fit(data).transform(data).to_pylist()
    for one, other in zip(mine, asked, strict=True):
        assert one["held_value"] == other["portfolio()"]
        sums = other["held(issuer)"]
        assert (one["exposure"] is None) == (sums is None)
        if sums is not None:
            total = other["portfolio()"]
            assert one["exposure"] == [(name, money / total) for name, money in sums]


@settings(max_examples=60)
@given(ROWS, st.lists(st.booleans(), min_size=14, max_size=14), st.booleans())
def test_any_split_is_a_rebuild(rows: list[Any], early: list[bool], price: bool) -> None:
    builder = Holdings(price="price" if price else None)
    view = data_of(*rows).view()
    mask = np.array(early[: len(rows)], bool)
    parts = [builder.accumulate(_only(view, rows)) for rows in (mask, ~mask)]
    whole = builder.accumulate(view)
    for a, b in (parts, parts[::-1]):
        merged = builder.merge(a, b)
        assert builder.finalise(merged, view.as_of).equals(builder.finalise(whole, view.as_of))
        for name, array in whole.to_arrays().items():
            assert np.array_equal(
                merged.to_arrays()[name], array, equal_nan=array.dtype.kind == "f"
            )


def _only(view: Any, rows: Any) -> Any:
    return replace(view, events=view.events.take(rows))


def test_the_past_is_what_it_was() -> None:
    rows = [*BUYS, (1, "a", "sell", 5, 60.0, 30.0), (2, "b", "buy", 6, 1.0, 1.0)]
    cut, whole = data_of(*BUYS), data_of(*rows)
    builder, moment = Holdings(), START + timedelta(days=5)
    before = builder.fit(cut, moment).transform(cut)
    assert builder.fit(whole, moment).transform(whole).equals(before)


# --- the contract, and a pipeline ---------------------------------------------------------------


class TestHoldingsContract(BuilderContract):
    def make(self) -> Any:
        return Holdings(issuer="sponsor")

    def made(self) -> list[Any]:
        return [self.make(), Holdings(weigh="products", term=None), Holdings(rates={"EUR": 1.0})]

    def bad(self) -> list[Any]:
        return [Holdings(issuer=1), Holdings(weigh="pieces"), Holdings(rates={"EUR": 0})]

    def bank(self) -> SmallBank:
        bank = super().bank()
        products = [
            {**row, "sponsor": ["X", "Y", None][i % 3], "term_months": float(6 * i)}
            for i, row in enumerate(bank.products)
        ]
        return bank.but(products=products)


class TestWithoutAmounts(TestHoldingsContract):
    def make(self) -> Any:
        return Holdings(issuer="sponsor", weigh="products")


@pytest.mark.parametrize("how", [{}, {"price": "price"}, {"weigh": "products"}])
def test_a_pipeline_saved_loaded_and_updated(how: dict[str, Any], tmp_path: Path) -> None:
    bought = [*BUYS, (2, "a", "buy", 1, 0.1, 0.1), (2, "b", "buy", 1, 0.2, 3.0)]
    news = [(1, "a", "sell", 3, 10.0, 30.0), (2, "a", "buy", 3, 0.2, 0.2),
            (2, "b", "sell", 3, 9.0, 1.0), (3, "c", "buy", 2, 5.0, None)]  # fmt: skip
    policy = suitably.Policy.unrestricted()
    ranker = suitably.ranking.Popularity()
    pipeline = suitably.Pipeline([Holdings(**how)], policy, ranker).fit(data_of(*bought))
    pipeline.save(tmp_path / "model")
    loaded = suitably.load(tmp_path / "model")
    for each in (pipeline, loaded):
        each.update(data_of(*news).interactions)
    rebuilt = suitably.Pipeline([Holdings(**how)], policy, ranker).fit(data_of(*bought, *news))
    for user in (1, 2, 3):
        profiles = [dict(each.trace(user).profile) for each in (pipeline, loaded, rebuilt)]
        assert str(profiles[0]) == str(profiles[1]) == str(profiles[2])


def test_the_bank_has_no_terms_and_that_is_no_fault() -> None:
    data = seven_users().dataset()
    found = Holdings(weigh="products").fit(data).transform(data).to_pylist()
    assert all(row["held_horizon_months"] is None for row in found)
    assert found[0]["class_exposure"] == [("a", 0.5), ("b", 0.5)]
