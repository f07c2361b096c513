"""What the rankers by similar products share in their tests: a 3×4 bank, and data by hand."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from scipy import sparse

import suitably
from suitably.ranking import FitContext
from support.states import revived

AS_OF = datetime(2024, 3, 1)
PAIRS = [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (2, 1), (2, 2), (2, 3)]
WEIGHTS = np.array([[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 1]], float)


def bank(
    pairs: list[tuple[int, int]],
    users: int = 3,
    products: int = 4,
    ages: list[float] | None = None,
    kinds: list[str] | None = None,
) -> suitably.Dataset:
    """A data set of purchases by position; ages in days."""
    ages = [1.0] * len(pairs) if ages is None else ages
    log = {
        "user_id": [f"u{user}" for user, _ in pairs],
        "product_id": [f"p{product}" for _, product in pairs],
        "timestamp": [AS_OF - timedelta(days=age) for age in ages],
    }
    frames = [
        pd.DataFrame({f"{side}_id": [f"{side[0]}{i}" for i in range(count)]})
        for side, count in (("user", users), ("product", products))
    ]
    log |= {} if kinds is None else {"event": kinds}
    owning = None if kinds is None else sorted({*kinds})
    return suitably.Dataset(*frames, pd.DataFrame(log), owned_events=owning)


def context(data: suitably.Dataset, as_of: datetime = AS_OF) -> FitContext:
    """All that a ranker may learn from, without profiles or rules."""
    view = data.view(as_of)
    users, products = (pd.DataFrame({f"{side}_id": ids}) for side, ids in
                       (("user", view.user_ids), ("product", view.product_ids)))  # fmt: skip
    eligibility = suitably.Policy.unrestricted().evaluate(users, products, as_of)
    return FitContext(view, pa.table({}), eligibility, view.as_of, 0)


def fitted(ranker: Any, data: suitably.Dataset) -> Any:
    return ranker.fit(context(data))


def long_tailed(users: int, products: int, seed: int = 0, tastes: int = 8) -> sparse.csr_array:
    """Who has what, 0 or 1: few products that many have, and users of like tastes."""
    rng = np.random.default_rng(seed)
    shares = 1 / np.arange(1, products + 1)
    kinds = rng.integers(0, tastes, products)
    lengths = np.minimum(4 + rng.pareto(1.3, users) * 4, products / 3).astype(int)
    taste = rng.integers(0, tastes, users)
    held = np.zeros((users, products), bool)
    for kind in range(tastes):
        liked = shares * np.where(kinds == kind, 1.0, 0.02)
        for user in np.flatnonzero(taste == kind):
            held[user, rng.choice(products, lengths[user], p=liked / liked.sum())] = True
    return sparse.csr_array(held.astype(float))


def fitted_on(ranker: Any, held: sparse.csr_array) -> Any:
    """Fit on who has what."""
    users, products = (side.astype(int) for side in held.nonzero())
    log = pd.DataFrame({"user_id": users, "product_id": products, "timestamp": AS_OF})
    log["timestamp"] -= timedelta(days=1)
    frames = [pd.DataFrame({f"{side}_id": np.arange(count)})
              for side, count in zip(("user", "product"), held.shape, strict=True)]  # fmt: skip
    return fitted(ranker, suitably.Dataset(*frames, log))


def scores(ranker: Any, users: int = 3) -> NDArray[Any]:
    return np.asarray(ranker.scorer(np.array([f"u{i}" for i in range(users)], object)).block)


class ItemBasedContract:
    """Inherit it and give `make`, which takes the common parameters."""

    def make(self, **common: Any) -> Any:
        raise NotImplementedError

    def test_a_score_is_the_sum_of_similarities(self) -> None:
        ranker = fitted(self.make(), bank(PAIRS))
        similarity = _dense(ranker)
        by_hand = [
            [sum(WEIGHTS[u, i] * similarity[i, j] for i in range(4)) for j in range(4)]
            for u in range(3)
        ]
        assert scores(ranker) == pytest.approx(np.array(by_hand), abs=1e-6)

    def test_a_score_does_not_depend_on_the_block(self) -> None:
        rng = np.random.default_rng(0)
        pairs = [(int(u), int(p)) for u, p in zip(*np.nonzero(rng.random((40, 30)) < 0.2),
                                                  strict=True)]  # fmt: skip
        data = bank(pairs, 40, 30, ages=list(rng.uniform(1, 900, len(pairs))))
        ranker = fitted(self.make(half_life_days=100.0), data)
        together = scores(ranker, 40)
        for user in range(40):
            alone = ranker.scorer(np.array([f"u{user}"], object)).block
            assert (alone[0] == together[user]).all()
        order = rng.permutation(40)
        mixed = ranker.scorer(np.array([f"u{i}" for i in order], object)).block
        assert (mixed == together[order]).all()

    def test_unsold_products_take_no_room(self) -> None:
        sold = fitted(self.make(), bank(PAIRS))
        wide = fitted(self.make(), bank(PAIRS, products=9))
        assert wide.similarity_.shape == (4, 4)
        assert wide.known_.tolist() == [True] * 4 + [False] * 5
        assert (scores(wide)[:, :4] == scores(sold)).all()
        assert (scores(wide)[:, 4:] == 0).all()

    def test_folding_in_is_the_joint_history_and_the_old_similarity(self) -> None:
        ranker = fitted(self.make(half_life_days=50.0), bank(PAIRS, products=5))
        before = _dense(ranker)
        new = [(0, 3), (3, 2), (3, 4), (0, 0)]
        grown = ranker.fold_in(context(bank(new, users=4, products=6)))
        weight = 1.0  # all are as old as the newest
        joint = np.zeros((4, 4))
        for user, product in [*PAIRS, *new]:
            if product < 4:
                joint[user, product] = weight
        found = scores(grown, 4)
        assert found[:, :4] == pytest.approx(joint @ before, abs=1e-6)
        assert (found[:, 4:] == 0).all()
        assert (_dense(grown) == before).all()
        assert scores(ranker) == pytest.approx(weight * WEIGHTS @ before @ np.eye(4, 5), abs=1e-6)

    def test_a_repeated_purchase_counts_once(self) -> None:
        once, twice = (fitted(self.make(), bank(pairs)) for pairs in (PAIRS, PAIRS + PAIRS[:3]))
        assert (scores(once) == scores(twice)).all()

    def test_equal_weights_of_any_size_rank_alike(self) -> None:
        usual = scores(fitted(self.make(), bank(PAIRS)))
        for weight in (1e-30, 0.5, 7.0, 1e30):
            data = bank(PAIRS, kinds=["buy"] * len(PAIRS))
            found = scores(fitted(self.make(event_weights={"buy": weight}), data))
            assert found / np.float32(weight) == pytest.approx(usual, rel=1e-4, abs=1e-6)

    def test_old_purchases_fade(self) -> None:
        ages = [1.0] * 5 + [2000.0] * 3
        plain, faded = (
            fitted(self.make(half_life_days=half), bank(PAIRS, ages=ages)) for half in (None, 30.0)
        )
        # Two thousand days are 67 half-lives: next to nothing.
        assert np.abs(scores(faded)[2]).max() < 1e-6 < np.abs(scores(plain)[2]).max()

    def test_events_weigh_as_told(self) -> None:
        kinds = ["buy"] * 5 + ["view"] * 3
        data = bank(PAIRS, kinds=kinds)
        ranker = fitted(self.make(event_weights={"buy": 1.0, "view": 0.0}), data)
        able = ranker.can_score(np.array(["u0", "u1", "u2"], object))
        assert able.tolist() == [True, True, False]
        assert ranker.known_.tolist() == [True, True, True, False]
        only = fitted(self.make(), bank(PAIRS[:5]))
        assert (scores(ranker) == scores(only)).all()
        louder = fitted(self.make(event_weights={"buy": 1.0, "view": 0.5}), data)
        assert not np.allclose(scores(louder), scores(ranker))

    @pytest.mark.parametrize("weights", [{"buy": -1.0}, {"buy": np.nan}, {"buy": np.inf}, {}])
    def test_weights_out_of_range(self, weights: dict[str, float]) -> None:
        with pytest.raises(ValueError, match="event_weights"):
            fitted(self.make(event_weights=weights), bank(PAIRS, kinds=["buy"] * len(PAIRS)))

    def test_weights_that_leave_nothing(self) -> None:
        with pytest.raises(suitably.DataError, match="nothing can be learned"):
            fitted(self.make(event_weights={"buy": 0.0}), bank(PAIRS, kinds=["buy"] * 8))

    @pytest.mark.parametrize("weight", [1e-300, 1e300])
    def test_weights_beyond_single_precision(self, weight: float) -> None:
        usual = scores(fitted(self.make(), bank(PAIRS)))
        data = bank(PAIRS, kinds=["buy"] * len(PAIRS))
        found = scores(fitted(self.make(event_weights={"buy": weight}), data))
        assert found / found.max() == pytest.approx(usual / usual.max(), rel=1e-4, abs=1e-6)

    def test_a_product_without_a_neighbour_says_nothing(self) -> None:
        """Nobody who has p4 has anything else, so its one owner goes to the fallback."""
        alone = fitted(self.make(), bank([*PAIRS, (3, 4)], users=5, products=6))
        asked = np.array(["u0", "u3", "u4", "stranger"], object)
        assert alone.can_score(asked).tolist() == [True, False, False, False]
        assert revived(alone).can_score(asked).tolist() == [True, False, False, False]
        # What came after the fit says nothing, and something beside it does.
        news = [(3, 5), (4, 5), (4, 0)]
        grown = alone.fold_in(context(bank(news, users=5, products=6)))
        assert grown.can_score(asked).tolist() == [True, False, True, False]

    def test_one_product(self) -> None:
        ranker = fitted(self.make(), bank([(0, 0), (1, 0)], products=1))
        assert np.isfinite(scores(ranker)).all()
        assert ranker.known_.tolist() == [True]

    def test_a_state_that_does_not_fit(self) -> None:
        ranker = fitted(self.make(), bank(PAIRS))
        again = revived(ranker)
        assert (scores(again) == scores(ranker)).all()
        assert again.get_params() == ranker.get_params()
        with pytest.raises(ValueError, match="do not fit"):
            revived(ranker, known_=np.array([True, True, False, True]))


def _dense(ranker: Any) -> NDArray[np.float32]:
    similarity = ranker.similarity_
    return similarity.toarray() if hasattr(similarity, "toarray") else similarity.copy()
