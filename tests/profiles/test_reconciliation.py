"""Stated levels against what is held, borne and known: lowered or asked about, never raised."""

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import suitably
from suitably.data import Columns, Dataset
from suitably.profiles import RiskAppetite
from suitably.profiles.risk.reconciliation import REASONS, reconciled, revealed_ranks
from suitably.testing import BuilderContract
from suitably.testing.bank import SmallBank

SCALE = ["C1", "C2", "C3", "C4", "C5"]
RISKS = ["R1", "R2", "R3", "R4", "R5"]
PLAIN = {"scale": SCALE, "product_scale": RISKS, "date": None, "valid_months": None}
PRODUCTS = pa.table({"product_id": RISKS, "risk_level": RISKS})
FIELDS = ["risk_level", "risk_review", "risk_review_reason", "revealed_risk_level"]


def profiles(
    users: dict[str, Any], bought: Any = (), products: Any = PRODUCTS, as_of: Any = None, **how: Any
) -> list[dict[str, Any]]:
    """Return the profiles of users, who bought products (user, product, value)."""
    rows = [*bought] or [(1, "R1", 0.0)]
    names = ("user_id", "product_id", "value")
    log = pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
    if as_of is not None:
        log = log.append_column("timestamp", pa.array([date(2024, 1, 1)] * len(log)))
    columns = {"user_id": pa.array(range(1, len(next(iter(users.values()))) + 1)), **users}
    data = Dataset(pa.table(columns), products, log)
    return RiskAppetite(**{**PLAIN, **how}).fit(data, as_of).transform(data).to_pylist()


def profile(stated: str | None, bought: Any = (), **how: Any) -> tuple[Any, ...]:
    users = {"risk_level": pa.array([stated], pa.string())}
    users |= {name: [how.pop(name)] for name in ("assets", "years", "share") if name in how}
    found = profiles(users, [(1, *row) for row in bought], **how)[0]
    return tuple(found[name] for name in FIELDS if name in found)


def test_what_is_held_is_asked_about_and_moves_nothing() -> None:
    assert profile("C3") == ("C3", False, None, None)
    assert profile("C3", [("R3", 1.0)]) == ("C3", False, None, "C3")
    assert profile("C3", [("R4", 1.0)]) == ("C3", True, "holds-more-risk", "C4")
    assert profile("C3", [("R2", 1.0)]) == ("C3", False, None, "C2")
    assert profile("C3", [("R1", 1.0)]) == ("C3", True, "holds-less-risk", "C1")
    assert profile("C3", [("R1", 1.0)], tolerance=2) == ("C3", False, None, "C1")
    assert profile("C3", [("R5", 1.0)], held_risk=None) == ("C3", False, None)
    assert profile(None, [("R5", 1.0)]) == (None, True, "missing", "C5")


def test_the_revealed_level_has_half_the_money_at_or_below_it() -> None:
    half = [("R2", 30.0), ("R1", 20.0), ("R5", 50.0)]
    assert profile("C5", half)[3] == "C2"
    assert profile("C5", [*half, ("R5", 0.01)])[3] == "C5"
    assert profile("C5", half, revealed_share=0.2)[3] == "C1"
    assert profile("C5", half, revealed_share=1)[3] == "C5"
    thirds = [("R1", 0.1), ("R2", 0.1), ("R3", 0.1)]
    assert profile("C5", thirds, revealed_share=1 / 3)[3] == "C1"
    assert profile("C5", thirds, revealed_share=1)[3] == "C3"


def test_an_amount_or_a_level_that_is_missing_reveals_nothing() -> None:
    gap = PRODUCTS.set_column(1, "risk_level", pa.array([None, *RISKS[1:]]))
    assert profile("C1", [("R1", 1.0), ("R5", 99.0)], products=gap) == ("C1", False, None, None)
    none = PRODUCTS.select(["product_id"])
    assert profile("C1", [("R1", 1.0), ("R5", 99.0)], products=none)[3] is None
    with pytest.raises(suitably.DataError, match=r"no column 'danger' for risk= of Holdings"):
        profile("C1", held_risk="danger")


