"""Rows of a large array of which some are new or replaced, without copying the others."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Overlay"]


@dataclass(frozen=True)
class Overlay:
    """An array (rows, columns) whose base may be a read-only map.

    Attributes:
        base: The rows as learned.
        place: int32 (rows,), each row's place in `fresh`, −1 where the base has it.
        fresh: The rows that are new or replaced.
    """

    base: NDArray[Any]
    place: NDArray[np.int32]
    fresh: NDArray[Any]

    @staticmethod
    def of(base: NDArray[Any]) -> "Overlay":
        """Lay nothing over an array."""
        return Overlay(base, np.full(len(base), -1, np.int32), base[:0])

    def __len__(self) -> int:
        return len(self.place)

    def take(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Return some of the rows; zeros for −1."""
        place = np.where(rows < 0, -1, self.place[rows]) if len(self) else np.full(len(rows), -1)
        inside = (rows >= 0) & (rows < len(self.base))
        if inside.all() and (place < 0).all():
            taken: NDArray[Any] = self.base[rows]
            return taken
        out = np.zeros((len(rows), self.base.shape[1]), self.base.dtype)
        old = inside & (place < 0)
        out[old] = self.base[rows[old]]
        out[place >= 0] = self.fresh[place[place >= 0]]
        return out

    def put(self, rows: NDArray[np.int64], values: NDArray[Any], length: int) -> "Overlay":
        """Replace some rows, in an overlay that is at least as long.

        Args:
            rows: Which, distinct.
            values: Theirs, one row each.
            length: The new number of rows; those that nobody gave are zeros.
        """
        place = np.append(self.place, np.full(length - len(self), -1, np.int32))
        kept = np.flatnonzero(place >= 0)
        kept = kept[~np.isin(kept, rows)]
        fresh = np.concatenate([self.fresh[place[kept]], values.astype(self.base.dtype)])
        place[:] = -1
        place[kept] = np.arange(len(kept), dtype=np.int32)
        place[rows] = np.arange(len(kept), len(fresh), dtype=np.int32)
        return Overlay(self.base, place, fresh)

    def merged(self) -> NDArray[Any]:
        """Return all rows as one array."""
        if len(self) == len(self.base) and not len(self.fresh):
            return self.base
        return self.take(np.arange(len(self)))
