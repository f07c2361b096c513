"""What adds up over groups of users is what all of them come to."""

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from suitably.ranking.solvers.gram import whole_gram
from suitably.ranking.solvers.local_ridge import local_ridge, local_ridge_of_gram
from suitably.ranking.solvers.nearest import counted, nearest, nearest_of_gram
from suitably.ranking.solvers.normal_equations import equations, numbers, solved
from suitably.ranking.totals import Totals, core_of


@pytest.fixture
def lines() -> sparse.csr_array:
    rng = np.random.default_rng(0)
    dense = np.where(rng.random((90, 12)) < 0.3, rng.normal(1.0, 0.8, (90, 12)), 0)
    dense[:, 7] = -np.abs(dense[:, 7])  # nobody wants it
    dense[5] = 0
    return sparse.csr_array(dense.astype(np.float32))


def parts(lines: sparse.csr_array) -> list[sparse.csr_array]:
    return [lines[start : start + 23] for start in range(0, lines.shape[0], 23)]


def test_totals(lines: sparse.csr_array) -> None:
    """Held against sums over dense columns."""
    found, *others = (Totals.of(part) for part in parts(lines))
    for one in others:
        found = found.with_others(one)
    dense = lines.toarray().astype(float)
    above = np.maximum(dense, 0)
    assert int(found.users) == np.count_nonzero(np.abs(dense).sum(axis=1))
    assert found.entries.tolist() == np.count_nonzero(dense, axis=0).tolist()
    assert found.wanted_by.tolist() == (dense > 0).sum(axis=0).tolist()
    assert found.known.tolist() == (dense > 0).any(axis=0).tolist()
    assert not found.known[7]
    for name, wanted in (("sizes", np.abs(dense).sum(axis=0)), ("wanted", above.sum(axis=0)),
                         ("squares", (above**2).sum(axis=0)),
                         ("largest", np.abs(dense).max(axis=0)),
                         ("highest", above.max(axis=0))):  # fmt: skip
        assert getattr(found, name) == pytest.approx(wanted)
    again = Totals.from_arrays(found.arrays())
    assert all(np.array_equal(a, again.arrays()[name]) for name, a in found.arrays().items())


def test_the_core_has_only_known_products_and_users_of_some(lines: sparse.csr_array) -> None:
    known = Totals.of(lines).known
    core = core_of(lines, known).toarray()
    dense = lines.toarray()[:, known]
    assert np.array_equal(core, dense[np.abs(dense).sum(axis=1) > 0])


@pytest.mark.parametrize("shrinkage", [0.0, 5.0])
def test_the_nearest_of_inner_products(lines: sparse.csr_array, shrinkage: float) -> None:
    core = lines.astype(np.float64)
    largest = np.maximum(core.toarray(), 0).max(axis=0)
    ones = sparse.csr_array((counted(core, largest), core.indices, core.indptr), core.shape)
    found = nearest_of_gram(whole_gram(core), whole_gram(ones), 4, shrinkage)
    wanted = nearest(core, 4, shrinkage)
    assert found.toarray() == pytest.approx(wanted.toarray(), abs=1e-12)


def test_regressions_on_the_nearest(lines: sparse.csr_array) -> None:
    core = lines.astype(np.float64)
    reach, added = np.bincount(core.indices), np.linspace(1.0, 2.0, core.shape[1])
    found = local_ridge_of_gram(whole_gram(core), reach, added, 3, np.float64)
    wanted = local_ridge(core, added, 3, np.float64)
    assert found.toarray() == pytest.approx(wanted.toarray(), abs=1e-10)


def test_equations_of_products(lines: sparse.csr_array) -> None:
    """Held against dense normal equations of each product over all users."""
    users = np.random.default_rng(1).normal(size=(lines.shape[0], 3))
    sums: dict[str, Any] = {}
    for at, part in enumerate(parts(lines)):
        some = users[23 * at : 23 * at + part.shape[0]]
        for name, array in equations(some, part, np.abs(part.data), part.data).items():
            sums[name] = sums.get(name, 0) + array
    ridge = np.linspace(0.5, 3.0, lines.shape[1])
    found, dense = solved(sums, 0.2, ridge), lines.toarray().astype(float)
    for product, column in enumerate(dense.T):
        matrix = users.T @ np.diag(np.abs(column) + 0.2) @ users + ridge[product] * np.eye(3)
        assert found[product] == pytest.approx(np.linalg.solve(matrix, users.T @ column), rel=1e-5)
    assert numbers(*found.shape) == sums["squares"].size + sums["targets"].size


def test_equations_of_nobody_have_an_answer() -> None:
    nobody = sparse.csr_array((2, 3))
    sums = equations(np.zeros((2, 2)), nobody, np.zeros(0), np.zeros(0))
    assert solved(sums, 1.0, np.zeros(3)).tolist() == [[0.0, 0.0]] * 3
