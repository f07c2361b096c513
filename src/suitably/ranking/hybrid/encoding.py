"""Fields of users and products as columns of indicators, learned once and reused as learned.

Every field weighs 1 in all, however many keys a list has, so that no field drowns the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import sparse

from suitably.errors import DataError
from suitably.ranking.hybrid.feature_columns import KEYED, KINDS, NOTHING, Column, Now
from suitably.utils.suggest import nearest

__all__ = ["Encoder", "Encoding"]

_BINS = 10
_MOST = 100
_LEAST_ROWS = 2


@dataclass(frozen=True)
class Encoder:
    """One field as indicators: its categories and all others, or its bins; and missing, last.

    Attributes:
        name: The field.
        kind: What it held when this was learned: text, boolean, number, date, list, map; or
            nothing, where every value was missing.
        keys: The categories with a column of their own, sorted.
        edges: The least value of every bin but the first, ascending.

    Example:
        >>> column = Column.read("term", pa.array([12, 12, 24, 36, None]), None)
        >>> encoder = Encoder.learn("term", column, np.ones(5, bool))
        >>> encoder.edges
        (24.0, 36.0)
        >>> encoder.encode(column).toarray()
        array([[1., 0., 0., 0.],
               [1., 0., 0., 0.],
               [0., 1., 0., 0.],
               [0., 0., 1., 0.],
               [0., 0., 0., 1.]], dtype=float32)
    """

    name: str
    kind: str
    keys: tuple[str, ...] = ()
    edges: tuple[float, ...] = ()

    @staticmethod
    def learn(name: str, column: Column, rows: NDArray[np.bool_]) -> "Encoder":
        """Learn categories or bins from some of the rows.

        A category that fewer than two of them have says nothing that its only row's own vector
        does not: it counts among the others, as does all but the 100 most frequent.
        """
        kept = rows[column.rows]
        if column.kind in KEYED:
            return Encoder(name, column.kind, keys=_frequent(column.keys.filter(pa.array(kept))))
        if column.kind == NOTHING:
            return Encoder(name, NOTHING)
        return Encoder(name, column.kind, edges=_quantiles(column.numbers[kept]))

    @property
    def width(self) -> int:
        """Number of columns."""
        if self.kind in KEYED:
            return len(self.keys) + 2
        return 1 if self.kind == NOTHING else len(self.edges) + 2

    def encode(self, column: Column) -> sparse.csr_array:
        """Return the indicators: CSR (rows, width), float32; a row weighs 1, an empty list nothing.

        Raises:
            DataError: The field holds another kind of value than when this was learned.
        """
        if column.kind not in (self.kind, NOTHING) and self.kind != NOTHING:
            raise DataError(f"{self.name}: held {self.kind} at the fit, holds {column.kind} now")
        absent = np.flatnonzero(~column.known)
        rows = np.concatenate([column.rows, absent])
        places = np.concatenate([self._places(column), np.full(len(absent), self.width - 1)])
        weights = np.concatenate([column.weights, np.ones(len(absent))])
        seen = places >= 0
        cells = (weights[seen].astype(np.float32), (rows[seen], places[seen]))
        return sparse.csr_array(
            sparse.coo_array(cells, shape=(len(column.known), self.width)), dtype=np.float32
        )

    def _places(self, column: Column) -> NDArray[np.int64]:
        """Return each entry's column; −1 for a field of which nothing was known at the fit."""
        if self.kind == NOTHING or column.kind == NOTHING:
            return np.full(len(column.rows), -1)
        if self.kind in KEYED:
            vocabulary = pa.array(self.keys, pa.string())
            found = pc.index_in(column.keys, vocabulary).fill_null(len(self.keys))
            return np.asarray(found.to_numpy(zero_copy_only=False), np.int64)
        return np.searchsorted(self.edges, column.numbers, side="right").astype(np.int64)

    def state(self) -> dict[str, Any]:
        """Return everything as numbers and text."""
        edges = [float(edge) for edge in self.edges]
        return {"name": self.name, "kind": self.kind, "keys": list(self.keys), "edges": edges}

    @staticmethod
    def from_state(state: Mapping[str, Any]) -> "Encoder":
        """Take back what `state` gave.

        Raises:
            ValueError: It is no encoder's.
        """
        keys, edges = tuple(state["keys"]), tuple(state["edges"])
        fits = (
            isinstance(state["name"], str)
            and state["kind"] in KINDS
            and all(isinstance(key, str) for key in keys)
            and list(keys) == sorted(set(keys))
            and all(isinstance(edge, float) for edge in edges)
            and all(a < b for a, b in pairwise(edges))
        )
        if not fits:
            raise ValueError("the encoder of a field does not fit itself")
        return Encoder(state["name"], state["kind"], keys, edges)