@pytest.mark.parametrize(
    ("share", "level", "reason"),
    [(0.0, "C1", "above-capacity"), (0.19, "C1", "above-capacity"), (0.2, "C2", "above-capacity"),
     (0.5, "C3", None), (1.0, "C3", None), (None, "C3", "capacity-missing")],
)  # fmt: skip
def test_capacity_as_a_share(share: float | None, level: str, reason: str | None) -> None:
    limits = [0.2, 0.4, 0.6, 0.8]
    found = profile("C3", share=share, capacity="share", capacity_limits=limits)
    assert found == (level, reason is not None, reason, None)


def test_capacity_is_passed_on() -> None:
    users = {"risk_level": ["C4", "C4"], "capacity": ["C2", None]}
    first, second = profiles(users, capacity="capacity")
    assert (first["risk_level"], first["loss_capacity"]) == ("C2", "C2")
    assert first["risk_review_reason"] == "above-capacity"
    assert (second["risk_level"], second["loss_capacity"]) == ("C4", None)
    shares = profiles({"risk_level": ["C4"], "capacity": [0.25]}, capacity="capacity")[0]
    assert (shares["risk_level"], shares["loss_capacity"], shares["risk_review"]) == (
        "C4",
        0.25,
        False,
    )


def test_capacity_from_liquid_assets_and_net_worth() -> None:
    users = {
        "risk_level": ["C5"] * 6,
        "liquid_assets": [50.0, 500.0, 0.0, 10.0, None, 10.0],
        "net_worth": [200.0, 200.0, 200.0, -5.0, 200.0, 0.0],
    }
    pair = ("liquid_assets", "net_worth")
    found = profiles(users, capacity=pair, capacity_limits=[0.2, 0.4, 0.6, 0.8])
    assert [row["loss_capacity"] for row in found] == [0.25, 1.0, 0.0, 0.0, None, 0.0]
    assert [row["risk_level"] for row in found] == ["C2", "C5", "C1", "C1", "C5", "C1"]
    assert found[4]["risk_review_reason"] == "capacity-missing"
    builder = RiskAppetite(capacity=pair)
    assert builder.reads == ("risk_level", "questionnaire_date", *pair)
    assert builder.provenance("loss_capacity") == "derived"
    assert RiskAppetite(capacity="loss_capacity").provenance("loss_capacity") == "stated"


def test_knowledge_is_passed_on_while_it_counts() -> None:
    users = {
        "risk_level": ["C4", "C4", "C4", None],
        "years_experience": [2.0, 2.0, None, 9.0],
        "asked": [date(2024, 1, 1), date(2022, 1, 1), date(2024, 1, 1), date(2024, 1, 1)],
    }
    how = {"knowledge": "years_experience", "knowledge_date": "asked", "knowledge_months": 12,
           "knowledge_limits": [1, 2, 5, 10]}  # fmt: skip
    found = profiles(users, as_of="2024-06-01", **how)
    assert [row["years_experience"] for row in found] == [2.0, None, None, 9.0]
    assert [row["risk_level"] for row in found] == ["C3", "C4", "C4", None]
    reasons = ["above-knowledge", "knowledge-missing", "knowledge-missing", "missing"]
    assert [row["risk_review_reason"] for row in found] == reasons
    builder = RiskAppetite(**how)
    assert builder.provenance("years_experience") == "stated"
    assert builder.provenance("years_experience").expires == "12 months after asked"


def test_why_a_level_is_withheld() -> None:
    days = [date(2024, 1, 1), date(2020, 1, 1), None, date(2030, 1, 1), date(2024, 1, 1)]
    users = {"risk_level": ["C1", "C1", "C1", "C1", None], "questionnaire_date": days}
    how = {"date": "questionnaire_date", "valid_months": 12}
    found = profiles(users, as_of="2024-06-01", **how)
    reasons = [None, "expired", "undated", "dated-later", "missing"]
    assert [row["risk_review_reason"] for row in found] == reasons
    assert [row["risk_level"] for row in found] == ["C1", None, None, None, None]
    timeless = profiles(users, **how)
    assert [row["risk_review"] for row in timeless] == [None] * 4 + [True]
    assert [row["risk_review_reason"] for row in timeless] == [None] * 4 + ["missing"]


def test_a_guess_has_no_say() -> None:
    users = {"risk_level": ["C1", None], "guess": ["C5", "C4"]}
    found = profiles(users, predicted="guess")
    assert [row["predicted_risk_level"] for row in found] == ["C5", "C4"]
    assert [row["risk_level"] for row in found] == ["C1", None]
    builder = RiskAppetite(predicted="guess")
    assert builder.provenance("predicted_risk_level") == "imputed"
    assert builder.fields == ("risk_level", "risk_review", "predicted_risk_level")


