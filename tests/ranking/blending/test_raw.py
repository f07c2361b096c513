"""Raw scores: exact sums, whoever else is in the block; users alike share a line."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

import suitably
from suitably.ranking import EASE, ItemKNN, Popularity
from suitably.ranking.blending.pool import Pool
from suitably.ranking.blending.raw import RawScores
from suitably.ranking.protocol import AskedUsers, Factors, FitContext, Scores


@pytest.mark.parametrize("factors", [1, 2, 9, 64, 200])
def test_products_of_vectors_do_not_depend_on_the_block(factors: int) -> None:
    rng = np.random.default_rng(factors)
    users = rng.standard_normal((70, factors)).astype(np.float32)
    products = (
        rng.standard_normal((1200, factors)) * 10.0 ** rng.integers(-3, 3, (1200, 1))
    ).astype(np.float32)
    whole = RawScores().lines(Factors(users, products)).of(slice(None))
    exact = users.astype(np.float64) @ products.T.astype(np.float64)
    lengths = np.abs(users).max(axis=1)[:, None] * np.abs(products).max(axis=1) * factors
    assert (np.abs(whole - exact) <= 2.0**-20 * lengths).all()
    for rows in (slice(0, 1), slice(3, 40), slice(69, 70)):
        part = RawScores().lines(Factors(users[rows], products[::-1])).of(slice(None))
        assert (part[:, ::-1] == whole[rows]).all()


def test_users_alike_share_a_line() -> None:
    users = np.eye(3)[[0, 1, 1, 0, 1, 1, 0, 2, 1, 1]]
    lines = RawScores().lines(Factors(users, np.array([[1.0, 2, 4], [5, 6, 7]])))
    assert len(lines) == 3
    assert lines.which is not None
    found = lines.of(slice(None))[lines.which]
    assert found.tolist() == (users @ np.array([[1.0, 5], [2, 6], [4, 7]])).tolist()
    assert RawScores().lines(Factors(np.eye(3), np.eye(3))).which is None


def test_what_is_not_known_says_nothing() -> None:
    known = np.array([True, False])
    given = RawScores().lines(Scores(np.array([[1, np.nan], [2, np.inf]]), known))
    assert given.of(slice(None)).tolist() == [[1, 0], [2, 0]]
    made = RawScores().lines(Factors(np.ones((1, 1)), np.array([[3.0], [np.nan]]), known))
    assert made.of(slice(None)).tolist() == [[3, 0]]
    whole = RawScores().lines(Scores(np.array([[1, 2]])))
    assert whole.of(slice(None)).dtype == np.float64


def test_what_was_made_of_products_is_kept_while_they_stay() -> None:
    raw, products = RawScores(), np.ones((2, 1))
    first = raw.lines(Factors(np.ones((1, 1)), products)).products
    assert raw.lines(Factors(np.full((1, 1), 2.0), products)).products is first
    assert raw.lines(Factors(np.ones((1, 1)), products + 1)).of(slice(None)).tolist() == [[2, 2]]


class DenseKNN(ItemKNN):
    """Says the same by itself, so that a blend is given a dense block."""

    def score_rows(self, rows: NDArray[np.int64]) -> Scores:
        return super().score_rows(rows)


class DenseEASE(EASE):
    """See `DenseKNN`."""

    def score_rows(self, rows: NDArray[np.int64]) -> Scores:
        return super().score_rows(rows)


def bank() -> FitContext:
    """Purchases of 90 products, 20 more that nobody has, and users without any."""
    rng = np.random.default_rng(3)
    log = pd.DataFrame(
        {"user_id": rng.integers(0, 60, 700), "product_id": rng.integers(0, 90, 700)}
    )
    log["event"] = np.where(rng.random(700) < 0.2, "view", "buy")
    users = pd.DataFrame({"user_id": np.arange(70)})
    products = pd.DataFrame({"product_id": rng.permutation(110)})
    view = suitably.Dataset(users, products, log, owned_events=("buy",)).view()
    eligibility: Any = None
    return FitContext(view, view.user_fields.select([]), eligibility, None, 0)


@pytest.mark.parametrize(
    ("plain", "dense"),
    [
        (ItemKNN(neighbours=5), DenseKNN(neighbours=5)),
        (EASE(neighbours=7), DenseEASE(neighbours=7)),
        (
            ItemKNN(neighbours=9, event_weights={"buy": 1.0, "view": -0.5}),
            DenseKNN(neighbours=9, event_weights={"buy": 1.0, "view": -0.5}),
        ),
    ],
)
def test_sums_of_likenesses_are_left_sparse_and_change_no_bit(plain: Any, dense: Any) -> None:
    context = bank()
    users, rows = context.data.users.ids, np.array([5, 0, 69, 5, -1, 33])
    rankers = [ranker.fit(context) for ranker in (plain, dense)]
    assert not rankers[0].known_.all()
    sparse, given = (RawScores().of(ranker, AskedUsers(users, rows)) for ranker in rankers)
    assert sparse.is_sparse
    assert not given.is_sparse
    assert (sparse.known == given.known).all()
    wanted = given.of(slice(None))
    assert (wanted != 0).any()
    assert sparse.of(slice(None)).tobytes() == wanted.tobytes()
    room = sparse.room(4)
    assert room is not None
    room[:] = 7
    assert sparse.of(slice(2, 5), room).tobytes() == wanted[2:5].tobytes()
    every = AskedUsers(users, np.arange(len(users)))
    popular = Popularity().fit(context)
    blends = [
        Pool((popular, ranker), np.array([0.25, 0.75])).scores(every).block for ranker in rankers
    ]
    assert blends[0].tobytes() == blends[1].tobytes()
