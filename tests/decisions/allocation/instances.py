"""Instances of allocation, a source of their nets, and what any plan must keep to."""

from dataclasses import dataclass
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.decisions.allocation import Allocation, Constraints, OfferTable

__all__ = ["ArraySource", "check", "random_instance"]


@dataclass(frozen=True)
class ArraySource:
    """Nets from an array, in blocks of any size and order, each on a thread of its own."""

    nets: NDArray[Any]
    block: int = 1000
    shuffled: int | None = None

    @property
    def users(self) -> int:
        return len(self.nets)

    def map(self, work: Any, users: NDArray[np.int64] | None = None) -> Any:
        places = np.arange(self.users) if users is None else users
        if self.shuffled is not None:
            places = np.random.default_rng(self.shuffled).permutation(places)
        for start in range(0, len(places), self.block):
            part, found = places[start : start + self.block], []
            thread = Thread(target=lambda p, f: f.append(work(p, self.nets[p])), args=(part, found))
            thread.start()
            thread.join()
            yield part, found[0]


def random_instance(
    seed: int, users: int, products: int, channels: int
) -> tuple[NDArray[np.float64], OfferTable, Constraints, NDArray[np.uint64]]:
    """Draw nets of probability times value less cost, and limits that bind.

    Budget, capacities of channels, quotas of products from both sides, one to three offers a user.
    """
    rng = np.random.default_rng(seed)
    product = np.repeat(np.arange(products), channels)
    channel = np.tile(np.arange(channels), products)
    costs = np.array([1.0, 5.0, 0.25, 2.0])[channel]
    value = rng.lognormal(3, 0.7, products)
    probability = rng.beta(1, 10, (users, products)) * (1 + rng.random((users, 1)))
    nets = np.minimum(1, probability[:, product] * (1 + 0.5 * channel)) * value[product] - costs
    nets[rng.random(nets.shape) < 0.4] = -np.inf
    members = np.concatenate(
        [channel == np.arange(channels)[:, None], product == np.arange(products)[:, None]]
    )
    at_most = np.concatenate(
        [
            np.floor(users * rng.uniform(0.1, 0.5, channels)),
            np.floor(users * rng.uniform(0.5, 4.0, products) / products),
        ]
    )
    few = np.floor(at_most[channels:] * rng.uniform(0, 0.2, products))
    at_least = np.concatenate([np.zeros(channels), few * (rng.random(products) < 0.5)])
    budget = float(users * rng.uniform(0.3, 1.0))
    keys = rng.integers(0, 2**64, users, dtype=np.uint64)
    constraints = Constraints(budget, 1 + seed % 3, members, at_least, at_most)
    return nets, OfferTable(costs, product), constraints, keys


def check(
    plan: Allocation, nets: NDArray[Any], offers: OfferTable, constraints: Constraints
) -> None:
    """Assert that a plan keeps to every limit, and that its figures are its own."""
    taken = nets[plan.users, plan.offers]
    assert (taken > -np.inf).all()
    np.testing.assert_array_equal(plan.nets, taken)
    assert np.bincount(plan.users, minlength=1).max() <= constraints.per_user
    pairs = np.stack([plan.users, offers.products[plan.offers]], axis=1)
    assert len(np.unique(pairs, axis=0)) == len(pairs)
    counts = np.bincount(plan.offers, minlength=len(offers))
    used = constraints.members @ counts
    np.testing.assert_array_equal(plan.used, used)
    assert (used <= constraints.at_most).all()
    assert (used >= constraints.at_least).all()
    np.testing.assert_allclose(plan.budget_used, counts @ offers.costs)
    if constraints.budget is not None:
        assert plan.budget_used <= constraints.budget * (1 + 1e-12)
    np.testing.assert_allclose(plan.value, taken.sum(), rtol=1e-12, atol=1e-12)
    assert plan.value <= plan.bound
    asked = constraints.members[constraints.at_least > 0].any(axis=0)
    assert ((taken > 0) | asked[plan.offers]).all()
