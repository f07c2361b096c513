"""Fields that a caller's function makes of columns of users and of other builders' fields."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, ClassVar, Self, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data import Dataset, View
from suitably.data.clock import Instant
from suitably.data.frames import read_frame
from suitably.data.values import plain, readable
from suitably.errors import DataError
from suitably.profiles.base import ParameterizedBuilder
from suitably.profiles.functions.from_function_state import (
    FromFunctionState,
    packed_schema,
    unpacked_schema,
)
from suitably.profiles.kept_clock import clock_of, kept_clock
from suitably.profiles.protocol import Builder
from suitably.profiles.provenance import FieldInfo, Origin
from suitably.profiles.user_columns import user_column
from suitably.utils.params import clone, shown
from suitably.utils.pieces import Pieces

__all__ = ["FromFunction"]


class FromFunction(ParameterizedBuilder):
    """Make fields with a function of your own.

    The function is given a row per user, columns of the users frame and fields of other builders,
    and gives back a row per user. It never sees the log: what it should know of it, another builder
    sums up, whose state merges and ages. So an update equals a rebuild whatever the function does.
    It must look at each row by itself, give the same for the same, and cope with no rows.

    A pipeline with it is saved by the function's name, and loaded where the function itself is
    handed in: `load(path, trusted=[my_function])`. A lambda, or a function made inside another one,
    has no name of its own: such a pipeline cannot be saved.

    Args:
        function: Called with an Arrow table and the moment, a `pandas.Timestamp`, None in data
            without timestamps. Returns a frame of any kind, or arrays by name.
        makes: What it makes: the fields by name, with how they come about, which is a `FieldInfo`
            or its first word. Sources that are not named are all that the function sees.
        reads: Columns of the users frame that it sees; only these may its fields replace.
        of: Builders whose fields it sees; they are fitted with it, and make no fields of the
            profile themselves.

    Fields:
        As `makes` says. A field keeps the type that it had at the fit.

    Example:
        >>> import pandas as pd
        >>> import pyarrow.compute as pc
        >>> from suitably.data import Dataset
        >>> from suitably.profiles import RecencyFrequencyValue
        >>> def spent_of_income(users, as_of):
        ...     return {"spent_share": pc.divide(users["monetary"], users["income"])}
        >>> builder = FromFunction(spent_of_income, {"spent_share": FieldInfo("derived", "share")},
        ...                        reads=["income"], of=[RecencyFrequencyValue()])
        >>> log = pd.DataFrame({"user_id": [1, 1], "product_id": ["a", "b"], "value": [5.0, 20.0]})
        >>> users = pd.DataFrame({"user_id": [1, 2], "income": [100.0, None]})
        >>> data = Dataset(users, None, log)
        >>> builder.fit(data).transform(data)
           user_id  spent_share
        0        1         0.25
        1        2          NaN
        >>> builder.provenance("spent_share").sources
        ('users.income', 'interactions.timestamp', 'interactions', 'interactions.value')
    """

    learned: ClassVar[tuple[str, ...]] = ("of_", "types_")
    state_type: ClassVar[type[FromFunctionState]] = FromFunctionState

    def __init__(
        self,
        function: Callable[[pa.Table, Any], Any],
        makes: Mapping[str, FieldInfo | str],
        reads: Sequence[str] = (),
        of: Sequence[Any] = (),
    ) -> None:
        self.function = function
        self.makes = makes
        self.reads = reads
        self.of = of

    @property
    def described(self) -> dict[str, FieldInfo]:
        """What it says of each field."""
        seen = [f"users.{name}" for name in self.reads]
        for builder in self.of:
            for field in builder.fields:
                seen += getattr(builder.provenance(field), "sources", ())
        sources = tuple(dict.fromkeys(seen))
        infos = {
            name: info if isinstance(info, FieldInfo) else FieldInfo(info)  # type: ignore[arg-type]
            for name, info in self.makes.items()
        }
        return {
            name: info if info.sources else replace(info, sources=sources)
            for name, info in infos.items()
        }

    def state(self) -> dict[str, Any]:
        """Return the parameters and what was learned; the fields in their order."""
        makes = [
            [name, asdict(info) if isinstance(info, FieldInfo) else info]
            for name, info in self.makes.items()
        ]
        return super().state() | {"makes": makes}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Make it of what `state` gave."""
        makes = {
            name: info
            if isinstance(info, str)
            else FieldInfo(**{**info, "sources": tuple(info["sources"])})
            for name, info in state["makes"]
        }
        return super().from_state({**state, "makes": makes})

    def accumulate(self, view: View) -> FromFunctionState:
        """Keep the columns as they stand in a view, and what the builders accumulate.

        Raises:
            DataError: A column is missing.
            ValueError: A parameter that is none.
        """
        self.check_params()
        columns = {name: user_column(view, name, "FromFunction") for name in self.reads}
        parts = tuple(builder.accumulate(view).to_arrays() for builder in self._builders)
        return FromFunctionState.of(len(view.users), kept_clock(view.clock), columns, parts)

    def merge(self, a: FromFunctionState, b: FromFunctionState) -> FromFunctionState:
        """Join what the builders accumulated; the columns are taken from the later state.

        Raises:
            DataError: `b` knows fewer users than `a`, so it cannot be the later one.
        """
        if len(b) < len(a):
            raise DataError(f"{len(b)} users cannot follow {len(a)}: the states are swapped")
        joint = []
        for builder, *both in zip(self._builders, a.parts, b.parts, strict=True):
            states = [builder.state_type.from_arrays(arrays) for arrays in both]
            joint.append(builder.merge(*states).to_arrays())
        return replace(b, parts=tuple(joint))

    def of_users(self, state: FromFunctionState, kept: NDArray[np.bool_]) -> FromFunctionState:
        """Return the columns and the builders' states of some users alone: bool (users,)."""
        parts = []
        for builder, arrays in zip(self._builders, state.parts, strict=True):
            part = builder.of_users(builder.state_type.from_arrays(arrays), kept)
            parts.append(part.to_arrays())
        return state.of_users(kept, tuple(parts))

    def joined(
        self, parts: Sequence[Mapping[str, NDArray[Any]]]
    ) -> dict[str, NDArray[Any] | Pieces]:
        """Join the states of groups of users, one after the other, by its builders' own ways."""
        return FromFunctionState.joined(parts, self._builders)

    def finalise(self, state: FromFunctionState, as_of: Instant | None) -> pa.Table:
        """Call the function on everybody as of a moment.

        Raises:
            DataError: It gives other columns, other rows, an infinite number, or another type than
                at the fit.
        """
        made = self._called(state, as_of)
        if not hasattr(self, "types_"):
            return made
        types = unpacked_schema(self.types_)
        arrays = [self._typed(made[field.name], field.name, field.type) for field in types]
        return pa.table(arrays, names=types.names)

    def check_params(self) -> None:
        """Refuse what is no function, no field, no list of columns or no builder: ValueError."""
        name = type(self).__name__
        if not callable(self.function):
            raise ValueError(f"{shown(self, 'function')}: must be a function")
        if not isinstance(self.makes, Mapping) or not self.makes:
            raise ValueError(f"{shown(self, 'makes')}: must be the fields by name")
        for field, info in self.makes.items():
            origin = info.origin if isinstance(info, FieldInfo) else info
            if not isinstance(field, str) or origin not in get_args(Origin):
                raise ValueError(
                    f"{name}(makes={{{field!r}: {info!r:.60}}}): must be a FieldInfo, or one of "
                    f"{', '.join(get_args(Origin))}"
                )
        for part, wanted, kind in (("reads", "columns", str), ("of", "builders", Builder)):
            several = getattr(self, part)
            if not isinstance(several, list | tuple) or not all(
                isinstance(one, kind) for one in several
            ):
                raise ValueError(f"{shown(self, part)}: must be a list of {wanted}")
        seen = [*self.reads, *(field for builder in self.of for field in builder.fields)]
        if not seen:
            raise ValueError(f"{name}: the function sees nothing; name columns in reads=, or of=")
        twice = sorted({one for one in seen if seen.count(one) > 1})
        if twice:
            raise ValueError(f"{name}: the function would see {', '.join(twice)} twice")

    @property
    def _builders(self) -> list[Any]:
        return list(getattr(self, "of_", self.of))

    @property
    def _named(self) -> str:
        function = getattr(self.function, "__qualname__", repr(self.function))
        return f"{type(self).__name__}: {function}"

    def _called(self, state: FromFunctionState, as_of: Instant | None) -> pa.Table:
        columns = state.columns()
        for builder, arrays in zip(self._builders, state.parts, strict=True):
            fields = builder.finalise(builder.state_type.from_arrays(arrays), as_of)
            columns |= {name: fields[name] for name in fields.column_names}
        moment = None if as_of is None else clock_of(state.clock).stamp(as_of)
        given = self.function(pa.table(columns), moment)
        table = self._table(given)
        if set(table.column_names) != set(self.makes):
            raise DataError(
                f"{self._named} gave columns {table.column_names}, not {list(self.makes)}"
            )
        if table.num_rows != len(state):
            raise DataError(f"{self._named} gave {table.num_rows} rows for {len(state)} users")
        return table.select(list(self.makes))

    def _table(self, given: Any) -> pa.Table:
        """Read what the function gave: missing values are null, and none is infinite."""
        if not isinstance(given, Mapping):
            table, _ = read_frame(given, self._named)
        else:
            try:
                table = pa.table(dict(given))
            except (pa.ArrowException, TypeError, ValueError) as error:
                raise DataError(f"{self._named} gave what is no table: {error}") from None
        arrays = {}
        for name in table.column_names:
            array = readable(plain(table[name].combine_chunks()), f"{self._named}, {name}")
            if pa.types.is_floating(array.type) and np.isinf(_numbers(array)).any():
                raise DataError(f"{self._named}, {name}: gave infinite numbers")
            arrays[name] = array
        return pa.table(arrays) if arrays else table

    def _typed(self, column: pa.ChunkedArray, name: str, kind: pa.DataType) -> pa.ChunkedArray:
        if pa.types.is_null(kind) or column.type == kind:
            return column
        try:
            return column.cast(kind)
        except pa.ArrowException:
            raise DataError(
                f"{self._named}, {name}: gave {column.type}, and at the fit it was {kind}"
            ) from None

    def _learn(self, data: Dataset, as_of: Any) -> None:
        self.of_ = [clone(builder).fit(data, as_of) for builder in self.of]
        view = data.view(as_of)
        made = self._called(self.accumulate(view), view.as_of)
        self.types_ = packed_schema(made.schema)


def _numbers(array: pa.Array) -> NDArray[np.float64]:
    found: NDArray[np.float64] = array.to_numpy(zero_copy_only=False)
    return found
