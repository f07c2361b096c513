"""Money in rules: the amount, what is held and was bought, against sums by hand."""

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as hs

import suitably as st

NOW = datetime(2024, 3, 31)
TICK = timedelta(microseconds=1)


def policy(*rules: str, fields: str = "") -> st.Policy:
    lines = [f'[[rules]]\nid = "r{i}"\nrequire = "{text}"' for i, text in enumerate(rules)]
    return st.Policy.from_toml('[policy]\nid = "p"\n' + fields + "\n".join(lines))


# --- the amount --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("proposed", "least", "right"),
    [(100.0, 50.0, 100.0), (40.0, 50.0, 50.0), (None, 50.0, 50.0), (100.0, None, 100.0),
     (None, None, None), (0.0, 0.0, 0.0)],
)  # fmt: skip
def test_the_greater_of_what_is_proposed_and_the_least(
    proposed: float | None, least: float | None, right: float | None
) -> None:
    users = pa.table({"user_id": ["u"], "amount_to_invest": pa.array([proposed], pa.float64())})
    products = pa.table({"product_id": ["p"], "min_amount": pa.array([least], pa.float64())})
    text = ("amount <= 0", "amount >= 0") if right is None else (f"amount == {right}",)
    found = policy(*text).evaluate(users, products, NOW)
    wanted = "unknown" if right is None else "pass"
    verdicts = found.verdicts("u", "p")
    assert {v.verdict for v in verdicts} == {wanted}
    assert verdicts[0].inputs == {"user.amount_to_invest": proposed, "product.min_amount": least}
    judged = found.judge({"amount_to_invest": proposed})
    assert judged.tolist() == found.mask()[0].tolist()


def test_columns_that_are_not_there_stand_aside() -> None:
    users, products = pa.table({"user_id": ["u"]}), pa.table({"product_id": ["p"]})
    least = products.append_column("min_amount", pa.array([50.0]))
    proposed = users.append_column("amount_to_invest", pa.array([70.0]))
    rule = policy("amount <= 60")
    said = [rule.evaluate(*pair, NOW).verdicts("u", "p")[0].verdict
            for pair in ((users, least), (proposed, products), (users, products))]  # fmt: skip
    assert said == ["pass", "fail", "unknown"]


def test_an_amount_below_nothing_is_refused() -> None:
    users = pa.table({"user_id": ["u", "v"], "amount_to_invest": [5.0, -1.0]})
    products = pa.table({"product_id": ["p"]})
    with pytest.raises(st.DataError, match=r"user\.amount_to_invest: 1 of 2 .*row 1: -1"):
        policy("amount <= 60").evaluate(users, products, NOW)
    found = policy("amount <= 60").evaluate(users.slice(0, 1), products, NOW)
    with pytest.raises(st.DataError, match=r"user\.amount_to_invest.*negative"):
        found.judge({"amount_to_invest": -1.0})


def bank(users: dict[str, Any] | None = None) -> st.Dataset:
    frame = pd.DataFrame({"user_id": ["u", "v"], **(users or {})})
    products = pd.DataFrame({"product_id": ["a", "b", "c"], "min_amount": [10.0, 100.0, 1000.0]})
    log = pd.DataFrame({"user_id": ["u", "u", "u"], "product_id": ["a", "b", "c"], "value": 1.0,
                        "timestamp": pd.Timestamp("2024-01-01")})  # fmt: skip
    return st.Dataset(frame, products, log)


def fitted(data: st.Dataset, rules: st.Policy) -> st.Pipeline:
    return st.Pipeline(profiles=[], policy=rules, ranker=st.ranking.Popularity()).fit(data, NOW)


def listed(recs: Any) -> dict[str, list[str]]:
    frame = recs.to_frame()
    return {user: rows["product_id"].tolist() for user, rows in frame.groupby("user_id")}


