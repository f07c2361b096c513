"""The problem of allocation: offers, limits, where nets come from, and what is found."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from suitably.errors import DataError

__all__ = [
    "Allocation",
    "Constraints",
    "InfeasibleError",
    "OfferSource",
    "OfferTable",
]

_T = TypeVar("_T")
_WHOLE = 1e-9  # a limit so near to a whole number is that number


@dataclass(frozen=True, eq=False)
class OfferTable:
    """Offers: a product through a channel each; of a product's offers a user takes one at most.

    Attributes:
        costs: float64 (offers,), what one contact costs; not negative.
        products: int64 (offers,), codes of products; offers of one code exclude each other.

    Raises:
        ValueError: Costs and products differ in length, or a cost is negative or not finite.
    """

    costs: NDArray[np.float64]
    products: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.costs.shape != self.products.shape or self.costs.ndim != 1:
            raise ValueError(
                f"costs have shape {self.costs.shape}, products {self.products.shape}: "
                "one of each per offer"
            )
        if not (np.isfinite(self.costs) & (self.costs >= 0)).all():
            raise ValueError("costs: must be finite and not negative")

    def __len__(self) -> int:
        return len(self.costs)


@dataclass(frozen=True, eq=False)
class Constraints:
    """What a plan has to keep to.

    Attributes:
        budget: The most that all offers made may cost together; None: any sum.
        per_user: The most offers that one user gets.
        members: bool (limits, offers), which offers count towards which limit.
        at_least: float64 (limits,), how many of them must be made; 0: none.
        at_most: float64 (limits,), how many may be made; infinity: any number.

    Raises:
        ValueError: A shape does not fit, or a number is negative or NaN.
    """

    budget: float | None
    per_user: int
    members: NDArray[np.bool_]
    at_least: NDArray[np.float64]
    at_most: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.budget is not None and not self.budget >= 0:
            raise ValueError(f"budget={self.budget!r}: must not be negative")
        if self.per_user < 0:
            raise ValueError(f"per_user={self.per_user!r}: must not be negative")
        for name in ("at_least", "at_most"):
            numbers = getattr(self, name)
            if numbers.shape != self.members.shape[:1]:
                raise ValueError(f"{name} has shape {numbers.shape}: must have one per limit")
            if not (numbers >= 0).all():
                raise ValueError(f"{name}: must not be negative or NaN")

    @staticmethod
    def of(offers: OfferTable, budget: float | None = None, per_user: int = 1) -> "Constraints":
        """Return constraints without limits."""
        nothing = np.zeros(0)
        return Constraints(budget, per_user, np.zeros((0, len(offers)), bool), nothing, nothing)

    @property
    def fewest(self) -> NDArray[np.int64]:
        """int64 (limits,), `at_least` as a whole number."""
        return np.ceil(np.minimum(self.at_least, 2.0**62) - _WHOLE).astype(np.int64)

    @property
    def most(self) -> NDArray[np.int64]:
        """int64 (limits,), `at_most` as a whole number, 2**62 where there is none."""
        return np.floor(np.minimum(self.at_most, 2.0**62) + _WHOLE).astype(np.int64)

    @property
    def wanted(self) -> NDArray[np.bool_]:
        """Whether a minimum may ask for an offer that earns nothing: bool (offers,)."""
        asked: NDArray[np.bool_] = np.any(self.members[self.fewest > 0], axis=0)
        return asked

    def dear(self, offers: OfferTable) -> NDArray[np.bool_]:
        """Return which offers cost more than a whole budget: bool (offers,).

        What a limit of 0 keeps out is none of them: its price is what a first unit would earn.
        """
        if not self.budget:
            return np.zeros(len(offers), bool)
        return ~np.asarray(within(offers.costs, self.budget))


def within(cost: Any, budget: float) -> Any:
    """Return whether a sum of costs keeps to the budget, but for the rounding of such sums."""
    return cost <= budget * (1 + 1e-12)


class OfferSource(Protocol):
    """Where the nets of offers come from, block by block, as often as asked."""

    @property
    def users(self) -> int:
        """How many users there are."""

    def map(
        self,
        work: Callable[[NDArray[np.int64], NDArray[Any]], _T],
        users: NDArray[np.int64] | None = None,
    ) -> Iterator[tuple[NDArray[np.int64], _T]]:
        """Do something with the nets of every block of users, blocks in any order and size.

        Args:
            work: Is given the places of users, int64 (block,), among all users, and their nets,
                float32 or float64 (block, offers): −inf where an offer may not be made. It runs on
                several threads, and keeps no reference to the nets.
            users: int64, the places of the users wanted; None: all.

        Yields:
            The places of a block, and what became of it. Users in no block get nothing.
        """


@dataclass(frozen=True, eq=False)
class Allocation:
    """Who gets what, and what the limits cost.

    Attributes:
        users: int64 (made,), places of users, ascending.
        offers: int64 (made,), the offers made, ascending for one user.
        nets: float64 (made,), their nets.
        budget_price: What one more unit of money would earn; 0 without a budget.
        limit_prices: float64 (limits,), what one more unit of each limit would earn: positive for
            a maximum that binds, negative for a minimum that costs.
        budget_used: The sum of costs.
        used: int64 (limits,), the offers made that count towards each limit.
        bound: No plan earns more than this.
        value: The sum of nets.
    """

    users: NDArray[np.int64]
    offers: NDArray[np.int64]
    nets: NDArray[np.float64]
    budget_price: float
    limit_prices: NDArray[np.float64]
    budget_used: float
    used: NDArray[np.int64]
    bound: float
    value: float


class InfeasibleError(DataError):
    """No plan meets all minimums.

    Attributes:
        limits: The limits in conflict: without any one of them, or of the two below where they
            take part, the others can be met.
        budget: Whether the budget takes part.
        per_user: Whether the bound on offers per user takes part.
    """

    def __init__(
        self, limits: tuple[int, ...], budget: bool = False, per_user: bool = False
    ) -> None:
        parts = [f"limit {limit}" for limit in limits]
        parts += ["the budget"] * budget + ["the offers per user"] * per_user
        super().__init__(f"no plan can meet these together: {', '.join(parts)}")
        self.limits = limits
        self.budget = budget
        self.per_user = per_user
