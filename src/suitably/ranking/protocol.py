"""What a ranker is: something that learns from a point-in-time view and gives scores."""

from dataclasses import dataclass
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.clock import Instant
from suitably.data.dataset import View
from suitably.suitability.eligibility import Eligibility

__all__ = ["Factors", "FitContext", "Ranker", "Scorer", "Scores"]

State = dict[str, Any]


@dataclass(frozen=True)
class FitContext:
    """All that a ranker may learn from.

    Attributes:
        data: What was visible strictly before `as_of`; `data.product_ids` is the axis of scores.
        profiles: A row per user of `data.user_ids`, a column per profile field.
        eligibility: Who may be offered what; only an eligibility-aware ranker looks at it.
        as_of: The moment, None in data without timestamps.
        seed: For everything random.
    """

    data: View
    profiles: pa.Table
    eligibility: Eligibility
    as_of: Instant | None
    seed: int


@dataclass(frozen=True)
class Factors:
    """Scores as a product of two matrices: `users @ products.T`, summed in factor order.

    Attributes:
        users: float32 or float64 (users, factors).
        products: float32 or float64 (products, factors).
        known: bool (products,), of which products the ranker knows anything; None: of all.
        longest: No product's vector is longer; None: nobody has measured.
    """

    users: NDArray[Any]
    products: NDArray[Any]
    known: NDArray[np.bool_] | None = None
    longest: float | None = None


@dataclass(frozen=True)
class Scores:
    """Scores as they are, for the users asked.

    Attributes:
        block: (users, products), a user's scores independent of who else is in the block.
        known: bool (products,), of which products the ranker knows anything; None: of all.
    """

    block: NDArray[Any]
    known: NDArray[np.bool_] | None = None


Scorer = Factors | Scores


@runtime_checkable
class Ranker(Protocol):
    """What would a user want?

    No base class and no registration: any class with these methods ranks. To be saved, it also
    has `state() -> arrays and scalars` and a class method `from_state(state)`. To take in new
    interactions without a refit, it has `fold_in(context) -> another ranker`, where the context
    shows the new interactions only, over users and products that may have grown at their ends.
    """

    def fit(self, context: FitContext) -> Self:
        """Learn from what was visible before `context.as_of`."""
        ...

    def scorer(self, user_ids: NDArray[Any]) -> Scorer:
        """Return scores of users by external id, over the products of the view fitted on."""
        ...

    def can_score(self, user_ids: NDArray[Any]) -> NDArray[np.bool_]:
        """Return for which users there is anything to go by: bool (users,)."""
        ...
