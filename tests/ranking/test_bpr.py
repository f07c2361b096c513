"""BPR: the contract, its hazards, and that customers are folded in by the loss it trains on."""

import numpy as np
import pytest
from scipy.optimize import minimize

import suitably
from ranking.latent import LatentContract
from suitably.ranking import BPR
from support.banks import seven as world


class TestBPR(LatentContract):
    def make(self) -> BPR:
        return BPR(factors=3, learning_rate=0.05, iterations=20)

    def make_weighted(self, weights: dict[str, float]) -> BPR:
        return BPR(factors=3, iterations=20, event_weights=weights)

    def test_the_bias_is_a_column_of_the_product(self) -> None:
        fitted = self.fitted()
        assert fitted.product_factors_.shape == (6, 4)
        assert fitted.user_factors_[:5, -1].tolist() == [1.0] * 5
        assert not fitted.user_factors_[5:].any()
        assert not fitted.product_factors_[5].any()

    def test_folded_vectors_minimise_the_expected_loss(self) -> None:
        """Every purchase against every product not owned, in proportion to popularity."""
        fitted = self.fitted()
        folded = fitted.fold_in(self.new_only(self.new))
        vectors, bias = np.split(fitted.product_factors_[:5].astype(float), [3], axis=1)
        share = fitted.popularity_[:5] / fitted.popularity_.sum()
        for user, owned in {5: [0, 3], 0: [0, 1, 4], 6: [1]}.items():
            others = [p for p in range(5) if p not in owned]

            def loss(x, owned=owned, others=others):
                pairs = sum(
                    share[j] * np.logaddexp(0, -(x @ (vectors[i] - vectors[j]) + bias[i] - bias[j]))
                    for i in owned
                    for j in others
                )
                penalty = fitted.regularization_ * len(owned) + 1 / (0.05 * 20)
                return float(pairs.sum() + penalty / 2 * x @ x)

            best = minimize(loss, np.zeros(3), tol=1e-12)
            mine = loss(folded.user_factors_[user, :3].astype(float))
            assert mine == pytest.approx(best.fun, rel=2e-2)
            assert folded.user_factors_[user, 3] == 1


@pytest.mark.parametrize("wrong", [
    {"factors": 0}, {"factors": 2.5}, {"iterations": -1}, {"regularization": 0.0},
    {"regularization": np.nan}, {"learning_rate": np.inf}, {"learning_rate": -0.1},
    {"half_life_days": 0},
])  # fmt: skip
def test_parameters_out_of_range(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        TestBPR().make_pipeline(world(), BPR(**wrong)).fit(world().dataset())


def test_training_that_runs_away_is_refused():
    """Steps so long that vectors overflow: an error, not a list in catalogue order."""
    with pytest.raises(suitably.DataError, match="BPR: training"):
        BPR(factors=3, learning_rate=1e30).fit(TestBPR().context(world().dataset()))
