"""Small random banks, in which ties, gaps and boundaries are common.

Hypothesis draws sizes, switches and a seed, so that examples shrink to few rows; the cells come
from a generator with that seed.
"""

import random
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from support.banks import AS_OF, BEFORE, OFFSETS, POLICIES, World

__all__ = ["worlds"]


@st.composite
def worlds(
    draw: st.DrawFn,
    policies: list[tuple[str, ...]] | None = None,
    kinds: tuple[str, ...] = ("pyarrow",),
    most: int = 6,
    traded: bool = False,
) -> World:
    """Draw a world: up to `most` users, one product more, and a log in which pairs repeat.

    Where `traded` is said, some worlds have sales, rejections, page views without a product,
    impressions, and events that are delivered twice.
    """
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
    meanings: dict[str, Any] = {}
    if kinds_of_event:
        owns = "buy" in kinds_of_event and draw(st.booleans())
        meanings["owned_events"] = ("buy",) if owns else tuple(sorted(kinds_of_event))
    if traded and draw(st.booleans()):
        log, meanings = _traded(rng, log)
    return World(
        users=_rows(rng, "user", user_ids, versions),
        products=_rows(rng, "product", product_ids, versions),
        events=log,
        policies=draw(st.sampled_from(policies or POLICIES)),
        kind=draw(st.sampled_from(kinds)),
        **meanings,
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


def _traded(
    rng: random.Random, log: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Make trades of a log: what else happens to a product, what is known of it, what is shown."""
    kinds = ["buy", "buy", "buy", "sell", "sell", "decline", "view"]
    units, named, shown = (rng.random() < 0.6 for _ in range(3))
    rows = []
    for number, old in enumerate(log):
        row = {**old, "event": rng.choice(kinds)}
        if row["event"] == "view":
            row |= {"product_id": rng.choice([row["product_id"], None]), "value": None}
        if units:
            row["quantity"] = rng.choice([0.1, 0.2, -0.3, 1.0, 2.0, None])
        if named:
            row["event_id"] = rng.choice([f"e{number}", f"e{number}", None])
        if shown:
            row["propensity"] = rng.choice([0.25, 1.0, None, None, None])
        rows.append(row)
        if row.get("event_id") and rng.random() < 0.3:
            again = dict(row)
            if "recorded_at" in row:
                again["recorded_at"] = AS_OF + rng.choice(OFFSETS)
            rows.append(again)
    rng.shuffle(rows)
    owned = ("buy",) if rng.random() < 0.5 and any(r["event"] == "buy" for r in rows) else None
    meanings = {
        "owned_events": owned,
        "disposed_events": ("sell",),
        "rejected_events": ("decline",),
        "rejected_days": rng.choice([None, 10.0, 30.0, 500.0]),
        "other_events": ("view",),
    }
    return rows, meanings


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
