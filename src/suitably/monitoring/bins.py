"""Bins of a field or of scores: where a fitted pipeline's own users lie, in about equal parts."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

__all__ = ["Bins", "field_bins", "number_bins"]

_PARTS = 5
_MOST_CATEGORIES = 12


@dataclass(frozen=True)
class Bins:
    """Bins, the last of which holds what is missing, and of categories what is new beside it.

    Attributes:
        edges: Of numbers, ascending: the outer bins are open.
        categories: Of texts, in order.
    """

    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What the bins are called."""
        if self.categories:
            return (*self.categories, "other or missing")
        inner = [f"{edge:.6g}" for edge in self.edges[1:-1]]
        if not inner:
            return ("given", "missing")
        middle = [f"{low} to {high}" for low, high in pairwise(inner)]
        return (f"below {inner[0]}", *middle, f"from {inner[-1]}", "missing")

    def codes(self, values: NDArray[Any]) -> NDArray[np.int64]:
        """Return each number's bin; NaN is missing, infinity is not."""
        inner = np.array(self.edges[1:-1], np.float64)
        found = np.zeros(values.shape, np.int64)
        for edge in inner:  # so few that a search costs more
            found += values >= edge
        found[np.isnan(values)] = len(inner) + 1
        return found

    def of(self, column: pa.ChunkedArray | pa.Array) -> NDArray[np.int64]:
        """Return the bin of each value of a column."""
        if self.categories:
            codes = pc.index_in(pc.cast(column, pa.string()), pa.array(self.categories))
            return np.asarray(pc.fill_null(codes, len(self.categories)), np.int64)
        return self.codes(_floats(column))

    def state(self) -> dict[str, Any]:
        """Return the bins JSON-ready."""
        return {"edges": list(self.edges), "categories": list(self.categories)}

    @staticmethod
    def from_state(state: dict[str, Any]) -> "Bins":
        """Take back what `state` gave."""
        return Bins(tuple(state["edges"]), tuple(state["categories"]))


def number_bins(values: NDArray[Any]) -> Bins:
    """Return bins that hold about equal parts of some numbers.

    Example:
        >>> number_bins(np.arange(1.0, 11)).names[:2]
        ('below 2.8', '2.8 to 4.6')
    """
    there = np.asarray(values, np.float64)
    there = there[np.isfinite(there)]
    if not len(there):
        return Bins(edges=(0.0, 1.0))
    edges = np.unique(np.quantile(there, np.linspace(0, 1, _PARTS + 1)))
    if len(edges) == 1:
        edges = np.array([edges[0], np.nextafter(edges[0], np.inf)])
    return Bins(edges=tuple(edges.tolist()))


def field_bins(column: pa.ChunkedArray) -> Bins | None:
    """Return the bins of a field; None for a kind that has none, such as dates and lists."""
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return number_bins(_floats(column))
    if pa.types.is_boolean(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        values = pc.unique(pc.drop_null(pc.cast(column, pa.string()))).to_pylist()
        if 0 < len(values) <= _MOST_CATEGORIES:
            return Bins(categories=tuple(sorted(values)))
    return None


def _floats(column: pa.ChunkedArray | pa.Array) -> NDArray[np.float64]:
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return np.asarray(pc.cast(whole, pa.float64()).to_numpy(zero_copy_only=False), np.float64)
