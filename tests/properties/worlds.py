"""Small random worlds, in which ties, gaps and boundaries are common, and their frames.

Hypothesis draws sizes, switches and a seed, so that examples shrink to few rows; the cells come
from a generator with that seed.
"""

import random
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
from hypothesis import strategies as st

import suitably

__all__ = ["AS_OF", "KINDS", "POLICIES", "World", "convert", "popular", "rows_of", "worlds"]

AS_OF = datetime(2024, 3, 1, 12)
KINDS = ("pandas", "polars", "lazy", "pyarrow", "duckdb")
OFFSETS = [timedelta(days=-400), timedelta(days=-30), timedelta(microseconds=-1), timedelta(0)]
OFFSETS += [timedelta(microseconds=1), timedelta(days=30)]
BEFORE = OFFSETS[:3]

SCALES = """
[scales]
investor = ["C1", "C2", "C3"]
product = ["R1", "R2", "R3"]
[fields]
"user.risk_level" = "investor"
"product.risk_level" = "product"
"""
LEVELS = f"""
[policy]
id = "levels"
version = "1"
{SCALES}
[[rules]]
id = "risk-level"
article = "Art. 1"
require = "rank(product.risk_level) <= rank(user.risk_level)"
because = {{ en = "{{product.risk_level}} is above {{user.risk_level}}", zh = "过高" }}
[[rules]]
id = "questionnaire"
applies = "product.complex"
require = "user.questionnaire_date < as_of and as_of < user.questionnaire_date + months(12)"
"""
FUNDS = """
[policy]
id = "funds"
version = "1"
governs = "product.regime == 'fund'"
[[rules]]
id = "min-amount"
require = "product.min_amount <= user.income"
"""
LOANS = """
[policy]
id = "loans"
version = "1"
governs = "product.regime == 'loan'"
[[rules]]
id = "not-vulnerable"
require = "not user.vulnerable"
"""
DATED = """
[policy]
id = "dated"
version = "1"
effective = 2024-02-01
expires = 2024-03-15
[[rules]]
id = "not-complex"
effective = 2024-03-01
require = "missing(product.complex) or not product.complex"
[[rules]]
id = "over"
expires = 2024-03-01
require = "user.income > 1e9"
"""
FREE = 'rules = []\n[policy]\nid = "free"\nversion = "1"\n'
POLICIES = [(LEVELS,), (FUNDS, LOANS), (DATED,), (LEVELS, FUNDS), (LOANS,), (FREE,)]

USER_SCHEMA = {
    "risk_level": pa.string(),
    "questionnaire_date": pa.date32(),
    "vulnerable": pa.bool_(),
    "income": pa.float64(),
}
PRODUCT_SCHEMA = {
    "risk_level": pa.string(),
    "complex": pa.bool_(),
    "min_amount": pa.float64(),
    "category": pa.string(),
    "regime": pa.string(),
    "repeatable": pa.bool_(),
}
TIME = pa.timestamp("us")


@dataclass(frozen=True)
class World:
    """Rows as plain Python, and how they are handed in."""

    users: list[dict[str, Any]]
    products: list[dict[str, Any]]
    events: list[dict[str, Any]]
    policies: tuple[str, ...]
    kind: str = "pyarrow"
    owned_events: tuple[str, ...] | None = None
    as_of: datetime = AS_OF

    def frames(self) -> tuple[Any, Any, Any]:
        key = pa.int64() if isinstance(self.users[0]["user_id"], int) else pa.string()
        times = {"timestamp": TIME, "recorded_at": TIME, "user_timestamp": TIME}
        times |= {"product_timestamp": TIME, "event": pa.string(), "value": pa.float64()}
        ids = {"user_id": key, "product_id": pa.string()}
        schema = {**USER_SCHEMA, **ids, **times}
        return tuple(
            convert(_table(rows, schema | extra), self.kind)
            for rows, extra in (
                (self.users, USER_SCHEMA), (self.products, PRODUCT_SCHEMA), (self.events, {})
            )
        )  # type: ignore[return-value]  # fmt: skip

    def dataset(self) -> suitably.Dataset:
        return suitably.Dataset(*self.frames(), owned_events=self.owned_events)

    def pipeline(self, ranker: Any = None, **parts: Any) -> suitably.Pipeline:
        policies = [suitably.Policy.from_toml(text) for text in self.policies]
        ranker = suitably.ranking.Popularity() if ranker is None else ranker
        return suitably.Pipeline(**{"profiles": [], "policy": policies, "ranker": ranker, **parts})

    def fitted(self, ranker: Any = None, **parts: Any) -> suitably.Pipeline:
        return self.pipeline(ranker, **parts).fit(self.dataset(), self.as_of)

    def but(self, **changes: Any) -> "World":
        return replace(self, **changes)


