"""Fixed-point sums per user: the same whatever the order of adding."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from suitably.errors import DataError
from suitably.profiles.base import padded

__all__ = ["ExactSums"]

_PARTS = 1_000_000_000
_LIMIT = 2**62


@dataclass(frozen=True)
class ExactSums:
    """A sum per user, held as integers, so that a merge equals adding everything at once.

    Floating-point addition is not associative: an updated profile could differ from a rebuilt one
    in its last digit, and a rule with a threshold could then differ too. Amounts count to the
    billionth of the currency's unit.

    Attributes:
        whole: int64 (users,), whole units.
        billionths: int64 (users,), from 0 to 999,999,999.

    Example:
        >>> ExactSums.of(np.array([0, 0, 2]), np.array([0.1, 0.2, -1.5]), users=3).floats()
        array([ 0.3,  0. , -1.5])
    """

    whole: NDArray[np.int64]
    billionths: NDArray[np.int64]

    @classmethod
    def of(cls, users_of: NDArray[np.int32], values: NDArray[np.float64], users: int) -> Self:
        """Add up values: `users_of` (n,) tells whose each of `values` (n,) is.

        Raises:
            DataError: The amounts add up to more than 4.6e18.
        """
        floor, billionths = _split(values)
        whole, parts = np.zeros(users, np.int64), np.zeros(users, np.int64)
        np.add.at(whole, users_of, floor)
        np.add.at(parts, users_of, billionths)
        return cls.carrying(whole, parts)

    @classmethod
    def each(cls, values: NDArray[np.float64]) -> Self:
        """Take each value as a sum of its own.

        Raises:
            DataError: The amounts add up to more than 4.6e18.
        """
        return cls.carrying(*_split(values))

    @classmethod
    def carrying(cls, whole: NDArray[np.int64], billionths: NDArray[np.int64]) -> Self:
        """Take sums of whole units and of billionths, which may be as many as they are."""
        if not len(billionths) or (billionths.min() >= 0 and billionths.max() < _PARTS):
            return cls(whole, billionths)
        over = billionths // _PARTS
        return cls(whole + over, billionths - over * _PARTS)

    def plus(self, other: "ExactSums") -> "ExactSums":
        """Add two records, the shorter one padded with zeros.

        Raises:
            DataError: A sum leaves the exact range.
        """
        users = max(len(self.whole), len(other.whole))
        whole = padded(self.whole, users, 0) + padded(other.whole, users, 0)
        parts = padded(self.billionths, users, 0) + padded(other.billionths, users, 0)
        if users and np.abs(whole).max() >= _LIMIT:
            raise DataError(f"values: a sum of {np.abs(whole).max():g} is beyond the exact range")
        return ExactSums.carrying(whole, parts)

    def floats(self) -> NDArray[np.float64]:
        """Return the sums as numbers, float64 (users,): the nearest below 9e6, else to one ulp."""
        exact = np.abs(self.whole) < 9_000_000  # all billionths below 2**53 are floats
        total = np.where(exact, self.whole, 0) * _PARTS + self.billionths
        return np.where(exact, total / _PARTS, self.whole + self.billionths / _PARTS)


def _split(values: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return whole units and billionths of each value, the latter from 0 to a whole unit."""
    if np.abs(values).sum() >= _LIMIT:
        raise DataError(f"values: {np.abs(values).max():g} is beyond what can be added exactly")
    floor = np.floor(values)
    return floor.astype(np.int64), np.rint((values - floor) * _PARTS).astype(np.int64)
