"""Same inputs, same seed: the same lists, for any batch, order of users, threads and frames."""

import copy
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

import suitably
from properties.twin import Twin
from suitably.pipeline import generate
from suitably.ranking import Factors, Scores
from support.banks import LEVELS, World
from support.frames import KINDS, rows_of
from support.worlds import worlds

CELLS = [1, 30, 250, 2**22]


class Close:
    """Vectors whose products differ by less than float32 can tell, so rounding decides."""

    def __init__(self, factors: int = 48, seed: int = 0, dtype: str = "float32") -> None:
        self.factors = factors
        self.seed = seed
        self.dtype = dtype

    def fit(self, context: Any) -> "Close":
        rng = np.random.default_rng(self.seed)
        users, products = len(context.data.users), len(context.data.products)
        self._ids = context.data.users
        self._u = rng.normal(size=(users, self.factors)).astype(self.dtype)
        base = rng.normal(size=self.factors)
        noise = rng.normal(size=(products, self.factors)) * 3e-8
        self._p = (base * (1 + noise)).astype(self.dtype)
        return copy.copy(self)

    def scorer(self, user_ids: Any) -> Factors:
        return Factors(self._u[self._ids.codes(user_ids)], self._p)

    def can_score(self, user_ids: Any) -> Any:
        return np.ones(len(user_ids), bool)


class Near(Close):
    """The same as scores."""

    def scorer(self, user_ids: Any) -> Scores:  # type: ignore[override]
        users = self._u[self._ids.codes(user_ids)].astype(np.float64)
        return Scores(np.stack([(self._p * user).sum(axis=1) for user in users]))


def big(seed: int, users: int, products: int) -> World:
    """Many users and products, everything eligible for some and not for others."""
    rng = np.random.default_rng(seed)
    levels = np.array(["C1", "C2", "C3"])[rng.integers(0, 3, users)]
    risks = np.array(["R1", "R2", "R3"])[rng.integers(0, 3, products)]
    return World(
        users=[{"user_id": f"u{i}", "risk_level": str(levels[i]), "questionnaire_date": None}
               for i in range(users)],
        products=[{"product_id": f"p{i}", "risk_level": str(risks[i]), "complex": False}
                  for i in range(products)],
        events=[{"user_id": f"u{rng.integers(users)}", "product_id": f"p{rng.integers(products)}"}
                for _ in range(users)],
        policies=(LEVELS.split("[[rules]]\nid = \"questionnaire\"")[0],),
    )  # fmt: skip


def fit(world: World, ranker: Any) -> suitably.Pipeline:
    return world.pipeline(ranker).fit(world.dataset())


def lists_of(pipeline: suitably.Pipeline, users: Any, k: int) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = {user: [] for user in users}
    for row in rows_of(pipeline.recommend(users, k=k).to_frame()):
        found[row["user_id"]].append((row["rank"], row["product_id"], np.float32(row["score"])))
    return found


@pytest.fixture(scope="module", params=["close", "close64", "near", "als", "popularity"])
def fitted(request: pytest.FixtureRequest) -> suitably.Pipeline:
    ranker = {
        "close": lambda: Close(),
        "close64": lambda: Close(dtype="float64"),
        "near": lambda: Near(),
        "als": lambda: suitably.ranking.ALS(factors=32, iterations=4),
        "popularity": lambda: suitably.ranking.Popularity(),
    }[request.param]()
    return fit(big(7, 61, 83), ranker)


@given(
    cells=st.sampled_from(CELLS),
    threads=st.sampled_from([1, 2]),
    size=st.integers(1, 61),
    seed=st.integers(0, 999),
    k=st.integers(1, 12),
)
@settings(max_examples=30)
def test_who_is_asked_with_whom(
    fitted: suitably.Pipeline, cells: int, threads: int, size: int, seed: int, k: int
) -> None:
    everybody = list(fitted.user_ids)
    some = list(np.random.default_rng(seed).permutation(everybody)[:size])
    expected = lists_of(fitted, everybody, k)
    with patch.object(generate, "_CELLS", cells), threadpool_limits(threads):
        found = lists_of(fitted, some, k)
        rows = rows_of(fitted.recommend(some, k=k).to_frame())
    assert found == {user: expected[user] for user in some}
    order = [(some.index(row["user_id"]), row["rank"]) for row in rows]
    assert order == sorted(order)


def test_the_order_is_that_of_the_exact_sum() -> None:
    world = big(3, 17, 40)
    pipeline = fit(world, Close())
    ranker = pipeline.ranker_
    mask = pipeline.eligibility().mask()
    owned = {(row["user_id"], row["product_id"]) for row in world.events}
    found = lists_of(pipeline, list(pipeline.user_ids), 10)
    for row, user in enumerate(pipeline.user_ids):
        scored = []
        for column, product in enumerate(pipeline.product_ids):
            if mask[row, column] and (user, product) not in owned:
                total = 0.0
                for left, right in zip(ranker._u[row], ranker._p[column], strict=True):
                    total += float(left) * float(right)
                scored.append((product, np.float32(total)))
        scored.sort(key=lambda pair: -pair[1])
        assert [(p, s) for _, p, s in found[user]] == scored[:10]


@given(world=worlds(kinds=KINDS), kind=st.sampled_from(KINDS), k=st.integers(1, 5))
def test_the_kind_of_frame(world: World, kind: str, k: int) -> None:
    first, second = world.fitted().recommend(k=k), world.but(kind=kind).fitted().recommend(k=k)
    expected = Twin(world).frame(k)
    assert rows_of(first.to_frame()) == rows_of(second.to_frame()) == expected
    assert rows_of(first.abstentions()) == rows_of(second.abstentions())


@given(world=worlds(), seed=st.integers(0, 99))
@settings(max_examples=10)
def test_the_order_of_the_log(world: World, seed: int) -> None:
    shuffled = list(world.events)
    np.random.default_rng(seed).shuffle(shuffled)
    for ranker in (suitably.ranking.Popularity, _als):
        try:
            first = world.fitted(ranker())
        except suitably.DataError:
            return
        second = world.but(events=shuffled).fitted(ranker())
        assert rows_of(first.recommend().to_frame()) == rows_of(second.recommend().to_frame())


@pytest.mark.parametrize("threads", [1, 2])
def test_fitting_again(threads: int) -> None:
    world = big(11, 80, 50)
    frames = []
    for limit in (1, threads, threads):
        with threadpool_limits(limit):
            frames.append(rows_of(fit(world, _als()).recommend().to_frame()))
    assert frames[0] == frames[1] == frames[2]


def test_another_seed_is_another_model() -> None:
    world = big(11, 80, 50)
    frames = [rows_of(world.pipeline(_als(), seed=seed).fit(world.dataset()).recommend().to_frame())
              for seed in (0, 1)]  # fmt: skip
    assert frames[0] != frames[1]


def test_answers_do_not_depend_on_what_was_asked_before() -> None:
    world = big(5, 30, 30)
    pipeline = fit(world, Close())
    first = rows_of(pipeline.recommend(k=4).to_frame())
    pipeline.recommend(k=9, exclude_owned=False)
    pipeline.recommend(["u3"], k=1, product_ids=["p1", "p2"])
    assert rows_of(pipeline.recommend(k=4).to_frame()) == first


def _als() -> Any:
    return suitably.ranking.ALS(factors=8, iterations=3)
