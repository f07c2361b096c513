"""EASE: the contract, the paper's closed form by hand, and its penalty."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

import suitably
from ranking.item_based import (
    PAIRS,
    WEIGHTS,
    ItemBasedContract,
    bank,
    fitted,
    fitted_on,
    long_tailed,
)
from suitably.ranking import EASE
from suitably.testing import RankerContract


class TestEASE(RankerContract, ItemBasedContract):
    def make(self, **common: Any) -> EASE:
        return EASE(**common)

    @pytest.mark.parametrize("penalty", [1e-6, 0.5, 2.0, 1000.0])
    def test_each_column_is_the_best_prediction_from_the_others(self, penalty: float) -> None:
        """Equation 4 of the paper, solved column by column as a ridge regression."""
        found = fitted(EASE(penalty), bank(PAIRS)).similarity_
        for j in range(4):
            others = [i for i in range(4) if i != j]
            X, y = WEIGHTS[:, others], WEIGHTS[:, j]
            ridge = np.linalg.solve(X.T @ X + penalty * np.eye(3), X.T @ y)
            assert found[others, j] == pytest.approx(ridge, rel=1e-3, abs=1e-6)
            assert found[j, j] == 0

    def test_by_hand(self) -> None:
        """Two products, two customers of both, λ = 1: P = [[3, −2], [−2, 3]] / 5."""
        ranker = fitted(EASE(1.0), bank([(0, 0), (0, 1), (1, 0), (1, 1)], 2, 2))
        assert ranker.similarity_ == pytest.approx(np.array([[0, 2 / 3], [2 / 3, 0]]))

    def test_default_penalty(self) -> None:
        """Three customers, largest weight 10: 2 √3 · 10²; who bought nothing does not count."""
        data = bank(PAIRS, users=7, kinds=["buy"] * 4 + ["view"] * 4)
        ranker = fitted(EASE(event_weights={"buy": 10.0, "view": 1.0}), data)
        assert ranker.regularization_ == pytest.approx(2 * 3**0.5 * 100)
        assert fitted(EASE(5.0), bank(PAIRS)).regularization_ == 5.0

    def test_both_precisions_agree(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rng = np.random.default_rng(1)
        pairs = [tuple(map(int, pair)) for pair in np.argwhere(rng.random((300, 600)) < 0.05)]
        data = bank(pairs, 300, 600)  # more products than a block of the mirrored triangle
        single = fitted(EASE(20.0), data).similarity_
        monkeypatch.setattr("suitably.ranking.solvers.ridge._SINGLE", 0.0)
        double = fitted(EASE(20.0), data).similarity_
        assert single.dtype == double.dtype == np.float32
        assert not np.array_equal(single, double)
        assert single == pytest.approx(double, abs=1e-5)

    def test_the_number_of_threads_changes_nothing(self) -> None:
        rng = np.random.default_rng(2)
        pairs = [tuple(map(int, pair)) for pair in np.argwhere(rng.random((200, 300)) < 0.05)]
        data = bank(pairs, 200, 300)
        found = []
        for threads in (1, 2):
            with threadpool_limits(threads):
                found.append(fitted(EASE(), data).similarity_)
        assert (found[0] == found[1]).all()

    @pytest.mark.parametrize("dropout", [0.2, 0.5])
    def test_dropout_raises_the_penalty_of_popular_products(self, dropout: float) -> None:
        """Steck 2020: Λ = p / (1 − p) · diag(XᵀX) + λ, each column solved as a ridge regression."""
        found = fitted(EASE(2.0, dropout=dropout), bank(PAIRS)).similarity_
        added = dropout / (1 - dropout) * (WEIGHTS**2).sum(axis=0) + 2.0
        assert found == pytest.approx(brute(WEIGHTS, added), rel=1e-4, abs=1e-6)

    @pytest.mark.parametrize("power", [0.5, 1.0])
    def test_scaled_rows(self, power: float) -> None:
        """Customers of 2, 3 and 3 products: lengths √2, √3, √3."""
        scaled = WEIGHTS / np.sqrt([[2], [3], [3]]) ** power
        found = fitted(EASE(0.5, row_scaling=power), bank(PAIRS)).similarity_
        assert found == pytest.approx(brute(scaled, np.full(4, 0.5)), rel=1e-4, abs=1e-6)
        default = fitted(EASE(row_scaling=power), bank(PAIRS)).regularization_
        assert default == pytest.approx(2 * (2 ** (-2 * power) + 2 * 3 ** (-2 * power)) ** 0.5)

    def test_a_penalty_too_small(self) -> None:
        twins = bank([(0, 0), (0, 1), (1, 0), (1, 1)], 2, 2)
        with pytest.raises(suitably.DataError, match="raise regularization"):
            fitted(EASE(1e-300), twins)

    @pytest.mark.parametrize(
        ("bad", "name"),
        [({"dropout": 1.0}, "dropout"), ({"dropout": -0.1}, "dropout"),
         ({"row_scaling": 1.5}, "row_scaling"), ({"neighbours": 0}, "neighbours"),
         ({"neighbours": 2.5}, "neighbours")],
    )  # fmt: skip
    def test_parameters_out_of_range_are_named(self, bad: dict[str, Any], name: str) -> None:
        with pytest.raises(ValueError, match=name):
            fitted(EASE(**bad), bank(PAIRS))

    @pytest.mark.parametrize("penalty", [0, -1.0, np.nan, np.inf, "much", True])
    def test_penalties_out_of_range(self, penalty: Any) -> None:
        with pytest.raises(ValueError, match="regularization"):
            fitted(EASE(penalty), bank(PAIRS))

    def test_repr(self) -> None:
        assert repr(EASE()) == "EASE()"
        assert repr(EASE(20.0)) == "EASE(regularization=20.0)"


@pytest.mark.parametrize("penalty", [1.0, 0.1, 0.01])
def test_single_precision_that_does_not_do_gives_way_to_double(penalty: float) -> None:
    """Against equation 8 of the paper, where single precision is singular and where it is not."""
    rng = np.random.default_rng(1)
    shares = 1 / np.arange(1, 501)
    drawn = rng.choice(500, 300 * 20, p=shares / shares.sum())
    pairs = sorted({*zip(np.repeat(np.arange(300), 20).tolist(), drawn.tolist(), strict=True)})
    ranker = fitted(EASE(penalty), bank(pairs, 300, 500))
    held = np.zeros((300, 500))
    held[tuple(np.array(pairs).T)] = 1
    held = held[:, ranker.known_]
    inverse = np.linalg.inv(held.T @ held + penalty * np.eye(held.shape[1]))
    wanted = -inverse / np.diag(inverse)
    np.fill_diagonal(wanted, 0)
    assert np.abs(ranker.similarity_ - wanted).max() < 1e-3


def brute(held: NDArray[Any], added: NDArray[Any]) -> NDArray[Any]:
    """Every column for itself, in double precision."""
    products = held.shape[1]
    gram, weights = held.T @ held + np.diag(added), np.zeros((products, products))
    for j in range(products):
        others = [i for i in range(products) if i != j]
        weights[others, j] = np.linalg.solve(gram[np.ix_(others, others)], gram[others, j])
    return weights


@pytest.fixture(scope="module")
def thousands() -> sparse.csr_array:
    return long_tailed(4_000, 3_000)


@pytest.mark.parametrize("penalty", [None, 1.0, 1e-3])
def test_long_tailed_data_of_thousands_of_products(
    thousands: sparse.csr_array, penalty: float | None
) -> None:
    """By the inverse in double precision, which is what the columns are when solved one by one."""
    ranker = fitted_on(EASE(penalty), thousands)
    core = thousands[:, ranker.known_]
    used = 2 * 4_000**0.5 if penalty is None else penalty
    inverse = np.linalg.inv((core.T @ core).toarray() + used * np.eye(core.shape[1]))
    wanted = -inverse / np.diag(inverse)
    np.fill_diagonal(wanted, 0)
    assert len(wanted) > 2_500
    assert np.abs(ranker.similarity_ - wanted).max() < 1e-5 * np.abs(wanted).max()


def test_no_room_for_all_pairs_takes_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    held = long_tailed(300, 200)
    whole = fitted_on(EASE(), held)
    monkeypatch.setattr("suitably.ranking.solvers.memory.has_room", lambda need: False)
    near = fitted_on(EASE(), held)
    assert sparse.issparse(near.similarity_)
    assert not sparse.issparse(whole.similarity_)


def test_no_room_at_all_is_said_before_anything_is_computed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for ranker in (EASE(), EASE(neighbours=2), EASE(neighbours=10)):
        monkeypatch.setattr("suitably.ranking.solvers.memory.available", lambda: 400)
        for solver in ("ridge", "local_ridge"):
            monkeypatch.setattr(f"suitably.ranking.ease.{solver}", None)
        with pytest.raises(suitably.DataError, match=r"EASE: takes .* are available; "):
            fitted_on(ranker, long_tailed(300, 200))
