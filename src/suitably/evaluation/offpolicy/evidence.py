"""Evidence: the impressions of all windows as both arms see them, and intervals from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from suitably.evaluation.offpolicy.estimators import Rounds, effective_size
from suitably.evaluation.statistics.rounding import noise

__all__ = ["Evidence", "interval", "p_value"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Evidence:
    """Impressions, row by row.

    Attributes:
        users: int64 (n,), whose.
        slates: int64 (n,), which were shown together, numbered from 0.
        control: Rounds as control sees them.
        treatment: Likewise.
        gaps: float64 (2, n), by how much the weight of each row exceeds what it is on average where
            the log could have shown all that the arm would; control first.

    Example:
        >>> len(Evidence.nothing())
        0
    """

    users: NDArray[np.int64]
    slates: NDArray[np.int64]
    control: Rounds
    treatment: Rounds
    gaps: Floats

    @staticmethod
    def nothing() -> "Evidence":
        """Return no evidence."""
        none, zeros = np.zeros(0, np.int64), np.zeros(0)
        rounds = Rounds(zeros, zeros, zeros, zeros, none, zeros)
        return Evidence(none, none, rounds, rounds, np.zeros((2, 0)))

    @staticmethod
    def stack(parts: "Sequence[Evidence]") -> "Evidence":
        """Put windows one after the other; a user of several is one user."""
        counts = np.cumsum([0, *(int(part.slates.max(initial=-1)) + 1 for part in parts)])
        return Evidence(
            np.concatenate([part.users for part in parts]),
            np.concatenate([part.slates + at for part, at in zip(parts, counts, strict=False)]),
            _stacked([part.control for part in parts]),
            _stacked([part.treatment for part in parts]),
            np.concatenate([part.gaps for part in parts], axis=1),
        )

    @property
    def effective_n(self) -> tuple[float, float]:
        """What the weights of either arm are worth in rows of equal weight, control first."""
        return effective_size(self.control.weights), effective_size(self.treatment.weights)

    def per_user(self, rows: Floats) -> tuple[Floats, Floats]:
        """Return sums of numbers per user, and how many slates each has: float64 (users,)."""
        codes, counts = self._users
        sums: Floats = np.bincount(codes, rows, minlength=len(counts)).astype(np.float64)
        return sums, counts

    @cached_property
    def _users(self) -> tuple[NDArray[np.intp], Floats]:
        """Each row's user, numbered from 0, and how many slates each user has."""
        _, codes = np.unique(self.users, return_inverse=True)
        first = np.ones(len(self), bool)
        first[1:] = self.slates[1:] != self.slates[:-1]
        return codes, np.bincount(codes, first).astype(np.float64)

    def __len__(self) -> int:
        return len(self.users)


def interval(sums: Floats, slates: Floats, alpha: float) -> tuple[float, float, float]:
    """Return the mean per slate and its interval, users as the units (delta method of a ratio).

    Args:
        sums: float64 (users,), of each user's numbers.
        slates: float64 (users,), how many slates they are of.
        alpha: One less the coverage.

    Returns:
        The mean, the low and the high end; NaN ends for fewer than two users, or numbers that are
        all the same but for rounding.

    Example:
        >>> mean, low, high = interval(np.array([1.0, 2.0, 3.0]), np.ones(3), 0.05)
        >>> mean, round(low, 3), round(high, 3)
        (2.0, -0.484, 4.484)
    """
    mean = float(sums.sum() / slates.sum()) if len(sums) else float("nan")
    error, reach = _standard_error(sums, slates, mean), float("nan")
    if error > 0:
        reach = float(stats.t.ppf(1 - alpha / 2, len(sums) - 1)) * error
    return mean, mean - reach, mean + reach


def p_value(sums: Floats, slates: Floats) -> float:
    """Return the two-sided p-value of a mean of 0; 1 where every number is 0."""
    mean = float(sums.sum() / slates.sum()) if len(sums) else float("nan")
    error = _standard_error(sums, slates, mean)
    if len(sums) and not sums.any():
        return 1.0
    return float(2 * stats.t.sf(abs(mean) / error, len(sums) - 1)) if error > 0 else float("nan")


def _standard_error(sums: Floats, slates: Floats, mean: float) -> float:
    users = len(sums)
    if users < 2:
        return float("nan")
    apart = sums - mean * slates
    if (np.abs(apart) <= noise(sums, mean * slates, terms=slates.sum())).all():
        return 0.0
    return float(np.sqrt((apart @ apart) * users / (users - 1)) / slates.sum())


def _stacked(rounds: "list[Rounds]") -> Rounds:
    names = ("weights", "rewards", "expected", "predicted", "ranks", "shows")
    return Rounds(*(np.concatenate([getattr(one, name) for one in rounds]) for name in names))
