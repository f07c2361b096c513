"""The Lagrangian dual: prices of limits at which users, left to choose, keep to them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from suitably.decisions.allocation.problem import Constraints, OfferTable
from suitably.decisions.allocation.shortlists import ShortLists
from suitably.decisions.allocation.smoothing import demand
from suitably.utils.parallel import one_blas_thread

__all__ = ["Dual"]


@dataclass(frozen=True, eq=False)
class Dual:
    """The dual as a function of prices, one for the budget, each maximum and each minimum.

    Attributes:
        offers: The offers.
        constraints: The constraints.
        users: For how many users the limits are meant.
        unit: About what an offer earns.
    """

    offers: OfferTable
    constraints: Constraints
    users: int
    unit: float

    @property
    def capped(self) -> NDArray[np.int64]:
        """The limits with a maximum that means something."""
        return np.flatnonzero(self.constraints.most < self.users * len(self.offers))

    @property
    def asked(self) -> NDArray[np.int64]:
        """The limits with a minimum."""
        return np.flatnonzero(self.constraints.fewest > 0)

    @property
    def matrix(self) -> NDArray[np.float64]:
        """float64 (prices, offers): what an offer uses; a minimum is used negatively."""
        members = self.constraints.members.astype(float)
        return np.concatenate(
            [self.offers.costs[None][: self._budgets], members[self.capped], -members[self.asked]]
        )

    @property
    def right(self) -> NDArray[np.float64]:
        """float64 (prices,): what there is to use."""
        constraints = self.constraints
        return np.concatenate(
            [
                np.full(self._budgets, constraints.budget or 0.0),
                constraints.most[self.capped].astype(float),
                -constraints.fewest[self.asked].astype(float),
            ]
        )

    @property
    def _budgets(self) -> int:
        return int(self.constraints.budget is not None)

    def solve(
        self,
        lists: ShortLists,
        prices: NDArray[np.float64],
        smoothing: float,
        step: float,
        most: float,
        iterations: int,
    ) -> NDArray[np.float64]:
        """Return better prices for the users of lists, by L-BFGS-B (Byrd et al. 1995).

        Args:
            lists: What users choose among; of a sample of them, limits are scaled.
            prices: float64 (prices,), where to start.
            smoothing: How much choices are smoothed, in units of net.
            step: How far prices may move: lists drawn at some prices tell little of others far off.
                In units of net.
            most: The highest price of a unit of a limit.
            iterations: How often to improve them, at most.
        """
        if not len(prices):
            return prices
        matrix, right = self.matrix, self.right * (len(lists.outside) / self.users)
        scale, total = self._scales(), len(lists.outside) * self.unit
        per_user = self.constraints.per_user

        def value(scaled: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            at = scaled * scale
            gain, counts = demand(lists, at @ matrix, smoothing, per_user)
            return float(gain + at @ right) / total, (right - matrix @ counts) * scale / total

        steps, ends = np.full(len(prices), step), np.full(len(prices), most)
        if self._budgets:
            steps[0] /= max(self.offers.costs.mean(), 1e-300)
            ends[0] /= max(
                self.offers.costs.min(initial=np.inf, where=self.offers.costs > 0), 1e-300
            )
        low = np.maximum(prices - steps, 0.0)
        high = np.minimum(prices + steps, ends)
        with one_blas_thread():
            found: Any = minimize(
                value,
                np.clip(prices, low, high) / scale,
                jac=True,
                method="L-BFGS-B",
                bounds=list(zip(low / scale, high / scale, strict=True)),
                options={"maxiter": iterations, "maxcor": 20, "ftol": 1e-7, "gtol": 1e-7},
            )
        better: NDArray[np.float64] = found.x * scale
        return better

    def _scales(self) -> NDArray[np.float64]:
        """Return steps of prices that change demand by about as much each: float64 (prices,)."""
        each = max(self.offers.costs.mean(), 1e-300)
        used = np.abs(self.right)
        weight = np.ones(len(used))
        if self._budgets:
            used[0], weight[0] = used[0] / each, each
        share = np.clip(used / self.users, 1.0 / self.users, 1.0)
        return self.unit / (weight * np.sqrt(share))

    def by_limit(self, prices: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return the price of the budget, and of each limit: those of minimums negative."""
        limits = np.zeros(len(self.constraints.most))
        capped, asked = np.split(prices[self._budgets :], [len(self.capped)])
        limits[self.capped] += capped
        limits[self.asked] -= asked
        return float(prices[: self._budgets].sum()), limits
