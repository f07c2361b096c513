"""Least squares for many rows: against `numpy.linalg.solve`, one row at a time."""

from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

import suitably
from suitably.ranking.solvers import kernels as solver_kernels
from suitably.ranking.solvers import least_squares as solver
from suitably.ranking.solvers.least_squares import Fixed, gram

KERNELS = [solver_kernels.with_numpy]
if find_spec("numba") is not None:
    KERNELS.append(solver_kernels.with_numba)


@pytest.fixture(params=KERNELS, ids=lambda kernel: kernel.__name__)
def kernel(request, monkeypatch):
    monkeypatch.setattr(solver_kernels, "chosen", lambda: request.param)
    return request.param


def problem(seed, rows, columns, factors, density=0.3, least=0.0):
    rng = np.random.default_rng(seed)
    lines = sparse.random_array((rows, columns), density=density, format="csr", rng=rng)
    lines.sort_indices()
    weights = rng.uniform(least, 3.0, lines.nnz)
    targets = rng.uniform(-1.0, 3.0, lines.nnz)
    return lines, weights, targets, rng.uniform(0.1, 2.0, rows), rng.normal(size=(columns, factors))


def by_hand(lines, weights, targets, ridge, vectors, unobserved):
    out = np.zeros((lines.shape[0], vectors.shape[1]))
    for row in range(lines.shape[0]):
        part = slice(lines.indptr[row], lines.indptr[row + 1])
        near = vectors[lines.indices[part]]
        if len(near):
            matrix = unobserved * vectors.T @ vectors + ridge[row] * np.eye(vectors.shape[1])
            matrix += sum(c * np.outer(y, y) for c, y in zip(weights[part], near, strict=True))
            out[row] = np.linalg.solve(matrix, near.T @ targets[part])
    return out


@pytest.mark.parametrize(("rows", "columns", "factors", "density"), [
    (40, 30, 1, 0.1), (40, 30, 2, 0.3), (40, 30, 7, 0.2), (40, 30, 16, 0.5), (40, 30, 33, 0.2),
    (9, 300, 5, 0.9), (5, 3, 20, 0.7), (1, 1, 1, 1.0), (6, 5_000, 3, 0.95),
])  # fmt: skip
@pytest.mark.parametrize("unobserved", [0.0, 0.3])
@pytest.mark.parametrize("turned", [True, False])
def test_every_row_against_a_dense_solver(
    kernel, rows, columns, factors, density, unobserved, turned
):
    lines, weights, targets, ridge, vectors = problem(0, rows, columns, factors, density)
    expected = by_hand(lines, weights, targets, ridge, vectors, unobserved)
    lengths = None if turned else np.full(rows, 10**6)
    fixed = Fixed.of(vectors, unobserved, lengths)
    assert (fixed.axes is not None) == turned
    found = fixed.solve(lines, weights, targets, ridge)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10)


def test_confidence_below_one_weighs_less_than_nothing(kernel):
    """Where observed pairs count less than unobserved ones the weights are negative."""
    lines, weights, targets, ridge, vectors = problem(1, 30, 20, 8)
    weights = weights / 3 - 1
    assert (weights < 0).all()
    expected = by_hand(lines, weights, targets, ridge, vectors, 1.0)
    found = Fixed.of(vectors, 1.0).solve(lines, weights, targets, ridge)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("weight", [0.0, 1e-30, 1e-7, 1e8])
def test_extreme_weights(kernel, weight):
    lines, weights, targets, ridge, vectors = problem(2, 30, 20, 8, 0.15)
    weights[::3] = weight
    expected = by_hand(lines, weights, targets, ridge, vectors, 0.5)
    found = Fixed.of(vectors, 0.5).solve(lines, weights, targets, ridge)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-9)


@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 40), st.randoms())
def test_a_row_depends_on_itself_alone(seed, factors, columns, random):
    """Bit for bit, by both kernels: any subset, in any order, on any number of threads."""
    lines, weights, targets, ridge, vectors = problem(seed, 25, columns, factors)
    rows = np.array(random.sample(range(25), random.randint(1, 25)))
    lines.data = np.arange(lines.nnz, dtype=float)
    some = lines[rows]
    places = some.data.astype(np.int64)
    for kernel in KERNELS:
        for threads in (1, 3):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(solver_kernels, "chosen", lambda kernel=kernel: kernel)
                whole = Fixed.of(vectors, 0.3).solve(lines, weights, targets, ridge)
                patch.setattr("os.sched_getaffinity", lambda _, threads=threads: range(threads))
                patch.setattr(solver, "_SMALL", 1)
                part = Fixed.of(vectors, 0.3).solve(
                    some, weights[places], targets[places], ridge[rows]
                )
            assert np.array_equal(part, whole[rows])


