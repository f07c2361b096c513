"""Lifetime value: days as hand-counted, values as the models' formulas give them, and bad input."""

from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import suitably
from suitably.data import Dataset
from suitably.profiles import BetaGeo, GammaGamma, LifetimeValue, ParetoNBD
from suitably.profiles.lifetime.day_summary import DaySummary
from suitably.testing import BuilderContract
from suitably.testing.bank import AS_OF, SmallBank
from suitably.utils.state import from_state, state_of

DAY = timedelta(days=1)
MISSING = 777.25
# As case 22 prints them: four days, the first left out of the mean.
CASE_DAYS = ["2017-06-11", "2017-07-24", "2017-07-08", "2017-06-24"] * 2
CASE_DAYS[4:] = ["2017-07-24", "2017-06-11", "2017-07-08", "2017-06-24"]
CASE = pd.DataFrame(
    {"user_id": 1, "product_id": "a", "timestamp": CASE_DAYS, "value": [75.0] * 7 + [175.0]}
)


class TestLifetimeValueContract(BuilderContract):
    def make(self) -> Any:
        return LifetimeValue(penalty=0.1)

    def made(self) -> list[Any]:
        return [self.make(), LifetimeValue(30, "rate", covariates=["income"], penalty=1.0)]

    def bad(self) -> list[Any]:
        return [
            LifetimeValue(horizon_days=0),
            LifetimeValue(discount=-0.1),
            LifetimeValue(margin=np.nan),
            LifetimeValue(covariates="income"),
            LifetimeValue(penalty=-1),
            LifetimeValue(rates={"EUR": 0}),
            LifetimeValue(model="bg"),
        ]


class TestWithColumnsContract(BuilderContract):
    """With covariates, a rate and a margin per customer."""

    def bank(self) -> SmallBank:
        bank = super().bank()
        users = [
            {**row, "income": 1000.0 * i, "rate": 0.02 * i, "share": 0.1 + 0.01 * i}
            for i, row in enumerate(bank.users)
        ]
        return bank.but(users=users)

    def make(self) -> Any:
        return LifetimeValue(discount="rate", margin="share", covariates=("income",), penalty=0.5)


class TestWithTheParetoModelContract(TestWithColumnsContract):
    """Likewise, with customers who leave at any time."""

    def make(self) -> Any:
        return LifetimeValue(margin="share", covariates=("income",), penalty=0.5, model="pareto")


def data_of(log: pd.DataFrame, users: Any = None, **meaning: Any) -> Dataset:
    if users is None:
        users = pd.DataFrame({"user_id": sorted({*log["user_id"], 99})})
    return Dataset(users, None, log, **meaning)


def summary(data: Dataset, as_of: Any) -> DaySummary:
    view = data.view(as_of)
    assert view.as_of is not None
    return DaySummary.of(LifetimeValue().accumulate(view), view.as_of)


def shop(customers: int = 400, seed: int = 0) -> pd.DataFrame:
    """Draw purchases of a year from the models themselves, in days."""
    rng = np.random.default_rng(seed)
    rates, leave = rng.gamma(1.2, 1 / 40, customers), rng.beta(1.5, 6, customers)
    size = rng.gamma(4, 1 / 15, customers)
    rows: list[tuple[int, datetime, float]] = []
    for i in range(customers):
        now = rng.uniform(0, 200)
        while now < 365:
            rows.append((i, datetime(2023, 1, 1) + timedelta(days=now), rng.gamma(6, 1 / size[i])))
            if rng.random() < leave[i]:
                break
            now += rng.exponential(1 / rates[i])
    log = pd.DataFrame(rows, columns=["user_id", "timestamp", "value"])
    log["timestamp"] = log["timestamp"].dt.floor("s").astype("datetime64[us]")
    return log.assign(product_id="a")


def test_case_22() -> None:
    found = summary(data_of(CASE), "2017-12-31")
    assert (found.frequency[0], found.recency[0], found.age[0]) == (3, 43, 203)
    assert found.mean[0] == pytest.approx(183.33333333333334, abs=1e-9)
    assert found.bought.tolist() == [True, False]