def test_the_amount_of_a_call() -> None:
    pipeline = fitted(bank({"amount_to_invest": [200.0, None]}), policy("amount <= 150"))
    wanted = {"exclude_owned": False}
    assert listed(pipeline.recommend(**wanted)) == {"v": ["a", "b"]}
    assert listed(pipeline.recommend(amount=120, **wanted)) == {"u": ["a", "b"], "v": ["a", "b"]}
    assert listed(pipeline.recommend(amount=151, **wanted)) == {}
    frame = pd.DataFrame({"user_id": ["u"], "amount": [20.0]})
    assert listed(pipeline.recommend(amount=frame, **wanted)) == {"u": ["a", "b"], "v": ["a", "b"]}
    assert listed(pipeline.recommend(**wanted)) == {"v": ["a", "b"]}
    verdict = pipeline.why_not("u", "b", amount=120)[0]
    assert verdict.verdict == "pass"
    assert verdict.inputs["user.amount_to_invest"] == 120
    batch = pa.RecordBatch.from_pydict({"user_id": ["v"]})
    (out,) = pipeline.apply_arrow([batch], amount=101)
    assert out["product_id"].to_pylist() == ["a", "b"]
    assert sum(out.num_rows for out in pipeline.apply_arrow([batch], amount=151)) == 0
    assert pipeline.trace("u", amount=20).to_dict()


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (-1, "number from 0 up"),
        (float("nan"), "number from 0 up"),
        (float("inf"), "number from 0 up"),
        (True, "number from 0 up"),
        ("100", "number from 0 up"),
        (10**400, "number from 0 up"),
        (2**53 + 1, "amount: 1 values are integers beyond"),
        (Decimal(2**53 + 1), "amount: 1 values are integers beyond"),
        (Decimal("NaN"), "number from 0 up"),
        (pd.DataFrame({"user_id": ["u"]}), "no column 'amount'"),
        (pd.DataFrame({"user_id": ["x"], "amount": [1.0]}), "row 0: a user that is not known"),
        (pd.DataFrame({"user_id": ["u", "u"], "amount": [1.0, 2.0]}), "there twice"),
        (pd.DataFrame({"user_id": ["u"], "amount": [-2.0]}), r"amount\.amount: 1 of 1 .*row 0"),
        (pd.DataFrame({"user_id": ["u"], "amount": [None]}), r"amount\.amount"),
        (pd.DataFrame({"user_id": ["u"], "amount": ["1"]}), r"amount\.amount"),
        (pd.DataFrame({"user_id": ["u"], "amount": [1.0], "currency": ["USD"]}),
         r"amount\.currency: row 0: 'USD', but the user's is 'EUR'"),
    ],
)  # fmt: skip
def test_amounts_that_are_none(amount: Any, words: str) -> None:
    pipeline = fitted(bank({"currency": ["EUR", "EUR"]}), policy("amount <= 150"))
    with pytest.raises(st.DataError, match=words):
        pipeline.recommend(amount=amount)


# --- what is held and was bought ---------------------------------------------------------------

RULES = (
    "held(product.issuer) <= 100",
    "portfolio() <= 150",
    "bought(product.issuer, months(1)) <= 100",
    "held(product.product_id) <= 60",
)


def log_of(events: list[tuple[str, int, float | None, str, int]]) -> pa.Table:
    columns = list(zip(*events, strict=True)) or [()] * 5
    times = [NOW - timedelta(days=day) for day in columns[4]]
    return pa.table(
        {
            "user_id": pa.array(columns[0], pa.string()),
            "product_id": pa.array(columns[1], pa.int64()),
            "value": pa.array(columns[2], pa.float64()),
            "event": pa.array(columns[3], pa.string()),
            "timestamp": pa.array(times, pa.timestamp("us")),
        }
    )


USERS = pa.table({"user_id": ["u", "v"]})
PRODUCTS = pa.table({"product_id": [1, 2, 3], "issuer": ["X", "X", "Y"]})
MEANS: dict[str, Any] = {"owned_events": ["buy"], "disposed_events": ["sell"],
                         "other_events": ["view"]}  # fmt: skip
events = hs.lists(
    hs.tuples(
        hs.sampled_from("uv"),
        hs.sampled_from([1, 2, 3]),
        hs.sampled_from([50.0, 60.5, 100.0, 0.1, -20.0]),
        hs.sampled_from(["buy", "buy", "sell", "view"]),
        hs.sampled_from([1, 30, 31, 32, 400]),
    ),
    min_size=1,
    max_size=10,
)
SEED = [("u", 1, 1.0, "buy", 500), ("v", 3, 1.0, "sell", 500), ("v", 3, 1.0, "view", 500)]


