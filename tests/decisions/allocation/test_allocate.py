"""Plans keep to every limit and come near to the best, which SciPy's HiGHS tells."""

from importlib import import_module
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy import sparse
from scipy.optimize import linprog
from tests.decisions.allocation.instances import ArraySource, check, random_instance

from suitably.decisions.allocation import Constraints, InfeasibleError, OfferTable, allocate
from suitably.utils.parallel import at_most

MODULE = import_module("suitably.decisions.allocation.allocate")
KEYS = np.arange(100, dtype=np.uint64)
ONE = OfferTable(np.array([1.0]), np.array([0]))
LINEAR = [pytest.param(20_000, id="highs"), pytest.param(0, id="dual")]


def limits(members, at_least, at_most, budget=None, per_user=1):
    return Constraints(
        budget,
        per_user,
        np.array(members, bool),
        np.array(at_least, float),
        np.array(at_most, float),
    )


@pytest.mark.parametrize("linear", LINEAR)
def test_by_hand(linear):
    # Two may be called, and the two that gain most by it are; of the others one is written to.
    nets = np.array([[9.0, 3.0], [8.0, 7.0], [5.0, -1.0], [1.0, -np.inf]])
    offers = OfferTable(np.array([2.0, 1.0]), np.array([0, 0]))
    plan = allocate(ArraySource(nets), offers, limits([[1, 0]], [0], [2]), KEYS[:4], linear=linear)
    assert list(zip(plan.users, plan.offers, strict=True)) == [(0, 0), (1, 1), (2, 0)]
    assert plan.value == 21
    assert plan.bound == pytest.approx(21, rel=2e-3)
    assert plan.budget_used == 5
    # One more call would reach the fourth user, and earn 1; or the second, and earn as much.
    assert 0.9 < plan.limit_prices[0] <= 5


@pytest.mark.parametrize("linear", LINEAR)
def test_a_minimum_asks_for_the_cheapest_loss(linear):
    nets = np.array([[-3.0], [-1.0], [-np.inf], [-2.0], [4.0]])
    plan = allocate(ArraySource(nets), ONE, limits([[1]], [3], [np.inf]), KEYS[:5], linear=linear)
    assert plan.users.tolist() == [1, 3, 4]
    assert plan.value == 1
    assert plan.limit_prices[0] < 0


@pytest.mark.parametrize("linear", LINEAR)
def test_a_limit_of_0_costs_what_a_first_unit_would_earn(linear):
    nets = np.array([[9.0, 3.0], [8.0, 7.5], [5.0, -1.0]])
    offers = OfferTable(np.array([2.0, 1.0]), np.array([0, 0]))
    plan = allocate(ArraySource(nets), offers, limits([[1, 0]], [0], [0]), KEYS[:3], linear=linear)
    assert list(zip(plan.users, plan.offers, strict=True)) == [(0, 1), (1, 1)]
    assert plan.limit_prices[0] == pytest.approx(6)  # 9 in the place of 3
    plan = allocate(
        ArraySource(nets), offers, limits(np.zeros((0, 2)), [], [], 0.0), KEYS[:3], linear=linear
    )
    assert not len(plan.users)
    assert plan.budget_price == pytest.approx(7.5)  # a contact that costs 1


@pytest.mark.parametrize("linear", LINEAR)
@pytest.mark.parametrize("seed", range(6))
def test_near_to_the_linear_bound(seed, linear):
    nets, offers, constraints, keys = random_instance(seed, 300, 8, 3)
    plan = allocate(ArraySource(nets), offers, constraints, keys, linear=linear)
    check(plan, nets, offers, constraints)
    best = linear_bound(nets, offers, constraints)
    assert plan.bound >= best * (1 - 1e-9)
    assert plan.bound <= best * 1.003
    assert plan.value >= 0.99 * best


@pytest.mark.long
@pytest.mark.parametrize("seed", range(50))
def test_bar_of_quality(seed):
    nets, offers, constraints, keys = random_instance(seed, 5_000, 20, 3)
    plan = allocate(ArraySource(nets), offers, constraints, keys, linear=0)
    check(plan, nets, offers, constraints)
    assert plan.value >= 0.995 * plan.bound