def test_values_are_those_of_the_models() -> None:
    data = data_of(shop())
    builder = LifetimeValue(180, discount=0.0, margin=0.2).fit(data, "2024-01-01")
    days = summary(data, "2024-01-01")
    buyers = days.bought
    x, tx, age = days.frequency[buyers], days.recency[buyers], days.age[buyers]
    purchases = BetaGeo().fit(x, tx, age)
    spend = GammaGamma().fit(days.priced[buyers], days.mean[buyers])
    frame = builder.transform(data)
    ahead = purchases.expected_purchases(180, x, tx, age)
    amount = spend.expected_value(x, days.mean[buyers])
    assert frame["p_alive"][buyers].tolist() == purchases.p_alive(x, tx, age).tolist()
    assert frame["expected_purchases"][buyers].tolist() == ahead.tolist()
    assert frame["lifetime_value"][buyers].to_numpy() == pytest.approx(0.2 * ahead * amount)
    assert frame.loc[~buyers, list(builder.fields)].isna().all(axis=None)
    once = buyers & (days.frequency == 0)
    p, q, v = builder.spend_
    mean = frame["lifetime_value"] / frame["expected_purchases"] / 0.2
    assert mean[once].to_numpy() == pytest.approx(p * v / (q - 1))


def test_with_the_other_model_of_purchases() -> None:
    data = data_of(shop())
    builder = LifetimeValue(180, model="pareto").fit(data, "2024-01-01")
    days = summary(data, "2024-01-01")
    history = [one[days.bought] for one in (days.frequency, days.recency, days.age)]
    model = ParetoNBD().fit(*history)
    assert builder.purchases_.tolist() == list(model.params_)
    frame = builder.transform(data)[days.bought]
    assert frame["p_alive"].tolist() == model.p_alive(*history).tolist()
    assert frame["p_alive"][days.frequency[days.bought] == 0].max() < 1
    ahead = model.expected_purchases(180, *history)
    assert frame["expected_purchases"].tolist() == ahead.tolist()
    again = from_state(LifetimeValue, state_of(builder) or {})
    assert again.transform(data).equals(builder.transform(data))


def test_discounting_is_an_integral_over_time() -> None:
    """Against purchases of each hundredth of a day, discounted from its middle."""
    data = data_of(shop())
    builder = LifetimeValue(100, discount=0.5).fit(data, "2024-01-01")
    free = LifetimeValue(100, discount=0.0).fit(data, "2024-01-01")
    ratio = builder.transform(data)["lifetime_value"] / free.transform(data)["lifetime_value"]
    days = summary(data, "2024-01-01")
    place = int(np.flatnonzero(days.frequency > 2)[0])
    ends = np.arange(0, 10_001) / 100
    history = (days.frequency[place], days.recency[place], days.age[place])
    until = builder.purchase_model().expected_purchases(ends, *history)
    middles = (ends[1:] + ends[:-1]) / 2
    right = (np.diff(until) * 1.5 ** (-middles / 365)).sum() / until[-1]
    assert ratio[place] == pytest.approx(right, rel=1e-8)


def test_a_rate_and_a_margin_for_each() -> None:
    log = shop()
    users = pd.DataFrame({"user_id": range(400)})
    users["rate"] = np.where(users["user_id"] % 2, 0.0, 0.4)
    users["share"] = np.where(users["user_id"] < 10, np.nan, 0.5)
    data = data_of(log, users)
    both = LifetimeValue(discount="rate", margin="share").fit(data, "2024-01-01")
    assert both.reads == ("rate", "share")
    found = both.transform(data)["lifetime_value"].to_numpy()
    ones = [
        LifetimeValue(discount=rate, margin=0.5).fit(data, "2024-01-01").transform(data)
        for rate in (0.4, 0.0)
    ]
    right = np.where(users["user_id"] % 2, *[f["lifetime_value"] for f in reversed(ones)])
    assert np.isnan(found[:10]).all()
    assert found[10:].tolist() == right[10:].tolist()


def test_covariates() -> None:
    log = shop(1500)
    busy = log.groupby("user_id").size().reindex(range(1500), fill_value=0) > 4
    users = pd.DataFrame({"user_id": range(1500), "income": np.where(busy, 3e4, 1e4)})
    users.loc[7, "income"] = np.nan
    data = data_of(log, users)
    builder = LifetimeValue(covariates=["income"], penalty=1.0).fit(data, "2024-01-01")
    assert builder.coefficients_[0, 0] > 0.1
    frame = builder.transform(data)
    assert frame.loc[7, list(builder.fields)].isna().all()
    again = from_state(LifetimeValue, state_of(builder) or {})
    assert again.transform(data).equals(frame)
    model = builder.purchase_model()
    low, high = model.expected_purchases(365, 1, 50, 100, [[1e4], [3e4]])
    assert low < high