def by_hand(rows: list[Any], user: str, product: int) -> list[str]:
    issuer = {1: "X", 2: "X", 3: "Y"}
    net: dict[int, float] = defaultdict(float)
    recent: dict[str, float] = defaultdict(float)
    for who, what, value, kind, day in rows:
        if who != user or kind == "view":
            continue
        net[what] += value if kind == "buy" else -abs(value)
        if kind == "buy" and NOW - timedelta(days=day) >= datetime(2024, 2, 29):
            recent[issuer[what]] += value
    held = {what: max(round(value, 9), 0.0) for what, value in net.items()}
    sums = (
        sum(value for what, value in held.items() if issuer[what] == issuer[product]) <= 100,
        sum(held.values()) <= 150,
        round(recent[issuer[product]], 9) <= 100,
        held.get(product, 0) <= 60,
    )
    return ["pass" if one else "fail" for one in sums]


def said(pipeline: st.Pipeline, as_of: Any = None) -> dict[tuple[str, int], list[str]]:
    found = pipeline.eligibility(as_of)
    pairs = {(u, p): [v.verdict for v in found.verdicts(u, p)] for u in "uv" for p in (1, 2, 3)}
    for (user, product), verdicts in pairs.items():
        column = product - 1
        assert found.mask([user])[0, column] == all(v == "pass" for v in verdicts)
    return pairs


@settings(max_examples=60, deadline=None)
@given(rows=events, cut=hs.integers(0, 10))
def test_sums_by_hand_and_by_updates(rows: list[Any], cut: int) -> None:
    rows = [*SEED, *sorted(rows, key=lambda row: -row[4])]
    right = {(u, p): by_hand(rows, u, p) for u in "uv" for p in (1, 2, 3)}
    whole = st.Pipeline(profiles=[], policy=policy(*RULES), ranker=st.ranking.Popularity())
    whole.fit(st.Dataset(USERS, PRODUCTS, log_of(rows), **MEANS), NOW)
    assert said(whole) == right
    part = st.Pipeline(profiles=[], policy=policy(*RULES), ranker=st.ranking.Popularity())
    early = rows[: len(SEED) + cut]
    part.fit(st.Dataset(USERS, PRODUCTS, log_of(early), **MEANS))
    if len(early) < len(rows):
        part.update(log_of(rows[len(early) :]))
    assert said(part, NOW) == right


def test_saved_loaded_aged_and_under_another_policy(tmp_path: Path) -> None:
    rows = [*SEED, ("u", 1, 80.0, "buy", 31), ("u", 2, 30.0, "buy", 1)]
    data = st.Dataset(USERS, PRODUCTS, log_of(rows), **MEANS)
    pipeline = st.Pipeline(profiles=[], policy=policy(*RULES), ranker=st.ranking.Popularity())
    pipeline.fit(data, NOW)
    pipeline.save(tmp_path / "model")
    loaded = st.load(tmp_path / "model")
    assert loaded.profiles == []
    assert said(loaded) == said(pipeline)
    assert said(pipeline)["u", 1] == ["fail", "pass", "fail", "fail"]
    later = NOW + TICK  # the purchase of 29 February is now beyond the month
    assert said(loaded, later)["u", 1] == ["fail", "pass", "pass", "fail"]
    kept = loaded.under(policy("held(product.issuer) <= 1000"))
    assert kept.eligibility().mask().all()
    with pytest.raises(st.PolicyError, match=r"held\(product_name\).*fitted under this policy"):
        loaded.under(policy("held(product.product_name) <= 1000"))
    loaded.fit(data, NOW)
    assert said(loaded) == said(pipeline)


def test_what_is_not_known_is_unknown() -> None:
    rows = [*SEED, ("u", 1, None, "buy", 3), ("v", 3, 5.0, "buy", 2)]
    products = pa.table({"product_id": [1, 2, 3], "issuer": ["X", "Y", None]})
    rules = policy("held(product.issuer) <= 100", "portfolio() <= 100")
    log = log_of(rows)
    with pytest.raises(st.DataError, match="value"):
        st.Dataset(USERS, products, log, **MEANS)
    bare = st.Dataset(USERS, products, log.drop_columns(["value"]), **MEANS)
    pipeline = st.Pipeline(profiles=[], policy=rules, ranker=st.ranking.Popularity())
    found = pipeline.fit(bare, NOW).eligibility()
    verdicts = {(u, p): [v.verdict for v in found.verdicts(u, p)] for u in "uv" for p in (1, 2, 3)}
    assert verdicts["u", 1] == ["unknown", "unknown"]  # no amounts at all
    assert verdicts["u", 2] == ["pass", "unknown"]  # nothing of Y
    assert verdicts["u", 3] == ["unknown", "unknown"]  # whose is not known
    assert verdicts["v", 1] == ["unknown", "unknown"]  # of what it holds, the issuer is not known


