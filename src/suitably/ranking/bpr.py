"""Bayesian personalised ranking, trained by `implicit`."""

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any, ClassVar

import numpy as np
from implicit.cpu.bpr import BayesianPersonalizedRanking
from numpy.typing import NDArray
from scipy import sparse

from suitably.ranking.base import FactorRanker
from suitably.ranking.interactions import WeightedInteractions
from suitably.ranking.protocol import FitContext
from suitably.ranking.solvers import logistic
from suitably.ranking.solvers.implicit_training import trained
from suitably.utils.params import check_positive, check_positive_int

__all__ = ["BPR"]

_RIVALS = 128


class BPR(FactorRanker):
    """Matrix factorisation that learns to put what was acquired before what was not.

    Training is `implicit`'s, on one thread, without which it is not reproducible: for a purchase
    drawn at random it draws a rival in proportion to purchases. It takes no weights, so a
    half-life or event weights only say which pairs teach it about products (weight above 0).
    A user without visible purchases cannot be scored, nor can a product without any.

    The vectors of users, at the fit and in `fold_in`, are not those that training ends with,
    which depend on the order of the draw, but the one vector for each that minimises the expected
    loss of the training, with its weights, given the products' vectors and a fixed sample of
    rivals by popularity. Training stops long before that minimum, which holds vectors back like a
    further L2 penalty of 1 / (learning_rate · iterations), so this is added.

    Args:
        factors: Length of the latent vectors, without the product's bias.
        learning_rate: Length of the steps of training.
        regularization: L2 penalty on vectors and biases.
        iterations: Sweeps over as many random purchases as there are.
        half_life_days: After how many days an interaction counts half; None: it never ages.
        event_weights: The weight of every kind of event that counts; None: those that mean
            ownership, at 1.

    Attributes:
        user_factors_: float32 (users, factors + 1), of which the last is 1.
        product_factors_: float32 (products, factors + 1), of which the last is the bias.
        popularity_: float64 (products,), the number of users who have each.

    Source:
        Rendle, Freudenthaler, Gantner and Schmidt-Thieme, "BPR: Bayesian Personalized Ranking
        from Implicit Feedback", UAI 2009, section 4. Ali, Kolter and Tibshirani, "A
        Continuous-Time View of Early Stopping for Least Squares Regression", AISTATS 2019.

    Example:
        >>> import suitably as st
        >>> bank = st.data.simulate_bank(users=200, products=40, seed=0)
        >>> pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=BPR(factors=8))
        >>> pipeline.fit(bank).ranker_.product_factors_.shape  # the last is the bias
        (40, 9)
    """

    learned: ClassVar[tuple[str, ...]] = (*FactorRanker.learned, "popularity_")
    made_of_learned: ClassVar[tuple[str, ...]] = ("_fixed", "_of_all")
    popularity_: NDArray[np.float64]

    def __init__(
        self,
        factors: int = 16,
        learning_rate: float = 0.005,
        regularization: float = 0.04,
        iterations: int = 200,
        half_life_days: float | None = None,
        event_weights: Mapping[str, float] | None = None,
    ) -> None:
        self.factors = factors
        self.learning_rate = learning_rate
        self.regularization = regularization
        self.iterations = iterations
        self.half_life_days = half_life_days
        self.event_weights = event_weights

    def _learn(self, history: WeightedInteractions, context: FitContext) -> None:
        make = partial(
            BayesianPersonalizedRanking,
            factors=self.factors,
            learning_rate=self.learning_rate,
            regularization=self.regularization,
            iterations=self.iterations,
            num_threads=1,
            random_state=context.seed,
        )
        _, products = trained("BPR", make, history.core)
        width = history.weights.shape[1]
        self.popularity_ = np.bincount(history.weights.indices, minlength=width).astype(np.float64)
        self._spread(history, products)

    def _vectors(self, lines: sparse.csr_array) -> NDArray[np.float32]:
        found = logistic.vectors(lines, self._terms(), self.factors)
        out = np.insert(found, self.factors, np.diff(lines.indptr) > 0, axis=1)
        return out.astype(np.float32)

    def _shares(
        self, line: sparse.csr_array, user: NDArray[np.float32], product: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float]:
        """Split by purchases; each has rivals of its own."""
        vector = user[:-1].astype(np.float64)
        terms = self._terms()(line.indices[None], line.data[None].astype(np.float64))
        parts = logistic.shares(terms, vector, product[:-1])
        values = parts.reshape(line.nnz, -1).sum(axis=1)
        return values, float(vector @ product[:-1] + product[-1] - values.sum())

    @cached_property
    def _of_all(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
        """What is the same for every user: the products' vectors and biases, rivals and shares."""
        products, bias = np.split(self.product_factors_.astype(np.float64), [self.factors], axis=1)
        return products, bias, *logistic.rivals(self.popularity_, _RIVALS)

    def _terms(self) -> Callable[[NDArray[Any], NDArray[np.float64]], logistic.Terms]:
        """Return what gives the terms of users, by their products and weights."""
        products, bias, others, shares = self._of_all
        stopping = 1 / (self.learning_rate * self.iterations)

        def terms(mine: NDArray[Any], weights: NDArray[np.float64]) -> logistic.Terms:
            features = products[mine][:, :, None] - products[others]
            # What the user owns is no rival.
            free = shares * (others != mine[:, :, None]).all(axis=1)[:, None, :]
            flat = (len(mine), -1)
            return logistic.Terms(
                features.reshape(*flat, self.factors),
                (bias[mine] - bias[others, 0]).reshape(flat),
                (weights[:, :, None] * free).reshape(flat),
                self.regularization * weights.sum(axis=1) + stopping,
            )

        return terms

    def _latent(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        return vectors[:, :-1]

    def _check_params(self) -> None:
        check_positive_int(self, "factors", "iterations")
        check_positive(self, "learning_rate", "regularization")

    def _check_learned(self) -> None:
        super()._check_learned()
        if len(self.popularity_) != len(self.known_):
            raise ValueError("BPR: products and their popularity do not fit")