def test_levels_may_be_numbers() -> None:
    products = pa.table({"product_id": RISKS, "risk_level": [1, 2, 3, 4, 5]})
    how = {"scale": [1, 2, 3, 4, 5], "product_scale": None, "products": products}
    users = {"risk_level": pa.array([4, None], pa.int64()), "capacity": ["C2", "C2"]}
    first, second = profiles(users, [(1, "R5", 1.0)], **how)
    assert (first["risk_level"], first["revealed_risk_level"]) == (4, 5)
    assert second["risk_level"] is None
    empty = {"risk_level": pa.nulls(1)}
    assert profiles(empty, [(1, "R5", 1.0)], **how)[0]["revealed_risk_level"] == 5


@pytest.mark.parametrize(
    ("users", "how", "words"),
    [({"risk_level": ["C9"]}, {}, r"users.risk_level: 'C9' is not on the scale C1, C2"),
     ({"risk_level": [3]}, {}, r"users.risk_level: 3 is not on the scale"),
     ({"risk_level": ["C1"], "x": ["R1"]}, {"capacity": "x"}, r"users.x: 'R1' is not on the scale"),
     ({"risk_level": ["C1"], "x": [1.5]}, {"capacity": "x"}, r"users.x: 1.5 is not from 0 to 1"),
     ({"risk_level": ["C1"], "x": [-2]}, {"knowledge": "x"}, r"users.x: -2 is not a number of 0"),
     ({"risk_level": ["C1"], "x": ["much"], "y": [1.0]}, {"capacity": ("x", "y")},
      r"users.x: must hold numbers, not text"),
     ({"risk_level": ["C1"]}, {"capacity": "x"}, r"no column 'x'"),
     ({"risk_level": ["C1"]}, {"product_scale": [*RISKS[::-1][:4], "R0"]},
      r"products.risk_level: 'R1' is not on the scale R5")],
)  # fmt: skip
def test_levels_off_their_scale(users: Any, how: dict[str, Any], words: str) -> None:
    with pytest.raises(suitably.DataError, match=words):
        profiles(users, [(1, "R5", 1.0)], **how)


BAD: list[dict[str, Any]] = [
    {"scale": "C1"}, {"scale": ["C1"]}, {"scale": ["C1", "C1"]}, {"scale": ["C1", 2]},
    {"scale": [1.0, 2.0]}, {"scale": [True, False]}, {"product_scale": RISKS, "scale": None},
    {"product_scale": RISKS[:4]}, {"revealed_share": 0}, {"revealed_share": 1.5}, {"tolerance": -1},
    {"tolerance": 0.5}, {"tolerance": True}, {"capacity": ("a", "b", "c")}, {"capacity": 3},
    {"capacity": "a", "capacity_limits": [0.5]}, {"capacity_limits": [0.1, 0.1, 0.2, 0.3]},
    {"knowledge": "a", "knowledge_limits": ["a"] * 4}, {"knowledge_months": 12},
    {"capacity_limits": [0.1, 0.2, 0.3, float("inf")]}, {"weigh": "pieces"}, {"rates": {"EUR": 0}},
    {"scale": None, "capacity_limits": [0.1, 0.2, 0.3, 0.4]}, {"knowledge": 3}, {"predicted": 3},
    {"knowledge_date": "asked", "knowledge_months": 0},
]  # fmt: skip


@pytest.mark.parametrize("how", BAD, ids=str)
def test_parameters_that_are_none(how: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"RiskAppetite|Holdings"):
        profiles({"risk_level": ["C1"]}, **how)


# --- a slow, obvious twin -----------------------------------------------------------------------

RANK = st.integers(-1, 4)
USER = st.tuples(RANK, RANK, RANK, RANK)


def by_hand(stated: int, revealed: int, capacity: int, knowledge: int, tolerance: int) -> Any:
    if stated < 0:
        return -1, None
    level = min([stated] + [bound for bound in (capacity, knowledge) if bound >= 0])
    applies = {
        "above-capacity": 0 <= capacity < stated,
        "above-knowledge": 0 <= knowledge < stated,
        "holds-more-risk": revealed > level,
        "holds-less-risk": 0 <= revealed < stated - tolerance,
        "capacity-missing": capacity < 0,
        "knowledge-missing": knowledge < 0,
    }
    return level, next((name for name, true in applies.items() if true), None)


