"""A bad row is refused by name or set aside to be read; the caller's frame never changes."""

import random
from datetime import datetime
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import suitably
from support.banks import World
from support.frames import KINDS, rows_of
from support.worlds import worlds

EPOCH = datetime(2024, 1, 1)
FAR = datetime(2999, 1, 1)
# What is wrong with a row: its table, the column named, and how it is spoilt.
FAULTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "no user": ("interactions", "user_id", {"user_id": None}),
    "no product": ("interactions", "product_id", {"product_id": None}),
    "unknown product": ("interactions", "product_id", {"product_id": "nobody's"}),
    "no timestamp": ("interactions", "timestamp", {"timestamp": None}),
    "future": ("interactions", "timestamp", {"timestamp": FAR}),
    "infinite value": ("interactions", "value", {"value": float("inf")}),
    "missing value": ("interactions", "value", {"value": None}),
    "no id": ("users", "user_id", {"user_id": None}),
    "infinite income": ("users", "income", {"user_id": "fresh", "income": float("-inf")}),
    "no product id": ("products", "product_id", {"product_id": None}),
    "twice": ("products", "product_id", {}),
}
ROWS = {"users": "users", "products": "products", "interactions": "events"}


def spoilt(world: World, faults: list[str], seed: int) -> tuple[World, list[tuple[str, int]]]:
    """Mix bad rows into good ones, and say where they are."""
    rng = random.Random(seed)
    tables: dict[str, list[tuple[dict[str, Any], bool]]] = {
        table: [(row, False) for row in getattr(world, rows)] for table, rows in ROWS.items()
    }
    for fault in faults:
        table, _, changes = FAULTS[fault]
        like = rng.choice(getattr(world, ROWS[table]))
        if (
            "user_id" in changes
            and changes["user_id"] == "fresh"
            and isinstance(world.users[0]["user_id"], int)
        ):
            changes = {**changes, "user_id": 10_000 + len(tables[table])}
        elif changes.get("user_id") == "fresh":
            changes = {**changes, "user_id": f"fresh{len(tables[table])}"}
        # A repeated row is the later one of the two, so bad rows go behind what they are like.
        first = max(i for i, (row, _) in enumerate(tables[table]) if row == like) + 1
        where = rng.randint(first, len(tables[table]))
        tables[table].insert(where, ({**like, **changes}, True))
    bad = [(t, i) for t, rows in tables.items() for i, (_, spoiled) in enumerate(rows) if spoiled]
    changed = {ROWS[t]: [row for row, _ in rows] for t, rows in tables.items()}
    return world.but(**changed), bad


def dataset(world: World, on_error: Any) -> suitably.Dataset:
    return suitably.Dataset(*world.frames(), **world.meanings, on_error=on_error)


@given(
    world=worlds(kinds=KINDS),
    faults=st.lists(st.sampled_from(sorted(FAULTS)), min_size=1, max_size=5),
    seed=st.integers(0, 99),
)
def test_set_aside_to_be_read(world: World, faults: list[str], seed: int) -> None:
    dirty, bad = spoilt(world, faults, seed)
    data = dataset(dirty, "quarantine")
    quarantine = rows_of(data.quarantine)
    found = sorted((row["table"], row["row"]) for row in quarantine)
    assert found == sorted(bad)
    assert list(quarantine[0]) == ["table", "row", "column", "reason", "value"]
    assert all(row["reason"] for row in quarantine)
    for table in ROWS:
        accepted = rows_of(getattr(data, table))
        aside = [row for row in quarantine if row["table"] == table]
        assert len(accepted) + len(aside) == len(getattr(dirty, ROWS[table]))
    assert len(data.events) == len(world.events)
    # What is left answers as if the bad rows had never been there.
    parts = {"policy": [suitably.Policy.from_toml(text) for text in world.policies],
             "ranker": suitably.ranking.Popularity()}  # fmt: skip
    clean = world.fitted().recommend()
    left = suitably.Pipeline(**parts).fit(data, world.as_of).recommend()
    assert rows_of(left.to_frame()) == rows_of(clean.to_frame())
    assert rows_of(left.abstentions()) == rows_of(clean.abstentions())


