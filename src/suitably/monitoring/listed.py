"""Listed products: how often each was listed on the last days, for coverage and concentration."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from suitably.monitoring.answers import Answers
from suitably.monitoring.distances import gini, top_share

__all__ = ["ListedProducts"]

_KEPT_DAYS = 7
_MOST_LISTS = 200_000


class ListedProducts:
    """Places in lists by product and day, of the last seven days."""

    def __init__(self) -> None:
        self._places: dict[Any, int] = {}
        self._days: dict[int, NDArray[np.int64]] = {}
        self._known: tuple[Any, NDArray[np.int64]] | None = None

    def add_lists(self, day: int, answers: Answers) -> None:
        """Count the products of some lists; those of the catalogue that are in none count too.

        Of very many lists 100,000 or so are counted, evenly spread.
        """
        catalogue = answers.state.catalogue
        some = answers.lists.products[:: 1 + len(answers.rows) // _MOST_LISTS]
        counts = np.bincount(some.ravel() + 1, minlength=len(catalogue) + 1)
        if self._known is None or self._known[0] is not catalogue:
            self._known = (catalogue, self._positions(catalogue.values.tolist()))
        self._put(day, self._known[1], counts[1:])

    def add(self, day: int, product_ids: list[Any], counts: NDArray[np.int64]) -> None:
        """Count products by their ids."""
        self._put(day, self._positions(product_ids), counts)

    def figures(self) -> list[tuple[int, int, float, float, float]]:
        """Return for every day: products, the share listed at all, Gini, and the top tenth's share.

        Example:
            >>> listed = ListedProducts()
            >>> listed.add(1, ["a", "b", "c", "d"], np.array([4, 0, 0, 0]))
            >>> listed.figures()
            [(1, 4, 0.25, 0.75, 1.0)]
        """
        found = []
        for day in sorted(self._days):
            counts = self._days[day][self._days[day] >= 0].astype(np.float64)
            covered = float((counts > 0).mean()) if len(counts) else float("nan")
            found.append((day, len(counts), covered, gini(counts), top_share(counts)))
        return found

    def merge(self, other: "ListedProducts") -> None:
        """Add what another process counted."""
        ids = np.array(list(other._places), object)
        for day, counts in other._days.items():
            there = np.flatnonzero(counts >= 0)
            self.add(day, ids[there].tolist(), counts[there])

    def state(self) -> dict[str, Any]:
        """Return everything JSON-ready."""
        days = {str(day): counts.tolist() for day, counts in self._days.items()}
        return {"products": list(self._places), "days": days}

    @staticmethod
    def from_state(state: dict[str, Any]) -> "ListedProducts":
        """Take back what `state` gave."""
        made = ListedProducts()
        made._places = {one: place for place, one in enumerate(state["products"])}
        made._days = {int(day): np.array(n, np.int64) for day, n in state["days"].items()}
        return made

    def _positions(self, product_ids: list[Any]) -> NDArray[np.int64]:
        places = self._places
        return np.array([places.setdefault(one, len(places)) for one in product_ids], np.int64)

    def _put(self, day: int, positions: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
        """Add counts; a product that a day's catalogues do not have stands at −1."""
        mine = self._days.get(day, np.zeros(0, np.int64))
        mine = np.append(mine, np.full(len(self._places) - len(mine), -1))
        mine[positions] = np.maximum(mine[positions], 0) + counts
        self._days[day] = mine
        while len(self._days) > _KEPT_DAYS:
            del self._days[min(self._days)]
