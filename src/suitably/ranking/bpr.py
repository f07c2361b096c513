"""Bayesian personalised ranking, trained by `implicit`."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.ranking.factor_ranker import FactorRanker
from suitably.ranking.hold_out import is_small
from suitably.ranking.interactions import WeightedInteractions
from suitably.ranking.protocol import FitContext
from suitably.ranking.solvers import logistic
from suitably.ranking.solvers.implicit_training import trained
from suitably.utils.params import check_positive, check_positive_int

__all__ = ["BPR"]

# Chosen on splits of FAR-Trans and on the simulated bank; and on long-tailed simulated worlds of
# 2,000 to 10,000 products.
_SMALL = {"factors": 16, "learning_rate": 0.005, "regularization": 0.04, "iterations": 200}
_LARGE = {"factors": 64, "learning_rate": 0.02, "regularization": 0.01, "iterations": 60}
_RIVALS, _DEALT = 128, 256


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
    further L2 penalty of 1 / (learning_rate · iterations), so this is added. What a user turned
    down, at a negative weight, teaches nothing about products, and is a negative of the user's
    vector for certain: it is to come after what else is acquired, the user's own included, with the
    weight's size.

    Against rivals drawn in proportion to purchases, what is learned is how likely a product is
    beside its popularity: on large data the logarithm of its popularity is added to a product's
    bias, which makes up for the draw, and each rival of the sample is set against one purchase in
    turn. A few hundred products of a small shelf are ranked as well without. Data is large from
    1,000 acquired products on, see "Defaults that adapt" in the guide to choosing a ranker.

    Args:
        factors: Length of the latent vectors, without the product's bias; None: 16, on large data
            64.
        learning_rate: Length of the steps of training; None: 0.005, on large data 0.02.
        regularization: L2 penalty on vectors and biases; None: 0.04, on large data 0.01.
        iterations: Sweeps over as many random purchases as there are; None: 200, on large data 60.
        half_life_days: After how many days an interaction counts half; None: it never ages.
        event_weights: The weight of every kind of event that counts; None: those that mean
            ownership, at 1.

    Attributes:
        user_factors_: float32 (users, factors + 1), of which the last is 1.
        product_factors_: float32 (products, factors + 1), of which the last is the bias.
        popularity_: float64 (products,), the number of users who want each.
        factors_: Their number that was used.
        learning_rate_: The length of steps that was used.
        regularization_: The penalty that was used.
        iterations_: The number of sweeps.
        popularity_exponent_: The power of popularity by which odds are multiplied: 1 on large
            data, 0 on small.

    Source:
        Rendle, Freudenthaler, Gantner and Schmidt-Thieme, "BPR: Bayesian Personalized Ranking
        from Implicit Feedback", UAI 2009, section 4. Ali, Kolter and Tibshirani, "A
        Continuous-Time View of Early Stopping for Least Squares Regression", AISTATS 2019. On the
        correction: Yi and others, "Sampling-Bias-Corrected Neural Modeling for Large Corpus Item
        Recommendations", RecSys 2019, eq. 3.

    Example:
        >>> import suitably as st
        >>> bank = st.data.simulate_bank(users=200, products=40, seed=0)
        >>> pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=BPR(factors=8))
        >>> pipeline.fit(bank).ranker_.product_factors_.shape  # the last is the bias
        (40, 9)
    """

    learned: ClassVar[tuple[str, ...]] = (
        *FactorRanker.learned,
        "popularity_",
        "factors_",
        "learning_rate_",
        "regularization_",
        "iterations_",
        "popularity_exponent_",
    )
    made_of_learned: ClassVar[tuple[str, ...]] = ("_fixed", "_of_all")
    popularity_: NDArray[np.float64]
    factors_: int
    learning_rate_: float
    regularization_: float
    iterations_: int
    popularity_exponent_: float

    def __init__(
        self,
        factors: int | None = None,
        learning_rate: float | None = None,
        regularization: float | None = None,
        iterations: int | None = None,
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
        small = is_small(context)
        for name, value in (_SMALL if small else _LARGE).items():
            given = getattr(self, name)
            setattr(self, f"{name}_", value if given is None else given)
        self.popularity_exponent_ = 0.0 if small else 1.0
        wanted = history.wanted
        _, products = trained(
            "BPR",
            ("bpr", "BayesianPersonalizedRanking"),
            wanted.core,
            factors=self.factors_,
            learning_rate=self.learning_rate_,
            regularization=self.regularization_,
            iterations=self.iterations_,
            num_threads=1,
            random_state=context.seed,
        )
        width = wanted.weights.shape[1]
        self.popularity_ = np.bincount(wanted.weights.indices, minlength=width).astype(np.float64)
        products[:, -1] += self._correction[history.known]
        self._spread(history, products)

    def _vectors(self, lines: sparse.csr_array) -> NDArray[np.float32]:
        found = logistic.vectors(lines, self._terms(), self.factors_)
        out = np.insert(found, self.factors_, np.diff(lines.indptr) > 0, axis=1)
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
        products, bias = np.split(self.product_factors_.astype(np.float64), [self.factors_], axis=1)
        rivals = _DEALT if self.popularity_exponent_ > 0 else _RIVALS
        bias = bias[:, 0] - self._correction
        return products, bias, *logistic.rivals(self.popularity_, rivals)

    def _terms(self) -> Callable[[NDArray[Any], NDArray[np.float64]], logistic.Terms]:
        """Return what gives the terms of users, by their products and weights."""
        products, bias, others, shares = self._of_all
        dealt = self.popularity_exponent_ > 0
        every = np.arange(len(others))[None]
        stopping = 1 / (self.learning_rate_ * self.iterations_)

        def terms(mine: NDArray[Any], weights: NDArray[np.float64]) -> logistic.Terms:
            places = _dealt(mine.shape[1], len(others)) if dealt else every
            against, counted = others[places], shares[places]
            if dealt:
                counted = counted / counted.sum(axis=1)[:, None]
            features = products[mine][:, :, None] - products[against]
            ahead = bias[mine][:, :, None] - bias[against]
            features, ahead, sizes = logistic.sided(features, ahead, weights)
            free = counted * logistic.opposed(mine, weights, others, places)
            flat = (len(mine), -1)
            return logistic.Terms(
                features.reshape(*flat, self.factors_),
                ahead.reshape(flat),
                (sizes[:, :, None] * free).reshape(flat),
                self.regularization_ * sizes.sum(axis=1) + stopping,
            )

        return terms

    @property
    def _correction(self) -> NDArray[np.float64]:
        """What makes up for the draw of rivals, of which training knows nothing: (products,)."""
        corrected: NDArray[np.float64] = np.log(np.maximum(self.popularity_, 1.0))
        return self.popularity_exponent_ * corrected

    def _latent(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        return vectors[:, :-1]

    def _check_params(self) -> None:
        check_positive_int(self, "factors", "iterations", optional=True)
        check_positive(self, "learning_rate", "regularization", optional=True)

    def _check_learned(self) -> None:
        super()._check_learned()
        if len(self.popularity_) != len(self.known_):
            raise ValueError("BPR: products and their popularity do not fit")


def _dealt(purchases: int, rivals: int) -> NDArray[np.int64]:
    """Deal rivals out to a user's purchases in turn: their places (purchases, rivals of each)."""
    each = max(1, rivals // purchases)
    places = np.arange(purchases)[:, None] + purchases * np.arange(each)
    return places % rivals
