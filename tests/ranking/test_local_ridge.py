"""EASE by nearest products: each regression by hand, both loops alike, and the exact solution."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from ranking.item_based import ItemBasedContract, fitted_on, long_tailed
from suitably.ranking import EASE
from suitably.ranking.solvers import local_ridge as solver
from suitably.ranking.solvers import nearest as finder
from suitably.ranking.solvers.local_ridge import local_ridge
from suitably.ranking.solvers.nearest import nearest, trimmed
from suitably.testing import RankerContract
from support.states import revived


class TestLocalEASE(RankerContract, ItemBasedContract):
    def make(self, **common: Any) -> EASE:
        return EASE(neighbours=2, **common)


def weighted(users: int = 60, products: int = 25, seed: int = 0) -> sparse.csr_array:
    rng = np.random.default_rng(seed)
    held = rng.random((users, products)) * (rng.random((users, products)) < 0.3)
    held[np.arange(products) % users, np.arange(products)] = 0.5
    return sparse.csr_array(held)


def brute(held: NDArray[Any], added: NDArray[Any], count: int) -> NDArray[Any]:
    """Every product for itself: the best predictors alone, then all of these together."""
    gram = held.T @ held
    found = np.zeros(gram.shape)
    for j in range(len(gram)):
        score = gram[:, j] ** 2 / (gram.diagonal() + added)
        score[j] = 0
        near = [i for i in np.argsort(-score, kind="stable")[:count] if score[i] > 0]
        inner = gram[np.ix_(near, near)] + np.diag(added[near])
        found[near, j] = np.linalg.solve(inner, gram[near, j])
    return found


def with_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solver, "_compiled", lambda: None)
    monkeypatch.setattr(finder, "compiled", lambda: None)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("count", [1, 3, 10, 24, 1000])
def test_each_product_is_predicted_from_its_nearest(
    compiled: bool, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not compiled:
        with_numpy(monkeypatch)
    held = weighted()
    added = np.linspace(0.5, 2.0, 25)
    found = local_ridge(held.copy(), added, count, np.float64)
    assert found.toarray() == pytest.approx(brute(held.toarray(), added, count), abs=1e-9)
    single = local_ridge(held.copy(), added, count, np.float32)
    assert single.dtype == np.float32
    assert single.toarray() == pytest.approx(found.toarray(), abs=1e-4)


def test_parts_of_the_work_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    held, added = long_tailed(200, 120), np.full(120, 3.0)
    whole = local_ridge(held.copy(), added, 7, np.float32)
    monkeypatch.setattr(solver, "_PAIRS", 50)
    monkeypatch.setattr(solver, "_PARTS", 40)
    monkeypatch.setattr(solver, "_CELLS", 100)
    monkeypatch.setattr(finder, "_CELLS", 30)
    parts = local_ridge(held.copy(), added, 7, np.float32)
    for name in ("indptr", "indices", "data"):
        assert np.array_equal(getattr(parts, name), getattr(whole, name))


def test_both_loops_find_the_same_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    held = long_tailed(200, 120, seed=3)  # counts of common users: many are equal
    found = [nearest(held, 5, 2.0, itself=itself) for itself in (False, True)]
    with_numpy(monkeypatch)
    for itself, fast in zip((False, True), found, strict=True):
        slow = nearest(held, 5, 2.0, itself=itself)
        assert np.array_equal(fast.indices, slow.indices)
        assert np.array_equal(fast.indptr, slow.indptr)
        assert fast.data == pytest.approx(slow.data)
        own = fast.diagonal() > 0
        bought = np.diff(held.tocsc().indptr) > 0
        assert np.array_equal(own, bought & itself)


def test_with_all_others_near_it_is_the_exact_solution() -> None:
    held = long_tailed(300, 80)
    exact = fitted_on(EASE(20.0, dropout=0.3), held)
    for neighbours in (exact.known_.sum() - 1, 10**6):
        found = fitted_on(EASE(20.0, dropout=0.3, neighbours=int(neighbours)), held)
        assert np.array_equal(found.similarity_, exact.similarity_)
    dense = np.asarray(sparse.csr_array(held).toarray())
    dense[0] = 1.0  # everybody has something in common
    together = sparse.csr_array(dense)
    added = np.full(dense.shape[1], 20.0)
    near = local_ridge(together.copy(), added, dense.shape[1] - 1, np.float64).toarray()
    assert near == pytest.approx(brute(dense, added, dense.shape[1]), abs=1e-9)
    inverse = np.linalg.inv(dense.T @ dense + np.diag(added))
    wanted = -inverse / np.diag(inverse)
    np.fill_diagonal(wanted, 0)
    assert near == pytest.approx(wanted, abs=1e-9)


def ndcg(ranker: Any, held: sparse.csr_array, later: sparse.csr_array) -> NDArray[np.float64]:
    """nDCG@20 of each user who acquires something later."""
    users = np.flatnonzero(np.diff(later.indptr) > 0)
    found = np.array(ranker.score_rows(users).block, np.float64)
    found[held[users].toarray() > 0] = -np.inf
    found[:, ~ranker.known_] = -np.inf
    order = np.argsort(-found, axis=1, kind="stable")[:, :20]
    hits = np.take_along_axis(later[users].toarray() > 0, order, axis=1)
    discount = 1 / np.log2(np.arange(2, 22))
    ideal = np.cumsum(discount)[np.minimum(np.diff(later.indptr)[users], 20) - 1]
    return np.asarray((hits * discount).sum(axis=1) / ideal)


def test_a_share_of_all_neighbours_is_as_good() -> None:
    """Long-tailed purchases by taste: the mean difference is within 2 % of the exact solution's."""
    every = sparse.coo_array(long_tailed(3_000, 1_200, seed=5))
    rng = np.random.default_rng(0)
    late = rng.random(every.nnz) < 0.2
    held, later = (
        sparse.csr_array((every.data[kept], (every.row[kept], every.col[kept])), every.shape)
        for kept in (~late, late)
    )
    exact, near = (ndcg(fitted_on(EASE(neighbours=n), held), held, later) for n in (None, 100))
    assert exact.mean() > 0.1
    assert abs(near.mean() - exact.mean()) < 0.02 * exact.mean()