@dataclass(frozen=True)
class Encoding:
    """The named fields of one side, side by side.

    Attributes:
        side: `"user"` or `"product"`, for messages.
        encoders: One per field, in the order named.
    """

    side: str
    encoders: tuple[Encoder, ...]

    @staticmethod
    def learn(
        side: str,
        names: Sequence[str],
        fields: pa.Table,
        now: Now | None,
        rows: NDArray[np.bool_],
    ) -> "Encoding":
        """Learn the encoders of fields.

        Args:
            side: Whose they are.
            names: Which.
            fields: A row per user or product.
            now: The moment that dates are reckoned to.
            rows: Those to learn from: bool (rows,).

        Raises:
            DataError: A field that is not there, or that cannot be a feature.
        """
        columns = [_read(side, name, fields, now) for name in names]
        found = zip(names, columns, strict=True)
        return Encoding(side, tuple(Encoder.learn(name, column, rows) for name, column in found))

    @property
    def width(self) -> int:
        """Number of columns."""
        return sum(encoder.width for encoder in self.encoders)

    @property
    def telling(self) -> NDArray[np.bool_]:
        """Which columns say more than that a value is missing: bool (width,)."""
        telling: NDArray[np.bool_] = np.ones(self.width, bool)
        telling[np.cumsum([e.width for e in self.encoders], dtype=np.int64) - 1] = False
        return telling

    def encode(self, fields: pa.Table, now: Now | None) -> sparse.csr_array:
        """Return the indicators: CSR (rows, width), float32, sorted.

        Raises:
            DataError: A field that is not there, or of another kind than when it was learned.
        """
        if not self.encoders:
            return sparse.csr_array((fields.num_rows, 0), dtype=np.float32)
        parts = []
        for encoder in self.encoders:
            column = _read(self.side, encoder.name, fields, now)
            try:
                parts.append(encoder.encode(column))
            except DataError as error:
                raise DataError(f"{self.side}_features: {error}") from None
        encoded = sparse.csr_array(sparse.hstack(parts, format="csr"))
        encoded.sort_indices()
        return encoded


def _read(side: str, name: str, fields: pa.Table, now: Now | None) -> Column:
    if name not in fields.column_names:
        near = nearest(name, fields.column_names) if fields.column_names else "; there are none"
        raise DataError(f"{side}_features: {side}s have no field {name!r}{near}")
    return Column.read(f"{side}_features: {name}", fields[name].combine_chunks(), now)


def _frequent(keys: pa.Array) -> tuple[str, ...]:
    counted = [(c["counts"], c["values"]) for c in keys.value_counts().to_pylist()]
    several = [(-count, key) for count, key in counted if count >= _LEAST_ROWS]
    return tuple(sorted(key for _, key in sorted(several)[:_MOST]))


def _quantiles(numbers: NDArray[np.float64]) -> tuple[float, ...]:
    """Cut numbers into bins of like counts; one that fills a whole bin has a bin of its own."""
    if not len(numbers):
        return ()
    cuts = np.quantile(numbers, np.arange(1, _BINS) / _BINS, method="higher")
    values, counts = np.unique(cuts, return_counts=True)
    distinct = np.unique(numbers)
    following = np.searchsorted(distinct, values[counts > 1], side="right")
    edges = np.union1d(values, distinct[following[following < len(distinct)]])
    return tuple(edges[edges > distinct[0]].tolist())
