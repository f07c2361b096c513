"""What is planned: arrays of users and offers, and what each is expected to bring."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suitably.decisions.allocation import Allocation
from suitably.decisions.nets import OfferNets
from suitably.decisions.universe import Universe
from suitably.errors import SuitablyError

__all__ = ["Planned"]


@dataclass(frozen=True)
class Planned:
    """The offers of a plan, a place in the arrays for each.

    Attributes:
        users: int64, places among the users who may be planned, ascending.
        offers: int64, offers by position.
        probability: float64, of a purchase, after response.
        net: float64, min(1, probability) × value − cost.
        allocation: Where it comes from, with prices and bound.
    """

    users: NDArray[np.int64]
    offers: NDArray[np.int64]
    probability: NDArray[np.float64]
    net: NDArray[np.float64]
    allocation: Allocation

    def __len__(self) -> int:
        return len(self.users)

    @classmethod
    def of(cls, found: Allocation, nets: OfferNets, universe: Universe) -> "Planned":
        """Return an allocation with exact probabilities, each pair held against all rules again.

        Raises:
            SuitablyError: A pair may not be offered; nothing is planned then.
        """
        users, offers = found.users.astype(np.int64), found.offers.astype(np.int64)
        probability = nets.probabilities(users, offers)
        wrong = int(np.isnan(probability).sum())
        if wrong:
            raise SuitablyError(f"plan: {wrong} offers may not be made; nothing is planned")
        net = probability * universe.values[offers // universe.several] - universe.costs[offers]
        return cls(users, offers, probability, net, found)
