"""Many singular vectors at a time: beside LAPACK's, and what the matrix does not determine."""

import numpy as np
import pytest
from scipy import sparse

from suitably.ranking.solvers import subspace
from suitably.ranking.solvers.subspace import leading_right


def decaying(rows: int, columns: int, seed: int = 0) -> sparse.csr_array:
    """A matrix whose singular values fall by a third each."""
    rng = np.random.default_rng(seed)
    rank = min(rows, columns)
    left, _ = np.linalg.qr(rng.standard_normal((rows, rank)))
    right, _ = np.linalg.qr(rng.standard_normal((columns, rank)))
    return sparse.csr_array((left * (2 / 3) ** np.arange(rank)) @ right.T)


@pytest.mark.parametrize("shape", [(300, 80), (80, 300), (200, 200)])
def test_beside_a_dense_decomposition(shape: tuple[int, int]) -> None:
    matrix = decaying(*shape)
    vectors, values = leading_right(matrix, 6, seed=1)
    _, exact, across = np.linalg.svd(matrix.toarray())
    assert values == pytest.approx(exact[:6], rel=1e-4)
    assert abs(across[:6] @ vectors) == pytest.approx(np.eye(6), abs=2e-3)
    assert vectors.T @ vectors == pytest.approx(np.eye(6), abs=1e-5)


def test_an_unsettled_span_holds_nearly_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values that hardly differ: the vectors are others, what they hold is not."""
    matrix = sparse.random_array((400, 300), density=0.05, rng=np.random.default_rng(0)).tocsr()
    _, values = leading_right(matrix, 20, seed=0)
    exact = np.linalg.svd(matrix.toarray(), compute_uv=False)[:20]
    assert (values <= exact * (1 + 1e-5)).all()  # no span holds more
    assert values.sum() > 0.98 * exact.sum()
    monkeypatch.setattr(subspace, "_SWEEPS", 100)
    monkeypatch.setattr(subspace, "_TOLERANCE", 0.0)
    assert leading_right(matrix, 20, seed=0)[1] == pytest.approx(exact, rel=1e-3)


def test_the_same_seed_gives_the_same_vectors() -> None:
    matrix = decaying(100, 90)
    first, again = (leading_right(matrix, 5, seed=3)[0] for _ in range(2))
    assert (first == again).all()


def test_fewer_than_asked_for_where_the_matrix_is_small() -> None:
    vectors, values = leading_right(decaying(4, 3), 10, seed=0)
    assert vectors.shape == (3, 3)
    assert values.shape == (3,)


def test_directions_that_no_row_shows_are_left_out() -> None:
    rng = np.random.default_rng(0)
    matrix = sparse.csr_array(rng.standard_normal((200, 5)) @ rng.standard_normal((5, 90)))
    vectors, values = leading_right(matrix, 20, seed=0)
    assert values == pytest.approx(np.linalg.svd(matrix.toarray())[1][:5], rel=1e-4)
    assert vectors.shape == (90, 5)


def test_nothing_at_all() -> None:
    vectors, values = leading_right(sparse.csr_array((30, 20)), 4, seed=0)
    assert vectors.shape == (20, 0)
    assert not len(values)