def test_days_are_those_of_the_datas_calendar() -> None:
    times = pd.to_datetime(["2024-01-01T22:30Z", "2024-01-01T23:30Z", "2024-01-03T01:00Z"])
    log = pd.DataFrame({"user_id": 1, "product_id": "a", "timestamp": times, "value": 1.0})
    as_of = "2024-01-10T23:30Z"
    berlin = summary(data_of(log, time_zone="Europe/Berlin"), as_of)
    assert (berlin.frequency[0], berlin.recency[0], berlin.age[0]) == (2, 2, 10)
    utc = summary(data_of(log, time_zone="UTC"), as_of)
    assert (utc.frequency[0], utc.recency[0], utc.age[0]) == (1, 2, 9)
    texts = log.assign(timestamp=[f"2024-01-0{i}T01:00:00+02:00" for i in (1, 2, 3)])
    with pytest.raises(suitably.DataError, match="time_zone"):
        LifetimeValue().fit(data_of(texts))


def test_refunds_disposals_and_amounts_that_are_missing() -> None:
    rows = [
        ("2024-01-01", "buy", 100.0),
        ("2024-01-02", "buy", 50.0),
        ("2024-01-02", "buy", -20.0),  # a refund of the day: 30 remain
        ("2024-01-03", "buy", 40.0),
        ("2024-01-03", "sell", 40.0),  # nothing remains, so no purchase
        ("2024-01-04", "buy", -500.0),  # a refund on its own day takes nothing off another
        ("2024-01-05", "sell", 10.0),
        ("2024-01-06", "ask", np.nan),  # no purchase of any size
        ("2024-01-07", "buy", 70.0),
        ("2024-01-08", "buy", 0.0),
    ]
    log = pd.DataFrame(rows, columns=["timestamp", "event", "value"])
    log = log.assign(user_id=1, product_id="a")
    data = data_of(log, disposed_events=["sell"], other_events=["ask"])
    found = summary(data, "2024-01-11")
    assert (found.frequency[0], found.recency[0], found.age[0]) == (2, 6, 10)
    assert (found.priced[0], found.mean[0]) == (2, 50.0)


def test_without_amounts_there_is_no_value() -> None:
    log = shop().drop(columns="value")
    data = data_of(log)
    builder = LifetimeValue().fit(data, "2024-01-01")
    frame = builder.transform(data)
    assert frame["lifetime_value"].isna().all()
    assert frame["expected_purchases"].notna().sum() == log["user_id"].nunique()


def test_a_tail_without_a_mean_is_unknown() -> None:
    data = data_of(shop())
    builder = LifetimeValue().fit(data, "2024-01-01")
    builder.spend_ = np.array([6.25, 0.79, 15.44])
    days, frame = summary(data, "2024-01-01"), builder.transform(data)
    assert frame["lifetime_value"].notna().tolist() == (days.priced > 0).tolist()
    assert frame["p_alive"].notna().tolist() == days.bought.tolist()


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (CASE.drop_duplicates("user_id"), r"LifetimeValue: BetaGeo: nobody bought twice"),
        (CASE, r"LifetimeValue: the likelihood has no maximum"),
        (CASE.drop(columns="timestamp"), "LifetimeValue: needs timestamps"),
        (CASE.assign(currency=["EUR", "USD"] * 4), "several currencies"),
        (CASE.assign(value=1e18), "beyond what can be added"),
    ],
)
def test_what_cannot_be_fitted_says_why(log: pd.DataFrame, words: str) -> None:
    data = data_of(log)
    with pytest.raises(suitably.DataError, match=words):
        LifetimeValue().fit(data, None if "timestamp" not in log else "2018-01-01")


