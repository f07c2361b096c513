"""Small problems by SciPy's HiGHS: the linear relaxation, and the whole problem where tiny."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from suitably.decisions.allocation.first_units import first_units
from suitably.decisions.allocation.problem import Constraints, OfferTable
from suitably.decisions.allocation.relaxation import Relaxation
from suitably.decisions.allocation.shortlists import ShortLists

__all__ = ["integer", "relaxed"]

_NODES = 2_000


def relaxed(lists: ShortLists, offers: OfferTable, constraints: Constraints) -> Relaxation | None:
    """Return an optimum of the linear relaxation, None where there is no plan."""
    program = _Program(lists, offers, constraints)
    if not len(program.nets):
        nothing = np.zeros(lists.nets.shape)
        feasible = not len(program.asked)
        return (
            Relaxation(lists, nothing, 0.0, 0.0, np.zeros(len(constraints.most)))
            if feasible
            else None
        )
    found = linprog(
        -program.nets, A_ub=program.matrix, b_ub=program.right, bounds=(0, 1), method="highs"
    )
    if found.status == 2:
        return None
    if not found.success:
        raise RuntimeError(f"HiGHS: {found.message}")
    prices = -found.ineqlin.marginals[program.first :]
    has_budget = constraints.budget is not None
    limits = np.zeros(len(constraints.most))
    several = len(program.capped)
    limits[program.capped] += prices[has_budget : has_budget + several]
    limits[program.asked] -= prices[has_budget + several :]
    budget_price = float(prices[0]) if has_budget else 0.0
    lowered = first_units(lists, offers, constraints, budget_price, limits)
    return Relaxation(lists, program.shares(found.x), -float(found.fun), *lowered)


def integer(
    lists: ShortLists, offers: OfferTable, constraints: Constraints
) -> tuple[NDArray[np.bool_], float] | None:
    """Return which offers of lists to make, and a bound on any plan; None if none was found."""
    program = _Program(lists, offers, constraints)
    if not len(program.nets):
        return None
    found = milp(
        -program.nets,
        integrality=np.ones(len(program.nets)),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(program.matrix, -np.inf, program.right),
        options={"node_limit": _NODES, "mip_rel_gap": 0.0},
    )
    if found.x is None:
        return None
    return program.shares(found.x) > 0.5, -float(found.mip_dual_bound)


class _Program:
    """Rows: per user, per user and product, then budget, maximums, minimums (negated)."""

    def __init__(self, lists: ShortLists, offers: OfferTable, constraints: Constraints) -> None:
        self.shape = lists.nets.shape
        self.entries = np.flatnonzero(lists.nets.ravel() > -np.inf)
        place, _, user = np.unravel_index(self.entries, self.shape)
        of = lists.offers.ravel()[self.entries]
        self.nets = lists.nets.ravel()[self.entries]
        pair = user * self.shape[0] + place
        some = np.arange(len(of))
        rows: list[Any] = [_rows(user, some), _rows(pair, some)]
        self.first = sum(part.shape[0] for part in rows)
        right = [np.full(rows[0].shape[0], float(constraints.per_user)), np.ones(rows[1].shape[0])]
        if constraints.budget is not None:
            rows.append(sparse.csr_array(offers.costs[of][None]))
            right.append(np.array([constraints.budget]))
        most, fewest = constraints.most, constraints.fewest
        self.capped = np.flatnonzero(most < 2**62)
        self.asked = np.flatnonzero(fewest > 0)
        members = constraints.members
        rows.append(sparse.csr_array(members[self.capped][:, of].astype(float)))
        rows.append(-sparse.csr_array(members[self.asked][:, of].astype(float)))
        right += [most[self.capped].astype(float), -fewest[self.asked].astype(float)]
        self.matrix = sparse.vstack(rows, format="csr")
        self.right = np.concatenate(right)

    def shares(self, found: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a solution in the shape of the lists."""
        shares = np.zeros(int(np.prod(self.shape)))
        shares[self.entries] = found
        return shares.reshape(self.shape)


def _rows(groups: NDArray[np.int64], columns: NDArray[np.int64]) -> Any:
    """Return a matrix with a row per group that occurs."""
    _, row = np.unique(groups, return_inverse=True)
    shape = (row.max(initial=-1) + 1, len(columns))
    return sparse.csr_array((np.ones(len(columns)), (row, columns)), shape=shape)