@given(st.lists(USER, min_size=1, max_size=10), st.integers(0, 3))
def test_agrees_with_the_definition_and_never_raises(rows: list[Any], tolerance: int) -> None:
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    levels, reasons = reconciled(*columns, tolerance)
    found = [(lv, None if r < 0 else REASONS[r]) for lv, r in zip(levels, reasons, strict=True)]
    assert found == [by_hand(*row, tolerance) for row in rows]
    assert (levels <= columns[0]).all()
    alone, silent = reconciled(columns[0], None, None, None, tolerance)
    assert alone.tolist() == columns[0].tolist()
    assert (silent == -1).all()


SHARES = st.none() | st.dictionaries(st.sampled_from(RISKS), st.integers(1, 9), max_size=5)


@given(st.lists(SHARES, min_size=1, max_size=6), st.integers(1, 20))
def test_revealed_levels_agree_with_the_definition(rows: list[Any], twentieths: int) -> None:
    maps = [
        None if row is None else [(name, row[name] / sum(row.values())) for name in row]
        for row in rows
    ]
    exposure = pa.array(maps, pa.map_(pa.string(), pa.float64()))
    wanted = []
    for row in rows:
        total, below, rank = sum((row or {}).values()), 0, -1
        for place, name in enumerate(RISKS):
            below += (row or {}).get(name, 0)
            if total and 20 * below >= twentieths * total:
                rank = place
                break
        wanted.append(rank)
    assert revealed_ranks(exposure, RISKS, twentieths / 20).tolist() == wanted


LEVEL = st.none() | st.sampled_from(SCALE)
BOUGHT = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from(RISKS), st.sampled_from([0.1, 5.0, -0.1, 70.0])),
    max_size=8,
)


@settings(max_examples=80)
@given(
    st.lists(st.tuples(LEVEL, LEVEL, st.none() | st.floats(0, 1)), min_size=4, max_size=4), BOUGHT
)
def test_no_profile_is_above_what_was_stated(rows: list[Any], bought: list[Any]) -> None:
    stated, known, shares = (list(column) for column in zip(*rows, strict=True))
    users = {"risk_level": pa.array(stated, pa.string()), "known": pa.array(known, pa.string()),
             "share": pa.array(shares, pa.float64())}  # fmt: skip
    found = profiles(users, bought, knowledge="known", capacity="share",
                     capacity_limits=[0.2, 0.4, 0.6, 0.8])  # fmt: skip
    for row, said in zip(found, stated, strict=True):
        assert (row["risk_level"] is None) == (said is None)
        assert said is None or SCALE.index(row["risk_level"]) <= SCALE.index(said)
        assert row["risk_review"] == (row["risk_review_reason"] is not None)
        assert row["risk_level"] == said or row["risk_review"]


@settings(max_examples=40)
@given(st.lists(LEVEL, min_size=4, max_size=4), BOUGHT.filter(bool), st.integers(0, 255))
def test_any_split_of_the_log_is_a_rebuild(stated: list[Any], bought: list[Any], mask: int) -> None:
    names = ("user_id", "product_id", "value")
    log = pa.table(dict(zip(names, map(list, zip(*bought, strict=True)), strict=True)))
    users = pa.table({"user_id": [1, 2, 3, 4], "risk_level": pa.array(stated, pa.string())})
    view = Dataset(users, PRODUCTS, log).view()
    early = np.array([bool(mask >> place & 1) for place in range(len(bought))])
    builder = RiskAppetite(**PLAIN)
    a, b = (
        builder.accumulate(replace(view, events=view.events.take(rows))) for rows in (early, ~early)
    )
    whole = builder.accumulate(view)
    for merged in (builder.merge(a, b), builder.merge(b, a)):
        assert builder.finalise(merged, None).equals(builder.finalise(whole, None))
    arrays = whole.to_arrays()
    again = builder.state_type.from_arrays(arrays)
    assert builder.finalise(again, None).equals(builder.finalise(whole, None))


# --- the contract, and a pipeline ---------------------------------------------------------------

