"""Overlays: rows of a large array of which some are new or replaced, the others never copied."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Overlay"]


@dataclass(frozen=True)
class Overlay:
    """An array (rows, columns) whose base may be a read-only map and holds no row of zeros.

    Attributes:
        base: The rows as learned.
        fresh: The rows that are new or replaced.
        place: int32 (rows,), each row's place in `base` followed by `fresh`, −1 for zeros.
    """

    base: NDArray[Any]
    fresh: NDArray[Any]
    place: NDArray[np.int32]

    @staticmethod
    def of(base: NDArray[Any], where: NDArray[np.bool_]) -> "Overlay":
        """Lay nothing over an array.

        Args:
            base: A row for each that has one.
            where: bool (rows,), which have one.

        Raises:
            ValueError: These are not as many.
        """
        place = np.where(where, np.cumsum(where) - 1, -1).astype(np.int32)
        if base.ndim != 2 or len(base) != np.count_nonzero(where):
            raise ValueError(f"{base.shape} vectors for {np.count_nonzero(where)} rows")
        return Overlay(base, base[:0], place)

    def __len__(self) -> int:
        return len(self.place)

    def take(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Return some of the rows; zeros for −1."""
        if not len(self):
            return np.zeros((len(rows), self.base.shape[1]), self.base.dtype)
        if len(rows) == 1 and (row := rows.item()) >= 0:
            at = self.place.item(row)
            if 0 <= at < len(self.base):
                return np.array(self.base[at : at + 1])
        place = self.place[rows]
        place[rows < 0] = -1
        size = len(self.base)
        if len(place) and place.min() >= 0 and place.max() < size:
            taken: NDArray[Any] = self.base[place]
            return taken
        out = np.zeros((len(rows), self.base.shape[1]), self.base.dtype)
        old, new = (place >= 0) & (place < size), place >= size
        out[old] = self.base[place[old]]
        out[new] = self.fresh[place[new] - size]
        return out

    def put(self, rows: NDArray[np.int64], values: NDArray[Any], length: int) -> "Overlay":
        """Replace some rows, in an overlay that is at least as long.

        Args:
            rows: Which, distinct.
            values: Theirs, one row each.
            length: The new number of rows; those that nobody gave are zeros.
        """
        size = len(self.base)
        place = np.append(self.place, np.full(length - len(self), -1, np.int32))
        kept = np.flatnonzero(place >= size)
        kept = kept[~np.isin(kept, rows)]
        fresh = np.concatenate(
            [self.fresh[place[kept] - size], values.astype(self.base.dtype, copy=False)]
        )
        place[kept] = size + np.arange(len(kept), dtype=np.int32)
        place[rows] = size + np.arange(len(kept), len(fresh), dtype=np.int32)
        return Overlay(self.base, fresh, place)

    def only(self, kept: NDArray[np.bool_]) -> "Overlay":
        """Return some rows alone, of which no others are held: bool (rows,)."""
        there = self.place >= 0
        return Overlay.of(self.take(np.flatnonzero(kept & there)), there[kept])

    def compact(self) -> NDArray[Any]:
        """Return the rows that are not zeros for lack of one, in order."""
        return self.base if not len(self.fresh) else self.take(np.flatnonzero(self.place >= 0))

    def merged(self) -> NDArray[Any]:
        """Return all rows as one array."""
        return self.take(np.arange(len(self)))
