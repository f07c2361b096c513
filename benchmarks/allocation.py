"""Allocation of offers: by prices beside SciPy's HiGHS, and at a million customers.

Random instances with a budget, capacities of channels, quotas of products from both sides and one
to three offers a customer. The peer solves the linear relaxation; no plan earns more than it does.
At the larger size there is no peer: the time beyond what computing the nets takes is ours.
"""

import resource
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.runner import Row
from suitably.decisions.allocation import Allocation, Constraints, OfferTable, allocate
from suitably.decisions.allocation.held import HeldSource
from suitably.utils.parallel import parallel

__all__ = ["run"]

INSTANCES, WITH_PEER = 50, 5
USERS, PRODUCTS, CHANNELS = 5_000, 20, 3
MANY, CATALOGUE = 1_000_000, 300
_EVERYTHING = 2**40  # offers, so that HiGHS solves it


def run() -> list[Row]:
    return [*_quality(), _large()]


def _quality() -> list[Row]:
    shares, ours, peers, ratios = [], [], [], []
    for seed in range(INSTANCES):
        nets, offers, constraints, keys = _instance(seed)
        plan, seconds = _timed(nets, offers, constraints, keys, 0)
        _check(plan, constraints)
        shares.append(plan.value / plan.bound)
        if seed < WITH_PEER:
            exact, peer = _timed(nets, offers, constraints, keys, _EVERYTHING)
            shares[-1] = plan.value / exact.bound
            ours.append(seconds)
            peers.append(peer)
            ratios.append(seconds / peer)
    size = f"{USERS:,} customers, {PRODUCTS * CHANNELS} offers"
    note = f"peer: the linear bound; of {WITH_PEER} HiGHS's, of the others ours; target .995"
    return [
        Row(f"{size}: worst of {INSTANCES} plans", 1.0, min(shares), "share", min(shares), note),
        Row(f"{size}: a plan", median(peers), median(ours), "s", median(ratios), "peer: HiGHS"),
    ]


def _timed(
    nets: NDArray[Any], offers: OfferTable, constraints: Constraints, keys: Any, linear: int
) -> tuple[Allocation, float]:
    start = time.perf_counter()
    plan = allocate(HeldSource(nets), offers, constraints, keys, linear=linear)
    return plan, time.perf_counter() - start


def _check(plan: Allocation, constraints: Constraints) -> None:
    within = (plan.used <= constraints.at_most) & (plan.used >= constraints.at_least)
    cheap = constraints.budget is None or plan.budget_used <= constraints.budget * (1 + 1e-12)
    if not (within.all() and cheap and plan.value <= plan.bound):
        raise AssertionError("a limit is broken")


def _instance(seed: int) -> tuple[NDArray[np.float64], OfferTable, Constraints, Any]:
    rng = np.random.default_rng(seed)
    channel, offers, constraints = _limits(rng, USERS, PRODUCTS)
    value = rng.lognormal(3, 0.7, PRODUCTS)
    probability = rng.beta(1, 10, (USERS, PRODUCTS)) * (1 + rng.random((USERS, 1)))
    probability = np.minimum(1, probability[:, offers.products] * (1 + 0.5 * channel))
    nets = probability * value[offers.products] - offers.costs
    nets[rng.random(nets.shape) < 0.4] = -np.inf
    return nets, offers, constraints, rng.integers(0, 2**64, USERS, dtype=np.uint64)


def _limits(
    rng: np.random.Generator, users: int, products: int
) -> tuple[NDArray[np.int64], OfferTable, Constraints]:
    product = np.repeat(np.arange(products), CHANNELS)
    channel = np.tile(np.arange(CHANNELS), products)
    costs = np.array([1.0, 5.0, 0.25])[channel]
    members = np.concatenate(
        [channel == np.arange(CHANNELS)[:, None], product == np.arange(products)[:, None]]
    )
    at_most = np.floor(
        np.append(
            users * rng.uniform(0.1, 0.5, CHANNELS),
            users * rng.uniform(0.5, 4.0, products) / products,
        )
    )
    few = np.floor(at_most[CHANNELS:] * rng.uniform(0, 0.2, products))
    at_least = np.append(np.zeros(CHANNELS), few * (rng.random(products) < 0.3))
    budget = float(users * rng.uniform(0.3, 1.0))
    per_user = int(rng.integers(1, 4))
    constraints = Constraints(budget, per_user, members, at_least, at_most)
    return channel, OfferTable(costs, product), constraints


class _Factors:
    """Nets by a product of factors, computed anew whenever they are asked for."""

    def __init__(self, rng: np.random.Generator, users: int, products: int, offers: Any) -> None:
        self.users = users
        self.customers = rng.normal(0, 1, (users, 8)).astype(np.float32)
        self.products = rng.normal(0, 1, (8, products)).astype(np.float32)
        self.value = rng.lognormal(3, 0.7, products).astype(np.float32)
        self.offers = offers

    def map(
        self, work: Callable[..., Any], users: NDArray[np.int64] | None = None
    ) -> Iterator[tuple[NDArray[np.int64], Any]]:
        places = np.arange(self.users) if users is None else users
        costs, of = self.offers.costs.astype(np.float32), self.offers.products

        def one(part: NDArray[np.int64]) -> tuple[NDArray[np.int64], Any]:
            worth = self.value / (1 + np.exp(5 - self.customers[part] @ self.products))
            nets = worth[:, of] - costs
            nets[self.customers[part, 0] > 1] = -np.inf
            return part, work(part, nets)

        yield from parallel(one, [places[at : at + 4096] for at in range(0, len(places), 4096)])


def _large() -> Row:
    rng = np.random.default_rng(0)
    _, offers, constraints = _limits(rng, MANY, CATALOGUE)
    source = _Factors(rng, MANY, CATALOGUE, offers)
    keys = rng.integers(0, 2**64, MANY, dtype=np.uint64)
    start = time.perf_counter()
    for _ in source.map(lambda places, nets: None):
        pass
    once = time.perf_counter() - start
    start = time.perf_counter()
    plan = allocate(source, offers, constraints, keys)
    seconds = time.perf_counter() - start
    _check(plan, constraints)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    note = f"roof: all nets once; {plan.value / plan.bound:.4f} of the bound; peak {peak:.1f} GiB"
    size = f"{MANY:,} customers, {CATALOGUE * CHANNELS} offers"
    return Row(f"{size}: a plan", None, seconds, "s", None, f"{note}; target 60 s", once)
