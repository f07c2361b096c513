"""Minimums that cannot be met: the limits named are in conflict, and none of them needlessly."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from tests.decisions.allocation.instances import ArraySource

from suitably.decisions.allocation import Constraints, InfeasibleError, OfferTable, allocate


def conflict(nets, offers, constraints, linear=20_000):
    keys = np.arange(len(nets), dtype=np.uint64)
    with pytest.raises(InfeasibleError) as caught:
        allocate(ArraySource(nets, 3), offers, constraints, keys, linear=linear)
    return caught.value


@pytest.mark.parametrize("linear", [0, 20_000])
def test_by_hand(linear):
    offers = OfferTable(np.array([2.0, 2.0, 3.0]), np.array([0, 1, 2]))
    nets = np.ones((10, 3))
    members = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]], bool)
    most = np.full(4, np.inf)

    def found(at_least, at_most=most, budget=None):
        limits = Constraints(budget, 1, members, np.array(at_least, float), at_most)
        error = conflict(nets, offers, limits, linear)
        return error.limits, error.budget, error.per_user

    assert found([11, 0, 5, 0]) == ((0,), False, False)  # ten customers
    assert found([6, 5, 0, 0]) == ((0, 1), False, True)  # one offer each
    assert found([2, 2, 2, 0], np.array([9, 9, 9, 3.0])) == ((0, 1, 3), False, False)
    assert found([0, 0, 4, 0], budget=11.0) == ((2,), True, False)
    assert found([3, 2, 1, 0], budget=12.0) == ((0, 1, 2), True, False)


def test_a_minimum_of_nothing():
    offers = OfferTable(np.array([2.0]), np.array([0]))
    limits = Constraints(None, 1, np.zeros((1, 1), bool), np.array([1.0]), np.array([np.inf]))
    for users in (0, 3):
        assert conflict(np.ones((users, 1)), offers, limits).limits == (0,)


def test_the_message_names_them():
    offers = OfferTable(np.array([2.0]), np.array([0]))
    limits = Constraints(3.0, 1, np.ones((1, 1), bool), np.array([2.0]), np.array([np.inf]))
    error = conflict(np.ones((4, 1)), offers, limits)
    assert str(error) == "no plan can meet these together: limit 0, the budget"


@pytest.mark.parametrize("seed", range(12))
def test_irreducible_as_subsets_tell(seed):
    rng = np.random.default_rng(seed)
    products = np.array([0, 0, 1, 2])
    offers = OfferTable(np.array([1.0, 2.0, 1.0, 3.0]), products)
    while True:
        nets = np.where(rng.random((6, 4)) < 0.5, 1.0, -np.inf)
        members = rng.random((4, 4)) < 0.5
        at_least = rng.integers(0, 5, 4).astype(float)
        at_most = np.where(rng.random(4) < 0.5, rng.integers(1, 4, 4), np.inf)
        constraints = Constraints(float(rng.integers(4, 12)), 1, members, at_least, at_most)
        if not feasible(nets, offers, constraints):
            break
    error = conflict(nets, offers, constraints)
    named = [*error.limits] + ["budget"] * error.budget + ["per_user"] * error.per_user
    assert not feasible(nets, offers, only(constraints, named))
    for fewer in combinations(named, len(named) - 1):
        assert feasible(nets, offers, only(constraints, fewer))


def only(constraints, named):
    """Keep to these, and to nothing else."""
    rows = [limit for limit in named if isinstance(limit, int)]
    return replace(
        constraints,
        budget=constraints.budget if "budget" in named else None,
        per_user=constraints.per_user if "per_user" in named else 99,
        members=constraints.members[rows],
        at_least=constraints.at_least[rows],
        at_most=constraints.at_most[rows],
    )


def feasible(nets, offers, constraints):
    """Tell by trying every choice of every user, as sets of what can be used so far."""
    reached = {(0,) * (len(constraints.at_least) + 1)}
    for row in nets:
        able = np.flatnonzero(row > -np.inf)
        choices = set()
        for several in range(min(constraints.per_user, len(able)) + 1):
            for chosen in combinations(able.tolist(), several):
                if len(set(offers.products[list(chosen)])) == several:
                    used = constraints.members[:, list(chosen)].sum(axis=1).tolist()
                    choices.add((*used, float(offers.costs[list(chosen)].sum())))
        reached = {
            total
            for one in reached
            for more in choices
            if fits(total := tuple(a + b for a, b in zip(one, more, strict=True)), constraints)
        }
    return any((np.array(one[:-1]) >= constraints.at_least).all() for one in reached)


def fits(total, constraints):
    within = constraints.budget is None or total[-1] <= constraints.budget
    return within and (np.array(total[:-1]) <= constraints.at_most).all()
