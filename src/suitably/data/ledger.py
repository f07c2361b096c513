"""Ledgers of ownership: what every pair of user and product has come to, whatever the order."""

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.data.clock import Instants
from suitably.data.event_kinds import EventKinds
from suitably.data.events import Events
from suitably.utils.runs import reduce_runs, run_starts

__all__ = ["Ledger"]

_NEVER = np.datetime64("NaT", "us")
_UNDATED = np.datetime64(0, "us")
_ROUNDING = 2.0**-40
"""What sums of decimals may miss of each other; whole numbers below 2⁴⁰ are compared exactly."""


@dataclass(frozen=True)
class Ledger:
    """What acquisitions, disposals and rejections have come to, a row per pair that has any.

    Ledgers of disjoint events are joined in any order: a late delivery changes nothing but what it
    says. Data without timestamps have all their events at one instant.

    Attributes:
        users: int64 (pairs,), ascending.
        products: int64 (pairs,), ascending for each user.
        acquired: datetime64[us] (pairs,), when last; NaT: never.
        disposed: Likewise.
        rejected: Likewise.
        gained: float64 (pairs,), how many units were acquired.
        spent: float64 (pairs,), how many were disposed of.
        measured: bool (pairs,), whether all acquisitions and disposals say how many units.
    """

    users: NDArray[np.int64]
    products: NDArray[np.int64]
    acquired: Instants
    disposed: Instants
    rejected: Instants
    gained: NDArray[np.float64]
    spent: NDArray[np.float64]
    measured: NDArray[np.bool_]

    @classmethod
    def of(cls, events: Events, kinds: EventKinds) -> Self:
        """Add up the events, by what their kinds mean."""
        after = (events.take(events.among(those)) for those in (kinds.disposed, kinds.rejected))
        parts = (kinds.acquisitions(events), *after)
        sizes = [len(part) for part in parts]
        times = [_times(part) for part in parts]
        units = [_units(part) for part in parts]
        never = [np.full(size, _NEVER) for size in sizes]
        none = [np.zeros(size) for size in sizes]
        known = [np.nan_to_num(unit) for unit in units]
        rows = cls(
            users=np.concatenate([part.users for part in parts]).astype(np.int64),
            products=np.concatenate([part.products for part in parts]).astype(np.int64),
            acquired=np.concatenate([times[0], never[1], never[2]]),
            disposed=np.concatenate([never[0], times[1], never[2]]),
            rejected=np.concatenate([never[0], never[1], times[2]]),
            gained=np.concatenate([known[0], none[1], none[2]]),
            spent=np.concatenate([none[0], known[1], none[2]]),
            measured=np.concatenate(
                [~np.isnan(units[0]), ~np.isnan(units[1]), np.ones(sizes[2], bool)]
            ),
        )
        return rows._by_pair()

    def plus(self, other: Self) -> Self:
        """Join two ledgers of disjoint events."""
        both = ([getattr(one, field.name) for one in (self, other)] for field in fields(self))
        return type(self)(*map(np.concatenate, both))._by_pair()

    def of_users(self, kept: NDArray[np.bool_]) -> Self:
        """Return that of some users, renumbered: bool (users,)."""
        rows, places = kept[self.users], np.cumsum(kept) - 1
        columns = {field.name: getattr(self, field.name)[rows] for field in fields(self)}
        return type(self)(**{**columns, "users": places[columns["users"]]})

    def __len__(self) -> int:
        return len(self.users)

    @property
    def held(self) -> NDArray[np.bool_]:
        """Which pairs are owned: bool (pairs,)."""
        some_left = self.spent < self.gained * (1 - _ROUNDING)
        since = np.where(self.measured, some_left, self.disposed < self.acquired)
        held: NDArray[np.bool_] = ~np.isnat(self.acquired) & (np.isnat(self.disposed) | since)
        return held

    @property
    def turned_down(self) -> NDArray[np.bool_]:
        """Which pairs were rejected and not acquired later: bool (pairs,)."""
        again = self.acquired > self.rejected
        turned_down: NDArray[np.bool_] = ~np.isnat(self.rejected) & ~again
        return turned_down

    def owned(self, shape: tuple[int, int]) -> sparse.csr_array:
        """Return what is owned: CSR (users, products), int8 ones, sorted."""
        return self._matrix(self.held, np.ones(len(self), np.int8), shape)

    def rejections(self, shape: tuple[int, int]) -> sparse.csr_array:
        """Return when what is turned down was: CSR (users, products), int64 microseconds."""
        return self._matrix(self.turned_down, self.rejected.astype(np.int64), shape)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything as arrays."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]], shape: tuple[int, int]) -> Self:
        """Take back what `to_arrays` gave.

        Raises:
            ValueError: The arrays do not fit each other, or the users and products.
        """
        made = cls(**arrays)
        sides = zip((made.users, made.products), shape, strict=True)
        if any(array.shape != made.users.shape for array in arrays.values()) or not all(
            ((codes >= 0) & (codes < size)).all() for codes, size in sides
        ):
            raise ValueError("the ledger of ownership does not fit the users and products")
        return made

    def _matrix(
        self, rows: NDArray[np.bool_], data: NDArray[Any], shape: tuple[int, int]
    ) -> sparse.csr_array:
        starts = np.searchsorted(self.users[rows], np.arange(shape[0] + 1))
        return sparse.csr_array((data[rows], self.products[rows], starts), shape=shape)

    def _by_pair(self) -> Self:
        order = np.lexsort((self.products, self.users))
        users, products = self.users[order], self.products[order]
        first = run_starts(users, products)

        def joined(join: np.ufunc, values: NDArray[Any]) -> NDArray[Any]:
            return reduce_runs(join, values[order], first)

        return type(self)(
            users=users[first],
            products=products[first],
            acquired=joined(np.fmax, self.acquired),
            disposed=joined(np.fmax, self.disposed),
            rejected=joined(np.fmax, self.rejected),
            gained=joined(np.add, self.gained),
            spent=joined(np.add, self.spent),
            measured=joined(np.logical_and, self.measured),
        )


def _times(events: Events) -> Instants:
    return np.full(len(events), _UNDATED) if events.times is None else events.times


def _units(events: Events) -> NDArray[np.float64]:
    """Return the sizes of quantities, without their sign, NaN where missing."""
    units = np.full(len(events), np.nan) if events.quantities is None else events.quantities
    sizes: NDArray[np.float64] = np.abs(units)
    return sizes
