"""Raw scores: exact sums, whoever else is in the block; users alike share a line."""

import numpy as np
import pytest

from suitably.ranking.blending.raw import RawScores
from suitably.ranking.protocol import Factors, Scores


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
