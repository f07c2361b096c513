"""Nothing at or after `as_of` influences an answer given as of `as_of`."""

import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import suitably
from properties.twin import Twin
from support.banks import AS_OF, LEVELS, World, popular
from support.frames import rows_of
from support.worlds import worlds

LATER = [timedelta(0), timedelta(microseconds=1), timedelta(days=3)]
RFV = suitably.profiles.RecencyFrequencyValue
# Reads what behaviour makes, so that an event too many shows in who is eligible.
BEHAVING = LEVELS.replace(
    "[[rules]]",
    '[[rules]]\nid = "calm"\n'
    'require = "user.frequency <= 2 and user.recency_days < 300"\n[[rules]]',
    1,
)


def answers(pipeline: suitably.Pipeline, users: list[Any]) -> dict[str, Any]:
    recs = pipeline.recommend(users, k=3)
    return {
        "lists": rows_of(recs.to_frame()),
        "reasons": rows_of(recs.abstentions()),
        "profile": [dict(pipeline.trace(user).profile) for user in users],
        "fields": [dict(pipeline.trace(user).fields) for user in users],
        "stages": [dict(pipeline.trace(user).stages) for user in users],
        "catalogue": list(pipeline.eligibility().product_ids),
    }


def and_then(world: World, seed: int, many: int, strangers: bool) -> World:
    """Let the world go on: events, corrections and new versions that nobody can know yet."""
    rng = random.Random(seed)
    users, products, events = list(world.users), list(world.products), list(world.events)
    for number in range(many):
        what = rng.choice(["event", "late", "user", "product"])
        if what == "event":
            row = {**rng.choice(world.events), "timestamp": AS_OF + rng.choice(LATER)}
            events.append({**row, "user_id": rng.choice(world.users)["user_id"]})
        elif what == "late" and "recorded_at" in world.events[0]:
            row = {**rng.choice(world.events), "timestamp": AS_OF - timedelta(days=2)}
            events.append({**row, "recorded_at": AS_OF + rng.choice(LATER)})
        elif what == "user" and "user_timestamp" in world.users[0]:
            row = {**rng.choice(world.users), "risk_level": rng.choice(["C1", "C3", None])}
            _and_a_version(rng, users, row, "user", number, strangers)
        elif what == "product" and "product_timestamp" in world.products[0]:
            row = {**rng.choice(world.products), "risk_level": rng.choice(["R1", "R3", None])}
            _and_a_version(rng, products, row, "product", number, strangers)
    rng.shuffle(events)
    return world.but(users=users, products=products, events=events)


def _and_a_version(
    rng: random.Random, rows: list[Any], row: dict[str, Any], side: str, number: int, new: bool
) -> None:
    key, time = f"{side}_id", f"{side}_timestamp"
    moment = AS_OF + rng.choice([timedelta(0), timedelta(microseconds=1), timedelta(days=60)])
    if all((other[key], other[time]) != (row[key], moment) for other in rows):
        rows.append({**row, time: moment})
    if new:
        rows.append({**row, key: _stranger(row[key], number), time: moment})


def _stranger(like: Any, number: int) -> Any:
    return 1000 + number if isinstance(like, int) else f"new{number}"


@given(
    world=worlds(policies=[(BEHAVING,), (LEVELS,)], traded=True),
    seed=st.integers(0, 999),
    many=st.integers(1, 6),
)
def test_the_future_changes_nothing(world: World, seed: int, many: int) -> None:
    users = list(dict.fromkeys(row["user_id"] for row in world.users))
    future = and_then(world, seed, many, strangers=True)
    before = answers(world.fitted(profiles=[RFV()]), users)
    assert answers(future.fitted(profiles=[RFV()]), users) == before


@given(world=worlds(traded=True), seed=st.integers(0, 999))
@settings(max_examples=10)
def test_nor_what_als_learns(world: World, seed: int) -> None:
    users = list(dict.fromkeys(row["user_id"] for row in world.users))
    future = and_then(world, seed, 5, strangers=False)
    assume(Twin(world).pairs)  # ALS needs something to learn from
    before = answers(world.fitted(_als()), users)
    assert answers(future.fitted(_als()), users) == before


@pytest.mark.parametrize("side", ["user", "product"])
def test_nor_what_als_learns_when_strangers_come(side: str) -> None:
    world = popular(9)
    stamped = {f"{side}s": [{**row, f"{side}_timestamp": AS_OF - timedelta(days=9)}
                            for row in getattr(world, f"{side}s")]}  # fmt: skip
    world = world.but(**stamped)
    row = {**stamped[f"{side}s"][0], f"{side}_id": "new", f"{side}_timestamp": AS_OF}
    future = world.but(**{f"{side}s": [*stamped[f"{side}s"], row]})
    users = [f"u{i}" for i in range(4)]
    assert answers(future.fitted(_als()), users) == answers(world.fitted(_als()), users)


@pytest.mark.parametrize("side", ["user", "product"])
def test_a_catalogue_made_of_interactions_does_not_know_the_future(side: str) -> None:
    log = popular(9).events
    new = {"user_id": "u0", "product_id": "p0", f"{side}_id": "new", "timestamp": AS_OF}
    told = []
    for events in (log, [*log, new]):
        _, _, frame = popular().but(events=events).frames()
        pipeline = suitably.Pipeline(
            policy=suitably.Policy.unrestricted(), ranker=suitably.ranking.Popularity()
        ).fit(suitably.Dataset(None, None, frame), AS_OF)
        told.append(answers(pipeline, ["u0", "u1"]))
        everybody = pipeline.recommend(k=3)
        told[-1]["everybody"] = (rows_of(everybody.to_frame()), rows_of(everybody.abstentions()))
    assert told[0] == told[1]


def test_strictly_before() -> None:
    world = popular(1)
    for moment, seen in ((timedelta(microseconds=-1), True), (timedelta(0), False)):
        log = [{**world.events[0], "timestamp": AS_OF + moment}]
        assert bool(rows_of(world.but(events=log).fitted().recommend().to_frame())) == seen
        log = [{**world.events[0], "recorded_at": AS_OF + moment}]
        assert bool(rows_of(world.but(events=log).fitted().recommend().to_frame())) == seen


def _als() -> Any:
    return suitably.ranking.ALS(factors=4, iterations=3)
