"""What users stated, level or number, and from when to when it counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data import Clock, View
from suitably.data.clock import Instant, Instants, months_later
from suitably.data.values import in_words
from suitably.errors import DataError
from suitably.profiles.user_columns import moments_in, user_column
from suitably.utils.pieces import recoded, stacked, texts_of

__all__ = ["Statement"]

_NEVER = np.datetime64("9999-12-31", "us")


@dataclass(frozen=True)
class Statement:
    """What each user stated.

    Attributes:
        codes: int32 (users,), positions in `levels`, −1 where nothing is stated.
        levels: The distinct levels as stated, text or numbers.
        dated: datetime64[us] (users,), when it was stated, NaT if unknown; None where dates are not
            judged.
        expires: datetime64[us] (users,), from when it no longer counts; None likewise.
    """

    codes: NDArray[np.int32]
    levels: NDArray[Any]
    dated: Instants | None = None
    expires: Instants | None = None

    def __len__(self) -> int:
        return len(self.codes)

    @classmethod
    def of(
        cls, view: View, column: str, date: str | None = None, months: int | None = None
    ) -> Self:
        """Read a column of the users frame.

        Args:
            view: The view.
            column: The column with levels: text or numbers.
            date: The column with the date of the answer; None: dates are not judged.
            months: For how many months an answer counts; None: for ever.

        Raises:
            DataError: A column is missing or of another type.
        """
        said = cls(*_levels(user_column(view, column, "RiskAppetite"), column))
        if date is None:
            return said
        return said.dating(user_column(view, date, "RiskAppetite"), date, months, view.clock)

    def dating(self, dates: pa.Array, name: str, months: int | None, clock: Clock) -> Self:
        """Return the same, stated at other dates.

        Args:
            dates: Dates or timestamps (users,).
            name: How their column is called.
            months: For how many months an answer counts; None: for ever.
            clock: The convention of moments.

        Raises:
            DataError: The column is of another type.
        """
        bare = bool(pa.types.is_date(dates.type))
        if bare or months is not None:
            _ask_calendar(name, clock)
        dated = moments_in(dates, f"users.{name}", clock)
        if months is None:
            return replace(self, dated=dated, expires=np.where(np.isnat(dated), dated, _NEVER))
        return replace(self, dated=dated, expires=months_later(dated, months, clock, bare))

    def repeated(self, row: int, times: int) -> Self:
        """Return what one user stated, several times over."""
        rows = np.full(times, row)
        dated = None if self.dated is None else self.dated[rows]
        expires = None if self.expires is None else self.expires[rows]
        return replace(self, codes=self.codes[rows], dated=dated, expires=expires)

    @classmethod
    def numbers(cls, values: NDArray[np.float64]) -> Self:
        """Take numbers that were worked out, NaN where they cannot be."""
        known = ~np.isnan(values)
        levels, places = np.unique(values[known], return_inverse=True)
        codes = np.full(len(values), -1, np.int32)
        codes[known] = places
        return cls(codes, levels)

    def counts(self, as_of: Instant | None) -> NDArray[np.bool_]:
        """Return what is stated and counts as of a moment: bool (users,).

        It must be dated strictly before the moment, and the moment lie strictly before it expires.
        """
        stated = self.codes >= 0
        if self.dated is None or self.expires is None:
            return stated
        if as_of is None:
            return np.zeros(len(self), bool)
        valid: NDArray[np.bool_] = stated & (self.dated < as_of) & (as_of < self.expires)
        return valid

    def of_users(self, kept: NDArray[np.bool_]) -> Self:
        """Return that of some users alone; levels that none of them stated are gone."""
        codes = self.codes[kept]
        used = np.unique(codes[codes >= 0])
        places = np.full(len(self.levels) + 1, -1, codes.dtype)
        places[used] = np.arange(len(used))
        levels = np.array(self.levels[used].tolist(), self.levels.dtype)
        dated, expires = (None if a is None else a[kept] for a in (self.dated, self.expires))
        return type(self)(places[codes], levels, dated, expires)

    def array(self, shown: NDArray[np.bool_] | None = None) -> pa.Array:
        """Return what is stated, null where it is not shown: (users,)."""
        hidden = self.codes < 0 if shown is None else ~shown
        return pa.array(self.levels.tolist(), self.type).take(pa.array(self.codes, mask=hidden))

    @property
    def type(self) -> pa.DataType:
        """The type of the levels."""
        text = self.levels.dtype.kind == "U"
        return pa.string() if text else pa.from_numpy_dtype(self.levels.dtype)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything as arrays; `levels` are not per user."""
        return {name: array for name, array in vars(self).items() if array is not None}

    @classmethod
    def joined(cls, parts: Sequence[Mapping[str, NDArray[Any]]]) -> dict[str, Any]:
        """Join the arrays of what groups of users stated, one after the other."""
        levels, places = texts_of([part["levels"] for part in parts], ordered=False)
        made: dict[str, Any] = {
            name: stacked([part[name] for part in parts]) for name in parts[0] if name != "levels"
        }
        codes = recoded([part["codes"] for part in parts], places)
        return made | {"codes": codes, "levels": levels}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """Take back what `to_arrays` gave."""
        return cls(**arrays)


def _levels(array: pa.Array, name: str) -> tuple[NDArray[np.int32], NDArray[Any]]:
    """Code the distinct levels; an array of fixed-width text needs no pickle to be saved."""
    kind = array.type
    if pa.types.is_null(kind):
        array = array.cast(pa.string())
    elif pa.types.is_decimal(kind):
        array = _whole(array, name)
    elif not (pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise DataError(f"users.{name}: must hold levels (text or numbers), not {in_words(kind)}")
    encoded = array.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    levels = encoded.dictionary
    if pa.types.is_string(levels.type):
        return codes, np.array(levels.to_pylist(), dtype=np.str_)
    return codes, levels.to_numpy(zero_copy_only=False)


def _whole(array: pa.Array, name: str) -> pa.Array:
    try:
        return array.cast(pa.decimal128(38, 0)).cast(pa.int64())
    except pa.ArrowInvalid:
        raise DataError(f"users.{name}: must hold levels, not fractions: {array.type}") from None


def _ask_calendar(name: str, clock: Clock) -> None:
    if clock.asks:
        raise DataError(
            f"users.{name}: how long it counts is a question of dates, and {clock.asks}"
        )
