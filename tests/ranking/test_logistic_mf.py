"""LogisticMF: the contract, and that customers are folded in by the loss it trains on."""

import numpy as np
import pytest
from scipy.optimize import minimize

from ranking.latent import LatentContract
from suitably.ranking import LogisticMF
from support.banks import seven as world


class TestLogisticMF(LatentContract):
    def make(self) -> LogisticMF:
        return LogisticMF(factors=3, regularization=0.6, negatives=30, iterations=10)

    def make_weighted(self, weights: dict[str, float]) -> LogisticMF:
        return LogisticMF(factors=3, regularization=0.6, iterations=10, event_weights=weights)

    def test_biases_are_columns(self) -> None:
        fitted = self.fitted()
        assert fitted.product_factors_.shape == (6, 5)
        assert fitted.product_factors_[:5, -1].tolist() == [1.0] * 5
        assert fitted.user_factors_[:5, -2].tolist() == [1.0] * 5
        assert not fitted.user_factors_[5:].any()

    def test_folded_vectors_minimise_the_expected_loss(self) -> None:
        """Purchases against as many products as training draws, in proportion to popularity."""
        fitted = self.fitted()
        folded = fitted.fold_in(self.new_only(self.new))
        products = fitted.product_factors_[:5].astype(float)
        share = fitted.popularity_[:5] / fitted.popularity_.sum()
        mine = [0, 1, 2, 4]
        for user, owned in {5: [0, 3], 0: [0, 1, 4], 6: [1]}.items():

            def loss(x, owned=owned):
                scores = products[:, mine] @ x + products[:, 3]
                drawn = min(5, 30 * len(owned))
                positive = np.logaddexp(0, -scores[owned]).sum()
                return positive + drawn * share @ np.logaddexp(0, scores) + 0.6 / 2 * x @ x

            best = minimize(loss, np.zeros(4), tol=1e-12)
            found = loss(folded.user_factors_[user, mine].astype(float))
            assert found == pytest.approx(best.fun, rel=2e-2)
            assert folded.user_factors_[user, 3] == 1


@pytest.mark.parametrize("wrong", [
    {"factors": 0}, {"negatives": 0}, {"iterations": True}, {"regularization": 0.0},
    {"learning_rate": np.nan}, {"half_life_days": -3},
])  # fmt: skip
def test_parameters_out_of_range(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        TestLogisticMF().make_pipeline(world(), LogisticMF(**wrong)).fit(world().dataset())
