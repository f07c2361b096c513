"""Simulated customers: what a bank sees of them, and the hidden traits behind their purchases."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suitably.data.simulation.timeline import DAY, END, START, Days

__all__ = ["Customers", "draw_customers"]

Floats = NDArray[np.float64]
_TASTES = 8
_UNSEEN = np.timedelta64(75, "D")
"""How long a newcomer waits before the first purchase is possible, at most."""


@dataclass(frozen=True)
class Customers:
    """Customers as arrays of one length.

    Attributes:
        since: datetime64[D], when they joined.
        opening: datetime64[D], from when they may buy.
        lapsed: datetime64[D], when they stop buying for good, often after the records end.
        birth: datetime64[D], date of birth.
        income: A year's income, in yuan.
        net_worth: Everything owned less everything owed, in yuan; may be negative.
        financial_assets: In yuan.
        liquid_assets: What is at hand, in yuan.
        debt_payment: Monthly payments on debt, in yuan.
        appetite: Hidden: the risk level a customer really prefers, about 0.5 to 5.5.
        pace: Hidden: purchases a year in a settled relationship.
        tastes: float64 (customers, tastes), hidden.
        leaning: float64 (customers, categories), hidden liking of the categories.
    """

    since: Days
    opening: Days
    lapsed: Days
    birth: Days
    income: Floats
    net_worth: Floats
    financial_assets: Floats
    liquid_assets: Floats
    debt_payment: Floats
    appetite: Floats
    pace: Floats
    tastes: Floats
    leaning: Floats

    def __len__(self) -> int:
        return len(self.since)

    def age(self, at: Days | np.datetime64) -> Floats:
        """Age in years at a moment."""
        years: Floats = (at - self.birth) / DAY / 365.25
        return years


def draw_customers(n: int, rng: np.random.Generator) -> Customers:
    """Draw `n` customers.

    Three in five joined before the records begin, the others while they run. One in nine never
    buys or nearly so, and one in fifteen stops for good every year.
    """
    first, last = START.astype("datetime64[D]"), END.astype("datetime64[D]")
    recorded = int((last - first) / DAY)
    before = rng.random(n) < 0.6
    days = np.where(before, -rng.integers(1, 3_000, n), rng.integers(0, recorded, n))
    days[0] = -1_000
    since = first + days * DAY
    wait = (rng.random(n) * (_UNSEEN / DAY)).astype(np.int64) * DAY
    lapsed = np.maximum(since, first) + (rng.exponential(15 * 365.25, n)).astype(np.int64) * DAY
    lapsed[0] = last + 366 * DAY

    age = np.clip(rng.gamma(9.0, 5.2, n), 18.0, 92.0)
    birth = since - (age * 365.25).astype(np.int64) * DAY - DAY
    income = np.exp(rng.normal(11.7, 0.6, n) - 0.0006 * (age - 48.0) ** 2)
    savings = np.exp(rng.normal(0.2, 1.25, n)) * np.clip((age - 15.0) / 25.0, 0.15, 2.2)
    financial = np.maximum(1.1 * income * savings, 800.0)
    liquid = np.maximum(financial * rng.beta(2.0, 3.0, n), 500.0)
    debt = np.where(rng.random(n) < 0.45, income / 12.0 * rng.beta(2.0, 6.0, n), 0.0)
    home = income * rng.gamma(2.0, 2.0, n) * (rng.random(n) < 0.7)

    wealth = np.log(financial / 150_000.0)
    appetite = 2.9 - 0.018 * (age - 46.0) + 0.18 * wealth + rng.normal(scale=0.85, size=n)
    pace = rng.gamma(1.6, 1.6, n) * np.exp(0.15 * np.clip(wealth, -2.0, 2.0))
    pace = np.where(rng.random(n) < 0.1, 0.02, pace)
    pace[0] = 6.0
    return Customers(
        since=since,
        opening=since + wait,
        lapsed=lapsed,
        birth=birth,
        income=_rounded(income, 100.0),
        net_worth=_rounded(financial + home - 60.0 * debt, 100.0),
        financial_assets=_rounded(financial, 100.0),
        liquid_assets=_rounded(liquid, 100.0),
        debt_payment=_rounded(debt, 10.0),
        appetite=np.clip(appetite, 0.5, 5.5),
        pace=pace,
        tastes=rng.normal(size=(n, _TASTES)),
        leaning=_leaning(age, wealth) + rng.normal(scale=0.7, size=(n, 5)),
    )


def _leaning(age: Floats, wealth: Floats) -> Floats:
    """Life-cycle liking of funds, wealth products, insurance, deposits and loans, log scale."""
    decades = (age - 45.0) / 10.0
    return np.column_stack(
        [
            0.5 - 0.25 * decades,
            0.3 + 0.20 * decades + 0.2 * wealth,
            0.5 - 0.2 * decades**2,
            -0.2 + 0.35 * decades - 0.1 * wealth,
            -0.5 - 0.5 * decades - 0.2 * wealth,
        ]
    )


def _rounded(amount: Floats, unit: float) -> Floats:
    rounded: Floats = np.round(amount / unit) * unit
    return rounded
