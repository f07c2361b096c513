"""Bad input, for every ranker as it is made: a clear error or the right short list."""

from collections.abc import Callable
from datetime import timedelta
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

import suitably
from suitably.ranking import (
    ALS,
    BPR,
    EASE,
    IALS,
    Blend,
    ItemKNN,
    LightFM,
    LogisticMF,
    Popularity,
    Spectral,
)
from support.banks import AS_OF, World, popular
from support.banks import seven as world
from support.frames import rows_of

SINGLE: list[Callable[..., Any]] = [Popularity, ItemKNN, EASE, Spectral, ALS, BPR, LogisticMF, IALS]
if find_spec("lightfm"):
    SINGLE.append(LightFM)
RANKERS = {ranker.__name__: ranker for ranker in SINGLE}
RANKERS["Blend"] = lambda **given: Blend([Popularity(**given), EASE(**given)])
FACTORED = [name for name in RANKERS if name in ("ALS", "BPR", "LogisticMF", "IALS", "Spectral")]


@pytest.fixture(params=RANKERS)
def ranker(request: pytest.FixtureRequest) -> Callable[..., Any]:
    make: Callable[..., Any] = RANKERS[request.param]
    return make


def lists(pipeline: suitably.Pipeline, **asked: Any) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = {}
    for row in rows_of(pipeline.recommend(**asked).to_frame()):
        found.setdefault(row["user_id"], []).append(row["product_id"])
    return found


@pytest.mark.parametrize("k", [0, -1, 2.0, True, "3", None])
def test_k_that_is_no_positive_integer(k: Any) -> None:
    with pytest.raises(ValueError, match="positive integer"):
        world().fitted().recommend(k=k)


def test_k_above_the_catalogue_is_a_short_list(ranker: Callable[..., Any]) -> None:
    pipeline = world().fitted(ranker())
    everything = lists(pipeline, k=1000)
    assert everything == lists(pipeline, k=6)
    assert all(len(set(products)) == len(products) <= 6 for products in everything.values())
    assert {p: q[:2] for p, q in everything.items()} == lists(pipeline, k=2)


def test_asked_twice_or_unknown(ranker: Callable[..., Any]) -> None:
    pipeline = world().fitted(ranker())
    with pytest.raises(suitably.DataError, match="twice"):
        pipeline.recommend(["u0", "u1", "u0"])
    found = lists(pipeline, user_ids=["who", "u0"])
    assert set(found) == {"u0"}
    assert found == lists(pipeline, user_ids=["u0"])


def test_nobody_is_eligible(ranker: Callable[..., Any]) -> None:
    low = [{**row, "risk_level": None} for row in world().users]
    pipeline = world().but(users=low, policies=popular().policies).fitted(ranker())
    assert lists(pipeline) == {}
    reasons = {row["reason"] for row in rows_of(pipeline.recommend().abstentions())}
    assert "risk-level" in reasons


def test_one_of_them_is_not(ranker: Callable[..., Any]) -> None:
    mixed = [{**row, "risk_level": None if i == 0 else "C3"} for i, row in enumerate(world().users)]
    pipeline = world().but(users=mixed, policies=popular().policies).fitted(ranker())
    free = world().fitted(ranker())
    found, wanted = lists(pipeline), lists(free)
    wanted.pop("u0")
    assert found == wanted


def test_everybody_alike(ranker: Callable[..., Any]) -> None:
    """All bought the same one product: nothing tells the others apart, and they have no score."""
    log = [{**row, "product_id": "p2"} for row in world().events]
    pipeline = world().but(events=log).fitted(ranker())
    assert lists(pipeline, exclude_owned=False, user_ids=["u0"]) == {"u0": ["p2"]}
    assert lists(pipeline, user_ids=["u0"]) == {}


def test_a_catalogue_of_one(ranker: Callable[..., Any]) -> None:
    one = world().but(
        products=world().products[:1],
        events=[row for row in world().events if row["product_id"] == "p0"],
    )
    pipeline = one.fitted(ranker())
    assert lists(pipeline, exclude_owned=False)["u0"] == ["p0"]
    assert "u0" not in lists(pipeline)


