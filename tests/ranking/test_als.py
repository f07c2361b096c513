"""ALS: the contract, and that it learns."""

from datetime import timedelta

import numpy as np
import pytest
from implicit.cpu.als import AlternatingLeastSquares
from scipy import sparse

import suitably
from ranking.latent import LatentContract
from suitably.ranking import ALS
from support.banks import AS_OF, FREE, World, popular
from support.banks import seven as world


class TestALS(LatentContract):
    def make(self) -> ALS:
        return ALS(factors=3, iterations=4, regularization=0.1)

    def make_weighted(self, weights: dict[str, float]) -> ALS:
        return ALS(factors=3, iterations=4, regularization=0.1, event_weights=weights)

    @pytest.mark.parametrize("alpha", [0.4, 1.0, 3.0, 40.0])
    def test_vectors_are_those_of_implicit(self, alpha: float) -> None:
        """Whatever the confidence, below that of an unobserved pair too."""
        ranker = ALS(factors=3, iterations=3, regularization=0.1, alpha=alpha)
        fitted = ranker.fit(self.context(world().dataset()))
        model = AlternatingLeastSquares(factors=3, regularization=0.1, alpha=alpha)
        model.item_factors = fitted.product_factors_
        weights = sparse.csr_matrix(fitted.interactions_.weights)
        expected = model.recalculate_user(np.arange(7), weights)
        np.testing.assert_allclose(fitted.user_factors_, expected, rtol=1e-4, atol=1e-5)

    def test_training_that_runs_away_is_refused(self) -> None:
        with pytest.raises(suitably.DataError, match="ALS: training"):
            ALS(factors=3, regularization=1e30).fit(self.context(world().dataset()))

    def test_it_learns(self) -> None:
        """Two tastes: who bought most of one shelf is offered the rest of it first."""
        users = [{**popular().users[0], "user_id": f"u{i}"} for i in range(20)]
        products = [{**popular().products[0], "product_id": f"p{i}"} for i in range(10)]
        log = [
            {"user_id": f"u{u}", "product_id": f"p{p}", "timestamp": AS_OF - timedelta(days=1)}
            for u in range(20)
            for p in range(10)
            if p % 2 == u % 2 and (u * 3 + p) % 5
        ]
        two = World(users, products, log, (FREE,))
        first = [row for row in self._lists(self.fitted_pipeline(two)) if row["rank"] == 1]
        assert len(first) == 20
        assert all(int(r["product_id"][1:]) % 2 == int(r["user_id"][1:]) % 2 for r in first)

    def test_nothing_to_learn_from(self) -> None:
        future = [{**row, "timestamp": AS_OF} for row in world().events]
        with pytest.raises(suitably.DataError, match="nothing can be learned"):
            self.fitted_pipeline(world().but(events=future))

    def test_scores_are_products_of_the_vectors(self) -> None:
        pipeline = self.fitted_pipeline()
        ranker = pipeline.ranker_
        for row in self._lists(pipeline):
            user, product = int(row["user_id"][1:]), int(row["product_id"][1:])
            total = 0.0
            for a, b in zip(ranker.user_factors_[user], ranker.product_factors_[product],
                            strict=True):  # fmt: skip
                total += float(a) * float(b)
            assert np.float32(row["score"]) == np.float32(total)