def test_kernels_agree_to_rounding(monkeypatch):
    pytest.importorskip("numba")
    lines, weights, targets, ridge, vectors = problem(3, 200, 80, 24)
    found = []
    for one in KERNELS:
        monkeypatch.setattr(solver_kernels, "chosen", lambda one=one: one)
        found.append(Fixed.of(vectors, 0.3).solve(lines, weights, targets, ridge))
    np.testing.assert_allclose(*found, rtol=1e-9, atol=1e-12)


def test_without_numba_the_other_kernel_is_chosen(monkeypatch):
    monkeypatch.setattr(solver_kernels, "find_spec", lambda name: None)
    solver_kernels._compiled.cache_clear()
    try:
        assert solver_kernels.chosen() is solver_kernels.with_numpy
    finally:
        solver_kernels._compiled.cache_clear()


@pytest.mark.parametrize("unobserved", [0.0, 1.0])
def test_no_penalty_and_more_factors_than_products(kernel, unobserved):
    """The equations are singular: an answer that fits them, not an error or infinity."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(3, 8))
    lines = sparse.csr_array(np.array([[1.0, 0, 1], [0, 1, 0]]))
    found = Fixed.of(vectors, unobserved).solve(lines, np.ones(3), np.ones(3), np.zeros(2))
    matrix = vectors.T @ (vectors * (unobserved + np.array([[1], [0], [1]])))
    np.testing.assert_allclose(matrix @ found[0], vectors[0] + vectors[2], rtol=1e-5)


def test_entries_that_say_nothing(kernel):
    """A weight and target of 0 is as good as no entry."""
    lines, weights, targets, ridge, vectors = problem(8, 20, 30, 9, 0.15)
    weights[::2] = targets[::2] = 0
    expected = by_hand(lines, weights, targets, ridge, vectors, 0.5)
    found = Fixed.of(vectors, 0.5).solve(lines, weights, targets, ridge)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10)


def test_equations_without_an_answer_are_refused(kernel):
    lines = sparse.csr_array(np.ones((2, 2)))
    fixed = Fixed.of(np.eye(2), 0.0)
    with pytest.raises(suitably.DataError, match="have none"):
        fixed.solve(lines, np.full(4, -1.0), np.ones(4), np.ones(2))


def test_vectors_of_zeros_give_zeros(kernel):
    lines, weights, targets, ridge, vectors = problem(4, 5, 6, 3)
    found = Fixed.of(np.zeros_like(vectors), 1.0).solve(lines, weights, targets, ridge * 0)
    assert not found.any()


def test_nobody_and_nothing(kernel):
    empty = sparse.csr_array((4, 6))
    fixed = Fixed.of(np.ones((6, 2)), 1.0)
    none = np.empty(0)
    assert fixed.solve(empty, none, none, np.ones(4)).tolist() == [[0.0, 0.0]] * 4
    assert fixed.solve(sparse.csr_array((0, 6)), none, none, none).shape == (0, 2)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(bad):
    lines, weights, targets, ridge, vectors = problem(5, 5, 6, 3)
    spoilt = [array.copy() for array in (weights, targets, ridge)]
    fixed = Fixed.of(vectors, 1.0)
    for place, name in enumerate(("weights", "targets", "penalties")):
        given = [weights, targets, ridge]
        given[place] = spoilt[place]
        given[place][0] = bad
        with pytest.raises(suitably.DataError, match=f"1 of {len(given[place])}.*{name}"):
            fixed.solve(lines, *given)
    vectors[2, 1] = bad
    with pytest.raises(suitably.DataError, match="1 of 18 numbers in vectors"):
        Fixed.of(vectors, 1.0)


def test_a_gram_matrix_beyond_range_is_refused():
    with pytest.raises(suitably.DataError, match="Gram"), np.errstate(over="ignore"):
        Fixed.of(np.full((2, 2), 1e200), 1.0)


def test_a_negative_penalty_is_refused():
    lines, weights, targets, ridge, vectors = problem(6, 5, 6, 3)
    with pytest.raises(suitably.DataError, match="negative"):
        Fixed.of(vectors, 1.0).solve(lines, weights, targets, ridge - 5)


@pytest.mark.parametrize("length", [0, 1, 8_191, 8_193, 20_000])
def test_gram(length):
    vectors = np.random.default_rng(0).normal(size=(length, 4))
    np.testing.assert_allclose(gram(vectors), vectors.T @ vectors, atol=1e-9)


def test_gram_is_the_same_on_any_number_of_threads(monkeypatch):
    vectors = np.random.default_rng(0).normal(size=(30_000, 5))
    found = []
    for threads in (1, 2, 5):
        monkeypatch.setattr("os.sched_getaffinity", lambda _, threads=threads: range(threads))
        found.append(gram(vectors))
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


def test_single_precision(kernel):
    lines, weights, targets, ridge, vectors = problem(7, 20, 30, 6)
    found = Fixed.of(vectors.astype(np.float32), 0.3).solve(lines, weights, targets, ridge)
    assert found.dtype == np.float32
    expected = by_hand(lines, weights, targets, ridge, vectors, 0.3)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
