"""The spectral filter: the contract, both filters by hand, and its limits."""

from typing import Any

import numpy as np
import pytest
from scipy import sparse

import suitably as st
from ranking.item_based import PAIRS, WEIGHTS, ItemBasedContract, bank, fitted
from suitably.ranking import Spectral
from suitably.testing import RankerContract


def random_bank(users: int, products: int, share: float = 0.1, seed: int = 4) -> Any:
    taken = np.random.default_rng(seed).random((users, products)) < share
    taken[np.arange(products) % users, np.arange(products)] = True
    taken = taken[taken.any(axis=1)]
    pairs = [(int(u), int(p)) for u, p in np.argwhere(taken)]
    return bank(pairs, len(taken), products), taken.astype(float)


def slow(R: Any, factors: int, linear: float, low_pass: float, power: float) -> Any:
    """The two filters by the full singular value decomposition."""
    customers, products = R.sum(axis=1) ** power, R.sum(axis=0) ** power
    normal = np.array([[R[u, p] / (customers[u] * products[p]) for p in range(R.shape[1])]
                       for u in range(R.shape[0])])  # fmt: skip
    _, values, across = np.linalg.svd(normal, full_matrices=False)
    V = across[:factors][values[:factors] > 1e-6].T
    return linear * normal.T @ normal + low_pass * np.diag(1 / products) @ V @ V.T @ np.diag(
        products
    )


class TestSpectral(RankerContract, ItemBasedContract):
    def make(self, **common: Any) -> Spectral:
        return Spectral(**common)

    def test_linear_filter_by_hand(self) -> None:
        """Sums of customers 2, 3, 3 and of products 2, 3, 2, 1."""
        found = fitted(Spectral(low_pass=0), bank(PAIRS)).similarity_
        assert found[0, 0] == pytest.approx((1 / 2 + 1 / 3) / 2)
        assert found[0, 1] == pytest.approx((1 / 2 + 1 / 3) / np.sqrt(6))
        assert found[2, 3] == pytest.approx(1 / 3 / np.sqrt(2))
        assert found[0, 3] == 0

    @pytest.mark.parametrize("factors", [1, 2, 3])
    @pytest.mark.parametrize("parts", [(1.0, 0.3, 0.5), (0.0, 1.0, 0.5), (0.2, 1.0, 0.0)])
    def test_both_filters(self, factors: int, parts: tuple[float, float, float]) -> None:
        found = fitted(Spectral(factors, *parts), bank(PAIRS)).similarity_
        assert found == pytest.approx(slow(WEIGHTS, factors, *parts), abs=1e-6)

    def test_without_the_linear_filter_it_is_a_truncated_decomposition(self) -> None:
        """PureSVD: a customer's scores are the row of the best approximation of rank 2."""
        ranker = fitted(Spectral(2, linear=0, low_pass=1, normalization=0), bank(PAIRS))
        left, values, across = np.linalg.svd(WEIGHTS, full_matrices=False)
        best = (left[:, :2] * values[:2]) @ across[:2]
        found = ranker.scorer(np.array(["u0", "u1", "u2"], object)).block
        assert found == pytest.approx(best, abs=1e-6)

    def test_more_factors_than_the_data_have(self) -> None:
        """Rank 3 of 4 products: the direction that nobody's purchases show is left out."""
        every = fitted(Spectral(3), bank(PAIRS)).similarity_
        for factors in (4, 5, 1000):
            assert (fitted(Spectral(factors), bank(PAIRS)).similarity_ == every).all()

    @pytest.mark.parametrize("shape", [(900, 600), (550, 700)])
    def test_long_catalogues_are_decomposed_iteratively(
        self, shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        data, R = random_bank(*shape, share=0.05)
        found = fitted(Spectral(6), data)
        assert found.similarity_ == pytest.approx(slow(R, 6, 1.0, 0.3, 0.5), abs=1e-5)
        again = fitted(Spectral(6), data)
        assert (again.similarity_ == found.similarity_).all()
        monkeypatch.setattr("suitably.ranking.spectral._DENSE", 10_000)
        monkeypatch.setattr("suitably.ranking.spectral.svds", None)
        direct = fitted(Spectral(6), data)
        assert direct.similarity_ == pytest.approx(found.similarity_, abs=1e-6)

    def test_default_number_of_factors(self) -> None:
        """Twice the root of 25 products."""
        data, _ = random_bank(80, 25)
        default, ten = fitted(Spectral(), data), fitted(Spectral(10), data)
        assert (default.similarity_ == ten.similarity_).all()

    @pytest.mark.parametrize("parts", [(1.0, 0.3, 0.5), (0.0, 1.0, 0.5), (0.2, 0.0, 0.0)])
    def test_large_catalogues_take_no_matrix_of_all_pairs(
        self, parts: tuple[float, float, float], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With all products near, the sparse filter and the factors make the same similarity."""
        data, R = random_bank(90, 60)
        dense = fitted(Spectral(6, *parts), data)
        monkeypatch.setattr("suitably.ranking.solvers.memory._PAIRWISE", 10)
        found = fitted(Spectral(6, *parts), data)
        assert sparse.issparse(found.similarity_)
        whole = found.similarity_.toarray() + found.left_ @ found.right_.T
        assert whole == pytest.approx(slow(R, 6, *parts), abs=1e-5)
        users = data.user_ids
        block = found.scorer(users).block
        assert block == pytest.approx(dense.scorer(users).block, abs=1e-5)
        one_by_one = np.vstack([found.scorer(users[[n]]).block for n in range(len(users))])
        assert (block == one_by_one).all()
        monkeypatch.setattr("suitably.ranking.spectral._NEAREST", 3)
        few = fitted(Spectral(6, *parts), data)
        assert np.diff(few.similarity_.tocsc().indptr).max() <= 3

    def test_what_does_not_fit_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("suitably.ranking.solvers.memory.available", lambda: 20_000)
        with pytest.raises(st.DataError, match=r"Spectral: takes .* are available; fewer factors"):
            fitted(Spectral(), random_bank(90, 60)[0])

    @pytest.mark.parametrize(
        "bad",
        [{"factors": 0}, {"factors": 1.5}, {"linear": -1.0}, {"low_pass": np.inf},
         {"normalization": 1.5}, {"linear": 0, "low_pass": 0}],
    )  # fmt: skip
    def test_parameters_out_of_range(self, bad: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=next(iter(bad))):
            fitted(Spectral(**bad), bank(PAIRS))


class TestSparseSpectral(RankerContract):
    @pytest.fixture(autouse=True)
    def _large(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("suitably.ranking.solvers.memory._PAIRWISE", 2)

    def make(self, **common: Any) -> Spectral:
        return Spectral(**common)

    def test_a_product_without_a_neighbour_says_nothing(self) -> None:
        alone = fitted(self.make(), bank([*PAIRS, (3, 4)], users=5, products=6))
        asked = np.array(["u0", "u3", "u4", "stranger"], object)
        assert alone.can_score(asked).tolist() == [True, False, False, False]
