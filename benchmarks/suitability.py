"""Twelve rules over nearly unique customers, beside DuckDB, a dense broadcast and plain scoring."""

from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter

import duckdb
import numpy as np
import pandas as pd

import suitably as st
from benchmarks import sentences
from benchmarks.runner import Row, paired, seconds
from benchmarks.workload import AS_OF, POLICY, frames
from suitably.suitability.engine import kernels
from suitably.suitability.engine.tables import EligibilityTables

USERS, PRODUCTS, FACTORS = 1_000_000, 5_000, 64
MANY, SAMPLE = 200_000, 4_000
BLOCK = 4_096

SQL = """
select count(*) from people u, shelf p
where p.level <= u.level
  and date_diff('year', u.birth_date, $now) - (strftime(u.birth_date, '%m%d') > '0601')::int >= 18
  and u.questionnaire_date < $now and $now < u.questionnaire_date + interval 24 month
  and p.min_amount <= 0.5 * u.liquid_assets
  and (p.annual_premium is null or p.annual_premium <= 0.2 * u.annual_income)
  and (date_diff('year', u.birth_date, $now)
       - (strftime(u.birth_date, '%m%d') > '0601')::int < 65 or p.level <= 3)
  and p.sale_start <= $now and $now < p.sale_end
  and (not p.term_months > 60 or date_diff('year', u.birth_date, $now)
       - (strftime(u.birth_date, '%m%d') > '0601')::int + p.term_months / 12.0 <= 80)
  and (not u.is_lowest_class or p.level = 1)
  and (u.jurisdiction = p.jurisdiction or p.jurisdiction = 'any')
  and (not p.complex or (u.level >= 2 and u.liquid_assets >= 10000))
  and (p.monthly_payment is null or u.annual_income * 0.4 >= p.monthly_payment * 12)
"""


def run() -> list[Row]:
    users, products = frames(USERS, PRODUCTS)
    policy = st.Policy.from_toml(POLICY)
    rows = [*_against_scoring(policy, users, products)]
    many = users.head(MANY)
    rows += [_against_duckdb(policy, many, products), _against_dense(policy, many, products)]
    rows += _one_customer(policy, users.head(SAMPLE), products)
    return [*rows, _counted(policy, many, products), *sentences.run()]