@pytest.mark.parametrize("seed", range(3))
def test_the_same_for_any_blocks_and_threads(seed):
    nets, offers, constraints, keys = random_instance(seed, 3_000, 6, 2)
    first = None
    with patch.object(MODULE, "_HELD", 4_000 * (seed + 1)):  # a sample, and several passes
        for block, shuffled, threads in [(3_000, None, 2), (7, 1, 1), (999, 2, 2)]:
            with at_most(threads):
                source = ArraySource(nets, block, shuffled)
                plan = allocate(source, offers, constraints, keys, linear=0)
            check(plan, nets, offers, constraints)
            first = first or plan
            for name in vars(plan):
                np.testing.assert_array_equal(getattr(plan, name), getattr(first, name))


@settings(max_examples=25, deadline=None)
@given(some.data())
def test_any_instance(data):
    users = data.draw(some.integers(0, 12), "users")
    product = np.array(data.draw(some.lists(some.integers(0, 2), min_size=1, max_size=5)))
    several = len(product)
    net = some.sampled_from([-np.inf, -2.0, -1.0, 0.0, 1.0, 1.5, 3.0])
    flat = data.draw(some.lists(net, min_size=users * several, max_size=users * several))
    nets = np.array(flat).reshape(users, several)
    costs = data.draw(
        some.lists(some.sampled_from([0.0, 0.1, 1.0]), min_size=several, max_size=several)
    )
    count = data.draw(some.integers(0, 3), "limits")
    rows = some.lists(some.booleans(), min_size=several, max_size=several)
    members = np.array([data.draw(rows) for _ in range(count)], bool).reshape(count, several)
    fewest = np.array([data.draw(some.sampled_from([0, 0, 1, 3])) for _ in range(count)], float)
    above = [data.draw(some.sampled_from([0, 1, 2, np.inf])) for _ in range(count)]
    budget = data.draw(some.sampled_from([None, 0.0, 0.3, 2.0, 5.0]))
    per_user = data.draw(some.integers(1, 3))
    offers = OfferTable(np.array(costs), product)
    constraints = Constraints(budget, per_user, members, fewest, np.maximum(fewest, above))
    keys = np.arange(users, dtype=np.uint64)
    try:
        plan = allocate(ArraySource(nets, 5), offers, constraints, keys)
    except InfeasibleError:
        with pytest.raises(InfeasibleError):
            allocate(ArraySource(nets, 5), offers, constraints, keys, linear=0)
        return
    check(plan, nets, offers, constraints)
    assert plan.bound == pytest.approx(plan.value, rel=1e-6, abs=1e-6)  # solved exactly
    near = allocate(ArraySource(nets, 5), offers, constraints, keys, linear=0)
    check(near, nets, offers, constraints)
    assert near.bound >= plan.value - 1e-9


def test_nobody_and_nothing():
    for nets in (np.zeros((0, 1)), np.full((3, 1), -np.inf), np.full((3, 1), -1.0)):
        for linear in (0, 100):
            free = Constraints.of(ONE)
            plan = allocate(ArraySource(nets), ONE, free, KEYS[: len(nets)], linear=linear)
            check(plan, nets, ONE, free)
            assert len(plan.users) == plan.value == plan.bound == 0


def test_customers_who_are_alike_share_what_is_scarce():
    nets = np.full((2_000, 4), 2.0)
    offers = OfferTable(np.ones(4), np.arange(4))
    constraints = limits(np.eye(4), [0, 0, 100, 0], [300, 200, 100, 50], budget=500.0)
    plan = allocate(
        ArraySource(nets), offers, constraints, np.arange(2_000, dtype=np.uint64), linear=0
    )
    check(plan, nets, offers, constraints)
    assert plan.value == 1_000


def linear_bound(nets, offers, constraints):
    """Solve the linear relaxation, written out in full."""
    users, offer = np.nonzero(nets > -np.inf)
    rows, right = [], []
    for user in range(len(nets)):
        rows.append(users == user)
        right.append(constraints.per_user)
        for product in np.unique(offers.products[offer[users == user]]):
            rows.append((users == user) & (offers.products[offer] == product))
            right.append(1)
    rows = [sparse.csr_array(np.array(rows, float))]
    members = constraints.members[:, offer].astype(float)
    rows += [sparse.csr_array(members), -sparse.csr_array(members)]
    right += [*constraints.at_most, *-constraints.at_least]
    if constraints.budget is not None:
        rows.append(sparse.csr_array(offers.costs[offer][None]))
        right.append(constraints.budget)
    found = linprog(-nets[users, offer], A_ub=sparse.vstack(rows), b_ub=right, bounds=(0, 1))
    return -found.fun
