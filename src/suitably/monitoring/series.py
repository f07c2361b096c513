"""Series: one figure of every user served, as sums by day that can be added up."""

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from suitably.errors import DataError

__all__ = ["NONE", "Days", "Series", "Sums", "add_days", "sums_of"]

NONE: NDArray[np.float64] = np.zeros(3)
NONE.setflags(write=False)


def sums_of(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return how many values there are, their sum, and that of their squares.

    Example:
        >>> sums_of(np.array([0.0, 0.5, 1.0])).tolist()
        [3.0, 1.5, 1.25]
    """
    floats = np.asarray(values, np.float64)
    # Not a product of vectors: for so little, threads of BLAS cost more than they do.
    return np.array([len(floats), floats.sum(), np.einsum("i,i->", floats, floats)])


Sums = dict[str, NDArray[np.float64]]
"""How many values there are, their sum, and that of their squares, by series."""

Days = dict[int, NDArray[np.float64]]
"""Sums by day, in days since 1970."""


def add_days(into: Days, more: Days) -> None:
    """Add sums to those of the same days."""
    for day, sums in more.items():
        into[day] = into.get(day, NONE) + sums


@dataclass
class Series:
    """What is watched of one figure, which is a value in [0, 1] of every user and day.

    Attributes:
        name: What it is, such as `exclusion:risk-level`.
        order: Its place among all series that were ever watched, from which its part of the error
            follows.
        learned: Whether its baseline is made of the first days observed, and was not given.
        baseline: Sums by day of the baseline, those still to come included.
        end: The last day of a learned baseline; None while it is being learned.
        first: The first day that is held against the baseline; None before there is one.
        days: Sums by day since.
        after: Days up to this one are left out: a change was accepted then. None: none are.
    """

    name: str
    order: int
    learned: bool = True
    baseline: Days = field(default_factory=dict)
    end: int | None = None
    first: int | None = None
    days: Days = field(default_factory=dict)
    after: int | None = None

    @property
    def is_learning(self) -> bool:
        """Whether there is nothing yet to hold a day against."""
        return self.learned and self.end is None

    def add(self, day: int, sums: NDArray[np.float64], baseline_days: int, keep: int) -> bool:
        """Add what was seen on a day; return whether it was not set aside as too late."""
        if (self.after is not None and day <= self.after) or (
            self.end is not None and day <= self.end
        ):
            return False
        if self.is_learning and day not in self.baseline and len(self.baseline) >= baseline_days:
            self._settle(max(self.baseline))
            if self.end is not None and day <= self.end:
                return False
        if self.is_learning:
            self.baseline[day] = self.baseline.get(day, NONE) + sums
            return True
        self.first = day if self.first is None else self.first
        self.days[day] = self.days.get(day, NONE) + sums
        self._drop(keep)
        return True

    def restart(self, order: int, after: int) -> None:
        """Learn another baseline, from the days after one."""
        self.order, self.after, self.learned = order, after, True
        self.baseline, self.days, self.end, self.first = {}, {}, None, None

    def merge(self, other: Self, baseline_days: int, keep: int) -> None:
        """Add what another process saw of the same.

        Raises:
            DataError: It was given another baseline there, or accepted anew in one of the two only.
        """
        given = not self.learned and not other.learned
        if not (given and _same(self, other)) and not (self.learned and other.learned):
            raise DataError(f"merge: {self.name} was given another baseline there")
        if self.after != other.after:
            raise DataError(f"merge: {self.name} was accepted anew in one of the two only")
        add_days(self.days, other.days)
        if given:
            firsts = [first for first in (self.first, other.first) if first is not None]
            self.first = min(firsts, default=None)
        else:
            add_days(self.baseline, other.baseline)
            ends = [end for end in (self.end, other.end) if end is not None]
            if ends or len(self.baseline) > baseline_days:
                known = sorted(self.baseline)
                self._settle(max(ends) if ends else known[baseline_days - 1])
        self._drop(keep)

    def _settle(self, end: int) -> None:
        """End the baseline with a day, and let every day be on its side of it."""
        self.end, self.first = end, end + 1
        late = {day: self.baseline.pop(day) for day in list(self.baseline) if day > end}
        early = {day: self.days.pop(day) for day in list(self.days) if day <= end}
        add_days(self.baseline, early)
        add_days(self.days, late)

    def _drop(self, keep: int) -> None:
        while len(self.days) > keep:
            del self.days[min(self.days)]

    def state(self) -> dict[str, Any]:
        """Return everything as numbers, text and lists of them."""
        return {
            "name": self.name,
            "order": self.order,
            "learned": self.learned,
            "baseline": _listed(self.baseline),
            "end": self.end,
            "first": self.first,
            "days": _listed(self.days),
            "after": self.after,
        }

    @staticmethod
    def from_state(state: dict[str, Any]) -> "Series":
        """Take back what `state` gave."""
        days = {name: _days(state[name]) for name in ("baseline", "days")}
        return Series(**{**state, **days})


def _same(one: Series, other: Series) -> bool:
    return _listed(one.baseline) == _listed(other.baseline)


def _listed(days: Days) -> list[list[float]]:
    return [[day, *days[day].tolist()] for day in sorted(days)]


def _days(listed: list[list[float]]) -> Days:
    return {int(day): np.array(sums, np.float64) for day, *sums in listed}
