"""What everybody buys."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from suitably.errors import NotFittedError
from suitably.ranking.protocol import Factors, FitContext, State

__all__ = ["Popularity"]


class Popularity:
    """Rank products by how many customers acquired them: the baseline of every comparison.

    A repeated purchase counts once per customer. A product that nobody acquired has no score.

    Attributes:
        counts_: float64 (products,), customers per product.

    Example:
        >>> Popularity()
        Popularity()
    """

    counts_: NDArray[np.float64]

    def get_params(self) -> dict[str, Any]:
        """Give the parameters: none."""
        return {}

    def fit(self, context: FitContext) -> Self:
        """Count the customers of every product."""
        purchases = context.data.purchases
        self.counts_ = np.bincount(purchases.indices, minlength=purchases.shape[1]).astype(float)
        return self

    def scorer(self, user_ids: NDArray[Any]) -> Factors:
        """Give everybody the same scores."""
        self._check()
        return Factors(np.ones((len(user_ids), 1)), self.counts_[:, None], self.counts_ > 0)

    def can_score(self, user_ids: NDArray[Any]) -> NDArray[np.bool_]:
        """Say that there is something for everybody."""
        return np.ones(len(user_ids), bool)

    def state(self) -> State:
        """Give what was learned."""
        self._check()
        return {"counts": self.counts_}

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Make a fitted ranker from a state."""
        ranker = cls()
        ranker.counts_ = state["counts"]
        return ranker

    def _check(self) -> None:
        if not hasattr(self, "counts_"):
            raise NotFittedError("Popularity: call fit first")

    def __repr__(self) -> str:
        return "Popularity()"
