"""The risk level that a user stated, for as long as the questionnaire holds."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data import Clock, Dataset, View
from suitably.data.clock import Instant, Instants, months_later
from suitably.errors import DataError
from suitably.profiles.base import ParameterizedBuilder
from suitably.profiles.provenance import FieldInfo
from suitably.profiles.user_columns import user_column
from suitably.utils.params import check_positive_int

__all__ = ["RiskAppetite", "RiskAppetiteState"]

_NEVER = np.datetime64("9999-12-31", "us")


@dataclass(frozen=True)
class RiskAppetiteState:
    """What is kept per user.

    Attributes:
        codes: int32 (users,), positions in `levels`, −1 where no level is stated.
        levels: The distinct levels as stated, text or numbers.
        dated: datetime64[us] (users,), when the questionnaire was answered, NaT if unknown; None
            where dates are not judged.
        expires: datetime64[us] (users,), from when it no longer counts; None likewise.
    """

    codes: NDArray[np.int32]
    levels: NDArray[Any]
    dated: Instants | None
    expires: Instants | None

    def __len__(self) -> int:
        return len(self.codes)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything as arrays; `levels` are not per user."""
        arrays: dict[str, NDArray[Any]] = {"codes": self.codes, "levels": self.levels}
        if self.dated is not None and self.expires is not None:
            arrays |= {"dated": self.dated, "expires": self.expires}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """Take back what `to_arrays` gave."""
        dated, expires = arrays.get("dated"), arrays.get("expires")
        return cls(arrays["codes"], arrays["levels"], dated, expires)


@dataclass(eq=False, repr=False)
class RiskAppetite(ParameterizedBuilder):
    """Return the stated risk level while its questionnaire is valid, and never another one.

    A level counts if its questionnaire is dated strictly before `as_of`, and `as_of` lies strictly
    before that date plus `valid_months`; a questionnaire without a date does not count. The level
    is passed on or withheld: nothing here raises or lowers it. In data without timestamps no date
    can be judged, so that a level with a date is withheld and `risk_review` is null.

    Args:
        level: Column of the users frame with the stated level.
        date: Column with the date of the questionnaire (dates or timestamps); None: dates are not
            judged at all, and a stated level counts whenever its row is visible.
        valid_months: Calendar months for which a questionnaire counts, the end clamped to the end
            of the month; None: for ever.

    Fields:
        risk_level: The level as stated, while it counts; else null.
        risk_review: Whether a new questionnaire is due: the level is missing or does not count.

    Example:
        >>> from datetime import date
        >>> import pyarrow as pa
        >>> from suitably.data import Dataset
        >>> users = pa.table({"user_id": [1, 2, 3], "risk_level": ["C2", "C4", None],
        ...                   "questionnaire_date": [date(2024, 2, 29), date(2022, 6, 1), None]})
        >>> log = pa.table({"user_id": [1], "product_id": ["a"], "timestamp": [date(2024, 3, 1)]})
        >>> data = Dataset(users, None, log)
        >>> RiskAppetite().fit(data, "2024-06-01").transform(data).to_pydict()
        {'user_id': [1, 2, 3],
         'risk_level': ['C2', None, None],
         'risk_review': [False, True, True]}
    """

    level: str = "risk_level"
    date: str | None = "questionnaire_date"
    valid_months: int | None = 12

    state_type: ClassVar[type[RiskAppetiteState]] = RiskAppetiteState

    @property
    def described(self) -> dict[str, FieldInfo]:
        """What it says of each field."""
        sources = tuple(f"users.{name}" for name in self.reads)
        until = f"{self.valid_months} months after {self.date}" if self.valid_months else ""
        return {
            "risk_level": FieldInfo("stated", sources=sources, expires=until),
            "risk_review": FieldInfo("derived", sources=sources),
        }

    @property
    def reads(self) -> tuple[str, ...]:
        """Columns of the users frame: the level and, where it is judged, the date."""
        return (self.level,) if self.date is None else (self.level, self.date)

    def accumulate(self, view: View) -> RiskAppetiteState:
        """Read the levels and dates as they stand in a view.

        Raises:
            DataError: A column is missing or of another type.
            ValueError: `valid_months` is not a positive whole number, or given without `date`.
        """
        self.check_params()
        codes, levels = _levels(user_column(view, self.level, self), self.level)
        if self.date is None:
            return RiskAppetiteState(codes, levels, None, None)
        dated = _moments(user_column(view, self.date, self), self.date, view.clock)
        if self.valid_months is None:
            expires = np.where(np.isnat(dated), dated, _NEVER)
        else:
            _ask_calendar(self.date, view.clock)
            expires = months_later(dated, self.valid_months, view.clock)
        return RiskAppetiteState(codes, levels, dated, expires)

    def merge(self, a: RiskAppetiteState, b: RiskAppetiteState) -> RiskAppetiteState:
        """Return the later state: it was read from the fields of every user, as they stand.

        Raises:
            DataError: `b` knows fewer users than `a`, so it cannot be the later one.
        """
        if len(b) < len(a):
            raise DataError(f"{len(b)} users cannot follow {len(a)}: give all users' fields anew")
        return b

    def finalise(self, state: RiskAppetiteState, as_of: Instant | None) -> pa.Table:
        """Return the two fields as of a moment."""
        stated = state.codes >= 0
        unknown = np.zeros(len(state), bool)
        valid = stated
        if state.dated is not None and state.expires is not None:
            if as_of is None:
                unknown = stated
                valid = np.zeros(len(state), bool)
            else:
                valid = stated & (state.dated < as_of) & (as_of < state.expires)
        levels = pa.array(state.levels.tolist(), _arrow_type(state.levels))
        return pa.table(
            {
                "risk_level": levels.take(pa.array(state.codes, mask=~valid)),
                "risk_review": pa.array(~valid, mask=unknown),
            }
        )

    def check_params(self) -> None:
        """Refuse `valid_months` that is no positive integer, or given without `date`: ValueError.

        None is fine with or without a date.
        """
        if self.valid_months is None:
            return
        if self.date is None:
            raise ValueError(
                f"{type(self).__name__}(valid_months={self.valid_months!r}): needs a date; "
                f"without one it must be None"
            )
        check_positive_int(self, "valid_months")

    def _learn(self, data: Dataset, as_of: Any) -> None:
        self.accumulate(data.view(as_of))


