"""Moves of users' vectors: by hand, and the penalty that explains training."""

import numpy as np
import pytest
from scipy import sparse

from suitably.ranking.hybrid.own_vectors import Moves, OwnVectors


def test_a_move_by_hand() -> None:
    """One factor, a purchase p and a rival r: σ(−(v + x)(p − r) − b_p + b_r) (p − r) = λx."""
    products = np.array([[0.3, 1, 2.0], [-0.1, 1, 0.5]], np.float32)
    own = OwnVectors(np.array([0.0, 4.0]), penalty=1.5)
    bought = sparse.csr_array(np.array([[1.0, 0.0]]))
    (x,) = own.of(bought, bought, products, np.array([[0.2]], np.float32))
    margin = (0.2 + x.item()) * 1.5 + 0.4
    assert 1.5 / (1 + np.exp(margin)) == pytest.approx(1.5 * x.item(), abs=1e-4)
    # What the user has is no rival: nothing is left to be told apart.
    both = sparse.csr_array(np.array([[1.0, 1.0]]))
    assert own.of(bought, both, products, np.zeros((1, 1), np.float32)).tolist() == [[0]]


def test_moves_are_put_in_order_and_forgotten() -> None:
    moves = Moves().plus(np.array([4, 2]), np.array([1, 3])).plus(np.array([2]), np.array([0]))
    assert moves.users.tolist() == [2, 2, 4]
    assert moves.products.tolist() == [0, 3, 1]
    moves = moves.put(np.array([4]), np.array([[4.0]])).put(
        np.array([2, 4]), np.array([[2.0], [5]])
    )
    assert moves.rows.tolist() == [2, 4]
    assert moves.of(4) == 5
    assert moves.of(3) == 0
    left = moves.only(np.array([True, False, False, True, True]))
    assert left.users.tolist() == left.rows.tolist() == [2]
    assert left.of(2) == 5


def test_the_penalty_is_what_explains_training() -> None:
    """Vectors that were found under a penalty lead back to it."""
    rng = np.random.default_rng(0)
    products = np.insert(rng.normal(size=(30, 4)), 1, 1, axis=1).astype(np.float32)
    bought = sparse.csr_array((rng.random((50, 30)) < 0.3).astype(np.float32))
    popularity = np.asarray(bought.sum(axis=0)).ravel().astype(np.float64)
    shared = rng.normal(size=(50, 3)).astype(np.float32)
    trained = OwnVectors(popularity, 8.0).of(bought, bought, products, shared)
    found = OwnVectors.matching(popularity, bought, products, shared, trained.astype(np.float32))
    assert found.penalty == 8.0