def test_without_a_pipeline_nothing_is_held() -> None:
    with pytest.raises(st.PolicyError, match=r"held\(issuer\).*fitted under this policy"):
        policy(RULES[0]).evaluate(USERS, PRODUCTS, NOW)
    given = pd.DataFrame({"user_id": ["u"], "held(issuer)": [{"X": 150.0}]})
    found = policy(RULES[0]).evaluate(given, PRODUCTS, NOW)
    assert found.mask().tolist() == [[False, False, True]]


RISK = '[scales]\nproduct = ["R1", "R2", "R3"]\n[fields]\n"product.risk_level" = "product"\n'


def test_the_risk_of_a_portfolio() -> None:
    """120 in R1 and 60 in R3 are (120 + 180) / 180; another 60 in R3 makes (300 + 180) / 240."""
    products = PRODUCTS.append_column("risk_level", pa.array(["R1", "R2", "R3"]))
    rows = [("u", 1, 120.0, "buy", 3), ("u", 3, 60.0, "buy", 2), *SEED[1:]]
    rules = policy("portfolio_risk() <= 2", "portfolio_risk() < 2", fields=RISK)
    pipeline = st.Pipeline(profiles=[], policy=rules, ranker=st.ranking.Popularity())
    pipeline.fit(st.Dataset(USERS, products, log_of(rows), **MEANS), NOW)

    def verdicts(amount: float, product: int, user: str = "u") -> list[str]:
        found = pipeline.why_not(user, product, amount=amount)
        return [v.verdict for v in found if v.rule.startswith("r")]

    assert verdicts(60, 3) == ["pass", "fail"]
    assert verdicts(59, 3) == ["pass", "pass"]
    assert verdicts(61, 3) == ["fail", "fail"]
    assert verdicts(60, 2) == ["pass", "pass"]
    assert verdicts(10, 3, "v") == ["fail", "fail"]  # nothing held: its own level
    assert verdicts(0, 1, "v") == ["unknown", "unknown"]  # nothing held, nothing proposed


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("held(user.issuer) > 1", "takes a field of the product"),
        ("held() > 1", r"takes 1 argument"),
        ("bought(product.issuer, 12) > 1", "a span written out"),
        ("bought(product.issuer, months(user.n)) > 1", "a span written out"),
        ("bought(product.issuer, months(-1)) > 1", "a span written out"),
        ("bought(product.issuer, months(0.5)) > 1", "a span written out"),
        ("bought(product.issuer, years(10001)) > 1", "looks back 10,000 years at most"),
        ("bought(product.issuer, months(1e300)) > 1", "looks back 10,000 years at most"),
        ("portfolio(1) > 1", "takes 0 argument"),
        ("amount() > 1", "without parentheses"),
        ("amounts > 1", "unknown name"),
    ],
)
def test_no_sentence(text: str, words: str) -> None:
    with pytest.raises(st.PolicyError, match=rf"line 1, column \d+: .*{words}"):
        policy(text)


@pytest.mark.parametrize("span", ["years(2030)", "years(10000)", "months(120000)", "days(3000000)"])
def test_a_window_that_opens_before_the_calendar_holds_all_that_was_bought(span: str) -> None:
    told = policy(f"bought(product.product_id, {span}) == 1")
    pipeline = fitted(bank(), told)
    assert next(v.verdict for v in pipeline.why_not("u", "a")) == "pass"
    assert next(v.verdict for v in pipeline.why_not("v", "a")) == "fail"


KEYS = {
    "whole": ([7, 7, 8], '"number"'),
    "float": ([7.0, 7.0, 8.0], '{ type = "number", min = 0 }'),
    "decimal": ([Decimal(7), Decimal(7), Decimal(8)], '"number"'),
    "scale": ([7, 7, 8], '"codes"'),
    "text": (["7", "7", "8"], '"text"'),
    "yes or no": ([True, True, False], '"boolean"'),
    "undeclared": ([2**60 + 1, 2**60 + 1, 2**60 + 2], ""),
}


