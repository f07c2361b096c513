"""IALS: the contract, its objective by brute force, and where it starts from."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

import suitably
from ranking.latent import LatentContract, event
from suitably.ranking import IALS
from suitably.ranking.solvers import kernels as solver_kernels
from support.banks import AS_OF
from support.banks import seven as world
from support.states import revived


def objective(ranker: IALS) -> float:
    """As the paper writes it, over every pair, in plain NumPy."""
    weights = ranker.interactions_.core.toarray().astype(float)
    users = ranker.user_factors_[ranker.interactions_.active].astype(float)
    products = ranker.product_factors_[ranker.known_].astype(float)
    scores, unobserved = users @ products.T, ranker.unobserved_weight_
    total = (weights * (scores - 1) ** 2).sum() + unobserved * (scores**2).sum()
    for side, counts, others in (
        (users, weights.sum(axis=1), weights.shape[1]),
        (products, weights.sum(axis=0), weights.shape[0]),
    ):
        penalty = ranker.regularization_ * (counts + unobserved * others) ** ranker.scaling
        total += penalty @ (side**2).sum(axis=1)
    return float(total)


def bank(seed: int = 0, customers: int = 60, shelf: int = 20, share: float = 0.2) -> Any:
    """Two tastes, with noise."""
    rng = np.random.default_rng(seed)
    likes = rng.random((customers, shelf)) < share
    likes |= (rng.random(likes.shape) < 0.5) & (
        np.arange(customers)[:, None] % 2 == np.arange(shelf) % 2
    )
    base = world()
    return base.but(
        users=[{**base.users[0], "user_id": f"u{i}"} for i in range(customers)],
        products=[{**base.products[0], "product_id": f"p{i}"} for i in range(shelf)],
        events=[event(f"u{u}", f"p{p}", int(u + p) % 50 + 1) for u, p in np.argwhere(likes)],
    )


class TestIALS(LatentContract):
    def make(self) -> IALS:
        return IALS(factors=3, iterations=6)

    def make_weighted(self, weights: dict[str, float]) -> IALS:
        return IALS(factors=3, iterations=6, event_weights=weights)

    def of_bank(self, seed: int = 0, given: Any = None, **parameters: Any) -> IALS:
        ranker = IALS(**{"factors": 4, "regularization": 0.02, **parameters})
        return ranker.fit(self.context((given or bank()).dataset(), seed))

    @pytest.mark.parametrize("scaling", [0.0, 0.5, 1.0])
    @pytest.mark.parametrize("half_life_days", [None, 20.0])
    def test_the_objective_falls_with_every_sweep(self, scaling, half_life_days) -> None:
        given = {"scaling": scaling, "half_life_days": half_life_days, "tolerance": 0.0}
        fitted = self.of_bank(iterations=12, **given)
        assert len(fitted.objective_) == 12
        assert (np.diff(fitted.objective_) < 1e-9 * fitted.objective_[:-1]).all()
        for sweeps in (1, 4, 12):
            # Customers are solved for once more after the last sweep, so it can only fall.
            found = objective(self.of_bank(iterations=sweeps, **given))
            assert found <= fitted.objective_[sweeps - 1] * (1 + 1e-6)
        assert found == pytest.approx(fitted.objective_[-1], rel=1e-3)

    def test_no_small_change_lowers_it_further(self) -> None:
        fitted = self.of_bank(iterations=400, tolerance=0.0)
        least = objective(fitted)
        rng = np.random.default_rng(0)
        assert least == pytest.approx(fitted.objective_[-1], rel=1e-6)
        for _ in range(20):
            factors = fitted.state()["active_user_factors"]
            noise = 0.05 * rng.normal(size=factors.shape)
            moved = revived(fitted, active_user_factors=factors + noise)
            assert objective(moved) > least

    def test_defaults_are_scaled_to_the_data(self) -> None:
        fitted = self.of_bank(regularization=None)
        weights = fitted.interactions_.core
        users, products = weights.shape
        assert fitted.unobserved_weight_ * users * products == pytest.approx(4 * weights.sum())
        noise = np.sqrt(weights.nnz / users) + np.sqrt(weights.nnz / products)
        both = np.sqrt(weights.sum() / users + fitted.unobserved_weight_ * products) * np.sqrt(
            weights.sum() / products + fitted.unobserved_weight_ * users
        )
        assert fitted.regularization_ * both == pytest.approx(0.6 * noise)
        given = self.of_bank(unobserved_weight=0.5, regularization=0.25)
        assert (given.unobserved_weight_, given.regularization_) == (0.5, 0.25)

    def test_by_numpy_and_by_numba(self, monkeypatch) -> None:
        pytest.importorskip("numba")
        scores = []
        for kernel in (solver_kernels.with_numba, solver_kernels.with_numpy):
            monkeypatch.setattr(solver_kernels, "chosen", lambda kernel=kernel: kernel)
            fitted = self.of_bank()
            scores.append(fitted.user_factors_ @ fitted.product_factors_.T)
        np.testing.assert_allclose(*scores, atol=1e-5)

    def test_the_same_on_any_number_of_threads(self, monkeypatch) -> None:
        found = []
        for threads in (1, 4):
            monkeypatch.setattr("os.sched_getaffinity", lambda _, threads=threads: range(threads))
            monkeypatch.setattr("suitably.ranking.solvers.least_squares._SMALL", 1)
            found.append(self.of_bank().user_factors_)
        assert np.array_equal(*found)

    def test_customers_vectors_are_those_folded_in(self) -> None:
        """Whoever was there at the fit has the vector that a newcomer alike would get."""
        fitted = self.of_bank()
        held = {(row["user_id"], row["product_id"]) for row in bank().events}
        copied = [event("u59", p) for u, p in held if u == "u0" and ("u59", p) not in held]
        folded = fitted.fold_in(self.new_only(copied, bank()))
        again = fitted.fold_in(self.new_only(bank().events, bank()))
        assert np.array_equal(again.user_factors_, fitted.user_factors_)
        assert not np.array_equal(folded.user_factors_[59], fitted.user_factors_[59])

    def test_a_penalty_that_leaves_nothing_scores_nobody(self) -> None:
        fitted = IALS(factors=3, regularization=1e200).fit(self.context(world().dataset()))
        assert not fitted.can_score(np.array(["u0"], object)).any()

    @pytest.mark.parametrize("as_state", [False, True])
    def test_starting_from_a_fit_ends_sooner(self, as_state: bool) -> None:
        first = self.of_bank(tolerance=1e-6, iterations=500)
        later = bank().but(events=[*bank().events, event("u3", "p9"), event("u8", "p2")])
        start = first.state() if as_state else first
        cold = self.of_bank(given=later, tolerance=1e-6, iterations=500)
        warm = self.of_bank(given=later, tolerance=1e-6, iterations=500, start=start)
        assert len(warm.objective_) < len(cold.objective_) / 2
        assert warm.objective_[-1] == pytest.approx(cold.objective_[-1], rel=1e-3)

    def test_starting_from_others_matches_products_by_id(self) -> None:
        """Other customers, other products in another order: what both have is taken over."""
        base = bank()
        other = base.but(
            users=[{**row, "user_id": f"x{i}"} for i, row in enumerate(base.users)],
            products=[{**base.products[0], "product_id": "new"}, *base.products[:2:-1]],
            events=[
                {**row, "user_id": "x" + row["user_id"][1:]}
                for row in base.events
                if row["product_id"] not in ("p0", "p1", "p2")
            ]
            + [event("x5", "new")],
        )
        first = self.of_bank(tolerance=1e-6, iterations=500)
        warm = self.of_bank(given=other, tolerance=1e-6, iterations=500, start=first)
        cold = self.of_bank(given=other, tolerance=1e-6, iterations=500)
        assert len(warm.objective_) < len(cold.objective_)
        assert warm.product_ids_[0] == "new"
        assert np.isfinite(warm.product_factors_).all()

    def test_what_it_started_from_is_not_saved_with_it(self) -> None:
        warm = self.of_bank(start=self.of_bank())
        assert warm.state()["start"] is None
        again = revived(warm)
        ids = np.array(["u0", "u7"], object)
        assert np.array_equal(again.scorer(ids).users, warm.scorer(ids).users)

    def test_nobody_is_named_by_how_it_is_shown(self) -> None:
        warm = IALS(factors=4, start=self.of_bank().state())
        assert repr(warm) == "IALS(factors=4, start={})"
        assert warm.get_params()["start"] is warm.start

    def test_a_start_that_does_not_fit(self) -> None:
        fitted = self.of_bank()
        with pytest.raises(ValueError, match=r"has 4 factors, must have 5"):
            self.of_bank(factors=5, start=fitted)
        with pytest.raises(suitably.NotFittedError):
            self.of_bank(start=IALS())
        with pytest.raises(ValueError, match="is of type str"):
            self.of_bank(start="model")
        with pytest.raises(ValueError, match="start"):
            self.of_bank(start={"factors": 4})
        elsewhere = bank().but(
            products=[{**row, "product_id": "q" + row["product_id"]} for row in bank().products],
            events=[{**row, "product_id": "q" + row["product_id"]} for row in bank().events],
        )
        with pytest.raises(suitably.DataError, match="knows none of the products"):
            self.of_bank(given=elsewhere, start=fitted)

    def test_recent_purchases_weigh_more(self) -> None:
        base = bank()
        moved = [
            {**row, "timestamp": AS_OF - timedelta(days=1 if row["product_id"] == "p4" else 300)}
            for row in base.events
        ]
        given = base.but(events=moved)
        plain, aged = (self.of_bank(given=given, half_life_days=days) for days in (None, 60.0))
        ids = np.array([f"u{i}" for i in range(60)], object)

        def share(ranker: IALS) -> float:
            scorer = ranker.scorer(ids)
            return float(((scorer.users @ scorer.products.T).argmax(axis=1) == 4).mean())

        assert share(aged) > share(plain)


@pytest.mark.parametrize("wrong", [
    {"factors": 0}, {"factors": 1.5}, {"iterations": 0}, {"unobserved_weight": 0.0},
    {"unobserved_weight": -0.1}, {"regularization": -1.0}, {"regularization": np.nan},
    {"scaling": np.inf}, {"tolerance": -1e-3}, {"init_stddev": 0.0}, {"half_life_days": 0.0},
])  # fmt: skip
def test_parameters_out_of_range(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        IALS(**wrong).fit(TestIALS().context(world().dataset()))
