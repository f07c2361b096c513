"""Base class of factorisations by least squares: products may learn from everybody, by sums."""

import copy
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from suitably.ranking.factor_ranker import FactorRanker
from suitably.ranking.interactions import Weighting
from suitably.ranking.solvers.normal_equations import equations, numbers, solved
from suitably.ranking.summing import MOST_NUMBERS, Lines, Sums
from suitably.ranking.topk.engine import check_factors
from suitably.ranking.totals import Totals, core_of

__all__ = ["LeastSquaresRanker"]

# Sweeps over everybody, from vectors of products that a sample taught.
_STEPS = 6


class LeastSquaresRanker(FactorRanker):
    """A factorisation whose vectors of either side solve linear equations, given the other's.

    Where its products learn from everybody, a step is a sweep: each group solves for its users'
    vectors by the products' of the step before, and adds up the equations of products. What a
    hold-out chose stays as the first users chose it; a penalty by the rule is that of everybody.
    """

    def steps(self, totals: Mapping[Weighting, Totals]) -> int:
        """Return how many sweeps there are; none where products × factors² are over 2²⁶."""
        fits = numbers(*self.product_factors_.shape) <= MOST_NUMBERS
        return _STEPS if fits and self._weighting in totals else 0

    def widened(self, totals: Mapping[Weighting, Totals]) -> Self:
        """Return a ranker whose penalties suit everybody; users' vectors are to be found anew.

        A penalty by the rule grows with the number of users. What it takes off the singular values
        of the matrix is the root of the product of those of both sides, so that vectors of products
        are scaled as the users' penalty is: a user's scores then stay as they were.
        """
        made = copy.copy(self)
        scale = made._widen(Totals.of(self.interactions_.weights), totals[self._weighting])
        return made._with_products(self.product_factors_ * np.sqrt(scale), self.known_)

    def sums(self, lines: Lines, totals: Mapping[Weighting, Totals], step: int) -> Sums:
        """Return the equations of products by the vectors of a group of users."""
        own = core_of(lines[self._weighting], np.ones(len(self.known_), bool))
        users = self._vectors(self._having_vectors(own))
        return equations(users, own, *self._terms(own.data))

    def learned_from(self, sums: Sums, totals: Mapping[Weighting, Totals], step: int) -> Self:
        """Return a ranker whose vectors of products solve the equations of everybody."""
        everybody = totals[self._weighting]
        products = solved(sums, self._unobserved, self._product_ridge(everybody))
        check_factors(type(self).__name__, products)
        products[~everybody.known] = 0
        return self._with_products(products, everybody.known)

    def _with_products(self, products: NDArray[Any], known: NDArray[np.bool_]) -> Self:
        made = copy.copy(self)
        made.product_factors_, made.known_ = products.astype(np.float32), known
        for name in made.made_of_learned:
            made.__dict__.pop(name, None)
        return made

    def _widen(self, some: Totals, everybody: Totals) -> float:
        """Take penalties from some users to everybody, in place.

        Returns:
            What a typical user's penalty is multiplied by.
        """
        raise NotImplementedError

    def _terms(self, weights: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return by how much more than others entries count, and what they aim at."""
        raise NotImplementedError

    def _product_ridge(self, totals: Totals) -> NDArray[np.float64]:
        """Return every product's penalty: float64 (products,)."""
        raise NotImplementedError
