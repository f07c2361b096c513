"""A plan in the making: what is chosen of short lists, what it uses, and which moves would fit."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.decisions.allocation.problem import Constraints, OfferTable, within
from suitably.decisions.allocation.shortlists import ShortLists

__all__ = ["NONE", "PlanState"]

NONE = -1


class PlanState:
    """What is chosen of short lists.

    A place is a row of the lists laid flat: product × channels + channel.

    Attributes:
        offers: int32 (places, users).
        nets: float64 (places, users).
        chosen: bool (places, users).
        prices: float64 (offers,), what an offer uses, at the prices of the limits.
        used: Offers made, by limit.
        spent: The sum of costs.
    """

    def __init__(
        self,
        lists: ShortLists,
        offers: OfferTable,
        constraints: Constraints,
        chosen: NDArray[np.bool_],
        prices: NDArray[np.float64],
        keys: NDArray[np.uint64],
    ) -> None:
        depth, self.width, users = lists.nets.shape
        flat = (depth * self.width, users)
        self.offers: NDArray[np.int32] = lists.offers.reshape(flat)
        self.nets: NDArray[np.float64] = lists.nets.reshape(flat)
        self.chosen: NDArray[np.bool_] = chosen.reshape(flat)
        self.prices: NDArray[np.float64] = prices
        self.keys: NDArray[np.uint64] = keys
        self.costs: list[float] = offers.costs.tolist()
        self.budget = constraints.budget
        self.per_user = constraints.per_user
        self.members = constraints.members
        self.most: list[int] = constraints.most.tolist()
        self.fewest: list[int] = constraints.fewest.tolist()
        self.limits: list[tuple[int, ...]] = [
            tuple(np.flatnonzero(of).tolist()) for of in constraints.members.T
        ]
        made = np.bincount(self.offers[self.chosen], minlength=len(offers))
        self.used: list[int] = (constraints.members @ made).tolist()
        self.spent: float = math.fsum((made * offers.costs).tolist())

    def fits(self, old: int, new: int, guarded: bool = True) -> bool:
        """Return whether an offer may take another's place (−1: none) without breaking a limit.

        Args:
            old: The offer given up.
            new: The offer made instead.
            guarded: Whether minimums must hold, too.
        """
        before = self.limits[old] if old >= 0 else ()
        after = self.limits[new] if new >= 0 else ()
        for limit in after:
            if limit not in before and self.used[limit] >= self.most[limit]:
                return False
        if guarded:
            for limit in before:
                if limit not in after and self.used[limit] <= self.fewest[limit]:
                    return False
        more = self.cost(new) - self.cost(old)
        return more <= 0 or self.budget is None or within(self.spent + more, self.budget)

    def cost(self, offer: int) -> float:
        """Return what an offer costs; none costs nothing."""
        return self.costs[offer] if offer >= 0 else 0.0

    def move(self, user: int, old: int, new: int) -> None:
        """Give up what is at a place of a user's list (−1: nothing) for what is at another."""
        for place, sign in ((old, -1), (new, 1)):
            if place < 0:
                continue
            offer = int(self.offers[place, user])
            self.chosen[place, user] = sign > 0
            for limit in self.limits[offer]:
                self.used[limit] += sign
            self.spent += sign * self.costs[offer]

    def over(self) -> list[int]:
        """Return the limits that are exceeded; −1: the budget."""
        return [limit for limit in (*range(len(self.used)), NONE) if self.exceeds(limit)]

    def exceeds(self, limit: int) -> bool:
        """Return whether a limit is exceeded; −1: the budget."""
        if limit == NONE:
            return self.budget is not None and not within(self.spent, self.budget)
        return self.used[limit] > self.most[limit]

    def under(self) -> list[int]:
        """Return the limits whose minimum is missed."""
        return [m for m, used in enumerate(self.used) if used < self.fewest[m]]

    def row(self, user: int) -> tuple[list[int], list[float], list[bool]]:
        """Return the offers, nets and choices of a user."""
        return (
            self.offers[:, user].tolist(),
            self.nets[:, user].tolist(),
            self.chosen[:, user].tolist(),
        )

    def picks(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the places and users of all that is chosen."""
        places, users = np.nonzero(self.chosen)
        return places, users