NOBODY = """
rules = [{id = "no-guess", require = "missing(user.predicted_risk_level)"}]
[policy]
id = "p"
version = "1"
"""
WHOLE = {
    "scale": ["C1", "C2", "C3"], "product_scale": ["R1", "R2", "R3"], "knowledge": "known",
    "knowledge_date": "questionnaire_date", "knowledge_months": 20,
    "capacity": ("income", "wealth"), "capacity_limits": [0.3, 0.6], "predicted": "guess",
}  # fmt: skip


class TestReconciledContract(BuilderContract):
    def make(self) -> Any:
        return RiskAppetite(**WHOLE)

    def made(self) -> list[Any]:
        return [self.make(), RiskAppetite(scale=[1, 2]), RiskAppetite(capacity="income")]

    def bad(self) -> list[Any]:
        return [RiskAppetite(scale="C1"), RiskAppetite(tolerance=-1)]

    def bank(self) -> SmallBank:
        bank = super().bank()
        users = [
            {**row, "known": ["C2", "C3", None][i % 3], "guess": ["C1", "C3"][i % 2],
             "wealth": [9000.0, None, 6000.0, 50000.0][i % 4]}
            for i, row in enumerate(bank.users)
        ]  # fmt: skip
        products = [{**row, "risk_level": f"R{i % 3 + 1}"} for i, row in enumerate(bank.products)]
        return bank.but(users=users, products=products)


class TestWeighedByProducts(TestReconciledContract):
    def make(self) -> Any:
        return RiskAppetite(**{**WHOLE, "weigh": "products", "date": None, "valid_months": None})


def test_a_pipeline_saved_loaded_and_updated(tmp_path: Path) -> None:
    users = pa.table({"user_id": [1, 2], "risk_level": ["C3", "C1"], "guess": ["C5", "C5"]})
    log = pa.table({"user_id": [1, 2], "product_id": ["R3", "R1"], "value": [10.0, 10.0],
                    "event": ["buy", "buy"], "timestamp": [datetime(2024, 1, 1)] * 2})  # fmt: skip
    news = pa.table({"user_id": [1, 2, 2], "product_id": ["R3", "R5", "R4"],
                     "value": [10.0, 90.0, 0.2], "event": ["sell", "buy", "buy"],
                     "timestamp": [datetime(2024, 2, 1)] * 3})  # fmt: skip
    builder = RiskAppetite(**PLAIN, predicted="guess")

    def fitted(rows: pa.Table) -> Any:
        data = Dataset(users, PRODUCTS, rows, disposed_events=["sell"])
        policy = suitably.Policy.from_toml(NOBODY)
        pipeline = suitably.Pipeline([builder], policy, suitably.ranking.Popularity())
        return pipeline.fit(data, "2024-03-01")

    pipeline = fitted(log)
    assert pipeline.trace(2).profile["revealed_risk_level"] == "C1"
    pipeline.save(tmp_path / "model")
    loaded = suitably.load(tmp_path / "model")
    late = news.set_column(4, "timestamp", pa.array([datetime(2024, 3, 1)] * 3))
    for each in (pipeline, loaded):
        each.update(late)
    rebuilt = fitted(pa.concat_tables([log, news]))
    for user in (1, 2):
        one, other, third = (dict(p.trace(user).profile) for p in (pipeline, loaded, rebuilt))
        assert one == other == third
    assert pipeline.trace(2).profile["risk_review_reason"] == "holds-more-risk"
    assert pipeline.trace(1).profile["revealed_risk_level"] is None
    assert pipeline.trace(1).profile["predicted_risk_level"] == "C5"
    assert pipeline.why_not(1, "R1")[0].verdict == "pass"  # a guess is missing to every rule


def test_prices_need_pieces() -> None:
    products = PRODUCTS.append_column("price", pa.array([1.0] * 5))
    with pytest.raises(suitably.DataError, match="counts pieces"):
        profile("C1", [("R1", 1.0)], products=products, price="price")
    log = pa.table(
        {"user_id": [1, 1], "product_id": ["R1", "R5"], "value": [9.0, 1.0], "n": [1.0, 4.0]}
    )
    users = pa.table({"user_id": [1], "risk_level": ["C1"]})
    data = Dataset(users, products, log, columns=Columns(quantity="n"))
    by_cost, by_price = (
        RiskAppetite(**PLAIN, price=price).fit(data).transform(data).to_pylist()[0]
        for price in (None, "price")
    )
    assert by_cost["revealed_risk_level"] == "C1"
    assert by_price["revealed_risk_level"] == "C5"
