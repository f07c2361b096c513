"""Revealed behaviour may lower a risk level or ask for a review; it never raises it."""

import random
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import suitably
from properties.twin import Twin
from support.banks import AS_OF, BEFORE, LEVELS, World
from support.frames import rows_of
from support.worlds import worlds

RANK = {None: 0, "C1": 1, "C2": 2, "C3": 3}
BUILDERS = [
    lambda: suitably.profiles.RiskAppetite(),
    lambda: suitably.profiles.RiskAppetite(valid_months=None),
    lambda: suitably.profiles.RiskAppetite(date=None, valid_months=None),
]


def bolder(world: World, seed: int, many: int) -> World:
    """Let customers buy what is riskiest, often, for much."""
    rng = random.Random(seed)
    riskiest = max(world.products, key=lambda row: row["risk_level"] or "")["product_id"]
    events = [
        {**rng.choice(world.events), "user_id": rng.choice(world.users)["user_id"],
         "product_id": riskiest, "timestamp": AS_OF + rng.choice(BEFORE), "value": 1e6}
        for _ in range(many)
    ]  # fmt: skip
    return world.but(events=[*world.events, *events])


def levels(world: World, builder: Any, as_of: Any) -> dict[Any, str | None]:
    frame = builder.fit(world.dataset(), world.as_of).transform(world.dataset(), as_of)
    return {row["user_id"]: row["risk_level"] for row in rows_of(frame)}


@given(
    world=worlds(),
    builder=st.sampled_from(BUILDERS),
    seed=st.integers(0, 99),
    many=st.integers(0, 8),
    days=st.sampled_from([0, 1, 400]),
)
def test_a_level_is_never_above_the_stated_one(
    world: World, builder: Any, seed: int, many: int, days: int
) -> None:
    as_of = world.as_of + timedelta(days=days)
    stated = {user: row.get("risk_level") for user, row in Twin(world, as_of).users.items()}
    calm = levels(world, builder(), as_of)
    bold = levels(bolder(world, seed, many), builder(), as_of)
    for user, level in stated.items():
        assert RANK[calm[user]] <= RANK[level], "the builder raised a level"
        assert RANK[bold[user]] <= RANK[calm[user]], "behaviour raised a level"


@given(world=worlds(policies=[(LEVELS,)]), seed=st.integers(0, 99), many=st.integers(1, 8))
@settings(max_examples=30)
def test_so_behaviour_never_opens_a_product(world: World, seed: int, many: int) -> None:
    bold = bolder(world, seed, many)
    builders = [suitably.profiles.RiskAppetite, suitably.profiles.RecencyFrequencyValue]
    stated = world.fitted().eligibility().mask()
    calm = world.fitted(profiles=[make() for make in builders]).eligibility().mask()
    after = bold.fitted(profiles=[make() for make in builders]).eligibility().mask()
    assert (calm <= stated).all()
    assert (after <= calm).all()


@given(world=worlds())
def test_who_asks_for_a_review_has_no_level(world: World) -> None:
    builder = suitably.profiles.RiskAppetite().fit(world.dataset(), world.as_of)
    for row in rows_of(builder.transform(world.dataset())):
        assert row["risk_review"] == (row["risk_level"] is None)
