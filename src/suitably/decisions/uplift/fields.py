"""Fields of customers as two matrices, learned once: for trees, and for linear models."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.clock import Clock
from suitably.errors import DataError
from suitably.ranking.hybrid.encoding import Encoder
from suitably.ranking.hybrid.feature_columns import NOTHING, Column
from suitably.utils.suggest import nearest

__all__ = ["Encoded", "Fields"]

Floats = NDArray[np.float64]
_DAY = np.timedelta64(1, "D")
_KNOTS = 101
_LEAST_SPREAD = 0.05
"""A column that hardly varies is not blown up to the size of the others."""


class Encoded(NamedTuple):
    """Rows of customers as their fields say.

    Attributes:
        values: float64 (rows, columns): numbers as they are and days of dates; of texts, booleans
            and lists the share of every category, of two that of the second; NaN where missing.
            Columns that did not vary at the fit are left out.
        smooth: float64 (rows, width), of like spread and without gaps: of a number its rank at
            the fit from −1 to 1, the rank's square and whether it is missing; categories.
    """

    values: Floats
    smooth: Floats

    def take(self, rows: NDArray[np.bool_]) -> "Encoded":
        """Return some rows: bool (rows,)."""
        return Encoded(self.values[rows], self.smooth[rows])

    def beside(self, column: NDArray[Any]) -> "Encoded":
        """Return the same with one more column of values, for trees: (rows,)."""
        return Encoded(np.column_stack([self.values, column]), self.smooth)


@dataclass(frozen=True)
class _Field:
    """One field.

    Attributes:
        encoder: Its categories.
        kind: What it held, dates told from numbers though they count as days.
        knots: float64 (knots,), ascending: where ranks are read; of a number.
        centre: float64 (columns,), of the smooth columns.
        spread: Likewise.
        telling: Which columns of trees varied at the fit.
    """

    encoder: Encoder
    kind: str
    knots: Floats
    centre: Floats
    spread: Floats
    telling: NDArray[np.bool_]

    @staticmethod
    def learn(table: pa.Table, name: str) -> "_Field":
        column = _read(table, name)
        encoder = Encoder.learn(name, column, np.ones(table.num_rows, bool))
        knots = np.zeros(0)
        if encoder.kind == "number":
            knots = np.unique(np.quantile(column.numbers, np.linspace(0, 1, _KNOTS)))
        kind, zero = _kind(table, column, name), np.zeros(1)
        field = _Field(encoder, kind, knots, zero, zero, zero > 0)
        rough = field._rough(column)
        spread = np.maximum(rough.std(axis=0), _LEAST_SPREAD)
        telling = np.array([_varies(values) for values in field._values(column).T], bool)
        return _Field(encoder, kind, knots, rough.mean(axis=0), spread, telling)

    def encode(self, table: pa.Table) -> tuple[Floats, Floats]:
        name = self.encoder.name
        column = _read(table, name)
        kind = _kind(table, column, name)
        if kind != self.kind and NOTHING not in (kind, self.kind):
            raise DataError(f"{name}: held {self.kind} at the fit, holds {kind} now")
        rough = self._rough(column)
        return self._values(column)[:, self.telling], (rough - self.centre) / self.spread

    def _values(self, column: Column) -> Floats:
        """Return the columns of trees."""
        values = np.full((len(column.known), 1), np.nan)
        if self.encoder.kind == "number":
            values[column.rows, 0] = column.numbers
        else:
            shares = self._shares(column)
            values = shares[:, 1:] if shares.shape[1] == 2 else shares
            values[~column.known] = np.nan
        return values

    def _rough(self, column: Column) -> Floats:
        """Return the smooth columns before they are brought to like spread."""
        if self.encoder.kind != "number":
            return np.column_stack([self._shares(column), ~column.known])
        rank = np.zeros(len(column.known))
        if len(self.knots) > 1:
            places = np.linspace(-1.0, 1.0, len(self.knots))
            rank[column.rows] = np.interp(column.numbers, self.knots, places)
        return np.column_stack([rank, rank**2, ~column.known])

    def _shares(self, column: Column) -> Floats:
        found = self.encoder.encode(column)[:, : len(self.encoder.keys)]
        shares: Floats = found.toarray().astype(np.float64)
        return shares


@dataclass(frozen=True)
class Fields:
    """Encoders of the named fields, side by side.

    A category that was not there at the fit counts as none of those that were, a missing value is
    one of its own, and the order of a frame's columns does not matter.
    """

    _fields: tuple[_Field, ...]

    @staticmethod
    def learn(table: pa.Table, names: Sequence[str]) -> "Fields":
        """Learn the encoders of fields; one that has the same value for all is left out.

        Raises:
            DataError: A field that is not there, or that cannot be a feature.
        """
        learned = (_Field.learn(table, name) for name in names)
        return Fields(tuple(field for field in learned if field.telling.any()))

    @property
    def names(self) -> tuple[str, ...]:
        """The fields, in the order of the fit."""
        return tuple(field.encoder.name for field in self._fields)

    def encode(self, table: pa.Table) -> Encoded:
        """Return both matrices of a frame's rows.

        Raises:
            DataError: A field that is not there, or of another kind than at the fit.
        """
        nothing = np.zeros((table.num_rows, 0))
        parts = [field.encode(table) for field in self._fields]
        values = np.hstack([nothing, *(values for values, _ in parts)])
        return Encoded(values, np.hstack([nothing, *(smooth for _, smooth in parts)]))


def _read(table: pa.Table, name: str) -> Column:
    if name not in table.column_names:
        hint = nearest(str(name), table.column_names) if table.column_names else ""
        raise DataError(f"frame: no column {name!r}{hint}")
    array = table[name].combine_chunks()
    return Column.read(name, _days(array, name) if _is_date(array.type) else array, None)


def _varies(values: Floats) -> bool:
    missing = np.isnan(values)
    return bool(missing.any() and not missing.all()) or bool(np.ptp(values) > 0)


def _kind(table: pa.Table, column: Column, name: str) -> str:
    return "date" if column.kind == "number" and _is_date(table[name].type) else column.kind


def _is_date(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def _days(array: Any, name: str) -> pa.Array:
    """Return days since 1970, null where missing: only their order and distances are learned."""
    moments = Clock(getattr(array.type, "tz", None)).moments(array, name)
    missing = np.isnat(moments)
    days = (moments - np.datetime64(0, "us")) / _DAY
    return pa.array(np.where(missing, 0.0, days), mask=missing)
