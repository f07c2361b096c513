"""A line per kind of atom: bits of everybody under one sentence, beside plain scoring."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pyarrow as pa

import suitably as st
from benchmarks.runner import Row, paired
from suitably.utils import bitset

USERS, PRODUCTS, FACTORS, BLOCK = 200_000, 5_000, 64, 4_096
LISTED, CHECKED = 10, 200
AS_OF = "2024-06-01"
TAGS = np.array(["esg", "bond", "fund", "loan", "note", "cash", "gold", "swap"])
LEVELS = np.array(["C1", "C2", "C3", "C4", "C5"])
RISKS = np.array(["R1", "R2", "R3", "R4", "R5"])
ISSUERS = np.array([f"issuer {number}" for number in range(100)])
HEAD = """
[policy]
id = "p"
[scales]
investor = ["C1", "C2", "C3", "C4", "C5"]
product = ["R1", "R2", "R3", "R4", "R5"]
[fields]
"user.level" = "investor"
"product.risk_level" = "product"
[maps]
reach = { C1 = "R1", C2 = "R2", C3 = "R3", C4 = "R4", C5 = "R5" }
"""
SUM = "user.age + product.term <= 85"
PRODUCT = "user.income * product.share >= user.debt"
TWO_COLUMNS = "user.income * product.share >= product.least"
COMPARISON = "user.income >= product.least"
MONOTONE = {
    "comparison": COMPARISON,
    "two-sided sum": SUM,
    "two-sided product": PRODUCT,
    "product of two columns": TWO_COLUMNS,
    "dates": "user.asked + days(product.wait) <= product.closes",
    "equality of a sum": "user.age + product.term == 85",
    "and of three": f"{SUM} and {PRODUCT} and {COMPARISON}",
    "or of mixed parts": f"{SUM} or {PRODUCT} or {COMPARISON}",
}
OTHERS = {
    "lists": "contains(user.tags, product.tag) and subset(product.tags, user.tags)",
    "maps": "lookup(user.exposure, product.issuer) <= 0.1",
    "no order": "abs(user.age - product.term) <= 30",
    "held": "held(product.issuer) + product.least <= 0.2 * user.income",
    "bought": "bought(product.issuer, months(12)) + product.least <= 0.1 * user.income",
    "held and bought": "held(product.issuer) + bought(product.issuer, months(12)) + product.least "
    "<= 0.3 * user.income",
    "held by two keys": "held(product.issuer) + held(product.risk_level) + product.least "
    "<= 0.6 * user.income",
    "share of the portfolio": "held(product.issuer) + amount <= 0.2 * (portfolio() + amount)",
    "portfolio_risk": "portfolio_risk() <= user.choice",
    "rank_sum": "rank_sum(user.exposure_by_level, product.risk_level) <= user.choice",
    "lookup of a date": "lookup(user.warned, product.issuer) + days(product.wait) <= as_of",
    "map between scales": "product.risk_level <= map('reach', user.level)",
    "fresh": "fresh(user.income, months(12)) and user.income >= product.least",
    "cheapest": "product.cost <= cheapest(product.cost, by = product.issuer) + 0.1",
    "rank_within": "rank_within(product.cost, by = product.issuer) <= user.choice",
    "lookup with default": "lookup(user.exposure, product.issuer, 0) <= 0.1",
    "disjoint": "disjoint(user.tags, product.tags)",
    "greatest of a list": "max(user.terms) <= product.term",
    "least and count of lists": "min(user.terms) <= product.term and count(user.tags) >= 2",
}


def run() -> list[Row]:
    """Measure every kind with 100 distinct values per product column, and the ordered with many."""
    rows = []
    for distinct, sentences in ((100, MONOTONE | OTHERS), (PRODUCTS, MONOTONE)):
        users, products = _frames(distinct)
        rng = np.random.default_rng(1)
        left = rng.standard_normal((USERS, FACTORS), dtype=np.float32)
        right = rng.standard_normal((PRODUCTS, FACTORS), dtype=np.float32)
        peer = partial(_scored, left, right)
        for kind, sentence in sentences.items():
            policy = st.Policy.from_toml(f'{HEAD}[[rules]]\nid = "r"\nrequire = "{sentence}"\n')
            found = policy.evaluate(users, products, AS_OF)
            _check(found)
            name = f"{kind}, {distinct:,} distinct values, {USERS:,} x {PRODUCTS:,}"
            note = f"peer: float32 product of {FACTORS} factors; {sentence}"
            rows.append(paired(name, _all_bits(found), peer, note, rounds=3))
        rows.append(_flagged(users, products, distinct, peer))
    return rows


def _flagged(users: pa.Table, products: pa.Table, distinct: int, peer: Callable[[], None]) -> Row:
    """Measure the flags of everybody's list of ten, drawn by chance."""
    rules = "".join(
        f'[[rules]]\nid = "r{number}"\neffect = "flag"\nrequire = "{sentence}"\n'
        for number, sentence in enumerate((COMPARISON, SUM))
    )
    found = st.Policy.from_toml(f'[policy]\nid = "p"\n{rules}').evaluate(users, products, AS_OF)
    columns = np.random.default_rng(2).integers(0, PRODUCTS, (USERS, LISTED))

    def ours() -> None:
        fresh = found.at(found.as_of)
        for start in range(0, USERS, BLOCK):
            some = np.arange(start, min(USERS, start + BLOCK))
            fresh.flagged(np.repeat(some, LISTED), columns[some].ravel())

    name = f"flags of lists, {distinct:,} distinct values, {USERS:,} x {LISTED} of {PRODUCTS:,}"
    note = f"peer: float32 product of {FACTORS} factors; {COMPARISON} and {SUM}, as flags"
    return paired(name, ours, peer, note, rounds=3)