def test_rates_make_one_currency() -> None:
    log = shop()
    mixed = log.assign(currency=["EUR", "USD"] * (len(log) // 2) + ["EUR"] * (len(log) % 2))
    mixed["value"] = mixed["value"] * np.where(mixed["currency"] == "USD", 2.0, 1.0)
    one = LifetimeValue().fit(data_of(log), "2024-01-01")
    other = LifetimeValue(rates={"EUR": 1.0, "USD": 0.5}).fit(data_of(mixed), "2024-01-01")
    assert other.spend_.tolist() == pytest.approx(one.spend_.tolist(), rel=1e-6)


@pytest.mark.parametrize(
    ("column", "cells", "words"),
    [
        ("rate", ["a", "b"], r"users\.rate: must hold numbers, not text"),
        ("rate", [0.1, -0.2], r"users\.rate: 1 values are not 0 or more \(row 1: -0\.2\)"),
        ("rate", [0.1, np.inf], r"rate: 1 values are infinite"),
        ("other", [1, 2], "users: no column 'rate'"),
    ],
)
def test_columns_that_cannot_be_read(column: str, cells: list[Any], words: str) -> None:
    users = pd.DataFrame({"user_id": [1, 2], column: cells})
    with pytest.raises(suitably.DataError, match=words):
        LifetimeValue(discount="rate").fit(data_of(CASE, users), "2018-01-01")


def test_a_column_of_nulls_leaves_the_value_unknown() -> None:
    users = pd.DataFrame({"user_id": range(400), "rate": None})
    data = data_of(shop(), users)
    frame = LifetimeValue(discount="rate").fit(data, "2024-01-01").transform(data)
    assert frame["lifetime_value"].isna().all()
    assert frame["p_alive"].notna().any()


def test_nobody_bought_yet() -> None:
    data = data_of(CASE)
    builder = LifetimeValue().fit(data, "2017-01-01")
    assert builder.transform(data)[list(builder.fields)].isna().all(axis=None)
    assert builder.transform(data, "2018-01-01")["p_alive"].isna().all()


def test_before_a_fit_and_before_the_state() -> None:
    data = data_of(shop())
    view = data.view("2024-01-01")
    builder = LifetimeValue()
    state = builder.accumulate(view)
    with pytest.raises(suitably.NotFittedError, match="LifetimeValue"):
        builder.finalise(state, view.as_of)
    builder.fit(data, "2024-01-01")
    with pytest.raises(suitably.DataError, match="later events"):
        builder.finalise(state, np.datetime64("2023-03-01", "us"))


def test_a_rule_does_not_see_a_guess() -> None:
    log = shop()
    rules = '[policy]\nid = "x"\nversion = "1"\n[[rules]]\nid = "rich"\n'
    policy = suitably.Policy.from_toml(f'{rules}require = "user.lifetime_value > 0"\n')
    pipeline = suitably.Pipeline([LifetimeValue()], policy, suitably.ranking.Popularity())
    pipeline.fit(data_of(log), "2024-01-01")
    verdicts = {each.rule.split(":")[-1]: each.verdict for each in pipeline.why_not(0, "a")}
    assert verdicts["rich"] == "unknown"
    assert pipeline.trace(0).profile["lifetime_value"] > 0


def test_saved_loaded_and_updated_as_a_rebuild(tmp_path: Path) -> None:
    log = shop()
    users = pd.DataFrame({"user_id": range(400)})
    early = log["timestamp"] < "2023-11-01"
    free = suitably.Policy.unrestricted()
    pipeline = suitably.Pipeline([LifetimeValue()], free, suitably.ranking.Popularity())
    pipeline.fit(data_of(log[early], users), "2023-11-01")
    pipeline.save(tmp_path / "model")
    loaded = suitably.load(tmp_path / "model")
    for each in (pipeline, loaded):
        each.update(log[~early])
    (builder,) = loaded.profiles
    right = builder.transform(data_of(log, users), loaded.as_of_)
    for user in range(0, 400, 7):
        wanted = right.loc[user, list(builder.fields)]
        for each in (pipeline, loaded):
            found = dict(each.trace(user).profile)
            assert [found[name] is None for name in builder.fields] == wanted.isna().tolist()
            assert all(found[n] in (None, wanted[n]) for n in builder.fields)


ALIKE = pd.DataFrame({"user_id": range(50)})


def alike(gap: int, times: int) -> pd.DataFrame:
    """Return a log of customers who all bought for 100 on the same days, `gap` apart."""
    days = [gap * n for n in range(times)] * len(ALIKE)
    start = pd.Timestamp("2023-01-01")
    return pd.DataFrame({
        "user_id": np.repeat(ALIKE.user_id, times), "product_id": "a", "value": 100.0,
        "timestamp": start + pd.to_timedelta(days, unit="D"),
    })  # fmt: skip


@pytest.mark.parametrize(("gap", "times"), [(1, 1), (1, 100), (0, 5), (30, 6), (100, 2)])
@pytest.mark.parametrize("penalty", [0.0, 0.1])
def test_customers_all_alike_are_fitted_or_said_to_be(gap: int, times: int, penalty: float) -> None:
    log = alike(gap, times)
    data, builder = data_of(log, ALIKE), LifetimeValue(penalty=penalty)
    once = gap * times <= 1  # several purchases of a day are one
    if once and penalty:
        frame = builder.fit(data, "2024-01-01").transform(data)
        assert (frame.p_alive == 1).all()
        assert frame.expected_purchases.nunique() == 1
        assert 0 < frame.expected_purchases[0] < np.inf
        assert frame.lifetime_value.isna().all()  # no amount is known to repeat
        return
    why = "nobody bought twice" if once else "r runs away"
    if penalty:  # it holds the rate, and is too small to hold the amounts
        why = "all customers spend the same on average. Give more history, or a larger penalty"
    with pytest.raises(suitably.DataError, match=f"^LifetimeValue: .*{why}"):
        builder.fit(data, "2024-01-01")


@pytest.mark.parametrize(("gap", "times"), [(1, 100), (30, 6), (100, 2)])
def test_a_larger_penalty_fits_customers_all_alike(gap: int, times: int) -> None:
    data = data_of(alike(gap, times), ALIKE)
    frame = LifetimeValue(penalty=1000).fit(data, "2024-01-01").transform(data)
    for field in ("p_alive", "expected_purchases", "lifetime_value"):
        assert frame[field].nunique() == 1
        assert 0 < frame[field][0] < np.inf


amounts = st.one_of(st.none(), st.sampled_from([0.0, -5.0, 10.0, 1e-12, 1e9, 0.1, -0.1]))
events = st.lists(
    st.tuples(
        st.integers(0, 3), st.integers(0, 6), st.sampled_from(["buy", "sell", "note"]), amounts
    ),
    max_size=25,
)


@settings(max_examples=100, deadline=None)
@given(rows=events)
def test_days_as_counted_one_by_one(rows: list[tuple[int, int, str, float | None]]) -> None:
    start = date(2024, 1, 1)
    log = pa.table(
        {
            "user_id": [row[0] for row in rows] + [0],
            "product_id": ["a"] * (len(rows) + 1),
            "timestamp": [start + row[1] * DAY for row in rows] + [date(2025, 1, 1)],
            "event": [row[2] for row in rows] + ["buy"],
            "value": [MISSING if row[3] is None else row[3] for row in rows] + [1.0],
        }
    )
    users = pa.table({"user_id": [0, 1, 2, 3]})
    data = Dataset(users, None, log, disposed_events=["sell"], other_events=["note"])
    view = data.view(date(2024, 1, 10))
    assert view.as_of is not None
    assert view.events.values is not None
    values = np.where(view.events.values == MISSING, np.nan, view.events.values)
    view = replace(view, events=replace(view.events, values=values))
    found = DaySummary.of(LifetimeValue().accumulate(view), view.as_of)
    days: dict[tuple[int, int], list[tuple[str, float | None]]] = defaultdict(list)
    for user, day, kind, amount in rows:
        if kind != "note":
            days[user, day].append((kind, amount))
    for user in range(4):
        bought = []
        for (who, day), done in sorted(days.items()):
            known = [v if k == "buy" else -abs(v) for k, v in done if v is not None]
            net = sum(round(v * 1e9) for v in known)
            if who == user and any(k == "buy" for k, _ in done) and (net > 0 or not known):
                bought.append((day, net if known else None))
        assert found.bought[user] == bool(bought)
        if not bought:
            continue
        money = [net for _, net in bought[1:] if net is not None]
        assert found.frequency[user] == len(bought) - 1
        assert found.recency[user] == bought[-1][0] - bought[0][0]
        assert found.age[user] == 9 - bought[0][0]
        assert found.priced[user] == len(money)
        right = sum(money) / len(money) / 1e9 if money else 0
        assert found.mean[user] == pytest.approx(right, rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    rows=events,
    purchases=st.tuples(*[st.floats(-8, 8).map(np.exp)] * 4),
    spend=st.tuples(*[st.floats(-8, 8).map(np.exp)] * 3),
    discount=st.floats(0, 50),
    horizon=st.floats(0.01, 1e5),
)
def test_never_negative_never_endless(
    rows: list[tuple[int, int, str, float | None]],
    purchases: tuple[float, ...],
    spend: tuple[float, ...],
    discount: float,
    horizon: float,
) -> None:
    kept = [row for row in rows if row[3] is not None and row[2] != "note"] or [(0, 0, "buy", 1.0)]
    log = pd.DataFrame(kept, columns=["user_id", "day", "event", "value"])
    log["timestamp"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(log.pop("day"), unit="D")
    users = pa.table({"user_id": [0, 1, 2, 3]})
    data = Dataset(users, None, log.assign(product_id="a"), disposed_events=["sell"])
    builder = LifetimeValue(horizon, discount)
    builder.purchases_, builder.spend_ = np.array(purchases), np.array(spend)
    builder.coefficients_, builder.center_ = np.zeros((3, 0)), np.zeros(0)
    view = data.view(AS_OF)
    table = builder.finalise(builder.accumulate(view), view.as_of)
    for name in builder.fields:
        numbers = table[name].drop_null().to_numpy()
        assert np.isfinite(numbers).all()
        assert (numbers >= 0).all()
    assert all(cell is None or cell <= 1 for cell in table["p_alive"].to_pylist())