def test_a_large_catalogue_takes_the_nearest_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suitably.ranking.solvers.memory._PAIRWISE", 50)
    held = long_tailed(300, 80)
    found = fitted_on(EASE(), held)
    assert sparse.issparse(found.similarity_)
    monkeypatch.undo()
    asked = fitted_on(EASE(neighbours=10), held)
    users = np.arange(300)
    again = revived(asked)
    assert np.array_equal(again.score_rows(users).block, asked.score_rows(users).block)
    assert int(np.diff(asked.similarity_.tocsc().indptr).max()) == 10


def test_double_precision_where_single_has_not_the_digits() -> None:
    held = weighted(40, 12)
    for penalty in (1e-9, 1e-3):
        found = fitted_on(EASE(penalty, neighbours=6), sparse.csr_array(held > 0).astype(float))
        dense = (held.toarray() > 0).astype(float)
        wanted = brute(dense, np.full(12, penalty), 6)
        assert found.similarity_.toarray() == pytest.approx(wanted, rel=1e-4, abs=1e-5)


def test_users_of_very_many_products_count_by_some(monkeypatch: pytest.MonkeyPatch) -> None:
    """The heaviest, then those that the fewest have, then in order."""
    held = sparse.csr_array(np.array([[1.0, 1, 1, 2, 1], [1, 1, 0, 0, 0], [1, 0, 0, 0, 0]]))
    assert trimmed(held) == (held, None)
    for most, wanted in ((30, None), (29, 4), (21, 4), (20, 3), (14, 3), (13, 2), (3, 1)):
        monkeypatch.setattr(finder, "_PAIRS", most)
        made, count = trimmed(held)
        assert count == wanted
        if count:
            assert np.diff(made.indptr).max() <= count
            kept = {4: [1, 2, 3, 4], 3: [2, 3, 4], 2: [2, 3], 1: [3]}[count]
            assert made.indices[: made.indptr[1]].tolist() == kept
