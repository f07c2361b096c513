"""Item kNN: the contract, similarities pair by pair, neighbours and shrinkage."""

from math import log, sqrt
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from ranking.item_based import PAIRS, WEIGHTS, ItemBasedContract, bank, fitted, scores
from suitably.ranking import ItemKNN
from suitably.ranking.solvers.nearest import nearest
from suitably.testing import RankerContract
from support.states import revived


class TestItemKNN(RankerContract, ItemBasedContract):
    def make(self, **common: Any) -> ItemKNN:
        return ItemKNN(**common)

    def test_cosine_by_hand(self) -> None:
        """Products had by {0, 1}, {0, 1, 2}, {1, 2} and {2}; no shrinkage."""
        found = fitted(ItemKNN(shrinkage=0), bank(PAIRS)).similarity_.toarray()
        half, two_thirds, third = 1 / 2, 2 / sqrt(6), 1 / sqrt(3)
        root = 1 / sqrt(2)
        expected = [[0, two_thirds, half, 0], [two_thirds, 0, two_thirds, third],
                    [half, two_thirds, 0, root], [0, third, root, 0]]  # fmt: skip
        assert found == pytest.approx(np.array(expected))

    @pytest.mark.parametrize("weighting", ["cosine", "tfidf", "bm25"])
    @pytest.mark.parametrize("kinds", [["buy"] * 8, ["buy", "view"] * 4])
    def test_pair_by_pair(self, weighting: Any, kinds: list[str]) -> None:
        weights = {"buy": 1.0, "view": 0.25}
        R = WEIGHTS.copy()
        for (user, product), kind in zip(PAIRS, kinds, strict=True):
            R[user, product] = weights[kind]
        weights = {kind: weights[kind] for kind in set(kinds)}
        ranker = ItemKNN(weighting, shrinkage=3.0, K1=0.9, B=0.4, event_weights=weights)
        found = fitted(ranker, bank(PAIRS, kinds=kinds)).similarity_.toarray()
        assert found == pytest.approx(slow(R, weighting, 3.0, 0.9, 0.4), rel=1e-5)

    def test_only_the_nearest_neighbours_are_kept(self) -> None:
        every = fitted(ItemKNN(), bank(PAIRS)).similarity_.toarray()
        for neighbours in (1, 2, 3, 50):
            of_owned, of_target = (
                fitted(ItemKNN(neighbours=neighbours, neighbours_of=of), bank(PAIRS)).similarity_
                for of in ("owned", "target")
            )
            for i in range(4):
                best = sorted(range(4), key=lambda j, i=i: (-every[i, j], j))[:neighbours]
                row = [every[i, j] if j in best else 0 for j in range(4)]
                assert of_owned.toarray()[i].tolist() == row
                assert of_target.toarray()[:, i].tolist() == row

    def test_a_target_is_scored_by_its_own_neighbours(self) -> None:
        """Nearest to p0 is p1, to p1 p0, to p2 p1 and to p3 p2; u0 has p0 and p1."""
        by = {
            of: fitted(ItemKNN(neighbours=1, shrinkage=0, neighbours_of=of), bank(PAIRS))
            for of in ("owned", "target")
        }
        near = 2 / sqrt(6)
        rows = {"owned": [near, near, 0, 0], "target": [near, near, near, 0]}
        for of, ranker in by.items():
            assert scores(ranker)[0] == pytest.approx(np.array(rows[of]))
        assert fitted(ItemKNN(), bank(PAIRS)).neighbours_of == "target"

    def test_equally_near_neighbours_come_in_catalogue_order(self) -> None:
        pairs = [(u, p) for u in range(3) for p in range(4)]
        ranker = ItemKNN(neighbours=2, neighbours_of="owned")
        kept = fitted(ranker, bank(pairs)).similarity_.toarray()
        assert (kept > 0).tolist() == [[False, True, True, False], [True, False, True, False],
                                       [True, True, False, False],
                                       [True, True, False, False]]  # fmt: skip

    def test_the_same_whatever_the_block(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rng = np.random.default_rng(3)
        pairs = [tuple(map(int, pair)) for pair in np.argwhere(rng.random((60, 40)) < 0.2)]
        data = bank(pairs, 60, 40)
        whole = fitted(ItemKNN("tfidf", neighbours=5), data)
        monkeypatch.setattr("suitably.ranking.solvers.gram._CELLS", 100)
        monkeypatch.setattr("suitably.ranking.solvers.nearest._CELLS", 10)
        blocked = fitted(ItemKNN("tfidf", neighbours=5), data)
        for name in ("data", "indices", "indptr"):
            assert np.array_equal(
                getattr(blocked.similarity_, name), getattr(whole.similarity_, name)
            )

    def test_customers_who_have_everything(self) -> None:
        """A rarity of log(products / owned) would be 0 for them, and every norm 0."""
        pairs = [(u, p) for u in range(3) for p in range(4)]
        for weighting in ("tfidf", "bm25"):
            found = scores(fitted(ItemKNN(weighting), bank(pairs)))
            assert np.isfinite(found).all()
            assert (found > 0).all()

    def test_no_common_customer(self) -> None:
        ranker = fitted(ItemKNN(), bank([(0, 0), (1, 1), (2, 2)], 3, 3))
        assert ranker.similarity_.nnz == 0
        assert (scores(ranker) == 0).all()

    @pytest.mark.parametrize(
        "bad",
        [{"weighting": "jaccard"}, {"neighbours_of": "both"}, {"neighbours": 0},
         {"neighbours": 2.5}, {"shrinkage": -1.0}, {"shrinkage": np.nan}, {"K1": -0.1},
         {"B": 1.1}, {"B": -0.1}],
    )  # fmt: skip
    def test_parameters_out_of_range(self, bad: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=next(iter(bad))):
            fitted(ItemKNN(**bad), bank(PAIRS))

    def test_neighbours_of_another_catalogue(self) -> None:
        ranker = fitted(ItemKNN(), bank(PAIRS))
        with pytest.raises(ValueError, match="do not fit"):
            revived(ranker, neighbours_=ranker.similarity_.indices + 4)


def slow(R: Any, weighting: str, shrinkage: float, K1: float, B: float) -> Any:
    """Every pair of products for itself, as the formulas say."""
    users, products = R.shape
    rarity = [log((1 + products) / (1 + sum(R[u] > 0))) + 1 for u in range(users)]
    reach = [R[:, p].sum() for p in range(products)]
    mean = sum(reach) / products

    def weight(u: int, p: int) -> float:
        x = float(R[u, p])
        if weighting == "tfidf":
            return sqrt(x) * rarity[u]
        if weighting == "bm25":
            return x * (K1 + 1) / (K1 * (1 - B + B * reach[p] / mean) + x) * rarity[u]
        return x

    out = np.zeros((products, products))
    for i in range(products):
        for j in range(products):
            if i == j:
                continue
            inner = sum(weight(u, i) * weight(u, j) for u in range(users))
            if weighting != "bm25":
                sizes = [sqrt(sum(weight(u, p) ** 2 for u in range(users))) for p in (i, j)]
                inner /= sizes[0] * sizes[1]
            common = sum(1 for u in range(users) if R[u, i] > 0 and R[u, j] > 0)
            out[i, j] = inner * common / (common + shrinkage)
    return out


def test_a_rejection_of_next_to_no_weight_changes_next_to_nothing() -> None:
    """Nor does it make a similarity rest on more users: with one of full weight it does."""
    rng = np.random.default_rng(0)
    pairs = sparse.csr_array((rng.random((60, 8)) < 0.4).astype(float))
    against = sparse.csr_array(-(rng.random((60, 8)) < 0.3).astype(float) * (pairs.toarray() == 0))
    bought = nearest(pairs, 8, shrinkage=5.0).toarray()
    faint = nearest(sparse.csr_array(pairs + 1e-9 * against), 8, shrinkage=5.0).toarray()
    assert faint == pytest.approx(bought, abs=1e-6)
    both = (pairs + against).toarray()
    common = np.abs(both).T @ np.abs(both)
    wanted = both.T @ both * common / (common + 5.0)
    np.fill_diagonal(wanted, 0)
    assert nearest(sparse.csr_array(both), 8, shrinkage=5.0).toarray() == pytest.approx(wanted)
