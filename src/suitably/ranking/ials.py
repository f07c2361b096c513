"""Implicit alternating least squares with Rendle's objective, by a solver of our own."""

import copy
from collections.abc import Mapping
from typing import Any, ClassVar, Union

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.data.vocabulary import Vocabulary, id_array
from suitably.errors import DataError, NotFittedError
from suitably.ranking.hold_out import HoldOut, is_small, select
from suitably.ranking.interactions import WeightedInteractions
from suitably.ranking.least_squares_ranker import LeastSquaresRanker
from suitably.ranking.protocol import FitContext, State
from suitably.ranking.solvers.least_squares import Fixed
from suitably.ranking.solvers.scales import default_factors, noise_norm
from suitably.ranking.topk.engine import check_factors
from suitably.ranking.totals import Totals
from suitably.utils.parallel import one_blas_thread
from suitably.utils.params import check_positive, check_positive_int
from suitably.utils.progress import progress

__all__ = ["IALS"]

Floats = NDArray[np.float64]
# Chosen on splits 8, 16 and 24 of FAR-Trans and on the simulated bank, for small data.
_SMALL = {"unobserved": 4.0, "noise": 0.6}
# Where a hold-out decides, it begins from `_LARGE`.
_LARGE = {"unobserved": 16.0, "noise": 0.6}
_AXES = {"unobserved": (1.0, 4.0, 16.0, 64.0), "noise": (0.15, 0.25, 0.4, 0.6, 0.9)}
_TRIAL_FACTORS, _TRIAL_SWEEPS = 32, 4