@given(world=worlds(kinds=KINDS), fault=st.sampled_from(sorted(FAULTS)), seed=st.integers(0, 99))
def test_refused_by_name_with_the_count_and_examples(world: World, fault: str, seed: int) -> None:
    dirty, bad = spoilt(world, [fault] * 5, seed)
    with pytest.raises(suitably.DataError) as caught:
        dataset(dirty, "raise")
    table, column, _ = FAULTS[fault]
    message = str(caught.value)
    total = len(getattr(dirty, ROWS[table]))
    # A field that rules read is refused in the words of every path to them.
    of_rules = f"{table[:-1]}.{column}: 5 values are infinite "
    assert message.startswith((f"{table}.{column}: 5 of {total} rows: ", of_rules))
    rows = [row for _, row in bad]
    assert [f"row {row}: " in message for row in rows] == [True] * 3 + [False] * 2


@given(world=worlds(kinds=("pandas", "polars", "pyarrow")), seed=st.integers(0, 99))
@settings(max_examples=30)
def test_the_callers_frames_stay_as_they_were(world: World, seed: int) -> None:
    dirty, _ = spoilt(world, ["no user", "twice", "future"], seed)
    frames = dirty.frames()
    copies = [_copy(frame) for frame in frames]
    data = suitably.Dataset(*frames, **world.meanings, on_error="quarantine")
    pipeline = world.pipeline(profiles=[suitably.profiles.RecencyFrequencyValue()])
    pipeline.fit(data, world.as_of).recommend().to_frame()
    eligibility = pipeline.eligibility()
    eligibility.counts()
    for frame, copy in zip(frames, copies, strict=True):
        _assert_same(frame, copy)
    for name in ("users", "products", "interactions", "quarantine"):
        frame = getattr(data, name)
        _spoil(frame)
        _assert_same(getattr(data, name), getattr(data, name))
    for frame, copy in zip(frames, copies, strict=True):
        _assert_same(frame, copy)


@given(world=worlds(), extra=st.lists(st.integers(200, 240), min_size=1, max_size=4, unique=True))
def test_an_unknown_user_is_named_not_skipped(world: World, extra: list[int]) -> None:
    asked = [row["user_id"] for row in world.users]
    text = isinstance(asked[0], str)
    strangers = [f"x{number}" if text else number for number in extra]
    users = [*strangers, *dict.fromkeys(asked)]
    pipeline = world.fitted()
    catalogue = len(pipeline.product_ids)
    assume(catalogue)
    recs = pipeline.recommend(users, k=3)
    reasons = rows_of(recs.abstentions())
    named = [row["user_id"] for row in reasons if row["reason"] == "unknown-user"]
    assert named == strangers
    listed = {row["user_id"] for row in rows_of(recs.to_frame())}
    explained = {row["user_id"] for row in reasons}
    if catalogue >= 3:
        assert listed | explained == set(users), "a customer vanished"


def _copy(frame: Any) -> Any:
    if isinstance(frame, pl.DataFrame):
        return frame.clone()
    return frame if isinstance(frame, pa.Table) else frame.copy(deep=True)


def _assert_same(frame: Any, copy: Any) -> None:
    if hasattr(frame, "equals"):
        assert frame.equals(copy)
    if hasattr(frame, "dtypes"):
        assert list(frame.dtypes) == list(copy.dtypes)
        assert list(frame.columns) == list(copy.columns)


def _spoil(frame: Any) -> None:
    """Write into a pandas frame that came out; the others cannot be written."""
    if hasattr(frame, "iloc") and len(frame):
        frame.iloc[0, 0] = frame.iloc[-1, 0]
        frame["scribble"] = 1