@pytest.mark.parametrize("kind", KEYS)
def test_sums_by_codes_of_any_kind(kind: str, tmp_path: Path) -> None:
    codes, declared = KEYS[kind]
    products = pa.table({"product_id": [1, 2, 3], "issuer": codes})
    head = "[scales]\ncodes = [7, 8]\n" * (kind == "scale")
    head += f'[fields]\n"product.issuer" = {declared}\n' * bool(declared)
    rows = [("u", 1, 10.0, "buy", 3), ("u", 2, 20.0, "buy", 3), ("u", 3, 5.0, "buy", 3)]
    rules = policy(
        "held(product.issuer) == 30", "bought(product.issuer, days(30)) == 5", fields=head
    )
    pipeline = st.Pipeline(profiles=[], policy=rules, ranker=st.ranking.Popularity())
    pipeline.fit(st.Dataset(USERS, products, log_of([*SEED[1:], *rows]), **MEANS), NOW)

    def said(model: st.Pipeline) -> list[list[str]]:
        found = [model.why_not("u", product) for product in (1, 2, 3)]
        return [[v.verdict for v in one if v.rule[0] == "r"] for one in found]

    assert said(pipeline) == [["pass", "fail"], ["pass", "fail"], ["fail", "pass"]]
    pipeline.save(tmp_path / "model")
    assert said(st.load(tmp_path / "model")) == said(pipeline)


def test_codes_that_are_not_as_declared_are_refused() -> None:
    products = pa.table({"product_id": [1, 2, 3], "issuer": [7, 7, -8]})
    fields = '[fields]\n"product.issuer" = { type = "number", min = 0 }\n'
    rules = policy("held(product.issuer) <= 50", fields=fields)
    pipeline = st.Pipeline(profiles=[], policy=rules, ranker=st.ranking.Popularity())
    data = st.Dataset(USERS, products, log_of(SEED), **MEANS)
    with pytest.raises(st.DataError, match=r"product\.issuer.*outside the range"):
        pipeline.fit(data, NOW)


@pytest.mark.parametrize("order", [[1, 2, 3], [3, 2, 1], [2, 3, 1]])
def test_sums_do_not_depend_on_the_order_of_products(order: list[int]) -> None:
    rows = [("u", p, v, "buy", 3) for p, v in zip((1, 2, 3), (0.1, 0.2, 0.3), strict=True)]
    products = pa.table({"product_id": order, "issuer": ["X", "X", "X"]})
    rules = policy("portfolio() == 0.6", "held(product.issuer) == 0.6")
    pipeline = st.Pipeline(profiles=[], policy=rules, ranker=st.ranking.Popularity())
    pipeline.fit(st.Dataset(USERS, products, log_of([*SEED[1:], *rows]), **MEANS), NOW)
    assert pipeline.eligibility().mask(["u"]).all()


def test_what_was_set_aside_makes_sums_unknown() -> None:
    rows = [*SEED, ("u", 1, None, "buy", 3), ("v", 3, 5.0, "buy", 2)]
    for bad in (rows, [*rows[:3], ("u", 500, 9.0, "buy", 3), rows[4]]):
        data = st.Dataset(USERS, PRODUCTS, log_of(bad), **MEANS, on_error="quarantine")
        assert len(data.quarantine) == 1
        rules = policy("portfolio() <= 50", "held(product.issuer) <= 50")
        pipeline = st.Pipeline(profiles=[], policy=rules, ranker=st.ranking.Popularity())
        found = pipeline.fit(data, NOW).eligibility()
        assert {v.verdict for v in found.verdicts("u", 1)} == {"unknown"}
        assert {v.verdict for v in found.verdicts("v", 1)} == {"pass"}


def test_the_amount_of_an_eligibility() -> None:
    pipeline = fitted(bank(), policy("amount <= 150"))
    assert pipeline.eligibility(amount=Decimal("120")).mask().tolist() == [[True, True, False]] * 2
    other = pipeline.eligibility(policy=policy("amount <= 110"), amount=120)
    assert not other.mask().any()
