"""Logistic matrix factorisation, trained by `implicit`."""

import copy
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.ranking.factor_ranker import FactorRanker
from suitably.ranking.hold_out import HoldOut, is_small, select
from suitably.ranking.interactions import WeightedInteractions
from suitably.ranking.protocol import FitContext
from suitably.ranking.solvers import logistic
from suitably.ranking.solvers.implicit_training import bounded, trained
from suitably.utils.params import check_positive, check_positive_int

__all__ = ["LogisticMF"]

# Chosen on splits of FAR-Trans and on the simulated bank; a hold-out begins from them.
_FACTORS, _PENALTY = 32, 3.0
_AXES = {"factors": (32, 64, 128), "regularization": (1.0, 3.0, 8.0)}
_TRIAL_SWEEPS, _TRIALS = 12, 5
_RIVALS = 256


class LogisticMF(FactorRanker):
    """Matrix factorisation of the probability that a user acquires a product.

    Training is `implicit`'s, on one thread, so that it does not depend on how many there are.
    Its negatives are drawn in proportion to purchases, no more than factors + 2 for a user
    and sweep. A user without visible purchases cannot be scored, nor can a product without
    any.

    The vectors of users, at the fit and in `fold_in`, are not those that training ends with,
    which depend on the draw, but the one vector for each that minimises the expected loss of the
    training, given the products' vectors and a fixed sample of negatives by popularity. What a user
    turned down, at a negative weight, teaches nothing about products, and is a negative of the
    user's vector for certain, with the weight's size.

    Args:
        factors: Length of the latent vectors, without the two biases; None: 32, on large data 64
            or 128 if that is better on a hold-out, see "Defaults that adapt" in the guide to
            choosing a ranker.
        learning_rate: Length of the first steps of training.
        regularization: L2 penalty on vectors and biases; None: 3, on large data 1 or 8 if that is
            better on a hold-out.
        negatives: How many products are drawn for every one acquired.
        iterations: Sweeps over users and products.
        half_life_days: After how many days an interaction counts half; None: it never ages.
        event_weights: The weight of every kind of event that counts; None: those that mean
            ownership, at 1.

    Attributes:
        user_factors_: float32 (users, factors + 2), of which the last two are 1 and the bias.
        product_factors_: float32 (products, factors + 2), the last two being the bias and 1.
        popularity_: float64 (products,), the number of users who want each.
        factors_: Their number that was used.
        regularization_: The penalty that was used.

    Source:
        Johnson, "Logistic Matrix Factorization for Implicit Feedback Data", NIPS 2014 workshop
        on distributed machine learning, eq. 4 to 6.

    Example:
        >>> import suitably as st
        >>> bank = st.data.simulate_bank(users=200, products=40, seed=0)
        >>> pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=LogisticMF(factors=8))
        >>> pipeline.fit(bank).ranker_.product_factors_.shape  # a bias and a column of 1 beside
        (40, 10)
    """

    learned: ClassVar[tuple[str, ...]] = (
        *FactorRanker.learned,
        "popularity_",
        "factors_",
        "regularization_",
    )
    made_of_learned: ClassVar[tuple[str, ...]] = ("_fixed", "_of_all")
    popularity_: NDArray[np.float64]
    factors_: int
    regularization_: float

    def __init__(
        self,
        factors: int | None = None,
        learning_rate: float = 1.0,
        regularization: float | None = None,
        negatives: int = 1,
        iterations: int = 100,
        half_life_days: float | None = None,
        event_weights: Mapping[str, float] | None = None,
    ) -> None:
        self.factors = factors
        self.learning_rate = learning_rate
        self.regularization = regularization
        self.negatives = negatives
        self.iterations = iterations
        self.half_life_days = half_life_days
        self.event_weights = event_weights

    def _learn(self, history: WeightedInteractions, context: FitContext) -> None:
        self._choose(context)
        wanted = history.wanted
        _, products = trained(
            "LogisticMF",
            ("lmf", "LogisticMatrixFactorization"),
            bounded(wanted.core)[0],
            factors=self.factors_,
            learning_rate=self.learning_rate,
            regularization=self.regularization_,
            neg_prop=self.negatives,
            iterations=self.iterations,
            num_threads=1,
            random_state=context.seed,
        )
        width = wanted.weights.shape[1]
        self.popularity_ = np.bincount(wanted.weights.indices, minlength=width).astype(np.float64)
        self._spread(history, products)

    def _choose(self, context: FitContext) -> None:
        """Choose what is not given: by constants on small data, on a hold-out on large."""
        given = {"factors": self.factors, "regularization": self.regularization}
        rule = {"factors": _FACTORS, "regularization": _PENALTY}
        axes = {name: _AXES[name] for name in given if given[name] is None}
        large = bool(axes) and not is_small(context)
        found = select(HoldOut.of(context) if large else None, axes, rule, self._trial, _TRIALS)
        used = rule | dict(found) | {k: value for k, value in given.items() if value is not None}
        self.factors_, self.regularization_ = int(used["factors"]), float(used["regularization"])

    def _trial(self, values: Mapping[str, Any], hold_out: HoldOut) -> "LogisticMF":
        made = copy.copy(self)
        made._solved_for = hold_out.users
        sweeps = min(self.iterations, _TRIAL_SWEEPS)
        return made.set_params(**values, iterations=sweeps)

    def _vectors(self, lines: sparse.csr_array) -> NDArray[np.float32]:
        factors = self.product_factors_.shape[1] - 1
        found = logistic.vectors(lines, self._terms(), factors)
        out = np.insert(found, factors - 1, np.diff(lines.indptr) > 0, axis=1)
        return out.astype(np.float32)

    def _shares(
        self, line: sparse.csr_array, user: NDArray[np.float32], product: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float]:
        """Split by purchases; what negatives take away is nobody's."""
        mine, theirs = np.delete(user.astype(np.float64), -2), np.delete(product, -2)
        terms = self._terms()(line.indices[None], line.data[None].astype(np.float64))
        values = logistic.shares(terms, mine, theirs)[: line.nnz]
        return values, float(mine @ theirs + product[-2] - values.sum())

    @cached_property
    def _of_all(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
        """What is the same for every user: the products' vectors and biases, rivals and shares."""
        products = self.product_factors_.astype(np.float64)
        # The user's part is all but the column of 1 that meets the product's bias.
        bias, products = products[:, -2], np.delete(products, -2, axis=1)
        return products, bias, *logistic.rivals(self.popularity_, _RIVALS)

    def _terms(self) -> Callable[[NDArray[Any], NDArray[np.float64]], logistic.Terms]:
        """Return what gives the terms of users, by their products and weights."""
        products, bias, others, shares = self._of_all
        factors = products.shape[1]

        def terms(mine: NDArray[Any], weights: NDArray[np.float64]) -> logistic.Terms:
            users, side = len(mine), np.sign(weights)
            # Negatives are drawn for what was acquired; what was turned down is one for certain.
            drawn = np.minimum(factors + 1, (side > 0).sum(axis=1) * self.negatives)
            rival = np.broadcast_to(-products[others], (users, len(others), factors))
            own, offset = side[:, :, None] * products[mine], side * bias[mine]
            return logistic.Terms(
                np.concatenate([own, rival], axis=1),
                np.concatenate([offset, np.tile(-bias[others], (users, 1))], axis=1),
                np.concatenate([np.abs(weights), drawn[:, None] * shares], axis=1),
                np.full(users, self.regularization_),
            )

        return terms

    def _latent(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        return vectors[:, :-2]

    def _check_params(self) -> None:
        check_positive_int(self, "negatives", "iterations")
        check_positive_int(self, "factors", optional=True)
        check_positive(self, "learning_rate")
        check_positive(self, "regularization", optional=True)

    def _check_learned(self) -> None:
        super()._check_learned()
        if len(self.popularity_) != len(self.known_):
            raise ValueError("LogisticMF: products and their popularity do not fit")
