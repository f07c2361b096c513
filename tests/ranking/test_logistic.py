"""One logistic regression for each customer, against a general optimiser."""

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import minimize

from suitably.ranking.solvers.logistic import Terms, rivals, solve, vectors


def terms_of(seed, users=6, terms=12, factors=4, scale=1.0):
    rng = np.random.default_rng(seed)
    return Terms(
        scale * rng.normal(size=(users, terms, factors)),
        rng.normal(size=(users, terms)),
        rng.uniform(0, 3, (users, terms)),
        rng.uniform(0.05, 2, users),
    )


def loss(terms, user, x):
    margin = terms.features[user] @ x + terms.offsets[user]
    return terms.weights[user] @ np.logaddexp(0, -margin) + terms.penalty[user] / 2 * x @ x


@pytest.mark.parametrize("scale", [0.01, 1.0, 8.0])
def test_every_customer_against_a_general_optimiser(scale):
    terms = terms_of(0, scale=scale)
    found = solve(terms)
    for user in range(6):
        best = minimize(lambda x, user=user: loss(terms, user, x), np.zeros(4), tol=1e-12)
        assert loss(terms, user, found[user]) <= best.fun * (1 + 1e-7)


def test_a_customer_depends_on_nobody_else():
    terms = terms_of(1, users=30)
    found = solve(terms)
    for some in ([3], [29, 0, 7], list(range(30))[::-1]):
        assert np.array_equal(solve(terms.of(np.array(some))), found[some])


def test_padding_changes_nothing():
    terms = terms_of(2)
    wide = Terms(
        np.concatenate([terms.features, np.full((6, 5, 4), 7.0)], axis=1),
        np.concatenate([terms.offsets, np.ones((6, 5))], axis=1),
        np.concatenate([terms.weights, np.zeros((6, 5))], axis=1),
        terms.penalty,
    )
    np.testing.assert_allclose(solve(wide), solve(terms), atol=1e-9)


def test_scores_beyond_the_range_of_exponentials():
    terms = terms_of(3)
    far = Terms(terms.features * 1e3, terms.offsets * 1e4, terms.weights, terms.penalty)
    assert np.isfinite(solve(far)).all()


@pytest.mark.parametrize("huge", [1e10, 1e20, 1e30, 1e38])
def test_weights_that_drown_the_penalty(huge):
    """Curvatures that are singular in floating point, on some processors and not on others."""
    terms = terms_of(4, users=200, terms=3)  # fewer terms than factors: the penalty alone is left
    mixed = np.where(np.arange(3) == 0, huge, 1.0)
    for weights in (terms.weights * huge, terms.weights * mixed):
        heavy = Terms(terms.features, terms.offsets, weights, terms.penalty)
        found = solve(heavy)
        assert np.isfinite(found).all()
        zero = np.zeros(4)
        assert all(loss(heavy, user, found[user]) <= loss(heavy, user, zero) for user in range(200))


def test_blocks_of_equal_length(monkeypatch):
    """Rows of any length, some empty, in blocks of any size on any number of threads."""
    rng = np.random.default_rng(0)
    lines = sparse.csr_array((rng.random((40, 9)) < 0.3) * rng.uniform(0.5, 2, (40, 9)))
    products = rng.normal(size=(9, 3))

    def terms(mine, weights):
        return Terms(products[mine], np.zeros(mine.shape), weights, np.ones(len(mine)))

    whole = vectors(lines, terms, 3)
    assert not whole[np.diff(lines.indptr) == 0].any()
    one = lines[[5]]
    assert np.array_equal(vectors(one, terms, 3), whole[[5]])
    for size, threads in ((1, 1), (1, 4), (1 << 20, 2)):
        monkeypatch.setattr("suitably.ranking.solvers.logistic._PAIRS", size)
        monkeypatch.setattr("os.sched_getaffinity", lambda _, threads=threads: range(threads))
        assert np.array_equal(vectors(lines, terms, 3), whole)
    assert vectors(sparse.csr_array((0, 9)), terms, 3).shape == (0, 3)


def test_rivals():
    products, shares = rivals(np.array([0.0, 3, 0, 1, 0]), 8)
    assert products.tolist() == [1, 3]
    assert shares.tolist() == [0.75, 0.25]
    products, shares = rivals(np.random.default_rng(0).integers(0, 50, 1_000), 128)
    assert len(products) <= 128
    assert shares.sum() == pytest.approx(1)
    assert (np.diff(products) > 0).all()