def _against_scoring(policy: st.Policy, users: pd.DataFrame, products: pd.DataFrame) -> list[Row]:
    """Bind once; then encode everybody and compose every row of bits, against 64 factors."""
    found = policy.evaluate(users, products, AS_OF)
    found.bits(np.arange(BLOCK))  # reads the columns
    rng = np.random.default_rng(0)
    left = rng.standard_normal((USERS, FACTORS), dtype=np.float32)
    right = rng.standard_normal((PRODUCTS, FACTORS), dtype=np.float32)
    out = np.empty((BLOCK, PRODUCTS), np.float32)

    def ours() -> None:
        tables = EligibilityTables(found._conditions, found._batch(None), found._valid)
        for start in range(0, USERS, BLOCK):
            tables.bits(np.arange(start, min(USERS, start + BLOCK)))

    def product() -> None:
        for start in range(0, USERS, BLOCK):
            block = left[start : start + BLOCK]
            np.matmul(block, right.T, out=out[: len(block)])

    size = f"{USERS:,} x {PRODUCTS:,} x 12 rules"
    written = USERS * -(-PRODUCTS // 64) * 8 / 1e9
    roof = f"peer: float32 product of {FACTORS} factors; the bits written are {written:.1f} GB"
    name = "numba" if kernels._compiled() else "numba is not installed"
    with_numba = paired(f"all bits, {name}, {size}", ours, product, roof, rounds=3)
    compiled = kernels._compiled
    kernels._compiled = lambda: None  # type: ignore[assignment]
    try:
        without = paired(f"all bits, NumPy, {size}", ours, product, roof, rounds=3)
    finally:
        kernels._compiled = compiled
    return [with_numba, without]


def _against_duckdb(policy: st.Policy, users: pd.DataFrame, products: pd.DataFrame) -> Row:
    sample = users.head(SAMPLE)
    people, shelf = _plain(sample, "C"), _plain(products, "R")
    connection = duckdb.connect()
    connection.register("people", people)
    connection.register("shelf", shelf)

    def peer() -> int:
        found = connection.execute(SQL, {"now": AS_OF.to_pydatetime()}).fetchone()
        return int(found[0]) if found else -1

    assert _count(policy, sample, products) == peer(), "the answers differ"
    note = f"peer: DuckDB cross join of {SAMPLE:,} users, rules in WHERE"
    return _per_pair(policy, users, products, peer, note)


def _against_dense(policy: st.Policy, users: pd.DataFrame, products: pd.DataFrame) -> Row:
    sample = users.head(SAMPLE)
    people, shelf = _plain(sample, "C"), _plain(products, "R")

    def peer() -> int:
        return int(_dense(people, shelf).sum())

    assert _count(policy, sample, products) == peer(), "the answers differ"
    note = f"peer: NumPy dense broadcast of {SAMPLE:,} users"
    return _per_pair(policy, users, products, peer, note)


def _count(policy: st.Policy, users: pd.DataFrame, products: pd.DataFrame) -> int:
    """Count the eligible pairs, from frames to bits."""
    found = policy.evaluate(users, products, AS_OF)
    blocks = (np.arange(at, min(len(users), at + BLOCK)) for at in range(0, len(users), BLOCK))
    return sum(int(np.bitwise_count(found.bits(block)).sum()) for block in blocks)


def _per_pair(
    policy: st.Policy,
    users: pd.DataFrame,
    products: pd.DataFrame,
    peer: Callable[[], int],
    note: str,
    rounds: int = 3,
) -> Row:
    """Compare the cost of a pair: a peer on what fits, ours on many users, frames included."""
    ours, theirs, ratios = [], [], []
    for _ in range(rounds):
        theirs.append(seconds(peer) / (SAMPLE * PRODUCTS) * 1e9)
        count = partial(_count, policy, users, products)
        ours.append(seconds(count) / (len(users) * PRODUCTS) * 1e9)
        ratios.append(ours[-1] / theirs[-1])
    name = f"count eligible pairs, {len(users):,} x {PRODUCTS:,}, frames included"
    return Row(name, median(theirs), median(ours), "ns a pair", median(ratios), note)


def _dense(people: pd.DataFrame, shelf: pd.DataFrame) -> np.ndarray:
    """Judge every pair by broadcasting, as a careful script would; NaN compares false."""
    u = {name: people[name].to_numpy()[:, None] for name in people}
    p = {name: shelf[name].to_numpy()[None, :] for name in shelf}
    now = AS_OF.to_datetime64()
    born = people["birth_date"].dt
    before = ((born.month > 6) | ((born.month == 6) & (born.day > 1))).to_numpy()
    age = (2024 - born.year.to_numpy() - before)[:, None]
    until = (people["questionnaire_date"] + pd.DateOffset(months=24)).to_numpy()[:, None]
    eligible = p["level"] <= u["level"]
    eligible = eligible & (age >= 18)
    eligible &= (u["questionnaire_date"] < now) & (now < until)
    eligible &= p["min_amount"] <= 0.5 * u["liquid_assets"]
    premium, payment = p["annual_premium"], p["monthly_payment"]
    eligible &= np.isnan(premium) | (premium <= 0.2 * u["annual_income"])
    eligible &= (age < 65) | (p["level"] <= 3)
    eligible &= (p["sale_start"] <= now) & (now < p["sale_end"])
    eligible &= ~(p["term_months"] > 60) | (age + p["term_months"] / 12 <= 80)
    eligible &= ~u["is_lowest_class"] | (p["level"] == 1)
    eligible &= (u["jurisdiction"] == p["jurisdiction"]) | (p["jurisdiction"] == "any")
    eligible &= ~p["complex"] | ((u["level"] >= 2) & (u["liquid_assets"] >= 10_000))
    eligible &= np.isnan(payment) | (u["annual_income"] * 0.4 >= payment * 12)
    return eligible


def _one_customer(policy: st.Policy, users: pd.DataFrame, products: pd.DataFrame) -> list[Row]:
    """A raw row each time, and a moment that no cache has seen."""
    found = policy.evaluate(users, products, AS_OF)
    raw = users.drop(columns="user_id").head(1_000).to_dict("records")
    moments = [AS_OF + pd.Timedelta(seconds=i) for i in range(len(raw))]
    judged, explained = [], []
    for place, (row, moment) in enumerate(zip(raw, moments, strict=True)):
        start = perf_counter()
        found.judge(row, moment)
        middle = perf_counter()
        found.verdicts(place, place)
        judged.append(middle - start)
        explained.append(perf_counter() - middle)
    size = f"one customer, {PRODUCTS:,} products, 12 rules"
    return [
        Row(f"{size}: raw row, new as_of", None, median(judged) * 1e6, "us", None, "median"),
        Row("verdicts of one pair, 12 rules", None, median(explained) * 1e6, "us", None, "median"),
    ]


def _counted(policy: st.Policy, users: pd.DataFrame, products: pd.DataFrame) -> Row:
    """Count what each rule keeps out, beside the bits of everybody."""
    found = policy.evaluate(users, products, AS_OF)
    found.counts()  # reads the columns

    def counts() -> None:
        found.at(found.as_of).counts()

    def bits() -> None:
        fresh = found.at(found.as_of)
        for start in range(0, len(users), BLOCK):
            fresh.bits(np.arange(start, min(len(users), start + BLOCK)))

    size = f"{len(users):,} x {len(products):,} x 12 rules"
    return paired(f"counts(), {size}", counts, bits, "peer: all bits", rounds=3)


def _plain(frame: pd.DataFrame, letter: str) -> pd.DataFrame:
    """Give levels as numbers, NaN where missing."""
    levels = frame["risk_level"].str.removeprefix(letter).astype(float)
    return frame.assign(level=levels).drop(columns="risk_level")
