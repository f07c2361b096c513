"""Ranked lists of products, many users at once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Lists"]


@dataclass(frozen=True)
class Lists:
    """What each user is shown, best first.

    Attributes:
        products: int32 (users, depth), product codes; −1 past the end of a list.
        scores: float32 (users, depth); 0 past the end.
        lengths: int32 (users,), how many products each list really has.
        propensities: float64 (users, depth), with what probability each product was drawn at its
            rank, given those above; 0 past the end. None: nothing was drawn, lists are best first.

    Example:
        >>> lists = Lists(
        ...     products=np.array([[2, 0], [1, -1]], np.int32),
        ...     scores=np.array([[0.9, 0.4], [0.7, 0.0]], np.float32),
        ...     lengths=np.array([2, 1], np.int32),
        ... )
        >>> lists.depth, lists.filled.tolist()
        (2, [[True, True], [True, False]])
    """

    products: NDArray[np.int32]
    scores: NDArray[np.float32]
    lengths: NDArray[np.int32]
    propensities: NDArray[np.float64] | None = None

    @property
    def depth(self) -> int:
        """The room for products in every list."""
        return int(self.products.shape[1])

    @property
    def filled(self) -> NDArray[np.bool_]:
        """Where there is a product: bool (users, depth)."""
        return np.arange(self.depth) < self.lengths[:, None]

    def keep(self, kept: NDArray[np.bool_], depth: int) -> "Lists":
        """Drop products and close the gaps, in order, up to a depth.

        Args:
            kept: bool (users, depth); places past the end never stay.
            depth: The most that stay.
        """
        kept = kept & self.filled
        order = np.argsort(~kept, axis=1, kind="stable")[:, :depth]
        lengths = np.minimum(kept.sum(axis=1), depth).astype(np.int32)
        past = np.arange(order.shape[1]) >= lengths[:, None]
        return Lists(
            np.where(past, np.int32(-1), np.take_along_axis(self.products, order, axis=1)),
            np.where(past, np.float32(0), np.take_along_axis(self.scores, order, axis=1)),
            lengths,
            None
            if self.propensities is None
            else np.where(past, 0.0, np.take_along_axis(self.propensities, order, axis=1)),
        )

    def rows(self, rows: slice) -> "Lists":
        """Return the lists of some users, as views: what is put there is put here."""
        drawn = None if self.propensities is None else self.propensities[rows]
        return Lists(self.products[rows], self.scores[rows], self.lengths[rows], drawn)

    def put(self, rows: NDArray[np.int64], lists: "Lists") -> None:
        """Lay the lists of some users at their rows; they are no deeper than these."""
        self.products[rows, : lists.depth] = lists.products
        self.scores[rows, : lists.depth] = lists.scores
        self.lengths[rows] = lists.lengths
        if self.propensities is not None and lists.propensities is not None:
            self.propensities[rows, : lists.depth] = lists.propensities

    def copy(self) -> "Lists":
        """Return the same lists in arrays of their own."""
        return self._each(np.copy)

    @staticmethod
    def empty(users: int, depth: int, drawn: bool = False) -> "Lists":
        """Return lists without products, with room for propensities where these are drawn."""
        products = np.empty((users, depth), np.int32)
        products.fill(-1)
        scores, lengths = np.zeros((users, depth), np.float32), np.zeros(users, np.int32)
        return Lists(products, scores, lengths, np.zeros((users, depth)) if drawn else None)

    def certain(self) -> "Lists":
        """Return the same lists with a propensity of 1 wherever there is a product."""
        return replace(self, propensities=self.filled.astype(np.float64))

    @staticmethod
    def stack(blocks: "list[Lists]") -> "Lists":
        """Put blocks of users below each other."""
        return Lists(
            np.concatenate([block.products for block in blocks]),
            np.concatenate([block.scores for block in blocks]),
            np.concatenate([block.lengths for block in blocks]),
        )

    def take(self, rows: NDArray[np.int64]) -> "Lists":
        """Return the lists of some users."""
        return self._each(lambda values: values[rows])

    def _each(self, make: Callable[[NDArray[Any]], NDArray[Any]]) -> "Lists":
        drawn = self.propensities
        return Lists(
            make(self.products),
            make(self.scores),
            make(self.lengths),
            None if drawn is None else make(drawn),
        )