def popular(events: int = 6) -> World:
    """One customer per product and level, no awkward cell: for tests that need a list."""
    users = [
        {"user_id": f"u{i}", "risk_level": "C3", "questionnaire_date": date(2024, 1, 1),
         "vulnerable": False, "income": 5000.0}
        for i in range(4)
    ]  # fmt: skip
    products = [
        {"product_id": f"p{i}", "risk_level": "R1", "complex": False, "min_amount": 10.0,
         "category": "ab"[i % 2], "regime": "fund", "repeatable": False}
        for i in range(6)
    ]  # fmt: skip
    log = [
        {"user_id": f"u{i % 4}", "product_id": f"p{(i * i) % 6}", "timestamp": AS_OF - OFFSETS[5]}
        for i in range(events)
    ]
    return World(users, products, log, (LEVELS,))


def convert(table: pa.Table, kind: str) -> Any:
    """Hand a table in as another library's frame."""
    if kind == "pandas":
        return table.to_pandas()
    if kind in ("polars", "lazy"):
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        return frame.lazy() if kind == "lazy" else frame
    return duckdb.from_arrow(table) if kind == "duckdb" else table


def rows_of(frame: Any) -> list[dict[str, Any]]:
    """Read any frame that comes out, as rows."""
    if isinstance(frame, pa.Table):
        return frame.to_pylist()
    if isinstance(frame, pl.DataFrame):
        return frame.to_dicts()
    return pa.Table.from_pandas(frame, preserve_index=False).to_pylist()


def _table(rows: list[dict[str, Any]], schema: dict[str, pa.DataType]) -> pa.Table:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return pa.table({c: pa.array([row.get(c) for row in rows], schema[c]) for c in columns})


@st.composite
def worlds(
    draw: st.DrawFn,
    policies: list[tuple[str, ...]] | None = None,
    kinds: tuple[str, ...] = ("pyarrow",),
    most: int = 6,
) -> World:
    """Draw a world: up to `most` users, one product more, and a log in which pairs repeat."""
    rng = random.Random(draw(st.integers(0, 2**32 - 1)))
    users, products = draw(st.integers(1, most)), draw(st.integers(1, most + 1))
    events = draw(st.integers(1, 3 * most))
    versions, recorded, typed = draw(st.booleans()), draw(st.booleans()), draw(st.booleans())
    user_ids: list[Any] = [f"u{i}" for i in range(users)]
    if draw(st.booleans()):
        user_ids = rng.sample(range(100), users)
    product_ids = rng.sample([f"p{i}" for i in range(20)], products)
    log = [_event(rng, user_ids, product_ids, recorded, typed) for _ in range(events)]
    kinds_of_event = {row["event"] for row in log} if typed else set()
    owned = ("buy",) if "buy" in kinds_of_event and draw(st.booleans()) else None
    return World(
        users=_rows(rng, "user", user_ids, versions),
        products=_rows(rng, "product", product_ids, versions),
        events=log,
        policies=draw(st.sampled_from(policies or POLICIES)),
        kind=draw(st.sampled_from(kinds)),
        owned_events=owned,
    )


def _event(
    rng: random.Random, users: list[Any], products: list[str], recorded: bool, typed: bool
) -> dict[str, Any]:
    row = {
        "user_id": rng.choice(users),
        "product_id": rng.choice(products),
        "timestamp": AS_OF + rng.choice(BEFORE if rng.random() < 0.7 else OFFSETS),
        "value": float(rng.randrange(100)),
    }
    if recorded:
        row["recorded_at"] = AS_OF + rng.choice(BEFORE if rng.random() < 0.7 else OFFSETS)
    if typed:
        row["event"] = rng.choice(["buy", "buy", "view"])
    return row


def _rows(rng: random.Random, side: str, ids: list[Any], versions: bool) -> list[dict[str, Any]]:
    rows = []
    for key in ids:
        moments = rng.sample(OFFSETS, rng.choice([1, 2, 3])) if versions else [None]
        for moment in moments:
            row = {f"{side}_id": key, **(_user(rng) if side == "user" else _product(rng))}
            if moment is not None:
                row[f"{side}_timestamp"] = AS_OF + moment
            rows.append(row)
    rng.shuffle(rows)
    return rows


def _user(rng: random.Random) -> dict[str, Any]:
    day = AS_OF.date()
    dates = [day - timedelta(days=400), day - timedelta(days=5), day, day + timedelta(days=1)]
    return {
        "risk_level": rng.choice(["C1", "C2", "C3", "C3", None]),
        "questionnaire_date": rng.choice([*dates, dates[1], None, date(2023, 3, 1)]),
        "vulnerable": rng.choice([True, False, False, None]),
        "income": rng.choice([None, 0.0, 100.0, 1000.0, 1000.0]),
    }


def _product(rng: random.Random) -> dict[str, Any]:
    return {
        "risk_level": rng.choice(["R1", "R1", "R2", "R3", None]),
        "complex": rng.choice([True, False, False, None]),
        "min_amount": rng.choice([None, 0.0, 100.0, 1000.0]),
        "category": rng.choice(["a", "b", None]),
        "regime": rng.choice(["fund", "loan", "fund", None]),
        "repeatable": rng.choice([True, False, False, None]),
    }