class IALS(LeastSquaresRanker):
    """Matrix factorisation with a small weight on all pairs and frequency-scaled penalties.

    Minimises Σ wᵤᵢ (xᵤ·yᵢ − 1)² over what was acquired, plus `unobserved_weight` · Σ (xᵤ·yᵢ)²
    over all pairs, plus Σ λᵤ ‖xᵤ‖² + Σ λᵢ ‖yᵢ‖². Here λᵤ is `regularization` times
    (Σᵢ abs(wᵤᵢ) + unobserved_weight · products) to the power of `scaling`, and λᵢ likewise.
    The products' vectors alternate with exact solutions for the users', in float64.
    What was turned down, at a weight below 0, has Σ abs(wᵤᵢ) (xᵤ·yᵢ)² instead: a user of such alone
    cannot be scored. A user without visible purchases cannot be scored, nor can a product without
    any.

    Args:
        factors: Length of the latent vectors; None: as many as `start` has, else 64, and more
            where there are more than some 6,000 products, see `default_factors`.
        unobserved_weight: Weight of a pair, acquired or not, relative to 1 for an acquisition;
            α₀ in the paper. None: such that all pairs together weigh 4 times what was acquired on
            small data; else 16 times, or what of 1, 4 and 64 is better on a hold-out.
        regularization: L2 penalty; λ in the paper. None: by the noise. The penalties of a typical
            user and product together take √(λᵤλᵢ) off the singular values of the matrix, and
            chance alone has some of about √(Σ w² / users) + √(Σ w² / products). The first is set
            to 0.6 of the second; unless data is small, to what of 0.15 to 0.9 is better on a
            hold-out. See "Defaults that adapt" in the guide to choosing a ranker.
        scaling: How penalties grow with the weight of what they hold back, from 0, alike for all,
            to 1; ν in the paper.
        iterations: The most sweeps over users and products.
        tolerance: Sweeps end when one lowers the objective by less than this share of it.
        init_stddev: Standard deviation of the length of vectors at the start.
        half_life_days: After how many days an interaction counts half; None: it never ages.
        event_weights: The weight of every kind of event that counts; None: those that mean
            ownership, at 1.
        start: A fitted `IALS`, or its state, whose products' vectors are the starting point;
            products are matched by id, and users follow from products. It needs the same
            number of factors.

    Attributes:
        user_factors_: float32 (users, factors).
        product_factors_: float32 (products, factors).
        product_ids_: The products' external ids, in order.
        factors_: Their number that was used.
        unobserved_weight_: The weight that was used.
        regularization_: The penalty that was used.
        objective_: float64 (sweeps,), the objective after every sweep.

    Source:
        Rendle, Krichene, Zhang and Koren, "Revisiting the Performance of iALS on Item
        Recommendation Benchmarks", RecSys 2022, eq. 1 to 6. Penalties and singular values:
        Srebro, Rennie and Jaakkola, "Maximum-Margin Matrix Factorization", NIPS 2004, lemma 1;
        those of noise: Bandeira and van Handel, "Sharp Nonasymptotic Bounds on the Norm of Random
        Matrices with Independent Entries", Annals of Probability 44, 2016.

    Example:
        >>> import suitably as st
        >>> bank = st.data.simulate_bank(users=200, products=40, seed=0)
        >>> pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=IALS(factors=8))
        >>> ranker = pipeline.fit(bank).ranker_
        >>> bool((ranker.objective_[1:] < ranker.objective_[:-1]).all())  # every sweep lowers it
        True
    """

    learned: ClassVar[tuple[str, ...]] = (
        *LeastSquaresRanker.learned,
        "product_ids_",
        "factors_",
        "unobserved_weight_",
        "regularization_",
        "objective_",
    )
    kept_by_clone: ClassVar[tuple[str, ...]] = ("start",)
    product_ids_: NDArray[Any]
    factors_: int
    unobserved_weight_: float
    regularization_: float
    objective_: Floats

    def __init__(
        self,
        factors: int | None = None,
        unobserved_weight: float | None = None,
        regularization: float | None = None,
        scaling: float = 1.0,
        iterations: int = 32,
        tolerance: float = 1e-4,
        init_stddev: float = 0.1,
        half_life_days: float | None = None,
        event_weights: Mapping[str, float] | None = None,
        start: Union["IALS", State, None] = None,
    ) -> None:
        self.factors = factors
        self.unobserved_weight = unobserved_weight
        self.regularization = regularization
        self.scaling = scaling
        self.iterations = iterations
        self.tolerance = tolerance
        self.init_stddev = init_stddev
        self.half_life_days = half_life_days
        self.event_weights = event_weights
        self.start = start

    def __repr__(self) -> str:
        shown = copy.copy(self)
        if isinstance(self.start, dict):
            # A state holds the ids of users.
            shown.start = {}
        return super(IALS, shown).__repr__()

    def state(self) -> State:
        """Return the parameters and what was learned; where it started from is part of that."""
        return {**super().state(), "start": None}

    def _learn(self, history: WeightedInteractions, context: FitContext) -> None:
        self.product_ids_ = context.data.product_ids
        by_user = history.core.astype(np.float64)
        by_product = sparse.csr_array(by_user.T.tocsr())
        self._choose(by_user, context)
        user_ridge = self._ridge(by_user)
        product_ridge = self._ridge(by_product)
        products = self._first(history, context)
        targets = sparse.csr_array(by_product.maximum(0))
        total, objective = float(np.maximum(by_user.data, 0).sum()), []
        with one_blas_thread():
            for _ in progress(range(self.iterations), "IALS", unit="sweep"):
                users, products = self._half(products, by_user, user_ridge)
                products, users = self._half(users, by_product, product_ridge)
                # Where products are at their best, quadratic terms are half the linear one.
                held_back = float(user_ridge @ np.einsum("uf,uf->u", users, users))
                gained = float(((targets @ users) * products).sum())
                objective.append(total + held_back - gained)
                if self._settled(objective):
                    break
        check_factors("IALS", users, products)
        self.objective_ = np.array(objective)
        self._spread(history, products)

    def _half(self, held: Floats, lines: sparse.csr_array, ridge: Floats) -> tuple[Floats, Floats]:
        """Solve for one side; the other comes back in the same basis."""
        fixed = Fixed.of(held, self.unobserved_weight_, np.diff(lines.indptr))
        weights, targets = self._terms(lines.data)
        return fixed.solve(lines, weights, targets, ridge, turn_back=False), fixed.vectors

    def _vectors(self, lines: sparse.csr_array) -> NDArray[np.float32]:
        products = self.product_factors_.astype(np.float64)
        weights, targets = self._terms(lines.data)
        with one_blas_thread():
            fixed = Fixed.of(products, self.unobserved_weight_)
            ridge = self._ridge(lines, int(self.known_.sum()))
            found = fixed.solve(lines, weights, targets, ridge)
        vectors: NDArray[np.float32] = found.astype(np.float32)
        return vectors

    def _shares(
        self, line: sparse.csr_array, user: NDArray[np.float32], product: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float]:
        """Split as Hu, Koren and Volinsky do, ICDM 2008, section 5, under this objective."""
        ridge = float(self._ridge(line, int(self.known_.sum()))[0])
        weights, targets = self._terms(line.data)
        return self._fixed.shares(line, weights, targets, ridge, product), 0.0

    @property
    def _unobserved(self) -> float:
        return self.unobserved_weight_

    def _choose(self, weights: sparse.csr_array, context: FitContext) -> None:
        """Choose what is not given: by constants on small data, on a hold-out on large."""
        small = is_small(context)
        if self.factors is not None:
            self.factors_ = int(self.factors)
        elif self.start is not None:
            self.factors_ = self._earlier(self.start).product_factors_.shape[1]
        else:
            self.factors_ = default_factors(weights.shape, small)
        free = {"unobserved": self.unobserved_weight, "noise": self.regularization}
        axes = {} if small else {name: _AXES[name] for name in free if free[name] is None}
        rule = _SMALL if small else _LARGE
        found = select(HoldOut.of(context) if axes else None, axes, rule, self._trial)
        scales = self._scales(weights, **{**rule, **found})
        self.unobserved_weight_, self.regularization_ = scales

    def _trial(self, values: Mapping[str, Any], hold_out: HoldOut) -> "IALS":
        weights = hold_out.split.past.interactions.weighted(self._weighting).core.astype(np.float64)
        unobserved, penalty = self._scales(weights, **{**_LARGE, **values})
        made = copy.copy(self)
        made._solved_for = hold_out.users
        made.set_params(
            factors=min(self.factors_, _TRIAL_FACTORS),
            unobserved_weight=unobserved,
            regularization=penalty,
            iterations=min(self.iterations, _TRIAL_SWEEPS),
            start=None,
        )
        return made

    def _scales(
        self, weights: sparse.csr_array, unobserved: float, noise: float
    ) -> tuple[float, float]:
        """Return the unobserved weight and the penalty: as given, or by their rules.

        Args:
            weights: What was acquired, and below 0 what was turned down.
            unobserved: What all pairs together weigh, relative to what was acquired.
            noise: What penalties take off singular values, relative to those of chance.
        """
        wanted, total = weights.maximum(0), float(np.abs(weights.data).sum())
        gained = float(wanted.data.sum())
        return self._rule(weights.shape, gained, total, noise_norm(wanted), unobserved, noise)

    def _rule(
        self,
        shape: tuple[int, ...],
        gained: float,
        total: float,
        chance: float,
        unobserved: float,
        noise: float,
    ) -> tuple[float, float]:
        users, products = shape
        given = self.unobserved_weight
        weight = unobserved * gained / (users * products)
        weight = weight if given is None else float(given)
        strength = (total / users + weight * products) * (total / products + weight * users)
        chosen = noise * chance / strength ** (self.scaling / 2)
        return weight, float(chosen if self.regularization is None else self.regularization)

    def _terms(self, weights: NDArray[Any]) -> tuple[Floats, Floats]:
        sizes = weights.astype(np.float64, copy=False)
        return np.abs(sizes), np.maximum(sizes, 0)

    def _widen(self, some: Totals, everybody: Totals) -> float:
        unobserved = self.unobserved_weight_ / self._rule_of(some, 1.0, 1.0)[0]
        noise = self.regularization_ / self._rule_of(some, unobserved, 1.0)[1]
        before = self._typical_ridge(some)
        made = self._rule_of(everybody, unobserved, noise)
        self.unobserved_weight_, self.regularization_ = made
        return self._typical_ridge(everybody) / before

    def _rule_of(self, totals: Totals, unobserved: float, noise: float) -> tuple[float, float]:
        shape = int(totals.users), int(totals.known.sum())
        gained, total = float(totals.wanted.sum()), float(totals.sizes[totals.known].sum())
        return self._rule(shape, gained, total, totals.noise_norm, unobserved, noise)

    def _typical_ridge(self, totals: Totals) -> float:
        users, products = int(totals.users), int(totals.known.sum())
        strength = float(totals.sizes[totals.known].sum()) / users
        strength += self.unobserved_weight_ * products
        return float(self.regularization_ * strength**self.scaling)

    def _product_ridge(self, totals: Totals) -> Floats:
        strength: Floats = totals.sizes + self.unobserved_weight_ * int(totals.users)
        return np.asarray(self.regularization_ * strength**self.scaling)

    def _ridge(self, lines: sparse.csr_array, others: int | None = None) -> Floats:
        """Return every row's penalty, from its own weights and the number of columns."""
        held: Floats = np.asarray(abs(lines.astype(np.float64)).sum(axis=1)).ravel()
        columns = lines.shape[1] if others is None else others
        strength: Floats = held + self.unobserved_weight_ * columns
        return np.asarray(self.regularization_ * strength**self.scaling)

    def _first(self, history: WeightedInteractions, context: FitContext) -> Floats:
        rng = np.random.default_rng(context.seed)
        shape = (int(history.known.sum()), self.factors_)
        products: Floats = rng.standard_normal(shape) * (self.init_stddev / np.sqrt(self.factors_))
        if self.start is None:
            return products
        earlier = self._earlier(self.start)
        if earlier.product_factors_.shape[1] != self.factors_:
            raise ValueError(
                f"IALS(start=…): has {earlier.product_factors_.shape[1]} factors, "
                f"must have {self.factors_}"
            )
        ids = Vocabulary(id_array(earlier.product_ids_, "start"))
        codes = ids.codes(self.product_ids_[history.known])
        there = (codes >= 0) & earlier.known_[codes]
        if not there.any():
            raise DataError("IALS(start=…): knows none of the products that were acquired")
        products[there] = earlier.product_factors_[codes[there]]
        return products

    @staticmethod
    def _earlier(start: Union["IALS", State]) -> "IALS":
        try:
            earlier = start if isinstance(start, IALS) else IALS.from_state(start)
        except LookupError as error:
            raise ValueError(f"IALS(start=…): is no state of a fitted IALS: no {error}") from None
        if not hasattr(earlier, "product_factors_"):
            raise NotFittedError("IALS(start=…): call its fit first")
        return earlier

    def _settled(self, objective: list[float]) -> bool:
        if len(objective) < 2:
            return False
        return bool(objective[-2] - objective[-1] < self.tolerance * objective[-2])

    def _check_params(self) -> None:
        check_positive_int(self, "iterations")
        check_positive_int(self, "factors", optional=True)
        check_positive(self, "init_stddev")
        check_positive(self, "unobserved_weight", optional=True)
        check_positive(self, "regularization", zero=True, optional=True)
        check_positive(self, "scaling", "tolerance", zero=True)
        start: object = self.start
        if start is not None and not isinstance(start, IALS | dict):
            kind = type(start).__name__
            raise ValueError(
                f"IALS(start=…): is of type {kind}, must be a fitted IALS or its state"
            )

    def _check_learned(self) -> None:
        super()._check_learned()
        if len(self.product_ids_) != len(self.known_):
            raise ValueError("IALS: products and their ids do not fit")