def _check(found: st.Eligibility) -> None:
    """Hold bits of many users against verdicts, which judge a pair on its own."""
    eligible = bitset.unpack(found.bits(np.arange(BLOCK)), PRODUCTS)
    rng = np.random.default_rng(3)
    pairs = rng.integers(0, (BLOCK, PRODUCTS), (CHECKED, 2)).tolist()
    for row, column in pairs:
        passed = all(one.verdict == "pass" for one in found.verdicts(row, column))
        assert passed == eligible[row, column], f"user {row}, product {column}: answers differ"


def _all_bits(found: st.Eligibility) -> Callable[[], None]:
    """Return what composes everybody's bits, from columns that were read before."""
    moment = found.as_of

    def ours() -> None:
        fresh = found.at(moment)
        for start in range(0, USERS, BLOCK):
            fresh.bits(np.arange(start, min(USERS, start + BLOCK)))

    return ours


def _scored(left: np.ndarray, right: np.ndarray) -> None:
    out = np.empty((BLOCK, PRODUCTS), np.float32)
    for start in range(0, USERS, BLOCK):
        block = left[start : start + BLOCK]
        np.matmul(block, right.T, out=out[: len(block)])


def _frames(distinct: int) -> tuple[pa.Table, pa.Table]:
    """Draw continuous values for users, and so many distinct ones for products."""
    rng = np.random.default_rng(0)
    day = np.timedelta64(86_400_000_000, "us")
    exposure = pa.MapArray.from_arrays(
        np.arange(0, 3 * USERS + 1, 3).astype(np.int32),
        pa.array(ISSUERS[(rng.integers(0, 33, 3 * USERS) * 3 + np.arange(3 * USERS) % 3)]),
        pa.array(rng.uniform(0, 0.3, 3 * USERS)),
    )
    by_level = pa.MapArray.from_arrays(
        np.arange(0, 2 * USERS + 1, 2).astype(np.int32),
        pa.array(RISKS[(rng.integers(0, 2, 2 * USERS) * 2 + np.arange(2 * USERS) % 2)]),
        pa.array(rng.lognormal(9, 1, 2 * USERS)),
    )
    warned = pa.MapArray.from_arrays(
        exposure.offsets,
        exposure.keys,
        pa.array(
            np.datetime64("2024-01-01", "us")
            + rng.integers(0, 2**44, 3 * USERS).astype("timedelta64[us]")
        ),
    )
    users = pa.table(
        {
            "user_id": np.arange(USERS),
            "age": rng.uniform(18, 90, USERS),
            "income": rng.lognormal(10, 1, USERS),
            "debt": rng.lognormal(8, 1, USERS),
            "asked": np.datetime64("2024-01-01", "us")
            + rng.integers(0, 2**45, USERS).astype("timedelta64[us]"),
            "tags": _lists(rng, USERS, 4),
            "exposure": exposure,
            "held(issuer)": exposure,
            "bought(issuer, months(12))": exposure,
            "held(risk_level)": by_level,
            "exposure_by_level": by_level,
            "portfolio()": rng.lognormal(10, 1, USERS),
            "amount_to_invest": rng.lognormal(8, 1, USERS),
            "warned": warned,
            "level": LEVELS[rng.integers(0, 5, USERS)],
            "income_date": np.datetime64("2023-01-01", "us")
            + rng.integers(0, 2**45, USERS).astype("timedelta64[us]"),
            "choice": rng.integers(1, 5, USERS),
            "terms": pa.ListArray.from_arrays(
                np.arange(0, 2 * USERS + 1, 2).astype(np.int32),
                pa.array(rng.integers(0, 40, 2 * USERS).astype(float)),
            ),
        }
    )

    def drawn(pool: np.ndarray) -> np.ndarray:
        return rng.choice(pool, PRODUCTS)

    products = pa.table(
        {
            "product_id": np.arange(PRODUCTS),
            "term": drawn(rng.uniform(0, 40, distinct)),
            "share": drawn(rng.uniform(0, 1, distinct)),
            "least": drawn(rng.lognormal(9, 1, distinct)),
            "wait": drawn(np.arange(distinct).astype(float)),
            "closes": drawn(np.datetime64("2024-06-01", "us") + np.arange(distinct) * day),
            "tag": drawn(TAGS),
            "tags": _lists(rng, PRODUCTS, 2),
            "issuer": drawn(ISSUERS),
            "risk_level": drawn(RISKS),
            "min_amount": drawn(rng.lognormal(7, 1, distinct)),
            "cost": drawn(rng.uniform(0, 0.03, distinct)),
        }
    )
    return users, products


def _lists(rng: np.random.Generator, rows: int, each: int) -> pa.ListArray:
    offsets = np.arange(0, each * rows + 1, each).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, pa.array(rng.choice(TAGS, each * rows)))
