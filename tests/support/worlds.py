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