def _levels(array: pa.Array, name: str) -> tuple[NDArray[np.int32], NDArray[Any]]:
    """Code the distinct levels; an array of fixed-width text needs no pickle to be saved."""
    kind = array.type
    if pa.types.is_null(kind):
        array = array.cast(pa.string())
    elif pa.types.is_decimal(kind):
        array = _whole(array, name)
    elif not (pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise DataError(f"users.{name}: must hold levels (text or numbers), not {kind}")
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


def _arrow_type(levels: NDArray[Any]) -> pa.DataType:
    return pa.string() if levels.dtype.kind == "U" else pa.from_numpy_dtype(levels.dtype)


def _moments(array: pa.Array, name: str, clock: Clock) -> Instants:
    kind = array.type
    if pa.types.is_date(kind):
        _ask_calendar(name, clock)
    elif pa.types.is_null(kind):
        array = array.cast(pa.timestamp("us", clock.zone))
    elif not pa.types.is_timestamp(kind):
        raise DataError(f"users.{name}: must hold dates or timestamps, not {kind}")
    elif kind.tz is not None and clock.zone is None:
        raise DataError(f"users.{name}: has a time zone ({kind.tz}), but the data is naive")
    elif kind.tz is None and clock.zone is not None:
        raise DataError(f"users.{name}: has no time zone, but the data has one ({clock.zone})")
    return clock.moments(array, f"users.{name}")


def _ask_calendar(name: str, clock: Clock) -> None:
    if clock.asks:
        raise DataError(
            f"users.{name}: how long it counts is a question of dates, and {clock.asks}"
        )