def typed(kinds: str = "buy view") -> World:
    """The same interactions, some bought and some viewed."""
    names = kinds.split()
    log = [{**row, "event": names[i % len(names)]} for i, row in enumerate(world().events)]
    return world().but(events=log, owned_events=tuple({*names}))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"buy": -1.0}, "none is above 0"),
        ({"buy": 0.0, "view": -2}, "none is above 0"),
        ({"buy": 1, "view": -float("inf")}, "finite"),
        ({"buy": float("nan")}, "finite"),
        ({"buy": float("inf")}, "finite"),
        ({"buy": "much"}, "finite"),
        ({}, "must map"),
        (3, "must map"),
    ],
)
def test_weights_that_cannot_weigh(ranker: Callable[..., Any], weights: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        typed().fitted(ranker(event_weights=weights))


def test_a_kind_of_event_that_there_is_not(ranker: Callable[..., Any]) -> None:
    with pytest.raises(suitably.DataError, match="sell"):
        typed().fitted(ranker(event_weights={"buy": 1.0, "sell": 1.0}))
    with pytest.raises(suitably.DataError, match="event"):
        world().fitted(ranker(event_weights={"buy": 1.0}))


def test_a_weight_of_zero_leaves_the_kind_out(ranker: Callable[..., Any]) -> None:
    rows = [dict(row) for row in typed().events if row["event"] == "buy"]
    bought = world().but(events=[{k: v for k, v in row.items() if k != "event"} for row in rows])
    weights = {"buy": 1.0, "view": 0.0}
    weighed = typed().fitted(ranker(event_weights=weights), fallback=None)
    plain = bought.fitted(ranker(), fallback=None)
    assert lists(weighed, exclude_owned=False) == lists(plain, exclude_owned=False)


@pytest.mark.parametrize("huge", [1e30, 1e300])
def test_huge_weights_are_refused_or_ranked(ranker: Callable[..., Any], huge: float) -> None:
    try:
        pipeline = typed().fitted(ranker(event_weights={"buy": huge, "view": 1.0}))
        found = pipeline.recommend(k=6).to_frame()
    except suitably.DataError:
        return
    assert np.isfinite(found["score"].to_numpy()).all()


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("weights", [(1e-45, 1.0), (1e-30, 1e30), (3e38, 3e38), (1.0, 1e19)])
@pytest.mark.parametrize("half_life", [None, 3.0])
def test_weights_of_any_size_are_refused_at_the_fit_or_ranked(
    ranker: Callable[..., Any], weights: tuple[float, float], half_life: float | None
) -> None:
    made = ranker(event_weights=dict(zip(("buy", "view"), weights, strict=True)),
                  half_life_days=half_life)  # fmt: skip
    refused = ""
    try:
        pipeline = typed().fitted(made)
    except suitably.DataError as error:
        refused = str(error)
    if refused:
        assert "smaller" in refused
        return
    found = pipeline.recommend(k=6).to_frame()
    assert np.isfinite(found["score"].to_numpy()).all()
    assert len(found)


@pytest.mark.parametrize("days", [0, -3, float("nan"), "week"])
def test_half_lives_that_are_none(ranker: Callable[..., Any], days: Any) -> None:
    with pytest.raises(ValueError, match="half_life_days"):
        world().fitted(ranker(half_life_days=days))


def learned_or_not(faded: World, ranker: Any) -> None:
    """Without a history there is an error that says so, or there are no lists."""
    pipeline = faded.pipeline(ranker, fallback=None)
    problem = ""
    try:
        pipeline.fit(faded.dataset(), AS_OF)
    except suitably.DataError as error:
        problem = str(error)
    assert "learn" in problem if problem else lists(pipeline) == {}


def test_a_half_life_far_shorter_than_the_past(ranker: Callable[..., Any]) -> None:
    """Ages are ratios: what is all equally old is as good as new."""
    moved = {days: [{**row, "timestamp": AS_OF - timedelta(days=days)} for row in world().events]
             for days in (4000, 30_000)}  # fmt: skip
    found = [lists(world().but(events=log).fitted(ranker(half_life_days=0.1)), k=6)
             for log in moved.values()]  # fmt: skip
    assert found[0] == found[1]
    assert len(found[0]["u0"]) == 3


def test_nothing_to_learn_from(ranker: Callable[..., Any]) -> None:
    future = [{**row, "timestamp": AS_OF} for row in world().events]
    learned_or_not(world().but(events=future), ranker())


@pytest.mark.parametrize("name", FACTORED)
def test_factors_larger_than_the_data(name: str) -> None:
    found = lists(world().fitted(RANKERS[name](factors=200)), k=6)
    assert found["u0"]
    assert all("p5" not in products for products in found.values())


def test_fitted_on_other_columns(ranker: Callable[..., Any]) -> None:
    """News in columns called otherwise are refused, and nothing is lost."""
    pipeline = world().fitted(ranker())
    before = lists(pipeline, k=6)
    _, _, log = world().but(events=world().events[:1]).frames()
    with pytest.raises(suitably.DataError, match="no column 'product_id'"):
        pipeline.update(log.rename_columns({"product_id": "isin"}))
    assert lists(pipeline, k=6) == before
